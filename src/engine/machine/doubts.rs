//! What the service says of a batch in doubt.

use super::{Engine, Finding};
use crate::domain::{BatchChange, BatchId, OperationFailure, OperationKey, Refusal};
use crate::engine::batch::{After, Batch, Claim, Inquiry};
use crate::engine::in_effect::{Effect, OperationEffect};
use crate::engine::settings::Ending;

impl Engine {
    /// The service said what became of a batch in doubt, or would not.
    pub(super) fn verified(&mut self, id: BatchId, finding: Finding) {
        let Some((token, mut batch)) = self.verifying.remove(&id) else { return };
        let found = match finding {
            Finding::Known(found) => found,
            Finding::Unauthorized => {
                self.token_refused(token);
                return self.put(id, batch);
            }
            Finding::Unknown(reason) => {
                if batch.claim.is_none() {
                    self.end(Ending::CannotVerify(reason));
                    return self.put(id, batch);
                }
                return self.refused_unseen(id, batch, reason);
            }
        };
        self.in_effect.learn(&found);
        batch.may_have_passed = false;
        batch.cargo.rows = found.iter().map(|found| u64::from(found.rows)).sum();
        if found.iter().all(|found| found.effect == Effect::InEffect) {
            batch.claim = None;
            self.active.insert(id, batch);
            return self.in_effect_already(id);
        }
        if let Some(claim) = batch.claim.take() {
            return self.settle_claim(id, batch, &claim, &found);
        }
        let any = |effect| found.iter().any(|found| found.effect == effect);
        if any(Effect::Unknown) {
            batch.doubt.iter_mut().for_each(|doubt| doubt.inquiry = Inquiry::Vain);
        } else if any(Effect::InEffect) {
            batch.doubt.iter_mut().for_each(|doubt| doubt.inquiry = Inquiry::Told);
        } else {
            batch.doubt = None;
        }
        self.put(id, batch);
    }

    /// What was refused and is in effect all the same was done before; the rest has failed. What nobody can tell
    /// stays in doubt, the rest of its batch with it as long as they are together.
    fn settle_claim(&mut self, id: BatchId, mut batch: Batch, claim: &Claim, found: &[OperationEffect]) {
        let refusal_of = |found: &OperationEffect| match claim {
            Claim::Whole(refusal) => Some(refusal),
            Claim::Some(failures) => refused(failures, found.key),
        };
        let claimed = found.iter().filter(|found| found.effect != Effect::InEffect);
        let claimed: Vec<_> = claimed.filter_map(|found| Some((found, refusal_of(found)?))).collect();
        if batch.doubt.is_some() && claimed.iter().any(|(found, _)| found.effect == Effect::Unknown) {
            if batch.is_lone() {
                let reason = claimed.first().map_or_else(String::new, |(_, refusal)| refusal.message.clone());
                return self.leave_in_doubt(id, batch, reason);
            }
            batch.doubt.iter_mut().for_each(|doubt| doubt.inquiry = Inquiry::Vain);
            self.active.insert(id, batch);
            return self.split(id, None, false);
        }
        let failures = claimed.into_iter().map(|(found, refusal)| OperationFailure {
            assignment: found.assignment,
            key: found.key,
            rows: found.rows,
            refusal: refusal.clone(),
        });
        self.settle_refused(id, batch, failures.collect());
    }

    /// It was refused, and nobody can be asked whether it was done before. What was in doubt stays so; what had an
    /// answer each time is refused.
    fn refused_unseen(&mut self, id: BatchId, mut batch: Batch, reason: String) {
        match batch.claim.take_if(|_| batch.doubt.is_none()) {
            None => self.leave_in_doubt(id, batch, reason),
            Some(Claim::Some(failures)) => self.settle_refused(id, batch, failures),
            Some(Claim::Whole(refusal)) => {
                batch.may_have_passed = false;
                self.active.insert(id, batch);
                self.refuse(id, None, refusal);
            }
        }
    }

    fn settle_refused(&mut self, id: BatchId, batch: Batch, failures: Vec<OperationFailure>) {
        let change = BatchChange::Done { failures };
        let failed = change.failed_rows(0);
        self.active.insert(id, batch);
        self.settle(id, None, change, After::Nothing);
        self.count_failed(failed);
    }

    /// It was refused, and whether it was done before cannot be told.
    fn leave_in_doubt(&mut self, id: BatchId, batch: Batch, reason: String) {
        self.canary.fail();
        self.active.insert(id, batch);
        let reason = format!("it may have been done before it was refused ({reason})");
        self.settle(id, None, BatchChange::InDoubt(reason), After::Nothing);
    }
}

fn refused(failures: &[OperationFailure], key: OperationKey) -> Option<&Refusal> {
    failures.iter().find(|failure| failure.key == key).map(|failure| &failure.refusal)
}
