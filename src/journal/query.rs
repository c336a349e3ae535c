//! What reports ask of the journal.

use rusqlite::Row;

use super::word::word;
use super::{JournalError, Reader};
use crate::domain::{Action, Item, Line, OperationKey, OperationState, RunId};

/// An operation, as the public view has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OperationRow {
    /// The run's number.
    pub run_id: u32,
    /// The line that the row begins on; the header is line 1.
    pub line: u32,
    /// The user's address, as the file has it.
    pub email: Option<String>,
    /// The user's person ID.
    pub person_id: Option<String>,
    /// The user's organization, where the file or `--org-id` names one.
    pub org_id: Option<String>,
    /// `license` or `site`.
    pub kind: String,
    /// The license's ID or the site's URL.
    pub target: String,
    /// `add` or `remove`.
    pub operation: String,
    /// `pending`, `sending`, `in_doubt`, `done`, `unchanged`, `failed` or `invalid`.
    pub state: String,
    /// The service's code, or ours.
    pub error_code: Option<String>,
    /// The service's words, or ours.
    pub error_message: Option<String>,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// Tracking ID of the last request.
    pub tracking_id: Option<String>,
    /// Requests that carried it.
    pub attempts: u32,
    /// When its state changed last.
    pub updated_at: String,
    /// Which operation of its row, from 1.
    pub item: u16,
    /// The license's name, where the file or the service gave it.
    pub target_name: Option<String>,
}

impl OperationRow {
    /// Its name within the run.
    #[must_use]
    pub const fn key(&self) -> OperationKey {
        OperationKey::new(Line::new(self.line), Item::new(self.item))
    }

    /// What it does; `None` for a row that cannot be sent, which may say anything.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Action::from_word(&self.operation).filter(|_| self.state != OperationState::Invalid.as_str())
    }
}

impl OperationRow {
    /// The columns, in the view's order.
    pub const COLUMNS: [&'static str; 17] = [
        "run_id",
        "line",
        "email",
        "person_id",
        "org_id",
        "kind",
        "target",
        "operation",
        "state",
        "error_code",
        "error_message",
        "http_status",
        "tracking_id",
        "attempts",
        "updated_at",
        "item",
        "target_name",
    ];

    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        if word(row, 8, "operation state", OperationState::from_word)? != OperationState::Invalid {
            word(row, 7, "operation", Action::from_word)?;
        }
        Ok(Self {
            run_id: row.get(0)?,
            line: row.get(1)?,
            email: row.get(2)?,
            person_id: row.get(3)?,
            org_id: row.get(4)?,
            kind: row.get(5)?,
            target: row.get(6)?,
            operation: row.get(7)?,
            state: row.get(8)?,
            error_code: row.get(9)?,
            error_message: row.get(10)?,
            http_status: row.get(11)?,
            tracking_id: row.get(12)?,
            attempts: row.get(13)?,
            updated_at: row.get(14)?,
            item: row.get(15)?,
            target_name: row.get(16)?,
        })
    }
}

