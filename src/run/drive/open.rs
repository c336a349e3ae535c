//! Opening a run to send it, and closing it: what is journaled before the first request and after the last.

use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::Instant;

use super::{Driver, Message, SendError, Sent, Stop};
use crate::domain::{RunId, RunState, Snapshot};
use crate::engine::{Ending, Engine};
use crate::journal::{Journal, JournalError, Writer};
use crate::live::{Readings, Unread};
use crate::run::observe::{Observer, Progress};
use crate::run::snapshot::{Before, SnapshotError, snapshot};
use crate::run::{RunSettings, unix_millis};
use crate::webex::ReadError;

/// A wait that is told.
const LONG: Duration = Duration::from_secs(1);

/// So many requests are made unasked to find out who held what before.
const AUTO_SNAPSHOT: u64 = 100;

/// Sends a run that is in the journal until it is finished or pauses, and journals which: with the client of
/// `readings`, and below the pace together with what they have read before.
///
/// # Errors
/// [`SendError`] where the journal fails; nothing is sent after that.
pub async fn send(
    mut journal: Journal,
    run: RunId,
    readings: Readings,
    settings: &RunSettings,
    observer: &mut dyn Observer,
    mut stops: UnboundedReceiver<Stop>,
) -> Result<Sent, SendError> {
    let begun = Instant::now();
    let mut settings = settings.clone();
    let client = readings.client().clone();
    // Once something has been sent, what is in effect says nothing of what was in effect before.
    let wanted = std::mem::replace(&mut settings.snapshot, Snapshot::No);
    if wanted != Snapshot::No && journal.is_untouched(run)? {
        let looked =
            look_before(&mut journal, run, &readings, (wanted, &mut settings), observer, &mut stops).await?;
        if let Some(ending) = looked {
            return Ok(Sent { ending, progress: Progress::default(), elapsed: begun.elapsed(), journal });
        }
    }
    if !keep_off(&readings, observer, &mut stops).await {
        journal_end(&mut journal, run, &Ending::Stopped)?;
        let (ending, progress) = (Ending::Stopped, Progress::default());
        return Ok(Sent { ending, progress, elapsed: begun.elapsed(), journal });
    }
    let now = unix_millis();
    let mut standing = journal.recover(run, now)?;
    if settings.unproven {
        (standing.accepted, standing.wire) = (false, None);
    }
    if let Some(first) = settings.only_from {
        standing.confine(first);
    }
    let tally = journal.run_row(run)?.tally;
    let progress = Progress {
        total: tally.total,
        done: tally.done,
        unchanged: tally.unchanged,
        failed: tally.failed,
        invalid: tally.invalid,
        ..Progress::default()
    };
    let loader = journal.reader()?.loader(run);
    let open: usize = standing.lanes.iter().map(|lane| lane.open.len()).sum();
    tracing::info!(%run, total = tally.total, done = tally.done, open, "sending begins");
    let engine = Engine::new(settings.for_engine(tally.total), standing);
    let pause = engine.pause();
    observer.started(run, &progress);
    if !pause.is_zero() {
        observer.throttled(pause);
    }
    let (post, messages) = mpsc::unbounded_channel();
    let commits = post.clone();
    let writer = Writer::start(journal, run, move |committed| {
        // Nobody listens any more only after the loop has ended.
        let _ = commits.send(Message::Committed(committed));
    });
    let (wished, mut changes) = mpsc::unbounded_channel();
    readings.pacing().hand_over(wished);
    let wanted = post.clone();
    tokio::spawn(async move {
        while let Some(reading) = changes.recv().await {
            let _ = wanted.send(Message::Reading(reading));
        }
    });
    let renew_at = client.token().renew_at().map(Instant::from_std);
    let mut driver = Driver {
        client,
        readings,
        max_wait: settings.max_wait(),
        engine,
        writer,
        loader,
        flights: std::collections::HashMap::new(),
        settling: std::collections::HashMap::new(),
        to_verify: Vec::new(),
        is_verifying: false,
        readers: std::collections::VecDeque::new(),
        renew_at,
        messages,
        post,
        progress,
        observer,
        begun,
        finished: None,
    };
    let ended = driver.drive(stops).await;
    let accepted = driver.engine.has_accepted();
    let (progress, mut journal) = driver.close();
    observer.ended();
    let mut ending = ended?;
    tracing::info!(%run, requests = progress.requests, "sending ends");
    let learned = settings.after(&ending, accepted);
    if learned != settings {
        journal.set_settings(run, &learned.to_json())?;
    }
    if ending == Ending::Finished && settings.only_from.is_some() {
        let pending = journal.run_row(run)?.tally.pending;
        if pending > 0 {
            ending = Ending::NotAllAsked { pending };
        }
    }
    journal_end(&mut journal, run, &ending)?;
    Ok(Sent { ending, progress, elapsed: begun.elapsed(), journal })
}

