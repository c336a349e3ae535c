//! The one thread that writes while a run is sent.
//!
//! It takes whatever has gathered, commits it as one transaction, then tells whoever waits. The
//! slower the disk, the larger the groups. What belongs together is handed over together: handed over
//! one by one, the first record would be committed alone while the others wait for a second commit.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::{CachedStatement, Connection, params};

use super::{Journal, JournalError, chain};
use crate::domain::{
    AttemptId, AttemptOutcome, BatchChange, BatchId, Intent, OperationFailure, OrgId, Outcome, Part, Refusal,
    RunId,
};

/// What the writer alone makes, after COMMIT: whoever holds it knows that it is on disk.
#[derive(Debug)]
pub struct Committed<T>(T);

impl<T> Committed<T> {
    /// What is on disk.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// An attempt that has ended. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptReport {
    /// Which attempt.
    pub attempt: AttemptId,
    /// When the request left.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// The answer's status.
    pub http_status: Option<u16>,
    /// The answer's `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The answer's tracking ID.
    pub tracking_id: Option<String>,
    /// What was said, where it was not plain success.
    pub message: Option<String>,
}

/// Something to be committed.
#[derive(Debug)]
pub enum LogEntry {
    /// A batch is about to be sent.
    Intent {
        /// The batch, and the attempt.
        intent: Intent,
        /// How many rows of the input it stands for.
        rows: u64,
        /// What the request calls itself.
        tracking_id: String,
    },
    /// A batch has an outcome.
    Outcome {
        /// What became of it.
        outcome: Box<Outcome>,
        /// The attempt, where there was one.
        report: Option<AttemptReport>,
        /// It had an intent: its rows are counted here, and nowhere else.
        had_intent: bool,
    },
    /// No request may leave before this time, in milliseconds since 1970, UTC.
    PausedUntil(i64),
    /// None for this organization.
    OrgPausedUntil(Option<OrgId>, i64),
}

/// What has been committed.
#[derive(Debug)]
pub enum Commit {
    /// The batch may be sent.
    Intent(Committed<Intent>),
    /// The outcome may be reported.
    Outcome(BatchId),
    /// Nothing more can be committed.
    Failed(JournalError),
}

/// A record and the time it was made, in milliseconds since 1970, UTC.
type Stamped = (i64, LogEntry);

/// The writer thread of one run.
#[derive(Debug)]
pub struct Writer {
    gathered: Vec<Stamped>,
    sender: Sender<Vec<Stamped>>,
    thread: JoinHandle<Journal>,
}

impl Writer {
    /// Starts the thread. `on_commit` is called on it once a transaction, with what was committed in the order
    /// of the records.
    #[must_use]
    pub fn start(journal: Journal, run: RunId, on_commit: impl FnMut(Vec<Commit>) + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || write_all(journal, run, &receiver, on_commit));
        Self { gathered: Vec::new(), sender, thread }
    }

    /// Gathers a record for the next [`submit`](Self::submit).
    pub fn gather(&mut self, at: i64, record: LogEntry) {
        self.gathered.push((at, record));
    }

    /// Hands over what has gathered. After a failure it goes nowhere; the failure has been told.
    pub fn submit(&mut self) {
        if !self.gathered.is_empty() {
            let _ = self.sender.send(std::mem::take(&mut self.gathered));
        }
    }

    /// Waits for what was handed over, and gives the journal back.
    ///
    /// # Panics
    /// Where the thread panicked, with its panic.
    #[must_use]
    pub fn close(self) -> Journal {
        drop(self.sender);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn write_all(
    mut journal: Journal,
    run: RunId,
    receiver: &Receiver<Vec<Stamped>>,
    mut on_commit: impl FnMut(Vec<Commit>),
) -> Journal {
    while let Ok(mut group) = receiver.recv() {
        group.extend(receiver.try_iter().flatten());
        let committed = if journal.is_in_place() {
            commit(&mut journal.connection, run, &group).map_err(journal.wrong())
        } else {
            Err(JournalError::Replaced { path: journal.path.clone() })
        };
        if let Err(error) = committed {
            on_commit(vec![Commit::Failed(error)]);
            break;
        }
        let committed = group.into_iter().filter_map(|(_, record)| match record {
            LogEntry::Intent { intent, .. } => {
                crate::step!("intent.committed");
                Some(Commit::Intent(Committed(intent)))
            }
            LogEntry::Outcome { outcome, .. } => {
                crate::step!("outcome.committed");
                Some(Commit::Outcome(outcome.batch))
            }
            LogEntry::PausedUntil(_) | LogEntry::OrgPausedUntil(..) => None,
        });
        on_commit(committed.collect());
    }
    journal
}

fn commit(db: &mut Connection, run: RunId, group: &[Stamped]) -> rusqlite::Result<()> {
    let step = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut writing = Writing::begin(&step, run)?;
    let mut sums = Sums::default();
    for (at, record) in group {
        match record {
            LogEntry::Intent { intent, rows, tracking_id } => {
                sums.intent(intent);
                writing.intent(*at, intent, *rows, tracking_id)?;
                crate::step!("intent.written");
            }
            LogEntry::Outcome { outcome, report, had_intent } => {
                sums.outcome(outcome, *had_intent);
                writing.outcome(*at, outcome, report.as_ref())?;
                crate::step!("outcome.written");
            }
            LogEntry::PausedUntil(until) => writing.execute(
                "UPDATE run SET paused_until = max(coalesce(paused_until, 0), ?2) WHERE run_id = ?1",
                params![run.0, until],
            )?,
            LogEntry::OrgPausedUntil(org, until) => writing.execute(
                "UPDATE org_span SET paused_until = max(coalesce(paused_until, 0), ?3)
                 WHERE run_id = ?1
                   AND org_id IS (SELECT term_id FROM term WHERE kind = 'organization' AND text = ?2)",
                params![run.0, org.as_ref().map(OrgId::as_str), until],
            )?,
        }
    }
    writing.sums(&sums)?;
    drop(writing);
    chain::link(&step, run.0, "sent")?;
    step.commit()
}

/// What a transaction adds up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    /// What the batches came to that had been sent.
    done: u64,
    failed: u64,
    accepted: bool,
    /// The highest names given.
    batch: u32,
    attempt: u32,
}

