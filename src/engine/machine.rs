//! The state machine itself: events come in, instructions go out, and a run comes to its end.

mod answers;
mod doubts;
mod faults;
mod outcomes;
mod plan;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::barrier::Barrier;
use super::batch::{Batch, Stage};
use super::budget::RetryBudget;
use super::canary::Canary;
use super::discovery::Discovery;
use super::health::Health;
use super::in_effect::{InEffect, OperationEffect};
use super::judge::Verdict;
use super::lane::Lane;
use super::road::Road;
use super::settings::{Ending, Settings};
use super::token::{Generation, TokenUse};
use super::{LaneNo, Time};
use crate::domain::{
    Assignment, AttemptOutcome, BatchChange, BatchId, Intent, OrgId, Outcome, RatePer, ResumePoint, Span,
};

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
        /// Its name.
        batch: BatchId,
        /// What the answer means.
        verdict: Verdict,
    },
    /// The service was asked what became of a batch that is in doubt.
    Verified {
        /// Its name.
        batch: BatchId,
        /// What it said.
        finding: Finding,
    },
    /// The token was read again.
    TokenRead {
        /// Whether it is another one now.
        changed: bool,
    },
    /// Somebody wants to make a reading request, which counts against the pace like any other.
    ReadWanted,
    /// A reading request was answered; with a wait where it was refused for its pace.
    ReadAnswered {
        /// Whether it was refused for its pace (429).
        throttled: bool,
        /// How long the service wants everyone to wait.
        retry_after: Option<Duration>,
    },
    /// Somebody asks the run to stop.
    StopAsked,
    /// Nothing but the time.
    TimePassed,
}

/// What the service says of a batch that is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// How each of its operations stands.
    Known(Vec<OperationEffect>),
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
pub enum Instruction {
    /// Put on disk that the batch is about to be sent.
    CommitIntent(Intent),
    /// Send the batch; its intent is on disk.
    Send {
        /// Its name.
        batch: BatchId,
    },
    /// Put on disk what became of the batch.
    CommitOutcome(Outcome),
    /// One reading request that was wanted may leave.
    Read,
    /// Ask the service what became of a batch that is in doubt.
    Verify {
        /// Its name.
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
    /// Those who went first have all succeeded, and the others follow.
    CanaryPassed {
        /// So many went first.
        users: u32,
    },
    /// Read the token again.
    ReadToken,
    /// Nothing more will come.
    Finish(Ending),
}

/// The engine of one sending of a run.
///
/// A driver calls [`handle`](Self::handle) with everything that happens, then does what
/// [`next_instruction`](Self::next_instruction) says until it says nothing more, and calls `handle` again when something
/// happens or [`next_wakeup`](Self::next_wakeup) has come. What each instruction wants of it:
///
/// - [`CommitIntent`](Instruction::CommitIntent): load the span's assignments, hand them to [`load`](Self::load), put the
///   intent on disk, then tell [`IntentCommitted`](Event::IntentCommitted).
/// - [`Send`](Instruction::Send): send what `load` gave back, in the intent's form; tell
///   [`Answered`](Event::Answered) with the verdict of [`judge`](super::judge()).
/// - [`CommitOutcome`](Instruction::CommitOutcome): put it on disk, after everything that was handed over before; tell
///   [`OutcomeCommitted`](Event::OutcomeCommitted).
/// - [`Verify`](Instruction::Verify), [`ReadToken`](Instruction::ReadToken): ask, and tell.
/// - [`Finish`](Instruction::Finish): nothing more comes, and nothing is awaited.
///
/// In return the laws of `ARCHITECTURE.md` hold. Time is told as the time since the engine was made, and never goes
/// back; random numbers come in with the events. Whatever is told twice, late or of a batch that is settled is
/// ignored.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    lanes: Vec<Lane>,
    /// What keeps their requests apart.
    roads: Vec<Road>,
    /// Whose turn it is to send.
    turn: LaneNo,
    instructions: VecDeque<Instruction>,
    /// Between intent and the outcome on disk.
    active: BTreeMap<BatchId, Batch>,
    /// In doubt, and the service is asked what became of them.
    verifying: BTreeMap<BatchId, (Generation, Batch)>,
    in_flight: u32,
    next_batch: u32,
    next_attempt: u32,
    discovery: Discovery,
    canary: Canary,
    token: TokenUse,
    budget: RetryBudget,
    health: Health,
    in_effect: InEffect,
    barrier: Barrier,
    /// Reading requests that wait for their turn.
    reads: u32,
    /// When something happened last.
    now: Time,
    /// When something that is no retry was made ready last.
    newest: Time,
    /// The service's own wish: nothing leaves before.
    pause: Time,
    /// Operations that failed in this sitting.
    failed: u64,
    /// Something was settled in this sitting.
    has_settled: bool,
    /// What is left is given up, one after the other, until something gets through.
    in_vain: bool,
    ending: Option<Ending>,
    deadline: Option<Time>,
    finished: bool,
}

