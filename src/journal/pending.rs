//! What was done and has yet to be accepted by its user.

use super::{JournalError, Reader};
use crate::domain::{Item, Line, OperationKey, PENDING, RunId};

impl Reader {
    /// The operations whose last answer showed them as pending, in the order of their keys.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn pending_acceptance(&self, run: RunId) -> Result<Vec<OperationKey>, JournalError> {
        // Such an answer is about one user, and names the licenses.
        let sql = "SELECT o.line, o.item FROM batch b
                   CROSS JOIN operation o ON o.run_id = b.run_id AND o.assignment >= b.first AND o.assignment <= b.last
                   CROSS JOIN term t ON t.term_id = o.target_id
                   WHERE b.run_id = ?1 AND b.state = 'done' AND b.said IS NOT NULL AND b.said >= ?2 AND b.said < ?3
                     AND NOT o.removes AND NOT o.unchanged AND instr(b.said, t.text) > 0
                   ORDER BY 1, 2";
        let (from, to) = (format!("{PENDING}: "), format!("{PENDING};"));
        let read = || -> rusqlite::Result<Vec<OperationKey>> {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map(rusqlite::params![run.0, from, to], |row| {
                Ok(OperationKey::new(Line::new(row.get(0)?), Item::new(row.get(1)?)))
            })?;
            rows.collect()
        };
        read().map_err(|source| JournalError::of(&self.path, source))
    }
}
