//! The engine against a service that tells of its limit by 429 alone, in virtual time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::time::Duration;

use seatbatch::domain::{
    Answer, BatchChange, Body, HttpAnswer, InDoubt, LaneResumePoint, Rate, RatePer, ResumePoint, Sequence,
    Span, Wire, WireForm,
};
use seatbatch::engine::{Engine, Event, Instruction, Settings, judge};

/// How a service counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A bucket that holds what comes in in so many seconds, at least one.
    Bucket(f64),
    /// A bucket that holds so many, however fast it fills.
    Burst(f64),
    /// So many seconds a window, counted anew at each.
    Window(f64),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(seconds) => write!(f, "bucket of {seconds} s"),
            Self::Burst(burst) => write!(f, "burst of {burst}"),
            Self::Window(seconds) => write!(f, "window of {seconds} s"),
        }
    }
}

/// A limit as a service keeps it.
pub(crate) struct Limiter {
    kind: Kind,
    rate: f64,
    tokens: f64,
    at: f64,
    tells: bool,
}

impl Limiter {
    pub(crate) fn new(kind: Kind, rate: f64, tells: bool) -> Self {
        let mut limiter = Self { kind, rate, tokens: 0.0, at: 0.0, tells };
        if let Kind::Window(seconds) = kind {
            // The first request comes in the middle of a window.
            limiter.at -= 0.63 * seconds.max(1.0 / rate);
        }
        limiter.tokens = limiter.size();
        limiter
    }

    fn size(&self) -> f64 {
        match self.kind {
            Kind::Bucket(seconds) | Kind::Window(seconds) => (self.rate * seconds).floor().max(1.0),
            Kind::Burst(burst) => burst,
        }
    }

    /// Lets a request pass, or says how long to wait.
    fn take(&mut self, now: f64) -> Result<(), f64> {
        let wait = match self.kind {
            Kind::Bucket(_) | Kind::Burst(_) => {
                self.tokens = ((now - self.at) * self.rate + self.tokens).min(self.size());
                self.at = now;
                (1.0 - self.tokens) / self.rate
            }
            Kind::Window(seconds) => {
                let seconds = seconds.max(1.0 / self.rate);
                if now >= self.at + seconds {
                    self.at += ((now - self.at) / seconds).floor() * seconds;
                    self.tokens = self.size();
                }
                self.at + seconds - now
            }
        };
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(wait)
    }
}

/// What a run came to.
pub(crate) struct Found {
    /// Of what the limit lets through, where it is measured.
    pub(crate) share: f64,
    /// Of the requests.
    pub(crate) refused: f64,
    /// What it took, in seconds.
    pub(crate) took: f64,
    /// Operations that failed.
    pub(crate) failed: u64,
}

/// How a run goes.
pub(crate) struct Trial<'a> {
    pub(crate) rate: Rate,
    /// There and back, in seconds.
    pub(crate) latency: f64,
    pub(crate) batches: u32,
    pub(crate) seconds: f64,
    /// The limit's factors follow each other in equal parts of the time.
    pub(crate) factors: &'a [f64],
    /// So many seconds of each part are not measured.
    pub(crate) unmeasured: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct At(f64);

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Later {
    Arrives(u32),
    Answers(u32, bool, Option<u64>),
    Wakes,
}

fn settings(rate: Rate, concurrency: u32) -> Settings {
    Settings {
        batch_size: 1,
        concurrency,
        max_attempts: 8,
        wire: Wire::Array,
        rate,
        max_wait: Duration::from_secs(3600),
        give_up_after: Duration::from_secs(600),
        in_doubt: InDoubt::Resend,
        canary: None,
        max_failures: None,
        stop_grace: Duration::from_secs(10),
        operations: 0,
        rate_per: RatePer::Run,
        sequence: Sequence::Free,
        assured: false,
        last_try: false,
        insisted: false,
    }
}

