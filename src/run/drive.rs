//! The driver: does what the engine decides, and tells it what happened.
//!
//! One loop owns the engine. Requests and committing happen elsewhere and come back as messages;
//! each queue is bounded by the number of batches that the engine lets be under way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::holders::already_so;
use super::observe::{Observer, Progress};
use super::snapshot::{SnapshotError, snapshot};
use super::{RunSettings, patiently, unix_millis};
use crate::domain::{
    Answer, Assignment, AttemptId, AttemptOutcome, BatchChange, BatchId, Line, OperationFailure, RunId,
    RunState, Span, WireForm,
};
use crate::engine::{Action, Ending, Engine, Event, Finding, Scope, Verdict, judge};
use crate::journal::{
    AttemptReport, Commit, Committed, Intent, Journal, JournalError, Loader, Outcome, Record, Writer,
};
use crate::webex::{Client, ReadError, TokenError};

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
    mut stops: UnboundedReceiver<Stop>,
) -> Result<Sent, SendError> {
    let begun = Instant::now();
    let mut settings = settings.clone();
    // Once something has been sent, what is so says nothing of what was so before.
    if std::mem::take(&mut settings.snapshot) && journal.is_untouched(run)? {
        let looked = look_before(&mut journal, run, &client, &settings, observer, &mut stops).await?;
        if let Some(ending) = looked {
            return Ok(Sent { ending, progress: Progress::default(), elapsed: begun.elapsed(), journal });
        }
    }
    let now = unix_millis();
    let standing = journal.recover(run, now)?;
    let tally = journal.run_row(run)?.tally;
    let progress = Progress {
        total: tally.total,
        done: tally.done,
        failed: tally.failed,
        invalid: tally.invalid,
        ..Progress::default()
    };
    let loader = journal.reader()?.loader(run);
    let open: usize = standing.lanes.iter().map(|lane| lane.open.len()).sum();
    tracing::info!(%run, total = tally.total, done = tally.done, open, "sending begins");
    let pause = standing.pause;
    observer.started(run, &progress);
    if !pause.is_zero() {
        observer.throttled(pause);
    }
    let (post, messages) = mpsc::unbounded_channel();
    let commits = post.clone();
    let writer = Writer::start(journal, run, move |committed| {
        // Nobody listens any more only after the loop has ended.
        let _ = commits.send(Message::Committed(committed));
    });
    let renew_at = client.token().renew_at().map(Instant::from_std);
    let mut driver = Driver {
        client,
        max_wait: settings.max_wait(),
        engine: Engine::new(settings.for_engine(tally.total), standing),
        writer,
        loader,
        flights: HashMap::new(),
        settling: HashMap::new(),
        already_so: HashSet::new(),
        to_verify: Vec::new(),
        is_verifying: false,
        renew_at,
        messages,
        post,
        progress,
        observer,
        begun,
        finished: None,
    };
    let ended = driver.drive(stops).await;
    let (progress, journal) = driver.close();
    observer.ended();
    let (ending, mut journal) = (ended?, journal);
    tracing::info!(%run, requests = progress.requests, "sending ends");
    if let Ending::Canary { .. } = ending {
        // Whoever goes on has looked at it.
        journal.set_settings(run, &RunSettings { canary: None, ..settings }.to_json())?;
    }
    journal_end(&mut journal, run, &ending)?;
    Ok(Sent { ending, progress, elapsed: begun.elapsed(), journal })
}

fn journal_end(journal: &mut Journal, run: RunId, ending: &Ending) -> Result<(), JournalError> {
    let (state, reason) = match ending {
        Ending::Finished => (RunState::Finished, None),
        other => (RunState::Paused, Some(other.to_string())),
    };
    tracing::info!(%run, %state, reason, "the run ends or pauses");
    journal.set_state(run, state, reason.as_deref(), unix_millis())
}

/// Keeps what is so before the first request. Where that cannot be asked, or a stop comes first, the
/// run pauses and this is its ending.
async fn look_before(
    journal: &mut Journal,
    run: RunId,
    client: &Client,
    settings: &RunSettings,
    observer: &mut dyn Observer,
    stops: &mut UnboundedReceiver<Stop>,
) -> Result<Option<Ending>, JournalError> {
    observer.notice("asking the service who holds the licenses before the first request");
    let reader = journal.reader()?;
    let looked = tokio::select! {
        looked = snapshot(&reader, run, client, settings.max_wait()) => looked,
        Some(Stop) = stops.recv() => Err(SnapshotError::Stopped),
    };
    let ending = match looked {
        Ok(so) => {
            observer.notice(&format!("{} operations are so already", so.len()));
            journal.set_so_before(run, &so, &settings.to_json())?;
            return Ok(None);
        }
        Err(SnapshotError::Journal(error)) => return Err(error),
        Err(SnapshotError::Stopped) => Ending::Stopped,
        Err(SnapshotError::Read(ReadError::Unauthorized)) => Ending::TokenRejected,
        Err(SnapshotError::Read(error)) => Ending::NoSnapshot(error.to_string()),
    };
    journal_end(journal, run, &ending)?;
    Ok(Some(ending))
}

