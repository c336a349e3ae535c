//! A CSV whose operations reverse what a run has done.

use std::io::Write;

use super::error::ReportError;
use crate::journal::{OperationRow, Reader, RunRow};

const HEADER: [&str; 7] = ["email", "personId", "orgId", "licenseId", "siteUrl", "accountType", "operation"];

/// Writes the reversing CSV: adds become removes and removes adds, last first. `apply`
/// takes it as it is. Returns the number of rows.
///
/// # Errors
/// [`ReportError`].
pub fn write_undo(reader: &Reader, run: &RunRow, output: &mut dyn Write) -> Result<u64, ReportError> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(HEADER)?;
    let mut rows = 0;
    reader.done_backwards(run.run, |row| -> Result<(), ReportError> {
        rows += 1;
        Ok(writer.write_record(reversed(&row))?)
    })?;
    writer.flush()?;
    Ok(rows)
}

fn reversed(row: &OperationRow) -> [&str; HEADER.len()] {
    fn text(text: &Option<String>) -> &str {
        text.as_deref().unwrap_or_default()
    }
    let (license, site, account) = match row.kind.as_str() {
        "site" => ("", row.target.as_str(), "attendee"),
        _ => (row.target.as_str(), "", ""),
    };
    let operation = if row.operation == "add" { "remove" } else { "add" };
    [text(&row.email), text(&row.person_id), text(&row.org_id), license, site, account, operation]
}
