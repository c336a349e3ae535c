//! Which files were written for a run, so that a later one takes the place of nothing that somebody may miss.

use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use super::{Journal, JournalError, Reader};
use crate::domain::RunId;

/// A file that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenFile {
    /// The run that its rows are of; `None` for a report of several.
    pub run: Option<RunId>,
    /// How many rows it has.
    pub rows: u64,
    /// The SHA-256 of its content.
    pub sum: [u8; 32],
}

impl Reader {
    /// What was last written to this path.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn written_file(&self, path: &Path) -> Result<Option<WrittenFile>, JournalError> {
        let sql = "SELECT run_id, rows, sha256 FROM output WHERE path = ?1";
        let found = self.connection.query_row(sql, [path.as_os_str().as_encoded_bytes()], |row| {
            let run = row.get::<_, Option<u32>>(0)?.map(RunId);
            Ok(WrittenFile { run, rows: row.get(1)?, sum: row.get(2)? })
        });
        found.optional().map_err(self.wrong())
    }
}

impl Journal {
    /// Keeps what was written to a path, at a time in milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn keep_written_file(
        &mut self,
        path: &Path,
        file: &WrittenFile,
        now: i64,
    ) -> Result<(), JournalError> {
        let sql = "INSERT OR REPLACE INTO output (path, run_id, rows, sha256, written_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let run = file.run.map(|run| run.0);
        let values = params![path.as_os_str().as_encoded_bytes(), run, file.rows, file.sum, now];
        self.commit(RunId(0), "output", |step| step.execute(sql, values)).map(drop)
    }
}
