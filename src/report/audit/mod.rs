//! The audit report: one model of what a run was, and one renderer per format.

mod chart;
mod html;
mod json;
mod model;
mod progress;
mod rows;
mod table;
mod text;
mod words;

use std::io::Write;

use super::error::ReportError;
use crate::journal::{PersonNames, Reader, RunRow};

#[cfg(test)]
pub(crate) use json::ReportDocument;
pub use text::by_organization;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For reading.
    #[default]
    Text,
    /// A line per operation.
    Csv,
    /// One document.
    Json,
    /// One page.
    Html,
}

/// A run, and the journal that has it.
#[derive(Debug)]
pub struct Audited<'a> {
    /// The journal.
    pub reader: &'a Reader,
    /// The run.
    pub run: &'a RunRow,
}

/// What a report is about, and how it is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportOptions<'a> {
    /// Only this user's operations.
    pub user: Option<&'a PersonNames>,
    /// How wide the terminal is that a text goes to.
    pub columns: Option<u16>,
    /// Times in text are UTC rather than those of the clock on the wall.
    pub utc: bool,
    /// Numbers in text have thousands separators.
    pub grouped: bool,
    /// The release that makes the report.
    pub version: &'a str,
}

/// Writes the report of these runs.
///
/// # Errors
/// [`ReportError`].
pub fn write_audit(
    runs: &[Audited<'_>],
    telling: &ReportOptions<'_>,
    format: Format,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    match format {
        Format::Text => text::write(runs, telling, output),
        Format::Csv => table::write(runs, telling, output),
        Format::Json => json::write(runs, telling, output),
        Format::Html => html::write(runs, telling, output),
    }
}
