//! What follows from an answer, and from an outcome on the disk.

use std::time::Duration;

use super::{Action, Engine, Finding, Scope, Time};
use crate::domain::{
    AttemptOutcome, BatchChange, BatchId, ErrorCode, Prospect, Refusal, Unconnected, Wire, WireForm, code,
};
use crate::engine::batch::{After, Batch, Stage, Suspect};
use crate::engine::in_effect::{Effect, fail_all};
use crate::engine::judge::{Rejection, Verdict};
use crate::engine::lane::{Lane, LaneNo};
use crate::engine::settings::{Ending, backoff};
use crate::engine::token::{Generation, Unauthorized};

/// While nothing has been accepted, so many lone refusals without a code are one mistake that
/// concerns every request.
const SUSPICIOUS: usize = 10;

/// So many at least before the run is given up for the time that nothing has got through.
const LEAST_FAULTS: u32 = 3;

impl Engine {
    pub(super) fn answered(&mut self, now: Time, jitter: f64, id: BatchId, verdict: Verdict) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        // After a stop's deadline, an answer comes too late: the batch is in doubt on disk already.
        let Stage::InFlight { token, sent } = batch.stage else { return };
        batch.stage = Stage::Settling(After::Nothing);
        let (number, on_leave) = (batch.lane, batch.on_leave);
        self.in_flight -= 1;
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.in_flight -= 1;
            match &verdict {
                Verdict::SendAgain { throttled: true, retry_after, .. } => {
                    lane.pace.refused(sent, now, *retry_after);
                }
                Verdict::SendAgain { .. }
                | Verdict::CutOff(_)
                | Verdict::InDoubt(_)
                | Verdict::Foreign(_) => lane.pace.lost(),
                _ => lane.pace.passed(sent, now),
            }
        }
        if !matches!(verdict, Verdict::Unauthorized | Verdict::CutOff(_) | Verdict::Foreign(_)) {
            self.token.proved(token);
        }
        match verdict {
            Verdict::Accepted { failures, .. } => {
                let failed = failures.iter().map(|failure| u64::from(failure.rows)).sum();
                let outcome = if failed == 0 { AttemptOutcome::Accepted } else { AttemptOutcome::Partial };
                self.got_through(on_leave);
                self.accept(id, outcome, BatchChange::Done { failures }, failed);
            }
            Verdict::Rejected(rejection) => {
                self.got_through(on_leave);
                self.reject(id, rejection);
            }
            Verdict::SendAgain { retry_after, in_doubt, answered, throttled, reason } => {
                let fault =
                    Fault { outcome: AttemptOutcome::SendAgain, in_doubt, answered, throttled, reason };
                let pausing = retry_after.filter(|wait| !wait.is_zero());
                self.fault_came(now);
                self.pause_for(now, number, throttled, pausing);
                self.again(now, jitter, id, fault, pausing.is_some());
            }
            Verdict::CutOff(Unconnected { reason, prospect }) => {
                // What has worked before may work again by itself.
                if prospect == Prospect::Hopeless || self.through == 0 {
                    self.end(Ending::CutOff(reason.clone()));
                }
                let outcome = AttemptOutcome::SendAgain;
                let fault = Fault { outcome, in_doubt: false, answered: false, throttled: false, reason };
                self.fault_came(now);
                self.again(now, jitter, id, fault, false);
            }
            Verdict::Foreign(foreign) => {
                let outcome = AttemptOutcome::InDoubt;
                let reason = foreign.reason;
                let fault = Fault { outcome, in_doubt: true, answered: true, throttled: false, reason };
                self.again(now, jitter, id, fault, false);
            }
            Verdict::InDoubt(reason) => {
                let outcome = AttemptOutcome::InDoubt;
                let fault = Fault { outcome, in_doubt: true, answered: true, throttled: false, reason };
                self.again(now, jitter, id, fault, false);
            }
            Verdict::Unauthorized => self.unauthorized(id, token),
            Verdict::Forbidden(rejection) => {
                let words = Some(rejection.message);
                let org = self.lanes.get(number).and_then(|lane| lane.org.clone());
                self.block(number, Ending::Forbidden { org, words });
                self.settle(id, Some(AttemptOutcome::Forbidden), BatchChange::Pending, After::Anew);
            }
        }
    }

    fn got_through(&mut self, on_leave: bool) {
        self.through += 1;
        self.faults = 0;
        self.budget.earn(on_leave);
    }

    fn fault_came(&mut self, now: Time) {
        if self.faults == 0 {
            self.ill_since = now;
        }
        self.faults += 1;
    }

    /// One organization of several is left alone; where there is but one, that is the end.
    fn block(&mut self, number: LaneNo, reason: Ending) {
        if self.lanes.len() == 1 {
            return self.end(reason);
        }
        if let Some(lane) = self.lanes.get_mut(number)
            && lane.blocked.is_none()
        {
            lane.blocked = Some(reason.clone());
            self.actions.push_back(Action::Block { org: lane.org.clone(), reason });
        }
    }

    fn accept(&mut self, id: BatchId, outcome: AttemptOutcome, change: BatchChange, failed: u64) {
        let Some(batch) = self.active.get(&id) else { return };
        let form = self.form(batch);
        let learned = (self.settings.wire == Wire::Auto && self.wire.is_none()).then_some(form);
        self.wire = self.wire.or(learned);
        self.accepted = true;
        self.commit(id, Some(outcome), change, learned, After::Nothing);
        self.convict_suspects();
        self.count_failed(failed);
    }

    /// A 4xx: a batch of several is split; a lone assignment fails, with two exceptions while
    /// nothing has been accepted.
    fn reject(&mut self, id: BatchId, rejection: Rejection) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        if let Some((left, right)) = batch.span.halves() {
            let [left, right] = self.name_parts(left, right);
            let change = BatchChange::Split { left, right };
            return self.settle(id, Some(AttemptOutcome::Rejected), change, After::Parts([left, right]));
        }
        let unsure = !self.accepted;
        if unsure && self.settings.wire == Wire::Auto && self.wire.is_none() && !batch.as_object {
            batch.as_object = true;
            batch.array_refusal = Some(rejection);
            return self.settle(id, Some(AttemptOutcome::Rejected), BatchChange::Pending, After::Anew);
        }
        // Where both forms were tried, the one that gave a code was understood.
        let rejection = match batch.array_refusal.take() {
            Some(array) if array.code.is_some() || rejection.code.is_none() => array,
            _ => rejection,
        };
        let refusal = rejection.refusal();
        self.understood |= rejection.code.is_some();
        if unsure && !self.understood {
            let next = After::Suspect(refusal);
            return self.settle(id, Some(AttemptOutcome::Rejected), BatchChange::Pending, next);
        }
        self.fail(id, Some(AttemptOutcome::Rejected), &refusal);
        if self.understood {
            self.convict_suspects();
        }
    }

    /// The service wants a wait: one pause, which only grows. Where there are several organizations,
    /// a 429 is about one of them, and everything else about the service.
    fn pause_for(&mut self, now: Time, number: LaneNo, throttled: bool, retry_after: Option<Duration>) {
        let Some(wait) = retry_after else { return };
        let several = self.lanes.len() > 1;
        let Some(lane) = self.lanes.get_mut(number) else { return };
        let alone = throttled && several;
        let org = lane.org.clone();
        if wait > self.settings.max_wait {
            let reason = Ending::LongPause { org: org.filter(|_| alone), wait };
            return if alone { self.block(number, reason) } else { self.end(reason) };
        }
        let until = now + wait;
        let pause = if alone { &mut lane.pause } else { &mut self.pause };
        if until > *pause {
            *pause = until;
            let scope = if alone { Scope::Organization(org) } else { Scope::Everyone };
            self.actions.push_back(Action::Pause { until, scope });
        }
        // A wait that was asked for is not a time in which nothing got through.
        self.ill_since = self.ill_since.max(until);
    }

    /// A passing fault or a doubt: the batch waits its turn, or has had its last.
    fn again(&mut self, now: Time, jitter: f64, id: BatchId, fault: Fault, paused: bool) {
        let (through, most) = (self.through, self.settings.max_attempts);
        let Some(batch) = self.active.get_mut(&id) else { return };
        batch.tries += 1;
        batch.in_doubt |= fault.in_doubt;
        batch.needs_leave = !fault.throttled;
        let quiet = *batch.through_before.get_or_insert(through) == through;
        let in_doubt = fault.outcome == AttemptOutcome::InDoubt;
        let outcome = Some(fault.outcome);
        // The pause is the wait; without one, each batch waits for itself.
        let due = if paused { now } else { now + backoff(batch.tries, jitter) };
        let tries = batch.tries;
        if self.faults >= LEAST_FAULTS && self.is_given_up(now) {
            self.end(Ending::Unreachable(fault.reason.clone()));
        }
        if tries < most || self.ending.is_some() {
            return self.settle(id, outcome, fault.resting(), After::Again { due });
        }
        if in_doubt {
            self.canary_failed |= self.canary.is_some();
            return self.settle(id, outcome, fault.resting(), After::Nothing);
        }
        if quiet && self.is_cut_off(fault.answered) {
            // What has worked before may work again, for as long as the user bears it.
            if self.through == 0 || self.is_given_up(now) {
                self.end(Ending::Unreachable(fault.reason.clone()));
            }
            return self.settle(id, outcome, fault.resting(), After::Again { due });
        }
        let message = format!("given up after {tries} attempts; the last: {}", fault.reason);
        let refusal = Refusal { code: ErrorCode::ours(code::RETRIES_EXHAUSTED), message };
        self.fail(id, outcome, &refusal);
    }

    /// Nothing has got through for as long as the user bears.
    fn is_given_up(&self, now: Time) -> bool {
        now.saturating_sub(self.ill_since) >= self.settings.give_up_after
    }

    /// A batch has had its attempts, and nothing got through meanwhile: is that the service, or this
    /// batch? While other work had its chance and did not get through either, it is the service.
    /// Where only batches that fail are left, what got through before tells.
    fn is_cut_off(&self, answered: bool) -> bool {
        let waiting = self.lanes.iter().flat_map(Lane::waiting);
        let untried = self.active.values().chain(waiting).any(|batch| batch.tries == 0);
        let reached = self.through > 0 || (self.accepted && answered);
        self.lanes.iter().any(Lane::has_unsent) || untried || !reached
    }

    /// Nothing of a batch is left to be done. It says nothing of what the service takes.
    pub(super) fn in_effect_already(&mut self, id: BatchId) {
        self.commit(id, None, BatchChange::Done { failures: Vec::new() }, None, After::Nothing);
    }

    /// The service said what became of a batch in doubt, or would not.
    pub(super) fn verified(&mut self, id: BatchId, finding: Finding) {
        let Some((token, mut batch)) = self.verifying.remove(&id) else { return };
        match finding {
            Finding::Known(found) => {
                self.in_effect.learn(&found);
                if found.iter().all(|found| found.effect == Effect::InEffect) {
                    batch.cargo.rows = found.iter().map(|found| u64::from(found.rows)).sum();
                    self.active.insert(id, batch);
                    return self.in_effect_already(id);
                }
                batch.in_doubt = false;
            }
            Finding::Unauthorized => self.token_refused(token),
            Finding::Unknown(reason) => self.end(Ending::CannotVerify(reason)),
        }
        self.put(id, batch);
    }

    fn unauthorized(&mut self, id: BatchId, token: Generation) {
        self.token_refused(token);
        self.settle(id, Some(AttemptOutcome::Unauthorized), BatchChange::Pending, After::Anew);
    }

    fn token_refused(&mut self, token: Generation) {
        match self.token.refused(token) {
            Unauthorized::Stale | Unauthorized::Renewing => {}
            Unauthorized::Renew => self.actions.push_back(Action::ReadToken),
            Unauthorized::GiveUp => self.end(Ending::TokenRejected),
        }
    }

    pub(super) fn token_read(&mut self, changed: bool) {
        self.token.renewed(changed);
        if !changed {
            self.end(Ending::TokenRejected);
        }
    }

    pub(super) fn settle(
        &mut self,
        id: BatchId,
        attempt: Option<AttemptOutcome>,
        change: BatchChange,
        next: After,
    ) {
        self.commit(id, attempt, change, None, next);
    }

    /// Has an outcome put on disk; `next` follows once it is there.
    fn commit(
        &mut self,
        id: BatchId,
        attempt: Option<AttemptOutcome>,
        change: BatchChange,
        learned: Option<WireForm>,
        next: After,
    ) {
        if let Some(batch) = self.active.get_mut(&id) {
            let settled = matches!(change, BatchChange::Done { .. } | BatchChange::Failed(_));
            let rows = if settled { batch.cargo.rows } else { 0 };
            batch.stage = Stage::Settling(next);
            let span = batch.span;
            self.actions.push_back(Action::CommitOutcome { batch: id, span, attempt, change, learned, rows });
        }
    }

    /// Everything that was sent of a batch has failed; what was not sent is in effect.
    fn fail(&mut self, id: BatchId, attempt: Option<AttemptOutcome>, refusal: &Refusal) {
        let Some(batch) = self.active.get(&id) else { return };
        let change = match &batch.cargo.rest {
            Some(sent) => BatchChange::Done { failures: fail_all(sent, refusal) },
            None => BatchChange::Failed(refusal.clone()),
        };
        let failed = change.failed_rows(batch.cargo.rows);
        self.commit(id, attempt, change, None, After::Nothing);
        self.count_failed(failed);
    }

    pub(super) fn outcome_committed(&mut self, id: BatchId) {
        let Some(mut batch) = self.active.remove(&id) else { return };
        let Stage::Settling(next) = std::mem::replace(&mut batch.stage, Stage::Intending) else { return };
        match next {
            After::Nothing => {}
            After::Anew => self.put(id, batch),
            After::Again { due } => {
                if let Some(lane) = self.lanes.get_mut(batch.lane) {
                    lane.put_aside(due, id, batch);
                }
            }
            After::Parts(parts) => {
                for part in parts {
                    self.put(part.batch, Batch::new(batch.lane, part.span));
                }
            }
            After::Suspect(refusal) => {
                let words = format!("{}: {}", refusal.code, refusal.message);
                self.suspects.push(Suspect { id, batch, refusal });
                if self.accepted || self.understood {
                    self.convict_suspects();
                } else if self.suspects.len() >= SUSPICIOUS {
                    self.end(Ending::ProbablyWrong { refusal: words });
                }
            }
        }
    }

    /// The service is known to understand us, so the refusals held back are refusals.
    pub(super) fn convict_suspects(&mut self) {
        for Suspect { id, batch, refusal } in std::mem::take(&mut self.suspects) {
            self.active.insert(id, batch);
            self.fail(id, None, &refusal);
        }
    }

    fn count_failed(&mut self, rows: u64) {
        self.failed += rows;
        self.canary_failed |= rows > 0 && self.canary.is_some();
        let exceeded = self
            .settings
            .max_failures
            .is_some_and(|limit| limit.is_exceeded(self.failed, self.settings.operations));
        // With nothing left to hold back, the run is simply over.
        if exceeded && (self.lanes.iter().any(Lane::has_work) || self.active.len() > 1) {
            self.end(Ending::TooManyFailures { failed: self.failed });
        }
    }
}

/// Why a batch goes round again.
struct Fault {
    outcome: AttemptOutcome,
    in_doubt: bool,
    answered: bool,
    throttled: bool,
    reason: String,
}

impl Fault {
    /// How the batch stands while it waits.
    fn resting(self) -> BatchChange {
        if self.in_doubt { BatchChange::InDoubt(self.reason) } else { BatchChange::Pending }
    }
}
