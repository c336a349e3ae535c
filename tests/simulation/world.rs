//! One seed's world: the engine's driver with an event queue of its own.

mod laws;
mod making;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use seatbatch::domain::{
    Answer, Assignment, BatchChange, BatchId, Change, InDoubt, Intent, Operation, OrgId, Outcome, Prospect,
    RatePer, Span, Wire, WireForm,
};
use seatbatch::engine::{
    Effect, Ending, Engine, Event, Finding, Instruction, MayBeDone, OperationEffect, Scope, Settings,
    Verdict, judge,
};

use super::disk::{Disk, Record, State};
use super::service::{Moods, Service};
use making::{assignment, organizations, service, settings};

/// What happens later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Later {
    /// A group reaches the disk.
    Commit,
    Answer(BatchId),
    Verified(BatchId, Span),
    Token,
    Stop,
    Crash,
    Reader,
    ReadAnswer(Option<Duration>),
    Away(bool),
    Wake,
}

#[derive(Debug)]
struct Flight {
    span: Span,
    wire: WireForm,
    /// In whose name.
    org: Option<OrgId>,
    sent: bool,
    /// What it carries, as the engine says.
    carried: Arc<[Assignment]>,
    token: u32,
    answer: Option<Answer>,
}

pub(crate) struct World {
    seed: u64,
    /// Tell everything that happens.
    trace: bool,
    dice: fastrand::Rng,
    now: Duration,
    settings: Settings,
    assignments: Vec<Assignment>,
    disk: Disk,
    service: Service,
    /// Whether the service calms down after this time, so that every run can end.
    calm_after: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, Later)>>,
    count: u64,
    steps: u64,
    // What a process has in memory.
    epoch: u64,
    /// When the engine is woken next.
    wake: Option<Duration>,
    started: Duration,
    engine: Engine,
    written: Vec<Record>,
    committing: Vec<Record>,
    flights: BTreeMap<BatchId, Flight>,
    token: u32,
    refused_token: Option<u32>,
    stopped: bool,
    pause: Duration,
    org_pauses: HashMap<Option<OrgId>, Duration>,
    departures: HashMap<Option<OrgId>, Vec<Duration>>,
    /// In doubt, and nobody has asked.
    doubtful: BTreeSet<BatchId>,
    blocked: Vec<(Option<OrgId>, Ending)>,
    accepted_by_service: bool,
    /// An acceptance has been told to the engine.
    acceptance_known: bool,
    finished: Option<Ending>,
    /// Passing faults of each batch in this process, throttling not among them, and what had got through when
    /// the first came.
    faults: HashMap<BatchId, (u32, u64)>,
    through: u64,
    /// There was a sitting in which everything that is left was to be tried a last time.
    had_last_try: bool,
    /// Throttled and not sent since.
    throttled: BTreeMap<BatchId, (Option<OrgId>, Span)>,
    /// Sent before, in this process.
    sent_before: BTreeSet<BatchId>,
    /// Assignments refused alone, which may be held back.
    refused_alone: BTreeSet<u32>,
    /// Assignments that were answered with a 403 alone in this process: it may be told at the end what becomes of them.
    forbidden: BTreeSet<u32>,
    /// Assignments of which nobody could tell what had become of them.
    untold: BTreeSet<u32>,
    settled: HashMap<BatchId, State>,
    /// Answers that were not the API's since something was accepted, in this process.
    foreign: u32,
    /// Something is in the way that does not go away.
    hopeless: bool,
}

