//! Progress: a bar on a terminal, a line or an event every ten seconds elsewhere.

mod standing;

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use self::standing::Standing;
use super::event::Event;
use super::output::{Output, columns};
use super::words;
use crate::domain::{Printable, Rate, RunId};
use crate::run::{FailedOperation, Observer, Progress, Silent};

/// Between two lines, and between two looks of the bar.
const LINES: Duration = Duration::from_secs(10);
const TICKS: Duration = Duration::from_millis(250);

/// Whoever fits who reads along.
pub(super) fn observer(output: Output, rate: Rate) -> Box<dyn Observer> {
    let face = match output {
        Output { json: true, .. } => Face::Events,
        Output { quiet: true, .. } => return Box::new(Silent),
        _ if io::stderr().is_terminal() && can_move_the_cursor() => Face::Bar(bar()),
        _ => Face::Lines,
    };
    Box::new(TellingThread {
        output,
        face,
        standing: Arc::new(Mutex::new(Standing::new(rate))),
        thread: None,
    })
}

/// A terminal that cannot is given lines.
fn can_move_the_cursor() -> bool {
    std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

/// Columns of the bar itself.
const BAR: usize = 10;
/// Columns that are left free behind the line: a terminal shows Ctrl-C there as `^C`, and must not break the line for it.
const FREE: usize = 3;

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("{{bar:{BAR}}} {{msg}}"));
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What is looked at.
#[derive(Clone)]
enum Face {
    Bar(ProgressBar),
    Lines,
    Events,
}

impl Face {
    fn show(&self, output: Output, standing: &mut Standing, now: Instant) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(standing.settled());
                let room = columns(&io::stderr()).unwrap_or(usize::MAX).saturating_sub(BAR + 1 + FREE);
                bar.set_message(standing.line(output, now, room));
            }
            Self::Lines => output.say(standing.line(output, now, usize::MAX)),
            Self::Events => output.event(&standing.event(now)),
        }
    }

    /// A message between two looks.
    fn say(&self, output: Output, text: &str) {
        match self {
            Self::Bar(bar) => bar.println(Output::for_stderr(text)),
            Self::Lines | Self::Events => output.say(text),
        }
    }
}

/// Tells by a thread of its own: also while nothing happens.
struct TellingThread {
    output: Output,
    face: Face,
    standing: Arc<Mutex<Standing>>,
    thread: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl TellingThread {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, text: &str) {
        self.face.say(self.output, text);
    }
}

impl Observer for TellingThread {
    fn started(&mut self, run: RunId, progress: &Progress) {
        let Progress { total, done, .. } = *progress;
        self.output.event(&Event::Started { run: run.0, total, done });
        self.standing().begin(*progress, Instant::now());
        if let Face::Bar(bar) = &self.face {
            bar.set_length(progress.total - progress.invalid);
        }
        let interval = if matches!(self.face, Face::Bar(_)) { TICKS } else { LINES };
        let (output, face, standing) = (self.output, self.face.clone(), Arc::clone(&self.standing));
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
                let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
                face.show(output, &mut standing, Instant::now());
            }
        });
        self.thread = Some((stop, thread));
    }

    fn progress(&mut self, progress: &Progress) {
        self.standing().update(*progress, Instant::now());
    }

    fn failed(&mut self, failure: &FailedOperation<'_>) {
        let FailedOperation { line, item, code, message } = *failure;
        self.output.event(&Event::Failure { line, item, code, message });
    }

    fn trying_again(&mut self, why: &str) {
        if self.standing().trouble(why, Instant::now()) {
            self.say(&format!("Trying again: {}", Printable(why)));
            self.output.event(&Event::TryingAgain { reason: why });
        }
    }

    fn throttled(&mut self, wait: Duration) {
        self.standing().throttle(wait, Instant::now());
        if !matches!(self.face, Face::Bar(_)) {
            self.say(&format!("The service asks to wait {}", words::duration(wait)));
        }
        self.output.event(&Event::Throttled { wait_s: wait.as_secs_f64() });
    }

    fn stopping(&mut self, in_flight: usize) {
        let awaited = match in_flight {
            0 => "Stopping".to_owned(),
            1 => "Stopping: one answer is awaited".to_owned(),
            several => format!("Stopping: {several} answers are awaited"),
        };
        self.say(&format!("{awaited}; press Ctrl-C again to stop at once"));
        self.output.event(&Event::Stopping { in_flight });
    }

    fn notice(&mut self, message: &str) {
        self.say(message);
        self.output.event(&Event::Notice { message });
    }

    fn ended(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }
}