/// What comes back to the loop.
enum Message {
    Committed(Vec<Commit>),
    Arrived(BatchId, Box<Arrival>),
    Verified(Vec<Doubt>, Result<HashSet<Line>, ReadError>),
    TokenRead(bool, Option<TokenError>),
    TokenRenewed(Result<bool, TokenError>),
}

/// How long after a renewal that failed the next one is tried.
const RENEW_AGAIN: Duration = Duration::from_secs(20);

/// A batch in doubt, and the operations that the service is asked about.
struct Doubt {
    batch: BatchId,
    lines: Vec<Line>,
    rows: u64,
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
    attempt: AttemptId,
    intent: Option<Committed<Intent>>,
    /// What the request will carry, and the rows of what is so already and need not be sent.
    assignments: Option<(Arc<[Assignment]>, u64)>,
    /// What it carried, where it did not carry everything.
    carried: Option<Arc<[Assignment]>>,
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
    max_wait: Duration,
    engine: Engine,
    writer: Writer,
    loader: Loader,
    flights: HashMap<BatchId, Flight>,
    /// Outcomes on their way to the disk.
    settling: HashMap<BatchId, Settled>,
    /// Operations in doubt that were found to be done.
    already_so: HashSet<Line>,
    /// Batches that the service is to be asked about, all at once.
    to_verify: Vec<(BatchId, Span)>,
    is_verifying: bool,
    /// When the token is replaced before it expires.
    renew_at: Option<Instant>,
    messages: UnboundedReceiver<Message>,
    post: UnboundedSender<Message>,
    progress: Progress,
    observer: &'o mut dyn Observer,
    begun: Instant,
    finished: Option<Ending>,
}

