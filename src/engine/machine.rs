//! The state machine itself.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::budget::RetryBudget;
use super::judge::{Rejection, Verdict};
use super::lane::{Lane, LaneNo, Leave, Next as NextWork, Work};
use super::settings::{Ending, Settings, backoff};
use super::token::{Generation, Token, Unauthorized};
use crate::domain::{
    AttemptId, AttemptOutcome, BatchChange, BatchId, ErrorCode, InDoubt, OrgId, Part, Refusal, Span,
    Standing, Wire, WireForm, code,
};

/// Time since the engine's start.
type Time = Duration;

/// While nothing has been accepted, so many lone refusals without a code are one mistake that
/// concerns every request.
const SUSPICIOUS: usize = 10;

/// So many passing faults in a row, and the service is ill.
const ILL: u32 = 10;

/// So many at least before the run is given up for the time that nothing has got through.
const LEAST_FAULTS: u32 = 3;

/// Intents are committed so much ahead of the time their requests may leave, and no more: what is
/// committed and held up holds up others.
const AHEAD: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The batch's intent is on disk.
    IntentCommitted(BatchId),
    /// The batch's outcome is on disk.
    OutcomeCommitted(BatchId),
    /// The request that carried the batch came to its end.
    Answered {
        /// Which batch.
        batch: BatchId,
        /// What the answer means.
        verdict: Verdict,
        /// How many rows the batch stands for.
        rows: u64,
    },
    /// The service was asked what became of a batch that is in doubt.
    Verified {
        /// Which batch.
        batch: BatchId,
        /// What it said.
        finding: Finding,
    },
    /// The token was read again.
    TokenRead {
        /// Whether it is another one now.
        changed: bool,
    },
    /// Somebody asks the run to stop.
    StopAsked,
    /// Nothing but the time.
    TimePassed,
}

/// What the service says of a batch that is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Everything that the batch asks for is so: it was done. It stands for so many rows.
    Done {
        /// How many rows.
        rows: u64,
    },
    /// Something is still to be done.
    Open,
    /// The token was not accepted.
    Unauthorized,
    /// It would not say, for this reason.
    Unknown(String),
}

/// Whom a wait is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The whole run.
    Everyone,
    /// One organization of several.
    Organization(Option<OrgId>),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Put on disk that the batch is about to be sent.
    CommitIntent {
        /// Which batch.
        batch: BatchId,
        /// What it covers.
        span: Span,
        /// The attempt that will carry it.
        attempt: AttemptId,
        /// In which form it will be sent.
        wire: WireForm,
    },
    /// Send the batch; its intent is on disk.
    Send {
        /// Which batch.
        batch: BatchId,
    },
    /// Put on disk what became of the batch.
    CommitOutcome {
        /// Which batch.
        batch: BatchId,
        /// How the attempt ended, where there was one.
        attempt: Option<AttemptOutcome>,
        /// What it makes of the batch.
        change: BatchChange,
        /// The form that was found to be understood, where this answer shows it.
        learned: Option<WireForm>,
        /// How many rows are settled by it: those of a batch that is done or failed.
        rows: u64,
    },
    /// Ask the service what became of a batch that is in doubt.
    Verify {
        /// Which batch.
        batch: BatchId,
        /// What it covers.
        span: Span,
    },
    /// The service wants a wait until then.
    Pause {
        /// Time since the engine's start.
        until: Time,
        /// Whom the wait is for.
        scope: Scope,
    },
    /// Nothing more is sent for one organization of several, for this reason.
    Block {
        /// The organization.
        org: Option<OrgId>,
        /// Why.
        reason: Ending,
    },
    /// Read the token again.
    ReadToken,
    /// Nothing more will come.
    Finish(Ending),
}

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) span: Span,
    lane: LaneNo,
    attempt: AttemptId,
    /// Attempts that ended in a passing fault or in doubt.
    tries: u32,
    /// What had got through when the first of them was made.
    through_before: Option<u64>,
    /// Send this one as an object, whatever the run's form.
    as_object: bool,
    /// How the array form of it was refused.
    array_refusal: Option<Rejection>,
    /// It was sent, what became of it is unknown, and nobody has asked yet.
    pub(super) in_doubt: bool,
    /// The next attempt comes out of the retry budget; the one under way did.
    pub(super) needs_leave: bool,
    on_leave: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Intending,
    Ready,
    InFlight { token: Generation, sent: Time },
    Settling(Next),
}

