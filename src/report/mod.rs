//! What a run came to: the failures CSV and the audit report, one format a file.
//!
//! Reads the journal, never a live run, so that a report can be had at any time and again.

mod audit;
mod error;
mod failures;
mod guard;
mod html;
mod summary;
mod undo;
mod whole;

pub use audit::{Format, write_audit};
pub use error::ReportError;
pub use failures::write_failures;
pub use guard::defused;
pub use summary::{by_organization, write_text};
pub use undo::write_undo;
pub use whole::write_whole;
