//! The laws that take more than a line to check, at every step and at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use seatbatch::domain::{
    Action, Assignment, BatchChange, BatchId, Change, OperationKey, OrgId, RatePer, Sequence, Span, Wire,
    WireForm, code,
};
use seatbatch::engine::Ending;

use super::{World, license_of};
use crate::disk::{Batch, State};

impl World {
    /// Never above the rate, over any stretch, but for the slack of a timer.
    pub(super) fn check_pace(&mut self, org: Option<OrgId>) {
        let now = self.now;
        // Everyone's, or each organization's own.
        let org = org.filter(|_| self.settings.rate_per == RatePer::Org);
        let departures = self.departures.entry(org).or_default();
        departures.push(now);
        let Some(period) = self.settings.rate.period() else { return };
        let last = departures.len() - 1;
        for (index, earlier) in departures.iter().enumerate().rev().skip(1).take(40) {
            let least = period * (last - index) as u32;
            let slack = Duration::from_millis(4).max(period / 200) + period / 200;
            assert!(now - *earlier + slack >= least, "law 5: above the pace");
        }
    }

    /// Nobody goes before the canary has succeeded, or has been looked at.
    pub(super) fn check_canary(&self, span: Span) {
        let Some(users) = self.settings.canary.filter(|users| span.last().0 >= *users) else { return };
        let beyond = self.disk.batches.values().filter(|batch| batch.span.last().0 >= users);
        if beyond.clone().any(|batch| batch.state != State::Sending) {
            // It has succeeded, and others went after it.
            return;
        }
        let first = self.disk.leaves().into_iter().filter(|(_, batch)| batch.span.first().0 < users);
        let done: u32 = first
            .map(|(id, batch)| {
                assert_eq!(batch.state, State::Done, "sent before the canary's {id:?} succeeded");
                batch.span.len()
            })
            .sum();
        assert!(done >= users.min(self.assignments.len() as u32), "sent before the canary");
        assert_eq!(self.disk.failures(), 0, "the canary failed");
    }

    /// Organizations that are held up hold up no others.
    pub(super) fn check_held_up(&self, reason: &Ending) {
        // While no acceptance is known, refusals are held back, and pending: the service may have accepted
        // something and its answer may have been lost, or something may be known to be done by asking alone.
        let done = self.disk.batches.values().any(|batch| batch.state == State::Done);
        if !self.acceptance_known || !done || !self.blocked.iter().any(|(_, blocked)| blocked == reason) {
            return;
        }
        for (span, org) in &self.disk.orgs {
            if self.blocked.iter().any(|(blocked, _)| blocked == org) {
                continue;
            }
            let leaves = self.disk.leaves();
            let within = leaves
                .iter()
                .filter(|(_, batch)| span.first() <= batch.span.first() && batch.span.last() <= span.last());
            let covered: u32 = within.clone().map(|(_, batch)| batch.span.len()).sum();
            assert_eq!(covered, span.len(), "{org:?} was held up by another");
            assert!(within.clone().all(|(_, batch)| batch.state != State::Pending), "{org:?} was held up");
        }
    }

    /// Law 9: who gets a license waits for everyone before who gives it back.
    pub(super) fn check_barrier(&self, batch: BatchId, span: Span) {
        let floor = |number| self.floor(number);
        let below = floor(span.first().0);
        assert_eq!(
            below.min(span.first().0),
            floor(span.last().0).min(span.first().0),
            "a batch of two waves"
        );
        let licenses = |assignments: &[Assignment], action: Action| -> BTreeSet<String> {
            let operations = assignments.iter().flat_map(|assignment| &assignment.operations);
            let operations = operations.filter(|operation| operation.action == action);
            operations.map(license_of).collect()
        };
        let adds = licenses(&self.flights[&batch].carried, Action::Add);
        let org = &self.assignments[span.first().0 as usize].org;
        let leaves = self.disk.leaves();
        for number in 0..below {
            let before = &self.assignments[number as usize];
            let gives = licenses(std::slice::from_ref(before), Action::Remove);
            if before.org != *org || gives.is_disjoint(&adds) || self.refused_alone.contains(&number) {
                continue;
            }
            let covers = |leaf: &Span| leaf.first().0 <= number && number <= leaf.last().0;
            let leaf = leaves.iter().find(|(_, leaf)| covers(&leaf.span));
            let state = leaf.map(|(_, leaf)| leaf.state);
            let settled = matches!(state, Some(State::Done | State::Failed | State::InDoubt));
            assert!(settled, "law 9: {span:?} is sent while {number} is {state:?}");
        }
    }

