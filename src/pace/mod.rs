//! When the next request may leave. Pure: the time comes in as a number, and nothing sleeps here.
//!
//! Owns the two ways of keeping a pace: below a ceiling that is known, and below a limit that has to
//! be found, from the trail of what was sent. Both together where the limit may be lower than the ceiling. Knows no batches and no answers beyond "passed" and "refused".

mod ceiling;
mod trail;
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

/// Keeps requests apart: never above the ceiling, and below the service's limit once it has shown.
#[derive(Debug)]
pub struct Pace {
    ceiling: Pacer,
    /// Requests a second at the ceiling.
    most: Option<f64>,
    tuner: Option<Tuner>,
    /// When the first request left, and how many have.
    begun: Option<Duration>,
    left: u32,
}

impl Pace {
    /// Starts at time zero.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let most = rate.period().map(|period| 1.0 / period.as_secs_f64());
        let tuner = match rate {
            Rate::AtMost(_) => None,
            Rate::Auto(_) => Some(Tuner::new(most)),
        };
        Self { ceiling: Pacer::new(rate.ceiling()), most, tuner, begun: None, left: 0 }
    }

    /// Takes leave for one request at `now`, or tells when to ask again.
    ///
    /// # Errors
    /// The time before which no request may leave.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        if let Some(tuner) = &self.tuner {
            tuner.may_leave(now)?;
        }
        self.ceiling.take(now)?;
        if let Some(tuner) = &mut self.tuner {
            tuner.leaves(now);
        }
        self.begun.get_or_insert(now);
        self.left = self.left.saturating_add(1);
        Ok(())
    }

    /// About when a request may leave, after so many others that are ready.
    #[must_use]
    pub fn expected(&self, ahead: u32) -> Duration {
        let ceiling = self.ceiling.expected(ahead);
        self.tuner.as_ref().map_or(ceiling, |tuner| tuner.expected(ahead).max(ceiling))
    }

    /// A request that left at `sent` was answered, and not refused for its pace.
    pub fn passed(&mut self, sent: Duration, now: Duration) {
        if let Some(tuner) = &mut self.tuner {
            tuner.passed(sent, now);
        }
    }

    /// A request that left at `sent` was refused for its pace. A pace that the user named is left from then on.
    pub fn refused(&mut self, sent: Duration, now: Duration, retry_after: Option<Duration>) {
        let (most, so_far) = (self.most, self.so_far(now));
        let tuner = self.tuner.get_or_insert_with(|| Tuner::at(so_far, most));
        tuner.refused(sent, now, retry_after);
    }

    /// Requests a second so far, at most the ceiling.
    fn so_far(&self, now: Duration) -> f64 {
        let elapsed = now.saturating_sub(self.begun.unwrap_or(now)).as_secs_f64();
        let so_far = f64::from(self.left) / elapsed.max(1.0);
        self.most.map_or(so_far, |most| so_far.min(most))
    }

    /// A request came to an end that tells nothing of the pace.
    pub const fn lost(&mut self) {
        if let Some(tuner) = &mut self.tuner {
            tuner.lost();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: &str) -> Pace {
        Pace::new(rate.parse().unwrap())
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// How far apart the next requests are to leave, in seconds.
    fn apart(pace: &Pace) -> f64 {
        (pace.expected(1) - pace.expected(0)).as_secs_f64()
    }

    #[test]
    fn a_short_period_has_a_slack_of_its_own() {
        let slack = [99, 100, 1000].map(|millis| slack(Duration::from_millis(millis)).as_micros());
        assert_eq!(slack, [4000, 500, 5000]);
    }

    #[test]
    fn what_is_expected_is_the_later_of_the_ceiling_and_the_limit() {
        // A period and a two-hundredth of it.
        let mut pace = pace("60/min");
        assert_eq!([0, 2].map(|ahead| pace.expected(ahead)), [0.0, 2.01].map(at));
        assert_eq!(pace.take(at(3.0)), Ok(()));
        assert_eq!([0, 2].map(|ahead| pace.expected(ahead)), [4.005, 6.015].map(at));
        // The search for a limit begins with two a second.
        for (rate, expected) in [("auto", [0.5, 1.5]), ("auto:1/s", [1.005, 3.015]), ("auto:9/s", [0.5, 1.5])]
        {
            let mut pace = self::pace(rate);
            assert_eq!(pace.take(Duration::ZERO), Ok(()));
            assert_eq!([0, 2].map(|ahead| pace.expected(ahead)), expected.map(at), "{rate}");
        }
    }

    #[test]
    fn a_pace_that_was_named_and_refused_is_left_for_a_part_of_what_left_in_fact() {
        // How many have left when, and what that comes to in a second.
        for (rate, times, refused, so_far) in [
            ("10/s", (20, 0.2), 4.0, 5.0),
            ("10/s", (3, 0.2), 0.5, 3.0),
            ("30/min", (1, 0.0), 0.1, 0.5),
            ("unlimited", (40, 0.0), 0.5, 40.0),
        ] {
            let mut pace = pace(rate);
            for number in 0..times.0 {
                assert_eq!(pace.take(at(2.0 + f64::from(number) * times.1)), Ok(()));
            }
            pace.refused(at(2.0), at(2.0 + refused), None);
            assert!((apart(&pace) - 1.0 / (so_far * 0.7 * 0.99)).abs() < 1e-6, "{rate}: {}", apart(&pace));
        }
    }

    #[test]
    fn the_search_gets_faster_with_what_passes_and_not_with_what_is_lost() {
        let mut pace = pace("auto");
        for lost in [true, false] {
            for _ in 0..20 {
                let now = pace.expected(0) + Duration::from_nanos(2);
                assert_eq!(pace.take(now), Ok(()));
                if lost { pace.lost() } else { pace.passed(now, now) }
            }
            assert!(if lost { apart(&pace) > 0.499 } else { apart(&pace) < 0.3 }, "{}", apart(&pace));
        }
    }
}
