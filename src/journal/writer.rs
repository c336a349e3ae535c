//! The one thread that writes while a run is sent.
//!
//! It takes whatever has gathered, commits it as one transaction, then tells whoever waits. The
//! slower the disk, the larger the groups. What belongs together is handed over together: handed over
//! one by one, the first record would be committed alone while the others wait for a second commit.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, params};

use super::{Journal, JournalError};
use crate::domain::{
    AttemptId, AttemptOutcome, BatchChange, BatchId, OperationFailure, OrgId, Part, Refusal, RunId, Span,
    WireForm,
};

/// That a batch is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// Which batch.
    pub batch: BatchId,
    /// What it covers.
    pub span: Span,
    /// How many rows of the input it stands for.
    pub rows: u64,
    /// The attempt that will carry it.
    pub attempt: AttemptId,
    /// In which form.
    pub wire: WireForm,
}

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
    /// How many assignments it carried.
    pub assignments: u32,
    /// The answer's status.
    pub http_status: Option<u16>,
    /// The answer's `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The answer's tracking ID.
    pub tracking_id: Option<String>,
    /// What it came to.
    pub outcome: AttemptOutcome,
    /// What was said, where it was not plain success.
    pub message: Option<String>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which batch.
    pub batch: BatchId,
    /// The attempt, where there was one.
    pub report: Option<AttemptReport>,
    /// What it makes of the batch.
    pub change: BatchChange,
    /// How many rows of the input are settled by it, where the batch had an intent and is now done or
    /// failed.
    pub sent_rows: Option<u64>,
    /// The form that was found to be understood, where this shows it.
    pub learned: Option<WireForm>,
}

/// Something to be committed.
#[derive(Debug)]
pub enum Record {
    /// A batch is about to be sent.
    Intent(Intent),
    /// A batch has an outcome.
    Outcome(Box<Outcome>),
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
type Stamped = (i64, Record);

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
    pub fn gather(&mut self, at: i64, record: Record) {
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
            Record::Intent(intent) => {
                crate::step!("intent.committed");
                Some(Commit::Intent(Committed(intent)))
            }
            Record::Outcome(outcome) => {
                crate::step!("outcome.committed");
                Some(Commit::Outcome(outcome.batch))
            }
            Record::PausedUntil(_) | Record::OrgPausedUntil(..) => None,
        });
        on_commit(committed.collect());
    }
    journal
}

fn commit(db: &mut Connection, run: RunId, group: &[Stamped]) -> rusqlite::Result<()> {
    let step = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let writing = Writing { db: &step, run: run.0 };
    let mut counted = Counted::default();
    for (at, record) in group {
        match record {
            Record::Intent(intent) => {
                writing.intent(*at, intent)?;
                crate::step!("intent.written");
            }
            Record::Outcome(outcome) => {
                counted.add(outcome);
                writing.outcome(*at, outcome)?;
                crate::step!("outcome.written");
            }
            Record::PausedUntil(until) => writing.execute(
                "UPDATE run SET paused_until = max(coalesce(paused_until, 0), ?2) WHERE run_id = ?1",
                params![run.0, until],
            )?,
            Record::OrgPausedUntil(org, until) => writing.execute(
                "UPDATE org_span SET paused_until = max(coalesce(paused_until, 0), ?3)
                 WHERE run_id = ?1
                   AND org_id IS (SELECT term_id FROM term WHERE kind = 'organization' AND text = ?2)",
                params![run.0, org.as_ref().map(OrgId::as_str), until],
            )?,
        }
    }
    if counted != Counted::default() {
        writing.execute(
            "UPDATE run SET done = done + ?2, failed = failed + ?3, accepted = accepted OR ?4 WHERE run_id = ?1",
            params![run.0, counted.done, counted.failed, counted.accepted],
        )?;
    }
    step.commit()
}

/// What the batches of a transaction came to that had been sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    done: u64,
    failed: u64,
    accepted: bool,
}

impl Counted {
    fn add(&mut self, outcome: &Outcome) {
        let Some(rows) = outcome.sent_rows else { return };
        let failed = outcome.change.failed_rows(rows);
        self.failed += failed;
        self.done += rows.saturating_sub(failed);
        self.accepted |= matches!(outcome.change, BatchChange::Done { .. });
    }
}

/// Puts records into an open transaction.
struct Writing<'a> {
    db: &'a Connection,
    run: u32,
}

