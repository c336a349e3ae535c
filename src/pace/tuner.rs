//! Finding the service's limit, where refusals are all that tells of it.
//!
//! When the service refuses, its limit is used up: a bucket of tokens is empty, a window's quota is
//! spent. What got through between two such times, over the time between them, is never more than the
//! limit: it is the limit itself for a bucket, and less where windows in between were not used up. And
//! the pace that was refused is never less than the limit. The truth lies between; how far from either end
//! is learned, from whether the service bears it. The pace keeps just below.
//!
//! To learn that the limit has risen, it has to be overstepped now and then, and that costs refusals. Each
//! request that gets through saves up a little, and the limit is tried when enough is saved: so
//! refusals keep under their share whatever the limit is, where additive increase and
//! multiplicative decrease pay one refusal a cycle however short the cycle. A service that takes
//! more than it took the last time it was tried has a higher limit, and the pace rises quickly.

use std::time::Duration;

use super::trail::Trail;

/// Time since the engine's start.
type Time = Duration;

/// The first pace, in requests a second.
const FIRST: f64 = 2.0;
/// The slowest pace and the fastest, in requests a second.
const BOUNDS: (f64, f64) = (0.02, 5_000.0);
/// Where no limit is near, the pace doubles in so many seconds, but not in fewer requests than that.
const DOUBLING: (f64, f64) = (2.5, 6.0);
/// The pace keeps to this share of the limit.
const BELOW: f64 = 0.99;
/// No refusal takes the pace below this share of what it was, unless nothing gets through.
const DEEPEST_CUT: f64 = 0.7;
/// How long the pace stays below the limit before that is tried again, in seconds.
const CALM: f64 = 9.0;
/// The same, as a multiple of the wait that a refusal has cost, for a bucket and for windows: what a
/// window had left is lost, while a bucket fills up meanwhile.
const CALM_PER_WAIT: (f64, f64) = (24.0, 66.0);
/// How much faster the pace gets in a second while the limit is tried.
const SLOPE: f64 = 0.02;
/// Refusals that are afforded, of all requests. One in a hundred is the aim.
const SHARE: f64 = 0.008;
/// The same, where a limit was found as often as that within this share of where it had been, is so many times smaller.
const CONFIRMED: u32 = 3;
const SAME: f64 = 0.05;
/// The most that the pace that was borne is trusted to be the limit.
const TRUST: f64 = 0.7;
/// A try costs a refusal, so nearly one must have been saved up.
const COST: f64 = 0.9;
/// The first requests and the search for the limit use up no more of the savings than this.
const SEARCHED: (u64, f64) = (30, -1.0);
/// Savings have an upper and a lower end: what was long ago says little.
const SAVINGS: (f64, f64) = (-60.0, 3.0);
/// The longest wait between two trials while everything is refused, in seconds.
const LONGEST_WAIT: f64 = 15.0;
/// A `Retry-After` from here on means that everything would be refused until then, in seconds.
const CLOSING: f64 = 2.0;
/// How much faster the pace gets in a second before the limit has been met twice.
const SEARCH: f64 = 0.08;
/// But never by more than this from one request to the next: while it is searched for, and while it is tried.
const STEP: (f64, f64) = (0.03, 0.01);
/// So many requests since the last refusal make it a search; fewer, and the pace is still far too fast.
const CLIMBED: u32 = 5;
/// The first time that a limit is lower than it was taken to be, it is taken to be this share of it.
const A_LITTLE: f64 = 0.98;
/// What was borne for so many requests is hardly too fast.
const LONG_BORNE: u32 = 30;

/// Whether anything gets through.
#[derive(Debug, Clone, Copy)]
enum Door {
    Open,
    /// Everything is refused; one request at a time tries whether that is over.
    Closed {
        wait: f64,
        trying: bool,
    },
}

/// A pace that finds the limit by itself.
#[derive(Debug)]
pub(super) struct Tuner {
    /// Requests a second.
    pace: f64,
    /// The fastest that it may get.
    most: f64,
    /// No request leaves before.
    next: f64,
    /// What the service lets through in a second, once it has refused something.
    limit: Option<f64>,
    /// Refusals of requests that left before this say nothing new.
    cut_at: f64,
    /// Since when nothing gets through.
    closed_at: f64,
    /// What got through since, of requests that left since.
    since_cut: u32,
    /// How long the pace has kept below the limit since, while it was what held requests back.
    calm: f64,
    /// How long that has to be.
    least_calm: f64,
    /// How long the limit has been tried.
    trying: f64,
    /// What was sent above the limit, in seconds of it; and what the service bore when it was tried before.
    excess: f64,
    depth: f64,
    /// Where the limit is taken to be, between what got through (0) and the pace that was refused (1).
    trust: f64,
    /// What got through when the limit was last tried, and the pace that was refused.
    between: Option<(f64, f64)>,
    /// So often in a row was it found where it had been.
    confirmed: u32,
    /// Refusals that may be risked.
    savings: f64,
    trail: Trail,
    /// So often was the limit lower than it was taken to be, since it was tried.
    surprises: u32,
    /// How long nothing got through since the last mark.
    shut: f64,
    door: Door,
    /// The last request left as soon as the pace allowed.
    held_back: bool,
    now: f64,
}