/// More steps than any seed needs: law 8.
const MOST_STEPS: u64 = 400_000;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let users = dice.u32(1..120);
        let orgs = organizations(&mut dice, users);
        let org_of = |number: u32| orgs.iter().find(|(span, _)| number <= span.last().0).unwrap().1.clone();
        let mut assignments: Vec<Assignment> = Vec::new();
        for number in 0..users {
            assignments.push(Assignment { org: org_of(number), ..assignment(number, &mut dice) });
        }
        let settings = settings(&mut dice, &assignments);
        let mut service = service(&mut dice, &assignments, settings.wire);
        if orgs.len() > 1 && dice.u32(..4) == 0 {
            service.closed = Some((orgs[dice.usize(..orgs.len())].1.clone(), dice.bool()));
        }
        let calm_after = Duration::from_secs(dice.u64(0..4000));
        let mut disk = Disk::of(orgs);
        let engine = Engine::new(settings.clone(), disk.recover(Duration::ZERO));
        Self {
            seed,
            trace: std::env::var_os("TRACE").is_some(),
            dice,
            now: Duration::ZERO,
            settings,
            assignments,
            disk,
            service,
            calm_after,
            queue: BinaryHeap::new(),
            count: 0,
            steps: 0,
            epoch: 0,
            wake: None,
            started: Duration::ZERO,
            engine,
            written: Vec::new(),
            committing: Vec::new(),
            flights: BTreeMap::new(),
            token: 0,
            refused_token: None,
            stopped: false,
            pause: Duration::ZERO,
            org_pauses: HashMap::new(),
            departures: HashMap::new(),
            doubtful: BTreeSet::new(),
            blocked: Vec::new(),
            accepted_by_service: false,
            acceptance_known: false,
            finished: None,
            faults: HashMap::new(),
            through: 0,
            had_last_try: false,
            throttled: BTreeMap::new(),
            sent_before: BTreeSet::new(),
            refused_alone: BTreeSet::new(),
            forbidden: BTreeSet::new(),
            untold: BTreeSet::new(),
            settled: HashMap::new(),
            foreign: 0,
            hopeless: false,
        }
    }

    /// Runs to the end, through crashes and pauses; gives back the steps it took.
    pub(crate) fn run(mut self) -> u64 {
        self.schedule_trouble();
        self.tell(Event::TimePassed);
        let mut sittings = 0;
        loop {
            self.until_finished();

            match self.finished.clone().unwrap() {
                Ending::Finished => break,
                Ending::ProbablyWrong { .. } => {
                    assert!(
                        !self.accepted_by_service,
                        "seed {}: called wrong although something was accepted",
                        self.seed
                    );
                    if self.dice.bool() {
                        // The user says that it is right.
                        self.settings.assured = true;
                    } else {
                        // The user mends it.
                        self.service.deaf = false;
                        self.settings.wire = Wire::Auto;
                        self.service.poison.clear();
                    }
                }
                Ending::Canary { .. } => self.settings.canary = None,
                Ending::TokenRejected => {
                    assert_ne!(self.token, self.service.token, "the token in force is called rejected");
                }
                reason @ (Ending::Forbidden { .. } | Ending::LongPause { .. }) => {
                    self.check_held_up(&reason);
                    if self.dice.bool() {
                        self.service.shunned.clear();
                    }
                }
                _ => {}
            }
            // Whoever is always answered with a fault must not keep a run from its end.
            self.settings.last_try = matches!(self.finished, Some(Ending::Unreachable(_)));
            self.settings.insisted = matches!(self.finished, Some(Ending::Forbidden { .. }));
            self.had_last_try |= self.settings.last_try;
            assert_eq!(self.disk.sending(), 0, "an intent is left behind at a pause");
            sittings += 1;
            assert!(sittings < 500, "the run never ends");
            // Somebody comes back later.
            self.now += Duration::from_secs(self.dice.u64(1..600));
            if sittings > 20 {
                self.calm_after = self.now;
            }
            self.start_process();
        }
        self.check_end();
        self.steps
    }

    fn later(&mut self, after: Duration, what: Later) {
        self.count += 1;
        // What an earlier process was waiting for never reaches this one.
        let number = (self.epoch << 40) | self.count;
        self.queue.push(Reverse((self.now + after, number, what)));
    }

    fn schedule_trouble(&mut self) {
        if self.now >= self.calm_after {
            return;
        }
        let some = |dice: &mut fastrand::Rng| Duration::from_millis(dice.u64(0..60_000));
        if self.dice.u32(..3) == 0 {
            let after = some(&mut self.dice);
            self.later(after, Later::Crash);
        }
        if self.dice.u32(..5) == 0 {
            let after = some(&mut self.dice);
            self.later(after, Later::Stop);
        }
        for _ in 0..self.dice.u32(..3) {
            let after = some(&mut self.dice);
            self.later(after, Later::Reader);
        }
        if self.dice.u32(..5) == 0 {
            let (begins, lasts) = (some(&mut self.dice), Duration::from_secs(self.dice.u64(1..2000)));
            self.later(begins, Later::Away(true));
            self.later(begins + lasts, Later::Away(false));
        }
        if self.dice.u32(..5) == 0 {
            // The token dies at once; whoever rotates it may come later, or has come before.
            self.service.token += 1;
        }
    }

    /// A process begins where the disk stands.
    fn start_process(&mut self) {
        self.epoch += 1;
        self.queue.clear();
        self.written.clear();
        self.committing.clear();
        self.flights.clear();
        self.departures.clear();
        self.finished = None;
        self.stopped = false;
        self.refused_token = None;
        // A pause that was kept is never longer than one that is borne.
        let longest = self.now + self.settings.max_wait;
        self.pause = self.disk.paused_until.min(longest);
        self.org_pauses.clear();
        for (org, until) in &self.disk.org_pauses {
            let until = (*until).min(longest);
            match self.settings.rate_per {
                RatePer::Run => self.pause = self.pause.max(until),
                RatePer::Org => drop(self.org_pauses.insert(org.clone(), until)),
            }
        }
        self.service.away = false;
        (self.foreign, self.hopeless) = (0, false);
        self.faults.clear();
        self.forbidden.clear();
        self.throttled.clear();
        self.sent_before.clear();
        self.blocked.clear();
        self.wake = None;
        self.token = self.service.token;
        self.started = self.now;
        self.engine = Engine::new(self.settings.clone(), self.disk.recover(self.now));
        let in_doubt = self.disk.batches.iter().filter(|(_, batch)| batch.state == State::InDoubt);
        self.doubtful = in_doubt.map(|(id, _)| *id).collect();
        self.schedule_trouble();
        self.tell(Event::TimePassed);
    }

    fn until_finished(&mut self) {
        while self.finished.is_none() {
            self.steps += 1;
            assert!(self.steps < MOST_STEPS, "seed {} goes on forever", self.seed);
            if let Some(at) = self.engine.next_wakeup() {
                let at = self.started + at;
                // What happened last may be nothing to the engine.
                assert!(at >= self.now, "a wake-up in the past");
                // One is enough: each one more would be woken for again and again.
                if self.wake.is_none_or(|wake| at < wake) {
                    self.wake = Some(at);
                    self.later(at - self.now, Later::Wake);
                }
            }
            let Some(Reverse((at, number, what))) = self.queue.pop() else {
                panic!("seed {}: nothing will ever happen again: {:#?}", self.seed, self.engine)
            };
            if number >> 40 != self.epoch {
                continue;
            }
            self.now = at;
            self.happen(what);
        }
    }

    fn happen(&mut self, what: Later) {
        match what {
            Later::Commit => self.committed(),
            Later::Answer(batch) => self.answered(batch),
            Later::Verified(batch, span) => self.verified(batch, span),
            Later::Token => {
                let changed = self.token != self.service.token;
                self.token = self.service.token;
                self.tell(Event::TokenRead { changed });
            }
            Later::Stop => {
                self.stopped = true;
                self.tell(Event::StopAsked);
            }
            Later::Crash => {
                self.now += Duration::from_secs(self.dice.u64(0..60));
                self.start_process();
            }
            Later::Reader => self.tell(Event::ReadWanted),
            Later::ReadAnswer(retry_after) => {
                if let Some(wait) = retry_after.filter(|wait| *wait <= self.settings.max_wait) {
                    self.pause = self.pause.max(self.now + wait);
                }
                self.tell(Event::ReadAnswered { throttled: retry_after.is_some(), retry_after });
            }
            Later::Away(away) => self.service.away = away && self.now < self.calm_after,
            Later::Wake => {
                self.wake = self.wake.filter(|wake| *wake > self.now);
                self.tell(Event::TimePassed);
            }
        }
    }

    #[expect(clippy::print_stderr, reason = "TRACE=1 is asked for by a person who looks for the cause")]
    fn tell(&mut self, event: Event) {
        let jitter = self.dice.f64();
        if self.trace {
            eprintln!("{:?} {event:?}", self.now);
        }
        self.engine.handle(self.now - self.started, jitter, event);
        while let Some(instruction) = self.engine.next_instruction() {
            if self.trace {
                eprintln!("    {instruction:?}");
            }
            self.act(instruction);
        }
        self.begin_commit();
        let most = 4 * self.settings.concurrency as usize;
        assert!(self.disk.sending() <= most, "law 4: too many batches in flight");
    }

    fn act(&mut self, instruction: Instruction) {
        match instruction {
            Instruction::CommitIntent(Intent { batch, span, attempt, wire }) => {
                let unasked = self.settings.in_doubt == InDoubt::Verify && self.doubtful.contains(&batch);
                assert!(!unasked, "sent again without asking");
                let carried = self.engine.load(batch, self.carried(span));
                let org = self.assignments[span.first().0 as usize].org.clone();
                let flight = Flight { span, wire, org, sent: false, carried, token: 0, answer: None };
                self.flights.insert(batch, flight);
                self.written.push(Record::Intent { batch, span, attempt: attempt.0 });
            }
            Instruction::Send { batch } => self.send(batch),
            Instruction::CommitOutcome(Outcome { batch, span, change, learned, .. }) => {
                self.check_change(batch, span, &change);
                if matches!(change, BatchChange::Done { .. } | BatchChange::Failed(_)) {
                    // It was in effect, and need not be sent.
                    self.throttled.remove(&batch);
                }
                if let BatchChange::Split { left, right, .. } = &change {
                    let throttled = self.throttled.remove(&batch);
                    for (part, span) in [left, right].map(|part| (part.batch, part.span)) {
                        // What was sent, or throttled, of a whole was of each part.
                        self.throttled.extend(throttled.clone().map(|(org, _)| (part, (org, span))));
                        if self.sent_before.contains(&batch) {
                            self.sent_before.insert(part);
                        }
                        if let Some(faults) = self.faults.get(&batch).copied() {
                            self.faults.insert(part, faults);
                        }
                        if self.doubtful.contains(&batch) {
                            self.doubtful.insert(part);
                        }
                    }
                }
                self.written.push(Record::Outcome { batch, change, learned });
            }
            Instruction::Read => self.begin_reading(),
            Instruction::Verify { batch, span } => {
                assert!(!self.flights.values().any(|flight| flight.sent), "asked while others are sent");
                let after = Duration::from_millis(self.dice.u64(1..30_000));
                self.later(after, Later::Verified(batch, span));
            }
            Instruction::Pause { until, scope } => {
                let until = self.started + until;
                self.written.push(match scope {
                    Scope::Everyone => Record::Pause { until },
                    Scope::Organization(org) => Record::OrgPause { org, until },
                });
            }
            Instruction::CanaryPassed { .. } => {}
            Instruction::Block { org, reason } => {
                self.throttled.retain(|_, (throttled, _)| *throttled != org);
                self.blocked.push((org, reason));
            }
            Instruction::ReadToken => {
                let after = Duration::from_millis(self.dice.u64(0..50));
                self.later(after, Later::Token);
            }
            Instruction::Finish(ending) => self.finished = Some(ending),
        }
    }

    /// The writer takes whatever has gathered.
    fn begin_commit(&mut self) {
        if self.committing.is_empty() && !self.written.is_empty() {
            self.committing = std::mem::take(&mut self.written);
            let after = Duration::from_micros(self.dice.u64(50..20_000));
            self.later(after, Later::Commit);
        }
    }

    fn committed(&mut self) {
        let group = std::mem::take(&mut self.committing);
        for record in &group {
            self.disk.commit(record);
        }
        self.check_final_states();
        for record in group {
            match record {
                Record::Intent { batch, .. } => self.tell(Event::IntentCommitted(batch)),
                Record::Outcome { batch, .. } => {
                    self.flights.remove(&batch);
                    self.tell(Event::OutcomeCommitted(batch));
                }
                Record::Pause { .. } | Record::OrgPause { .. } => {}
            }
        }
        self.begin_commit();
    }

    fn send(&mut self, batch: BatchId) {
        let on_disk = self.disk.batches.get(&batch).map(|batch| batch.state);
        assert_eq!(on_disk, Some(State::Sending), "law 1: no intent on disk");
        assert!(!self.stopped, "law 5: sent after a stop");
        assert!(self.now >= self.pause, "law 5: sent during a pause");
        assert_ne!(self.refused_token, Some(self.token), "law 5: sent with a refused token");
        assert!(self.foreign < 3, "sent though somebody else answers");
        assert!(!self.hopeless, "sent though something is in the way for good");
        let span = self.flights[&batch].span;
        let org = self.assignments[span.first().0 as usize].org.clone();
        let org_pause = self.org_pauses.get(&org).copied().unwrap_or_default();
        assert!(self.now >= org_pause, "law 5: sent during an organization's pause");
        assert!(!self.blocked.iter().any(|(blocked, _)| *blocked == org), "sent for one that is left alone");
        self.check_pace(org.clone());
        self.check_canary(span);
        self.check_barrier(batch, span);
        self.throttled.remove(&batch);
        if self.sent_before.insert(batch) {
            let same_pace = |other: &Option<OrgId>| self.settings.rate_per == RatePer::Run || *other == org;
            let waiting =
                self.throttled.values().any(|(org, span)| same_pace(org) && self.waits_for_nobody(*span));
            assert!(!waiting, "law 10: sent for the first time before what was throttled");
        }
        let flight = &self.flights[&batch];
        for other in self.flights.values().filter(|other| other.sent) {
            let apart = other.span.last() < flight.span.first() || flight.span.last() < other.span.first();
            assert!(apart, "law 3: a user in two requests");
        }
        let form = flight.wire;
        let sent = Arc::clone(&flight.carried);
        assert!(!sent.is_empty(), "a request that asks for nothing");
        let calm = self.now >= self.calm_after;
        if calm {
            self.service.moods = Moods::default();
            self.service.closed = None;
            self.service.away = false;
        }
        let answer = self.service.answer(&mut self.dice, form, self.token, &sent);
        if matches!(&answer, Answer::Http(http) if matches!(http.status, 200 | 206)) {
            self.accepted_by_service = true;
        }
        let flight = self.flights.get_mut(&batch).unwrap();
        flight.sent = true;
        flight.token = self.token;
        flight.answer = Some(answer);
        // Now and then one takes longer than a stop waits.
        let longest = if self.dice.u32(..200) == 0 { 60_000_000 } else { 2_000_000 };
        let after = Duration::from_micros(self.dice.u64(500..longest));
        self.later(after, Later::Answer(batch));
    }

    /// A reading is a request like any other.
    fn begin_reading(&mut self) {
        assert!(!self.stopped && self.now >= self.pause, "law 5: read during a pause or after a stop");
        self.check_pace(self.disk.orgs[0].1.clone());
        let throttled = self.dice.u32(..10) == 0;
        let retry_after = throttled.then(|| Duration::from_secs(self.dice.u64(..5)));
        self.later(Duration::from_millis(20), Later::ReadAnswer(retry_after));
    }

    fn verified(&mut self, batch: BatchId, span: Span) {
        let calm = self.now >= self.calm_after;
        let finding = if self.token != self.service.token {
            Finding::Unauthorized
        } else if !calm && self.dice.u32(..20) == 0 {
            Finding::Unknown("no answer".into())
        } else {
            self.doubtful.remove(&batch);
            Finding::Known(self.look_up(span))
        };
        let untold = match &finding {
            Finding::Unknown(_) => true,
            Finding::Known(found) => found.iter().any(|found| found.effect == Effect::Unknown),
            Finding::Unauthorized => false,
        };
        if untold {
            self.untold.extend(span.first().0..=span.last().0);
        }
        self.tell(Event::Verified { batch, finding });
    }

    /// What the service says of a batch that is in doubt.
    fn look_up(&self, span: Span) -> Vec<OperationEffect> {
        let found = |assignment: &Assignment, operation: &Operation| OperationEffect {
            assignment: assignment.number,
            key: operation.key,
            rows: operation.rows,
            effect: match self.service.is_so(assignment, operation) {
                _ if self.service.secret == Some(license_of(operation)) => Effect::Unknown,
                true => Effect::InEffect,
                false => Effect::NotInEffect,
            },
        };
        let assignments = &self.assignments[span.first().0 as usize..=span.last().0 as usize];
        let each = |assignment| {
            let assignment: &Assignment = assignment;
            assignment.operations.iter().map(move |operation| found(assignment, operation))
        };
        assignments.iter().flat_map(each).collect()
    }

    fn carried(&self, span: Span) -> Vec<Assignment> {
        self.assignments[span.first().0 as usize..=span.last().0 as usize].to_vec()
    }

    fn answered(&mut self, batch: BatchId) {
        let Some(flight) = self.flights.get_mut(&batch) else { return };
        let Some(answer) = flight.answer.take() else { return };
        let (wire, span, token) = (flight.wire, flight.span, flight.token);
        flight.sent = false;
        if let Answer::Http(http) = &answer {
            if let Some(wait) = http.retry_after.filter(|wait| *wait <= self.settings.max_wait) {
                let org = self.assignments[span.first().0 as usize].org.clone();
                let alone =
                    http.status == 429 && self.disk.orgs.len() > 1 && self.settings.rate_per == RatePer::Org;
                let pause = if alone { self.org_pauses.entry(org).or_default() } else { &mut self.pause };
                *pause = (*pause).max(self.now + wait);
            }
            if http.status == 401 {
                self.refused_token = Some(token);
            }
        }
        let sent = Arc::clone(&flight.carried);
        let verdict = judge(wire, None, &sent, &answer);
        self.acceptance_known |= matches!(verdict, Verdict::Accepted { .. });
        self.note(batch, span, &verdict);

        self.tell(Event::Answered { batch, verdict });
    }

    /// What the laws have to know of an answer.
    fn note(&mut self, batch: BatchId, span: Span, verdict: &Verdict) {
        match verdict {
            Verdict::SendAgain { throttled: true, .. } => {
                let org = self.flights[&batch].org.clone();
                if !self.blocked.iter().any(|(blocked, _)| *blocked == org) {
                    self.throttled.insert(batch, (org, span));
                }
            }
            Verdict::SendAgain { .. } | Verdict::InDoubt(_) | Verdict::Foreign(_) | Verdict::CutOff(_) => {
                self.faults.entry(batch).or_insert((0, self.through)).0 += 1;
            }
            Verdict::Rejected(_) | Verdict::Forbidden(_) if span.len() == 1 => {
                self.refused_alone.insert(span.first().0);
                if matches!(verdict, Verdict::Forbidden(_)) {
                    self.forbidden.insert(span.first().0);
                }
            }
            _ => {}
        }
        match verdict {
            Verdict::Accepted { .. } => self.foreign = 0,
            Verdict::Foreign(_) => self.foreign += 1,
            Verdict::CutOff(cut_off) => self.hopeless |= cut_off.prospect == Prospect::Hopeless,
            _ => {}
        }
        match verdict {
            Verdict::Accepted { .. } | Verdict::Rejected(_) | Verdict::Forbidden(_) => self.through += 1,
            Verdict::SendAgain { done: MayBeDone::InDoubt, .. }
            | Verdict::InDoubt(_)
            | Verdict::Foreign(_) => {
                self.doubtful.insert(batch);
            }
            _ => {}
        }
    }
}

fn license_of(operation: &Operation) -> String {
    match &operation.change {
        Change::License(id, _) => id.as_str().to_owned(),
        Change::Site(_) => panic!("licenses alone"),
    }
}