impl Sums {
    fn intent(&mut self, intent: &Intent) {
        self.batch = self.batch.max(intent.batch.0);
        self.attempt = self.attempt.max(intent.attempt.0);
    }

    fn outcome(&mut self, outcome: &Outcome, had_intent: bool) {
        if let BatchChange::Split { left, right, .. } = &outcome.change {
            self.batch = self.batch.max(left.batch.0).max(right.batch.0);
        }
        if had_intent {
            self.failed += outcome.failed();
            self.done += outcome.done();
            self.accepted |= matches!(outcome.change, BatchChange::Done { .. });
        }
    }
}

/// An error ends the whole transaction, here and below, so SQLite need not be able to take back the one
/// statement: that would have it copy every page aside.
const INTENT: &str = "
    INSERT OR ROLLBACK INTO batch (run_id, first, batch_id, last, rows, state, updated_at, attempt_id, started_at,
      tracking_id)
    VALUES (?1, ?2, ?3, ?4, ?5, 'sending', ?7, ?6, ?7, ?8)
    ON CONFLICT (run_id, first, batch_id) DO UPDATE SET
      state = 'sending', updated_at = excluded.updated_at, attempt_id = excluded.attempt_id,
      started_at = excluded.started_at, ended_at = NULL, retry_after_s = NULL, outcome = NULL, said = NULL,
      http_status = NULL, tracking_id = excluded.tracking_id";

const ATTEMPTED: &str = "
    UPDATE OR ROLLBACK batch SET state = ?4, failed = ?5, code = ?6, message = ?7, updated_at = ?8,
      attempts = attempts + 1, started_at = ?9, ended_at = ?10, http_status = ?11, retry_after_s = ?12,
      tracking_id = coalesce(?13, tracking_id), outcome = ?14, said = ?15
    WHERE run_id = ?1 AND first = ?2 AND batch_id = ?3";

/// Puts records into an open transaction. The statements that every request needs are looked up once.
struct Writing<'a> {
    db: &'a Connection,
    run: u32,
    intent: CachedStatement<'a>,
    attempted: CachedStatement<'a>,
}

impl<'a> Writing<'a> {
    fn begin(db: &'a Connection, run: RunId) -> rusqlite::Result<Self> {
        let (intent, attempted) = (db.prepare_cached(INTENT)?, db.prepare_cached(ATTEMPTED)?);
        Ok(Self { db, run: run.0, intent, attempted })
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute(values).map(drop)
    }

    fn sums(&self, sums: &Sums) -> rusqlite::Result<()> {
        if *sums == Sums::default() {
            return Ok(());
        }
        self.execute(
            "UPDATE run SET done = done + ?2, failed = failed + ?3, accepted = accepted OR ?4,
               last_batch = max(last_batch, ?5), last_attempt = max(last_attempt, ?6)
             WHERE run_id = ?1",
            params![self.run, sums.done, sums.failed, sums.accepted, sums.batch, sums.attempt],
        )
    }

    fn intent(&mut self, at: i64, intent: &Intent, rows: u64, tracking_id: &str) -> rusqlite::Result<()> {
        let Intent { batch, span, attempt, .. } = intent;
        let (first, last) = (span.first().0, span.last().0);
        let values = params![self.run, first, batch.0, last, rows, attempt.0, at, tracking_id];
        self.intent.execute(values).map(drop)
    }

