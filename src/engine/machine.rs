//! The state machine itself.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::judge::{Rejection, Verdict};
use super::settings::{Ending, Settings, backoff};
use super::token::{Generation, Token, Unauthorized};
use crate::domain::{
    AttemptId, AttemptOutcome, BatchChange, BatchId, ErrorCode, Part, Refusal, Span, Standing, Wire,
    WireForm, code,
};
use crate::pace::Pacer;

/// Time since the engine's start.
type Time = Duration;

/// While nothing has been accepted, so many lone refusals without a code are one mistake that
/// concerns every request.
const SUSPICIOUS: usize = 10;

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
    /// The service wants everyone to wait until then.
    Pause {
        /// Time since the engine's start.
        until: Time,
    },
    /// Read the token again.
    ReadToken,
    /// Nothing more will come.
    Finish(Ending),
}

#[derive(Debug)]
struct Batch {
    span: Span,
    attempt: AttemptId,
    /// Attempts that ended in a passing fault or in doubt.
    tries: u32,
    /// What had got through when the first of them was made.
    through_before: Option<u64>,
    /// Send this one as an object, whatever the run's form.
    as_object: bool,
    /// How the array form of it was refused.
    array_refusal: Option<Rejection>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Intending,
    Ready,
    InFlight(Generation),
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
    Again { due: Time },
    Suspect(Refusal, u64),
    Parts([Part; 2]),
}

impl Batch {
    const fn new(span: Span) -> Self {
        Self {
            span,
            attempt: AttemptId(0),
            tries: 0,
            through_before: None,
            as_object: false,
            array_refusal: None,
            stage: Stage::Intending,
        }
    }
}

/// The engine of one sending of a run.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    pacer: Pacer,
    actions: VecDeque<Action>,
    /// Between intent and the outcome on disk.
    active: BTreeMap<BatchId, Batch>,
    /// Committed and not sent, in the order of their commits.
    ready: VecDeque<BatchId>,
    in_flight: u32,
    /// To be sent at or after a time, lowest assignments first.
    backlog: BTreeMap<(Time, Span), (BatchId, Batch)>,
    cursor: u32,
    assignments: u32,
    next_batch: u32,
    next_attempt: u32,
    accepted: bool,
    wire: Option<WireForm>,
    /// Lone assignments refused without a code while nothing had been accepted.
    suspects: Vec<Suspect>,
    /// A lone assignment was refused with a code: the service understands us.
    understood: bool,
    token: Token,
    /// When something happened last.
    now: Time,
    pause: Time,
    /// No leave to send before this time.
    paced_until: Time,
    /// Answers that were not passing faults.
    through: u64,
    failed: u64,
    ending: Option<Ending>,
    deadline: Option<Time>,
    finished: bool,
}

impl Engine {
    /// Goes on from where the journal stands; `pause` is how much of a wait that the service asked
    /// for is left.
    #[must_use]
    pub fn new(settings: Settings, standing: Standing, pause: Duration) -> Self {
        let open = standing.open.into_iter();
        let backlog = open.map(|part| ((Time::ZERO, part.span), (part.batch, Batch::new(part.span))));
        Self {
            pacer: Pacer::new(settings.rate),
            actions: VecDeque::new(),
            active: BTreeMap::new(),
            ready: VecDeque::new(),
            in_flight: 0,
            backlog: backlog.collect(),
            cursor: standing.cursor,
            assignments: standing.assignments,
            next_batch: standing.next_batch,
            next_attempt: standing.next_attempt,
            accepted: standing.accepted,
            wire: standing.wire,
            suspects: Vec::new(),
            understood: false,
            token: Token::new(),
            now: Time::ZERO,
            pause,
            paced_until: Time::ZERO,
            through: 0,
            failed: 0,
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
        let held_up = self.pause.max(self.paced_until);
        let sending = (!self.ready.is_empty()).then_some(held_up);
        let planning = self.backlog.first_key_value().map(|((due, _), _)| (*due).max(self.pause));
        let planning = planning.or_else(|| self.has_tail().then_some(self.pause));
        [sending, planning].into_iter().flatten().filter(|time| *time > self.now).min()
    }

    const fn has_tail(&self) -> bool {
        self.cursor < self.assignments
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
            self.plan(now);
            self.dispatch(now);
            self.conclude();
        }
        if self.ending.is_some() {
            self.wind_up(now);
        }
    }

