//! What to send next, and what follows from an answer: a pure state machine.
//!
//! Owns the order of a run: which batch is planned, committed, sent, settled; when everything
//! waits; when the run ends and why. Events come in with the time and a random number, instructions come
//! out. There is no clock, socket, file, task or random generator here, so that the simulation can
//! be a driver like any other. Knows no HTTP and no SQL.

mod barrier;
mod batch;
mod budget;
mod canary;
mod discovery;
mod health;
mod in_effect;
mod judge;
mod lane;
mod machine;
mod rights;
mod road;
mod settings;
#[cfg(test)]
mod tests;
mod token;
mod verdict;

/// An organization's lane, by its number.
type LaneNo = usize;

/// Who share a pace, by their number.
type RoadNo = usize;

/// Time since the engine was made.
type Time = std::time::Duration;

pub use in_effect::{Effect, OperationEffect};
pub use judge::{Foreign, MayBeDone, Rejection, Verdict, judge};
pub use machine::{Engine, Event, Finding, Instruction, Scope};
pub use settings::{Ending, Settings, backoff};