    fn outcome(
        &mut self,
        at: i64,
        outcome: &Outcome,
        report: Option<&AttemptReport>,
    ) -> rusqlite::Result<()> {
        let attempted = report.zip(outcome.attempt);
        match &outcome.change {
            BatchChange::Done { failures } => {
                failures.iter().try_for_each(|failure| self.exception(failure))?;
                self.batch(at, outcome, attempted, "done", None, None)?;
            }
            BatchChange::Failed(Refusal { code, message }) => {
                self.batch(at, outcome, attempted, "failed", Some(code.as_str()), Some(message))?;
            }
            BatchChange::Pending if attempted.is_none() => self.release(at, outcome)?,
            BatchChange::Pending => self.batch(at, outcome, attempted, "pending", None, None)?,
            BatchChange::InDoubt(reason) => {
                self.batch(at, outcome, attempted, "in_doubt", None, Some(reason))?
            }
            BatchChange::Split { left, right, doubt } => {
                self.batch(at, outcome, attempted, "split", None, None)?;
                for part in [*left, *right] {
                    self.part(at, outcome, part)?;
                    doubt.iter().try_for_each(|reason| self.doubt(part, reason))?;
                }
            }
        }
        let Some(wire) = outcome.learned else { return Ok(()) };
        self.execute("UPDATE run SET wire = ?2 WHERE run_id = ?1", params![self.run, wire.to_string()])
    }

    fn batch(
        &mut self,
        at: i64,
        outcome: &Outcome,
        attempted: Option<(&AttemptReport, AttemptOutcome)>,
        state: &str,
        code: Option<&str>,
        message: Option<&str>,
    ) -> rusqlite::Result<()> {
        let (first, batch) = (outcome.span.first().0, outcome.batch.0);
        let failed = outcome.change.failed_rows(0);
        let Some((report, attempt)) = attempted else {
            return self.execute(
                "UPDATE batch SET state = ?4, failed = ?5, code = ?6, message = ?7, updated_at = ?8
                 WHERE run_id = ?1 AND first = ?2 AND batch_id = ?3",
                params![self.run, first, batch, state, failed, code, message, at],
            );
        };
        let values = params![
            self.run,
            first,
            batch,
            state,
            failed,
            code,
            message,
            at,
            report.started_at,
            report.ended_at,
            report.http_status,
            report.retry_after_s.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
            report.tracking_id,
            attempt.as_str(),
            report.message,
        ];
        self.attempted.execute(values).map(drop)
    }

    /// Gives an intent back that was never sent: the batch is what it was before.
    fn release(&self, at: i64, outcome: &Outcome) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE batch SET state = CASE WHEN message IS NULL THEN 'pending' ELSE 'in_doubt' END, updated_at = ?4,
               (http_status, tracking_id) = (
                 SELECT http_status, tracking_id FROM attempt
                 WHERE attempt.run_id = ?1 AND attempt.batch_id = ?3 ORDER BY attempt_id DESC LIMIT 1)
             WHERE run_id = ?1 AND first = ?2 AND batch_id = ?3",
            params![self.run, outcome.span.first().0, outcome.batch.0, at],
        )
    }

    /// A part takes over what its operations have been through.
    fn part(&self, at: i64, whole: &Outcome, part: Part) -> rusqlite::Result<()> {
        let (first, last) = (part.span.first().0, part.span.last().0);
        self.execute(
            "INSERT INTO batch (run_id, first, batch_id, last, rows, state, attempts, http_status, tracking_id, updated_at)
             SELECT run_id, ?4, ?5, ?6,
               (SELECT count(*) FROM operation
                WHERE run_id = ?1 AND assignment >= ?4 AND assignment <= ?6 AND NOT unchanged),
               'pending', attempts, http_status, tracking_id, ?7
             FROM batch WHERE run_id = ?1 AND first = ?2 AND batch_id = ?3",
            params![self.run, whole.span.first().0, whole.batch.0, first, part.batch.0, last, at],
        )
    }

    /// A part is in doubt as the whole was. It is counted, as it would not be if it began so.
    fn doubt(&self, part: Part, reason: &str) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE batch SET state = 'in_doubt', message = ?4 WHERE run_id = ?1 AND first = ?2 AND batch_id = ?3",
            params![self.run, part.span.first().0, part.batch.0, reason],
        )
    }

    fn exception(&self, failure: &OperationFailure) -> rusqlite::Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO exception (run_id, assignment, line, item, code, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                self.run,
                failure.assignment.0,
                failure.key.line.get(),
                failure.key.item.get(),
                failure.refusal.code.as_str(),
                failure.refusal.message
            ],
        )
    }
}
