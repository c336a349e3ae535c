//! Ranges of assignments and the names of batches and attempts.

use std::time::Duration;

use super::{AssignmentNo, OperationKey, OrgId, Refusal, WireForm};

/// A non-empty range of consecutive assignments, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    first: u32,
    last: u32,
}

impl Span {
    /// `None` where the range would be empty.
    #[must_use]
    pub const fn new(first: u32, last: u32) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// The lowest assignment.
    #[must_use]
    pub const fn first(self) -> AssignmentNo {
        AssignmentNo(self.first)
    }

    /// The highest assignment.
    #[must_use]
    pub const fn last(self) -> AssignmentNo {
        AssignmentNo(self.last)
    }

    /// How many assignments; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a span is never empty")]
    pub const fn len(self) -> u32 {
        self.last - self.first + 1
    }

    /// Cuts after the first `head` assignments; `None` where a side would be empty.
    #[must_use]
    pub fn split(self, head: u32) -> Option<(Self, Self)> {
        if head == 0 || head >= self.len() {
            return None;
        }
        let cut = self.first + head;
        Some((Self { first: self.first, last: cut - 1 }, Self { first: cut, last: self.last }))
    }

    /// The two halves, the left one no larger; `None` for a single assignment.
    #[must_use]
    pub fn halves(self) -> Option<(Self, Self)> {
        self.split(self.len() / 2)
    }
}

/// Names a batch within its run, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub u32);

/// Names an attempt within its run, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub u32);

/// An operation that failed within a batch that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFailure {
    /// Its assignment.
    pub assignment: AssignmentNo,
    /// Its own name.
    pub key: OperationKey,
    /// How many rows share its outcome.
    pub rows: u32,
    /// Why.
    pub refusal: Refusal,
}

/// A batch by its name and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub batch: BatchId,
    /// What it covers.
    pub span: Span,
}

/// A leaf batch without a last outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenBatch {
    /// The batch.
    pub part: Part,
    /// It was sent, and what became of it is unknown.
    pub in_doubt: bool,
    /// An answer has left open whether it was done.
    pub may_have_passed: bool,
    /// It has been tried before.
    pub tried: bool,
}

/// Where a run stands, as sending needs it. A fresh run stands where an empty journal says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResumePoint {
    /// The organizations of the run. Their spans do not overlap.
    pub lanes: Vec<LaneResumePoint>,
    /// How much is left of a wait that the service asked everyone for.
    pub pause: Duration,
    /// The name of the next new batch.
    pub next_batch: u32,
    /// The name of the next attempt.
    pub next_attempt: u32,
    /// Whether a request of the run has been accepted.
    pub accepted: bool,
    /// Operations that have failed so far, of those that are sent.
    pub failed: u64,
    /// The lowest assignment that is sent.
    pub first: u32,
    /// The form that the service was found to take.
    pub wire: Option<WireForm>,
}

/// Where one organization's part of a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneResumePoint {
    /// The organization; `None` for that of the token or of `--org-id`.
    pub org: Option<OrgId>,
    /// Its assignments, lowest first.
    pub covers: Vec<Span>,
    /// Leaf batches without a last outcome, lowest assignments first.
    pub open: Vec<OpenBatch>,
    /// Assignments that no batch covers, lowest first.
    pub unsent: Vec<Span>,
    /// How much is left of a wait that the service asked this organization for.
    pub pause: Duration,
}

impl ResumePoint {
    /// Leaves out everything below an assignment: it is not asked for.
    pub fn confine(&mut self, first: u32) {
        for lane in &mut self.lanes {
            lane.covers.retain(|span| span.first >= first);
            lane.unsent.retain(|span| span.first >= first);
            lane.open.retain(|open| open.part.span.first >= first);
        }
        self.lanes.retain(|lane| !lane.covers.is_empty());
        (self.first, self.failed) = (first, 0);
    }
}

impl LaneResumePoint {
    /// Whether any assignment from `number` on is covered by a batch.
    #[must_use]
    pub fn is_sent_from(&self, number: u32) -> bool {
        let above = |spans: &[Span]| -> u64 {
            let above =
                |span: &Span| (u64::from(span.last) + 1).saturating_sub(span.first.max(number).into());
            spans.iter().map(above).sum()
        };
        above(&self.covers) > above(&self.unsent)
    }
}

/// What an outcome makes of its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchChange {
    /// Every operation is done but for these.
    Done {
        /// The operations that failed.
        failures: Vec<OperationFailure>,
    },
    /// Every operation failed.
    Failed(Refusal),
    /// To be sent, or sent again.
    Pending,
    /// Sent, and what became of it is unknown, for this reason.
    InDoubt(String),
    /// Two batches take its place.
    Split {
        /// The lower assignments.
        left: Part,
        /// The higher assignments.
        right: Part,
        /// Why they are in doubt, where they are: the split says nothing of that.
        doubt: Option<String>,
    },
}

impl BatchChange {
    /// How many of a batch's rows it makes failed.
    #[must_use]
    pub fn failed_rows(&self, rows: u64) -> u64 {
        match self {
            Self::Done { failures } => failures.iter().map(|failure| u64::from(failure.rows)).sum(),
            Self::Failed(_) => rows,
            Self::Pending | Self::InDoubt(_) | Self::Split { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_cover_the_span_and_end_at_one() {
        let span = Span::new(10, 14).unwrap();
        let (left, right) = span.halves().unwrap();
        assert_eq!((left, right), (Span::new(10, 11).unwrap(), Span::new(12, 14).unwrap()));
        assert_eq!(left.len() + right.len(), span.len());
        assert_eq!(Span::new(3, 3).unwrap().halves(), None);
        assert_eq!(Span::new(4, 3), None);
    }

    #[test]
    fn what_is_sent_above_a_number_is_what_is_covered_and_not_unsent() {
        let spans = |ends: &[(u32, u32)]| ends.iter().filter_map(|(a, b)| Span::new(*a, *b)).collect();
        let lane = LaneResumePoint {
            covers: spans(&[(0, 9), (20, 29)]),
            unsent: spans(&[(8, 9), (20, 29)]),
            ..LaneResumePoint::default()
        };
        assert!(lane.is_sent_from(0) && lane.is_sent_from(7));
        assert!(!lane.is_sent_from(8) && !lane.is_sent_from(25) && !lane.is_sent_from(99));
        let alone = LaneResumePoint { covers: spans(&[(0, 0)]), ..LaneResumePoint::default() };
        assert!(alone.is_sent_from(0) && !alone.is_sent_from(1));
    }

    #[test]
    fn a_cut_outside_makes_no_parts() {
        let span = Span::new(0, 4).unwrap();
        assert_eq!(span.split(0), None);
        assert_eq!(span.split(5), None);
        assert_eq!(span.split(1), Some((Span::new(0, 0).unwrap(), Span::new(1, 4).unwrap())));
    }
}
