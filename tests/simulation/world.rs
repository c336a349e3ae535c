//! One seed's world: the engine's driver with an event queue of its own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use seatbatch::domain::{
    Action as Verb, Answer, Assignment, AssignmentNo, BatchId, Ceiling, Change, EmailAddress, LicenseId,
    Line, Operation, Properties, Span, User, Wire, WireForm,
};
use seatbatch::engine::{Action, Ending, Engine, Event, Settings, judge};

use super::disk::{Disk, Record, State};
use super::service::{Moods, Service};

/// What happens later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Later {
    /// A group reaches the disk.
    Commit,
    Answer(BatchId),
    Token,
    Stop,
    Crash,
    Wake,
}

#[derive(Debug)]
struct Flight {
    span: Span,
    wire: WireForm,
    sent: bool,
    token: u32,
    answer: Option<Answer>,
}

pub(crate) struct World {
    seed: u64,
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
    started: Duration,
    engine: Engine,
    written: Vec<Record>,
    committing: Vec<Record>,
    flights: BTreeMap<BatchId, Flight>,
    token: u32,
    refused_token: Option<u32>,
    stopped: bool,
    pause: Duration,
    departures: Vec<Duration>,
    accepted_by_service: bool,
    finished: Option<Ending>,
    settled: HashMap<BatchId, State>,
}

