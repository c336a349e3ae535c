//! What the requests lately sent tell of the limit: at which pace they left, and how much got through between two
//! times when the limit was used up.

use std::collections::VecDeque;

/// Times at which the limit was used up that are remembered.
const MARKS: usize = 16;
/// Departures that are remembered with their pace, at least a hundredth of a second apart.
const DEPARTURES: usize = 200;
/// The shortest time and the fewest requests that a limit is measured over.
const MEASURED: (f64, f64) = (1.0, 5.0);

/// How much had got through at a time.
#[derive(Debug, Clone, Copy)]
struct TrailMark {
    at: f64,
    accepted: u64,
}

/// Requests that left, and what became of them.
#[derive(Debug)]
pub(super) struct Trail {
    accepted: u64,
    /// When the limit was used up.
    marks: VecDeque<TrailMark>,
    /// Which pace requests left at, lately.
    left_at: VecDeque<(f64, f64)>,
    /// When something got through again, the last time.
    opened: Option<TrailMark>,
}

impl Trail {
    pub(super) fn new() -> Self {
        Self {
            accepted: 0,
            marks: VecDeque::with_capacity(MARKS),
            left_at: VecDeque::with_capacity(DEPARTURES),
            opened: None,
        }
    }

    /// How many got through.
    pub(super) const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// A request leaves, at this pace.
    pub(super) fn leaves(&mut self, now: f64, pace: f64) {
        if self.marks.is_empty() {
            let first = TrailMark { at: now, accepted: 0 };
            self.marks.push_back(first);
            self.opened = Some(first);
        }
        if self.left_at.back().is_none_or(|(at, _)| now - at >= 0.01) {
            if self.left_at.len() == DEPARTURES {
                self.left_at.pop_front();
            }
            self.left_at.push_back((now, pace));
        }
    }

    /// A request got through.
    pub(super) const fn passes(&mut self) {
        self.accepted += 1;
    }

    /// The limit is used up.
    pub(super) fn used_up(&mut self, now: f64) {
        self.marks.push_back(TrailMark { at: now, accepted: self.accepted });
        if self.marks.len() > MARKS {
            self.marks.pop_front();
        }
    }

    /// Something gets through again: what got through in a second since the last time it did so.
    pub(super) fn opens(&mut self, now: f64) -> Option<f64> {
        let before = self.opened.replace(TrailMark { at: now, accepted: self.accepted })?;
        self.through(before, now)
    }

    /// The pace of the request before the one that left at `sent`.
    pub(super) fn pace_before(&self, sent: f64) -> Option<f64> {
        let mut before = self.left_at.iter().rev().filter(|(at, _)| *at < sent - 1e-6);
        before.next().map(|(_, pace)| *pace)
    }

    /// The pace at which a request left.
    pub(super) fn pace_at(&self, sent: f64) -> Option<f64> {
        self.left_at.iter().rev().find(|(at, _)| *at <= sent).map(|(_, pace)| *pace)
    }

    /// What gets through in a second, measured from an earlier time when the limit was used up: the last one that is
    /// long enough ago, so many `times` as long as it has to be at this pace.
    pub(super) fn measured(&self, now: f64, pace: f64, times: f64) -> Option<f64> {
        let least = MEASURED.0.max(MEASURED.1 / pace) * times;
        self.marks
            .iter()
            .rev()
            .filter(|mark| now - mark.at >= least)
            .find_map(|mark| self.through(*mark, now))
    }

    /// What got through in a second since then, where it is enough to tell.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
    fn through(&self, since: TrailMark, now: f64) -> Option<f64> {
        let accepted = self.accepted - since.accepted;
        (accepted >= 3).then(|| accepted as f64 / (now - since.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_got_through_is_measured_from_the_last_mark_that_is_long_ago() {
        let mut trail = Trail::new();
        let mut now = 0.0;
        for request in 0..40 {
            trail.leaves(now, 2.0 + f64::from(request));
            trail.passes();
            if request == 9 || request == 35 {
                trail.used_up(now);
            }
            now += 0.5;
        }
        // 2.5 s are five requests at two a second; ten times as long is longer than the first mark is ago.
        assert_eq!(trail.measured(now, 2.0, 1.0), Some(4.0 / 2.5));
        assert_eq!(trail.measured(now, 2.0, 2.0), Some(30.0 / 15.5));
        assert_eq!(trail.measured(now, 2.0, 8.0), Some(40.0 / 20.0));
        assert_eq!(trail.measured(now, 2.0, 10.0), None);
        assert_eq!(
            (trail.pace_at(1.6), trail.pace_before(1.5), trail.pace_before(0.0)),
            (Some(5.0), Some(4.0), None)
        );
        assert_eq!((trail.opens(now), trail.opens(now + 1.0)), (Some(2.0), None));
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let mut trail = Trail::new();
        trail.leaves(0.0, 1.0);
        (0..100).for_each(|_| trail.passes());
        for mark in 1..16 {
            trail.used_up(f64::from(mark) / 100.0);
            assert_eq!(
                trail.measured(20.0, 1.0, 4.0),
                Some(5.0),
                "the first departure is a mark, too: {mark}"
            );
        }
        trail.used_up(0.2);
        assert_eq!(trail.measured(20.0, 1.0, 4.0), None);
        // So are departures, and those that follow too soon on another are not remembered at all.
        for departure in 0..201 {
            trail.leaves(50.0 + f64::from(departure), f64::from(departure));
            trail.leaves(50.009 + f64::from(departure), 7.0);
        }
        assert_eq!(
            [49.5, 50.5, 51.0, 51.5].map(|sent| trail.pace_at(sent)),
            [None, None, Some(1.0), Some(1.0)]
        );
        assert_eq!((trail.pace_before(51.0), trail.pace_before(52.0)), (None, Some(1.0)));
    }

    #[test]
    fn two_requests_tell_nothing() {
        for (passed, measured) in [(2, None), (3, Some(0.6))] {
            let mut trail = Trail::new();
            trail.leaves(0.0, 1.0);
            (0..passed).for_each(|_| trail.passes());
            assert_eq!((trail.measured(5.0, 1.0, 1.0), trail.accepted()), (measured, passed));
            assert_eq!(trail.measured(4.99, 1.0, 1.0), None, "five requests at this pace take longer");
            assert_eq!(
                trail.measured(4.99, 10.0, 5.0),
                None,
                "a limit is measured over a second, five times"
            );
        }
    }
}