impl Writing<'_> {
    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute(values).map(drop)
    }

    fn intent(&self, at: i64, intent: &Intent) -> rusqlite::Result<()> {
        let (first, last) = (intent.span.first().0, intent.span.last().0);
        self.execute(
            "INSERT INTO batch (run_id, batch_id, first, last, rows, state, attempts, attempt_id, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'sending', 0, ?6, ?7)
             ON CONFLICT (run_id, batch_id) DO UPDATE SET
               state = 'sending', attempt_id = excluded.attempt_id, updated_at = excluded.updated_at",
            params![self.run, intent.batch.0, first, last, intent.rows, intent.attempt.0, at],
        )
    }

    fn outcome(&self, at: i64, outcome: &Outcome) -> rusqlite::Result<()> {
        if let Some(report) = &outcome.report {
            self.attempt(outcome.batch, report)?;
        }
        match &outcome.change {
            BatchChange::Done { failures } => {
                failures.iter().try_for_each(|failure| self.exception(failure))?;
                self.batch(at, outcome, "done", None, outcome.change.failed_rows(0))?;
            }
            BatchChange::Failed(refusal) => self.batch(at, outcome, "failed", Some(refusal), 0)?,
            BatchChange::Pending if outcome.report.is_none() => self.release(at, outcome.batch)?,
            BatchChange::Pending => self.batch(at, outcome, "pending", None, 0)?,
            BatchChange::InDoubt(reason) => {
                self.batch(at, outcome, "in_doubt", None, 0)?;
                self.execute(
                    "UPDATE batch SET message = ?3 WHERE run_id = ?1 AND batch_id = ?2",
                    params![self.run, outcome.batch.0, reason],
                )?;
            }
            BatchChange::Split { left, right } => {
                self.batch(at, outcome, "split", None, 0)?;
                self.part(at, outcome.batch, *left)?;
                self.part(at, outcome.batch, *right)?;
            }
        }
        let Some(wire) = outcome.learned else { return Ok(()) };
        self.execute("UPDATE run SET wire = ?2 WHERE run_id = ?1", params![self.run, wire.to_string()])
    }

    fn batch(
        &self,
        at: i64,
        outcome: &Outcome,
        state: &str,
        refusal: Option<&Refusal>,
        failed: u64,
    ) -> rusqlite::Result<()> {
        let report = outcome.report.as_ref();
        self.execute(
            "UPDATE batch SET state = ?3, failed = ?4, attempts = attempts + ?5, code = ?6, message = ?7,
               http_status = CASE WHEN ?5 THEN ?8 ELSE http_status END,
               tracking_id = CASE WHEN ?5 THEN ?9 ELSE tracking_id END, updated_at = ?10
             WHERE run_id = ?1 AND batch_id = ?2",
            params![
                self.run,
                outcome.batch.0,
                state,
                failed,
                report.is_some(),
                refusal.map(|refusal| refusal.code.as_str()),
                refusal.map(|refusal| refusal.message.as_str()),
                report.and_then(|report| report.http_status),
                report.and_then(|report| report.tracking_id.as_deref()),
                at,
            ],
        )
    }

    /// Gives an intent back that was never sent: the batch is what it was before.
    fn release(&self, at: i64, batch: BatchId) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE batch SET state = CASE WHEN message IS NULL THEN 'pending' ELSE 'in_doubt' END, updated_at = ?3
             WHERE run_id = ?1 AND batch_id = ?2",
            params![self.run, batch.0, at],
        )
    }

    /// A part takes over what its operations have been through.
    fn part(&self, at: i64, parent: BatchId, part: Part) -> rusqlite::Result<()> {
        let (first, last) = (part.span.first().0, part.span.last().0);
        self.execute(
            "INSERT INTO batch (run_id, batch_id, first, last, rows, state, attempts, http_status, tracking_id, updated_at)
             SELECT run_id, ?3, ?4, ?5,
               (SELECT count(*) FROM operation WHERE run_id = ?1 AND assignment >= ?4 AND assignment <= ?5),
               'pending', attempts, http_status, tracking_id, ?6
             FROM batch WHERE run_id = ?1 AND batch_id = ?2",
            params![self.run, parent.0, part.batch.0, first, last, at],
        )
    }

    fn exception(&self, failure: &OperationFailure) -> rusqlite::Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO exception (run_id, assignment, line, code, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                self.run,
                failure.assignment.0,
                failure.line.get(),
                failure.refusal.code.as_str(),
                failure.refusal.message
            ],
        )
    }

    fn attempt(&self, batch: BatchId, report: &AttemptReport) -> rusqlite::Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO attempt (run_id, attempt_id, batch_id, started_at, ended_at, assignments,
               http_status, retry_after_s, tracking_id, outcome, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                self.run,
                report.attempt.0,
                batch.0,
                report.started_at,
                report.ended_at,
                report.assignments,
                report.http_status,
                report.retry_after_s.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
                report.tracking_id,
                report.outcome.as_str(),
                report.message,
            ],
        )
    }
}