    /// Assignments below this one go before this one.
    fn floor(&self, number: u32) -> u32 {
        match &self.settings.sequence {
            Sequence::Free => 0,
            Sequence::RemovesFirst => number,
            Sequence::Waves(starts) => {
                starts.iter().copied().filter(|start| *start <= number).max().unwrap_or(0)
            }
        }
    }

    /// Whether everybody who goes before these is settled.
    pub(super) fn waits_for_nobody(&self, span: Span) -> bool {
        let org = &self.assignments[span.first().0 as usize].org;
        let leaves = self.disk.leaves();
        (0..self.floor(span.first().0)).all(|number| {
            let covers = |leaf: &Span| leaf.first().0 <= number && number <= leaf.last().0;
            let leaf = leaves.iter().find(|(_, leaf)| covers(&leaf.span)).map(|(_, leaf)| leaf.state);
            self.assignments[number as usize].org != *org || matches!(leaf, Some(State::Done | State::Failed))
        })
    }

    /// What is called failed was refused, or was tried as often as is borne; and was surely not done.
    pub(super) fn check_change(&self, batch: BatchId, span: Span, change: &BatchChange) {
        let exhausted = |code: &str| {
            if code != code::RETRIES_EXHAUSTED {
                return;
            }
            let (faults, through) = self.faults[&batch];
            if self.settings.last_try && self.is_all_tried() {
                return;
            }
            assert!(faults >= self.settings.max_attempts, "law 10: given up after {faults} faults");
            assert_eq!(span.len(), 1, "given up with others, who may be well");
            assert!(self.through > through || self.is_nearly_over(), "given up in an outage");
        };
        match change {
            BatchChange::Failed(refusal) => {
                exhausted(refusal.code.as_str());
                self.check_refused(span, refusal.code.as_str());
                for operation in self.carried(span).iter().flat_map(|assignment| &assignment.operations) {
                    self.check_not_done(operation.key);
                }
            }
            BatchChange::Done { failures } => {
                for failure in failures {
                    exhausted(failure.refusal.code.as_str());
                    self.check_not_done(failure.key);
                }
            }
            _ => {}
        }
    }

    /// Nobody is left whom no request has carried.
    fn is_all_tried(&self) -> bool {
        let tried = |number: u32| {
            let covers = |batch: &Batch| batch.span.first().0 <= number && number <= batch.span.last().0;
            self.disk.batches.values().any(|batch| covers(batch) && batch.intents > 0)
        };
        self.may_be_sent().all(tried)
    }

    /// Whose organization is not left alone, as far as the canary goes.
    fn may_be_sent(&self) -> impl Iterator<Item = u32> {
        let end = self.settings.canary.unwrap_or(u32::MAX).min(self.assignments.len() as u32);
        let is_left_alone =
            |number: u32| self.blocked.iter().any(|(org, _)| *org == self.assignments[number as usize].org);
        (0..end).filter(move |number| !is_left_alone(*number))
    }

    /// A few assignments alone are not settled, but for those whom the service has answered.
    fn is_nearly_over(&self) -> bool {
        let leaves = self.disk.leaves();
        let settled = |(_, batch): &&(BatchId, &Batch)| {
            matches!(batch.state, State::Done | State::Failed | State::InDoubt)
        };
        let settled = leaves.iter().filter(settled).map(|(_, batch)| batch.span);
        let settled: BTreeSet<u32> = settled.flat_map(|span| span.first().0..=span.last().0).collect();
        let is_left = |number: &u32| !settled.contains(number) && !self.forbidden.contains(number);
        self.may_be_sent().filter(is_left).count() <= 3
    }

