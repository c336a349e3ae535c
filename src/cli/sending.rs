//! What apply, resume, retry and demo have in common: sending a run and telling what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::context::{Context, sending_runtime, shell_word};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::progress;
use crate::domain::{Printable, RunId, RunState};
use crate::engine::Ending;
use crate::journal::{Journal, Reader, RunRow, Tally};
use crate::report::write_failures;
use crate::run::{RunSettings, Stop, send};
use crate::webex::Client;

/// Sends a run that is in the journal, writes its failures CSV and tells how it ended.
pub(super) fn send_run(
    context: &Context,
    journal: Journal,
    run: RunId,
    client: Client,
    settings: &RunSettings,
    stops: Stops,
) -> Result<Exit, Failure> {
    let runtime = sending_runtime()?;
    let mut observer = progress::observer(context.output);
    stops.sending.store(true, Ordering::SeqCst);
    let sent = runtime.block_on(send(journal, run, client, settings, observer.as_mut(), stops.receiver));
    drop(observer);
    let sent = sent?;
    let reader = sent.journal.reader()?;
    conclude(context, &reader, run, settings, Some(&sent.ending), sent.elapsed)
}

/// Writes the failures CSV and the summary of a run; the exit code is as the run stands.
pub(super) fn conclude(
    context: &Context,
    reader: &Reader,
    run: RunId,
    settings: &RunSettings,
    ending: Option<&Ending>,
    elapsed: Duration,
) -> Result<Exit, Failure> {
    let output = context.output;
    let row = reader.run(Some(run))?.ok_or_else(|| Failure::usage(format!("run {run} is gone")))?;
    let failures = write_failures(reader, &row, &settings.failures)?;
    let path = settings.failures.display().to_string();
    summary(reader, &row, elapsed, path.clone())?.tell(output);
    let tally = row.tally;
    output.say(sentence(run, &tally, elapsed));
    if failures > 0 {
        output.say(format_args!("{failures} rows that were not done are in {path}"));
    }
    if row.state != RunState::Finished {
        let reason = ending.map(ToString::to_string).or(row.reason).unwrap_or_default();
        output.say(format_args!("Paused: {}", Printable(&reason)));
        output.say(format_args!("Go on with: {}", context.command(format_args!("resume {run}"))));
        return Ok(Exit::Paused);
    }
    if tally.failed + tally.invalid + tally.in_doubt == 0 {
        return Ok(Exit::Done);
    }
    if let Some(code) = failed_alike(reader, &row)? {
        output.say(format_args!(
            "Everything failed alike, with {}: probably the organization (--org-id), the token's rights or --wire is \
             wrong rather than the rows",
            Printable(&code)
        ));
    }
    let apply = context.command(format_args!("apply {}", shell_word(&path)));
    output.say(format_args!("What to do next: mend the rows in the failures CSV and run: {apply}"));
    if tally.failed + tally.in_doubt > 0 {
        let retry = context.command(format_args!("retry {run}"));
        output.say(format_args!("or send the failed ones again as they are: {retry}"));
    }
    Ok(Exit::Problems)
}

/// The one code with which all of several operations failed.
fn failed_alike(reader: &Reader, row: &RunRow) -> Result<Option<String>, Failure> {
    if row.tally.done > 0 || row.tally.failed < 2 {
        return Ok(None);
    }
    let mut codes = reader.failure_codes(row.run)?.into_iter();
    Ok(codes.next().filter(|(_, count)| *count == row.tally.failed).map(|(code, _)| code))
}

fn sentence(run: RunId, tally: &Tally, elapsed: Duration) -> String {
    let mut text = format!("Run {run}: {} of {} operations done", tally.done, tally.total);
    for (count, word) in [
        (tally.unchanged, "unchanged"),
        (tally.failed, "failed"),
        (tally.invalid, "invalid"),
        (tally.in_doubt, "in doubt"),
        (tally.pending, "pending"),
    ] {
        if count > 0 {
            text = format!("{text}, {count} {word}");
        }
    }
    format!("{text}, in {:.1} s", elapsed.as_secs_f64())
}

/// The contract's last line.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    event: &'static str,
    run: u32,
    state: &'static str,
    total: u64,
    done: u64,
    unchanged: u64,
    failed: u64,
    invalid: u64,
    in_doubt: u64,
    pending: u64,
    requests: u64,
    retries: u64,
    elapsed_s: f64,
    failures_csv: String,
}

impl Summary {
    pub(super) fn tell(&self, output: Output) {
        output.event(self);
    }
}

/// Counts of the whole run, whichever process did it.
pub(super) fn summary(
    reader: &Reader,
    row: &RunRow,
    elapsed: Duration,
    failures_csv: String,
) -> Result<Summary, Failure> {
    let Tally { total, done, failed, pending, in_doubt, invalid, unchanged } = row.tally;
    let (requests, retries) = reader.request_counts(row.run)?;
    let elapsed_s = (elapsed.as_secs_f64() * 1000.0).round() / 1000.0;
    Ok(Summary {
        event: "summary",
        run: row.run.0,
        state: row.state.as_str(),
        total,
        done,
        unchanged,
        failed,
        invalid,
        in_doubt,
        pending,
        requests,
        retries,
        elapsed_s,
        failures_csv,
    })
}

/// Signals, listened to from the start of a command on.
#[derive(Debug)]
pub(super) struct Stops {
    receiver: mpsc::UnboundedReceiver<Stop>,
    /// Whether there is a run to be paused.
    sending: Arc<AtomicBool>,
}

impl Stops {
    /// Listens on `runtime`. The first signal asks a run to pause; where nothing has been sent yet it
    /// ends the process, and so does the second.
    pub(super) fn listen(runtime: &Runtime) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sending = Arc::new(AtomicBool::new(false));
        let is_sending = Arc::clone(&sending);
        runtime.spawn(async move {
            let mut signals = Signals::new();
            signals.next().await;
            if is_sending.load(Ordering::SeqCst) {
                let _ = sender.send(Stop);
                signals.next().await;
            } else {
                Output::plain().say("Stopped by a signal; nothing was sent");
            }
            // What is in flight is in the journal as such; what is half imported starts over.
            std::process::exit(i32::from(Exit::Paused as u8));
        });
        Self { receiver, sending }
    }
}

#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        async fn one(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            () = one(interrupt) => {}
            () = one(terminate) => {}
            () = one(hangup) => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    const fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