impl Engine {
    /// Goes on from where the journal stands.
    #[must_use]
    pub fn new(settings: Settings, from: ResumePoint) -> Self {
        let canary = Canary::new(settings.canary, &from);
        let ResumePoint { lanes: points, next_batch, next_attempt, accepted, wire, .. } = from;
        // A pause that is kept is never longer than one that is borne.
        let borne = |pause: Duration| pause.min(settings.max_wait);
        let mut pause = borne(from.pause);
        let shared = settings.rate_per == RatePer::Run;
        let mut roads: Vec<Road> = Vec::new();
        let mut lanes: Vec<Lane> = Vec::new();
        for (number, point) in points.into_iter().enumerate() {
            if shared {
                pause = pause.max(borne(point.pause));
            } else {
                roads.push(Road::new(settings.rate, borne(point.pause)));
            }
            lanes.push(Lane::new(number, if shared { 0 } else { number }, point));
        }
        if roads.is_empty() {
            roads.push(Road::new(settings.rate, Time::ZERO));
        }
        Self {
            lanes,
            roads,
            turn: 0,
            instructions: VecDeque::new(),
            active: BTreeMap::new(),
            verifying: BTreeMap::new(),
            in_flight: 0,
            next_batch,
            next_attempt,
            discovery: Discovery::new(settings.wire, wire, accepted, settings.assured),
            canary,
            token: TokenUse::new(),
            budget: RetryBudget::new(),
            health: Health::default(),
            in_effect: InEffect::default(),
            barrier: Barrier::new(settings.sequence.clone()),
            reads: 0,
            now: Time::ZERO,
            newest: Time::ZERO,
            pause,
            failed: 0,
            has_settled: false,
            in_vain: false,
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
            Event::Answered { batch, verdict } => self.answered(now, jitter, batch, verdict),
            Event::Verified { batch, finding } => self.verified(batch, finding),
            Event::TokenRead { changed } => self.token_read(changed),
            Event::ReadWanted => self.reads += 1,
            Event::ReadAnswered { throttled, retry_after } => self.read_answered(now, throttled, retry_after),
            Event::StopAsked => self.stop_asked(now),
            Event::TimePassed => {}
        }
        self.now = now;
        self.advance(now);
    }

    /// Tells what a batch whose intent is to be committed is about, all its assignments; gives back what its
    /// request has to carry: what is in effect already is left out.
    pub fn load(&mut self, batch: BatchId, assignments: Vec<Assignment>) -> Arc<[Assignment]> {
        let moves = self.barrier.moves(&assignments);
        let (carried, mut cargo) = self.in_effect.leave_out(assignments);
        cargo.moves = moves;
        if let Some(batch) = self.active.get_mut(&batch) {
            batch.cargo = cargo;
        }
        carried
    }

    /// How many rows of the input a loaded batch stands for.
    #[must_use]
    pub fn rows(&self, batch: BatchId) -> u64 {
        self.active.get(&batch).map_or(0, |batch| batch.cargo.rows)
    }

    /// Whether a request of the run has been accepted, as the run is sent now.
    #[must_use]
    pub const fn has_accepted(&self) -> bool {
        self.discovery.has_accepted()
    }

    /// How much is left of a wait that the service asked for before.
    #[must_use]
    pub const fn pause(&self) -> Duration {
        self.pause
    }

    /// The next thing to do; `None` until something happens.
    pub fn next_instruction(&mut self) -> Option<Instruction> {
        self.instructions.pop_front()
    }

