//! Rows to operations to assignments: every rule of the contract's Input section.
//!
//! A first reading ([`check()`]) finds every problem and learns who is in the file; a second one
//! ([`Intake`]) gives each row its operation and its assignment, now that the whole file
//! is known. Nothing is kept a row but what spills to a temporary file, and a few bytes a user.
//! Knows the input's rows; knows neither the journal nor how anything is sent.

mod check;
mod columns;
mod cross_row;
mod intake;
mod interpretation;
mod numbering;
mod problem;
mod remarks;
mod roster;
mod sorter;
mod targets;
mod wish;
mod words;

pub use check::{CheckError, Checked, Counts, Demand, check};
pub use columns::{ColumnsError, Field};
pub use intake::{Entry, Intake, InvalidRow, PlacedOperation};
pub use interpretation::Interpretation;
pub use problem::{Problem, ProblemCode, Severity};
pub use targets::{LicenseNames, NamesError, NamesTaken, Resolved, TargetNo, Targets};
