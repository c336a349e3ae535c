//! What is made ready, and what leaves when.

use super::{AHEAD, Action, Engine, Time};
use crate::domain::{AttemptId, BatchChange, BatchId, InDoubt, Part, Span, Wire, WireForm};
use crate::engine::batch::{After, Batch, Stage};
use crate::engine::lane::{LaneNo, Leave, Next, Work};

/// So many passing faults in a row, and the service is ill.
const ILL: u32 = 10;

/// How often something new asks an ill service: rarely enough that a long illness does not drag the whole
/// run into it, and often enough to get past a hundred users who always fail.
const ASK_ANEW: Time = Time::from_secs(5);

impl Engine {
    pub(super) fn form(&self, batch: &Batch) -> WireForm {
        match self.settings.wire {
            _ if batch.as_object => WireForm::Object,
            Wire::Array => WireForm::Array,
            Wire::Object => WireForm::Object,
            Wire::Auto => self.wire.unwrap_or(WireForm::Array),
        }
    }

    /// Commits intents ahead of need, three times as many as may be in flight: with those that are, that
    /// makes the 4 × concurrency of law 4. A batch whose outcome was handed over counts no more, since
    /// an intent handed over after it is committed after it or with it.
    pub(super) fn plan(&mut self, now: Time) {
        while !self.token.is_renewing()
            && now >= self.pause
            // Until something has been accepted, one request at a time finds out what the service takes.
            && (self.accepted || (self.active.is_empty() && self.verifying.is_empty()))
            && self.lanes.iter().map(|lane| lane.ahead).sum::<u32>() < self.settings.concurrency.saturating_mul(3)
        {
            let Some((number, next)) = self.choose(now) else { break };
            let Some(work) = self.lanes.get_mut(number).and_then(|lane| lane.take(next)) else { break };
            match work {
                Work::Batch(id, batch) if batch.in_doubt && self.settings.in_doubt == InDoubt::Verify => {
                    self.actions.push_back(Action::Verify { batch: id, span: batch.span });
                    self.verifying.insert(id, (self.token.generation(), batch));
                }
                Work::Batch(id, batch) => {
                    let (id, batch) = self.alone_if_object(id, batch);
                    self.intend(id, batch);
                }
                Work::Unsent(from) => {
                    let size = self.size_at(from);
                    let span = self.lanes.get_mut(number).and_then(|lane| lane.cut(size));
                    let Some(span) = span else { break };
                    let id = self.new_batch();
                    self.intend(id, Batch::new(number, span));
                }
            }
        }
    }

    /// The lane whose next request may leave first, and what it has for it.
    fn choose(&self, now: Time) -> Option<(LaneNo, Next)> {
        let alone = self.active.is_empty();
        let end = self.canary.unwrap_or(u32::MAX);
        let ill = self.is_ill();
        if ill && !alone {
            return None;
        }
        // One at a time, an ill service is asked whether it is well again. What failed before asks, and
        // something new only now and then: it may be that what failed will always fail.
        let asking = ill && self.lanes.iter().any(|lane| lane.waiting().any(|batch| batch.needs_leave));
        let retries = Leave { retries: self.budget.allows(alone), anew: !asking, end };
        let anew = Leave { retries: false, anew: true, end };
        let turn_of_new = asking && now >= self.newest + ASK_ANEW;
        turn_of_new.then(|| self.choose_from(now, anew)).flatten().or_else(|| self.choose_from(now, retries))
    }

    fn choose_from(&self, now: Time, leave: Leave) -> Option<(LaneNo, Next)> {
        let lanes = self.lanes.iter().enumerate();
        let open = lanes.filter(|(_, lane)| lane.blocked.is_none() && now >= lane.pause);
        let choices = open.filter_map(|(number, lane)| {
            let leaving = lane.pace.expected(lane.ahead).max(now);
            let next = (leaving <= now + AHEAD).then(|| lane.next(now, leave)).flatten()?;
            Some(((leaving, lane.ahead + lane.in_flight, number), next))
        });
        choices.min_by_key(|(order, _)| *order).map(|((.., number), next)| (number, next))
    }

    /// How many assignments the next batch from here takes.
    fn size_at(&self, from: Span) -> u32 {
        let object = match self.settings.wire {
            Wire::Object => true,
            Wire::Array => false,
            Wire::Auto => self.wire == Some(WireForm::Object),
        };
        let size = if object { 1 } else { self.settings.batch_size.max(1) };
        let canary = self.canary.map_or(u32::MAX, |end| end.saturating_sub(from.first().0));
        size.min(canary).max(1)
    }

