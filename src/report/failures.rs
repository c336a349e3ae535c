//! The failures CSV: the input's own rows, and behind each why it was not done.

use std::io::{self, Write};

use super::error::{ReportError, plain};
use super::spreadsheet::defused;
use crate::input::{FAILURE_COLUMNS, Layout};
use crate::journal::{FailedRow, Reader, RunRow};

/// Writes the failures CSV of a run. Returns the number of rows.
///
/// # Errors
/// [`ReportError`].
pub fn write_failures(reader: &Reader, run: &RunRow, output: &mut dyn Write) -> Result<u64, ReportError> {
    let layout: Layout = serde_json::from_str(&run.layout).map_err(ReportError::Layout)?;
    let line_end = layout.line_end().as_bytes();
    let mut tail = Tail::new(layout.delimiter);
    let mut output = layout.writer(output)?;
    output.write_all(layout.header.as_bytes())?;
    output.write_all(tail.of(FAILURE_COLUMNS)?)?;
    output.write_all(line_end)?;
    let mut rows = 0;
    reader.failures(run.run, |row| -> Result<(), ReportError> {
        rows += 1;
        output.write_all(row.cells)?;
        output.write_all(tail.of(columns(&row).each_ref().map(String::as_str))?)?;
        output.write_all(line_end)?;
        Ok(())
    })?;
    Ok(rows)
}

/// The added columns of a row, in the order of [`FAILURE_COLUMNS`].
fn columns(row: &FailedRow<'_>) -> [String; FAILURE_COLUMNS.len()] {
    [
        row.key.line.to_string(),
        row.state.to_string(),
        defused(&row.code).into_owned(),
        defused(&row.message).into_owned(),
        row.http_status.map_or_else(String::new, |status| status.to_string()),
        row.tracking_id.as_deref().map_or_else(String::new, |id| defused(id).into_owned()),
        row.attempts.to_string(),
    ]
}

/// Encodes what stands behind the input's own cells.
struct Tail {
    delimiter: u8,
    bytes: Vec<u8>,
}

impl Tail {
    fn new(delimiter: char) -> Self {
        Self { delimiter: u8::try_from(delimiter).unwrap_or(b','), bytes: Vec::new() }
    }

    /// A delimiter, then the cells, without a line end.
    fn of(&mut self, cells: [&str; FAILURE_COLUMNS.len()]) -> io::Result<&[u8]> {
        self.bytes.clear();
        self.bytes.push(self.delimiter);
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).from_writer(&mut self.bytes);
        writer.write_record(cells).map_err(plain)?;
        writer.flush()?;
        drop(writer);
        self.bytes.pop();
        Ok(&self.bytes)
    }
}