/// A refusal that is held back until the service is known to understand us.
#[derive(Debug)]
struct Suspect {
    id: BatchId,
    batch: Batch,
    refusal: Refusal,
    rows: u64,
}

/// What follows once the outcome is on disk.
#[derive(Debug)]
enum Next {
    Nothing,
    /// Planned as soon as possible.
    Anew,
    Again {
        due: Time,
    },
    Suspect(Refusal, u64),
    Parts([Part; 2]),
}

impl Batch {
    pub(super) const fn new(lane: LaneNo, span: Span) -> Self {
        Self {
            span,
            lane,
            attempt: AttemptId(0),
            tries: 0,
            through_before: None,
            as_object: false,
            array_refusal: None,
            in_doubt: false,
            needs_leave: false,
            on_leave: false,
            stage: Stage::Intending,
        }
    }
}

/// The engine of one sending of a run.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    lanes: Vec<Lane>,
    /// Whose turn it is to send.
    turn: LaneNo,
    actions: VecDeque<Action>,
    /// Between intent and the outcome on disk.
    active: BTreeMap<BatchId, Batch>,
    /// In doubt, and the service is asked what became of them.
    verifying: BTreeMap<BatchId, (Generation, Batch)>,
    in_flight: u32,
    next_batch: u32,
    next_attempt: u32,
    accepted: bool,
    wire: Option<WireForm>,
    /// Lone assignments refused without a code while nothing had been accepted.
    suspects: Vec<Suspect>,
    /// A lone assignment was refused with a code: the service understands us.
    understood: bool,
    /// Assignments below this one go first, and must all succeed.
    canary: Option<u32>,
    token: Token,
    budget: RetryBudget,
    /// When something happened last.
    now: Time,
    /// The service's own wish: nothing leaves before.
    pause: Time,
    /// Answers that were not passing faults.
    through: u64,
    /// Passing faults since then, and when they began.
    faults: u32,
    ill_since: Time,
    /// Operations that failed in this sitting.
    failed: u64,
    /// Operations of the canary that failed or stay in doubt.
    canary_failed: bool,
    ending: Option<Ending>,
    deadline: Option<Time>,
    finished: bool,
}

impl Engine {
    /// Goes on from where the journal stands.
    #[must_use]
    pub fn new(settings: Settings, standing: Standing) -> Self {
        let canary = settings.canary.filter(|end| !standing.lanes.iter().any(|lane| lane.is_sent_from(*end)));
        let lanes = standing.lanes.into_iter().enumerate();
        let lanes: Vec<Lane> = lanes.map(|(number, lane)| Lane::new(number, lane, settings.rate)).collect();
        Self {
            lanes,
            turn: 0,
            actions: VecDeque::new(),
            active: BTreeMap::new(),
            verifying: BTreeMap::new(),
            in_flight: 0,
            next_batch: standing.next_batch,
            next_attempt: standing.next_attempt,
            // What was found to be done by asking says nothing of the form that did it.
            accepted: standing.accepted && (settings.wire != Wire::Auto || standing.wire.is_some()),
            wire: standing.wire,
            suspects: Vec::new(),
            understood: false,
            canary,
            token: Token::new(),
            budget: RetryBudget::new(),
            now: Time::ZERO,
            pause: standing.pause,
            through: 0,
            faults: 0,
            ill_since: Time::ZERO,
            failed: 0,
            canary_failed: standing.failed > 0,
            ending: None,
            deadline: None,
            finished: false,
            settings,
        }
    }

    /// Takes in what happened at `now`; `jitter` is a random number in `0.0..1.0`.
    pub fn handle(&mut self, now: Time, jitter: f64, event: Event) {
        match event {
            Event::IntentCommitted(batch) => self.intent_committed(batch),
            Event::OutcomeCommitted(batch) => self.outcome_committed(batch),
            Event::Answered { batch, verdict, rows } => self.answered(now, jitter, batch, verdict, rows),
            Event::Verified { batch, finding } => self.verified(batch, finding),
            Event::TokenRead { changed } => self.token_read(changed),
            Event::StopAsked => self.stop_asked(now),
            Event::TimePassed => {}
        }
        self.now = now;
        self.advance(now);
    }

