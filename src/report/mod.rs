//! What a run came to: the failures CSV and the audit report, one file per format.
//!
//! Reads the journal, never a live run, so that a report can be had at any time and again.

mod aligned;
mod atomic_file;
mod audit;
mod error;
mod failures;
mod spreadsheet;
mod undo;
mod words;

pub(crate) use aligned::aligned;
pub use atomic_file::{Destination, FileHash, Precious, Written, write_whole};
#[cfg(test)]
pub(crate) use audit::ReportDocument;
pub use audit::{Audited, Format, ReportOptions, by_organization, write_audit};
pub use error::{DestinationError, ReportError};
pub use failures::write_failures;
pub use spreadsheet::defused;
pub use undo::{Fate, Undone, write_undo};
#[cfg(feature = "cli")]
pub(crate) use words::{amount, moment, number, time};