    /// Commits intents ahead of need, as many as may be in flight. What is in flight, ready, or
    /// answered while the disk was busy thus stays within law 4.
    fn plan(&mut self, now: Time) {
        while !self.token.is_renewing()
            && now >= self.pause
            // Until something has been accepted, one request at a time finds out what the service takes.
            && (self.accepted || self.active.is_empty())
            && self.ahead() < self.settings.concurrency as usize
        {
            let Some((id, batch)) = self.take_next(now) else { break };
            self.intend(id, batch);
        }
    }

    /// Batches with an intent, or about to have one, that are not sent.
    fn ahead(&self) -> usize {
        self.active.values().filter(|batch| matches!(batch.stage, Stage::Intending | Stage::Ready)).count()
    }

    fn take_next(&mut self, now: Time) -> Option<(BatchId, Batch)> {
        if let Some(entry) = self.backlog.first_entry()
            && entry.key().0 <= now
        {
            let (id, batch) = entry.remove();
            return Some(self.alone_if_object(id, batch));
        }
        if !self.has_tail() {
            return None;
        }
        let object = match self.settings.wire {
            Wire::Object => true,
            Wire::Array => false,
            Wire::Auto => self.wire == Some(WireForm::Object),
        };
        let size = if object { 1 } else { self.settings.batch_size.max(1) };
        let last = self.cursor.saturating_add(size).min(self.assignments) - 1;
        let span = Span::new(self.cursor, last)?;
        self.cursor = last + 1;
        Some((self.new_batch(), Batch::new(span)))
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
        self.backlog.insert((Time::ZERO, right.span), (right.batch, Batch::new(right.span)));
        (left.batch, Batch::new(left.span))
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
        let (span, attempt, wire) = (batch.span, batch.attempt, self.form(&batch));
        self.actions.push_back(Action::CommitIntent { batch: id, span, attempt, wire });
        self.active.insert(id, batch);
    }

    /// Sends what is ready, as far as pace, pause and concurrency allow.
    fn dispatch(&mut self, now: Time) {
        while self.in_flight < self.settings.concurrency && now >= self.pause && !self.token.is_renewing() {
            let Some(id) = self.ready.front().copied() else { break };
            if let Err(until) = self.pacer.take(now) {
                self.paced_until = until;
                break;
            }
            self.ready.pop_front();
            if let Some(batch) = self.active.get_mut(&id) {
                batch.stage = Stage::InFlight(self.token.generation());
                self.in_flight += 1;
                self.actions.push_back(Action::Send { batch: id });
            }
        }
    }

    fn intent_committed(&mut self, id: BatchId) {
        if let Some(batch) = self.active.get_mut(&id)
            && matches!(batch.stage, Stage::Intending)
        {
            batch.stage = Stage::Ready;
            self.ready.push_back(id);
        }
    }

    fn answered(&mut self, now: Time, jitter: f64, id: BatchId, verdict: Verdict, rows: u64) {
        let Some(batch) = self.active.get_mut(&id) else { return };
        // After a stop's deadline, an answer comes too late: the batch is in doubt on disk already.
        let Stage::InFlight(generation) = batch.stage else { return };
        batch.stage = Stage::Settling(Next::Nothing);
        self.in_flight -= 1;
        if verdict != Verdict::Unauthorized {
            self.token.proved(generation);
        }
        match verdict {
            Verdict::Accepted { failures } => {
                let failed = failures.iter().map(|failure| u64::from(failure.rows)).sum();
                let outcome = if failed == 0 { AttemptOutcome::Accepted } else { AttemptOutcome::Partial };
                self.accept(id, outcome, BatchChange::Done { failures }, rows, failed);
            }
            Verdict::Rejected(rejection) => self.reject(id, rejection, rows),
            Verdict::SendAgain { retry_after, in_doubt, answered, reason } => {
                let fault = Fault { outcome: AttemptOutcome::SendAgain, in_doubt, answered, reason };
                let pausing = retry_after.filter(|wait| !wait.is_zero());
                self.pause_everyone(now, pausing);
                self.again(now, jitter, id, rows, fault, pausing.is_some());
            }
            Verdict::InDoubt(reason) => {
                let fault =
                    Fault { outcome: AttemptOutcome::InDoubt, in_doubt: true, answered: true, reason };
                self.again(now, jitter, id, rows, fault, false);
            }
            Verdict::Unauthorized => self.unauthorized(id, generation),
            Verdict::Forbidden(words) => {
                self.end(Ending::Forbidden(words));
                self.settle(id, Some(AttemptOutcome::Forbidden), BatchChange::Pending, Next::Nothing);
            }
        }
    }

