//! How a run stands while it is sent, in words. Knows no terminal, and the time comes in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::cli::event::{self, Event};
use crate::cli::output::Output;
use crate::cli::words;
use crate::cli::wrap::cut;
use crate::domain::{Printable, Rate};
use crate::run::Progress;

/// How far back the pace is measured.
const WINDOW: Duration = Duration::from_secs(60);
/// How much has to be seen before anything is forecast.
const LEAST: Duration = Duration::from_secs(2);
/// How long nothing may get through before that is said rather than a pace.
const SILENCE: Duration = Duration::from_secs(5);

/// Where the run was at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    settled: u64,
    requests: u64,
}

/// Something that is tried again.
#[derive(Debug, Clone)]
struct Trouble {
    why: String,
    since: Instant,
}

/// How a run stands.
#[derive(Debug)]
pub(super) struct Standing {
    rate: Rate,
    progress: Progress,
    samples: VecDeque<Sample>,
    /// Until when everyone waits.
    throttled_until: Option<Instant>,
    trouble: Option<Trouble>,
    /// The last forecast of an end, which stands while nothing can be measured.
    forecast: Option<Duration>,
}

impl Standing {
    pub(super) const fn new(rate: Rate) -> Self {
        let progress = Progress { total: 0, done: 0, unchanged: 0, failed: 0, invalid: 0, requests: 0 };
        Self {
            rate,
            progress,
            samples: VecDeque::new(),
            throttled_until: None,
            trouble: None,
            forecast: None,
        }
    }

    pub(super) fn begin(&mut self, progress: Progress, now: Instant) {
        self.progress = progress;
        self.sample(now);
    }

    pub(super) fn update(&mut self, progress: Progress, now: Instant) {
        let before = self.settled();
        self.progress = progress;
        if self.settled() > before {
            self.trouble = None;
        }
        self.sample(now);
    }

    fn sample(&mut self, now: Instant) {
        if self.samples.back().is_some_and(|last| now.duration_since(last.at) < TICK) {
            return;
        }
        let sample = Sample { at: now, settled: self.settled(), requests: self.progress.requests };
        self.samples.push_back(sample);
        while self.samples.len() > 2
            && self.samples.front().is_some_and(|old| now.duration_since(old.at) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Everyone waits so long. What was measured before says nothing of the pace afterwards.
    pub(super) fn throttle(&mut self, wait: Duration, now: Instant) {
        self.throttled_until = now.checked_add(wait);
    }

    /// Something is tried again; whether that is news.
    pub(super) fn trouble(&mut self, why: &str, now: Instant) -> bool {
        let is_news = self.trouble.is_none();
        let since = self.trouble.take().map_or(now, |trouble| trouble.since);
        self.trouble = Some(Trouble { why: why.to_owned(), since });
        is_news
    }

    /// Operations that have their outcome.
    pub(super) const fn settled(&self) -> u64 {
        self.progress.done + self.progress.unchanged + self.progress.failed
    }

    fn throttled(&self, now: Instant) -> Option<Duration> {
        self.throttled_until?.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Requests and operations per second, lately.
    fn pace(&self, now: Instant) -> Option<(f64, f64)> {
        let first = self.samples.front()?;
        let time = now.duration_since(first.at);
        if time < LEAST {
            return None;
        }
        let each = |count: u64| whole(count) / time.as_secs_f64();
        Some((each(self.progress.requests - first.requests), each(self.settled() - first.settled)))
    }

    /// How long it will take still. Held still while throttled, and none while nothing gets through.
    fn forecast(&mut self, now: Instant) -> Option<Duration> {
        if self.is_stuck(now) {
            return None;
        }
        if self.throttled(now).is_none()
            && let Some((_, operations)) = self.pace(now)
            && operations > 0.0
        {
            let left = self.progress.total.saturating_sub(self.settled() + self.progress.invalid);
            self.forecast = Duration::try_from_secs_f64(whole(left) / operations).ok();
        }
        self.forecast
    }

    fn is_stuck(&self, now: Instant) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| now.duration_since(trouble.since) >= SILENCE)
    }

    /// All of it in one line, or as much as there is room for: what matters least is left out first.
    pub(super) fn line(&mut self, output: Output, now: Instant, room: usize) -> String {
        let Progress { total, done, unchanged, failed, invalid, .. } = self.progress;
        let number = |count| output.number(count);
        let mut counts = format!("{} of {} done", number(done), number(total - invalid));
        for (count, word) in [(unchanged, "unchanged"), (failed, "failed")] {
            if count > 0 {
                counts = format!("{counts}, {} {word}", number(count));
            }
        }
        if let Some(trouble) = &self.trouble {
            let why = Printable(&trouble.why);
            let time = words::duration(now.duration_since(trouble.since));
            let text = if self.is_stuck(now) {
                format!("{counts}; nothing gets through for {time}, trying again: {why}")
            } else {
                format!("{counts}; trying again: {why}")
            };
            return cut(&text, room);
        }
        let [long, short] = self.pace_in_words(now);
        let left = self.forecast(now).map(|left| format!("; about {} left", words::duration(rounded(left))));
        let left = left.unwrap_or_default();
        let ways =
            [format!("{counts}{long}{left}"), format!("{counts}{short}{left}"), format!("{counts}{left}")];
        ways.into_iter().find(|way| way.chars().count() <= room).unwrap_or_else(|| cut(&counts, room))
    }

    /// The pace and how it was found, or the wait that the service asks for: in full, and in short.
    fn pace_in_words(&self, now: Instant) -> [String; 2] {
        if let Some(left) = self.throttled(now) {
            let left = words::duration(left);
            return [
                format!("; throttled by the service for another {left}"),
                format!("; throttled, {left} more"),
            ];
        }
        let Some((requests, _)) = self.pace(now) else { return Default::default() };
        let pace = requests * 60.0;
        let is_found = self.rate.to_string().starts_with("auto");
        let how = if is_found { "found by itself" } else { "as --rate allows" };
        [format!("; {pace:.0} requests/min, {how}"), format!("; {pace:.0}/min")]
    }

    pub(super) fn event(&mut self, now: Instant) -> Event<'_> {
        let Progress { total, done, unchanged, failed, requests, .. } = self.progress;
        let pace = self.pace(now);
        Event::Progress(event::ProgressEvent {
            total,
            done,
            unchanged,
            failed,
            requests,
            per_second: pace.map(|(_, operations)| (operations * 10.0).round() / 10.0),
            per_minute: pace.map(|(requests, _)| (requests * 60.0).round()),
            eta_s: self.forecast(now).map(|left| left.as_secs()),
            throttled_s: self.throttled(now).map(|left| left.as_secs()),
            trying_again: self.trouble.as_ref().map(|trouble| trouble.why.as_str()),
        })
    }
}

