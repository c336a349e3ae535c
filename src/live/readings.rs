//! Asking: at the pace, again where a fault passes, with a new token where the old one is not accepted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::patience::Attempts;
use crate::domain::Rate;
use crate::pace::Pace;
use crate::webex::{Client, ReadError};

/// A reading that did not come to its end. What was read of it before counts for nothing.
#[derive(Debug, thiserror::Error)]
#[error("{error}; {what} was not read whole, so nothing is concluded from it: GET {address}")]
pub struct Unread {
    /// What was to be read, as the subject of a sentence.
    pub what: String,
    /// The address that was asked last.
    pub address: String,
    /// Why.
    pub error: ReadError,
}

/// When the next reading may leave: shared by all who read.
#[derive(Debug, Clone)]
pub struct Pacing(Arc<Mutex<Turn>>);

/// What a reader tells whoever keeps the pace of a run that is being sent: readings count like anything else.
#[derive(Debug)]
pub enum ReadingEvent {
    /// Somebody waits for leave to make one request.
    Wanted(oneshot::Sender<()>),
    /// A request was answered.
    Answered {
        /// Whether it was refused for its pace.
        throttled: bool,
        /// How long the service wants everyone to wait.
        retry_after: Option<Duration>,
    },
}

#[derive(Debug)]
struct Turn {
    /// Whoever sends a run keeps the pace for all.
    run: Option<UnboundedSender<ReadingEvent>>,
    pace: Pace,
    begun: Instant,
    /// Nobody asks before, since the service wants it so.
    not_before: Instant,
}

impl Pacing {
    /// Keeps readings below `rate`, from now on.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Turn { run: None, pace: Pace::new(rate), begun: now, not_before: now })))
    }

    /// From here on a run is sent, and whoever sends it keeps the pace and is told.
    pub fn hand_over(&self, run: UnboundedSender<ReadingEvent>) {
        self.state().run = Some(run);
    }

    /// How long it is until another request may leave.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let state = self.state();
        let until = (state.begun + state.pace.expected(0)).max(state.not_before);
        until.saturating_duration_since(Instant::now())
    }

    /// How much of that is the service's own wish.
    #[must_use]
    pub fn asked_wait(&self) -> Duration {
        self.state().not_before.saturating_duration_since(Instant::now())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for leave; gives back when it was given.
    async fn leave(&self) -> Instant {
        let run = self.state().run.clone();
        if let Some(run) = run {
            let (leave, given) = oneshot::channel();
            // Where the run has ended meanwhile, nobody else asks.
            if run.send(ReadingEvent::Wanted(leave)).is_ok() && given.await.is_ok() {
                return Instant::now();
            }
        }
        loop {
            let now = Instant::now();
            let until = {
                let mut state = self.state();
                let Turn { pace, begun, not_before, .. } = &mut *state;
                if *not_before > now {
                    *not_before
                } else {
                    match pace.take(now - *begun) {
                        Ok(()) => return now,
                        Err(until) => *begun + until,
                    }
                }
            };
            tokio::time::sleep_until(until).await;
        }
    }

    fn learn<T>(&self, sent: Instant, answer: &Result<T, ReadError>) {
        let mut state = self.state();
        if let Some(run) = &state.run {
            let throttled = matches!(answer, Err(ReadError::Passing { status: 429, .. }));
            let retry_after = answer.as_ref().err().and_then(ReadError::retry_after);
            let _ = run.send(ReadingEvent::Answered { throttled, retry_after });
            return;
        }
        let Turn { pace, begun, .. } = &mut *state;
        let (sent, now) = (sent.saturating_duration_since(*begun), begun.elapsed());
        match answer {
            Err(ReadError::Passing { status: 429, retry_after, .. }) => pace.refused(sent, now, *retry_after),
            Err(ReadError::NoAnswer(_) | ReadError::Passing { .. }) => pace.lost(),
            _ => pace.passed(sent, now),
        }
    }

    /// Nobody asks for so long.
    pub fn hold_back(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state();
        state.not_before = state.not_before.max(until);
    }
}

/// Reads from one service with one token.
#[derive(Debug, Clone)]
pub struct Readings {
    client: Client,
    pacing: Pacing,
    max_wait: Duration,
    hasty: bool,
    /// So many more pages of holders may be asked for, where there is a bound.
    left: Option<Arc<AtomicU64>>,
}

impl Readings {
    /// Reads with `client`, no faster than `pacing` allows; a wait that the service asks for is kept up to
    /// `max_wait`.
    #[must_use]
    pub const fn new(client: Client, pacing: Pacing, max_wait: Duration) -> Self {
        Self { client, pacing, max_wait, hasty: false, left: None }
    }

    /// The same for what is good to know and can be done without: it gives up soon.
    #[must_use]
    pub fn hasty(&self) -> Self {
        Self { hasty: true, ..self.clone() }
    }

    /// The same for what is not worth more than so many pages of holders: the next one is not asked for. How many there
    /// will be can be reckoned beforehand, and the lists grow while they are read.
    #[must_use]
    pub fn at_most(&self, pages: u64) -> Self {
        Self { left: Some(Arc::new(AtomicU64::new(pages))), ..self.clone() }
    }

    /// Takes leave to ask for one more page of holders.
    pub(super) fn take_page(&self) -> Result<(), ReadError> {
        let Some(left) = &self.left else { return Ok(()) };
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.map(drop).map_err(|_| ReadError::OutOfRequests)
    }

    /// What it asks no faster than.
    #[must_use]
    pub const fn pacing(&self) -> &Pacing {
        &self.pacing
    }

    /// With what it asks.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Makes one reading request until it succeeds, fails for good, or has had its attempts.
    ///
    /// # Errors
    /// The last error.
    pub async fn ask<T>(
        &self,
        mut request: impl AsyncFnMut(&Client) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut attempts = if self.hasty { Attempts::hasty() } else { Attempts::new(self.max_wait) };
        let mut renewed = false;
        loop {
            let sent = self.pacing.leave().await;
            let answer = request(&self.client).await;
            self.pacing.learn(sent, &answer);
            let error = match answer {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if matches!(error, ReadError::Unauthorized) && !std::mem::replace(&mut renewed, true) {
                // Where no other token is to be had, asking again shows it.
                if self.client.token().renew().await.is_ok() {
                    continue;
                }
            }
            // The service's wish is for everyone who comes after, also where this is asked no more.
            error.retry_after().into_iter().for_each(|wait| self.pacing.hold_back(wait));
            let Some(wait) = attempts.wait(&error) else { return Err(error) };
            if error.retry_after().is_none() {
                tokio::time::sleep(wait).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_after_readings_waits_as_they_would() {
        let pacing = Pacing::new("1/s".parse().unwrap());
        assert_eq!(pacing.wait(), Duration::ZERO);
        pacing.leave().await;
        let wait = pacing.wait();
        assert!(wait > Duration::from_millis(950) && wait < Duration::from_millis(1_050), "{wait:?}");
        pacing.hold_back(Duration::from_secs(40));
        assert_eq!(pacing.wait().as_secs(), 40);
        tokio::time::sleep(Duration::from_secs(41)).await;
        assert_eq!(pacing.wait(), Duration::ZERO);
    }
}