impl Tuner {
    /// Begins slowly, and never gets faster than `most` requests a second.
    pub(super) fn new(most: Option<f64>) -> Self {
        Self::at(FIRST, most)
    }

    /// Begins with this pace.
    pub(super) fn at(pace: f64, most: Option<f64>) -> Self {
        let most = most.unwrap_or(BOUNDS.1).clamp(BOUNDS.0, BOUNDS.1);
        Self {
            pace: pace.clamp(BOUNDS.0, most),
            most,
            next: 0.0,
            limit: None,
            cut_at: -1.0,
            closed_at: 0.0,
            since_cut: 0,
            calm: 0.0,
            least_calm: CALM,
            trying: 0.0,
            excess: 0.0,
            depth: 1.0,
            trust: TRUST,
            between: None,
            confirmed: 0,
            savings: 1.0,
            trail: Trail::new(),
            surprises: 0,
            shut: 0.0,
            door: Door::Open,
            held_back: false,
            now: 0.0,
        }
    }

    /// When a request may leave, as the pace is now, after so many others.
    pub(super) fn expected(&self, ahead: u32) -> Time {
        Duration::from_secs_f64((self.next + f64::from(ahead) / self.pace).max(0.0))
    }

    /// Whether a request may leave, or when to ask again.
    pub(super) fn may_leave(&self, now: Time) -> Result<(), Time> {
        let now = now.as_secs_f64();
        if let Door::Closed { trying: true, .. } = self.door {
            // Its answer is awaited. One that never comes ends with its time-out.
            return Err(later(now + 1.0));
        }
        if now < self.next {
            return Err(later(self.next));
        }
        Ok(())
    }

    /// A request leaves.
    pub(super) fn leaves(&mut self, now: Time) {
        let now = now.as_secs_f64();
        self.trail.leaves(now, self.pace);
        let period = 1.0 / self.pace;
        let late = now - self.next;
        self.held_back = late < period.max(0.02);
        let slack = super::slack(Duration::from_secs_f64(period)).as_secs_f64();
        // Late by more than timers are, nothing is made up for.
        self.next = if late > period { now } else { self.next.max(now - slack) } + period;
        if let Door::Closed { trying, .. } = &mut self.door {
            *trying = true;
        }
    }

