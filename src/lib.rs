//! seatbatch: change the Webex licenses of many people from one file, and lose nothing on the way.
//!
//! The library behind the `seatbatch` program. Data goes one way, through one module a stage:
//!
//! | to | use |
//! | --- | --- |
//! | open a CSV file or a workbook and read its rows | [`input::InputFile`] |
//! | find every problem of a file and count what it asks for | [`assign::check()`] |
//! | ask Webex for licenses, units and holders | [`webex::Client`], [`live::Readings`] |
//! | say what the file would do, and how long it would take | [`plan::foresee`], [`plan::forecast()`], [`run::Outlook`] |
//! | take a file into a journal and send it | [`run::import()`], [`run::send`] |
//! | read a journal, also one that is in use | [`journal::Reader`] |
//! | write the failures CSV and the audit report | [`report::write_failures`], [`report::write_audit`] |
//! | decide what to send with a clock and a network of your own | [`engine::Engine`] |
#![cfg_attr(
    feature = "sandbox",
    doc = "| have a Webex of your own to try all that on | [`sandbox::Sandbox`] |"
)]
//!
//! Nothing here reads the environment or writes to a terminal. Of the features, `cli` is the program and `sandbox` the
//! simulator of the API; a library user can do without both (`default-features = false`). What is decided is in modules
//! that know no file, socket or clock ([`domain`], [`pace`], [`engine`], [`plan`]). `ARCHITECTURE.md` is the longer story.
//!
//! ```
//! use seatbatch::assign::{Interpretation, Known, check};
//! use seatbatch::domain::{Order, Rate, RatePer, Wire};
//! use seatbatch::input::InputFile;
//! use seatbatch::plan::{Manner, Stretch, forecast};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("leavers.csv");
//! std::fs::write(
//!     &path,
//!     "email,siteUrl,operation\n\
//!      ann@example.com,a.webex.com,remove\n\
//!      bob@example.com,a.webex.com,remove\n\
//!      bob at example.com,a.webex.com,remove\n",
//! )?;
//! let mut problems = Vec::new();
//! let file = InputFile::open(&path)?;
//! let how = Interpretation::default();
//! let checked = check(&file, &how, Order::File, Known::nothing(), &mut |problem| problems.push(problem.clone()))?;
//! assert_eq!((checked.counts().removes, checked.counts().invalid), (2, 1));
//! assert_eq!(problems.iter().map(|problem| problem.line.get()).collect::<Vec<_>>(), [4]);
//!
//! // One request of up to 100 users, at most 300 a minute.
//! let rate: Rate = "300/min".parse()?;
//! let manner = Manner {
//!     batch_size: 100,
//!     rate,
//!     rate_per: RatePer::Run,
//!     found_period: None,
//!     wire: Wire::Array,
//!     found: None,
//! };
//! let parts: Vec<Stretch> =
//!     (0..).zip(checked.organizations()).map(|(org, users)| Stretch { org, users: *users }).collect();
//! assert_eq!(forecast(&parts, &manner).requests().all, 1);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

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
#[cfg(feature = "cli")]
mod cli;
pub mod domain;
pub mod engine;
pub mod input;
pub mod journal;
pub mod live;
pub mod pace;
pub mod plan;
pub mod report;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod webex;

/// Reads a text as `seatbatch.toml`, for the fuzzer.
///
/// # Errors
/// What is wrong with it.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub fn try_config(text: &str, profile: Option<&str>) -> Result<(), String> {
    cli::try_config(text, profile)
}

/// Runs the program with the process's arguments: all that `src/main.rs` does.
#[cfg(feature = "cli")]
#[doc(hidden)]
#[must_use]
pub fn main() -> std::process::ExitCode {
    cli::main()
}
