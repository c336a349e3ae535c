//! A batch as the engine knows it, from its planning to its outcome.

use std::sync::Arc;

use super::judge::Rejection;
use super::token::Generation;
use super::{LaneNo, Time};
use crate::domain::{
    Assignment, AttemptId, BatchChange, BatchId, InDoubt, OperationFailure, Part, Refusal, Span, WireForm,
};

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) span: Span,
    pub(super) lane: LaneNo,
    pub(super) attempt: AttemptId,
    /// In which form that is made.
    pub(super) form: WireForm,
    /// What the request carries, once it is loaded.
    pub(super) cargo: Cargo,
    /// Attempts in a row that ended in a passing fault or in doubt: the waits between them grow.
    pub(super) tries: u32,
    /// Attempts of the most that are made. A throttled one is none.
    pub(super) spent: u32,
    /// It has been tried in an earlier sitting.
    pub(super) tried_before: bool,
    /// What had got through when the first of them was made.
    pub(super) through_before: Option<u64>,
    /// Send this one as an object, whatever the run's form.
    pub(super) as_object: bool,
    /// How the array form of it was refused.
    pub(super) array_refusal: Option<Rejection>,
    pub(super) doubt: Option<Doubt>,
    /// An answer left open whether it was done: not in doubt, and a refusal may be for having it.
    pub(super) may_have_passed: bool,
    /// It has been refused and may have been done before: what is in effect is not failed.
    pub(super) claim: Option<Claim>,
    /// The next attempt comes out of the retry budget; the one under way did.
    pub(super) needs_budget: bool,
    pub(super) on_budget: bool,
    /// Of a whole that was throttled this part has the place first.
    pub(super) behind: Option<BatchId>,
    pub(super) stage: Stage,
}

/// It was sent, and what became of it is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) reason: String,
    pub(super) inquiry: Inquiry,
}

/// What asking has brought to light of a batch in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inquiry {
    /// Nobody has asked the service since.
    Unasked,
    /// Of some of it nobody can tell.
    Vain,
    /// Some of it is in effect, which is left out from now on. On disk all of it stays in doubt: whoever goes on
    /// after this process would send what is in effect again, and take the refusal of it for a failure.
    Told,
}

impl Doubt {
    pub(super) const fn new(reason: String) -> Self {
        Self { reason, inquiry: Inquiry::Unasked }
    }
}

/// A refusal that holds only for what is not in effect.
#[derive(Debug)]
pub(super) enum Claim {
    /// Of everything that was sent.
    Whole(Refusal),
    /// Of these operations; the others are done.
    Some(Vec<OperationFailure>),
}

impl Batch {
    pub(super) fn new(lane: LaneNo, span: Span) -> Self {
        Self {
            span,
            lane,
            attempt: AttemptId(0),
            form: WireForm::Array,
            cargo: Cargo::default(),
            tries: 0,
            spent: 0,
            tried_before: false,
            through_before: None,
            as_object: false,
            array_refusal: None,
            doubt: None,
            may_have_passed: false,
            claim: None,
            needs_budget: false,
            on_budget: false,
            behind: None,
            stage: Stage::Intending,
        }
    }

    /// A part of this one, which takes over what it has been through.
    pub(super) fn part(&self, span: Span) -> Self {
        let mut part = Self {
            spent: self.spent,
            tried_before: self.has_been_tried(),
            through_before: self.through_before,
            doubt: self.doubt.clone(),
            may_have_passed: self.may_have_passed,
            ..Self::new(self.lane, span)
        };
        // No part moves more than the whole. Were nothing known of it until it is loaded, those behind it that were
        // found free to go would have to wait, and might hold every place that it needs.
        part.cargo.moves.clone_from(&self.cargo.moves);
        part
    }

    pub(super) const fn is_lone(&self) -> bool {
        self.span.len() == 1
    }

    pub(super) const fn has_been_tried(&self) -> bool {
        self.spent > 0 || self.tried_before
    }

    /// Whether the service is asked what became of it before it is sent again, or failed.
    pub(super) fn is_to_be_asked(&self, in_doubt: InDoubt) -> bool {
        let unasked = self.doubt.as_ref().is_some_and(|doubt| doubt.inquiry == Inquiry::Unasked);
        self.claim.is_some() || (unasked && in_doubt == InDoubt::Verify)
    }

    /// Whether what became of what is sent of it is unknown.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.doubt.as_ref().is_some_and(|doubt| doubt.inquiry != Inquiry::Told)
    }

    /// Whether what is sent of it may have been done before: then a refusal proves nothing by itself.
    pub(super) fn may_be_done(&self) -> bool {
        self.may_have_passed || self.is_in_doubt()
    }

    /// How it stands while it waits: what was in doubt stays so until the service says otherwise.
    pub(super) fn resting(&self) -> BatchChange {
        self.doubt.as_ref().map_or(BatchChange::Pending, |doubt| BatchChange::InDoubt(doubt.reason.clone()))
    }
}

/// What of a batch is sent, and how many rows of the input stand behind the whole of it.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    pub(super) rows: u64,
    /// Where some of it is in effect already, and need not be sent: the rest.
    pub(super) rest: Option<Arc<[Assignment]>>,
    /// Which licenses it adds and gives back, where the order needs to know.
    pub(super) moves: Option<Moves>,
}

/// Licenses, by the numbers that the barrier gave them, in rising order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pub(super) adds: Vec<u32>,
    pub(super) removes: Vec<u32>,
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
    /// Planned before anything that was never sent.
    Throttled,
    Again {
        due: Time,
    },
    Suspect(Refusal),
    /// Refused for the user's sake or for the token's: another user will tell.
    Held(Refusal),
    Parts {
        parts: [Part; 2],
        /// They have been through what the whole has been through.
        tried: bool,
    },
}

/// A refusal that is held back until the service is known to understand us.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) id: BatchId,
    pub(super) batch: Batch,
    pub(super) refusal: Refusal,
}
