//! A batch as the engine knows it, from its planning to its outcome.

use std::sync::Arc;
use std::time::Duration;

use super::judge::Rejection;
use super::lane::LaneNo;
use super::token::Generation;
use crate::domain::{Assignment, AttemptId, BatchId, Part, Refusal, Span};

/// Time since the engine's start.
type Time = Duration;

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) span: Span,
    pub(super) lane: LaneNo,
    pub(super) attempt: AttemptId,
    /// What the request carries, once it is loaded.
    pub(super) cargo: Cargo,
    /// Attempts that ended in a passing fault or in doubt.
    pub(super) tries: u32,
    /// What had got through when the first of them was made.
    pub(super) through_before: Option<u64>,
    /// Send this one as an object, whatever the run's form.
    pub(super) as_object: bool,
    /// How the array form of it was refused.
    pub(super) array_refusal: Option<Rejection>,
    /// It was sent, what became of it is unknown, and nobody has asked yet.
    pub(super) in_doubt: bool,
    /// The next attempt comes out of the retry budget; the one under way did.
    pub(super) needs_leave: bool,
    pub(super) on_leave: bool,
    pub(super) stage: Stage,
}

impl Batch {
    pub(super) fn new(lane: LaneNo, span: Span) -> Self {
        Self {
            span,
            lane,
            attempt: AttemptId(0),
            cargo: Cargo::default(),
            tries: 0,
            through_before: None,
            as_object: false,
            array_refusal: None,
            in_doubt: false,
            needs_leave: false,
            on_leave: false,
            stage: Stage::Intending,
        }
    }
}

/// What of a batch is sent, and how many rows of the input stand behind the whole of it.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    pub(super) rows: u64,
    /// Where some of it is in effect already, and need not be sent: the rest.
    pub(super) rest: Option<Arc<[Assignment]>>,
}

impl Cargo {
    /// Everything is in effect already.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.is_empty())
    }
}

#[derive(Debug)]
pub(super) enum Stage {
    Intending,
    Ready,
    InFlight { token: Generation, sent: Time },
    Settling(After),
}

/// What follows once the outcome is on disk.
#[derive(Debug)]
pub(super) enum After {
    Nothing,
    /// Planned as soon as possible.
    Anew,
    Again {
        due: Time,
    },
    Suspect(Refusal),
    Parts([Part; 2]),
}

/// A refusal that is held back until the service is known to understand us.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) id: BatchId,
    pub(super) batch: Batch,
    pub(super) refusal: Refusal,
}
