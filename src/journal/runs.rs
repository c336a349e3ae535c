//! The runs of a journal, and how each stands.

use std::borrow::Cow;
use std::path::PathBuf;

use rusqlite::{OptionalExtension as _, Row, params};

#[cfg(not(unix))]
use super::word::strange;
use super::word::word;
use super::{Journal, JournalError, Reader};
use crate::domain::{Partition, RunId, RunState};

/// Counts of a run's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tally {
    /// Operations asked for.
    pub total: u64,
    /// Done, and committed as such.
    pub done: u64,
    /// Failed.
    pub failed: u64,
    /// Still to be sent.
    pub pending: u64,
    /// Sent, and nobody knows whether they were done.
    pub in_doubt: u64,
    /// Not to be sent: something is wrong with the row.
    pub invalid: u64,
    /// Not sent: what they ask for was in effect before.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self { total, done, failed, pending, in_doubt, invalid, unchanged } = other;
        self.total += total;
        self.done += done;
        self.failed += failed;
        self.pending += pending;
        self.in_doubt += in_doubt;
        self.invalid += invalid;
        self.unchanged += unchanged;
    }
}

/// A run, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its number.
    pub run: RunId,
    /// The file as the user named it.
    pub input_path: PathBuf,
    /// Its SHA-256.
    pub input_sha256: String,
    /// Where it stands.
    pub state: RunState,
    /// Why it is paused.
    pub reason: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub finished_at: Option<String>,
    /// Its operations, counted.
    pub tally: Tally,
    /// The users of its file.
    pub users: u32,
    /// What the failures CSV takes over, as JSON.
    pub layout: String,
    /// How it is sent, as JSON.
    pub settings: String,
    /// The form that was found to be understood.
    pub wire: Option<String>,
    /// Who began it, as the operating system calls them.
    pub os_user: Option<String>,
    /// On which machine.
    pub host: Option<String>,
    /// With which release of this program.
    pub version: Option<String>,
    /// Its persons are forgotten, and with them what it asked.
    pub is_pruned: bool,
}

impl RunRow {
    /// The file as the user named it, in words.
    #[must_use]
    pub fn input_name(&self) -> Cow<'_, str> {
        self.input_path.to_string_lossy()
    }
}

const RUN_COLUMNS: &str =
    "v.run_id, v.input_path, v.input_sha256, v.state, r.reason, v.created_at, v.finished_at,
    v.total, v.done, v.failed, v.pending, v.in_doubt, v.invalid, r.users, r.layout, r.settings, r.wire,
    v.unchanged, v.os_user, v.host, v.version, r.input_path_bytes, r.pruned_at IS NOT NULL
    FROM runs v JOIN run r ON r.run_id = v.run_id";

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        run: RunId(row.get(0)?),
        input_path: path(row.get(1)?, row.get(21)?)?,
        input_sha256: row.get(2)?,
        state: word(row, 3, "run state", RunState::from_word)?,
        reason: row.get(4)?,
        created_at: row.get(5)?,
        finished_at: row.get(6)?,
        tally: Tally {
            total: row.get(7)?,
            done: row.get(8)?,
            failed: row.get(9)?,
            pending: row.get(10)?,
            in_doubt: row.get(11)?,
            invalid: row.get(12)?,
            unchanged: row.get(17)?,
        },
        users: row.get(13)?,
        layout: row.get(14)?,
        settings: row.get(15)?,
        wire: row.get(16)?,
        os_user: row.get(18)?,
        host: row.get(19)?,
        version: row.get(20)?,
        is_pruned: row.get(22)?,
    })
}

/// A path from its text, or from its own bytes where it is none.
fn path(text: String, bytes: Option<Vec<u8>>) -> rusqlite::Result<PathBuf> {
    let Some(bytes) = bytes else { return Ok(text.into()) };
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        Ok(std::ffi::OsString::from_vec(bytes).into())
    }
    #[cfg(not(unix))]
    {
        Err(strange(1, "path of another system", String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Reader {
    /// Every run, oldest first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn runs(&self) -> Result<Vec<RunRow>, JournalError> {
        let read = || -> rusqlite::Result<Vec<RunRow>> {
            self.connection
                .prepare(&format!("SELECT {RUN_COLUMNS} ORDER BY v.run_id"))?
                .query_map([], run_row)?
                .collect()
        };
        read().map_err(self.wrong())
    }

    /// One run: the one asked for, or the newest; `None` where the journal has none.
    ///
    /// # Errors
    /// [`JournalError`], [`JournalError::NoRun`] where the one asked for is not there.
    pub fn run(&self, asked: Option<RunId>) -> Result<Option<RunRow>, JournalError> {
        let sql =
            format!("SELECT {RUN_COLUMNS} WHERE ?1 IS NULL OR v.run_id = ?1 ORDER BY v.run_id DESC LIMIT 1");
        let asked = asked.map(|run| run.0);
        let found = self.connection.query_row(&sql, [asked], run_row).optional().map_err(self.wrong())?;
        match (found, asked) {
            (None, Some(run)) => Err(JournalError::NoRun { run }),
            (found, _) => Ok(found),
        }
    }

    /// The newest run in one of these states.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn newest_unfinished(&self) -> Result<Option<RunRow>, JournalError> {
        let sql = format!(
            "SELECT {RUN_COLUMNS} WHERE v.state IN ('running', 'paused') ORDER BY v.run_id DESC LIMIT 1"
        );
        self.connection.query_row(&sql, [], run_row).optional().map_err(self.wrong())
    }

    /// The newest run of a file with these bytes, or of this part of it, that got beyond its import.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn run_of_file(
        &self,
        sha256: &str,
        partition: Option<Partition>,
    ) -> Result<Option<RunRow>, JournalError> {
        let sql = format!(
            "SELECT {RUN_COLUMNS} WHERE v.input_sha256 = ?1 AND v.state <> 'importing' AND json_extract(r.settings, '$.partition') IS ?2
             ORDER BY v.state = 'finished', v.run_id DESC LIMIT 1"
        );
        let partition = partition.map(|partition| partition.to_string());
        self.connection.query_row(&sql, params![sha256, partition], run_row).optional().map_err(self.wrong())
    }
}

impl Journal {
    /// Whether nothing of a run has been sent, nor is about to be.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn is_untouched(&self, run: RunId) -> Result<bool, JournalError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM batch WHERE run_id = ?1)";
        self.connection.query_row(sql, [run.0], |row| row.get(0)).map_err(self.wrong())
    }

    /// A run as any reader sees it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn run_row(&self, run: RunId) -> Result<RunRow, JournalError> {
        self.reader()?.run(Some(run))?.ok_or(JournalError::NoRun { run: run.0 })
    }
}
