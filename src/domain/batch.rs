//! Ranges of assignments and the names of batches and attempts.

use super::{AssignmentNo, Line, Refusal, WireForm};

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
    /// Its line, which names it within the assignment.
    pub line: Line,
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

/// Where a run stands, as sending needs it. A fresh run stands where an empty journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Leaf batches without a last outcome, lowest assignments first.
    pub open: Vec<Part>,
    /// The first assignment that no batch covers.
    pub cursor: u32,
    /// How many assignments there are.
    pub assignments: u32,
    /// The name of the next new batch.
    pub next_batch: u32,
    /// The name of the next attempt.
    pub next_attempt: u32,
    /// Whether a request of the run has been accepted.
    pub accepted: bool,
    /// The form that the service was found to take.
    pub wire: Option<WireForm>,
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
    },
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
    fn a_cut_outside_makes_no_parts() {
        let span = Span::new(0, 4).unwrap();
        assert_eq!(span.split(0), None);
        assert_eq!(span.split(5), None);
        assert_eq!(span.split(1), Some((Span::new(0, 0).unwrap(), Span::new(1, 4).unwrap())));
    }
}
