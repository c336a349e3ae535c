//! What reports ask of the journal.

use std::borrow::Cow;
use std::path::PathBuf;

use rusqlite::{OptionalExtension as _, Row, params};

use super::cells::CellRows;
#[cfg(not(unix))]
use super::word::strange;
use super::word::word;
use super::{Journal, JournalError, Reader, chain};
use crate::domain::{
    Action, AssignmentNo, Item, Line, OperationKey, OperationState, Partition, RunId, RunState,
};

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
    /// Not sent: what they ask for was so before.
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
        self.operation.parse().ok().filter(|_| self.state != OperationState::Invalid.as_str())
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
            word(row, 7, "operation", |text| text.parse::<Action>().ok())?;
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
    pub(super) fn wrong(&self) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.path.clone();
        move |source| JournalError::of(&path, source)
    }

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

impl Journal {
    /// Whether nothing of a run has been sent, nor is about to be.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn is_untouched(&self, run: RunId) -> Result<bool, JournalError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM batch WHERE run_id = ?1)";
        self.connection.query_row(sql, [run.0], |row| row.get(0)).map_err(self.wrong())
    }

    /// Keeps which operations are in effect before anything is sent, and with it how the run is to be sent
    /// from here on, as JSON.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_in_effect_before(
        &mut self,
        run: RunId,
        operations: &[OperationKey],
        settings: &str,
    ) -> Result<(), JournalError> {
        self.commit(run, "in effect before", |step| {
            let sql = "INSERT OR IGNORE INTO in_effect_before (run_id, line, item) VALUES (?1, ?2, ?3)";
            let mut insert = step.prepare(sql)?;
            operations.iter().try_for_each(|key| {
                insert.execute(params![run.0, key.line.get(), key.item.get()]).map(drop)
            })?;
            chain::sum_table(step, run.0, "in_effect_before")?;
            step.execute("UPDATE run SET settings = ?2 WHERE run_id = ?1", params![run.0, settings]).map(drop)
        })
    }

    /// A run as any reader sees it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn run_row(&self, run: RunId) -> Result<RunRow, JournalError> {
        self.reader()?.run(Some(run))?.ok_or(JournalError::NoRun { run: run.0 })
    }
}
