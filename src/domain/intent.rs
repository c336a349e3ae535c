//! What is put on disk of a batch: that it is about to be sent, and what became of it.

use super::{AttemptId, AttemptOutcome, BatchChange, BatchId, Span, WireForm};

/// A batch is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// Its name.
    pub batch: BatchId,
    /// The assignments that it covers.
    pub span: Span,
    /// The attempt that will carry it.
    pub attempt: AttemptId,
    /// The form of the request's body.
    pub wire: WireForm,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name.
    pub batch: BatchId,
    /// The assignments that it covers.
    pub span: Span,
    /// How the attempt ended; none where there was no request.
    pub attempt: Option<AttemptOutcome>,
    /// What it makes of the batch.
    pub change: BatchChange,
    /// The form that was found to be understood, where this shows it.
    pub learned: Option<WireForm>,
    /// How many rows of the input are settled by it: those of a batch that is now done or failed.
    pub rows: u64,
}

impl Outcome {
    /// How many of the rows that it settles have failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.change.failed_rows(self.rows)
    }

    /// How many of the rows that it settles are done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.rows.saturating_sub(self.failed())
    }
}
