//! `seatbatch apply`

use std::path::{Path, PathBuf};

use super::args::{self, OnInvalid};
use super::check::{described, refused};
use super::conclusion::summary;
use super::confirm::{Deed, can_ask, confirm};
use super::context::{Context, absolute};
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::given_back;
use super::looking::Question;
use super::outputs::destination;
use super::plan;
use super::preview::{Preview, Voice};
use super::saved_plan::SavedPlan;
use super::sending::{Stops, send_run};
use super::telling::Telling;
use crate::assign::Checked;
use crate::domain::{Order, Partition, RunState, Sequence, Snapshot};
use crate::input::InputFile;
use crate::journal::{Journal, JournalError, Origin, Reader, is_held};
use crate::run::{Background, Catalog, Depth, RunSettings, arrange, import, operations_sha256};

pub(super) fn run(context: &Context, args: args::Apply) -> Result<Exit, Failure> {
    if args.dry_run {
        return plan::run(context, &args.into());
    }
    send(context, &args)
}

fn send(context: &Context, args: &args::Apply) -> Result<Exit, Failure> {
    let output = context.output;
    let file = InputFile::open(&args.file)?;
    let reading = given_back::reading(context, &file, &args.reading)?;
    let mut settings = settings(context, args)?;
    settings.taken_with = context.taken_with(&reading);
    settings.called_with = context.called_with();
    let client = context.client(&settings)?;
    let earlier = earlier_runs(&context.journal)?;

    let runtime = context.runtime()?;
    let stops = Stops::listen(runtime, context.output);
    let base = client.base().clone();
    let mut names = Catalog::new(context.readings(client, &settings), runtime.handle().clone());
    if let Some(earlier) = earlier {
        refuse_known(context, &earlier, args, &file.sha256()?)?;
    }
    let order = args.choosing.order.into();
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: false };
    let how = args.choosing.of(reading.interpretation(settings.org_id.as_deref()));
    let known = telling.first_look(&file, names.known_for(&file, &how))??;
    let checked = telling.check(&file, &how, order, known, &mut |_| {})??;
    reading.refuse_unknown(context, &file, &checked.counts())?;
    refuse_invalid(&checked, args.choosing.on_invalid)?;
    let part = args.choosing.partition.map_or_else(String::new, |part| format!(", part {part}"));
    output.say(format_args!("{}{part}: {}", args.file.display(), described(output, &checked.counts())));
    if asks(args) {
        can_ask(output, Deed::Sending)?;
    }
    let (mut preview, mut checked) = look(context, args, &file, &settings, checked, &mut names)?;
    let waves = preview.as_mut().and_then(|preview| preview.waves.take());
    if let (Some(preview), Some(waves)) = (&mut preview, waves) {
        settings.sequence = arrange(&mut preview.outlook, &mut checked, waves, args.choosing.only_changes)?;
    }
    let leans =
        preview.as_ref().is_some_and(|preview| preview.asked().any(|(_, one)| one.leans_on_removals()));
    if leans && settings.sequence == Sequence::Free {
        // Requests overlap: nobody must come before what they get is given back.
        settings.sequence = Sequence::RemovesFirst;
    }
    if asks(args) {
        confirm(output, Deed::Sending, &format!("Send to {base}?"))?;
    }

    let mut journal = Journal::create(&context.journal)?;
    if journal.is_new() {
        output.say(format_args!("A new journal begins at {}", absolute(context.journal.clone()).display()));
    }
    // Another process may have applied the file since it was looked for.
    refuse_known(context, &journal.reader()?, args, checked.sha256())?;
    let (user, host) = (whoami::username().ok(), whoami::hostname().ok());
    let origin =
        Origin { os_user: user.as_deref(), host: host.as_deref(), version: Some(env!("CARGO_PKG_VERSION")) };
    let only_changes = args.choosing.only_changes;
    let outlook = preview.as_ref().map(|preview| &preview.outlook);
    let outlook = outlook.filter(|outlook| outlook.not_read.is_none());
    // Who held what before is known already, and is not asked for once more.
    let outlook = outlook.filter(|_| only_changes || settings.snapshot != Snapshot::No);
    let background = Background { origin, outlook, only_changes, names: &names.known() };
    let (run, _) = import(&mut journal, &file, checked, &mut settings, &background)?;
    send_run(context, journal, run, names.readings().clone(), &settings, stops)
}

/// Whether somebody is asked before anything is sent.
const fn asks(args: &args::Apply) -> bool {
    !args.yes && args.plan.is_none()
}

