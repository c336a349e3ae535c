//! An Excel workbook's sheet as records.

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Seek};
use std::thread;

use calamine::{Cell, DataRef, Reader as _, Xlsx, XlsxCellReader, XlsxError};

use super::blocks::{Sink, Source};
use super::marks::{KeptAs, Marks, Place, Sweep};
use super::package::WorkbookParts;
use super::records::{LONGEST_RECORD, Record, RecordError};
use super::sheets::{Sheets, WIDEST, WorkbookError};
use super::shown::{NumberForm, show_date};
use crate::domain::Line;

/// The delimiter of a sheet's rows where they are written as text.
pub(super) const DELIMITER: u8 = b',';
/// An open workbook.
pub(super) struct Workbook<R: Read + Seek> {
    file: Xlsx<R>,
    sheets: Sheets,
    marks: Marks,
}

impl<S: Read + Seek + Clone + Send> Workbook<BufReader<S>> {
    /// Opens it, and finds the sheet: the first that can be seen, unless one is named. What the sheet says beside its
    /// cells' values is looked for while the texts that cells share are read.
    pub(super) fn open(source: S, sheet: Option<&str>) -> Result<Self, WorkbookError> {
        let reading = || BufReader::with_capacity(1 << 16, source.clone());
        let parts = WorkbookParts::of(reading(), sheet)?;
        let (sheet_of, parts_of) = (reading(), &parts);
        let (marks, file) = thread::scope(|scope| {
            let marks = thread::Builder::new().spawn_scoped(scope, move || parts_of.marks(sheet_of));
            let file = parts.weigh(reading()).and_then(|()| {
                // What it keeps in memory has been weighed.
                Xlsx::new(reading()).map_err(|error| refused(&error))
            });
            let marks = match marks {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) => parts.marks(reading()),
            };
            (marks, file)
        });
        Ok(Self { marks: marks?, file: file?, sheets: parts.sheets })
    }
}

impl<R: Read + Seek> Workbook<R> {
    pub(super) fn sheets(&self) -> &Sheets {
        &self.sheets
    }

    /// Columns that the sheet does not show, counted from 0.
    pub(super) fn hidden_columns(&self) -> BTreeSet<u32> {
        self.marks.hidden_columns().clone()
    }

    /// Hands on the sheet's rows.
    pub(super) fn read(mut self, sink: &Sink) {
        match self.file.worksheet_cells_reader(&self.sheets.chosen) {
            Ok(cells) => sink.take_all(&mut SheetRows::new(cells, self.marks, self.sheets.is_from_1904)),
            Err(error) => sink.refuse(RecordError::Workbook(refused(&error))),
        }
    }
}

fn refused(error: &XlsxError) -> WorkbookError {
    match error {
        XlsxError::Password => WorkbookError::Protected,
        XlsxError::NotAWorksheet(_) => WorkbookError::NoSheet,
        _ => WorkbookError::Damaged,
    }
}

/// The rows of a sheet.
struct SheetRows<'w, R: Read + Seek> {
    cells: XlsxCellReader<'w, R>,
    /// By the numbers of styles.
    forms: Vec<NumberForm>,
    /// How numbers are kept.
    number: KeptAs,
    /// The first cell of the next row.
    pending: Option<(Cell<DataRef<'w>>, usize)>,
    last: u32,
    ended: bool,
    sweep: Sweep,
    raw: Vec<u8>,
    text: String,
    ends: Vec<usize>,
    stored: Vec<(u32, KeptAs)>,
}

impl<'w, R: Read + Seek> SheetRows<'w, R> {
    fn new(cells: XlsxCellReader<'w, R>, marks: Marks, is_from_1904: bool) -> Self {
        let code = |style: &calamine::Style| {
            style
                .number_format
                .as_ref()
                .map_or(NumberForm::General, |format| NumberForm::of(&format.format_code))
        };
        let forms = cells.styles().iter().map(code).collect();
        Self {
            cells,
            forms,
            number: if is_from_1904 { KeptAs::NumberSince1904 } else { KeptAs::Number },
            pending: None,
            last: 0,
            ended: false,
            sweep: marks.sweep(),
            raw: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
            stored: Vec::new(),
        }
    }