    /// Nothing gets through, and the leave for retries is used up.
    const fn is_ill(&self) -> bool {
        self.faults >= ILL && !self.budget.allows(false)
    }

    /// What is ready in a lane that has to wait long makes room for other lanes.
    pub(super) fn release(&mut self, now: Time) {
        if self.lanes.len() < 2 {
            return;
        }
        for number in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(number) else { continue };
            if lane.blocked.is_none() && lane.pause <= now + AHEAD {
                continue;
            }
            for id in lane.give_back() {
                if let Some(batch) = self.active.get_mut(&id) {
                    // It was counted as a retry and is none.
                    batch.needs_leave |= batch.on_leave;
                }
                self.settle(id, None, BatchChange::Pending, After::Anew);
            }
        }
    }

    /// The object form carries one user: the first assignment is split off and goes alone.
    fn alone_if_object(&mut self, id: BatchId, batch: Batch) -> (BatchId, Batch) {
        let parts = if self.form(&batch) == WireForm::Object { batch.span.split(1) } else { None };
        let Some((head, rest)) = parts else { return (id, batch) };
        let [left, right] = self.name_parts(head, rest);
        self.actions.push_back(Action::CommitOutcome {
            batch: id,
            span: batch.span,
            attempt: None,
            change: BatchChange::Split { left, right },
            learned: None,
            rows: 0,
        });
        self.put(right.batch, Batch::new(batch.lane, right.span));
        (left.batch, Batch::new(batch.lane, left.span))
    }

    pub(super) fn put(&mut self, id: BatchId, batch: Batch) {
        if let Some(lane) = self.lanes.get_mut(batch.lane) {
            lane.put(id, batch);
        }
    }

    pub(super) fn name_parts(&mut self, left: Span, right: Span) -> [Part; 2] {
        [left, right].map(|span| Part { batch: self.new_batch(), span })
    }

    const fn new_batch(&mut self) -> BatchId {
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        id
    }

    fn intend(&mut self, id: BatchId, mut batch: Batch) {
        batch.attempt = AttemptId(self.next_attempt);
        self.next_attempt += 1;
        batch.stage = Stage::Intending;
        batch.on_leave = std::mem::take(&mut batch.needs_leave);
        if batch.on_leave {
            self.budget.spend();
        } else {
            self.newest = self.now;
        }
        let (span, attempt, wire) = (batch.span, batch.attempt, self.form(&batch));
        self.actions.push_back(Action::CommitIntent { batch: id, span, attempt, wire });
        if let Some(lane) = self.lanes.get_mut(batch.lane) {
            lane.ahead += 1;
        }
        self.active.insert(id, batch);
    }

    /// Sends what is ready, as far as pace, pauses and concurrency allow, lane by lane in turn.
    pub(super) fn dispatch(&mut self, now: Time) {
        let mut idle = 0;
        while idle < self.lanes.len()
            && self.in_flight < self.settings.concurrency
            && now >= self.pause
            && !self.token.is_renewing()
        {
            let number = self.turn % self.lanes.len();
            self.turn = number + 1;
            idle = if self.dispatch_one(now, number) { 0 } else { idle + 1 };
        }
    }

    fn dispatch_one(&mut self, now: Time, number: LaneNo) -> bool {
        let Some(lane) = self.lanes.get_mut(number) else { return false };
        let Some(id) = lane.ready.front().copied().filter(|_| lane.blocked.is_none() && now >= lane.pause)
        else {
            return false;
        };
        if let Err(until) = lane.pace.take(now) {
            lane.paced_until = until;
            return false;
        }
        lane.ready.pop_front();
        lane.ahead -= 1;
        if let Some(batch) = self.active.get_mut(&id) {
            batch.stage = Stage::InFlight { token: self.token.generation(), sent: now };
            lane.in_flight += 1;
            self.in_flight += 1;
            self.actions.push_back(Action::Send { batch: id });
        }
        true
    }

    pub(super) fn intent_committed(&mut self, id: BatchId) {
        if let Some(batch) = self.active.get_mut(&id)
            && matches!(batch.stage, Stage::Intending)
            && let Some(lane) = self.lanes.get_mut(batch.lane)
        {
            if batch.cargo.is_empty() {
                lane.ahead -= 1;
                return self.in_effect_already(id);
            }
            batch.stage = Stage::Ready;
            lane.ready.push_back(id);
        }
    }
}
