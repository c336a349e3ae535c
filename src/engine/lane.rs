//! One organization's part of a run: what of it is still to be sent.

use std::collections::{BTreeMap, VecDeque};

use super::batch::{Batch, Doubt};
use super::rights::Rights;
use super::settings::Ending;
use super::{LaneNo, RoadNo, Time};
use crate::domain::{BatchId, LaneResumePoint, OrgId, Part, Span};

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) org: Option<OrgId>,
    pub(super) road: RoadNo,
    pub(super) rights: Rights,
    /// Nothing more can be sent for this organization, for this reason; others go on.
    pub(super) blocked: Option<Ending>,
    /// Committed and not sent, in the order of their commits.
    pub(super) ready: VecDeque<BatchId>,
    /// With an intent, or about to have one, and not sent.
    pub(super) ahead: u32,
    pub(super) in_flight: u32,
    /// Throttled: to be planned before anything else, lowest assignments first.
    throttled: BTreeMap<Span, (BatchId, Batch)>,
    /// To be planned as soon as possible, lowest assignments first.
    fresh: BTreeMap<Span, (BatchId, Batch)>,
    /// To be sent again at or after a time.
    again: BTreeMap<(Time, Span), (BatchId, Batch)>,
    /// Assignments that no batch covers, lowest first.
    unsent: VecDeque<Span>,
}

/// What a lane has next.
#[expect(clippy::large_enum_variant, reason = "it lives from one call to the next")]
pub(super) enum Work {
    /// A batch that there is already.
    Batch(BatchId, Batch),
    /// The first of the assignments that no batch covers.
    Unsent(Span),
}

impl Lane {
    pub(super) fn new(lane: LaneNo, road: RoadNo, point: LaneResumePoint) -> Self {
        let fresh = point.open.into_iter().map(|open| {
            let Part { batch: id, span } = open.part;
            let mut batch = Batch::new(lane, span);
            let reason = "the answer never came".to_owned();
            batch.tried_before = open.tried;
            batch.may_have_passed = open.may_have_passed;
            batch.doubt = open.in_doubt.then_some(Doubt::new(reason));
            (span, (id, batch))
        });
        Self {
            org: point.org,
            road,
            rights: Rights::default(),
            blocked: None,
            ready: VecDeque::new(),
            ahead: 0,
            in_flight: 0,
            throttled: BTreeMap::new(),
            fresh: fresh.collect(),
            again: BTreeMap::new(),
            unsent: point.unsent.into(),
        }
    }

    /// Whether anything is open for it: to be planned, ready or in flight.
    pub(super) fn is_busy(&self) -> bool {
        self.has_work() || self.ahead > 0 || self.in_flight > 0
    }

    /// Whether what is left may be about the order of things: the lowest assignment that no batch covers.
    pub(super) fn first_unsent(&self) -> Option<u32> {
        self.unsent.front().map(|span| span.first().0)
    }

    /// Whether assignments are left that no batch covers.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether anything is left to be planned.
    pub(super) fn has_work(&self) -> bool {
        self.has_unsent() || self.waiting().next().is_some()
    }

    /// Whether anything below an assignment is left to be planned.
    pub(super) fn has_work_below(&self, end: u32) -> bool {
        let below = |span: &Span| span.first().0 < end;
        self.fresh.keys().any(below)
            || self.throttled.keys().any(below)
            || self.again.keys().any(|(_, span)| below(span))
            || self.unsent.front().is_some_and(below)
    }