    fn accept(&mut self, id: BatchId, outcome: AttemptOutcome, change: BatchChange, rows: u64, failed: u64) {
        self.through += 1;
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
        self.through += 1;
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
            let again = Next::Again { due: Time::ZERO };
            return self.settle(id, Some(AttemptOutcome::Rejected), BatchChange::Pending, again);
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

    /// The service wants everyone to wait: one pause, which only grows.
    fn pause_everyone(&mut self, now: Time, retry_after: Option<Duration>) {
        let Some(wait) = retry_after else { return };
        if wait > self.settings.max_wait {
            return self.end(Ending::LongPause(wait));
        }
        let until = now + wait;
        if until > self.pause {
            self.pause = until;
            self.actions.push_back(Action::Pause { until });
        }
    }

    /// A passing fault or a doubt: the batch waits its turn, or has had its last.
    fn again(&mut self, now: Time, jitter: f64, id: BatchId, rows: u64, fault: Fault, paused: bool) {
        let (through, most) = (self.through, self.settings.max_attempts);
        let Some(batch) = self.active.get_mut(&id) else { return };
        batch.tries += 1;
        let quiet = *batch.through_before.get_or_insert(through) == through;
        let in_doubt = fault.outcome == AttemptOutcome::InDoubt;
        let outcome = Some(fault.outcome);
        if batch.tries < most || self.ending.is_some() {
            // The pause is the wait; without one, each batch waits for itself.
            let due = if paused { now } else { now + backoff(batch.tries, jitter) };
            return self.settle(id, outcome, fault.resting(), Next::Again { due });
        }
        if in_doubt {
            return self.settle(id, outcome, fault.resting(), Next::Nothing);
        }
        if quiet && self.is_cut_off(fault.answered) {
            self.end(Ending::Unreachable(fault.reason.clone()));
            return self.settle(id, outcome, fault.resting(), Next::Nothing);
        }
        let message = format!("given up after {most} attempts; the last: {}", fault.reason);
        let refusal = Refusal { code: ErrorCode::ours(code::RETRIES_EXHAUSTED), message };
        self.fail(id, outcome, refusal, rows);
    }

    /// A batch has had its attempts, and nothing got through meanwhile: is that the service, or this
    /// batch? While other work had its chance and did not get through either, it is the service.
    /// Where only batches that fail are left, what got through before tells.
    fn is_cut_off(&self, answered: bool) -> bool {
        let waiting = self.backlog.values().map(|(_, batch)| batch);
        let untried = self.active.values().chain(waiting).any(|batch| batch.tries == 0);
        let reached = self.through > 0 || (self.accepted && answered);
        self.has_tail() || untried || !reached
    }

    fn unauthorized(&mut self, id: BatchId, generation: Generation) {
        match self.token.refused(generation) {
            Unauthorized::Stale | Unauthorized::Renewing => {}
            Unauthorized::Renew => self.actions.push_back(Action::ReadToken),
            Unauthorized::GiveUp => self.end(Ending::TokenRejected),
        }
        let again = Next::Again { due: Time::ZERO };
        self.settle(id, Some(AttemptOutcome::Unauthorized), BatchChange::Pending, again);
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
            Next::Again { due } => {
                self.backlog.insert((due, batch.span), (id, batch));
            }
            Next::Parts(parts) => {
                for part in parts {
                    self.backlog.insert((Time::ZERO, part.span), (part.batch, Batch::new(part.span)));
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
        let exceeded = self
            .settings
            .max_failures
            .is_some_and(|limit| limit.is_exceeded(self.failed, self.settings.operations));
        // With nothing left to hold back, the run is simply over.
        if exceeded && (self.has_tail() || !self.backlog.is_empty() || self.active.len() > 1) {
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

    /// Nothing left to plan and nothing under way: whoever is still suspected was refused, and
    /// then the run is finished.
    fn conclude(&mut self) {
        if self.active.is_empty() && self.backlog.is_empty() && !self.has_tail() {
            if !self.suspects.is_empty() {
                return self.convict_suspects();
            }
            self.end(Ending::Finished);
        }
    }

    /// Towards the end: what is committed and not sent is given back, what is in flight is awaited
    /// until the deadline, and left in doubt after it.
    fn wind_up(&mut self, now: Time) {
        while let Some(id) = self.ready.pop_front() {
            self.settle(id, None, BatchChange::Pending, Next::Nothing);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let flying: Vec<BatchId> = self
                .active
                .iter()
                .filter_map(|(id, batch)| matches!(batch.stage, Stage::InFlight(_)).then_some(*id))
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
    reason: String,
}

impl Fault {
    /// How the batch stands while it waits.
    fn resting(self) -> BatchChange {
        if self.in_doubt { BatchChange::InDoubt(self.reason) } else { BatchChange::Pending }
    }
}
