//! Finding the service's limit, where refusals are all that tells of it.
//!
//! The pace rises until the service refuses, falls to what got through, and stays just below. To
//! learn that the limit has risen, it has to be overstepped again, and overstepping costs a refusal:
//! so each request that gets through saves up a little, and the limit is tried when enough is saved.
//! That keeps refusals under their share whatever the limit is, where a plain
//! additive-increase-multiplicative-decrease pays one refusal a cycle however short the cycle.
//!
//! What got through between two refusals, over the time between them, is the limit itself for a
//! bucket of tokens (it was empty both times) and for a window (it was used up both times).

use std::time::Duration;

/// Time since the engine's start.
type Time = Duration;

/// The first pace, in requests a second.
const FIRST: f64 = 1.0;
/// The slowest pace and the fastest, in requests a second.
const BOUNDS: (f64, f64) = (0.02, 5_000.0);
/// The pace doubles at most once in this time,
const DOUBLING: f64 = 2.0;
/// and at most once in so many requests.
const DOUBLING_REQUESTS: f64 = 6.0;
/// How long the pace stays below what was refused before it is tried again, in seconds.
const CALM: f64 = 8.0;
/// Refusals that are afforded, of all requests. One in a hundred is the aim.
const SHARE: f64 = 0.0085;
/// A try may cost a refusal, so nearly one must have been saved up.
const COST: f64 = 0.9;
/// Savings have an upper and a lower end: what was long ago says little.
const SAVINGS: (f64, f64) = (-4.0, 3.0);
/// The longest wait between two trials while everything is refused, in seconds.
const LONGEST_WAIT: f64 = 15.0;
/// A `Retry-After` from here on means that everything would be refused until then, in seconds.
const CLOSING: f64 = 2.0;
/// Requests may leave so much late, in seconds, without those after them being put off too.
const SLACK: f64 = 0.02;

/// How much got through by a time.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: f64,
    accepted: u64,
}

/// Whether anything gets through.
#[derive(Debug, Clone, Copy)]
enum Door {
    Open,
    /// Everything is refused; one request at a time tries whether that is over.
    Closed {
        since: f64,
        wait: f64,
        trying: bool,
    },
}

/// A pace that finds the limit by itself.
#[derive(Debug)]
pub(super) struct Tuner {
    /// Requests a second.
    pace: f64,
    /// No request leaves before.
    next: f64,
    /// What the pace keeps below, once a limit has been met.
    limit: Option<f64>,
    /// The pace after the last cut.
    base: f64,
    /// Refusals of requests that left before this say nothing new.
    cut_at: f64,
    /// How long the pace has been rising since, while it was what held requests back.
    risen: f64,
    /// Refusals that may be risked.
    savings: f64,
    /// Cuts without calm between them.
    streak: u32,
    /// What got through since the last cut.
    since_cut: u32,
    accepted: u64,
    /// When the limit was met before this: what gets through is measured from there.
    met: Option<Mark>,
    last_cut: Mark,
    door: Door,
    /// The last request left as soon as the pace allowed.
    held_back: bool,
    now: f64,
}

impl Tuner {
    pub(super) const fn new() -> Self {
        Self {
            pace: FIRST,
            next: 0.0,
            limit: None,
            base: FIRST,
            cut_at: -1.0,
            risen: 0.0,
            savings: 1.0,
            streak: 0,
            since_cut: 0,
            accepted: 0,
            met: None,
            last_cut: Mark { at: 0.0, accepted: 0 },
            door: Door::Open,
            held_back: false,
            now: 0.0,
        }
    }

    /// When a request may leave, as the pace is now, after so many others.
    pub(super) fn expected(&self, ahead: u32) -> Time {
        Duration::from_secs_f64((self.next + f64::from(ahead) / self.pace).max(0.0))
    }

    pub(super) fn take(&mut self, now: Time) -> Result<(), Time> {
        let now = now.as_secs_f64();
        if let Door::Closed { trying: true, .. } = self.door {
            // Its answer is awaited. One that never comes ends with its time-out.
            return Err(later(now + 1.0));
        }
        if now < self.next {
            return Err(later(self.next));
        }
        self.met.get_or_insert(Mark { at: now, accepted: 0 });
        let period = 1.0 / self.pace;
        self.held_back = now - self.next < period.max(SLACK);
        self.next = self.next.max(now - SLACK) + period;
        if let Door::Closed { trying, .. } = &mut self.door {
            *trying = true;
        }
        Ok(())
    }

    /// A request that left at `sent` was not refused for its pace.
    pub(super) fn passed(&mut self, sent: Time, now: Time) {
        let (sent, now) = (sent.as_secs_f64(), now.as_secs_f64());
        let elapsed = now - std::mem::replace(&mut self.now, now);
        self.accepted += 1;
        self.savings = (self.savings + SHARE).min(SAVINGS.1);
        if sent < self.cut_at {
            return;
        }
        if let Door::Closed { since, .. } = self.door {
            return self.open(since, now);
        }
        self.since_cut += 1;
        if self.streak > 0 && f64::from(self.since_cut) > (1.5 * self.pace).max(2.0) {
            self.streak = 0;
            self.met = Some(self.last_cut);
        }
        if self.held_back {
            self.rise(elapsed.min(1.0 / self.pace + 0.1));
        }
    }

