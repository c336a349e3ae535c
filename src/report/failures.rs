//! The failures CSV: the input's own rows, and behind each why it was not done.

mod workbook;

use std::io::{self, Write};
use std::path::Path;

use super::error::{ReportError, plain};
use super::spreadsheet::defused;
use crate::domain::{Line, RunId};
use crate::input::{FAILURE_COLUMNS, FAILURE_COLUMNS_APART, Layout};
use crate::journal::{FailedRow, Reader, RunRow};

/// Writes the failures CSV of a run; of a workbook another workbook, where its `name` ends in `.xlsx`. Returns the
/// number of rows.
///
/// # Errors
/// [`ReportError`].
pub fn write_failures(
    reader: &Reader,
    run: &RunRow,
    name: &Path,
    output: &mut dyn Write,
) -> Result<u64, ReportError> {
    let layout: Layout = serde_json::from_str(&run.layout).map_err(ReportError::Layout)?;
    let is_workbook = name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"));
    if layout.workbook && is_workbook {
        return workbook::write(reader, run.run, &layout, output);
    }
    let line_end = layout.line_end().as_bytes();
    let mut tail = Tail::new(layout.delimiter);
    let mut output = layout.writer(output)?;
    output.write_all(layout.header.as_bytes())?;
    output.write_all(tail.of(added(&layout))?)?;
    output.write_all(line_end)?;
    each_row(reader, run.run, |row| {
        output.write_all(&row.cells)?;
        output.write_all(tail.of(row.columns().each_ref().map(String::as_str))?)?;
        Ok(output.write_all(line_end)?)
    })
}

/// The names of the columns that are added.
const fn added(layout: &Layout) -> [&'static str; FAILURE_COLUMNS.len()] {
    if layout.apart { FAILURE_COLUMNS_APART } else { FAILURE_COLUMNS }
}

/// Hands on what was not done, in file order: a row of several operations once. Returns the number of rows.
fn each_row(
    reader: &Reader,
    run: RunId,
    mut put: impl FnMut(&ToldRow) -> Result<(), ReportError>,
) -> Result<u64, ReportError> {
    let mut rows = 0;
    let mut put = |row: &ToldRow| {
        rows += 1;
        put(row)
    };
    let mut told: Option<ToldRow> = None;
    reader.failures(run, |row| -> Result<(), ReportError> {
        match told.as_mut().filter(|told| told.line == row.key.line) {
            Some(told) => told.add(&row),
            None => {
                if let Some(before) = told.replace(ToldRow::of(&row)) {
                    put(&before)?;
                }
            }
        }
        Ok(())
    })?;
    told.iter().try_for_each(put)?;
    Ok(rows)
}

/// A row of the input, and what is told of its operations: each thing once.
struct ToldRow {
    line: Line,
    cells: Vec<u8>,
    states: Vec<String>,
    codes: Vec<String>,
    messages: Vec<String>,
    statuses: Vec<String>,
    tracking_ids: Vec<String>,
    attempts: u32,
}

impl ToldRow {
    fn of(row: &FailedRow<'_>) -> Self {
        let mut told = Self {
            line: row.key.line,
            cells: row.cells.to_vec(),
            states: Vec::new(),
            codes: Vec::new(),
            messages: Vec::new(),
            statuses: Vec::new(),
            tracking_ids: Vec::new(),
            attempts: 0,
        };
        told.add(row);
        told
    }

    fn add(&mut self, row: &FailedRow<'_>) {
        fn once(list: &mut Vec<String>, text: String) {
            if !text.is_empty() && !list.contains(&text) {
                list.push(text);
            }
        }
        once(&mut self.states, row.state.to_string());
        once(&mut self.codes, row.code.clone());
        once(&mut self.messages, row.message.clone());
        once(&mut self.statuses, row.http_status.map_or_else(String::new, |status| status.to_string()));
        once(&mut self.tracking_ids, row.tracking_id.clone().unwrap_or_default());
        self.attempts = self.attempts.max(row.attempts);
    }

    /// The added columns of a row, in the order of [`FAILURE_COLUMNS`].
    fn columns(&self) -> [String; FAILURE_COLUMNS.len()] {
        let joined = |list: &[String]| defused(&list.join("; ")).into_owned();
        [
            self.line.to_string(),
            joined(&self.states),
            joined(&self.codes),
            joined(&self.messages),
            joined(&self.statuses),
            joined(&self.tracking_ids),
            self.attempts.to_string(),
        ]
    }
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
