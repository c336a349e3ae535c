//! When the next request may leave. Pure: the time comes in as a number, and nothing sleeps here.
//!
//! Owns the two ways of keeping a pace: below a ceiling that is known, and below a limit that has to
//! be found. Knows no batches and no answers beyond "passed" and "refused".

mod ceiling;
mod tuner;

use std::time::Duration;

use self::ceiling::Pacer;
use self::tuner::Tuner;
use crate::domain::Rate;

/// How late a request may leave without the next one being put off too. A timer is a millisecond
/// late each time; without this, a run at 200 requests a second would take a fifth longer. Where a
/// millisecond is next to nothing the slack is too, since a service may count strictly.
fn slack(period: Duration) -> Duration {
    const MOST: Duration = Duration::from_millis(4);
    if period >= Duration::from_millis(100) { period / 200 } else { MOST }
}

/// Keeps requests apart.
#[derive(Debug)]
pub struct Pace(Way);

#[derive(Debug)]
enum Way {
    Ceiling(Pacer),
    Auto(Tuner),
}

impl Pace {
    /// Starts at time zero.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self(match rate {
            Rate::AtMost(ceiling) => Way::Ceiling(Pacer::new(ceiling)),
            Rate::Auto => Way::Auto(Tuner::new()),
        })
    }

    /// Takes leave for one request at `now`, or tells when to ask again.
    ///
    /// # Errors
    /// The time before which no request may leave.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        match &mut self.0 {
            Way::Ceiling(pacer) => pacer.take(now),
            Way::Auto(tuner) => tuner.take(now),
        }
    }

    /// About when a request may leave, after so many others that are ready.
    #[must_use]
    pub fn expected(&self, ahead: u32) -> Duration {
        match &self.0 {
            Way::Ceiling(pacer) => pacer.expected(ahead),
            Way::Auto(tuner) => tuner.expected(ahead),
        }
    }

    /// A request that left at `sent` was answered, and not refused for its pace.
    pub fn passed(&mut self, sent: Duration, now: Duration) {
        if let Way::Auto(tuner) = &mut self.0 {
            tuner.passed(sent, now);
        }
    }

    /// A request that left at `sent` was refused for its pace.
    pub fn refused(&mut self, sent: Duration, now: Duration, retry_after: Option<Duration>) {
        if let Way::Auto(tuner) = &mut self.0 {
            tuner.refused(sent, now, retry_after);
        }
    }

    /// A request came to an end that tells nothing of the pace.
    pub const fn lost(&mut self) {
        if let Way::Auto(tuner) = &mut self.0 {
            tuner.lost();
        }
    }
}
