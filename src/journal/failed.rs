//! The rows that come back in the failures CSV.

use rusqlite::{OptionalExtension as _, Row, params};

use super::cells::CellRows;
use super::word::word;
use super::{JournalError, Reader};
use crate::domain::{AssignmentNo, Item, Line, OperationKey, OperationState, RunId};

/// A row for the failures CSV.
#[derive(Debug)]
pub struct FailedRow<'a> {
    /// Its operation.
    pub key: OperationKey,
    /// Its row's own bytes.
    pub cells: &'a [u8],
    /// `failed`, `in_doubt` or `invalid`.
    pub state: OperationState,
    /// Why, in a code.
    pub code: String,
    /// Why, in words.
    pub message: String,
    /// The last answer's status.
    pub http_status: Option<u16>,
    /// The last answer's tracking ID.
    pub tracking_id: Option<String>,
    /// Requests that carried it.
    pub attempts: u32,
    /// Where its row asks for several operations: the assignment, by which [`Reader::row_parts`] finds the others.
    pub one_of_several: Option<AssignmentNo>,
}

impl Reader {
    /// Calls `each` for every row that belongs into the failures CSV, in file order. What is in
    /// doubt belongs there once the run is over.
    ///
    /// # Errors
    /// [`JournalError`], or what `each` returns.
    pub fn failures<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(FailedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = self.wrong();
        let mut statement = self
            .connection
            .prepare(
                "SELECT line, state, code, message, http_status, tracking_id, attempts, item, asked, assignment FROM failure
                 WHERE run_id = ?1
                   AND (state = 'failed' OR (SELECT state FROM run WHERE run_id = ?1) = 'finished')
                 UNION ALL
                 SELECT line, 'invalid', code, message, NULL, NULL, 0, item, NULL, NULL FROM invalid_row
                 WHERE run_id = ?1
                 ORDER BY line, item",
            )
            .map_err(&wrong)?;
        let mut block = OpenBlock::default();
        let mut rows = statement.query([run.0]).map_err(&wrong)?;
        while let Some(row) = rows.next().map_err(&wrong)? {
            let failed = failed_row(row).map_err(&wrong)?;
            let cells = block.cells(self, run, failed.key.line)?;
            each(FailedRow { cells, ..failed })?;
        }
        Ok(())
    }
}

fn failed_row(row: &Row<'_>) -> rusqlite::Result<FailedRow<'static>> {
    Ok(FailedRow {
        key: OperationKey::new(Line::new(row.get(0)?), Item::new(row.get(7)?)),
        cells: &[],
        state: word(row, 1, "operation state", OperationState::from_word)?,
        code: row.get(2)?,
        message: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        http_status: row.get(4)?,
        tracking_id: row.get(5)?,
        attempts: row.get(6)?,
        one_of_several: row.get::<_, Option<u32>>(8)?.and(row.get::<_, Option<u32>>(9)?).map(AssignmentNo),
    })
}

/// The block read last: failures come in file order, and often close together.
#[derive(Default)]
struct OpenBlock {
    first: Option<u32>,
    rows: CellRows,
}

impl OpenBlock {
    fn cells(&mut self, reader: &Reader, run: RunId, line: Line) -> Result<&[u8], JournalError> {
        let wrong = reader.wrong();
        let strange = || JournalError::Unreadable {
            path: reader.path.clone(),
            what: format!("no cells for line {line}"),
        };
        let sql = "SELECT first_line FROM cell_block WHERE run_id = ?1 AND first_line <= ?2
                   ORDER BY first_line DESC LIMIT 1";
        let mut find = reader.connection.prepare_cached(sql).map_err(&wrong)?;
        let first: u32 = find
            .query_row(params![run.0, line.get()], |row| row.get(0))
            .optional()
            .map_err(&wrong)?
            .ok_or_else(strange)?;
        if self.first != Some(first) {
            let sql = "SELECT cells FROM cell_block WHERE run_id = ?1 AND first_line = ?2";
            let mut get = reader.connection.prepare_cached(sql).map_err(&wrong)?;
            let cells: Vec<u8> = get.query_row([run.0, first], |row| row.get(0)).map_err(&wrong)?;
            self.rows = CellRows::open(&cells).ok_or_else(strange)?;
            self.first = Some(first);
        }
        self.rows.get(line).ok_or_else(strange)
    }
}
