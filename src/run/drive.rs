//! The driver: does what the engine decides, and tells it what happened.
//!
//! One loop owns the engine. Requests, loading and committing happen elsewhere and come back as
//! messages; each queue is bounded by the number of batches that the engine lets be under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::observe::{Observer, Progress};
use super::{RunSettings, unix_millis};
use crate::domain::{
    Answer, Assignment, AttemptId, AttemptOutcome, BatchChange, BatchId, RunId, RunState, Span, WireForm,
};
use crate::engine::{Action, Ending, Engine, Event, Verdict, judge};
use crate::journal::{
    AttemptReport, Commit, Committed, Intent, Journal, JournalError, Loader, Outcome, Record, Writer,
};
use crate::webex::Client;

/// Asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// Why sending broke off. What was in flight is in doubt at the next start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SendError(#[from] JournalError);

/// How sending ended.
#[derive(Debug)]
pub struct Sent {
    /// Why.
    pub ending: Ending,
    /// What was done.
    pub progress: Progress,
    /// How long it took.
    pub elapsed: Duration,
    /// The journal, given back.
    pub journal: Journal,
}

/// Sends a run that is in the journal until it is finished or pauses, and journals which.
///
/// # Errors
/// [`SendError`] where the journal fails; nothing is sent after that.
pub async fn send(
    mut journal: Journal,
    run: RunId,
    client: Client,
    settings: &RunSettings,
    observer: &mut dyn Observer,
    stops: UnboundedReceiver<Stop>,
) -> Result<Sent, SendError> {
    let begun = Instant::now();
    let now = unix_millis();
    let (standing, paused_until) = journal.recover(run, now)?;
    let tally = journal.run_row(run)?.tally;
    let progress = Progress {
        total: tally.total,
        done: tally.done,
        failed: tally.failed,
        invalid: tally.invalid,
        ..Progress::default()
    };
    let loader = journal.reader()?.loader(run);
    tracing::info!(%run, total = tally.total, done = tally.done, open = standing.open.len(), "sending begins");
    let pause = left_of(paused_until, now);
    let engine = Engine::new(settings.for_engine(tally.total), standing, pause);
    observer.started(run, &progress);
    if !pause.is_zero() {
        observer.throttled(pause);
    }
    let mut driver = Driver::start(journal, run, client, engine, loader, progress, observer, begun);
    let ended = driver.drive(stops).await;
    let (progress, journal) = driver.close();
    observer.ended();
    let (ending, mut journal) = (ended?, journal);
    let (state, reason) = match &ending {
        Ending::Finished => (RunState::Finished, None),
        other => (RunState::Paused, Some(other.to_string())),
    };
    tracing::info!(%run, %state, requests = progress.requests, reason, "sending ends");
    journal.set_state(run, state, reason.as_deref(), unix_millis())?;
    Ok(Sent { ending, progress, elapsed: begun.elapsed(), journal })
}

/// How much of a wait until this time is left.
fn left_of(paused_until: Option<i64>, now: i64) -> Duration {
    let left = paused_until.map_or(0, |until| until.saturating_sub(now));
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

/// What comes back to the loop.
enum Message {
    Loaded(BatchId, Result<Vec<Assignment>, JournalError>),
    Committed(Commit),
    Arrived(BatchId, Box<Arrival>),
    TokenRead(bool, Option<String>),
}

/// An attempt's end.
struct Arrival {
    verdict: Verdict,
    rows: u64,
    ended_at: i64,
    http_status: Option<u16>,
    retry_after_s: Option<u64>,
    tracking_id: Option<String>,
    message: Option<String>,
}

/// A batch between intent and outcome.
struct Flight {
    span: Span,
    attempt: AttemptId,
    intent: Option<Committed<Intent>>,
    assignments: Option<Vec<Assignment>>,
    started_at: i64,
    arrival: Option<Arrival>,
}

impl Flight {
    /// Whether its request is on its way.
    const fn is_awaited(&self) -> bool {
        self.started_at != 0 && self.arrival.is_none()
    }

    /// The attempt for the journal. After a stop there may be no arrival yet.
    fn report(&mut self, outcome: AttemptOutcome, now: i64) -> AttemptReport {
        let arrival = self.arrival.take();
        let arrival = arrival.as_ref();
        AttemptReport {
            attempt: self.attempt,
            started_at: self.started_at,
            ended_at: arrival.map_or(now, |arrival| arrival.ended_at),
            assignments: self.span.len(),
            http_status: arrival.and_then(|arrival| arrival.http_status),
            retry_after_s: arrival.and_then(|arrival| arrival.retry_after_s),
            tracking_id: arrival.and_then(|arrival| arrival.tracking_id.clone()),
            outcome,
            message: arrival.and_then(|arrival| arrival.message.clone()),
        }
    }
}

/// What an outcome adds to the counts once it is on disk.
struct Settled {
    done: u64,
    failed: u64,
}

struct Driver<'o> {
    client: Client,
    engine: Engine,
    writer: Writer,
    loader: Arc<Mutex<Loader>>,
    flights: HashMap<BatchId, Flight>,
    /// Outcomes on their way to the disk.
    settling: HashMap<BatchId, Settled>,
    messages: UnboundedReceiver<Message>,
    post: UnboundedSender<Message>,
    progress: Progress,
    observer: &'o mut dyn Observer,
    begun: Instant,
    finished: Option<Ending>,
}