    /// The next thing to do; `None` until something happens.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When time alone makes a difference, if it does: always later than the last event, since
    /// what could be done then was done then.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Time> {
        if self.ending.is_some() {
            return self.deadline.filter(|deadline| *deadline > self.now && !self.active.is_empty());
        }
        let open = self.lanes.iter().filter(|lane| lane.blocked.is_none());
        let times = open.flat_map(|lane| {
            let held_up = self.pause.max(lane.pause);
            let sending = (!lane.ready.is_empty()).then_some(held_up.max(lane.paced_until));
            let leaving = lane.pace.expected(lane.ahead).saturating_sub(AHEAD);
            let [anew, again] = lane.next_due(self.now, self.canary.unwrap_or(u32::MAX));
            let planned = |due: Option<Time>| due.map(|due| due.max(held_up).max(leaving));
            // What was due before and could not go waits for the lane alone.
            [sending, planned(anew), planned(again), lane.has_work().then_some(held_up.max(leaving))]
        });
        times.flatten().filter(|time| *time > self.now).min()
    }

    fn has_unsent(&self) -> bool {
        self.lanes.iter().any(Lane::has_unsent)
    }

    fn form(&self, batch: &Batch) -> WireForm {
        match self.settings.wire {
            _ if batch.as_object => WireForm::Object,
            Wire::Array => WireForm::Array,
            Wire::Object => WireForm::Object,
            Wire::Auto => self.wire.unwrap_or(WireForm::Array),
        }
    }

    /// Does what can be done now: the only place where things begin.
    fn advance(&mut self, now: Time) {
        if self.finished {
            return;
        }
        if self.ending.is_none() {
            self.end_canary();
            self.release(now);
            self.plan(now);
            self.dispatch(now);
            self.conclude();
        }
        if self.ending.is_some() {
            self.wind_up(now);
        }
    }

    /// Commits intents ahead of need, three times as many as may be in flight: with those that are, that
    /// makes the 4 × concurrency of law 4. A batch whose outcome was handed over counts no more, since
    /// an intent handed over after it is committed after it or with it.
    fn plan(&mut self, now: Time) {
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
    fn choose(&self, now: Time) -> Option<(LaneNo, NextWork)> {
        let alone = self.active.is_empty();
        let end = self.canary.unwrap_or(u32::MAX);
        let ill = self.is_ill();
        if ill && !alone {
            return None;
        }
        // One at a time, an ill service is asked whether it is well again; what failed before asks.
        let asking = ill && self.lanes.iter().any(|lane| lane.waiting().any(|batch| batch.needs_leave));
        let leave = Leave { retries: self.budget.allows(alone), anew: !asking, end };
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
    fn release(&mut self, now: Time) {
        if self.lanes.len() < 2 {
            return;
        }
        for number in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(number) else { continue };
            if lane.blocked.is_some() || lane.pause > now + AHEAD {
                for id in std::mem::take(&mut lane.ready) {
                    lane.ahead -= 1;
                    if let Some(batch) = self.active.get_mut(&id) {
                        // It was counted as a retry and is none.
                        batch.needs_leave |= batch.on_leave;
                        batch.stage = Stage::Settling(Next::Anew);
                        self.actions.push_back(Action::CommitOutcome {
                            batch: id,
                            attempt: None,
                            change: BatchChange::Pending,
                            learned: None,
                            rows: 0,
                        });
                    }
                }
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
            attempt: None,
            change: BatchChange::Split { left, right },
            learned: None,
            rows: 0,
        });
        self.put(right.batch, Batch::new(batch.lane, right.span));
        (left.batch, Batch::new(batch.lane, left.span))
    }

    fn put(&mut self, id: BatchId, batch: Batch) {
        if let Some(lane) = self.lanes.get_mut(batch.lane) {
            lane.put(id, batch);
        }
    }

    fn name_parts(&mut self, left: Span, right: Span) -> [Part; 2] {
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
        }
        let (span, attempt, wire) = (batch.span, batch.attempt, self.form(&batch));
        self.actions.push_back(Action::CommitIntent { batch: id, span, attempt, wire });
        if let Some(lane) = self.lanes.get_mut(batch.lane) {
            lane.ahead += 1;
        }
        self.active.insert(id, batch);
    }

    /// Sends what is ready, as far as pace, pauses and concurrency allow, lane by lane in turn.
    fn dispatch(&mut self, now: Time) {
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

    fn intent_committed(&mut self, id: BatchId) {
        if let Some(batch) = self.active.get_mut(&id)
            && matches!(batch.stage, Stage::Intending)
            && let Some(lane) = self.lanes.get_mut(batch.lane)
        {
            batch.stage = Stage::Ready;
            lane.ready.push_back(id);
        }
    }

    fn answered(&mut self, now: Time, jitter: f64, id: BatchId, verdict: Verdict, rows: u64) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        // After a stop's deadline, an answer comes too late: the batch is in doubt on disk already.
        let Stage::InFlight { token, sent } = batch.stage else { return };
        batch.stage = Stage::Settling(Next::Nothing);
        let (number, on_leave) = (batch.lane, batch.on_leave);
        self.in_flight -= 1;
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.in_flight -= 1;
            match &verdict {
                Verdict::SendAgain { throttled: true, retry_after, .. } => {
                    lane.pace.refused(sent, now, *retry_after);
                }
                Verdict::SendAgain { .. } | Verdict::InDoubt(_) | Verdict::AlreadySo => lane.pace.lost(),
                _ => lane.pace.passed(sent, now),
            }
        }
        if !matches!(verdict, Verdict::Unauthorized | Verdict::AlreadySo) {
            self.token.proved(token);
        }
        match verdict {
            Verdict::Accepted { failures } => {
                let failed = failures.iter().map(|failure| u64::from(failure.rows)).sum();
                let outcome = if failed == 0 { AttemptOutcome::Accepted } else { AttemptOutcome::Partial };
                self.got_through(on_leave);
                self.accept(id, outcome, BatchChange::Done { failures }, rows, failed);
            }
            Verdict::AlreadySo => self.already_so(id, rows),
            Verdict::Rejected(rejection) => {
                self.got_through(on_leave);
                self.reject(id, rejection, rows);
            }
            Verdict::SendAgain { retry_after, in_doubt, answered, throttled, reason } => {
                let fault =
                    Fault { outcome: AttemptOutcome::SendAgain, in_doubt, answered, throttled, reason };
                let pausing = retry_after.filter(|wait| !wait.is_zero());
                self.fault_came(now);
                self.pause_for(now, number, throttled, pausing);
                self.again(now, jitter, id, rows, fault, pausing.is_some());
            }
            Verdict::InDoubt(reason) => {
                let outcome = AttemptOutcome::InDoubt;
                let fault = Fault { outcome, in_doubt: true, answered: true, throttled: false, reason };
                self.again(now, jitter, id, rows, fault, false);
            }
            Verdict::Unauthorized => self.unauthorized(id, token),
            Verdict::Forbidden(words) => {
                let org = self.lanes.get(number).and_then(|lane| lane.org.clone());
                self.block(number, Ending::Forbidden { org, words });
                self.settle(id, Some(AttemptOutcome::Forbidden), BatchChange::Pending, Next::Anew);
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

    fn accept(&mut self, id: BatchId, outcome: AttemptOutcome, change: BatchChange, rows: u64, failed: u64) {
        let learned = match (self.settings.wire, self.wire, self.active.get(&id)) {
            (Wire::Auto, None, Some(batch)) => Some(self.form(batch)),
            _ => None,
        };
        self.wire = self.wire.or(learned);
        self.accepted = true;
        self.actions.push_back(Action::CommitOutcome {
            batch: id,
            attempt: Some(outcome),
            change,
            learned,
            rows,
        });
        self.convict_suspects();
        self.count_failed(failed);
    }

    /// A 4xx: a batch of several is split; a lone assignment fails, with two exceptions while
    /// nothing has been accepted.
    fn reject(&mut self, id: BatchId, rejection: Rejection, rows: u64) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        if let Some((left, right)) = batch.span.halves() {
            let [left, right] = self.name_parts(left, right);
            let change = BatchChange::Split { left, right };
            return self.settle(id, Some(AttemptOutcome::Rejected), change, Next::Parts([left, right]));
        }
        let unsure = !self.accepted;
        if unsure && self.settings.wire == Wire::Auto && self.wire.is_none() && !batch.as_object {
            batch.as_object = true;
            batch.array_refusal = Some(rejection);
            return self.settle(id, Some(AttemptOutcome::Rejected), BatchChange::Pending, Next::Anew);
        }
        // Where both forms were tried, the one that gave a code was understood.
        let rejection = match batch.array_refusal.take() {
            Some(array) if array.code.is_some() || rejection.code.is_none() => array,
            _ => rejection,
        };
        let refusal = rejection.refusal();
        self.understood |= rejection.code.is_some();
        if unsure && !self.understood {
            let next = Next::Suspect(refusal, rows);
            return self.settle(id, Some(AttemptOutcome::Rejected), BatchChange::Pending, next);
        }
        self.fail(id, Some(AttemptOutcome::Rejected), refusal, rows);
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
    fn again(&mut self, now: Time, jitter: f64, id: BatchId, rows: u64, fault: Fault, paused: bool) {
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
            return self.settle(id, outcome, fault.resting(), Next::Again { due });
        }
        if in_doubt {
            self.canary_failed |= self.canary.is_some();
            return self.settle(id, outcome, fault.resting(), Next::Nothing);
        }
        if quiet && self.is_cut_off(fault.answered) {
            // What has worked before may work again, for as long as the user bears it.
            if self.through == 0 || self.is_given_up(now) {
                self.end(Ending::Unreachable(fault.reason.clone()));
            }
            return self.settle(id, outcome, fault.resting(), Next::Again { due });
        }
        let message = format!("given up after {tries} attempts; the last: {}", fault.reason);
        let refusal = Refusal { code: ErrorCode::ours(code::RETRIES_EXHAUSTED), message };
        self.fail(id, outcome, refusal, rows);
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
        self.has_unsent() || untried || !reached
    }

    /// Nothing of a batch is left to be done. It says nothing of what the service takes.
    fn already_so(&mut self, id: BatchId, rows: u64) {
        self.actions.push_back(Action::CommitOutcome {
            batch: id,
            attempt: None,
            change: BatchChange::Done { failures: Vec::new() },
            learned: None,
            rows,
        });
    }

    /// The service said what became of a batch in doubt, or would not.
    fn verified(&mut self, id: BatchId, finding: Finding) {
        let Some((token, mut batch)) = self.verifying.remove(&id) else { return };
        match finding {
            Finding::Done { rows } => {
                batch.stage = Stage::Settling(Next::Nothing);
                self.active.insert(id, batch);
                return self.already_so(id, rows);
            }
            Finding::Open => batch.in_doubt = false,
            Finding::Unauthorized => self.token_refused(token),
            Finding::Unknown(reason) => self.end(Ending::CannotVerify(reason)),
        }
        self.put(id, batch);
    }

    fn unauthorized(&mut self, id: BatchId, token: Generation) {
        self.token_refused(token);
        self.settle(id, Some(AttemptOutcome::Unauthorized), BatchChange::Pending, Next::Anew);
    }

    fn token_refused(&mut self, token: Generation) {
        match self.token.refused(token) {
            Unauthorized::Stale | Unauthorized::Renewing => {}
            Unauthorized::Renew => self.actions.push_back(Action::ReadToken),
            Unauthorized::GiveUp => self.end(Ending::TokenRejected),
        }
    }

    fn token_read(&mut self, changed: bool) {
        self.token.renewed(changed);
        if !changed {
            self.end(Ending::TokenRejected);
        }
    }

    fn settle(&mut self, id: BatchId, attempt: Option<AttemptOutcome>, change: BatchChange, next: Next) {
        if let Some(batch) = self.active.get_mut(&id) {
            batch.stage = Stage::Settling(next);
            self.actions.push_back(Action::CommitOutcome {
                batch: id,
                attempt,
                change,
                learned: None,
                rows: 0,
            });
        }
    }

    fn fail(&mut self, id: BatchId, attempt: Option<AttemptOutcome>, refusal: Refusal, rows: u64) {
        if let Some(batch) = self.active.get_mut(&id) {
            batch.stage = Stage::Settling(Next::Nothing);
            let change = BatchChange::Failed(refusal);
            self.actions.push_back(Action::CommitOutcome { batch: id, attempt, change, learned: None, rows });
        }
        self.count_failed(rows);
    }

    fn outcome_committed(&mut self, id: BatchId) {
        let Some(mut batch) = self.active.remove(&id) else { return };
        let Stage::Settling(next) = std::mem::replace(&mut batch.stage, Stage::Intending) else { return };
        match next {
            Next::Nothing => {}
            Next::Anew => self.put(id, batch),
            Next::Again { due } => {
                if let Some(lane) = self.lanes.get_mut(batch.lane) {
                    lane.put_aside(due, id, batch);
                }
            }
            Next::Parts(parts) => {
                for part in parts {
                    self.put(part.batch, Batch::new(batch.lane, part.span));
                }
            }
            Next::Suspect(refusal, rows) => {
                let words = format!("{}: {}", refusal.code, refusal.message);
                self.suspects.push(Suspect { id, batch, refusal, rows });
                if self.accepted || self.understood {
                    self.convict_suspects();
                } else if self.suspects.len() >= SUSPICIOUS {
                    self.end(Ending::ProbablyWrong { refusal: words });
                }
            }
        }
    }

    /// The service is known to understand us, so the refusals held back are refusals.
    fn convict_suspects(&mut self) {
        for Suspect { id, batch, refusal, rows } in std::mem::take(&mut self.suspects) {
            self.active.insert(id, batch);
            self.fail(id, None, refusal, rows);
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

    fn stop_asked(&mut self, now: Time) {
        self.end(Ending::Stopped);
        self.deadline = self.deadline.or(Some(now + self.settings.stop_grace));
    }

    /// The first reason stays.
    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Once everything below the canary's end has its outcome, the others may go, or must not.
    fn end_canary(&mut self) {
        let Some(end) = self.canary else { return };
        let under_way = !self.active.is_empty() || !self.verifying.is_empty();
        let open = self.lanes.iter().filter(|lane| lane.blocked.is_none());
        if under_way || open.clone().any(|lane| lane.has_work_below(end)) {
            return;
        }
        let rest = open.clone().any(Lane::has_work);
        let left_out = self.lanes.iter().any(|lane| lane.has_work_below(end));
        if rest && (self.canary_failed || left_out || !self.suspects.is_empty()) {
            return self.end(Ending::Canary { users: end });
        }
        self.canary = None;
    }

    /// Nothing left to plan and nothing under way: whoever is still suspected was refused, and
    /// then the run is finished, or held up by organizations that are blocked.
    fn conclude(&mut self) {
        let under_way = !self.active.is_empty() || !self.verifying.is_empty();
        if under_way || self.lanes.iter().any(|lane| lane.blocked.is_none() && lane.has_work()) {
            return;
        }
        let mut held_up = self.lanes.iter().filter(|lane| lane.has_work());
        match held_up.find_map(|lane| lane.blocked.clone()) {
            Some(reason) => self.end(reason),
            None if self.suspects.is_empty() => self.end(Ending::Finished),
            None => self.convict_suspects(),
        }
    }

    /// Towards the end: what is committed and not sent is given back, what is in flight is awaited
    /// until the deadline, and left in doubt after it.
    fn wind_up(&mut self, now: Time) {
        let ready: Vec<BatchId> =
            self.lanes.iter_mut().flat_map(|lane| std::mem::take(&mut lane.ready)).collect();
        for id in ready {
            self.settle(id, None, BatchChange::Pending, Next::Nothing);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let flying: Vec<BatchId> = self
                .active
                .iter()
                .filter_map(|(id, batch)| matches!(batch.stage, Stage::InFlight { .. }).then_some(*id))
                .collect();
            for id in flying {
                self.in_flight -= 1;
                let change = BatchChange::InDoubt("stopped before the answer came".to_owned());
                self.settle(id, Some(AttemptOutcome::InDoubt), change, Next::Nothing);
            }
        }
        if self.active.is_empty()
            && let Some(ending) = self.ending.clone()
        {
            self.finished = true;
            self.actions.push_back(Action::Finish(ending));
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