    fn next_cell(&mut self) -> Result<Option<(Cell<DataRef<'w>>, usize)>, RecordError> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        if self.ended {
            return Ok(None);
        }
        let cell =
            self.cells.next_cell_with_style_id().map_err(|error| RecordError::Workbook(refused(&error)))?;
        self.ended = cell.is_none();
        Ok(cell)
    }

    fn take(&mut self, column: u32, value: &DataRef<'_>, style: usize) {
        // Cells that the sheet does not have between those that it has.
        while self.ends.len() < column as usize {
            self.ends.push(self.text.len());
        }
        let stored = match value {
            DataRef::Int(_) | DataRef::Float(_) => Some(self.number),
            DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Some(KeptAs::Date),
            DataRef::Bool(_) => Some(KeptAs::Boolean),
            DataRef::Error(_) => Some(KeptAs::Error),
            DataRef::String(_) | DataRef::SharedString(_) | DataRef::Empty => None,
        };
        self.stored.extend(stored.map(|stored| (column, stored)));
        let form = self.forms.get(style);
        match value {
            DataRef::Int(number) => {
                #[expect(clippy::cast_precision_loss, reason = "a sheet's numbers are doubles")]
                form.unwrap_or(&NumberForm::General).show(*number as f64, &mut self.text);
            }
            DataRef::Float(number) => form.unwrap_or(&NumberForm::General).show(*number, &mut self.text),
            DataRef::String(text) => self.text.push_str(text),
            DataRef::SharedString(text) => self.text.push_str(text),
            DataRef::Bool(value) => self.text.push_str(if *value { "TRUE" } else { "FALSE" }),
            DataRef::DateTime(date) => show_date(date, &mut self.text),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => self.text.push_str(text),
            DataRef::Error(error) => self.text.push_str(&error.to_string()),
            DataRef::Empty => {}
        }
        self.ends.push(self.text.len());
    }
}

impl<R: Read + Seek> Source for SheetRows<'_, R> {
    fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        self.text.clear();
        self.ends.clear();
        self.stored.clear();
        let mut line = None;
        while let Some((cell, style)) = self.next_cell()? {
            let (row, column) = cell.get_position();
            let here = Line::new(row.saturating_add(1));
            let first = *line.get_or_insert(here);
            if here != first {
                self.pending = Some((cell, style));
                break;
            }
            let is_late = (column as usize) < self.ends.len();
            if matches!(cell.get_value(), DataRef::Empty) {
                continue;
            }
            if column < WIDEST && !is_late {
                self.take(column, cell.get_value(), style);
            } else if !is_white(cell.get_value()) {
                let cell = Place::of(here, column as usize).to_string();
                // A second cell in one place, or one that comes late: nobody knows which is meant.
                let error = if is_late { WorkbookError::Damaged } else { WorkbookError::TooWide { cell } };
                return Err(RecordError::Workbook(error));
            }
        }
        let Some(line) = line else { return Ok(None) };
        if line.get() <= self.last {
            return Err(RecordError::Workbook(WorkbookError::Damaged));
        }
        self.last = line.get();
        if self.text.len() > LONGEST_RECORD {
            return Err(RecordError::TooLong(line));
        }
        let row = line.get() - 1;
        let is_hidden = self.sweep.go_to(row).map_err(RecordError::Workbook)?;
        self.sweep.put(row, &mut self.stored).map_err(RecordError::Workbook)?;
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        self.raw.clear();
        write_row(&mut self.raw, &self.text, &self.ends);
        Ok(Some(Record {
            line,
            raw: &self.raw,
            cells: self.text.as_bytes(),
            gap: 0,
            plain: None,
            ends: &self.ends,
            breaks: 0,
            stored: &self.stored,
            is_hidden,
        }))
    }
}

fn is_white(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::String(text) => text.trim().is_empty(),
        DataRef::SharedString(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// The row as a line of CSV.
fn write_row(raw: &mut Vec<u8>, text: &str, ends: &[usize]) {
    let mut from = 0;
    for (number, end) in ends.iter().enumerate() {
        let cell = text.get(from..*end).unwrap_or_default();
        from = *end;
        if number > 0 {
            raw.push(DELIMITER);
        }
        write_cell(raw, cell, DELIMITER);
    }
}

/// A cell as CSV has it: in quotes where it needs them.
pub(super) fn write_cell(raw: &mut Vec<u8>, cell: &str, delimiter: u8) {
    let needs = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if !cell.bytes().any(needs) {
        raw.extend_from_slice(cell.as_bytes());
        return;
    }
    raw.push(b'"');
    raw.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
    raw.push(b'"');
}