/// More steps than any seed needs: law 8.
const MOST_STEPS: u64 = 400_000;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let users = dice.u32(1..120);
        let assignments: Vec<Assignment> = (0..users).map(|number| assignment(number, &mut dice)).collect();
        let settings = settings(&mut dice, &assignments);
        let service = service(&mut dice, &assignments, settings.wire);
        let calm_after = Duration::from_secs(dice.u64(0..4000));
        let mut disk = Disk::default();
        let engine = Engine::new(settings.clone(), disk.recover(users), Duration::ZERO);
        Self {
            seed,
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
            started: Duration::ZERO,
            engine,
            written: Vec::new(),
            committing: Vec::new(),
            flights: BTreeMap::new(),
            token: 0,
            refused_token: None,
            stopped: false,
            pause: Duration::ZERO,
            departures: Vec::new(),
            accepted_by_service: false,
            finished: None,
            settled: HashMap::new(),
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
                    // The user mends it.
                    self.service.deaf = false;
                    self.settings.wire = Wire::Auto;
                    self.service.poison.clear();
                }
                Ending::Forbidden(_) => panic!("nothing is forbidden here"),
                _ => {}
            }
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
        self.pause = self.disk.paused_until;
        self.token = self.service.token;
        self.started = self.now;
        let users = self.assignments.len() as u32;
        let pause = self.disk.paused_until.saturating_sub(self.now);
        self.engine = Engine::new(self.settings.clone(), self.disk.recover(users), pause);
        self.schedule_trouble();
        self.tell(Event::TimePassed);
    }

    fn until_finished(&mut self) {
        while self.finished.is_none() {
            self.steps += 1;
            assert!(self.steps < MOST_STEPS, "seed {} goes on forever", self.seed);
            if let Some(at) = self.engine.next_wakeup() {
                let at = self.started + at;
                assert!(at > self.now, "a wake-up in the past");
                self.later(at - self.now, Later::Wake);
            }
            let Some(Reverse((at, number, what))) = self.queue.pop() else {
                panic!("seed {}: nothing will ever happen again", self.seed)
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
            Later::Wake => self.tell(Event::TimePassed),
        }
    }

    fn tell(&mut self, event: Event) {
        let jitter = self.dice.f64();
        self.engine.handle(self.now - self.started, jitter, event);
        while let Some(action) = self.engine.next_action() {
            self.act(action);
        }
        self.begin_commit();
        let most = 4 * self.settings.concurrency as usize;
        assert!(self.disk.sending() <= most, "law 4: too many batches in flight");
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::CommitIntent { batch, span, attempt, wire } => {
                self.flights.insert(batch, Flight { span, wire, sent: false, token: 0, answer: None });
                self.written.push(Record::Intent { batch, span, attempt: attempt.0 });
            }
            Action::Send { batch } => self.send(batch),
            Action::CommitOutcome { batch, change, learned, .. } => {
                self.written.push(Record::Outcome { batch, change, learned });
            }
            Action::Pause { until } => {
                self.written.push(Record::Pause { until: self.started + until });
            }
            Action::ReadToken => {
                let after = Duration::from_millis(self.dice.u64(0..50));
                self.later(after, Later::Token);
            }
            Action::Finish(ending) => self.finished = Some(ending),
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
                Record::Pause { .. } => {}
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
        self.check_pace();
        let flight = &self.flights[&batch];
        for other in self.flights.values().filter(|other| other.sent) {
            let apart = other.span.last() < flight.span.first() || flight.span.last() < other.span.first();
            assert!(apart, "law 3: a user in two requests");
        }
        let (form, sent) = (flight.wire, self.carried(flight.span));
        let calm = self.now >= self.calm_after;
        if calm {
            self.service.moods = Moods::default();
        }
        let answer = self.service.answer(&mut self.dice, form, self.token, &sent);
        if matches!(&answer, Answer::Http(http) if matches!(http.status, 200 | 206)) {
            self.accepted_by_service = true;
        }
        let flight = self.flights.get_mut(&batch).unwrap();
        flight.sent = true;
        flight.token = self.token;
        flight.answer = Some(answer);
        let after = Duration::from_micros(self.dice.u64(500..2_000_000));
        self.later(after, Later::Answer(batch));
    }

    /// Never above the rate, over any stretch, but for the slack of a timer.
    fn check_pace(&mut self) {
        self.departures.push(self.now);
        let Some(period) = self.settings.rate.period() else { return };
        let last = self.departures.len() - 1;
        for (index, earlier) in self.departures.iter().enumerate().rev().skip(1).take(40) {
            let least = period * (last - index) as u32;
            let slack = Duration::from_millis(20).max(period / 10) + period / 10;
            assert!(self.now - *earlier + slack >= least, "law 5: above the pace");
        }
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
                self.pause = self.pause.max(self.now + wait);
            }
            if http.status == 401 {
                self.refused_token = Some(token);
            }
        }
        let sent = self.carried(span);
        let rows = sent.iter().map(Assignment::rows).sum();
        let verdict = judge(wire, &sent, &answer);
        self.tell(Event::Answered { batch, verdict, rows });
    }

    /// Law 7: what is done stays done.
    fn check_final_states(&mut self) {
        for (id, batch) in &self.disk.batches {
            let before = self.settled.insert(*id, batch.state);
            if matches!(before, Some(State::Done | State::Failed | State::Split)) {
                assert_eq!(before, Some(batch.state), "law 7: a batch changes after its outcome");
            }
        }
    }

    /// Law 6: the organization is as the file asks, or the journal says why not.
    fn check_end(&self) {
        let leaves = self.disk.leaves();
        assert_eq!(
            leaves.last().map(|(_, batch)| batch.span.last().0 + 1),
            Some(self.assignments.len() as u32)
        );
        for (id, batch) in leaves {
            for assignment in self.carried(batch.span) {
                let exhausted = batch.intents >= self.settings.max_attempts;
                match batch.state {
                    State::Done => self.check_done(&assignment),
                    State::Failed => self.check_failed(&assignment, &self.disk.failed[&id], exhausted),
                    // The service would not say what it did, as often as it was asked.
                    State::InDoubt => assert!(exhausted, "given up after {} attempts", batch.intents),
                    other => panic!("a finished run with a batch that is {other:?}"),
                }
            }
        }
    }

    fn check_done(&self, assignment: &Assignment) {
        let user = assignment.user.email().unwrap().as_str();
        let held = self.service.held.get(user).cloned().unwrap_or_default();
        let wanted: BTreeSet<String> = wanted(assignment);
        for operation in &assignment.operations {
            let Change::License(id, _) = &operation.change else { panic!() };
            let failed = self.disk.exceptions.contains_key(&operation.line.get());
            let took = held.contains(id.as_str()) == wanted.contains(id.as_str());
            assert!(failed || took, "seed {}: line {} is done and did not take", self.seed, operation.line);
            let expected = self.service.refused.contains_key(user);
            assert!(!failed || expected, "line {} failed for no reason", operation.line);
        }
    }

    fn check_failed(&self, assignment: &Assignment, code: &str, exhausted: bool) {
        let user = assignment.user.email().unwrap().as_str();
        if code == "RETRIES_EXHAUSTED" {
            assert!(exhausted, "{user} was given up early");
            return;
        }
        let poisoned = self.service.poison.contains_key(user);
        let misunderstood = self.service.deaf || wire_mismatch(self.settings.wire, self.service.form);
        assert!(poisoned || misunderstood, "{user} failed with {code} for no reason");
    }
}

