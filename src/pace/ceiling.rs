//! Keeping below a rate that the user knows.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::domain::Ceiling;

type Limiter =
    RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<governor::nanos::Nanos>>;

/// A request costs so many cells of the limiter, so that lateness can be made up for in parts of a
/// request.
const CELLS: u32 = 200;

/// The pace keeps one part in so many below the rate. The way to the service takes now longer and
/// now shorter, and requests that left a second apart may arrive nearer to each other: a service
/// that counts strictly would refuse one of them.
const MARGIN: u32 = 200;

/// Keeps requests at or below a rate, from the first on: there is no opening burst.
#[derive(Debug)]
pub(super) struct Pacer {
    limiter: Option<Limiter>,
    /// The slack, in cells.
    slack: NonZeroU32,
    period: Duration,
    last: Option<Duration>,
    clock: FakeRelativeClock,
    now: Duration,
}

impl Pacer {
    /// Starts at time zero.
    pub(super) fn new(ceiling: Ceiling) -> Self {
        let clock = FakeRelativeClock::default();
        let period = ceiling.period().map(|period| period + period / MARGIN);
        let period = period.unwrap_or_default();
        // Rounded up: never above the rate.
        let cell =
            Duration::from_nanos(u64::try_from(period.as_nanos().div_ceil(CELLS.into())).unwrap_or(u64::MAX));
        let slack = if cell.is_zero() { 0 } else { super::slack(period).as_nanos() / cell.as_nanos() };
        let slack = cells(u32::try_from(slack).unwrap_or(u32::MAX / 2));
        let quota = Quota::with_period(cell).map(|quota| quota.allow_burst(slack.saturating_add(CELLS)));
        let limiter = quota.map(|quota| RateLimiter::direct_with_clock(quota, clock.clone()));
        let pacer = Self { limiter, slack, period, last: None, clock, now: Duration::ZERO };
        pacer.forgo_slack();
        pacer
    }

    /// About when a request may leave, after so many others.
    pub(super) fn expected(&self, ahead: u32) -> Duration {
        match self.last {
            Some(last) => last.saturating_add(self.period.saturating_mul(ahead.saturating_add(1))),
            None => self.period.saturating_mul(ahead),
        }
    }

    /// Takes leave for one request at `now`, or tells when to ask again.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.clock.advance(now.saturating_sub(self.now));
        self.now = self.now.max(now);
        let Some(limiter) = &self.limiter else { return Ok(()) };
        match limiter.check_n(cells(CELLS)) {
            // More cells than the bucket holds: it was made to hold them.
            Ok(Ok(())) | Err(_) => {
                if self.last.is_some_and(|last| self.now - last > self.period.saturating_mul(2)) {
                    // It makes up for late timers, not for a pause.
                    self.forgo_slack();
                }
                self.last = Some(self.now);
                Ok(())
            }
            Ok(Err(refused)) => Err(self.now + refused.wait_time_from(self.clock.now())),
        }
    }

    /// What is slack later would be a burst now: takes it out.
    fn forgo_slack(&self) {
        if let Some(limiter) = &self.limiter {
            let _ = limiter.check_n(self.slack);
        }
    }
}

fn cells(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes `count` leaves, each asked for `late(i)` after it could have been had.
    fn departures(ceiling: &str, count: u32, late: impl Fn(u32) -> Duration) -> Vec<Duration> {
        let mut pacer = Pacer::new(ceiling.parse().unwrap());
        let mut now = Duration::ZERO;
        (0..count)
            .map(|index| {
                now += late(index);
                while let Err(until) = pacer.take(now) {
                    assert!(until > now);
                    now = until;
                }
                now
            })
            .collect()
    }

    #[test]
    fn there_is_no_opening_burst() {
        let times = departures("300/min", 300, |_| Duration::ZERO);
        assert_eq!(times[0], Duration::ZERO);
        for (index, time) in (0u32..).zip(&times) {
            assert!(*time >= Duration::from_millis(200) * index, "{index}: {time:?}");
        }
        assert!(times[299] <= Duration::from_millis(201 * 299 + 1));
    }

    #[test]
    fn lateness_of_timers_does_not_add_up() {
        for rate in ["5/s", "200/s", "1000/s"] {
            let period = rate.parse::<Ceiling>().unwrap().period().unwrap();
            let times = departures(rate, 2000, |_| Duration::from_micros(800));
            assert!(times[1999] < period * 2015, "{rate}: {:?}", times[1999]);
        }
    }

    #[test]
    fn without_a_limit_everything_leaves_at_once() {
        assert_eq!(departures("unlimited", 1000, |_| Duration::ZERO)[999], Duration::ZERO);
    }

    #[test]
    fn a_late_timer_is_made_up_for_and_a_pause_is_not() {
        // A period is 1.005 s, and the slack 5.025 ms: from 2 periods on it is a pause.
        for (second, third, leaves) in [(2.012, 3.0125, true), (2.016, 3.0125, false), (9.0, 10.0015, false)]
        {
            let mut pacer = Pacer::new("1/s".parse().unwrap());
            assert_eq!(pacer.take(Duration::from_millis(2)), Ok(()));
            assert_eq!(pacer.take(Duration::from_secs_f64(second)), Ok(()));
            let third = pacer.take(Duration::from_secs_f64(third));
            assert_eq!(third.is_ok(), leaves, "{second}: {third:?}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_the_slack(
            waits in prop::collection::vec(0u64..2_000, 2..80),
            per_second in 1u32..200,
        ) {
            let period = Duration::from_secs(1) / per_second;
            let times = departures(&format!("{per_second}/s"), waits.len() as u32, |index| {
                Duration::from_millis(waits[index as usize])
            });
            for (start, from) in times.iter().enumerate() {
                for (end, to) in times.iter().enumerate().skip(start + 1) {
                    let least = period * (end - start) as u32;
                    // A cell is the finest slack there is.
                    let slack = crate::pace::slack(period).max(period / CELLS) + period / CELLS;
                    prop_assert!(*to - *from + slack >= least);
                }
            }
        }
    }
}
