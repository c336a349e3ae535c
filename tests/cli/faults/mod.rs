//! What goes wrong around a run: the process, the disk, the network, somebody else.

mod crash;
mod disk;
mod hostile;
mod lock;
mod network;
mod signals;
#[cfg(feature = "failpoints")]
mod steps;
