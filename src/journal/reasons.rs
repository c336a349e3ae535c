//! Why operations were not done, and how long a run has taken.

use rusqlite::OptionalExtension as _;

use super::error::JournalError;
use super::open::Reader;
use crate::domain::RunId;

/// A code, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The code.
    pub code: String,
    /// How many operations have it.
    pub count: u64,
    /// The words that came with it, of one of them.
    pub message: String,
    /// Whether others have other words.
    pub varies: bool,
    /// Whether these operations were never sent.
    pub is_invalid: bool,
}

impl Reader {
    /// Why operations were not done, the most frequent code first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn reasons(&self, run: RunId) -> Result<Vec<Reason>, JournalError> {
        let sql = "SELECT code, count(*), min(message), 0, max(message) FROM failure WHERE run_id = ?1 GROUP BY code
             UNION ALL
             SELECT code, count(*), min(message), 1, max(message) FROM invalid_row WHERE run_id = ?1 GROUP BY code
             ORDER BY 2 DESC, 1";
        let read = || -> rusqlite::Result<Vec<Reason>> {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([run.0], |row| {
                let message: Option<String> = row.get(2)?;
                let last: Option<String> = row.get(4)?;
                Ok(Reason {
                    varies: message != last,
                    code: row.get(0)?,
                    count: row.get(1)?,
                    message: message.unwrap_or_default(),
                    is_invalid: row.get(3)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(self.wrong())
    }

    /// Milliseconds from a run's beginning to its end; to what happened last, where it has none.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn elapsed_ms(&self, run: RunId) -> Result<u64, JournalError> {
        let sql = "SELECT max(0, coalesce(finished_at,
               (SELECT max(updated_at) FROM batch WHERE batch.run_id = run.run_id), created_at) - created_at)
             FROM run WHERE run_id = ?1";
        let found = self.connection.query_row(sql, [run.0], |row| row.get(0)).optional();
        found.map(Option::unwrap_or_default).map_err(self.wrong())
    }

    /// What a run's last requests show of its pace.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn pace(&self, run: RunId) -> Result<RecentRequests, JournalError> {
        let sql = "SELECT count(*), coalesce(sum(assignments), 0), min(started_at), max(ended_at) FROM
             (SELECT assignments, started_at, ended_at FROM attempts
              WHERE run_id = ?1 AND ended_at IS NOT NULL ORDER BY attempt_id DESC LIMIT ?2)";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(RecentRequests {
                requests: row.get(0)?,
                users: row.get(1)?,
                from: row.get(2)?,
                to: row.get(3)?,
            })
        };
        self.connection.query_row(sql, (run.0, RECENT), read).map_err(self.wrong())
    }

    /// When the last requests of a run left that were answered, RFC 3339, the last one first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn last_departures(&self, run: RunId) -> Result<Vec<String>, JournalError> {
        let sql = "SELECT started_at FROM (
               SELECT attempt_id, started_at FROM attempts
               WHERE run_id = ?1 AND ended_at IS NOT NULL ORDER BY attempt_id DESC LIMIT ?2
             ) ORDER BY started_at DESC";
        let read = || -> rusqlite::Result<Vec<String>> {
            self.connection.prepare(sql)?.query_map((run.0, RECENT), |row| row.get(0))?.collect()
        };
        read().map_err(self.wrong())
    }

    /// Until when no request may leave, in milliseconds since 1970: the service's own wish.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn paused_until(&self, run: RunId) -> Result<Option<i64>, JournalError> {
        let sql = "SELECT paused_until FROM run WHERE run_id = ?1";
        let found = self.connection.query_row(sql, [run.0], |row| row.get(0)).optional();
        found.map(Option::flatten).map_err(self.wrong())
    }
}

/// How many requests tell of the pace.
const RECENT: u32 = 60;

/// The last requests of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRequests {
    /// How many are looked at.
    pub requests: u64,
    /// How many users they carried.
    pub users: u64,
    /// When the first of them left, RFC 3339.
    pub from: Option<String>,
    /// When the last of them was answered, RFC 3339.
    pub to: Option<String>,
}