    /// Law 11: nothing is failed that may have been done.
    fn check_not_done(&self, key: OperationKey) {
        assert!(!self.service.unsaid.contains(&key), "law 11: {key:?} failed and was done");
    }

    /// Law 7: what is done stays done.
    pub(super) fn check_final_states(&mut self) {
        for (id, batch) in &self.disk.batches {
            let before = self.settled.insert(*id, batch.state);
            if matches!(before, Some(State::Done | State::Failed | State::Split)) {
                assert_eq!(before, Some(batch.state), "law 7: a batch changes after its outcome");
            }
        }
    }

    /// Law 6: the organization is as the file asks, or the journal says why not.
    pub(super) fn check_end(&self) {
        let leaves = self.disk.leaves();
        assert_eq!(
            leaves.last().map(|(_, batch)| batch.span.last().0 + 1),
            Some(self.assignments.len() as u32)
        );
        for (id, batch) in leaves {
            for assignment in self.carried(batch.span) {
                let exhausted = batch.intents >= self.settings.max_attempts || self.had_last_try;
                match batch.state {
                    State::Done => self.check_done(&assignment, exhausted),
                    State::Failed => self.check_failed(&assignment, &self.disk.failed[&id], exhausted),
                    // The service would not say what it did, as often as it was asked.
                    State::InDoubt => {
                        let untold = self.untold.contains(&assignment.number.0);
                        assert!(exhausted || untold, "given up after {} attempts", batch.intents);
                    }
                    other => panic!("a finished run with a batch that is {other:?}"),
                }
            }
        }
    }

    fn check_done(&self, assignment: &Assignment, exhausted: bool) {
        let user = assignment.user.email().unwrap().as_str();
        let held = self.service.held.get(user).cloned().unwrap_or_default();
        let wanted: BTreeSet<String> = wanted(assignment);
        for operation in &assignment.operations {
            let Change::License(id, _) = &operation.change else { panic!() };
            let failed = self.disk.exceptions.get(&operation.key.line.get());
            let took = held.contains(id.as_str()) == wanted.contains(id.as_str());
            let done = failed.is_some() || took;
            assert!(done, "seed {}: line {} is done and did not take", self.seed, operation.key.line);
            if let Some(code) = failed.filter(|_| !self.service.refused.contains_key(user)) {
                // The rest of it was found to be done, and this was refused.
                self.check_failed(assignment, code, exhausted);
            }
        }
    }

    /// What is given up had its attempts; anything else was judged when it failed.
    fn check_failed(&self, assignment: &Assignment, code: &str, exhausted: bool) {
        let user = assignment.user.email().unwrap().as_str();
        assert!(exhausted || code != code::RETRIES_EXHAUSTED, "{user} was given up early");
    }

    /// Nobody fails whom the service, as it is now and may not be later, has no reason to refuse.
    fn check_refused(&self, span: Span, code: &str) {
        let misunderstood = self.service.deaf || wire_mismatch(self.settings.wire, self.service.form);
        for assignment in self.carried(span) {
            let user = assignment.user.email().unwrap().as_str();
            let known = code == code::RETRIES_EXHAUSTED
                || misunderstood
                || (self.service.picky && code == "400409")
                || code == "HTTP_403"
                || self.service.poison.contains_key(user);
            assert!(known, "{user} failed with {code} for no reason");
        }
    }
}

fn wanted(assignment: &Assignment) -> BTreeSet<String> {
    let adds = assignment.operations.iter().filter(|operation| operation.action == Action::Add);
    adds.map(|operation| match &operation.change {
        Change::License(id, _) => id.as_str().to_owned(),
        Change::Site(_) => panic!("licenses alone"),
    })
    .collect()
}

fn wire_mismatch(wire: Wire, form: WireForm) -> bool {
    matches!((wire, form), (Wire::Array, WireForm::Object) | (Wire::Object, WireForm::Array))
}