impl Driver<'_> {
    async fn drive(&mut self, mut stops: UnboundedReceiver<Stop>) -> Result<Ending, SendError> {
        let mut listening = true;
        self.tell(Event::TimePassed);
        loop {
            self.act()?;
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
                () = sleep_until(self.renew_at) => self.renew_token(),
            }
        }
    }

    fn close(self) -> (Progress, Journal) {
        (self.progress, self.writer.close())
    }

    fn tell(&mut self, event: Event) {
        self.engine.handle(self.begun.elapsed(), fastrand::f64(), event);
    }

    fn act(&mut self) -> Result<(), SendError> {
        while let Some(action) = self.engine.next_action() {
            match action {
                Action::CommitIntent { batch, span, attempt, wire } => {
                    self.prepare(batch, span, attempt, wire)?;
                }
                Action::Send { batch } => self.send(batch),
                Action::CommitOutcome { batch, span, attempt, change, learned, rows } => {
                    self.settle(batch, span, attempt, change, learned, rows);
                }
                Action::Verify { batch, span } => self.to_verify.push((batch, span)),
                Action::Pause { until, scope } => self.pause(until, scope),
                Action::Block { org, reason } => {
                    let org = org.map_or_else(|| "the token's own".to_owned(), |org| org.to_string());
                    self.observer
                        .notice(&format!("organization {org} is left alone, others go on: {reason}"));
                }
                Action::ReadToken => self.read_token(),
                Action::Finish(ending) => self.finished = Some(ending),
            }
        }
        self.writer.submit();
        self.verify()
    }

    fn receive(&mut self, message: Message) -> Result<(), SendError> {
        match message {
            Message::Committed(all) => all.into_iter().try_for_each(|commit| self.committed(commit))?,
            Message::Arrived(batch, arrival) => {
                let (verdict, rows) = (arrival.verdict.clone(), arrival.rows);
                let (status, tracking) = (arrival.http_status, arrival.tracking_id.as_deref());
                tracing::debug!(batch = batch.0, status, tracking, message = arrival.message, "answered");
                if let Some(flight) = self.flights.get_mut(&batch) {
                    flight.arrival = Some(*arrival);
                }
                self.tell(Event::Answered { batch, verdict, rows });
            }
            Message::Verified(doubts, answer) => self.verified(doubts, answer),
            Message::TokenRenewed(renewed) => self.token_renewed(renewed),
            Message::TokenRead(changed, problem) => {
                problem.iter().for_each(|problem| self.observer.notice(&spelled_out(problem)));
                self.renew_at = self.client.token().renew_at().map(Instant::from_std);
                self.tell(Event::TokenRead { changed });
            }
        }
        Ok(())
    }

    fn committed(&mut self, commit: Commit) -> Result<(), SendError> {
        match commit {
            Commit::Failed(error) => return Err(error.into()),
            Commit::Intent(intent) => {
                let batch = intent.get().batch;
                if let Some(flight) = self.flights.get_mut(&batch) {
                    flight.intent = Some(intent);
                    self.tell(Event::IntentCommitted(batch));
                }
            }
            Commit::Outcome(batch) => self.settled(batch),
        }
        Ok(())
    }

    /// Loads what a batch carries, and has its intent committed.
    fn prepare(
        &mut self,
        batch: BatchId,
        span: Span,
        attempt: AttemptId,
        wire: WireForm,
    ) -> Result<(), SendError> {
        let assignments = self.loader.load(span)?;
        let rows = assignments.iter().map(Assignment::rows).sum();
        self.writer.gather(unix_millis(), Record::Intent(Intent { batch, span, rows, attempt, wire }));
        let flight = Flight {
            attempt,
            intent: None,
            assignments: Some(self.still_to_do(assignments)),
            carried: None,
            started_at: 0,
            arrival: None,
        };
        self.flights.insert(batch, flight);
        Ok(())
    }

    fn send(&mut self, batch: BatchId) {
        let Some(flight) = self.flights.get_mut(&batch) else { return };
        let (Some(intent), Some((assignments, so))) = (flight.intent.take(), flight.assignments.take())
        else {
            return;
        };
        if so > 0 {
            flight.carried = Some(Arc::clone(&assignments));
        }
        if assignments.is_empty() {
            // All of it is so already: nothing to send.
            return self.tell(Event::Answered { batch, verdict: Verdict::AlreadySo, rows: so });
        }
        flight.started_at = unix_millis();
        tracing::debug!(batch = batch.0, attempt = flight.attempt.0, assignments = assignments.len(), "sent");
        self.progress.requests += 1;
        let (client, post) = (self.client.clone(), self.post.clone());
        tokio::spawn(async move {
            let arrival = attempt(&client, &intent, &assignments, so).await;
            let _ = post.send(Message::Arrived(batch, Box::new(arrival)));
        });
    }

    /// Takes out what was found to be so already; returns the rest, and the rows of what was taken.
    fn still_to_do(&self, mut assignments: Vec<Assignment>) -> (Arc<[Assignment]>, u64) {
        let mut so = 0;
        if !self.already_so.is_empty() {
            for assignment in &mut assignments {
                let before = assignment.rows();
                assignment.operations.retain(|operation| !self.already_so.contains(&operation.line));
                so += before - assignment.rows();
            }
            assignments.retain(|assignment| !assignment.operations.is_empty());
        }
        (assignments.into(), so)
    }

    /// Asks the service about all that is in doubt, one question at a time: a license's users are
    /// read once for all batches.
    fn verify(&mut self) -> Result<(), SendError> {
        if self.is_verifying || self.to_verify.is_empty() {
            return Ok(());
        }
        self.is_verifying = true;
        let batches = std::mem::take(&mut self.to_verify);
        let (doubts, assignments) = self.load_doubts(&batches)?;
        let (client, post, max_wait) = (self.client.clone(), self.post.clone(), self.max_wait);
        self.observer.notice(&format!("asking the service about {} batches in doubt", batches.len()));
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own, which nobody waits for: reading may take long, and a stop must not.
        std::thread::spawn(move || {
            let answer = runtime.block_on(already_so(&client, &assignments, max_wait));
            let _ = post.send(Message::Verified(doubts, answer));
        });
        Ok(())
    }

    fn load_doubts(
        &mut self,
        batches: &[(BatchId, Span)],
    ) -> Result<(Vec<Doubt>, Vec<Assignment>), JournalError> {
        let (mut doubts, mut all) = (Vec::new(), Vec::new());
        for (batch, span) in batches {
            let assignments = self.loader.load(*span)?;
            let operations = assignments.iter().flat_map(|assignment| &assignment.operations);
            let lines = operations.map(|operation| operation.line).collect();
            let rows = assignments.iter().map(Assignment::rows).sum();
            doubts.push(Doubt { batch: *batch, lines, rows });
            all.extend(assignments);
        }
        Ok((doubts, all))
    }

    fn verified(&mut self, doubts: Vec<Doubt>, answer: Result<HashSet<Line>, ReadError>) {
        self.is_verifying = false;
        let trouble = match answer {
            Ok(so) => {
                self.already_so.extend(so);
                None
            }
            Err(ReadError::Unauthorized) => Some(Finding::Unauthorized),
            Err(error) => Some(Finding::Unknown(error.to_string())),
        };
        for Doubt { batch, lines, rows } in doubts {
            let done = lines.iter().all(|line| self.already_so.contains(line));
            let finding = match &trouble {
                Some(trouble) => trouble.clone(),
                None if done => Finding::Done { rows },
                None => Finding::Open,
            };
            if let Finding::Done { rows } = finding {
                self.settling.insert(batch, Settled { done: rows, failed: 0 });
            }
            self.tell(Event::Verified { batch, finding });
        }
    }

    fn settle(
        &mut self,
        batch: BatchId,
        span: Span,
        attempt: Option<AttemptOutcome>,
        change: BatchChange,
        learned: Option<WireForm>,
        rows: u64,
    ) {
        let now = unix_millis();
        // Where there was nothing to send, there was no attempt.
        let flight = self.flights.get_mut(&batch).filter(|flight| flight.started_at != 0);
        let carried = flight.as_ref().and_then(|flight| flight.carried.clone());
        let report = attempt.zip(flight).map(|(outcome, flight)| flight.report(outcome, now));
        let change = match (change, carried) {
            (BatchChange::Failed(refusal), Some(carried)) => {
                // Only what was sent has failed; the rest is so already.
                let failures = carried.iter().flat_map(|assignment| {
                    assignment.operations.iter().map(|operation| OperationFailure {
                        assignment: assignment.number,
                        line: operation.line,
                        rows: operation.rows,
                        refusal: refusal.clone(),
                    })
                });
                BatchChange::Done { failures: failures.collect() }
            }
            (change, _) => change,
        };
        let failed = change.failed_rows(rows);
        self.settling.insert(batch, Settled { done: rows.saturating_sub(failed), failed });
        let settled = matches!(change, BatchChange::Done { .. } | BatchChange::Failed(_));
        let sent_rows = (settled && self.flights.contains_key(&batch)).then_some(rows);
        let outcome = Outcome { batch, span, report, change, sent_rows, learned };
        self.writer.gather(now, Record::Outcome(Box::new(outcome)));
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

    fn pause(&mut self, until: Duration, scope: Scope) {
        let wait = until.saturating_sub(self.begun.elapsed());
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let now = unix_millis();
        tracing::info!(seconds = wait.as_secs_f64(), ?scope, "the service asks to wait");
        let until = now.saturating_add(millis);
        match scope {
            Scope::Everyone => {
                self.writer.gather(now, Record::PausedUntil(until));
                self.observer.throttled(wait);
            }
            Scope::Organization(org) => self.writer.gather(now, Record::OrgPausedUntil(org, until)),
        }
    }

    fn read_token(&self) {
        let (token, post, max_wait) = (self.client.token().clone(), self.post.clone(), self.max_wait);
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own, which nobody waits for: a stop must not.
        std::thread::spawn(move || {
            let renewed = runtime.block_on(patiently(max_wait, async || token.renew().await));
            let (changed, problem) = match renewed {
                Ok(changed) => (changed, None),
                Err(error) => (false, Some(error)),
            };
            let _ = post.send(Message::TokenRead(changed, problem));
        });
    }

    /// Replaces a token before it expires. Where that fails, the token is good for a while yet.
    fn renew_token(&mut self) {
        self.renew_at = None;
        let (token, post) = (self.client.token().clone(), self.post.clone());
        tokio::spawn(async move {
            let renewed = token.renew().await;
            let _ = post.send(Message::TokenRenewed(renewed));
        });
    }

    fn token_renewed(&mut self, renewed: Result<bool, TokenError>) {
        match renewed {
            Ok(changed) => {
                tracing::info!(changed, "the access token was renewed before its end");
                self.renew_at = self.client.token().renew_at().map(Instant::from_std);
                if changed {
                    self.tell(Event::TokenRead { changed });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the access token could not be renewed before its end");
                self.renew_at = Some(Instant::now() + RENEW_AGAIN);
            }
        }
    }
}

/// The error with its causes.
fn spelled_out(error: &TokenError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

async fn sleep_until(wakeup: Option<Instant>) {
    match wakeup {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Makes one request and reads the Outcomes table for its answer.
/// `so` rows of the batch need not be sent.
async fn attempt(
    client: &Client,
    intent: &Committed<Intent>,
    assignments: &[Assignment],
    so: u64,
) -> Arrival {
    let wire = intent.get().wire;
    crate::step!("request.leaves");
    let answer = client.patch(wire, assignments).await;
    crate::step!("answer.arrived");
    let verdict = judge(wire, client.org(), assignments, &answer);
    let ended_at = unix_millis();
    let rows = so + assignments.iter().map(Assignment::rows).sum::<u64>();
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
        Verdict::AlreadySo | Verdict::Unauthorized => None,
        Verdict::Accepted { words, .. } => words.clone(),
        Verdict::Rejected(rejection) | Verdict::Forbidden(rejection) => Some(rejection.message.clone()),
        Verdict::SendAgain { reason, .. } | Verdict::InDoubt(reason) => Some(reason.clone()),
        Verdict::CutOff(unconnected) => Some(unconnected.reason.clone()),
        Verdict::Foreign(foreign) => Some(foreign.reason.clone()),
    }
}
