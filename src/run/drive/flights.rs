//! Batches under way: loaded, sent, answered, settled.

use std::sync::Arc;

use super::{Driver, Message, SendError};
use crate::domain::{
    Answer, Assignment, AttemptId, BatchChange, BatchId, HttpAnswer, Intent, OperationKey, Outcome, Refusal,
};
use crate::engine::{Event, Verdict, judge};
use crate::journal::{AttemptReport, Commit, Committed, LogEntry};
use crate::run::{FailedOperation, unix_millis};
use crate::webex::Client;

/// An attempt's end.
pub(super) struct Arrival {
    verdict: Verdict,
    ended_at: i64,
    http_status: Option<u16>,
    retry_after_s: Option<u64>,
    tracking_id: Option<String>,
    message: Option<String>,
}

/// A batch between intent and outcome.
pub(super) struct Flight {
    attempt: AttemptId,
    intent: Option<Committed<Intent>>,
    /// What the request will carry.
    assignments: Option<Arc<[Assignment]>>,
    /// What it carried, once it has left: to tell whose operations failed.
    carried: Option<Arc<[Assignment]>>,
    started_at: i64,
    arrival: Option<Arrival>,
}

impl Flight {
    /// Whether its request is on its way.
    pub(super) const fn is_awaited(&self) -> bool {
        self.started_at != 0 && self.arrival.is_none()
    }

    /// The attempt for the journal. After a stop there may be no arrival yet.
    fn report(&mut self, now: i64) -> AttemptReport {
        let arrival = self.arrival.take();
        let arrival = arrival.as_ref();
        AttemptReport {
            attempt: self.attempt,
            started_at: self.started_at,
            ended_at: arrival.map_or(now, |arrival| arrival.ended_at),
            http_status: arrival.and_then(|arrival| arrival.http_status),
            retry_after_s: arrival.and_then(|arrival| arrival.retry_after_s),
            tracking_id: arrival.and_then(|arrival| arrival.tracking_id.clone()),
            message: arrival.and_then(|arrival| arrival.message.clone()),
        }
    }
}

/// What an outcome adds to the counts once it is on disk.
pub(super) struct Settled {
    done: u64,
    failed: u64,
    /// The operations that failed, and why.
    failures: Vec<(OperationKey, Refusal)>,
}

/// The operations that a change makes failed.
fn failures(change: &BatchChange, carried: Option<&[Assignment]>) -> Vec<(OperationKey, Refusal)> {
    match change {
        BatchChange::Done { failures } => {
            failures.iter().map(|failure| (failure.key, failure.refusal.clone())).collect()
        }
        BatchChange::Failed(refusal) => {
            let operations = carried.into_iter().flatten().flat_map(|assignment| &assignment.operations);
            operations.map(|operation| (operation.key, refusal.clone())).collect()
        }
        BatchChange::Pending | BatchChange::InDoubt(_) | BatchChange::Split { .. } => Vec::new(),
    }
}