    /// A request that left at `sent` was not refused for its pace.
    pub(super) fn passed(&mut self, sent: Time, now: Time) {
        let (sent, now) = (sent.as_secs_f64(), now.as_secs_f64());
        let elapsed = now - std::mem::replace(&mut self.now, now);
        self.trail.passes();
        self.savings = (self.savings + SHARE).min(SAVINGS.1);
        if sent < self.cut_at {
            return;
        }
        self.since_cut += 1;
        if let Door::Closed { .. } = self.door {
            self.open(now);
            self.cut_at = now;
            self.next = now + 1.0 / self.pace;
        } else if self.held_back {
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
        let told = retry_after.map(|wait| wait.as_secs_f64());
        self.now = now;
        self.savings =
            (self.savings - 1.0).max(if self.trail.accepted() < SEARCHED.0 { SEARCHED.1 } else { SAVINGS.0 });
        if sent < self.cut_at {
            return;
        }
        match self.door {
            Door::Closed { wait, .. } => self.close(now, told.unwrap_or((wait * 2.0).min(LONGEST_WAIT))),
            // Nothing passes: what was left is used up, and no slower pace would change that.
            Door::Open if self.limit.is_some() && self.since_cut == 0 => {
                self.closed_at = self.cut_at;
                self.close(now, told.unwrap_or((1.0 / self.pace).max(0.25)));
            }
            Door::Open => self.used_up(sent, now, told),
        }
    }

    /// The limit is used up: it can be measured.
    fn used_up(&mut self, sent: f64, now: f64, told: Option<f64>) {
        let limit = if self.trying > 0.0 { self.found(sent, now) } else { self.surprised(sent, now) };
        self.trail.used_up(now);
        self.limit = Some(limit.clamp(BOUNDS.0, self.most));
        self.pace = (limit.min(self.pace) * BELOW).clamp(BOUNDS.0, self.most);
        self.next = now + 1.0 / self.pace;
        self.cut_at = now;
        self.since_cut = 0;
        (self.calm, self.trying, self.excess, self.shut) = (0.0, 0.0, 0.0, 0.0);
        self.least_calm = CALM;
        match told {
            Some(wait) if wait >= CLOSING => {
                self.closed_at = now;
                self.close(now, wait);
            }
            Some(wait) => {
                let (bucket, windows) = CALM_PER_WAIT;
                self.least_calm = CALM.max(wait * (bucket + self.trust * (windows - bucket)));
            }
            None => {}
        }
    }

    /// The limit was tried, and here it is.
    fn found(&mut self, sent: f64, now: f64) -> f64 {
        let surprises = std::mem::take(&mut self.surprises);
        let refused = self.pace_at(sent);
        if self.between.is_none() {
            // What the search has cost is not held against what follows.
            self.savings = self.savings.max(SEARCHED.1);
            if self.since_cut < CLIMBED {
                return refused * DEEPEST_CUT;
            }
            let borne = self.borne_before(sent).min(refused);
            let through = self.measured(now, 1.0).unwrap_or(refused * DEEPEST_CUT).min(borne);
            self.between = Some((through, borne));
            return borne / (1.0 + STEP.0 / 2.0);
        }
        if self.excess > 0.0 {
            self.depth = (self.excess + self.depth) / 2.0;
        }
        // A calm that held bears out the trust.
        self.trust = (self.trust * if surprises == 0 { 1.4 } else { 1.05 }).min(TRUST);
        let borne = self.borne_before(sent).min(refused);
        let through = self.measured(now, 5.0).map_or(borne, |through| through.min(borne));
        let before = self.between.replace((through, borne));
        let same = before.is_some_and(|(_, before)| (borne / before - 1.0).abs() < SAME);
        self.confirmed = if same { self.confirmed + 1 } else { 0 };
        through + self.trust * (borne - through)
    }

    /// The limit is lower than it was taken to be.
    fn surprised(&mut self, sent: f64, now: f64) -> f64 {
        let refused = self.pace_at(sent);
        let Some((through, above)) = self.between else { return refused * DEEPEST_CUT };
        if self.since_cut >= LONG_BORNE {
            // It was borne for long: it is hardly too fast.
            return refused;
        }
        self.surprises += 1;
        if self.surprises > 1 {
            self.trust /= 2.0;
        }
        let least = if self.shut > 1.0 { 0.0 } else { refused * DEEPEST_CUT };
        let measured = self.measured(now, 1.0);
        let limit = match self.surprises {
            1 => refused * A_LITTLE,
            2 => through + self.trust * (above - through),
            3 => measured.map_or(through, |measured| measured.max(through)),
            _ => measured.unwrap_or(through),
        };
        let limit = [limit, through].into_iter().find(|limit| *limit < refused * BELOW);
        let limit = limit.or(measured).unwrap_or(through);
        limit.min(refused * BELOW).max(least)
    }

    /// The pace of the request before.
    fn borne_before(&self, sent: f64) -> f64 {
        self.trail.pace_before(sent).unwrap_or(self.pace)
    }

    /// The pace at which a request left.
    fn pace_at(&self, sent: f64) -> f64 {
        self.trail.pace_at(sent).map_or(self.pace, |pace| pace.min(self.pace))
    }

    fn measured(&self, now: f64, times: f64) -> Option<f64> {
        self.trail.measured(now, self.pace, times)
    }

    fn close(&mut self, now: f64, wait: f64) {
        self.door = Door::Closed { wait, trying: false };
        self.next = now + wait;
        self.cut_at = now;
        self.since_cut = 0;
    }

    /// Something gets through again: a window has begun. What got through since the one before began,
    /// over that time, is the limit, or a little less where there were several.
    fn open(&mut self, now: f64) {
        self.door = Door::Open;
        let shut = now - self.closed_at;
        self.shut += shut;
        let through = self.trail.opens(now);
        if let (Some(limit), Some(through)) = (self.limit, through)
            && shut > (3.0 / self.pace).max(0.2)
        {
            let limit = limit.clamp(through, through * 1.25);
            self.limit = Some(limit);
            self.pace = limit * BELOW;
        }
    }

    /// Below the limit until it may be tried, then above it, hardly at first; beyond what the
    /// service has borne before, ever faster.
    fn rise(&mut self, elapsed: f64) {
        let doubling = DOUBLING.0.max(DOUBLING.1 / self.pace);
        let fastest = (self.pace * (elapsed / doubling).exp2()).min(self.most);
        let Some(limit) = self.limit else {
            self.pace = fastest;
            return;
        };
        self.calm += elapsed;
        // Met once or never: it is still being searched for.
        if self.between.is_none() {
            self.trying += elapsed;
            self.pace = (self.pace * (1.0 + (SEARCH * elapsed).min(STEP.0))).min(fastest);
            return;
        }
        let least_calm = self.least_calm * f64::from(1 + self.confirmed.min(CONFIRMED));
        if self.calm < least_calm || (self.savings < COST && self.trying <= 0.0) {
            self.pace = self.pace.max((limit * BELOW).min(fastest));
            return;
        }
        self.trying += elapsed;
        self.excess += (self.pace / limit - 1.0).max(0.0) * elapsed;
        let slope = SLOPE * self.depth.max(1.0).sqrt();
        let wanted = if self.excess > 1.5 * self.depth + 0.25 {
            f64::INFINITY
        } else {
            self.pace + limit * (slope * elapsed).min(STEP.1)
        };
        self.pace = wanted.max(self.pace).min(fastest);
    }
}

/// A nanosecond more than asked for, so that rounding never lets a request leave too early.
fn later(seconds: f64) -> Time {
    Duration::from_secs_f64(seconds.max(0.0)) + Duration::from_nanos(1)
}

#[cfg(test)]
#[path = "tuner_tests.rs"]
mod tests;
