//! The driver: does what the engine decides, and tells it what happened.
//!
//! One loop owns the engine. Requests and committing happen elsewhere and come back as messages;
//! each queue is bounded by the number of batches that the engine lets be under way.

mod doubts;
mod flights;
mod open;
mod token;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::doubts::DoubtfulBatch;
use self::flights::{Arrival, Flight, Settled};
pub use self::open::send;
use super::holders::Effects;
use super::observe::{Observer, Progress};
use super::unix_millis;
use crate::domain::{BatchId, Span};
use crate::engine::{Ending, Engine, Event, Instruction, Scope};
use crate::journal::{Commit, Journal, JournalError, Loader, LogEntry, Writer};
use crate::live::{ReadingEvent, Readings, Unread};
use crate::webex::{Client, TokenError};

/// Asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// Why sending broke off. What was in flight is in doubt at the next start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SendError(#[from] JournalError);

impl From<SendError> for JournalError {
    fn from(error: SendError) -> Self {
        error.0
    }
}

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

/// What comes back to the loop.
enum Message {
    Committed(Vec<Commit>),
    Arrived(BatchId, Box<Arrival>),
    Verified(Vec<DoubtfulBatch>, Result<Effects, Unread>),
    Reading(ReadingEvent),
    TokenRead(bool, Option<TokenError>),
    TokenRenewed(Result<bool, TokenError>),
}

struct Driver<'o> {
    client: Client,
    readings: Readings,
    max_wait: Duration,
    engine: Engine,
    writer: Writer,
    loader: Loader,
    flights: HashMap<BatchId, Flight>,
    /// Outcomes on their way to the disk.
    settling: HashMap<BatchId, Settled>,
    /// Batches that the service is to be asked about, all at once.
    to_verify: VecDeque<(BatchId, Span)>,
    is_verifying: bool,
    /// Readers who wait for leave.
    readers: VecDeque<oneshot::Sender<()>>,
    /// When the token is replaced before it expires.
    renew_at: Option<Instant>,
    messages: UnboundedReceiver<Message>,
    post: UnboundedSender<Message>,
    progress: Progress,
    observer: &'o mut dyn Observer,
    begun: Instant,
    finished: Option<Ending>,
}

impl<'o> Driver<'o> {
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

    fn close(self) -> (Progress, Journal, &'o mut dyn Observer) {
        (self.progress, self.writer.close(), self.observer)
    }

    fn tell(&mut self, event: Event) {
        self.engine.handle(self.begun.elapsed(), fastrand::f64(), event);
    }

    fn act(&mut self) -> Result<(), SendError> {
        while let Some(instruction) = self.engine.next_instruction() {
            match instruction {
                Instruction::CommitIntent(intent) => self.prepare(intent)?,
                Instruction::Send { batch } => self.send(batch),
                Instruction::CommitOutcome(outcome) => self.settle(outcome),
                Instruction::Read => self.let_read(),
                Instruction::Verify { batch, span } => self.to_verify.push_back((batch, span)),
                Instruction::Pause { until, scope } => self.pause(until, scope),
                Instruction::Block { org, reason } => {
                    let org = org.map_or_else(|| "the token's own".to_owned(), |org| org.to_string());
                    self.observer
                        .notice(&format!("organization {org} is left alone, others go on: {reason}"));
                }
                Instruction::CanaryPassed { users } => self.observer.notice(&canary_passed(users)),
                Instruction::ReadToken => self.read_token(),
                Instruction::Finish(ending) => self.finished = Some(ending),
            }
        }
        self.writer.submit();
        Ok(self.verify()?)
    }

    fn receive(&mut self, message: Message) -> Result<(), SendError> {
        match message {
            Message::Committed(all) => all.into_iter().try_for_each(|commit| self.committed(commit))?,
            Message::Arrived(batch, arrival) => self.arrived(batch, *arrival),
            Message::Reading(ReadingEvent::Wanted(leave)) => {
                self.readers.push_back(leave);
                self.tell(Event::ReadWanted);
            }
            Message::Reading(ReadingEvent::Answered { throttled, retry_after }) => {
                self.tell(Event::ReadAnswered { throttled, retry_after });
            }
            Message::Verified(doubts, answer) => self.verified(&doubts, answer),
            Message::TokenRenewed(renewed) => self.token_renewed(renewed),
            Message::TokenRead(changed, problem) => self.token_read(changed, problem.as_ref()),
        }
        Ok(())
    }

    /// Does what a stop must not wait for, on a thread of its own. It is let go of once nobody awaits its message: who
    /// sleeps there when the runtime ends is woken, and may not sleep on.
    fn aside<F: Future<Output = Message>>(&self, work: impl FnOnce() -> F + Send + 'static) {
        let (runtime, post) = (tokio::runtime::Handle::current(), self.post.clone());
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = post.closed() => {}
                    message = work() => {
                        let _ = post.send(message);
                    }
                }
            });
        });
    }

    fn let_read(&mut self) {
        if let Some(leave) = self.readers.pop_front() {
            // Who no longer waits has asked for nothing.
            let _ = leave.send(());
        }
    }

    fn pause(&mut self, until: Duration, scope: Scope) {
        let wait = until.saturating_sub(self.begun.elapsed());
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let now = unix_millis();
        tracing::info!(seconds = wait.as_secs_f64(), ?scope, "the service asks to wait");
        let until = now.saturating_add(millis);
        match scope {
            Scope::Everyone => {
                self.writer.gather(now, LogEntry::PausedUntil(until));
                self.observer.throttled(wait);
            }
            Scope::Organization(org) => self.writer.gather(now, LogEntry::OrgPausedUntil(org, until)),
        }
    }
}

fn canary_passed(users: u32) -> String {
    if users == 1 {
        "the user who went first is done, and the others follow (--canary)".to_owned()
    } else {
        format!("the {users} users who went first are all done, and the others follow (--canary)")
    }
}

async fn sleep_until(wakeup: Option<Instant>) {
    match wakeup {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
