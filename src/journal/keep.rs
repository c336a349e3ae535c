//! Keeping a journal: a copy while it is in use, and runs whose persons are forgotten.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::params;
use sha2::{Digest as _, Sha256};

use super::{Journal, JournalError, Reader, chain};
use crate::domain::RunId;

/// A finished run that still knows its persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prunable {
    /// The run.
    pub run: RunId,
    /// When it ended, in milliseconds since 1970, UTC.
    pub ended_at: i64,
    /// Its operations.
    pub operations: u64,
    /// Its users.
    pub users: u32,
    /// Its file.
    pub input_path: String,
}

/// Which runs are to be forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that ended before then, in milliseconds since 1970, UTC.
    pub before: Option<i64>,
    /// All but this many of the newest.
    pub keep: Option<usize>,
}

impl Retention {
    /// Chooses among the finished runs, oldest first: what every condition that was given allows to go. None, where none
    /// was given.
    #[must_use]
    pub fn choose(self, finished: &[Prunable]) -> Vec<Prunable> {
        if self == Self::default() {
            return Vec::new();
        }
        let spared = finished.len().saturating_sub(self.keep.unwrap_or(0));
        finished
            .iter()
            .take(spared)
            .filter(|run| self.before.is_none_or(|before| run.ended_at < before))
            .cloned()
            .collect()
    }
}

/// What a run has in tables of its own.
const OF_A_RUN: [&str; 14] = [
    "assignment",
    "operation",
    "row_name",
    "asked",
    "invalid_row",
    "cell_block",
    "in_effect_before",
    "batch",
    "attempt",
    "exception",
    "target_name",
    "org_span",
    "block",
    "digest",
];

impl Reader {
    /// The finished runs that still know their persons, oldest first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn prunable(&self) -> Result<Vec<Prunable>, JournalError> {
        let sql = "SELECT run_id, coalesce(finished_at, created_at), total, users, input_path FROM run
                   WHERE state = 'finished' AND pruned_at IS NULL ORDER BY run_id";
        let read = || -> rusqlite::Result<Vec<Prunable>> {
            let of = |row: &rusqlite::Row<'_>| {
                Ok(Prunable {
                    run: RunId(row.get(0)?),
                    ended_at: row.get(1)?,
                    operations: row.get(2)?,
                    users: row.get(3)?,
                    input_path: row.get(4)?,
                })
            };
            self.connection.prepare(sql)?.query_map([], of)?.collect()
        };
        read().map_err(self.wrong())
    }

    /// Copies the journal as it is at this moment, also while another process writes to it.
    ///
    /// # Errors
    /// [`JournalError::Open`] where the copy cannot be there, also where there is a file already.
    pub fn backup(&self, to: &Path) -> Result<(), JournalError> {
        let wrong = |source| JournalError::Open { path: to.to_owned(), source };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Its owner alone can read a temporary file, as is proper for a journal.
        let copy = tempfile::Builder::new().prefix(".seatbatch-").tempfile_in(folder).map_err(wrong)?;
        let name: PathBuf = copy.path().to_owned();
        self.connection
            .execute("VACUUM INTO ?1", [name.to_string_lossy()])
            .map_err(|source| JournalError::of(to, source))?;
        File::open(&name).and_then(|file| file.sync_all()).map_err(wrong)?;
        copy.persist_noclobber(to).map_err(|error| wrong(error.error))?;
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Journal {
    /// Forgets the persons of runs: what was asked, for whom, and what came of it. The runs' counts stay, and the
    /// chain still proves the rest.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn prune(&mut self, runs: &[RunId], now: i64) -> Result<(), JournalError> {
        self.connection.pragma_update(None, "secure_delete", "ON").map_err(self.wrong())?;
        for run in runs {
            self.commit(*run, "pruned", |step| {
                for table in OF_A_RUN {
                    step.execute(&format!("DELETE FROM {table} WHERE run_id = ?1"), [run.0])?;
                }
                step.execute("DELETE FROM output WHERE run_id = ?1", [run.0])?;
                step.execute(
                    "UPDATE run SET pruned_at = ?2, reason = NULL, layout = '{}', settings = '{}' WHERE run_id = ?1",
                    params![run.0, now],
                )?;
                forget_links(step, *run)?;
                // What the links had that are forgotten now, and that stays.
                step.execute("DELETE FROM temp.touched WHERE t <> 8", [])?;
                chain::touch(step, None)?;
                chain::touch(step, Some(run.0))
            })?;
        }
        let wrong = self.wrong();
        self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").map_err(wrong)
    }
}

/// Of a run's links the hashes stay, and of what they held the sums.
fn forget_links(db: &rusqlite::Connection, run: RunId) -> rusqlite::Result<()> {
    let mut links =
        db.prepare("SELECT link_id, payload FROM link WHERE run_id = ?1 AND payload IS NOT NULL")?;
    let sums: Vec<(i64, chain::LinkHash)> = links
        .query_map([run.0], |row| {
            Ok((row.get(0)?, Sha256::digest(row.get_ref(1)?.as_blob().unwrap_or_default()).into()))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut forget = db.prepare("UPDATE link SET payload = NULL, payload_sum = ?2 WHERE link_id = ?1")?;
    sums.iter().try_for_each(|(link, sum)| forget.execute(params![link, sum]).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_old_and_not_among_the_newest() {
        let run = |number: u32, ended_at| Prunable {
            run: RunId(number),
            ended_at,
            operations: 1,
            users: 1,
            input_path: String::new(),
        };
        let finished = [run(1, 10), run(2, 20), run(3, 30)];
        let chosen = |before, keep| -> Vec<u32> {
            Retention { before, keep }.choose(&finished).iter().map(|run| run.run.0).collect()
        };
        assert_eq!(chosen(Some(25), None), [1, 2]);
        assert_eq!(chosen(None, Some(1)), [1, 2]);
        assert_eq!(chosen(Some(15), Some(1)), [1]);
        assert!(chosen(None, Some(9)).is_empty());
    }
}
