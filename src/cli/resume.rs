//! `seatbatch resume` and `seatbatch retry`

use super::args::{self, Sending};
use super::conclusion::conclude;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::outputs::destination;
use super::sending::{Stops, send_run};
use crate::domain::{Printable, RunId, RunState};
use crate::journal::{Journal, Reader, RunRow};
use crate::run::{RunSettings, unix_millis};
use crate::webex::Client;

pub(super) fn run(context: &Context, args: &args::Resume) -> Result<Exit, Failure> {
    let runtime = context.runtime()?;
    let stops = Stops::listen_for_a_run(runtime, context.output);
    let mut journal = Journal::open(&context.journal)?;
    let reader = journal.reader()?;
    let row = to_resume(context, &reader, args.run)?;
    let settings = settings(context, &row, &args.sending)?;
    destination(context, &settings.failures, Some(&row.input_path))?;
    if row.state == RunState::Finished {
        context.output.say(format_args!("Run {} is finished already", row.run));
        return conclude(context, &mut journal, row.run, &settings, None);
    }
    let client = context.client(&settings).map_err(Failure::of_a_run)?;
    tell_compared(context, &row);
    go_on(context, journal, row.run, client, &settings, stops)
}

pub(super) fn retry(context: &Context, args: &args::Retry) -> Result<Exit, Failure> {
    let runtime = context.runtime()?;
    let stops = Stops::listen_for_a_run(runtime, context.output);
    let mut journal = Journal::open(&context.journal)?;
    let reader = journal.reader()?;
    let row = context.kept_run(&reader, args.run)?;
    refuse_importing(context, &row)?;
    let mut settings = settings(context, &row, &args.sending)?;
    destination(context, &settings.failures, Some(&row.input_path))?;
    // Without a token nothing is to be put back. It is read once: it may come through a pipe.
    let client = context.client(&settings).map_err(Failure::of_a_run)?;
    // What a dead process had in flight is in doubt before it is looked at.
    if row.state != RunState::Finished {
        journal.recover(row.run, unix_millis())?;
    }
    let selected = journal.retry(row.run, &args.code, unix_millis())?;
    if selected.operations == 0 {
        // What is pending was not asked for.
        if row.state != RunState::Finished {
            journal.set_state(row.run, RunState::Paused, row.reason.as_deref(), unix_millis())?;
        }
        nothing_to_send_again(context, &reader, &row, &args.code)?;
        return conclude(context, &mut journal, row.run, &settings, None);
    }
    let output = context.output;
    let operations = output.amount(selected.operations, "operation");
    let users = output.amount(selected.assignments.into(), "user");
    output.say(format_args!("Sending again: {operations} of {users}"));
    settings.only_from = Some(selected.first);
    tell_compared(context, &row);
    go_on(context, journal, row.run, client, &settings, stops)
}

/// Says why there is nothing; of a code that no operation failed with, which codes there are.
fn nothing_to_send_again(
    context: &Context,
    reader: &Reader,
    row: &RunRow,
    codes: &[String],
) -> Result<(), Failure> {
    let reasons = reader.reasons(row.run)?;
    let sent: Vec<String> = reasons
        .iter()
        .filter(|reason| !reason.is_invalid)
        .map(|reason| format!("{} ({})", Printable(&reason.code), context.output.number(reason.count)))
        .collect();
    if codes.is_empty() || sent.is_empty() {
        context.output.say(format_args!("Run {} has no failed operations to send again", row.run));
        return Ok(());
    }
    let asked = codes.join(" or ");
    Err(Failure::usage(format!(
        "no operation of run {} failed with {}; the codes there are: {}",
        row.run,
        Printable(&asked),
        sent.join(", ")
    )))
}

/// Says when it was that users held what the run leaves alone: somebody may have changed it since.
fn tell_compared(context: &Context, row: &RunRow) {
    let (output, run, unchanged) = (context.output, row.run, row.tally.unchanged);
    if unchanged == 0 {
        return;
    }
    let (were, they) = if unchanged == 1 { ("was", "it") } else { ("were", "they") };
    output.say(format_args!(
        "{} of run {run} {were} in effect already when it was begun, at {}, and {they} will not be sent, whatever has changed since; \
         how things stand now is shown afterwards by: {}",
        output.amount(unchanged, "operation"),
        output.time(&row.created_at),
        context.command_at(&context.journal, row, format_args!("verify {run}"))
    ));
}

fn go_on(
    context: &Context,
    mut journal: Journal,
    run: RunId,
    client: Client,
    settings: &RunSettings,
    stops: Stops,
) -> Result<Exit, Failure> {
    journal.set_settings(run, &settings.to_json())?;
    send_run(context, journal, run, context.readings(client, settings), settings, stops)
}

/// The run asked for; else the newest unfinished one; else the newest, which is finished.
fn to_resume(context: &Context, reader: &Reader, asked: Option<u32>) -> Result<RunRow, Failure> {
    let row = match asked {
        Some(run) => context.kept_run(reader, Some(run))?,
        None => match reader.newest_unfinished()? {
            Some(row) => row,
            None => context.kept_run(reader, None)?,
        },
    };
    refuse_importing(context, &row)?;
    Ok(row)
}

fn refuse_importing(context: &Context, row: &RunRow) -> Result<(), Failure> {
    if row.state != RunState::Importing {
        return Ok(());
    }
    let apply = context.apply_again(&context.journal, row);
    Err(Failure::usage(format!(
        "run {} was interrupted while it was being imported and has sent nothing; start over with: {apply}",
        row.run
    )))
}

/// What the run had, with what is given now.
pub(super) fn settings(context: &Context, row: &RunRow, sending: &Sending) -> Result<RunSettings, Failure> {
    let mut settings = RunSettings::from_json(&row.settings).map_err(|error| {
        Failure::broken(anyhow::Error::from(error).context("cannot read how the run is to be sent"))
    })?;
    let before = settings.clone();
    context.adjust(&mut settings, sending);
    settings.compare(&before);
    Ok(settings)
}
