//! seatbatch: change the Webex licenses of many people from one CSV file, and lose nothing on the way.
//!
//! The library behind the `seatbatch` program. Data goes one way: [`input`] reads bytes as rows,
//! [`assign`] makes operations and assignments of them, [`journal`] keeps them, [`engine`] decides what
//! to send when, [`webex`] sends it, [`run`] connects the four, and [`report`] tells what came of it.
//! `ARCHITECTURE.md` is the longer story.

/// A named step at which a test lets the process die, as `kill -9` would, to see what is left. Nothing
/// without the feature `failpoints`.
macro_rules! step {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name, |_| std::process::abort());
    };
}
pub(crate) use step;

pub mod assign;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod input;
pub mod journal;
pub mod live;
pub mod pace;
pub mod plan;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod webex;
