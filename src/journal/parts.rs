//! Rows of several operations, and by which words they ask for each.

use rusqlite::{OptionalExtension as _, params};

use super::{JournalError, Reader};
use crate::domain::{AssignmentNo, Item, Line, RunId};

/// One of the operations of a row that asks for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPart {
    /// Which of them.
    pub item: Item,
    /// The place among the row's own cells, where a cell asks.
    pub cell: Option<usize>,
    /// The entry of that cell, or the option; none where the cell asks for one thing.
    pub text: Option<String>,
    /// What an earlier failures CSV says need not be asked of the row again.
    pub not_again: Option<String>,
}

impl Reader {
    /// What a row asks for that asks for several, whatever has become of each. They are one user's, whose operations
    /// may have been moved to other assignments since.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn row_parts(
        &self,
        run: RunId,
        user: AssignmentNo,
        line: Line,
    ) -> Result<Vec<RowPart>, JournalError> {
        let read = || -> rusqlite::Result<Vec<RowPart>> {
            let mut named = self.connection.prepare_cached(
                "SELECT email IS NOT NULL FROM assignment WHERE run_id = ?1 AND assignment = ?2",
            )?;
            let has_email = named.query_row(params![run.0, user.0], |row| row.get(0)).optional()?;
            let name = if has_email == Some(true) { "email" } else { "person_id" };
            let sql = format!(
                "SELECT o.item, k.cell, k.text, k.not_again
                 FROM assignment me
                 CROSS JOIN assignment a ON a.{name} = me.{name} AND a.run_id = me.run_id
                 CROSS JOIN operation o ON o.run_id = a.run_id AND o.assignment = a.assignment AND o.line = ?3
                 CROSS JOIN asked k ON k.run_id = o.run_id AND k.asked = o.asked
                 WHERE me.run_id = ?1 AND me.assignment = ?2 ORDER BY o.item"
            );
            let mut parts = self.connection.prepare_cached(&sql)?;
            let part = |row: &rusqlite::Row<'_>| {
                Ok(RowPart {
                    item: Item::new(row.get(0)?),
                    cell: row.get::<_, Option<u32>>(1)?.map(|cell| cell as usize),
                    text: row.get(2)?,
                    not_again: row.get(3)?,
                })
            };
            parts.query_map(params![run.0, user.0, line.get()], part)?.collect()
        };
        read().map_err(self.wrong())
    }
}