/// Samples closer than this tell nothing more.
const TICK: Duration = Duration::from_millis(500);

/// A forecast is no better than a second.
const fn rounded(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs() + 1)
}

#[expect(clippy::cast_precision_loss, reason = "counts of operations stay far below 2^52")]
const fn whole(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64, requests: u64) -> Progress {
        Progress { total: 1000, done, requests, ..Progress::default() }
    }

    #[test]
    fn the_forecast_stands_still_while_throttled_and_none_is_made_while_nothing_gets_through() {
        let begun = Instant::now();
        let later = |seconds| begun + Duration::from_secs(seconds);
        let mut standing = Standing::new("300/min".parse().unwrap());
        standing.begin(at(0, 0), begun);
        assert_eq!(standing.line(Output::plain(), later(1), 200), "0 of 1000 done");
        standing.update(at(100, 10), later(10));
        let line = standing.line(Output::plain(), later(10), 200);
        assert_eq!(line, "100 of 1000 done; 60 requests/min, as --rate allows; about 91 s left");
        let narrow = |standing: &mut Standing, room| standing.line(Output::plain(), later(10), room);
        assert_eq!(narrow(&mut standing, 50), "100 of 1000 done; 60/min; about 91 s left");
        assert_eq!(narrow(&mut standing, 40), "100 of 1000 done; about 91 s left");
        assert_eq!(narrow(&mut standing, 20), "100 of 1000 done");
        assert_eq!(narrow(&mut standing, 10), "100 of 10…");
        standing.throttle(Duration::from_secs(30), later(10));
        let line = standing.line(Output::plain(), later(30), 200);
        assert_eq!(line, "100 of 1000 done; throttled by the service for another 10 s; about 91 s left");
        standing.update(at(110, 11), later(41));
        assert!(standing.trouble("HTTP 503", later(42)));
        assert!(!standing.trouble("HTTP 503", later(43)));
        let line = standing.line(Output::plain(), later(43), 200);
        assert_eq!(line, "110 of 1000 done; trying again: HTTP 503");
        let line = standing.line(Output::plain(), later(72), 200);
        assert_eq!(line, "110 of 1000 done; nothing gets through for 30 s, trying again: HTTP 503");
        assert!(matches!(
            standing.event(later(72)),
            Event::Progress(event::ProgressEvent { eta_s: None, .. })
        ));
        standing.update(at(120, 13), later(73));
        assert!(standing.line(Output::plain(), later(73), 200).contains("left"));
    }

    #[test]
    fn done_failed_and_unchanged_are_counted_apart() {
        let begun = Instant::now();
        let mut standing = Standing::new("auto".parse().unwrap());
        standing
            .begin(Progress { total: 10, done: 3, unchanged: 2, failed: 1, invalid: 1, requests: 0 }, begun);
        assert_eq!(standing.line(Output::plain(), begun, 200), "3 of 9 done, 2 unchanged, 1 failed");
    }
}
