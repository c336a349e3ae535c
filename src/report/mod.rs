//! What a run came to: the failures CSV and the audit report, one format a file.
//!
//! Reads the journal, never a live run, so that a report can be had at any time and again.

mod atomic_file;
mod audit;
mod error;
mod failures;
mod html;
mod spreadsheet;
mod summary;
mod undo;

pub use atomic_file::{Destination, DestinationError, Precious, Sum, Whole, write_whole};
pub use audit::{Format, write_audit};
pub use error::ReportError;
pub use failures::write_failures;
pub use spreadsheet::defused;
pub use summary::{by_organization, write_text};
pub use undo::write_undo;