impl Reader {
    pub(super) fn wrong(&self) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.path.clone();
        move |source| JournalError::of(&path, source)
    }

    /// Calls `each` for every operation of a run, by line.
    ///
    /// # Errors
    /// [`JournalError`], or what `each` returns.
    pub fn operations<E: From<JournalError>>(
        &self,
        run: RunId,
        each: impl FnMut(OperationRow) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_operation(run, "ORDER BY line, item", each)
    }

    fn each_operation<E: From<JournalError>>(
        &self,
        run: RunId,
        which: &str,
        mut each: impl FnMut(OperationRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = self.wrong();
        let columns = OperationRow::COLUMNS.join(", ");
        let sql = format!("SELECT {columns} FROM operations WHERE run_id = ?1 {which}");
        let mut statement = self.connection.prepare(&sql).map_err(&wrong)?;
        let rows = statement.query_map([run.0], OperationRow::of).map_err(&wrong)?;
        for row in rows {
            each(row.map_err(&wrong)?)?;
        }
        Ok(())
    }

    /// How the operations of each organization stand, in sending order. Rows that cannot be sent belong
    /// to none.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn organizations(&self, run: RunId) -> Result<Vec<OrgTally>, JournalError> {
        let read = || -> rusqlite::Result<Vec<OrgTally>> {
            self.connection
                .prepare(
                    "SELECT t.text, sum(s.rows), sum(s.done), sum(s.failed), sum(s.in_doubt) FROM (
                       SELECT s.first, s.org_id, s.rows,
                         coalesce(sum((b.state = 'done') * (b.rows - b.failed)), 0) AS done,
                         coalesce(sum((b.state = 'done') * b.failed + (b.state = 'failed') * b.rows), 0) AS failed,
                         coalesce(sum((b.state = 'in_doubt') * b.rows), 0) AS in_doubt
                       FROM org_span s LEFT JOIN batch b
                         ON b.run_id = s.run_id AND b.state <> 'split' AND b.first >= s.first AND b.first <= s.last
                       WHERE s.run_id = ?1 GROUP BY s.first
                     ) s LEFT JOIN term t ON t.term_id = s.org_id
                     GROUP BY s.org_id ORDER BY min(s.first)",
                )?
                .query_map([run.0], |row| {
                    let (total, done, failed, in_doubt): (u64, u64, u64, u64) =
                        (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                    let pending = total.saturating_sub(done + failed + in_doubt);
                    Ok(OrgTally { org: row.get(0)?, total, done, failed, in_doubt, pending })
                })?
                .collect()
        };
        read().map_err(self.wrong())
    }

    /// The licenses and sites that a run's operations are about, with the word for their kind.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn targets(&self, run: RunId) -> Result<Vec<(String, String)>, JournalError> {
        let sql = "SELECT kind, text FROM term
                   WHERE term_id IN (SELECT DISTINCT target_id FROM operation WHERE run_id = ?1) ORDER BY 1, 2";
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            self.connection.prepare(sql)?.query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(self.wrong())
    }

    /// How many attempts ended in which outcome, and how many were made.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn attempt_outcomes(&self, run: RunId) -> Result<Vec<(String, u64)>, JournalError> {
        let sql = "SELECT outcome, count(*) FROM attempts WHERE run_id = ?1 AND outcome IS NOT NULL GROUP BY outcome ORDER BY 2 DESC, 1";
        self.pairs(sql, run)
    }

    /// How many requests the run has made, and how many of them had to be made again.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn request_counts(&self, run: RunId) -> Result<(u64, u64), JournalError> {
        let sql =
            // An attempt has a row of its own once another of the same batch has followed it.
            "SELECT count(*), (SELECT count(*) FROM attempt WHERE run_id = ?1)
                   FROM attempts WHERE run_id = ?1 AND outcome IS NOT NULL";
        let counts = self.connection.query_row(sql, [run.0], |row| Ok((row.get(0)?, row.get(1)?)));
        counts.map_err(self.wrong())
    }

    /// How many operations failed, are in doubt or invalid with which code.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn failure_codes(&self, run: RunId) -> Result<Vec<(String, u64)>, JournalError> {
        let sql = "SELECT code, count(*) FROM
             (SELECT code FROM failure WHERE run_id = ?1 UNION ALL SELECT code FROM invalid_row WHERE run_id = ?1)
             GROUP BY code ORDER BY 2 DESC, 1";
        self.pairs(sql, run)
    }

    fn pairs(&self, sql: &str, run: RunId) -> Result<Vec<(String, u64)>, JournalError> {
        let read = || -> rusqlite::Result<Vec<(String, u64)>> {
            self.connection.prepare(sql)?.query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(self.wrong())
    }
}

/// How the operations of one organization stand.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrgTally {
    /// The organization; `None` for that of the token or of `--org-id`.
    pub org: Option<String>,
    /// Operations that can be sent.
    pub total: u64,
    /// Those that are done.
    pub done: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those in doubt.
    pub in_doubt: u64,
    /// Those that are still to be sent.
    pub pending: u64,
}

impl OrgTally {
    /// What to call it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.org.as_deref().unwrap_or("(the token's own)")
    }
}