/// Waits until the pace that readings have kept before allows another request, or the service does that asked them
/// to wait; `false` where a stop comes first.
async fn keep_off(
    readings: &Readings,
    observer: &mut dyn Observer,
    stops: &mut UnboundedReceiver<Stop>,
) -> bool {
    let wait = readings.pacing().wait();
    if wait > LONG {
        observer.throttled(wait);
    }
    tokio::select! {
        () = tokio::time::sleep(wait) => true,
        Some(Stop) = stops.recv() => false,
    }
}

fn journal_end(journal: &mut Journal, run: RunId, ending: &Ending) -> Result<(), JournalError> {
    let (state, reason) = match ending {
        Ending::Finished => (RunState::Finished, None),
        other => (RunState::Paused, Some(other.to_string())),
    };
    tracing::info!(%run, %state, reason, "the run ends or pauses");
    journal.set_state(run, state, reason.as_deref(), unix_millis())
}

/// Keeps what is so before the first request. Where that cannot be asked, or a stop comes first, the
/// run pauses and this is its ending.
async fn look_before(
    journal: &mut Journal,
    run: RunId,
    readings: &Readings,
    (wanted, settings): (Snapshot, &mut RunSettings),
    observer: &mut dyn Observer,
    stops: &mut UnboundedReceiver<Stop>,
) -> Result<Option<Ending>, JournalError> {
    let reader = journal.reader()?;
    let readings = if wanted == Snapshot::Auto { &readings.hasty() } else { readings };
    let most = if wanted == Snapshot::Auto { AUTO_SNAPSHOT } else { u64::MAX };
    let looked = tokio::select! {
        looked = snapshot(&reader, run, readings, most) => looked,
        Some(Stop) = stops.recv() => Err(SnapshotError::Stopped),
    };
    let unasked = |why: &dyn std::fmt::Display| {
        format!(
            "who held what before is not kept, so that undo will not know what was in effect already: {why}"
        )
    };
    let ending = match looked {
        Ok(Before { in_effect, unknown }) => {
            if !in_effect.is_empty() || wanted == Snapshot::Yes {
                let change = if in_effect.len() == 1 { "operation changes" } else { "operations change" };
                observer.notice(&format!(
                    "{} {change} nothing: what is asked for is in effect already",
                    in_effect.len()
                ));
            }
            if unknown > 0 {
                let operations =
                    if unknown == 1 { "1 operation".to_owned() } else { format!("{unknown} operations") };
                observer.notice(&format!(
                    "of {operations} the lists do not say whether they are in effect already, and undo will not know it either"
                ));
            }
            (settings.snapshot_taken, settings.snapshot_unknown) = (true, unknown);
            journal.set_in_effect_before(run, &in_effect, &settings.to_json())?;
            return Ok(None);
        }
        Err(SnapshotError::Journal(error)) => return Err(error),
        Err(SnapshotError::Stopped) => Ending::Stopped,
        Err(error @ (SnapshotError::TooMany(_) | SnapshotError::Read(_))) if wanted == Snapshot::Auto => {
            observer.notice(&unasked(&error));
            return Ok(None);
        }
        Err(SnapshotError::Read(Unread { error: ReadError::Unauthorized, .. })) => Ending::TokenRejected,
        Err(error) => Ending::NoSnapshot(error.to_string()),
    };
    journal_end(journal, run, &ending)?;
    Ok(Some(ending))
}