impl Driver<'_> {
    pub(super) fn committed(&mut self, commit: Commit) -> Result<(), SendError> {
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
    pub(super) fn prepare(&mut self, intent: Intent) -> Result<(), SendError> {
        let Intent { batch, span, attempt, .. } = intent;
        let assignments = self.engine.load(batch, self.loader.load(span)?);
        let rows = self.engine.rows(batch);
        let tracking_id = self.client.tracking().of_attempt(attempt);
        self.writer.gather(unix_millis(), LogEntry::Intent { intent, rows, tracking_id });
        let flight = Flight {
            attempt,
            intent: None,
            assignments: Some(assignments),
            carried: None,
            started_at: 0,
            arrival: None,
        };
        self.flights.insert(batch, flight);
        Ok(())
    }

    pub(super) fn send(&mut self, batch: BatchId) {
        let Some(flight) = self.flights.get_mut(&batch) else { return };
        let (Some(intent), Some(assignments)) = (flight.intent.take(), flight.assignments.take()) else {
            return;
        };
        flight.carried = Some(Arc::clone(&assignments));
        flight.started_at = unix_millis();
        tracing::debug!(batch = batch.0, attempt = flight.attempt.0, assignments = assignments.len(), "sent");
        self.progress.requests += 1;
        let (client, post) = (self.client.clone(), self.post.clone());
        tokio::spawn(async move {
            let arrival = attempt(&client, &intent, &assignments).await;
            let _ = post.send(Message::Arrived(batch, Box::new(arrival)));
        });
    }

    pub(super) fn arrived(&mut self, batch: BatchId, arrival: Arrival) {
        let verdict = arrival.verdict.clone();
        let (status, tracking) = (arrival.http_status, arrival.tracking_id.as_deref());
        tracing::debug!(batch = batch.0, status, tracking, message = arrival.message, "answered");
        if let Some(flight) = self.flights.get_mut(&batch) {
            flight.arrival = Some(arrival);
        }
        if let Some(why) = trouble(&verdict) {
            self.observer.trying_again(why);
        }
        self.tell(Event::Answered { batch, verdict });
    }

    pub(super) fn settle(&mut self, outcome: Outcome) {
        let (now, batch) = (unix_millis(), outcome.batch);
        let flight = self.flights.get_mut(&batch);
        let had_intent = flight.is_some();
        let carried = flight.as_ref().and_then(|flight| flight.carried.as_deref());
        let failures = failures(&outcome.change, carried);
        let settled = Settled { done: outcome.done(), failed: outcome.failed(), failures };
        self.settling.insert(batch, settled);
        // Where there was nothing to send, there was no attempt.
        let flight = flight.filter(|flight| outcome.attempt.is_some() && flight.started_at != 0);
        let report = flight.map(|flight| flight.report(now));
        self.writer.gather(now, LogEntry::Outcome { outcome: Box::new(outcome), report, had_intent });
    }

    fn settled(&mut self, batch: BatchId) {
        self.flights.remove(&batch);
        if let Some(Settled { done, failed, failures }) = self.settling.remove(&batch) {
            self.progress.done += done;
            self.progress.failed += failed;
            for (key, refusal) in &failures {
                let (line, item) = (key.line.get(), key.item.get());
                let (code, message) = (refusal.code.as_str(), refusal.message.as_str());
                self.observer.failed(&FailedOperation { line, item: item.into(), code, message });
            }
            self.observer.progress(&self.progress);
        }
        self.tell(Event::OutcomeCommitted(batch));
    }
}

/// Why a request is made again, where it is; being asked to wait is told otherwise.
fn trouble(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::SendAgain { throttled: false, reason, .. } | Verdict::InDoubt(reason) => Some(reason),
        Verdict::CutOff(cut_off) => Some(&cut_off.reason),
        Verdict::Foreign(foreign) => Some(&foreign.reason),
        _ => None,
    }
}

/// Makes one request and reads the Outcomes table for its answer.
async fn attempt(client: &Client, intent: &Committed<Intent>, assignments: &[Assignment]) -> Arrival {
    let Intent { wire, attempt, .. } = *intent.get();
    let tracking_id = client.tracking().of_attempt(attempt);
    crate::step!("request.leaves");
    let answer = client.patch(wire, &tracking_id, assignments).await;
    crate::step!("answer.arrived");
    let verdict = judge(wire, client.org(), assignments, &answer);
    let ended_at = unix_millis();
    let message = described(&verdict, &answer);
    let arrival =
        Arrival { verdict, ended_at, http_status: None, retry_after_s: None, tracking_id: None, message };
    match answer {
        Answer::Http(http) => Arrival {
            http_status: Some(http.status),
            retry_after_s: http.retry_after.map(|wait| wait.as_secs_f64().ceil() as u64),
            tracking_id: http.tracking_id,
            ..arrival
        },
        Answer::NotSent(_) | Answer::Lost(_) => arrival,
    }
}

/// What was said, where it was not plain success.
fn described(verdict: &Verdict, answer: &Answer) -> Option<String> {
    let words = match verdict {
        Verdict::Unauthorized => None,
        Verdict::Accepted { words, .. } => words.clone(),
        Verdict::Rejected(rejection) | Verdict::Forbidden(rejection) => Some(rejection.message.clone()),
        Verdict::SendAgain { reason, .. } | Verdict::InDoubt(reason) => Some(reason.clone()),
        Verdict::CutOff(unconnected) => Some(unconnected.reason.clone()),
        Verdict::Foreign(foreign) => Some(foreign.reason.clone()),
    };
    match (verdict, answer) {
        // What was not understood is kept as it came, for whoever has to find out.
        (Verdict::InDoubt(_) | Verdict::Foreign(_), Answer::Http(HttpAnswer { said: Some(said), .. })) => {
            words.map(|words| format!("{words}\n{said}"))
        }
        _ => words,
    }
}