    /// When time alone makes a difference, if it does: always later than the last event, since
    /// what could be done then was done then.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Time> {
        if self.ending.is_some() {
            return self.deadline.filter(|deadline| *deadline > self.now && !self.active.is_empty());
        }
        let times = self.open_lanes().flat_map(|lane| {
            let Some(road) = self.roads.get(lane.road) else { return [None; 3] };
            let held_up = self.pause.max(road.pause);
            let sending = (!lane.ready.is_empty()).then_some(held_up.max(road.paced_until));
            let leaving = road.leaving().saturating_sub(AHEAD);
            let due = lane.next_due(self.now, self.canary.end(), |_| true);
            // What waits for no time of its own waits for the road alone.
            let planned = [lane.has_work().then_some(Time::ZERO), due];
            let [anew, again] = planned.map(|due| due.map(|due| due.max(held_up).max(leaving)));
            [sending, anew, again]
        });
        let reading = self.roads.first().filter(|_| self.reads > 0);
        let reading = reading.map(|road| self.pause.max(road.pause).max(road.paced_until));
        times.flatten().chain(reading).chain(self.asks_anew_at()).filter(|time| *time > self.now).min()
    }

    /// Does what can be done now: the only place where things begin.
    fn advance(&mut self, now: Time) {
        if self.finished {
            return;
        }
        if self.ending.is_none() {
            self.check_failures();
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

    fn stop_asked(&mut self, now: Time) {
        self.end(Ending::Stopped);
        self.deadline = self.deadline.or(Some(now + self.settings.stop_grace));
    }

    /// The first reason stays.
    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    fn is_under_way(&self) -> bool {
        !self.active.is_empty() || !self.verifying.is_empty()
    }

    /// Once everything below the canary's end has its outcome, the others may go, or must not.
    fn end_canary(&mut self) {
        let Some(end) = self.canary.waits_for() else { return };
        if self.is_under_way() || self.open_lanes().any(|lane| lane.has_work_below(end)) {
            return;
        }
        let rest = self.open_lanes().any(Lane::has_work);
        let left_out = self.lanes.iter().any(|lane| lane.has_work_below(end) || lane.rights.holds_any());
        if rest && (self.canary.has_failed() || left_out || self.discovery.has_suspects()) {
            return self.end(Ending::Canary { users: self.canary.users() });
        }
        self.canary.end_it();
        if rest {
            self.instructions.push_back(Instruction::CanaryPassed { users: self.canary.users() });
        }
    }

    /// With more failures than are borne nothing more is sent; where nothing is left to be sent, the run is
    /// simply over.
    fn check_failures(&mut self) {
        let limit = self.settings.max_failures;
        if limit.is_some_and(|limit| limit.is_exceeded(self.failed, self.settings.operations))
            && self.lanes.iter().any(|lane| lane.has_work() || lane.ahead > 0)
        {
            self.end(Ending::TooManyFailures { failed: self.failed });
        }
    }

    /// Nothing left to plan and nothing under way: whoever is still suspected was refused, and
    /// then the run is finished, or held up by organizations that are blocked.
    fn conclude(&mut self) {
        self.give_up_held();
        if self.is_under_way() || self.open_lanes().any(Lane::has_work) {
            return;
        }
        let mut held_up = self.lanes.iter().filter(|lane| lane.has_work());
        match held_up.find_map(|lane| lane.blocked.clone()) {
            Some(reason) => self.end(reason),
            None if self.discovery.has_suspects() => self.convict_suspects(),
            None => self.end(Ending::Finished),
        }
    }

    /// Towards the end: what is committed and not sent is given back, what is in flight is awaited
    /// until the deadline, and left in doubt after it.
    fn wind_up(&mut self, now: Time) {
        let ready: Vec<BatchId> = self.lanes.iter_mut().flat_map(Lane::give_back).collect();
        for id in ready {
            self.settle_resting(id, None, super::batch::After::Nothing);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let flying = |(id, batch): (&BatchId, &Batch)| {
                matches!(batch.stage, Stage::InFlight { .. }).then_some(*id)
            };
            let flying: Vec<BatchId> = self.active.iter().filter_map(flying).collect();
            for id in flying {
                self.in_flight -= 1;
                let change = BatchChange::InDoubt("stopped before the answer came".to_owned());
                self.settle(id, Some(AttemptOutcome::InDoubt), change, super::batch::After::Nothing);
            }
        }
        if self.active.is_empty()
            && let Some(ending) = self.ending.clone()
        {
            self.finished = true;
            self.instructions.push_back(Instruction::Finish(ending));
        }
    }
}
