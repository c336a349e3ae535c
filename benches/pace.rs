//! How well `--rate auto` finds a service's limit, and what a known `--rate` costs: the engine
//! against services that tell of their limit by 429 alone, in virtual time.
//!
//! `cargo bench --bench pace` prints the tables of `docs/pace.md`; `-- --test` tries one rate.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and fails by panicking"
)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::time::Duration;

use seatbatch::domain::{
    Answer, Body, HttpAnswer, InDoubt, LaneResumePoint, Rate, RatePer, ResumePoint, Sequence, Span, Wire,
    WireForm,
};
use seatbatch::engine::{Engine, Event, Instruction, Settings, judge};

fn main() {
    let quick = std::env::args().any(|arg| arg == "--test");
    let rates: &[f64] = if quick { &[5.0] } else { &[1.0, 2.0, 5.0, 20.0, 50.0, 100.0, 200.0] };
    let latencies: &[u64] = if quick { &[100] } else { &[20, 100, 300] };
    table("A limit that stays", rates, latencies, &[1.0]);
    table("A limit that halves in the middle", rates, latencies, &[1.0, 0.5]);
    table("A limit that doubles in the middle", rates, latencies, &[1.0, 2.0]);
    known(rates, latencies);
}

/// How a service counts.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A bucket that holds what comes in in so many seconds, at least one.
    Bucket(f64),
    /// So many seconds a window, counted anew at each.
    Window(f64),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(seconds) => write!(f, "bucket of {seconds} s"),
            Self::Window(seconds) => write!(f, "window of {seconds} s"),
        }
    }
}

const KINDS: [Kind; 5] =
    [Kind::Bucket(1.0), Kind::Bucket(10.0), Kind::Window(1.0), Kind::Window(10.0), Kind::Window(60.0)];

/// A limit as a service keeps it.
struct Limiter {
    kind: Kind,
    rate: f64,
    tokens: f64,
    at: f64,
    tells: bool,
}

impl Limiter {
    fn new(kind: Kind, rate: f64, tells: bool) -> Self {
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
        }
    }

    /// Lets a request pass, or says how long to wait.
    fn take(&mut self, now: f64) -> Result<(), f64> {
        let wait = match self.kind {
            Kind::Bucket(_) => {
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
struct Found {
    /// Of what the limit lets through, from the 30th second on and without the 30 seconds after a change.
    share: f64,
    refused: f64,
    /// What it took, in seconds.
    took: f64,
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
        max_attempts: 1_000_000,
        wire: Wire::Array,
        rate,
        max_wait: Duration::from_secs(3600),
        give_up_after: Duration::from_secs(36_000),
        in_doubt: InDoubt::Resend,
        canary: None,
        max_failures: None,
        stop_grace: Duration::from_secs(10),
        operations: 0,
        rate_per: RatePer::Run,
        sequence: Sequence::Free,
        assured: false,
    }
}

/// Runs so many requests, or so many seconds, against a limiter. The limit's factors follow each
/// other in equal parts of the time.
fn run(rate: Rate, mut limiter: Limiter, latency: f64, batches: u32, seconds: f64, factors: &[f64]) -> Found {
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
            time - begun >= 30.0
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
    }
}

/// A row a limit, a column a latency: the share of R that got through, and the share of requests that
/// was answered 429.
fn table(title: &str, rates: &[f64], latencies: &[u64], factors: &[f64]) {
    for (tells, how) in
        [(false, "429 without `Retry-After`"), (true, "429 with `Retry-After`, in whole seconds")]
    {
        println!("\n### {title}; {how}\n");
        head(latencies);
        for kind in KINDS {
            for rate in rates {
                let seconds = (600.0f64).max(1000.0 / rate) * factors.len() as f64;
                let cells = latencies.iter().map(|latency| {
                    let limiter = Limiter::new(kind, *rate, tells);
                    let found = run(
                        "auto".parse().unwrap(),
                        limiter,
                        *latency as f64 / 1000.0,
                        4_000_000,
                        seconds,
                        factors,
                    );
                    let short = found.share < 0.95 || found.refused > 0.01;
                    let mark = if short { "*" } else { "" };
                    format!(" {mark}{:.1} %, {:.2} %{mark} |", found.share * 100.0, found.refused * 100.0)
                });
                println!("| {kind} | {rate}/s |{}", cells.collect::<String>());
            }
        }
    }
}

fn head(latencies: &[u64]) {
    let columns: String = latencies.iter().map(|latency| format!(" {latency} ms |")).collect();
    println!("| limit | R |{columns}\n| --- | ---: |{}", " ---: |".repeat(latencies.len()));
}

/// A known rate, at the limit: how much longer than batches divided by the rate, and the share of
/// requests that was answered 429.
fn known(rates: &[f64], latencies: &[u64]) {
    println!("\n### --rate at the limit\n");
    head(latencies);
    for kind in KINDS {
        for rate in rates {
            let batches = (rate * 300.0).max(300.0) as u32;
            let ceiling: Rate = format!("{rate}/s").parse().unwrap();
            let cells = latencies.iter().map(|latency| {
                let limiter = Limiter::new(kind, *rate, true);
                let found = run(ceiling, limiter, *latency as f64 / 1000.0, batches, 1e9, &[1.0]);
                let longer = found.took * rate / f64::from(batches) - 1.0;
                format!(" {:+.2} %, {:.2} % |", longer * 100.0, found.refused * 100.0)
            });
            println!("| {kind} | {rate}/s |{}", cells.collect::<String>());
        }
    }
}
