//! Rows to operations to assignments: every rule of the contract's Input section.
//!
//! A first reading ([`check()`]) finds every problem and learns who is in the file; a second one
//! ([`SecondReading`]) gives each operation its assignment, now that the whole file
//! is known. Nothing is kept per row but what spills to a temporary file, and a few bytes per user. What people call
//! things (columns, operations, services, nothing) is data: `columns/*.csv` and `words/*.csv`.
//! Knows the input's rows; knows neither the journal nor how anything is sent.

mod addresses;
mod bystanders;
mod cells;
mod check;
mod columns;
mod counts;
mod cross_row;
mod days;
mod extensions;
mod field;
mod gathering;
mod going;
mod interpretation;
mod names;
mod problem;
mod remarks;
mod remedy;
mod roster;
mod row;
mod said;
mod second_reading;
mod sending_order;
mod service_name;
mod share;
mod sorter;
mod targets;
mod wanted;
mod whole;
mod words;

use crate::domain::spelling;

pub use addresses::{AddressFault, addresses};
pub use bystanders::{Bystander, BystanderError, bystanders};
pub use check::{CheckError, Checked, check};
pub use columns::ColumnsError;
pub use counts::{Counts, Demand};
pub use field::Field;
pub use interpretation::{Bundle, Due, Interpretation, Request, ServiceMode};
pub use names::{HeldLicenses, Known, KnownLicense, LicenseNames};
pub use problem::{Problem, ProblemCode, Severity};
pub use remedy::Remedy;
pub use second_reading::{Asked, InvalidRow, Placed, PlacedOperation, PlacedRow, SecondReading};
pub use targets::{TargetNo, Targets};
pub use wanted::{holdings_wanted, names_wanted};
