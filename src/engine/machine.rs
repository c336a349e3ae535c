//! The state machine itself: events come in, actions go out, and a run comes to its end.

mod answers;
mod plan;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::batch::{After, Batch, Stage, Suspect};
use super::budget::RetryBudget;
use super::in_effect::{Found, InEffect};
use super::judge::Verdict;
use super::lane::{Lane, LaneNo};
use super::settings::{Ending, Settings};
use super::token::{Generation, Token};
use crate::domain::{
    Assignment, AttemptId, AttemptOutcome, BatchChange, BatchId, OrgId, Span, Standing, Wire, WireForm,
};

/// Time since the engine's start.
type Time = Duration;

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
    /// How each of its operations stands.
    Known(Vec<Found>),
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
        /// What it covers.
        span: Span,
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
    in_effect: InEffect,
    /// When something happened last.
    now: Time,
    /// When something that is no retry was made ready last.
    newest: Time,
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
            in_effect: InEffect::default(),
            now: Time::ZERO,
            newest: Time::ZERO,
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
            Event::Answered { batch, verdict } => self.answered(now, jitter, batch, verdict),
            Event::Verified { batch, finding } => self.verified(batch, finding),
            Event::TokenRead { changed } => self.token_read(changed),
            Event::StopAsked => self.stop_asked(now),
            Event::TimePassed => {}
        }
        self.now = now;
        self.advance(now);
    }

    /// Tells what a batch whose intent is to be committed is about, all its assignments; gives back what its
    /// request has to carry: what is in effect already is left out.
    pub fn load(&mut self, batch: BatchId, assignments: Vec<Assignment>) -> Arc<[Assignment]> {
        let (carried, cargo) = self.in_effect.leave_out(assignments);
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
            let due = lane.next_due(self.now, self.canary.unwrap_or(u32::MAX));
            // What waits for no time of its own waits for the lane alone.
            let planned = [lane.has_work().then_some(Time::ZERO), due];
            let [anew, again] = planned.map(|due| due.map(|due| due.max(held_up).max(leaving)));
            [sending, anew, again]
        });
        times.flatten().filter(|time| *time > self.now).min()
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
        let ready: Vec<BatchId> = self.lanes.iter_mut().flat_map(Lane::give_back).collect();
        for id in ready {
            self.settle(id, None, BatchChange::Pending, After::Nothing);
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
                self.settle(id, Some(AttemptOutcome::InDoubt), change, After::Nothing);
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
