//! What goes round again, how often, and when nothing gets through at all.

use std::time::Duration;

use super::{Engine, Instruction, Scope, Time};
use crate::domain::{AttemptOutcome, BatchId, ErrorCode, RatePer, Refusal, code};
use crate::engine::LaneNo;
use crate::engine::batch::{After, Batch, Doubt};
use crate::engine::lane::Lane;
use crate::engine::settings::{Ending, backoff};

/// So many attempts has each half of a batch that had all of its own.
const ANEW_AFTER_SPLIT: u32 = 2;

/// So many lone assignments that always fail may be all that is left of a run, and are not an outage.
const LAST_ONES: usize = 3;

/// What kept a batch from being answered for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// Refused for the pace: that is nobody's fault.
    Throttled,
    /// The service could not, or no connection was made.
    Passing {
        /// Whether it answered.
        answered: bool,
    },
    /// Sent, and no whole answer came.
    Lost,
    /// Answered, in a way that tells nothing.
    Strange,
}

pub(super) struct PassingFault {
    pub(super) kind: FaultKind,
    pub(super) reason: String,
}

impl PassingFault {
    const fn outcome(&self) -> AttemptOutcome {
        match self.kind {
            FaultKind::Strange => AttemptOutcome::InDoubt,
            FaultKind::Throttled | FaultKind::Passing { .. } | FaultKind::Lost => AttemptOutcome::SendAgain,
        }
    }
}

impl Engine {
    /// A passing fault or a doubt: the batch waits its turn, or has had its last.
    pub(super) fn again(&mut self, now: Time, jitter: f64, id: BatchId, fault: PassingFault, paused: bool) {
        let through = self.health.through();
        let Some(batch) = self.active.get_mut(&id) else { return };
        let outcome = Some(fault.outcome());
        if matches!(fault.kind, FaultKind::Lost | FaultKind::Strange) {
            batch.doubt = Some(Doubt::new(fault.reason.clone()));
        }
        let given_up = self.health.is_given_up(now, self.settings.give_up_after);
        if fault.kind == FaultKind::Throttled {
            let number = batch.lane;
            let lane = self.lanes.get(number).filter(|lane| lane.blocked.is_none());
            if let Some(road) = lane.and_then(|lane| self.roads.get_mut(lane.road)) {
                road.throttled.insert(id, number);
            }
            if given_up {
                self.end(Ending::Unreachable(fault.reason));
            }
            return self.settle_resting(id, outcome, After::Throttled);
        }
        batch.tries += 1;
        batch.spent += 1;
        batch.needs_budget = true;
        let meanwhile = *batch.through_before.get_or_insert(through) < through;
        // The pause is the wait; without one, each batch waits for itself.
        let due = if paused { now } else { now + backoff(batch.tries, jitter) };
        let hopeless = given_up && self.is_tried_in_vain(fault.kind);
        self.in_vain |= hopeless;
        let Some(batch) = self.active.get(&id) else { return };
        let exhausted = hopeless || batch.spent >= self.settings.max_attempts;
        if given_up
            && !hopeless
            && fault.kind != FaultKind::Strange
            && !(exhausted && self.is_one_of_the_last(id, fault.kind))
        {
            self.end(Ending::Unreachable(fault.reason.clone()));
        }
        if !exhausted || self.ending.is_some() {
            return self.settle_resting(id, outcome, After::Again { due });
        }
        self.exhausted(id, &fault, meanwhile || given_up, due);
    }

    /// A batch has had its attempts. `meanwhile` others got through, or nobody else is left to.
    fn exhausted(&mut self, id: BatchId, fault: &PassingFault, meanwhile: bool, due: Time) {
        let Some(batch) = self.active.get(&id) else { return };
        let (tries, lone, doubted) = (batch.spent, batch.is_lone(), batch.is_in_doubt());
        let outcome = Some(fault.outcome());
        let others_may_tell = self.others_may_tell();
        match fault.kind {
            // What has worked before may work again, for as long as the user bears it.
            FaultKind::Lost if !meanwhile && others_may_tell => {
                self.settle_resting(id, outcome, After::Again { due });
            }
            FaultKind::Lost | FaultKind::Strange | FaultKind::Throttled => self.stays_in_doubt(id, outcome),
            FaultKind::Passing { answered } => {
                let probe = || !meanwhile && answered && !others_may_tell;
                if lone && meanwhile && doubted {
                    self.stays_in_doubt(id, outcome);
                } else if lone && meanwhile {
                    let message = format!("given up after {tries} attempts; the last: {}", fault.reason);
                    let code = ErrorCode::ours(code::RETRIES_EXHAUSTED);
                    self.refuse(id, outcome, Refusal { code, message });
                } else if !lone && (meanwhile || (probe() && self.health.may_probe())) {
                    self.split(id, outcome, true);
                } else {
                    self.settle_resting(id, outcome, After::Again { due });
                }
            }
        }
    }

    fn stays_in_doubt(&mut self, id: BatchId, outcome: Option<AttemptOutcome>) {
        self.canary.fail();
        self.settle_resting(id, outcome, After::Nothing);
    }

