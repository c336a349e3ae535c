//! The failures CSV: the input's own rows, and behind each why it was not done.

mod workbook;

use std::io::{self, Write};
use std::path::Path;

use super::error::{ReportError, plain};
use super::spreadsheet::defused;
use crate::domain::{AssignmentNo, Item, Line, RunId};
use crate::input::{FAILURE_COLUMNS, FAILURE_COLUMNS_APART, Layout, NOT_AGAIN, with_other_cells};
use crate::journal::{FailedRow, Reader, RowPart, RunRow};

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
    each_row(reader, run.run, &layout, |row| {
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
    layout: &Layout,
    mut put: impl FnMut(&ToldRow) -> Result<(), ReportError>,
) -> Result<u64, ReportError> {
    let mut rows = 0;
    let mut put = |row: &mut ToldRow| {
        rows += 1;
        row.ask_for_the_rest(reader, run, layout)?;
        put(row)
    };
    let mut told: Option<ToldRow> = None;
    reader.failures(run, |row| -> Result<(), ReportError> {
        match told.as_mut().filter(|told| told.line == row.key.line) {
            Some(told) => told.add(&row),
            None => {
                if let Some(mut before) = told.replace(ToldRow::of(&row)) {
                    put(&mut before)?;
                }
            }
        }
        Ok(())
    })?;
    told.iter_mut().try_for_each(put)?;
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
    /// Where the row asks for several operations: whose, and which of them were not done.
    one_of_several: Option<AssignmentNo>,
    items: Vec<Item>,
    /// Options whose part in the row is done, as they stand in the column `state`.
    not_again: Vec<String>,
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
            one_of_several: None,
            items: Vec::new(),
            not_again: Vec::new(),
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
        self.one_of_several = self.one_of_several.or(row.one_of_several);
        self.items.push(row.key.item);
    }

    /// Leaves in the row's cells what was not done alone, so that it asks for exactly that when it is given back.
    fn ask_for_the_rest(&mut self, reader: &Reader, run: RunId, layout: &Layout) -> Result<(), ReportError> {
        let Some(user) = self.one_of_several else { return Ok(()) };
        let mut parts = reader.row_parts(run, user, self.line)?;
        parts.sort_by_key(|part| (part.cell, part.item));
        self.not_again.extend(parts.first().and_then(|part| part.not_again.clone()));
        let mut others: Vec<(usize, String)> = Vec::new();
        for parts in parts.chunk_by(|one, other| one.cell == other.cell) {
            let (left, done): (Vec<&RowPart>, Vec<&RowPart>) =
                parts.iter().partition(|part| self.items.contains(&part.item));
            let Some(cell) = parts.first().and_then(|part| part.cell) else {
                let done = done.iter().filter_map(|part| part.text.as_ref());
                self.not_again.extend(done.map(|option| format!("{NOT_AGAIN}{option}")));
                continue;
            };
            let entries: Option<Vec<&str>> = left.iter().map(|part| part.text.as_deref()).collect();
            match entries {
                _ if done.is_empty() => {}
                Some(entries) => others.push((cell, entries.join("; "))),
                // What cannot be told apart is asked for again as it was.
                None => {}
            }
        }
        if !others.is_empty() {
            self.cells = with_other_cells(&self.cells, layout.delimiter, &others);
        }
        Ok(())
    }

    /// What became of the row, and what need not be asked for again of what options ask for.
    fn state(&self) -> String {
        let all: Vec<&str> = self.states.iter().chain(&self.not_again).map(String::as_str).collect();
        all.join("; ")
    }

    /// The added columns of a row, in the order of [`FAILURE_COLUMNS`].
    fn columns(&self) -> [String; FAILURE_COLUMNS.len()] {
        let joined = |list: &[String]| defused(&list.join("; ")).into_owned();
        [
            self.line.to_string(),
            self.state(),
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
