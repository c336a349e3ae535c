//! The real binary from outside, against the sandbox and against a service that says what a test
//! wants it to say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answers;
mod audit;
mod beside;
mod changes;
mod columns;
mod crash;
mod disk;
mod files;
mod fit;
mod forms;
mod harness;
mod holders;
mod hostile;
mod input;
mod journal;
mod lifecycle;
mod lock;
mod network;
mod night;
mod outcomes;
mod outputs;
mod partition;
mod record;
mod rehearse;
mod report;
mod sandbox;
mod scripted;
mod secrets;
#[cfg(feature = "failpoints")]
mod steps;
mod stories;
mod terminal;
mod tokens;
mod undo;
