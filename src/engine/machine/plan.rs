//! What is made ready, and what leaves when.

use super::{AHEAD, Engine, Instruction, Time};
use crate::domain::{AttemptId, BatchChange, BatchId, Intent, Outcome, Part, Span, WireForm};
use crate::engine::batch::{After, Batch, Stage};
use crate::engine::lane::{Allowance, Lane, Next, Work};
use crate::engine::{LaneNo, RoadNo};

/// How often something new asks an ill service: rarely enough that a long illness does not drag the whole
/// run into it, and often enough to get past a hundred users who always fail.
const ASK_ANEW: Time = Time::from_secs(5);

/// What there is room for among what is ready.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Batches of which it is known that they have to wait for nobody.
    known: bool,
    /// Others.
    pub(super) unknown: bool,
}

impl Engine {
    /// Commits intents ahead of need, three times as many as may be in flight: with those that are, that
    /// makes the 4 × concurrency of law 4. A batch whose outcome was handed over counts no more, since
    /// an intent handed over after it is committed after it or with it.
    pub(super) fn plan(&mut self, now: Time) {
        if self.token.is_renewing() || now < self.pause {
            return;
        }
        self.plan_throttled(now);
        // Until something has been accepted, one request at a time finds out what the service takes.
        while self.discovery.has_accepted() || !self.is_occupied() {
            let Some((number, next)) = self.choose(now) else { break };
            let Some(work) = self.lanes.get_mut(number).and_then(|lane| lane.take(next)) else { break };
            match work {
                Work::Batch(id, batch) => {
                    let (id, batch) = self.alone_if_object(id, batch, false);
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
        self.ask(now);
    }

    /// Asks the service about all that is in doubt at once, when there is nothing else to do: no list of holders is
    /// believed that is older than the request in doubt, so each time costs all the lists anew.
    fn ask(&mut self, now: Time) {
        let end = self.canary.end();
        let asked = |batch: &Batch| self.is_to_be_asked(batch);
        let early = |lane: &Lane| {
            let paused = self.roads.get(lane.road).is_some_and(|road| now < road.pause);
            lane.next_due(now, end, asked).is_some() || (paused && lane.waiting().any(asked))
        };
        if self.is_occupied() || self.open_lanes().any(|lane| early(lane) || self.may_go_unasked(now, lane)) {
            return;
        }
        let in_doubt = self.settings.in_doubt;
        let open = self.lanes.iter_mut().filter(|lane| lane.blocked.is_none());
        let asked = open.flat_map(|lane| lane.take_out(end, |batch| batch.is_to_be_asked(in_doubt)));
        for (id, batch) in asked {
            self.instructions.push_back(Instruction::Verify { batch: id, span: batch.span });
            self.verifying.insert(id, (self.token.generation(), batch));
        }
    }

    /// Whether anything of a lane can be done before anybody is asked, as soon as the pace allows.
    fn may_go_unasked(&self, now: Time, lane: &Lane) -> bool {
        let room = self.room();
        let all = Allowance { retries: true, anew: true, unsent: room.unknown, end: self.canary.end() };
        lane.throttled().any(|batch| !self.is_held_back(batch))
            || lane.next(now, all, |batch| self.may_be_taken(batch, room)).is_some()
    }

    /// Organizations that are not left alone.
    pub(super) fn open_lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| lane.blocked.is_none())
    }

    /// What was throttled goes first. It takes the place of what it was when it was in flight. What is not sent as a
    /// whole any more goes one by one in that place.
    fn plan_throttled(&mut self, now: Time) {
        for number in 0..self.lanes.len() {
            while let Some(lane) = self.lanes.get(number).filter(|lane| lane.blocked.is_none())
                && self.roads.get(lane.road).is_some_and(|road| now >= road.pause)
                && let Some(span) = lane.next_throttled(|batch| self.has_place(batch))
                && let Some((id, batch)) =
                    self.lanes.get_mut(number).and_then(|lane| lane.take_throttled(span))
            {
                let (id, batch) = self.alone_if_object(id, batch, true);
                self.intend(id, batch);
            }
        }
    }

    /// Whether what was throttled may take its place: what is left of a whole has none until the part before it
    /// has had its turn.
    fn has_place(&self, batch: &Batch) -> bool {
        // Once its outcome is handed over, a part counts no more: the place must not go to another meanwhile.
        let had_its_turn = |part| {
            self.active.get(&part).is_none_or(
                |part| matches!(&part.stage, Stage::Settling(after) if !matches!(after, After::Throttled)),
            )
        };
        batch.behind.is_none_or(|part| !self.is_throttled(batch.lane, part) && had_its_turn(part))
    }

    fn is_throttled(&self, number: LaneNo, id: BatchId) -> bool {
        let road = self.lanes.get(number).and_then(|lane| self.roads.get(lane.road));
        road.is_some_and(|road| road.throttled.contains_key(&id))
    }

    /// Whether the service is asked what became of a batch before it is sent again, or failed.
    fn is_to_be_asked(&self, batch: &Batch) -> bool {
        batch.is_to_be_asked(self.settings.in_doubt)
    }

    /// Places that are taken by what is ready, and by what was throttled: that comes back whatever else is ready.
    fn places_taken(&self) -> u32 {
        let ahead = self.lanes.iter().map(|lane| lane.ahead).sum::<u32>();
        let settling = |batch: &&Batch| matches!(batch.stage, Stage::Settling(After::Throttled));
        let settling = self.active.values().filter(settling);
        // What an organization that is left alone has put aside comes back in this run no more.
        let throttled = self.open_lanes().flat_map(Lane::throttled).filter(|batch| self.has_place(batch));
        throttled.chain(settling).fold(ahead, |count, _| count + 1)
    }

    /// What is known to be free to go finds a place even where all that is ready has to wait for it.
    pub(super) fn room(&self) -> Room {
        let (room, taken) = (self.settings.concurrency, self.places_taken());
        let known = taken + self.in_flight < room.saturating_mul(4);
        Room { known, unknown: taken < room.saturating_mul(3) }
    }

    /// The lane whose next request may leave first, and what it has for it.
    fn choose(&self, now: Time) -> Option<(LaneNo, Next)> {
        let room = self.room();
        let unsent = room.unknown;
        let alone = !self.is_occupied();
        let ill = self.is_ill();
        if ill && !alone {
            return None;
        }
        // One at a time, an ill service is asked whether it is well again. What failed before asks, and
        // something new only now and then: it may be that what failed will always fail.
        let asking = ill && self.is_retry_waiting();
        let end = self.canary.end();
        let retries = Allowance { retries: self.budget.allows(alone), anew: !asking, unsent, end };
        let anew = Allowance { retries: false, anew: true, unsent, end };
        let turn_of_new = asking && now >= self.newest + ASK_ANEW;
        let any = |_: &Batch| true;
        // What was tried in vain before must not be all that is tried again.
        let untried = |batch: &Batch| !batch.has_been_tried();
        (self.settings.last_try && !self.has_settled)
            .then(|| self.choose_from(now, anew, room, untried))
            .flatten()
            .or_else(|| turn_of_new.then(|| self.choose_from(now, anew, room, any)).flatten())
            .or_else(|| self.choose_from(now, retries, room, any))
    }

    /// Whether what failed before will ask an ill service again. What an organization that is left alone has put
    /// aside does not.
    fn is_retry_waiting(&self) -> bool {
        let mut waiting = self.open_lanes().flat_map(Lane::waiting);
        waiting.any(|batch| batch.needs_budget && !self.is_to_be_asked(batch))
    }

    /// When something new asks an ill service next, where it waits for that alone.
    pub(super) fn asks_anew_at(&self) -> Option<Time> {
        (self.is_ill() && self.is_retry_waiting()).then(|| self.newest + ASK_ANEW)
    }

    fn choose_from(
        &self,
        now: Time,
        allowance: Allowance,
        room: Room,
        meant: impl Fn(&Batch) -> bool,
    ) -> Option<(LaneNo, Next)> {
        let lanes = self.lanes.iter().enumerate();
        let choices = lanes.filter(|(_, lane)| lane.blocked.is_none()).filter_map(|(number, lane)| {
            let road = self.roads.get(lane.road).filter(|road| now >= road.pause)?;
            let leaving = road.leaving().max(now);
            if leaving > now + AHEAD {
                return None;
            }
            let next = lane.next(now, allowance, |batch| meant(batch) && self.may_be_taken(batch, room))?;
            Some(((leaving, lane.ahead + lane.in_flight, number), next))
        });
        choices.min_by_key(|(order, _)| *order).map(|((.., number), next)| (number, next))
    }

    /// What is to be asked about waits for that. One that is not loaded may have to wait once it is, unless it goes
    /// before all others; and so may one that is, for another who is not ready yet.
    fn may_be_taken(&self, batch: &Batch, room: Room) -> bool {
        let is_loaded = batch.cargo.moves.is_some();
        let known = || (is_loaded && !self.may_be_held_back(batch)) || self.is_lowest(batch);
        !self.is_to_be_asked(batch) && room.known && (room.unknown || known()) && !self.is_held_back(batch)
    }

    /// Whether a batch may have to wait for one that is made ready before it, as soon as it is known what that adds.
    fn may_be_held_back(&self, batch: &Batch) -> bool {
        self.active.values().any(|other| {
            other.lane == batch.lane
                && other.span < batch.span
                && matches!(other.stage, Stage::Intending)
                && self.barrier.may_compete(batch, other)
        })
    }

    /// Whether nothing of its organization that is open goes before a batch.
    fn is_lowest(&self, batch: &Batch) -> bool {
        let Some(lane) = self.lanes.get(batch.lane) else { return false };
        let asked = self.verifying.values().map(|(_, batch)| batch);
        let mut open = self.active.values().chain(asked).filter(|other| other.lane == batch.lane);
        let before = |other: &Batch| other.span < batch.span;
        !open.any(before)
            && !lane.waiting().any(before)
            && lane.first_unsent().is_none_or(|first| batch.span.first().0 < first)
    }

    /// Whether anything is under way that does not wait for others to give a license back.
    fn is_occupied(&self) -> bool {
        let waits = |batch: &Batch| matches!(batch.stage, Stage::Ready) && self.is_held_back(batch);
        !self.verifying.is_empty() || self.active.values().any(|batch| !waits(batch))
    }

    /// Whether a batch adds what somebody before it has still to give back, or what somebody waits for who goes
    /// before it: a unit that is short is not snapped up by whoever happens to wait for nothing else.
    pub(super) fn is_held_back(&self, batch: &Batch) -> bool {
        let goes_before = |other: &Batch| {
            other.lane == batch.lane
                && other.span < batch.span
                && matches!(other.stage, Stage::Ready)
                && self.barrier.compete(batch, other)
                && self.waits_for_units(other)
        };
        self.waits_for_units(batch) || self.active.values().any(goes_before)
    }

    /// Whether a batch adds what somebody before it has still to give back.
    fn waits_for_units(&self, batch: &Batch) -> bool {
        let Some(lane) = self.lanes.get(batch.lane) else { return false };
        let asked = self.verifying.values().map(|(_, batch)| batch);
        let open = self.active.values().chain(asked).chain(lane.waiting());
        self.barrier.holds(batch, open, lane.first_unsent())
    }

    /// How many assignments the next batch from here takes.
    fn size_at(&self, from: Span) -> u32 {
        let object = self.discovery.usual() == WireForm::Object;
        let size = if object { 1 } else { self.settings.batch_size.max(1) };
        let first = from.first().0;
        let canary = self.canary.waits_for().map_or(u32::MAX, |end| end.saturating_sub(first));
        size.min(canary).min(self.barrier.reach(first)).max(1)
    }

    /// Nothing gets through, and the leave for retries is used up.
    const fn is_ill(&self) -> bool {
        self.health.is_ill() && !self.budget.allows(false)
    }

    /// What is ready in a lane that has to wait long makes room for other lanes.
    pub(super) fn release(&mut self, now: Time) {
        for number in 0..self.lanes.len() {
            let several = self.roads.len() > 1;
            let Some(lane) = self.lanes.get_mut(number) else { continue };
            let waits = self.roads.get(lane.road).is_some_and(|road| road.pause > now + AHEAD);
            if lane.blocked.is_none() && !(several && waits) {
                continue;
            }
            let road = lane.road;
            for id in lane.give_back() {
                let mut next = After::Anew;
                if let Some(road) = self.roads.get_mut(road) {
                    road.ahead -= 1;
                    if road.throttled.contains_key(&id) {
                        next = After::Throttled;
                    }
                }
                if let Some(batch) = self.active.get_mut(&id) {
                    // It was counted as a retry and is none.
                    batch.needs_budget |= batch.on_budget;
                }
                self.settle_resting(id, None, next);
            }
        }
    }

    /// The object form carries one user: the first assignment is split off and goes alone. Those of a batch that was
    /// `throttled` go before what was never sent, as it did.
    fn alone_if_object(&mut self, id: BatchId, batch: Batch, throttled: bool) -> (BatchId, Batch) {
        let object = self.discovery.form(&batch) == WireForm::Object;
        let parts = if object { batch.span.split(1) } else { None };
        let Some((head, rest)) = parts else { return (id, batch) };
        let [left, right] = self.name_parts(head, rest);
        let doubt = batch.doubt.as_ref().map(|doubt| doubt.reason.clone());
        self.instructions.push_back(Instruction::CommitOutcome(Outcome {
            batch: id,
            span: batch.span,
            attempt: None,
            change: BatchChange::Split { left, right, doubt },
            learned: None,
            rows: 0,
        }));
        let mut rest = batch.part(right.span);
        if let Some(lane) = self.lanes.get_mut(batch.lane) {
            if throttled && let Some(road) = self.roads.get_mut(lane.road) {
                road.throttled.remove(&id);
                road.throttled.extend([left, right].map(|part| (part.batch, batch.lane)));
                rest.behind = Some(left.batch);
                lane.put_first(right.batch, rest);
            } else {
                lane.put(right.batch, rest);
            }
        }
        (left.batch, batch.part(left.span))
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
        batch.behind = None;
        batch.on_budget = std::mem::take(&mut batch.needs_budget);
        if batch.on_budget {
            self.budget.spend();
        } else {
            self.newest = self.now;
        }
        batch.form = self.discovery.form(&batch);
        let intent = Intent { batch: id, span: batch.span, attempt: batch.attempt, wire: batch.form };
        self.instructions.push_back(Instruction::CommitIntent(intent));
        if let Some(lane) = self.lanes.get_mut(batch.lane) {
            lane.ahead += 1;
            if let Some(road) = self.roads.get_mut(lane.road) {
                road.ahead += 1;
            }
        }
        self.active.insert(id, batch);
    }

    /// Sends what is ready, as far as pace, pauses and concurrency allow, lane by lane in turn.
    pub(super) fn dispatch(&mut self, now: Time) {
        self.dispatch_reads(now);
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

    /// Who wants to read is waited for by somebody, and reads little.
    fn dispatch_reads(&mut self, now: Time) {
        while self.reads > 0 && now >= self.pause {
            let Some(road) = self.roads.first_mut().filter(|road| now >= road.pause) else { return };
            if let Err(until) = road.pace.take(now) {
                road.paced_until = until;
                return;
            }
            self.reads -= 1;
            self.instructions.push_back(Instruction::Read);
        }
    }

    fn dispatch_one(&mut self, now: Time, number: LaneNo) -> bool {
        let Some(lane) = self.lanes.get(number).filter(|lane| lane.blocked.is_none()) else { return false };
        let Some(road) = self.roads.get(lane.road).filter(|road| now >= road.pause) else { return false };
        let throttled_first = self.throttled_may_go(lane.road);
        let may_go = |id: &BatchId| {
            (!throttled_first || road.throttled.contains_key(id))
                && self.active.get(id).is_some_and(|batch| !self.is_held_back(batch))
        };
        let Some(place) = lane.ready.iter().position(may_go) else { return false };
        let road = lane.road;
        let Some(road) = self.roads.get_mut(road) else { return false };
        if let Err(until) = road.pace.take(now) {
            road.paced_until = until;
            return false;
        }
        road.ahead -= 1;
        let Some(lane) = self.lanes.get_mut(number) else { return false };
        let Some(id) = lane.ready.remove(place) else { return false };
        lane.ahead -= 1;
        road.throttled.remove(&id);
        if let Some(batch) = self.active.get_mut(&id) {
            batch.stage = Stage::InFlight { token: self.token.generation(), sent: now };
            lane.in_flight += 1;
            self.in_flight += 1;
            self.instructions.push_back(Instruction::Send { batch: id });
        }
        true
    }

    /// Whether anything that was throttled on a road waits for nothing else: then it goes first.
    fn throttled_may_go(&self, road: RoadNo) -> bool {
        let Some(throttled) = self.roads.get(road).map(|road| &road.throttled) else { return false };
        let open = self.open_lanes().filter(|lane| lane.road == road);
        let waiting = open.flat_map(Lane::throttled);
        let under_way = throttled.keys().filter_map(|id| self.active.get(id));
        waiting.chain(under_way).any(|batch| !self.is_held_back(batch))
    }

    /// The form was learned: what is ready in the other one is made ready anew.
    pub(super) fn recall(&mut self) {
        for number in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(number) else { continue };
            for id in std::mem::take(&mut lane.ready) {
                self.make_ready(id);
            }
        }
    }

    pub(super) fn intent_committed(&mut self, id: BatchId) {
        if self.active.get(&id).is_some_and(|batch| matches!(batch.stage, Stage::Intending)) {
            self.make_ready(id);
        }
    }

    fn make_ready(&mut self, id: BatchId) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        let number = batch.lane;
        let Some(lane) = self.lanes.get_mut(number) else { return };
        if !batch.cargo.is_empty() && batch.form == self.discovery.form(batch) {
            batch.stage = Stage::Ready;
            lane.ready.push_back(id);
            return;
        }
        lane.ahead -= 1;
        if let Some(road) = self.roads.get_mut(lane.road) {
            road.ahead -= 1;
        }
        if batch.cargo.is_empty() {
            // All of it is in effect already: nothing to send.
            self.in_effect_already(id);
        } else {
            batch.needs_budget |= batch.on_budget;
            let next = if self.is_throttled(number, id) { After::Throttled } else { After::Anew };
            self.settle_resting(id, None, next);
        }
    }
}
