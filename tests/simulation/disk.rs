//! A disk that keeps what was committed, and the journal's rules in a few lines.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use seatbatch::domain::{BatchChange, BatchId, Part, Span, Standing, WireForm};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Sending,
    InDoubt,
    Done,
    Failed,
    Split,
}

#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) span: Span,
    pub(crate) state: State,
    /// How often it was about to be sent.
    pub(crate) intents: u32,
}

/// A record as the writer would get it.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Intent { batch: BatchId, span: Span, attempt: u32 },
    Outcome { batch: BatchId, change: BatchChange, learned: Option<WireForm> },
    Pause { until: Duration },
}

#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) batches: BTreeMap<BatchId, Batch>,
    /// Lines that failed, with their codes.
    pub(crate) exceptions: HashMap<u32, String>,
    pub(crate) failed: HashMap<BatchId, String>,
    accepted: bool,
    wire: Option<WireForm>,
    /// In the world's time.
    pub(crate) paused_until: Duration,
    next_attempt: u32,
}

impl Disk {
    /// Commits a record; panics where it breaks a rule.
    pub(crate) fn commit(&mut self, record: &Record) {
        match record {
            Record::Intent { batch, span, attempt } => {
                self.next_attempt = self.next_attempt.max(attempt + 1);
                let entry = self.batches.entry(*batch).or_insert(Batch {
                    span: *span,
                    state: State::Pending,
                    intents: 0,
                });
                assert_eq!(entry.span, *span, "a batch changes what it covers");
                assert!(
                    matches!(entry.state, State::Pending | State::InDoubt),
                    "an intent for {:?}",
                    entry.state
                );
                entry.state = State::Sending;
                entry.intents += 1;
            }
            Record::Outcome { batch, change, learned } => self.settle(*batch, change, *learned),
            Record::Pause { until } => self.paused_until = self.paused_until.max(*until),
        }
        self.check_leaves();
    }

    fn settle(&mut self, batch: BatchId, change: &BatchChange, learned: Option<WireForm>) {
        let entry = self.batches.get_mut(&batch).expect("an outcome for a batch without an intent");
        let open = matches!(entry.state, State::Sending | State::Pending | State::InDoubt);
        assert!(open, "an outcome for a batch that is {:?}", entry.state);
        let span = entry.span;
        entry.state = match change {
            BatchChange::Done { .. } => State::Done,
            BatchChange::Failed(_) => State::Failed,
            BatchChange::Pending => State::Pending,
            BatchChange::InDoubt(_) => State::InDoubt,
            BatchChange::Split { .. } => State::Split,
        };
        match change {
            BatchChange::Done { failures } => {
                self.accepted = true;
                for failure in failures {
                    self.exceptions.insert(failure.line.get(), failure.refusal.code.to_string());
                }
            }
            BatchChange::Failed(refusal) => drop(self.failed.insert(batch, refusal.code.to_string())),
            BatchChange::Split { left, right } => {
                assert_eq!(left.span.first(), span.first());
                assert_eq!(left.span.last().0 + 1, right.span.first().0);
                assert_eq!(right.span.last(), span.last());
                for part in [left, right] {
                    let fresh = self
                        .batches
                        .insert(part.batch, Batch { span: part.span, state: State::Pending, intents: 0 });
                    assert!(fresh.is_none(), "a batch named twice");
                }
            }
            BatchChange::Pending | BatchChange::InDoubt(_) => {}
        }
        self.wire = learned.or(self.wire);
    }

    pub(crate) fn leaves(&self) -> Vec<(BatchId, &Batch)> {
        let mut leaves: Vec<_> =
            self.batches.iter().filter(|(_, b)| b.state != State::Split).map(|(id, b)| (*id, b)).collect();
        leaves.sort_by_key(|(_, batch)| batch.span);
        leaves
    }

    /// Law 2: leaves follow each other without gap or overlap.
    fn check_leaves(&self) {
        let mut next = 0;
        for (id, batch) in self.leaves() {
            assert_eq!(batch.span.first().0, next, "leaf {id:?} does not follow the one before");
            next = batch.span.last().0 + 1;
        }
    }

    pub(crate) fn sending(&self) -> usize {
        self.batches.values().filter(|batch| batch.state == State::Sending).count()
    }

    /// Opens the journal after a crash or a pause.
    pub(crate) fn recover(&mut self, assignments: u32) -> Standing {
        for batch in self.batches.values_mut().filter(|batch| batch.state == State::Sending) {
            batch.state = State::InDoubt;
        }
        let open = |batch: &Batch| matches!(batch.state, State::Pending | State::InDoubt);
        let leaves = self.leaves();
        Standing {
            open: leaves
                .iter()
                .filter(|(_, batch)| open(batch))
                .map(|(id, batch)| Part { batch: *id, span: batch.span })
                .collect(),
            cursor: leaves.last().map_or(0, |(_, batch)| batch.span.last().0 + 1),
            assignments,
            next_batch: self.batches.keys().last().map_or(1, |id| id.0 + 1),
            next_attempt: self.next_attempt.max(1),
            accepted: self.accepted,
            wire: self.wire,
        }
    }
}