    /// A request got no answer that tells of the pace.
    pub(super) const fn lost(&mut self) {
        if let Door::Closed { trying, .. } = &mut self.door {
            *trying = false;
        }
    }

    /// A request that left at `sent` was refused for its pace.
    pub(super) fn refused(&mut self, sent: Time, now: Time, retry_after: Option<Duration>) {
        let (sent, now) = (sent.as_secs_f64(), now.as_secs_f64());
        let retry_after = retry_after.map(|wait| wait.as_secs_f64());
        self.now = now;
        self.savings = (self.savings - 1.0).max(SAVINGS.0);
        if sent < self.cut_at {
            return;
        }
        if let Door::Closed { since, wait, .. } = self.door {
            return self.close(since, now, retry_after.unwrap_or((wait * 2.0).min(LONGEST_WAIT)));
        }
        self.streak += 1;
        let nothing_passes = self.limit.is_some() && self.since_cut == 0 && self.streak > 1;
        let told = retry_after.filter(|wait| *wait >= CLOSING);
        if nothing_passes || told.is_some() {
            self.limit.get_or_insert(self.pace);
            return self.close(now, now, told.unwrap_or((1.0 / self.pace).max(0.5)));
        }
        let (pace, limit) = self.below(now);
        self.limit = Some(limit);
        self.last_cut = Mark { at: now, accepted: self.accepted };
        self.cut(pace, now);
        self.next = self.next.max(now + 1.0 / self.pace);
    }

    /// The pace to fall to after a refusal, and the one to stay below.
    fn below(&self, now: f64) -> (f64, f64) {
        let refused = self.pace;
        if self.limit.is_none() {
            return (refused * 0.7, refused);
        }
        match (self.streak, self.passing(now)) {
            // The limit was approached slowly, so it is near.
            (1, Some(passing)) if refused <= 1.12 * passing => (refused * 0.955, refused * 0.985),
            // Tried, and refused late: the limit may have risen, or a bucket took time to empty.
            (1, Some(passing)) if self.risen >= CALM && refused > 1.3 * passing => (passing * 0.97, refused),
            (1, Some(passing)) => {
                let limit = passing.max(refused * 0.7);
                (limit * 0.97, limit)
            }
            (1, None) => (refused * 0.9, refused),
            (2, Some(passing)) if refused <= 1.2 * passing => {
                let limit = passing.min(refused * 0.97);
                (limit * 0.96, limit)
            }
            // Refused again and again: the limit has fallen far.
            _ => (refused * 0.5, refused * 0.95),
        }
    }

    /// What gets through in a second, measured from when the limit was met before.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
    fn passing(&self, now: f64) -> Option<f64> {
        let Mark { at, accepted } = self.met?;
        let (time, count) = (now - at, self.accepted - accepted);
        (time > 2.0 && count >= 3).then(|| count as f64 / time)
    }

    fn close(&mut self, since: f64, now: f64, wait: f64) {
        self.door = Door::Closed { since, wait, trying: false };
        self.next = now + wait;
        self.cut_at = now;
    }

    /// Something got through again.
    fn open(&mut self, since: f64, now: f64) {
        self.door = Door::Open;
        if now - since > 1.0
            && let Some(passing) = self.passing(now)
        {
            self.limit = Some(passing.min(self.pace));
            self.cut((passing * 0.97).min(self.pace), now);
        }
        self.met = Some(Mark { at: now, accepted: self.accepted });
        self.streak = 0;
        self.cut_at = now;
        self.next = now + 1.0 / self.pace;
    }

    fn cut(&mut self, pace: f64, now: f64) {
        let before = 1.0 / self.pace;
        self.pace = pace.clamp(BOUNDS.0, BOUNDS.1);
        self.next += 1.0 / self.pace - before;
        self.base = self.pace;
        self.cut_at = now;
        self.risen = 0.0;
        self.since_cut = 0;
    }

    /// Quickly back to just below the limit, slower the nearer; then, when it is affordable, past
    /// it, at first hardly, then ever faster.
    fn rise(&mut self, elapsed: f64) {
        let doubling = DOUBLING.max(DOUBLING_REQUESTS / self.pace);
        let fastest = (self.pace * (elapsed / doubling).exp2()).min(BOUNDS.1);
        let Some(limit) = self.limit else {
            self.pace = fastest;
            return;
        };
        let safe = limit * 0.99;
        if self.risen >= CALM && self.savings < COST {
            self.pace = self.pace.max(safe.min(fastest));
            return;
        }
        self.risen += elapsed;
        let wanted = if self.risen < CALM {
            let left = 1.0 - self.risen / CALM;
            safe - (safe - self.base) * left.powi(3)
        } else {
            let past = self.risen - CALM;
            safe * (1.0 + 0.01 * past + 0.016 * (past - 3.0).max(0.0).powi(2))
        };
        self.pace = wanted.max(self.pace).min(fastest);
    }
}

/// A nanosecond more than asked for, so that rounding never lets a request leave too early.
fn later(seconds: f64) -> Time {
    Duration::from_secs_f64(seconds.max(0.0)) + Duration::from_nanos(1)
}