/// Looks at the organization as far as it is to be shown or an option needs it.
fn look(
    context: &Context,
    args: &args::Apply,
    file: &InputFile,
    settings: &RunSettings,
    checked: Checked,
    names: &mut Catalog,
) -> Result<(Option<Preview>, Checked), Failure> {
    let choosing = &args.choosing;
    let order = choosing.order.into();
    let saved = args.plan.as_deref().map(SavedPlan::load).transpose()?;
    let depth = match () {
        () if choosing.only_changes || order == Order::Fit => Depth::Holders,
        () if saved.as_ref().is_some_and(|saved| saved.holders_read) => Depth::Holders,
        () if choosing.max_removals.is_some() || asks(args) => Depth::HoldersWithin(SMALL),
        () if saved.is_some() => Depth::Units,
        () => return Ok((None, checked)),
    };
    let only_changes = choosing.only_changes;
    let question = Question { context, file, settings, order, only_changes, depth };
    let (preview, mut checked) = question.look(checked, names)?;
    if only_changes && preview.outlook.not_read.is_some() {
        return Err(preview.cannot_tell_changes());
    }
    if let Some(limit) = choosing.max_removals {
        preview.refuse_removals(limit)?;
    }
    if let Some(saved) = saved {
        let sum;
        (sum, checked) = operations_sha256(checked, file)?;
        saved.hold(&SavedPlan::of(&preview, (&checked, sum), settings, choosing))?;
    }
    if asks(args) {
        let voice = Voice::Aside(context.output);
        preview.tell(voice, context, settings, &args.file)?;
        preview.tell_problems(voice, order)?;
    } else {
        preview.tell_out(Voice::Aside(context.output))?;
    }
    Ok((Some(preview), checked))
}

/// So many requests are made unasked to find out who holds what.
const SMALL: u64 = 100;

fn settings(context: &Context, args: &args::Apply) -> Result<RunSettings, Failure> {
    let partition = args.choosing.partition;
    let failures = beside(&args.file, partition);
    let mut settings = RunSettings { failures, partition, ..RunSettings::default() };
    settings.sequence = match args.choosing.order.into() {
        // The waves are put in once the units are known.
        Order::File | Order::Fit => Sequence::Free,
        Order::RemovesFirst => Sequence::RemovesFirst,
    };
    let settings = context.of_a_new_run(settings, &args.sending);
    destination(context, &settings.failures, Some(&args.file))?;
    Ok(settings)
}

/// `<input stem>.failures.csv` beside the input. Parts that share a folder have each their own.
fn beside(input: &Path, partition: Option<Partition>) -> PathBuf {
    let mut name = input.file_stem().unwrap_or_default().to_owned();
    if let Some(partition) = partition {
        name.push(format!(".part-{}", partition.to_string().replace('/', "-of-")));
    }
    name.push(".failures.csv");
    absolute(input.with_file_name(name))
}

/// The journal, where there is one already.
fn earlier_runs(path: &Path) -> Result<Option<Reader>, Failure> {
    if is_held(path) {
        return Err(JournalError::Held { path: path.to_owned() }.into());
    }
    match Reader::open(path) {
        Err(JournalError::Missing { .. }) => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// A file that the journal knows is refused before it is checked.
fn refuse_known(
    context: &Context,
    earlier: &Reader,
    args: &args::Apply,
    sha256: &str,
) -> Result<(), Failure> {
    let partition = args.choosing.partition;
    let Some(known) = earlier.run_of_file(sha256, partition)? else { return Ok(()) };
    let run = known.run;
    if known.state != RunState::Finished || !args.again {
        context.output.conclude(Summary::Run(summary(earlier, &known, None)?));
    }
    let file = match partition {
        Some(partition) => format!("part {partition} of {}", args.file.display()),
        None => args.file.display().to_string(),
    };
    if known.state != RunState::Finished {
        let resume = context.command_at(&context.journal, &known, format_args!("resume {run}"));
        return Err(Failure::usage(format!("run {run} of {file} is not finished; go on with: {resume}")));
    }
    if args.again {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{file} was applied before, as run {run}; what came of it is shown by: {}\nTo apply it once more, say --again",
        context.command(format_args!("status {run}"))
    )))
}

/// A column that is not understood stops the file, whatever is skipped.
pub(super) fn refuse_unclear(checked: &Checked) -> Result<(), Failure> {
    if checked.counts().unclear_columns == 0 {
        return Ok(());
    }
    Err(Failure::usage(
        "a column is not understood and may ask for something, so nothing was done; say what it is with --map or --ignore",
    ))
}

fn refuse_invalid(checked: &Checked, on_invalid: OnInvalid) -> Result<(), Failure> {
    let counts = checked.counts();
    refuse_unclear(checked)?;
    if counts.invalid == 0 || on_invalid == OnInvalid::Skip {
        return Ok(());
    }
    Err(refused(&counts, "nothing was", ", or send the others with --on-invalid skip"))
}
