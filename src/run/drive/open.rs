//! Opening a run to send it, and closing it: what is journaled before the first request and after the last.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
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
    // Once something has been sent, what is in effect says nothing of what was in effect before.
    let wanted = std::mem::replace(&mut settings.snapshot, Snapshot::No);
    let mut opening = Opening { run, readings: &readings, settings: &mut settings };
    let held_up = opening.before_the_first_request(&mut journal, wanted, observer, &mut stops).await?;
    if let Some(ending) = held_up {
        let wait = readings.pacing().asked_wait();
        if !wait.is_zero() {
            // Whoever comes back early is to know of it.
            let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            journal.set_paused_until(run, unix_millis().saturating_add(millis))?;
        }
        journal_end(&mut journal, run, &ending)?;
        return Ok(Sent { ending, progress: Progress::default(), elapsed: begun.elapsed(), journal });
    }
    let mut driver = open(journal, run, readings, &settings, observer, begun)?;
    let ended = driver.drive(stops).await;
    let accepted = driver.engine.has_accepted();
    let (progress, mut journal, observer) = driver.close();
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

/// Goes on from where the journal stands: the engine, the writer and whatever else the loop has.
fn open<'o>(
    mut journal: Journal,
    run: RunId,
    readings: Readings,
    settings: &RunSettings,
    observer: &'o mut dyn Observer,
    begun: Instant,
) -> Result<Driver<'o>, SendError> {
    let mut resume_point = journal.recover(run, unix_millis())?;
    if settings.unproven {
        (resume_point.accepted, resume_point.wire) = (false, None);
    }
    if let Some(first) = settings.only_from {
        resume_point.confine(first);
    }
    // A pause that was kept is borne once, and some of it has been.
    let borne = settings.max_wait().saturating_sub(begun.elapsed());
    resume_point.pause = resume_point.pause.min(borne);
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
    let open: usize = resume_point.lanes.iter().map(|lane| lane.open.len()).sum();
    tracing::info!(%run, total = tally.total, done = tally.done, open, "sending begins");
    let engine = Engine::new(settings.for_engine(tally.total), resume_point);
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
    keep_pace_for(&readings, &post);
    let client = readings.client().clone();
    let renew_at = client.token().renew_at().map(Instant::from_std);
    Ok(Driver {
        client,
        readings,
        max_wait: settings.max_wait(),
        engine,
        writer,
        loader,
        flights: HashMap::new(),
        settling: HashMap::new(),
        to_verify: VecDeque::new(),
        is_verifying: false,
        readers: VecDeque::new(),
        renew_at,
        messages,
        post,
        progress,
        observer,
        begun,
        finished: None,
    })
}

/// From here on whoever reads asks the loop for leave.
fn keep_pace_for(readings: &Readings, post: &UnboundedSender<Message>) {
    let (wished, mut changes) = mpsc::unbounded_channel();
    readings.pacing().hand_over(wished);
    let wanted = post.clone();
    tokio::spawn(async move {
        while let Some(reading) = changes.recv().await {
            let _ = wanted.send(Message::Reading(reading));
        }
    });
}

fn journal_end(journal: &mut Journal, run: RunId, ending: &Ending) -> Result<(), JournalError> {
    let (state, reason) = match ending {
        Ending::Finished => (RunState::Finished, None),
        other => (RunState::Paused, Some(other.to_string())),
    };
    tracing::info!(%run, %state, reason, "the run ends or pauses");
    journal.set_state(run, state, reason.as_deref(), unix_millis())
}

/// What comes before the first request of a sitting.
struct Opening<'a> {
    run: RunId,
    readings: &'a Readings,
    settings: &'a mut RunSettings,
}

impl Opening<'_> {
    /// Waits where the service has asked for it, and looks at what is in effect already. Where the run cannot begin, this is its
    /// ending.
    async fn before_the_first_request(
        &mut self,
        journal: &mut Journal,
        wanted: Snapshot,
        observer: &mut dyn Observer,
        stops: &mut UnboundedReceiver<Stop>,
    ) -> Result<Option<Ending>, JournalError> {
        if wanted != Snapshot::No && journal.is_untouched(self.run)? {
            if journal.run_row(self.run)?.state == RunState::Paused {
                journal.set_state(self.run, RunState::Running, None, unix_millis())?;
            }
            // A reading is a request, too.
            let kept = journal.reader()?.paused_until(self.run)?.unwrap_or(0);
            let kept = u64::try_from(kept.saturating_sub(unix_millis())).unwrap_or(0);
            self.readings.pacing().hold_back(Duration::from_millis(kept).min(self.settings.max_wait()));
            if let Some(ending) = self.keep_off(observer, stops).await {
                return Ok(Some(ending));
            }
            if let Some(ending) = self.look(journal, wanted, observer, stops).await? {
                return Ok(Some(ending));
            }
        }
        Ok(self.keep_off(observer, stops).await)
    }

    /// Waits until the pace that readings have kept before allows another request, or the service does that asked
    /// them to wait; where that is too long, or a stop comes first, the run pauses and this is its ending.
    async fn keep_off(
        &self,
        observer: &mut dyn Observer,
        stops: &mut UnboundedReceiver<Stop>,
    ) -> Option<Ending> {
        let asked = self.readings.pacing().asked_wait();
        if asked > self.settings.max_wait() {
            return Some(Ending::LongPause { org: None, wait: asked });
        }
        let wait = self.readings.pacing().wait();
        if wait > LONG {
            observer.throttled(wait);
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => None,
            Some(Stop) = stops.recv() => Some(Ending::Stopped),
        }
    }

    /// Keeps what is in effect before the first request. Where that cannot be asked, or a stop comes first, the run pauses
    /// and this is its ending.
    async fn look(
        &mut self,
        journal: &mut Journal,
        wanted: Snapshot,
        observer: &mut dyn Observer,
        stops: &mut UnboundedReceiver<Stop>,
    ) -> Result<Option<Ending>, JournalError> {
        let reader = journal.reader()?;
        let (readings, most) = match wanted {
            Snapshot::Auto => (&self.readings.hasty(), AUTO_SNAPSHOT),
            _ => (self.readings, u64::MAX),
        };
        let looked = tokio::select! {
            looked = snapshot(&reader, self.run, readings, most) => looked,
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
                (self.settings.snapshot_taken, self.settings.snapshot_unknown) = (true, unknown);
                journal.set_in_effect_before(self.run, &in_effect, &self.settings.to_json())?;
                return Ok(None);
            }
            Err(SnapshotError::Journal(error)) => return Err(error),
            Err(SnapshotError::Stopped) => Ending::Stopped,
            Err(
                error @ (SnapshotError::TooMany(_) | SnapshotError::MoreThan(_) | SnapshotError::Read(_)),
            ) if wanted == Snapshot::Auto => {
                observer.notice(&unasked(&error));
                return Ok(None);
            }
            Err(SnapshotError::Read(Unread { error: ReadError::Unauthorized, .. })) => Ending::TokenRejected,
            Err(error) => Ending::NoSnapshot(error.to_string()),
        };
        Ok(Some(ending))
    }
}
