//! Progress: a bar on a terminal, a line or an event every ten seconds elsewhere.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;

use super::output::Output;
use crate::domain::RunId;
use crate::run::{Observer, Progress, Silent};

/// Between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Whoever fits who reads along.
pub(super) fn observer(output: Output) -> Box<dyn Observer> {
    match output {
        Output { json: true, .. } => Box::new(Lines::new(output)),
        Output { quiet: true, .. } => Box::new(Silent),
        _ if io::stderr().is_terminal() => Box::new(Bar::new()),
        _ => Box::new(Lines::new(output)),
    }
}

/// Until when everyone waits.
type Throttle = Arc<Mutex<Option<Instant>>>;

fn throttled_for(throttle: &Throttle) -> Option<Duration> {
    let until = *throttle.lock().unwrap_or_else(PoisonError::into_inner);
    until?.checked_duration_since(Instant::now())
}

fn throttle_until(throttle: &Throttle, wait: Duration) {
    *throttle.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now().checked_add(wait);
}

/// A bar that counts down while throttled.
struct Bar {
    bar: ProgressBar,
    throttle: Throttle,
}

impl Bar {
    fn new() -> Self {
        let throttle = Throttle::default();
        let shown = Arc::clone(&throttle);
        let countdown = move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
            if let Some(wait) = throttled_for(&shown) {
                let _ = write!(line, " throttled by the service, {} s left", wait.as_secs() + 1);
            }
        };
        let template = "{bar:30} {human_pos}/{human_len} done{msg} · {per_sec:1} · ETA {eta}{throttle}";
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("throttle", countdown);
        Self { bar: ProgressBar::new(0).with_style(style), throttle }
    }
}

impl Observer for Bar {
    fn started(&mut self, _run: RunId, progress: &Progress) {
        self.bar.set_length(progress.total - progress.invalid);
        self.bar.set_position(progress.done + progress.failed);
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    fn progress(&mut self, progress: &Progress) {
        self.bar.set_position(progress.done + progress.failed);
        if progress.failed > 0 {
            self.bar.set_message(format!(" · {} failed", progress.failed));
        }
    }

    fn throttled(&mut self, wait: Duration) {
        throttle_until(&self.throttle, wait);
    }

    fn stopping(&mut self, in_flight: usize) {
        self.bar.println(format!("Stopping: {in_flight} requests are awaited; once more stops at once"));
    }

    fn notice(&mut self, message: &str) {
        self.bar.println(message);
    }

    fn ended(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Lines or events, told by a thread of their own: also while nothing happens.
struct Lines {
    output: Output,
    shared: Arc<Mutex<(Progress, Instant)>>,
    throttle: Throttle,
    teller: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Lines {
    fn new(output: Output) -> Self {
        let shared = Arc::new(Mutex::new((Progress::default(), Instant::now())));
        Self { output, shared, throttle: Throttle::default(), teller: None }
    }
}

impl Observer for Lines {
    fn started(&mut self, run: RunId, progress: &Progress) {
        self.output.event(
            &json!({"event": "started", "run": run.0, "total": progress.total, "done": progress.done}),
        );
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = (*progress, Instant::now());
        let (output, shared, throttle, first) =
            (self.output, Arc::clone(&self.shared), Arc::clone(&self.throttle), *progress);
        let (stop, stopped) = mpsc::channel();
        let teller = thread::spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                let (progress, begun) = *shared.lock().unwrap_or_else(PoisonError::into_inner);
                tell(output, first, progress, begun.elapsed(), throttled_for(&throttle));
            }
        });
        self.teller = Some((stop, teller));
    }

    fn progress(&mut self, progress: &Progress) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).0 = *progress;
    }

    fn throttled(&mut self, wait: Duration) {
        throttle_until(&self.throttle, wait);
        self.output.say(format_args!("The service asks to wait {:.0} s", wait.as_secs_f64()));
        self.output.event(&json!({"event": "throttled", "wait_s": wait.as_secs_f64()}));
    }

    fn stopping(&mut self, in_flight: usize) {
        self.output.say(format_args!("Stopping: {in_flight} requests are awaited; once more stops at once"));
        self.output.event(&json!({"event": "stopping", "in_flight": in_flight}));
    }

    fn notice(&mut self, message: &str) {
        self.output.say(message);
    }

    fn ended(&mut self) {
        if let Some((stop, teller)) = self.teller.take() {
            drop(stop);
            let _ = teller.join();
        }
    }
}

fn tell(output: Output, first: Progress, progress: Progress, elapsed: Duration, throttled: Option<Duration>) {
    let settled = progress.done + progress.failed + progress.invalid;
    let here = (progress.done + progress.failed).saturating_sub(first.done + first.failed);
    let rate = per_second(here, elapsed);
    let left = progress.total.saturating_sub(settled);
    let eta = (rate > 0.0).then(|| per_second(left, Duration::from_secs(1)) / rate);
    output.event(&json!({
        "event": "progress", "total": progress.total, "done": progress.done, "failed": progress.failed,
        "requests": progress.requests, "per_second": (rate * 10.0).round() / 10.0, "eta_s": eta.map(f64::round),
        "throttled_s": throttled.map(|wait| wait.as_secs()),
    }));
    let eta = eta.map_or_else(String::new, |eta| format!(", about {eta:.0} s left"));
    let waiting =
        throttled.map_or_else(String::new, |wait| format!(", throttled for another {} s", wait.as_secs()));
    output.say(format_args!(
        "{} of {} done, {} failed, {rate:.1}/s{eta}{waiting}",
        progress.done, progress.total, progress.failed
    ));
}

#[expect(clippy::cast_precision_loss, reason = "counts of operations stay far below 2^52")]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(0.001)
}