    /// Batches that wait to be planned.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Batch> {
        let waiting = self.throttled.values().chain(self.fresh.values()).chain(self.again.values());
        waiting.map(|(_, batch)| batch)
    }

    /// Puts a batch where it is planned next.
    pub(super) fn put(&mut self, id: BatchId, batch: Batch) {
        self.fresh.insert(batch.span, (id, batch));
    }

    /// Puts a batch aside until a time.
    pub(super) fn put_aside(&mut self, due: Time, id: BatchId, batch: Batch) {
        self.again.insert((due, batch.span), (id, batch));
    }

    /// Puts a batch before everything that was never sent.
    pub(super) fn put_first(&mut self, id: BatchId, batch: Batch) {
        self.throttled.insert(batch.span, (id, batch));
    }

    /// The next of those that were throttled, if it may be taken.
    pub(super) fn next_throttled(&self, may_go: impl Fn(&Batch) -> bool) -> Option<Span> {
        self.throttled.iter().find(|(_, (_, batch))| may_go(batch)).map(|(span, _)| *span)
    }

    /// Takes what [`next_throttled`](Self::next_throttled) found.
    pub(super) fn take_throttled(&mut self, span: Span) -> Option<(BatchId, Batch)> {
        self.throttled.remove(&span)
    }

    /// Those that were throttled and wait to be planned.
    pub(super) fn throttled(&self) -> impl Iterator<Item = &Batch> {
        self.throttled.values().map(|(_, batch)| batch)
    }

    /// What is due, if it may be taken; `may_go` tells of batches that there are already.
    pub(super) fn next(
        &self,
        now: Time,
        allowance: Allowance,
        may_go: impl Fn(&Batch) -> bool,
    ) -> Option<Next> {
        let below = |span: Span| span.first().0 < allowance.end;
        let due = self.again.iter().take_while(|((due, _), _)| *due <= now);
        let mut due = due.filter(|((_, span), (_, batch))| {
            below(*span) && (allowance.retries || !batch.needs_budget) && may_go(batch)
        });
        if let Some((key, _)) = due.next() {
            return Some(Next::Again(*key));
        }
        let allowed = |batch: &Batch| if batch.needs_budget { allowance.retries } else { allowance.anew };
        let mut fresh = self.fresh.iter();
        let fresh = fresh.find(|(span, (_, batch))| below(**span) && allowed(batch) && may_go(batch));
        let unsent = self.unsent.front().copied();
        let unsent = unsent.filter(|span| allowance.anew && allowance.unsent && below(*span));
        fresh.map(|(span, _)| Next::Fresh(*span)).or_else(|| unsent.map(Next::Unsent))
    }

    /// Takes what [`next`](Self::next) found.
    pub(super) fn take(&mut self, next: Next) -> Option<Work> {
        match next {
            Next::Again(key) => self.again.remove(&key).map(|(id, batch)| Work::Batch(id, batch)),
            Next::Fresh(span) => self.fresh.remove(&span).map(|(id, batch)| Work::Batch(id, batch)),
            Next::Unsent(span) => Some(Work::Unsent(span)),
        }
    }

    /// Gives back what is ready and was not sent.
    pub(super) fn give_back(&mut self) -> VecDeque<BatchId> {
        let ready = std::mem::take(&mut self.ready);
        // As many as were counted when they became ready, which are batches under way: they fit.
        self.ahead -= u32::try_from(ready.len()).unwrap_or(self.ahead);
        ready
    }

    /// Cuts the next `size` assignments off what no batch covers.
    pub(super) fn cut(&mut self, size: u32) -> Option<Span> {
        let whole = self.unsent.pop_front()?;
        let Some((head, rest)) = whole.split(size) else { return Some(whole) };
        self.unsent.push_front(rest);
        Some(head)
    }

    /// When something below `end` that was put aside comes due next.
    pub(super) fn next_due(&self, now: Time, end: u32, counts: impl Fn(&Batch) -> bool) -> Option<Time> {
        let later = self.again.iter().filter(|((due, span), _)| *due > now && span.first().0 < end);
        later.filter(|(_, (_, batch))| counts(batch)).map(|((due, _), _)| *due).min()
    }

    /// Takes out what waits below `end` and is meant.
    pub(super) fn take_out(&mut self, end: u32, meant: impl Fn(&Batch) -> bool) -> Vec<(BatchId, Batch)> {
        let is_meant = |batch: &Batch| batch.span.first().0 < end && meant(batch);
        let again = self.again.iter().filter(|(_, (_, batch))| is_meant(batch)).map(|(key, _)| *key);
        let again: Vec<(Time, Span)> = again.collect();
        let fresh = self.fresh.iter().filter(|(_, (_, batch))| is_meant(batch)).map(|(span, _)| *span);
        let fresh: Vec<Span> = fresh.collect();
        let again = again.iter().filter_map(|key| self.again.remove(key));
        let mut out: Vec<(BatchId, Batch)> = again.collect();
        out.extend(fresh.iter().filter_map(|span| self.fresh.remove(span)));
        out
    }
}

/// What may be taken of a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// Retries that come out of the retry budget.
    pub(super) retries: bool,
    /// What is no retry.
    pub(super) anew: bool,
    /// What no batch covers.
    pub(super) unsent: bool,
    /// Only assignments below this one.
    pub(super) end: u32,
}

/// Which work is next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    Again((Time, Span)),
    Fresh(Span),
    Unsent(Span),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_comes_due_later_than_now_and_below_the_end() {
        let mut lane = Lane::new(0, 0, LaneResumePoint::default());
        for (seconds, user) in [(2, 30), (5, 9), (7, 10), (9, 3)] {
            let span = Span::new(user, user).unwrap();
            lane.put_aside(Time::from_secs(seconds), BatchId(user), Batch::new(0, span));
        }
        let due = |now, end| lane.next_due(Time::from_secs(now), end, |_| true).map(|due| due.as_secs());
        assert_eq!([0, 2, 5, 8, 9].map(|now| due(now, 100)), [Some(2), Some(5), Some(7), Some(9), None]);
        assert_eq!([0, 2, 5, 9].map(|now| due(now, 10)), [Some(5), Some(5), Some(9), None]);
    }
}
