//! The failures of a workbook, as a workbook.

use std::io::{self, Write};

use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};

use super::super::error::{ReportError, plain};
use super::{added, each_row};
use crate::domain::RunId;
use crate::input::Layout;
use crate::journal::Reader;

/// Characters that a cell holds at most.
const LONGEST: usize = 32_767;

/// Writes every cell as text: a number or a date would not come back as the row had it, and a formula would run.
pub(super) fn write(
    reader: &Reader,
    run: RunId,
    layout: &Layout,
    output: &mut dyn Write,
) -> Result<u64, ReportError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory().map_err(unwritten)?;
    let mut last = 0;
    put(sheet, last, layout, layout.header.as_bytes(), &added(layout))?;
    let rows = each_row(reader, run, layout, |row| {
        last += 1;
        let columns = row.columns();
        put(sheet, last, layout, &row.cells, &columns.each_ref().map(String::as_str))
    })?;
    output.write_all(&workbook.save_to_buffer().map_err(unwritten)?)?;
    Ok(rows)
}

/// One row: the cells of a line of text, and some behind them.
fn put(
    sheet: &mut Worksheet,
    row: u32,
    layout: &Layout,
    line: &[u8],
    behind: &[&str],
) -> Result<(), ReportError> {
    let delimiter = u8::try_from(layout.delimiter).unwrap_or(b',');
    let mut cells = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line);
    let mut own = csv::ByteRecord::new();
    cells.read_byte_record(&mut own).map_err(plain)?;
    let own = own.iter().map(String::from_utf8_lossy);
    for (column, cell) in (0..).zip(own.chain(behind.iter().map(|cell| (*cell).into()))) {
        if !cell.is_empty() {
            let cell: String = cell.chars().take(LONGEST).collect();
            sheet.write_string(row, column, cell).map_err(unwritten)?;
        }
    }
    Ok(())
}

fn unwritten(error: XlsxError) -> ReportError {
    match error {
        XlsxError::IoError(error) => error.into(),
        XlsxError::RowColumnLimitError => io::Error::other(
            "a sheet does not have room for that many rows and columns; give a name that ends in .csv",
        )
        .into(),
        _ => io::Error::other("the workbook cannot be made; give a name that ends in .csv").into(),
    }
}
