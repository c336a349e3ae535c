//! What apply, resume, retry and demo have in common: sending a run and telling what came of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::conclusion::{conclude, summary};
use super::context::{Context, sending_runtime};
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::progress;
use super::signals::Signals;
use crate::domain::RunId;
use crate::journal::{Journal, Reader};
use crate::live::Readings;
use crate::run::{RunSettings, Stop, send};

/// Sends a run that is in the journal, writes its failures CSV and tells how it ended.
pub(super) fn send_run(
    context: &Context,
    journal: Journal,
    run: RunId,
    readings: Readings,
    settings: &RunSettings,
    stops: Stops,
) -> Result<Exit, Failure> {
    // However this ends, there is a run, and programs are told how it stands.
    stand(context.output, &journal.reader()?, run)?;
    let runtime = sending_runtime()?;
    let mut observer = progress::observer(context.output, settings.rate);
    stops.sends(context, settings, run);
    let sent = runtime.block_on(send(journal, run, readings, settings, observer.as_mut(), stops.receiver));
    drop(observer);
    let mut sent = match sent {
        Ok(sent) => sent,
        Err(error) => {
            if let Ok(reader) = Reader::open(&context.journal) {
                // What was told before stays where the journal cannot be read either.
                let _ = stand(context.output, &reader, run);
            }
            let failure = Failure::from(error);
            let resume = context.command_of(settings, format_args!("resume {run}"));
            return Err(if context.service_stays {
                failure.and_then(format_args!("then go on with: {resume}"))
            } else {
                failure
            });
        }
    };
    conclude(context, &mut sent.journal, run, settings, Some(&sent.ending))
}

/// What programs are told at the end, if it comes to nothing better: how the run stands now.
fn stand(output: Output, reader: &Reader, run: RunId) -> Result<(), Failure> {
    if let Some(row) = reader.run(Some(run))? {
        output.conclude(Summary::Run(summary(reader, &row, None)?));
    }
    Ok(())
}

/// What is told of a run whose process ends at once.
type Farewell = Box<dyn FnOnce() + Send>;

/// Signals, listened to from the start of a command on.
pub(super) struct Stops {
    receiver: mpsc::UnboundedReceiver<Stop>,
    /// Whether there is a run to be paused.
    sending: Arc<AtomicBool>,
    farewell: Arc<Mutex<Option<Farewell>>>,
}

impl Stops {
    /// Listens on `runtime`. The first signal asks a run to pause; where nothing has been sent yet it
    /// ends the process, and so does the second.
    pub(super) fn listen(runtime: &Runtime, output: Output) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sending = Arc::new(AtomicBool::new(false));
        let farewell = Arc::new(Mutex::new(None::<Farewell>));
        let (is_sending, told) = (Arc::clone(&sending), Arc::clone(&farewell));
        let mut signals = {
            let _inside = runtime.enter();
            Signals::new()
        };
        runtime.spawn(async move {
            signals.next().await;
            if is_sending.load(Ordering::SeqCst) {
                let _ = sender.send(Stop);
                signals.next().await;
            } else {
                Output::plain().say("Stopped by a signal; nothing was sent");
            }
            // What is in flight is in the journal as such. Before there is a run, whoever stops it answers as with a no:
            // nothing was sent, there is nothing to resume, and the service is not to blame.
            let exit = if is_sending.load(Ordering::SeqCst) { Exit::Paused } else { Exit::Usage };
            let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
            told.into_iter().for_each(|tell| tell());
            output.close(exit as u8);
            std::process::exit(i32::from(exit as u8));
        });
        Self { receiver, sending, farewell }
    }

    /// The same for a command that goes on with a run: the first signal pauses it, however early it comes.
    pub(super) fn listen_for_a_run(runtime: &Runtime, output: Output) -> Self {
        let stops = Self::listen(runtime, output);
        stops.sending.store(true, Ordering::SeqCst);
        stops
    }

    /// From now on the first signal pauses this run. Whoever does not wait for that is told how to go on, too.
    fn sends(&self, context: &Context, settings: &RunSettings, run: RunId) {
        self.sending.store(true, Ordering::SeqCst);
        let (output, journal) = (context.output, context.journal.clone());
        let resume = context.command_of(settings, format_args!("resume {run}"));
        let resume = context.service_stays.then_some(resume);
        let tell: Farewell = Box::new(move || {
            if let Ok(reader) = Reader::open(&journal) {
                let _ = stand(output, &reader, run);
            }
            output.insist("Stopped at once; what was under way is in doubt");
            resume.iter().for_each(|resume| output.insist(format_args!("Go on with: {resume}")));
        });
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
    }
}