fn wire_mismatch(wire: Wire, form: WireForm) -> bool {
    matches!((wire, form), (Wire::Array, WireForm::Object) | (Wire::Object, WireForm::Array))
}

fn wanted(assignment: &Assignment) -> BTreeSet<String> {
    let adds = assignment.operations.iter().filter(|operation| operation.action == Verb::Add);
    adds.map(|operation| match &operation.change {
        Change::License(id, _) => id.as_str().to_owned(),
        Change::Site(_) => panic!("licenses alone"),
    })
    .collect()
}

fn assignment(number: u32, dice: &mut fastrand::Rng) -> Assignment {
    let operations = (0..dice.u32(1..4)).map(|index| Operation {
        line: Line::new(number * 4 + index + 2),
        action: if dice.bool() { Verb::Add } else { Verb::Remove },
        change: Change::License(LicenseId::parse(&format!("L{index}")).unwrap(), Properties::default()),
        rows: 1,
    });
    Assignment {
        number: AssignmentNo(number),
        user: User::Email(EmailAddress::parse(&format!("user{number}@example.com")).unwrap()),
        org: None,
        operations: operations.collect(),
    }
}

fn settings(dice: &mut fastrand::Rng, assignments: &[Assignment]) -> Settings {
    let rates = ["unlimited", "300/min", "5/s", "50/s", "1000/h", "200/s"];
    let rate: Ceiling = rates[dice.usize(..rates.len())].parse().unwrap();
    Settings {
        batch_size: dice.u32(1..30),
        concurrency: dice.u32(1..10),
        max_attempts: dice.u32(2..9),
        wire: [Wire::Auto, Wire::Auto, Wire::Array, Wire::Object][dice.usize(..4)],
        rate,
        max_wait: Duration::from_secs(dice.u64(5..4000)),
        max_failures: (dice.u32(..6) == 0).then(|| "10".parse().unwrap()),
        stop_grace: Duration::from_secs(10),
        operations: assignments.iter().map(Assignment::rows).sum(),
    }
}

fn service(dice: &mut fastrand::Rng, assignments: &[Assignment], wire: Wire) -> Service {
    let form = match wire {
        Wire::Object => WireForm::Object,
        Wire::Array => WireForm::Array,
        Wire::Auto => [WireForm::Array, WireForm::Object][dice.usize(..2)],
    };
    let mut mood = || if dice.bool() { 0 } else { dice.u32(..250) };
    let moods = Moods {
        drop_before: mood(),
        drop_after: mood(),
        status: mood(),
        throttle: mood(),
        garbage: mood(),
        odd: mood(),
        reject: mood(),
    };
    let user = |assignment: &Assignment| assignment.user.email().unwrap().as_str().to_owned();
    let some = |dice: &mut fastrand::Rng| -> Vec<String> {
        let share = if dice.u32(..4) == 0 { 500 } else { 50 };
        assignments.iter().filter(|_| dice.u32(..1000) < share).map(user).collect()
    };
    // In the object form a refusal is silent and found by comparison, which a removal may not show.
    let refused = if form == WireForm::Array { some(dice) } else { Vec::new() };
    let poison = some(dice).into_iter().map(|user| (user, if dice.bool() { Some("400000") } else { None }));
    let poison: HashMap<_, _> = poison.collect();
    Service {
        form,
        moods,
        refused: refused.into_iter().map(|user| (user, "400411")).collect(),
        poison,
        held: HashMap::new(),
        token: 0,
        deaf: dice.u32(..20) == 0,
    }
}
