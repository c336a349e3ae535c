//! A disk that keeps what was committed, and the journal's rules in a few lines.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use seatbatch::domain::{
    BatchChange, BatchId, LaneResumePoint, OpenBatch, OrgId, Part, ResumePoint, Span, WireForm,
};

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
    OrgPause { org: Option<OrgId>, until: Duration },
}

#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Which organization has which assignments.
    pub(crate) orgs: Vec<(Span, Option<OrgId>)>,
    pub(crate) org_pauses: HashMap<Option<OrgId>, Duration>,
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
    pub(crate) fn of(orgs: Vec<(Span, Option<OrgId>)>) -> Self {
        Self { orgs, ..Self::default() }
    }

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
            Record::OrgPause { org, until } => {
                let pause = self.org_pauses.entry(org.clone()).or_default();
                *pause = (*pause).max(*until);
            }
        }
        self.check_leaves();
    }

    fn settle(&mut self, batch: BatchId, change: &BatchChange, learned: Option<WireForm>) {
        let entry = self.batches.get_mut(&batch).expect("an outcome for a batch without an intent");
        let open = matches!(entry.state, State::Sending | State::Pending | State::InDoubt);
        assert!(open, "an outcome for a batch that is {:?}", entry.state);
        let (span, intents) = (entry.span, entry.intents);
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
                    self.exceptions.insert(failure.key.line.get(), failure.refusal.code.to_string());
                }
            }
            BatchChange::Failed(refusal) => drop(self.failed.insert(batch, refusal.code.to_string())),
            BatchChange::Split { left, right, doubt } => {
                assert_eq!(left.span.first(), span.first());
                assert_eq!(left.span.last().0 + 1, right.span.first().0);
                assert_eq!(right.span.last(), span.last());
                let state = if doubt.is_some() { State::InDoubt } else { State::Pending };
                for part in [left, right] {
                    let fresh = self.batches.insert(part.batch, Batch { span: part.span, state, intents });
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

    /// Law 2: within an organization, leaves follow each other without gap or overlap.
    fn check_leaves(&self) {
        let mut leaves = self.leaves().into_iter().peekable();
        for (org, _) in &self.orgs {
            let mut next = org.first().0;
            while let Some((id, batch)) = leaves.next_if(|(_, batch)| batch.span.first() <= org.last()) {
                assert_eq!(batch.span.first().0, next, "leaf {id:?} does not follow the one before");
                assert!(batch.span.last() <= org.last(), "leaf {id:?} mixes organizations");
                next = batch.span.last().0 + 1;
            }
        }
        assert!(leaves.next().is_none(), "a leaf of no organization");
    }

    pub(crate) fn sending(&self) -> usize {
        self.batches.values().filter(|batch| batch.state == State::Sending).count()
    }

    /// Operations that failed, as far as a canary cares.
    pub(crate) fn failures(&self) -> usize {
        self.exceptions.len() + self.failed.len()
    }

    /// Opens the journal after a crash or a pause.
    pub(crate) fn recover(&mut self, now: Duration) -> ResumePoint {
        for batch in self.batches.values_mut().filter(|batch| batch.state == State::Sending) {
            batch.state = State::InDoubt;
        }
        let leaves = self.leaves();
        let lane = |(span, org): &(Span, Option<OrgId>)| {
            let within = leaves
                .iter()
                .filter(|(_, batch)| span.first() <= batch.span.first() && batch.span.last() <= span.last());
            let open =
                within.clone().filter(|(_, batch)| matches!(batch.state, State::Pending | State::InDoubt));
            let open = open.map(|(id, batch)| OpenBatch {
                part: Part { batch: *id, span: batch.span },
                in_doubt: batch.state == State::InDoubt,
                may_have_passed: false,
                tried: batch.intents > 0,
            });
            let cursor =
                within.clone().next_back().map_or(span.first().0, |(_, batch)| batch.span.last().0 + 1);
            let pause = self.org_pauses.get(org).copied().unwrap_or_default().saturating_sub(now);
            LaneResumePoint {
                org: org.clone(),
                covers: vec![*span],
                open: open.collect(),
                unsent: Span::new(cursor, span.last().0).into_iter().collect(),
                pause,
            }
        };
        ResumePoint {
            lanes: self.orgs.iter().map(lane).collect(),
            pause: self.paused_until.saturating_sub(now),
            next_batch: self.batches.keys().last().map_or(1, |id| id.0 + 1),
            next_attempt: self.next_attempt.max(1),
            accepted: self.accepted,
            failed: self.failures() as u64,
            first: 0,
            wire: self.wire,
        }
    }
}
