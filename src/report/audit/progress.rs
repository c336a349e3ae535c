//! How a run went on over time.

use std::collections::BTreeMap;

use crate::journal::AttemptRow;

/// Steps on the way at most.
const STEPS: i64 = 160;

/// How many operations were settled by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(super) struct Step {
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// Operations done by then.
    pub(super) done: u64,
    /// Operations failed by then.
    pub(super) failed: u64,
}

/// A run's way, and when it was held back.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Operations done and failed, by the second.
    settled: BTreeMap<i64, (u64, u64)>,
    /// Times at which the service wanted us to wait, as milliseconds from and to.
    throttled: Vec<(i64, i64)>,
    began: Option<i64>,
    ended: Option<i64>,
}

impl Timeline {
    pub(super) fn settle(&mut self, second: i64, done: bool) {
        let (dones, failures) = self.settled.entry(second).or_default();
        *(if done { dones } else { failures }) += 1;
    }

    pub(super) fn attempt(&mut self, attempt: &AttemptRow) {
        let end = attempt.ended_at.unwrap_or(attempt.started_at);
        self.began = Some(self.began.map_or(attempt.started_at, |began| began.min(attempt.started_at)));
        self.ended = Some(self.ended.map_or(end, |ended| ended.max(end)));
        if attempt.http_status == Some(429) {
            let wait = i64::from(attempt.retry_after_s.unwrap_or(1).max(1));
            self.throttled.push((end, end.saturating_add(wait.saturating_mul(1000))));
        }
    }

    /// From when to when it was at work, in milliseconds since 1970; `None` where it never sent anything.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        self.began.zip(self.ended).map(|(from, to)| (from, to.max(from + 1)))
    }

    /// The way in a number of steps that fits a picture.
    pub(super) fn steps(&self) -> Vec<Step> {
        let Some((from, to)) = self.span() else { return Vec::new() };
        let width = ((to - from) / STEPS).max(1);
        let mut steps = vec![Step { at: from, ..Step::default() }];
        for (second, (done, failed)) in &self.settled {
            let at = (second * 1000 + 999).clamp(from, to);
            let first = steps.len() == 1;
            let Some(last) = steps.last_mut() else { break };
            let step = Step { at, done: last.done + done, failed: last.failed + failed };
            if at - last.at < width && !first {
                *last = step;
            } else {
                steps.push(step);
            }
        }
        if let Some(last) = steps.last().copied().filter(|last| last.at < to) {
            steps.push(Step { at: to, ..last });
        }
        steps
    }

    /// When it was throttled, one span after the other.
    pub(super) fn throttled(&self) -> Vec<(i64, i64)> {
        let mut spans = self.throttled.clone();
        spans.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (from, to) in spans {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(from: i64, to: i64, status: u16, wait: Option<u32>) -> AttemptRow {
        AttemptRow { started_at: from, ended_at: Some(to), http_status: Some(status), retry_after_s: wait }
    }

    #[test]
    fn a_long_way_fits_a_picture_and_ends_where_it_ended() {
        let mut progress = Timeline::default();
        progress.attempt(&attempt(1000, 2000, 200, None));
        progress.attempt(&attempt(9_000_000, 10_000_000, 200, None));
        for second in 0..10_000 {
            progress.settle(second, second % 10 != 0);
        }
        let steps = progress.steps();
        assert!(steps.len() <= 165, "{}", steps.len());
        let last = steps.last().unwrap();
        assert_eq!((last.at, last.done, last.failed), (10_000_000, 9000, 1000));
        assert!(steps.is_sorted_by_key(|step| (step.at, step.done)));
        assert!(Timeline::default().steps().is_empty());
    }

    #[test]
    fn pauses_that_overlap_are_one() {
        let mut progress = Timeline::default();
        progress.attempt(&attempt(0, 1000, 429, Some(5)));
        progress.attempt(&attempt(0, 3000, 429, Some(5)));
        progress.attempt(&attempt(0, 20_000, 429, None));
        assert_eq!(progress.throttled(), [(1000, 8000), (20_000, 21_000)]);
    }
}