impl<'o> Driver<'o> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one struct, put together in one place")]
    fn start(
        journal: Journal,
        run: RunId,
        client: Client,
        engine: Engine,
        loader: Loader,
        progress: Progress,
        observer: &'o mut dyn Observer,
        begun: Instant,
    ) -> Self {
        let (post, messages) = mpsc::unbounded_channel();
        let commits = post.clone();
        let writer = Writer::start(journal, run, move |commit| {
            // Nobody listens any more only after the loop has ended.
            let _ = commits.send(Message::Committed(commit));
        });
        Self {
            client,
            engine,
            writer,
            loader: Arc::new(Mutex::new(loader)),
            flights: HashMap::new(),
            settling: HashMap::new(),
            messages,
            post,
            progress,
            observer,
            begun,
            finished: None,
        }
    }

    async fn drive(&mut self, mut stops: UnboundedReceiver<Stop>) -> Result<Ending, SendError> {
        let mut listening = true;
        self.tell(Event::TimePassed);
        loop {
            self.act();
            if let Some(ending) = self.finished.take() {
                return Ok(ending);
            }
            let wakeup = self.engine.next_wakeup().map(|at| self.begun + at);
            tokio::select! {
                biased;
                stop = stops.recv(), if listening => match stop {
                    Some(Stop) => {
                        let awaited = self.flights.values().filter(|flight| flight.is_awaited()).count();
                        self.observer.stopping(awaited);
                        self.tell(Event::StopAsked);
                    }
                    None => listening = false,
                },
                Some(message) = self.messages.recv() => {
                    self.receive(message)?;
                    while let Ok(message) = self.messages.try_recv() {
                        self.receive(message)?;
                    }
                }
                () = sleep_until(wakeup) => self.tell(Event::TimePassed),
            }
        }
    }

    fn close(self) -> (Progress, Journal) {
        (self.progress, self.writer.close())
    }

    fn tell(&mut self, event: Event) {
        self.engine.handle(self.begun.elapsed(), fastrand::f64(), event);
    }

    fn act(&mut self) {
        while let Some(action) = self.engine.next_action() {
            match action {
                Action::CommitIntent { batch, span, attempt, wire } => {
                    self.prepare(Intent { batch, span, attempt, wire });
                }
                Action::Send { batch } => self.send(batch),
                Action::CommitOutcome { batch, attempt, change, learned, rows } => {
                    self.settle(batch, attempt, change, learned, rows);
                }
                Action::Pause { until } => self.pause(until),
                Action::ReadToken => self.read_token(),
                Action::Finish(ending) => self.finished = Some(ending),
            }
        }
    }

    fn receive(&mut self, message: Message) -> Result<(), SendError> {
        match message {
            Message::Committed(Commit::Failed(error)) => return Err(error.into()),
            Message::Committed(Commit::Intent(intent)) => {
                let batch = intent.get().batch;
                if let Some(flight) = self.flights.get_mut(&batch) {
                    flight.intent = Some(intent);
                }
                self.ready(batch);
            }
            Message::Committed(Commit::Outcome(batch)) => self.settled(batch),
            Message::Loaded(batch, assignments) => {
                if let Some(flight) = self.flights.get_mut(&batch) {
                    flight.assignments = Some(assignments?);
                }
                self.ready(batch);
            }
            Message::Arrived(batch, arrival) => {
                let (verdict, rows) = (arrival.verdict.clone(), arrival.rows);
                let (status, tracking) = (arrival.http_status, arrival.tracking_id.as_deref());
                tracing::debug!(batch = batch.0, status, tracking, message = arrival.message, "answered");
                if let Some(flight) = self.flights.get_mut(&batch) {
                    flight.arrival = Some(*arrival);
                }
                self.tell(Event::Answered { batch, verdict, rows });
            }
            Message::TokenRead(changed, problem) => {
                problem.iter().for_each(|problem| self.observer.notice(problem));
                self.tell(Event::TokenRead { changed });
            }
        }
        Ok(())
    }

    /// Commits an intent and loads what it will carry, both at once.
    fn prepare(&mut self, intent: Intent) {
        let Intent { batch, span, attempt, .. } = intent;
        let flight = Flight { span, attempt, intent: None, assignments: None, started_at: 0, arrival: None };
        self.flights.insert(batch, flight);
        self.writer.submit(unix_millis(), Record::Intent(intent));
        let (loader, post) = (Arc::clone(&self.loader), self.post.clone());
        tokio::task::spawn_blocking(move || {
            let loaded = loader.lock().unwrap_or_else(PoisonError::into_inner).load(span);
            let _ = post.send(Message::Loaded(batch, loaded));
        });
    }

    fn ready(&mut self, batch: BatchId) {
        let ready = |flight: &Flight| flight.intent.is_some() && flight.assignments.is_some();
        if self.flights.get(&batch).is_some_and(ready) {
            self.tell(Event::IntentCommitted(batch));
        }
    }

    fn send(&mut self, batch: BatchId) {
        let Some(flight) = self.flights.get_mut(&batch) else { return };
        let (Some(intent), Some(assignments)) = (flight.intent.take(), flight.assignments.take()) else {
            return;
        };
        flight.started_at = unix_millis();
        tracing::debug!(batch = batch.0, attempt = flight.attempt.0, assignments = assignments.len(), "sent");
        self.progress.requests += 1;
        let (client, post) = (self.client.clone(), self.post.clone());
        tokio::spawn(async move {
            let arrival = attempt(&client, &intent, &assignments).await;
            let _ = post.send(Message::Arrived(batch, Box::new(arrival)));
        });
    }

    fn settle(
        &mut self,
        batch: BatchId,
        attempt: Option<AttemptOutcome>,
        change: BatchChange,
        learned: Option<WireForm>,
        rows: u64,
    ) {
        let now = unix_millis();
        let report =
            attempt.zip(self.flights.get_mut(&batch)).map(|(outcome, flight)| flight.report(outcome, now));
        let failed = match &change {
            BatchChange::Done { failures } => failures.iter().map(|failure| u64::from(failure.rows)).sum(),
            BatchChange::Failed(_) => rows,
            _ => 0,
        };
        self.settling.insert(batch, Settled { done: rows.saturating_sub(failed), failed });
        self.writer.submit(now, Record::Outcome(Box::new(Outcome { batch, report, change, learned })));
    }

    fn settled(&mut self, batch: BatchId) {
        self.flights.remove(&batch);
        if let Some(Settled { done, failed }) = self.settling.remove(&batch) {
            self.progress.done += done;
            self.progress.failed += failed;
            self.observer.progress(&self.progress);
        }
        self.tell(Event::OutcomeCommitted(batch));
    }

    fn pause(&mut self, until: Duration) {
        let wait = until.saturating_sub(self.begun.elapsed());
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let now = unix_millis();
        tracing::info!(seconds = wait.as_secs_f64(), "the service asks everyone to wait");
        self.writer.submit(now, Record::PausedUntil(now.saturating_add(millis)));
        self.observer.throttled(wait);
    }

    fn read_token(&self) {
        let (token, post) = (self.client.token().clone(), self.post.clone());
        tokio::task::spawn_blocking(move || {
            let (changed, problem) = match token.read_again() {
                Ok(changed) => (changed, None),
                Err(error) => (false, Some(error.to_string())),
            };
            let _ = post.send(Message::TokenRead(changed, problem));
        });
    }
}