    /// The two halves of a batch take its place. Where it was `tried` in vain, each has a few attempts before it
    /// is split again, and what got through since the whole was first tried counts for them too.
    pub(super) fn split(&mut self, id: BatchId, attempt: Option<AttemptOutcome>, tried: bool) {
        let Some(batch) = self.active.get(&id) else { return };
        let Some((left, right)) = batch.span.halves() else { return };
        let doubt = batch.doubt.as_ref().map(|doubt| doubt.reason.clone());
        let [left, right] = self.name_parts(left, right);
        let change = crate::domain::BatchChange::Split { left, right, doubt };
        self.settle(id, attempt, change, After::Parts { parts: [left, right], tried });
    }

    /// A half of a batch, once the split is on disk.
    pub(super) fn half(&self, whole: &Batch, part: crate::domain::Part, tried: bool) -> Batch {
        let mut half = whole.part(part.span);
        if tried {
            half.spent = self.settings.max_attempts.saturating_sub(ANEW_AFTER_SPLIT);
        } else {
            (half.spent, half.through_before) = (0, None);
        }
        half
    }

    /// While other work has not had its chance, it will tell whether it is the service or the batch. What waits for
    /// the batch itself will not.
    fn others_may_tell(&self) -> bool {
        let may_tell = |batch: &Batch| batch.spent == 0 && !self.is_held_back(batch);
        (self.room().unknown && self.is_anything_unsent()) || self.unsettled().any(may_tell)
    }

    /// Whether anything is left that no batch covers, as far as the canary goes.
    fn is_anything_unsent(&self) -> bool {
        let end = self.canary.end();
        self.open_lanes().any(|lane| lane.first_unsent().is_some_and(|first| first < end))
    }

    /// What has not got its last outcome and may get it in this sitting, as far as the canary goes.
    fn unsettled(&self) -> impl Iterator<Item = &Batch> {
        let end = self.canary.end();
        let waiting = self.open_lanes().flat_map(Lane::waiting);
        let asked = self.verifying.values().map(|(_, batch)| batch);
        self.active.values().chain(asked).chain(waiting.filter(move |batch| batch.span.first().0 < end))
    }

    /// A few lone assignments are all that is left, the service answers them, and has accepted others before: then
    /// it is for their own sake that they do not get through. Who is held back for a 403 has been answered.
    fn is_one_of_the_last(&self, id: BatchId, kind: FaultKind) -> bool {
        kind == FaultKind::Passing { answered: true }
            && self.discovery.has_accepted()
            && self.unsettled().count() <= LAST_ONES
            && self.active.get(&id).is_some_and(Batch::is_lone)
            && !self.is_anything_unsent()
            && self.unsettled().all(|batch| batch.is_lone() && batch.spent > 0)
    }

    /// Nothing has got through for as long as is borne, as in the sitting before, and everything that is left has been
    /// tried: whoever goes on with that gets an end of it, and not the same pause for ever.
    fn is_tried_in_vain(&self, kind: FaultKind) -> bool {
        let told = matches!(kind, FaultKind::Passing { answered: true } | FaultKind::Lost);
        told && self.settings.last_try
            && (self.in_vain || !self.has_settled)
            && !self.is_anything_unsent()
            && self.unsettled().all(Batch::has_been_tried)
    }

    /// The service wants a wait: one pause, which only grows. Where each organization has its own pace, a 429 is
    /// about one of them, and everything else about the service.
    pub(super) fn pause_for(&mut self, now: Time, number: LaneNo, throttled: bool, wait: Option<Duration>) {
        let (Some(wait), Some(lane)) = (wait, self.lanes.get(number)) else { return };
        let alone = throttled && self.lanes.len() > 1 && self.settings.rate_per == RatePer::Org;
        if !alone {
            return self.pause_everyone(now, wait);
        }
        let org = lane.org.clone();
        let until = now + wait;
        if let Some(road) = self.roads.get_mut(lane.road).filter(|road| until > road.pause) {
            road.pause = until;
            let scope = Scope::Organization(org.clone());
            self.instructions.push_back(Instruction::Pause { until, scope });
        }
        if wait > self.settings.max_wait {
            return self.block(number, Ending::LongPause { org, wait });
        }
        self.health.excuse(now, until);
    }

    fn pause_everyone(&mut self, now: Time, wait: Duration) {
        let until = now + wait;
        if until > self.pause {
            self.pause = until;
            self.instructions.push_back(Instruction::Pause { until, scope: Scope::Everyone });
        }
        if wait > self.settings.max_wait {
            return self.end(Ending::LongPause { org: None, wait });
        }
        self.health.excuse(now, until);
    }

    /// A reading request was answered: the service's wish is for everyone, whatever it was that it answered.
    pub(super) fn read_answered(&mut self, now: Time, throttled: bool, retry_after: Option<Duration>) {
        let Some(road) = self.roads.first_mut() else { return };
        if throttled {
            road.pace.refused(now, now, retry_after);
        } else {
            road.pace.passed(now, now);
        }
        if let Some(wait) = retry_after.filter(|wait| !wait.is_zero()) {
            self.pause_everyone(now, wait);
        }
    }
}
