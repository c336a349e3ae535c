//! The engine played by hand: what the laws of the simulation leave open.

mod doubts;
mod faults;
mod limits;
mod organizations;
mod pace;
mod refusals;

use super::{
    Effect, Ending, Engine, Event, Finding, Foreign, Instruction, MayBeDone, OperationEffect, Rejection,
    Settings, Verdict,
};
use crate::domain::{
    Action, Assignment, AssignmentNo, AttemptOutcome, BatchChange, BatchId, Change, EmailAddress, ErrorCode,
    FailureLimit, InDoubt, Intent, LaneResumePoint, LicenseId, Line, OpenBatch, Operation, OperationFailure,
    OperationKey, OrgId, Outcome, Part, Properties, RatePer, Refusal, ResumePoint, Sequence, Span, User,
    Wire, WireForm,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// An engine whose disk is at once done with everything, unless it is told to dawdle.
struct Play {
    engine: Engine,
    now: Duration,
    dawdles: bool,
    events: u32,
    intents: Vec<(BatchId, Span)>,
    attempts: Vec<u32>,
    forms: Vec<WireForm>,
    learned: Vec<WireForm>,
    sent: Vec<BatchId>,
    outcomes: Vec<(BatchId, Option<AttemptOutcome>, BatchChange)>,
    /// Between intent and outcome, and the most that there ever were.
    open: BTreeSet<BatchId>,
    most_open: usize,
    /// How often it wants the token read again.
    token_reads: u32,
    /// Batches that it wants to be asked about.
    asked: Vec<BatchId>,
    /// What each user is to give back and to get.
    asks: Box<dyn Fn(u32) -> Vec<(Action, &'static str)>>,
    ending: Option<Ending>,
}

fn settings() -> Settings {
    Settings {
        batch_size: 1,
        concurrency: 2,
        max_attempts: 5,
        wire: Wire::Array,
        rate: "unlimited".parse().unwrap(),
        max_wait: Duration::from_secs(600),
        give_up_after: Duration::from_secs(60),
        in_doubt: InDoubt::Resend,
        canary: None,
        max_failures: None,
        stop_grace: Duration::from_secs(10),
        operations: 1000,
        rate_per: RatePer::Org,
        sequence: Sequence::Free,
        assured: false,
        last_try: false,
        insisted: false,
    }
}

/// So many users of each organization, of whom none has been sent, though something was accepted before.
fn standing(users: &[u32]) -> ResumePoint {
    let mut first = 0;
    let lanes = users.iter().enumerate().map(|(number, users)| {
        let span = Span::new(first, first + users - 1).unwrap();
        first += users;
        let org = (number > 0).then(|| OrgId::parse(&format!("O{number}")).unwrap());
        LaneResumePoint { org, covers: vec![span], unsent: vec![span], ..LaneResumePoint::default() }
    });
    ResumePoint {
        lanes: lanes.collect(),
        pause: Duration::ZERO,
        next_batch: 1,
        next_attempt: 1,
        accepted: true,
        failed: 0,
        first: 0,
        wire: None,
    }
}

impl Play {
    fn of(settings: Settings, standing: ResumePoint) -> Self {
        Self::giving(0, settings, standing)
    }

    /// Users below this one give a license back, all others get it.
    fn giving(gives: u32, settings: Settings, standing: ResumePoint) -> Self {
        let action = move |number| if number < gives { Action::Remove } else { Action::Add };
        Self::asking(move |number| vec![(action(number), "L")], settings, standing)
    }

    fn asking(
        asks: impl Fn(u32) -> Vec<(Action, &'static str)> + 'static,
        settings: Settings,
        standing: ResumePoint,
    ) -> Self {
        let mut play = Self {
            engine: Engine::new(settings, standing),
            now: Duration::ZERO,
            dawdles: false,
            events: 0,
            intents: Vec::new(),
            attempts: Vec::new(),
            forms: Vec::new(),
            learned: Vec::new(),
            sent: Vec::new(),
            outcomes: Vec::new(),
            open: BTreeSet::new(),
            most_open: 0,
            token_reads: 0,
            asked: Vec::new(),
            asks: Box::new(asks),
            ending: None,
        };
        play.tell(Event::TimePassed);
        play
    }

    fn tell(&mut self, event: Event) {
        self.events += 1;
        assert!(self.events < 100_000, "it goes on forever");
        self.engine.handle(self.now, 0.5, event);
        while let Some(instruction) = self.engine.next_instruction() {
            match instruction {
                Instruction::CommitIntent(Intent { batch, span, attempt, wire }) => {
                    self.intents.push((batch, span));
                    self.attempts.push(attempt.0);
                    self.forms.push(wire);
                    self.open.insert(batch);
                    self.most_open = self.most_open.max(self.open.len());
                    self.engine.load(
                        batch,
                        (span.first().0..=span.last().0)
                            .map(|number| assignment(number, &(self.asks)(number)))
                            .collect(),
                    );
                    if !self.dawdles {
                        self.engine.handle(self.now, 0.5, Event::IntentCommitted(batch));
                    }
                }
                Instruction::Send { batch } => self.sent.push(batch),
                Instruction::CommitOutcome(Outcome { batch, attempt, change, learned, .. }) => {
                    self.learned.extend(learned);
                    self.open.remove(&batch);
                    self.outcomes.push((batch, attempt, change));
                    if !self.dawdles {
                        self.engine.handle(self.now, 0.5, Event::OutcomeCommitted(batch));
                    }
                }
                Instruction::Finish(ending) => self.ending = Some(ending),
                Instruction::ReadToken => self.token_reads += 1,
                Instruction::Verify { batch, .. } => self.asked.push(batch),
                Instruction::Read
                | Instruction::Pause { .. }
                | Instruction::Block { .. }
                | Instruction::CanaryPassed { .. } => {}
            }
        }
    }

    fn answer(&mut self, batch: BatchId, verdict: Verdict) {
        self.sent.retain(|sent| *sent != batch);
        self.tell(Event::Answered { batch, verdict });
    }

    /// The first user of each batch in flight, in the order in which they left.
    fn users_sent(&self) -> Vec<u32> {
        let span = |sent: &BatchId| self.intents.iter().rev().find(|(batch, _)| batch == sent);
        self.sent.iter().filter_map(span).map(|(_, span)| span.first().0).collect()
    }

    /// Answers whatever is in flight, in the order in which it left.
    fn answer_all(&mut self, verdict: &Verdict) {
        for batch in std::mem::take(&mut self.sent) {
            self.answer(batch, verdict.clone());
        }
    }

    fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
        self.tell(Event::TimePassed);
    }

    fn wakes_after(&self) -> Option<f64> {
        self.engine.next_wakeup().map(|at| (at - self.now).as_secs_f64())
    }

    fn span_of(&self, batch: BatchId) -> Span {
        self.intents.iter().rev().find(|(id, _)| *id == batch).unwrap().1
    }
}

/// One operation for one user.
fn assignment(number: u32, asks: &[(Action, &str)]) -> Assignment {
    let operation = |(action, license): &(Action, &str)| {
        let change = Change::License(LicenseId::parse(license).unwrap(), Properties::default());
        Operation { key: OperationKey::of_line(Line::new(number + 2)), action: *action, change, rows: 1 }
    };
    let user = User::Email(EmailAddress::parse(&format!("user{number}@example.com")).unwrap());
    Assignment {
        number: AssignmentNo(number),
        user,
        org: None,
        operations: asks.iter().map(operation).collect(),
    }
}

fn done() -> Verdict {
    Verdict::Accepted { failures: Vec::new(), words: None }
}

/// A passing fault.
fn fault(retry_after: Option<u64>, answered: bool, throttled: bool, reason: &str) -> Verdict {
    Verdict::SendAgain {
        retry_after: retry_after.map(Duration::from_secs),
        done: MayBeDone::No,
        answered,
        throttled,
        reason: reason.into(),
    }
}

/// An answer that never came.
fn lost() -> Verdict {
    Verdict::SendAgain {
        retry_after: None,
        done: MayBeDone::InDoubt,
        answered: false,
        throttled: false,
        reason: "reset".into(),
    }
}

/// A fault in the middle of it, or behind a gateway.
fn gateway() -> Verdict {
    Verdict::SendAgain {
        retry_after: None,
        done: MayBeDone::Perhaps,
        answered: true,
        throttled: false,
        reason: "HTTP 504".into(),
    }
}

fn ill(retry_after: Option<u64>) -> Verdict {
    fault(retry_after, true, false, "HTTP 503")
}

fn forbidden_words() -> Verdict {
    Verdict::Forbidden(Rejection { status: 403, code: None, message: "no".into(), tracking_id: None })
}

fn refused(code: Option<&'static str>) -> Verdict {
    let code = code.map(ErrorCode::ours);
    Verdict::Rejected(Rejection { status: 400, code, message: "no".into(), tracking_id: None })
}