async fn sleep_until(wakeup: Option<Instant>) {
    match wakeup {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Makes one request and reads the Outcomes table for its answer.
async fn attempt(client: &Client, intent: &Committed<Intent>, assignments: &[Assignment]) -> Arrival {
    let wire = intent.get().wire;
    let answer = client.patch(wire, assignments).await;
    let verdict = judge(wire, assignments, &answer);
    let ended_at = unix_millis();
    let rows = assignments.iter().map(Assignment::rows).sum();
    let message = described(&verdict);
    let arrival = Arrival {
        verdict,
        rows,
        ended_at,
        http_status: None,
        retry_after_s: None,
        tracking_id: None,
        message,
    };
    match answer {
        Answer::Http(http) => Arrival {
            http_status: Some(http.status),
            retry_after_s: http.retry_after.map(|wait| wait.as_secs()),
            tracking_id: http.tracking_id,
            ..arrival
        },
        Answer::NotSent(_) | Answer::Lost(_) => arrival,
    }
}

/// What was said, where it was not plain success.
fn described(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Accepted { .. } | Verdict::Unauthorized => None,
        Verdict::Rejected(rejection) => Some(rejection.message.clone()),
        Verdict::SendAgain { reason, .. } | Verdict::InDoubt(reason) => Some(reason.clone()),
        Verdict::Forbidden(words) => words.clone(),
    }
}
