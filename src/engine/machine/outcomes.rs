//! What is put on disk, and what follows once it is there.

use super::{Engine, Instruction};
use crate::domain::{AttemptOutcome, BatchChange, BatchId, Outcome, Refusal, WireForm};
use crate::engine::batch::{After, Claim, Stage, Suspect};
use crate::engine::in_effect::fail_all;
use crate::engine::settings::Ending;

impl Engine {
    /// Has an outcome put on disk; `next` follows once it is there.
    pub(super) fn commit(
        &mut self,
        id: BatchId,
        attempt: Option<AttemptOutcome>,
        change: BatchChange,
        learned: Option<WireForm>,
        next: After,
    ) {
        if let Some(batch) = self.active.get_mut(&id) {
            let settled = matches!(change, BatchChange::Done { .. } | BatchChange::Failed(_));
            self.has_settled |= settled;
            let rows = if settled { batch.cargo.rows } else { 0 };
            if !matches!(next, After::Throttled)
                && let Some(lane) = self.lanes.get(batch.lane)
                && let Some(road) = self.roads.get_mut(lane.road)
            {
                // It waits for its turn no more, and who waits behind it has the place from now on.
                road.throttled.remove(&id);
            }
            batch.stage = Stage::Settling(next);
            let span = batch.span;
            let outcome = Outcome { batch: id, span, attempt, change, learned, rows };
            self.instructions.push_back(Instruction::CommitOutcome(outcome));
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

    /// The batch is to be sent again, in doubt where it was.
    pub(super) fn settle_resting(&mut self, id: BatchId, attempt: Option<AttemptOutcome>, next: After) {
        let Some(batch) = self.active.get(&id) else { return };
        let change = batch.resting();
        self.settle(id, attempt, change, next);
    }

    /// Nothing of a batch is left to be done. It says nothing of what the service takes.
    pub(super) fn in_effect_already(&mut self, id: BatchId) {
        self.settle(id, None, BatchChange::Done { failures: Vec::new() }, After::Nothing);
    }

    /// Everything that was sent of a batch is refused. What may have been done before is asked about
    /// first.
    pub(super) fn refuse(&mut self, id: BatchId, attempt: Option<AttemptOutcome>, refusal: Refusal) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        if batch.may_be_done() {
            batch.claim = Some(Claim::Whole(refusal));
            return self.settle_resting(id, attempt, After::Anew);
        }
        // What was not sent is in effect.
        let change = match &batch.cargo.rest {
            Some(sent) => BatchChange::Done { failures: fail_all(sent, &refusal) },
            None => BatchChange::Failed(refusal),
        };
        let failed = change.failed_rows(batch.cargo.rows);
        self.settle(id, attempt, change, After::Nothing);
        self.count_failed(failed);
    }

    pub(super) fn outcome_committed(&mut self, id: BatchId) {
        let Some(mut batch) = self.active.remove(&id) else { return };
        let Stage::Settling(next) = std::mem::replace(&mut batch.stage, Stage::Intending) else { return };
        let Some(lane) = self.lanes.get_mut(batch.lane) else { return };
        match next {
            After::Nothing => {}
            After::Anew => lane.put(id, batch),
            After::Throttled => lane.put_first(id, batch),
            After::Again { due } => lane.put_aside(due, id, batch),
            After::Parts { parts, tried } => {
                for part in parts {
                    let half = self.half(&batch, part, tried);
                    self.put(part.batch, half);
                }
            }
            After::Held(refusal) => {
                let held = Suspect { id, batch, refusal };
                if lane.rights.is_proven(self.token.generation()) {
                    return self.convict(held);
                }
                lane.rights.hold(held);
            }
            After::Suspect(refusal) => self.suspect(Suspect { id, batch, refusal }),
        }
    }

    fn suspect(&mut self, suspect: Suspect) {
        let words = format!("{}: {}", suspect.refusal.code, suspect.refusal.message);
        if self.discovery.suspect(suspect) && !self.discovery.is_sure() {
            return self.end(Ending::ProbablyWrong { refusal: words });
        }
        if self.discovery.is_sure() {
            self.convict_suspects();
        }
    }

    /// The service is known to understand us, so the refusals held back are refusals.
    pub(super) fn convict_suspects(&mut self) {
        for suspect in self.discovery.take_suspects() {
            self.convict(suspect);
        }
    }

    /// A refusal that was held back is one.
    pub(super) fn convict(&mut self, suspect: Suspect) {
        self.active.insert(suspect.id, suspect.batch);
        self.refuse(suspect.id, None, suspect.refusal);
    }

    pub(super) fn count_failed(&mut self, rows: u64) {
        self.failed += rows;
        if rows > 0 {
            self.canary.fail();
        }
    }
}
