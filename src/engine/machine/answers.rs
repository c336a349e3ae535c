//! What follows from an answer.

use super::faults::{FaultKind, PassingFault};
use super::{Engine, Instruction, Time};
use crate::domain::{AttemptOutcome, BatchChange, BatchId, OperationFailure, Prospect, Unconnected};
use crate::engine::LaneNo;
use crate::engine::batch::{After, Claim, Stage};
use crate::engine::judge::{MayBeDone, Rejection, Verdict};
use crate::engine::settings::Ending;
use crate::engine::token::{Generation, Unauthorized};

impl Engine {
    pub(super) fn answered(&mut self, now: Time, jitter: f64, id: BatchId, verdict: Verdict) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        // After a stop's deadline, an answer comes too late: the batch is in doubt on disk already.
        let Stage::InFlight { token, sent } = batch.stage else { return };
        let (number, on_budget) = (batch.lane, batch.on_budget);
        self.in_flight -= 1;
        self.tell_pace(now, number, sent, &verdict);
        if !matches!(verdict, Verdict::Unauthorized | Verdict::CutOff(_) | Verdict::Foreign(_)) {
            self.token.proved(token);
        }
        match verdict {
            Verdict::Accepted { failures, .. } => {
                self.got_through(on_budget);
                self.accept(id, token, failures);
            }
            Verdict::Rejected(rejection) => {
                self.got_through(on_budget);
                self.reject(id, AttemptOutcome::Rejected, rejection);
            }
            Verdict::SendAgain { retry_after, done, answered, throttled, reason } => {
                let kind = match (throttled, done) {
                    (true, _) => FaultKind::Throttled,
                    (_, MayBeDone::InDoubt) => FaultKind::Lost,
                    (_, MayBeDone::No | MayBeDone::Perhaps) => FaultKind::Passing { answered },
                };
                if let Some(batch) = self.active.get_mut(&id).filter(|_| done == MayBeDone::Perhaps) {
                    batch.may_have_passed = true;
                }
                let pausing = retry_after.filter(|wait| !wait.is_zero());
                self.health.fault(now);
                self.pause_for(now, number, throttled, pausing);
                self.again(now, jitter, id, PassingFault { kind, reason }, pausing.is_some());
            }
            Verdict::CutOff(Unconnected { reason, prospect }) => {
                // What has worked before may work again by itself.
                if prospect == Prospect::Hopeless || self.health.through() == 0 {
                    self.end(Ending::CutOff(reason.clone()));
                }
                self.health.fault(now);
                let kind = FaultKind::Passing { answered: false };
                self.again(now, jitter, id, PassingFault { kind, reason }, false);
            }
            Verdict::Foreign(foreign) => {
                if self.health.is_foreign() {
                    self.end(Ending::Foreign(foreign.reason.clone()));
                }
                let fault = PassingFault { kind: FaultKind::Strange, reason: foreign.reason };
                self.again(now, jitter, id, fault, false);
            }
            Verdict::InDoubt(reason) => {
                self.again(now, jitter, id, PassingFault { kind: FaultKind::Strange, reason }, false);
            }
            Verdict::Unauthorized => {
                self.token_refused(token);
                self.settle_resting(id, Some(AttemptOutcome::Unauthorized), After::Anew);
            }
            Verdict::Forbidden(rejection) => self.forbidden(id, token, rejection),
        }
    }

    fn tell_pace(&mut self, now: Time, number: LaneNo, sent: Time, verdict: &Verdict) {
        let Some(lane) = self.lanes.get_mut(number) else { return };
        lane.in_flight -= 1;
        let Some(road) = self.roads.get_mut(lane.road) else { return };
        match verdict {
            Verdict::SendAgain { throttled: true, retry_after, .. } => {
                road.pace.refused(sent, now, *retry_after);
            }
            Verdict::SendAgain { .. } | Verdict::CutOff(_) | Verdict::InDoubt(_) | Verdict::Foreign(_) => {
                road.pace.lost()
            }
            Verdict::Accepted { .. }
            | Verdict::Rejected(_)
            | Verdict::Unauthorized
            | Verdict::Forbidden(_) => road.pace.passed(sent, now),
        }
    }

    fn got_through(&mut self, on_budget: bool) {
        self.health.got_through();
        self.in_vain = false;
        self.budget.earn(on_budget);
    }

    /// One organization of several is left alone; where there is but one, that is the end.
    pub(super) fn block(&mut self, number: LaneNo, reason: Ending) {
        let several = self.lanes.len() > 1;
        let Some(lane) = self.lanes.get_mut(number) else { return };
        // Who was held back is still to be sent.
        for held in lane.rights.take_held() {
            lane.put(held.id, held.batch);
        }
        if !several {
            return self.end(reason);
        }
        if lane.blocked.is_none() {
            lane.blocked = Some(reason.clone());
            self.instructions.push_back(Instruction::Block { org: lane.org.clone(), reason });
            if let Some(road) = self.roads.get_mut(lane.road) {
                // Nobody waits for those that are not sent any more.
                road.throttled.retain(|_, lane| *lane != number);
            }
        }
    }

    fn accept(&mut self, id: BatchId, token: Generation, failures: Vec<OperationFailure>) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        let (number, doubted, form) = (batch.lane, batch.may_be_done(), batch.form);
        let learned = self.discovery.accept(form);
        self.health.accepted();
        let partial = !failures.is_empty();
        let outcome = if partial { AttemptOutcome::Partial } else { AttemptOutcome::Accepted };
        if partial && doubted {
            // It may have been done before, and be refused for that.
            batch.claim = Some(Claim::Some(failures));
            let change = batch.resting();
            self.commit(id, Some(outcome), change, learned, After::Anew);
        } else {
            let change = BatchChange::Done { failures };
            let failed = change.failed_rows(0);
            self.commit(id, Some(outcome), change, learned, After::Nothing);
            self.count_failed(failed);
        }
        let held = self.lanes.get_mut(number).map(|lane| lane.rights.prove(token));
        for held in held.into_iter().flatten() {
            self.convict(held);
        }
        if learned.is_some() {
            self.recall();
        }
        self.convict_suspects();
    }

    /// A 4xx: a batch of several is split; a lone assignment fails, with two exceptions while
    /// nothing has been accepted.
    fn reject(&mut self, id: BatchId, outcome: AttemptOutcome, rejection: Rejection) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        let outcome = Some(outcome);
        if !batch.is_lone() {
            return self.split(id, outcome, false);
        }
        if batch.form != self.discovery.form(batch) {
            // It left before the form was learned: refused was the form.
            return self.settle_resting(id, outcome, After::Anew);
        }
        if self.discovery.is_open(batch) {
            batch.as_object = true;
            batch.array_refusal = Some(rejection);
            return self.settle_resting(id, outcome, After::Anew);
        }
        // Where both forms were tried, the one that gave a code was understood.
        let rejection = match batch.array_refusal.take() {
            Some(array) if array.code.is_some() || rejection.code.is_none() => array,
            _ => rejection,
        };
        let refusal = rejection.refusal();
        if rejection.code.is_some() {
            self.discovery.understand();
        }
        if !self.discovery.is_sure() {
            return self.settle_resting(id, outcome, After::Suspect(refusal));
        }
        self.refuse(id, outcome, refusal);
        self.convict_suspects();
    }

    /// A 403 is about the token until something has been accepted with it, and about the user after that.
    fn forbidden(&mut self, id: BatchId, token: Generation, rejection: Rejection) {
        let Some(batch) = self.active.get(&id) else { return };
        let (number, span, lone) = (batch.lane, batch.span, batch.is_lone());
        let outcome = AttemptOutcome::Forbidden;
        let Some(lane) = self.lanes.get_mut(number) else { return };
        if lane.rights.is_proven(token) {
            self.health.got_through();
            if lone && lane.rights.is_one_too_many() {
                self.block_forbidden(number, &rejection);
                return self.settle_resting(id, Some(outcome), After::Anew);
            }
            return self.reject(id, outcome, rejection);
        }
        let again = lane.rights.is_refused_again(span);
        if again && !(self.settings.insisted && lane.rights.holds_few()) {
            self.block_forbidden(number, &rejection);
            return self.settle_resting(id, Some(outcome), After::Anew);
        }
        if !lone {
            return self.split(id, Some(outcome), false);
        }
        lane.rights.refused_with(&rejection);
        self.settle_resting(id, Some(outcome), After::Held(rejection.refusal()));
    }

    fn block_forbidden(&mut self, number: LaneNo, rejection: &Rejection) {
        let org = self.lanes.get(number).and_then(|lane| lane.org.clone());
        let (words, tracking_id) = (Some(rejection.message.clone()), rejection.tracking_id.clone());
        self.block(number, Ending::Forbidden { org, words, tracking_id });
    }

    /// Who is held back for a 403 has nobody left to be compared with: it is the token, unless the user has heard so
    /// and goes on.
    pub(super) fn give_up_held(&mut self) {
        for number in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get(number) else { continue };
            let settling = self.active.values().chain(self.verifying.values().map(|(_, batch)| batch));
            let open = lane.is_busy() || settling.into_iter().any(|batch| batch.lane == number);
            let Some(rejection) = lane.rights.last_refusal().filter(|_| !open) else { continue };
            if !self.settings.insisted {
                self.block_forbidden(number, &rejection);
                continue;
            }
            let held = self.lanes.get_mut(number).map(|lane| lane.rights.take_held());
            held.into_iter().flatten().for_each(|held| self.convict(held));
        }
    }

    pub(super) fn token_refused(&mut self, token: Generation) {
        match self.token.refused(token) {
            Unauthorized::Stale | Unauthorized::Renewing => {}
            Unauthorized::Renew => self.instructions.push_back(Instruction::ReadToken),
            Unauthorized::GiveUp => self.end(Ending::TokenRejected),
        }
    }

    pub(super) fn token_read(&mut self, changed: bool) {
        self.token.renewed(changed);
        if !changed {
            self.end(Ending::TokenRejected);
        }
    }
}