/// Runs so many requests, or so many seconds, against a limiter.
pub(crate) fn run(trial: &Trial<'_>, mut limiter: Limiter) -> Found {
    let Trial { rate, latency, batches, seconds, factors, unmeasured } = *trial;
    let base = limiter.rate;
    let concurrency = (base * 2.0 * (latency + 0.05) * 1.5).ceil().max(8.0) as u32;
    let span = Span::new(0, batches - 1).unwrap();
    let lane = LaneResumePoint { covers: vec![span], unsent: vec![span], ..LaneResumePoint::default() };
    let standing = ResumePoint {
        lanes: vec![lane],
        next_batch: 1,
        next_attempt: 1,
        accepted: true,
        wire: Some(WireForm::Array),
        ..ResumePoint::default()
    };
    let mut engine = Engine::new(settings(rate, concurrency), standing);
    let mut dice = fastrand::Rng::with_seed(7);
    let mut queue: BinaryHeap<Reverse<(At, u64, Later)>> = BinaryHeap::new();
    let (mut now, mut count, mut part) = (0.0f64, 0u64, 0usize);
    let (mut sent, mut refused, mut passed, mut allowed) = (0u32, 0u32, 0u32, 0.0f64);
    let mut failed = 0;
    let part_length = seconds / factors.len() as f64;
    let mut waiting: VecDeque<Event> = VecDeque::from([Event::TimePassed]);
    let mut finished = false;
    while !finished && now < seconds {
        while let Some(event) = waiting.pop_front() {
            engine.handle(Duration::from_secs_f64(now), dice.f64(), event);
            while let Some(instruction) = engine.next_instruction() {
                match instruction {
                    Instruction::CommitIntent(intent) => {
                        waiting.push_back(Event::IntentCommitted(intent.batch))
                    }
                    Instruction::CommitOutcome(outcome) => {
                        failed += u64::from(matches!(outcome.change, BatchChange::Failed(_)));
                        waiting.push_back(Event::OutcomeCommitted(outcome.batch))
                    }
                    Instruction::Send { batch } => {
                        sent += 1;
                        count += 1;
                        // Timers are late, and the way there varies.
                        let way = dice.f64() * 0.0012 + latency * (0.49 + 0.02 * dice.f64());
                        queue.push(Reverse((At(now + way), count, Later::Arrives(batch.0))));
                    }
                    Instruction::Finish(_) => finished = true,
                    _ => {}
                }
            }
        }
        if finished {
            break;
        }
        let wakeup = engine.next_wakeup().map(|at| at.as_secs_f64() + dice.f64() * 0.0012);
        let next = queue.peek().map(|Reverse((At(at), ..))| *at);
        let (at, what) = match (wakeup, next) {
            (Some(wakeup), next) if next.is_none_or(|next| wakeup < next) => (wakeup, Later::Wakes),
            (_, Some(_)) => {
                let Reverse((At(at), _, what)) = queue.pop().unwrap();
                (at, what)
            }
            _ => panic!("nothing will ever happen again"),
        };
        // What the limit lets through is counted where it is measured.
        let measured = |time: f64| {
            let begun = part_length * (time / part_length).floor();
            time - begun >= unmeasured
        };
        if measured(at) && measured(now) {
            allowed += (at - now).max(0.0) * limiter.rate;
        }
        now = at.max(now);
        let current = ((now / part_length) as usize).min(factors.len() - 1);
        if current != part {
            part = current;
            limiter.rate = base * factors[part];
        }
        match what {
            Later::Wakes => waiting.push_back(Event::TimePassed),
            Later::Arrives(batch) => {
                let taken = limiter.take(now);
                match taken {
                    Ok(()) => passed += u32::from(measured(now)),
                    Err(_) => refused += 1,
                }
                count += 1;
                let tells = limiter.tells;
                let wait = taken.err().filter(|_| tells).map(|wait| wait.ceil().max(1.0) as u64);
                queue.push(Reverse((
                    At(now + latency * 0.5),
                    count,
                    Later::Answers(batch, taken.is_ok(), wait),
                )));
            }
            Later::Answers(batch, good, wait) => {
                let retry_after = wait.map(Duration::from_secs);
                let status = if good { 200 } else { 429 };
                let answer = Answer::Http(HttpAnswer { retry_after, ..HttpAnswer::new(status, Body::Empty) });
                let verdict = judge(WireForm::Array, None, &[], &answer);
                let batch = seatbatch::domain::BatchId(batch);
                waiting.push_back(Event::Answered { batch, verdict });
            }
        }
    }
    Found {
        share: f64::from(passed) / allowed.max(1.0),
        refused: f64::from(refused) / f64::from(sent.max(1)),
        took: now,
        failed,
    }
}
