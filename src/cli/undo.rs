//! `seatbatch undo`

use std::io::Write;
use std::path::Path;

use super::args;
use super::context::Context;
use super::event::{Summary, UndoSummary};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::outputs::{destination, put};
use super::resume::settings;
use super::shell::shell_word;
use crate::domain::{Action, Printable};
use crate::journal::{NeedNone, Reader, Reversal, RunRow};
use crate::live::PersonNamed;
use crate::plan::LicenseKind;
use crate::report::{Fate, Undone, write_undo};
use crate::run::{Now, RunSettings};

pub(super) fn run(context: &Context, args: &args::Undo) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let row = context.kept_run(&reader, args.run)?;
    let settings = settings(context, &row, &args.asking.only())?;
    let now = if args.live { Some(read_now(context, &reader, &row, &settings)?) } else { None };
    let destination = destination(context, &args.output, Some(&row.input_path))?;
    let pending = reader.pending_acceptance(row.run)?;
    let mut changed = Vec::new();
    let mut fate = |row: &Reversal| {
        // What is pending no list shows.
        let is_pending = pending.binary_search(&row.key()).is_ok();
        let fate = match &now {
            Some(now) if !is_pending => fate_of(now, row),
            _ => Fate::Reversed,
        };
        if fate == Fate::LeftAlone && changed.len() < SHOWN {
            changed.push(described(row));
        }
        fate
    };
    let org = settings.org_id.as_deref();
    let content = |output: &mut dyn Write| {
        write_undo(&reader, &row, (org, settings.snapshot_taken), &is_calling, &mut fate, output)
    };
    let written = put(context, &reader, &destination, Some(row.run), Undone::rows, content)?;
    let undone = written.keep_aside(context);
    tell(context, args, &row, &settings, &undone, &changed);
    context.output.conclude(summary(args, &row, &settings, &undone));
    Ok(Exit::Done)
}

/// So many operations that are left alone are listed; all of them are counted.
const SHOWN: usize = 20;

fn read_now(
    context: &Context,
    reader: &Reader,
    row: &RunRow,
    settings: &RunSettings,
) -> Result<Now, Failure> {
    let readings = context.readings(context.client(settings)?, settings);
    let now = context.runtime()?.block_on(Now::read(reader, row.run, &readings));
    Ok(now?)
}

/// What the run has done is undone where it still is so; sites nobody can look up.
fn fate_of(now: &Now, row: &Reversal) -> Fate {
    let named = PersonNamed { email: row.email.as_deref(), person: row.person_id.as_deref() };
    let done = if row.removed { Action::Remove } else { Action::Add };
    match now.held(&row.kind, &row.target, named) {
        Some(held) if held.is_as_asked(done) != Some(true) => Fate::LeftAlone,
        Some(_) | None => Fate::Reversed,
    }
}

/// Whether a license needs a number, told from its name or from its ID.
fn is_calling(row: &Reversal) -> bool {
    let by_name = row.name.as_deref().is_some_and(|name| LicenseKind::of(name).is_calling());
    by_name
        || crate::domain::with_id_key(&row.target, |id| {
            let id = String::from_utf8_lossy(id);
            id.rsplit_once(':')
                .is_some_and(|(_, kind)| kind.starts_with("BCPRO") || kind.starts_with("BCSTD"))
        })
}

fn described(row: &Reversal) -> String {
    let user = row.email.as_deref().or(row.person_id.as_deref()).unwrap_or_default();
    let license = row.name.as_deref().unwrap_or(&row.target);
    let action = if row.removed { "removal of" } else { "addition of" };
    format!("line {}: {action} {} for {}", row.line, Printable(license), Printable(user))
}

fn tell(
    context: &Context,
    args: &args::Undo,
    row: &RunRow,
    settings: &RunSettings,
    undone: &Undone,
    changed: &[String],
) {
    let output = context.output;
    let to_stdout = args.output == Path::new("-");
    let path = if to_stdout { "the output".to_owned() } else { args.output.display().to_string() };
    output.say(format_args!(
        "{} of run {} {} reversed in {path}: {} to remove, {} to add",
        output.amount(undone.rows(), "operation"),
        row.run,
        if undone.rows() == 1 { "is" } else { "are" },
        output.number(undone.removes),
        output.number(undone.adds),
    ));
    tell_no_reversal(output, row, undone);
    tell_not_known(output, settings, undone);
    if undone.left_alone > 0 {
        output.say(format_args!(
            "{} left alone, since somebody has changed it or the lists cannot say:",
            output.amount(undone.left_alone, "operation")
        ));
        changed.iter().for_each(|line| output.say(format_args!("  {line}")));
        let more = undone.left_alone.saturating_sub(changed.len() as u64);
        if more > 0 {
            output.say(format_args!("  and {} more", output.number(more)));
        }
    }
    if row.tally.in_doubt > 0 {
        output.say(format_args!(
            "{} in doubt {} done",
            output.amount(row.tally.in_doubt, "operation"),
            if row.tally.in_doubt == 1 {
                "is not among them: nobody knows whether it was"
            } else {
                "are not among them: nobody knows whether they were"
            }
        ));
    }
    if !undone.to_complete.is_empty() {
        let lines: Vec<String> = undone.to_complete.iter().take(SHOWN).map(u64::to_string).collect();
        let more = undone.to_complete.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        output.say(format_args!(
            "To be completed by hand: {} whose number, or extension and location, the journal does not have: {}{more}",
            if lines.len() == 1 {
                format!("a line of {path} gives back a Calling license")
            } else {
                format!("lines of {path} give back Calling licenses")
            },
            lines.join(", ")
        ));
    }
    if undone.rows() == 0 || to_stdout {
        return;
    }
    // The rows stand in an order that fits, and requests overlap.
    let order = if undone.exchanges { " --order removes-first" } else { "" };
    output.say(format_args!(
        "Look at them, then run: {}",
        context.command_of(
            settings,
            format_args!("apply {}{order}", shell_word(&args.output.to_string_lossy()))
        )
    ));
}

/// Says why the rows are fewer than what the run's own end counts.
fn tell_no_reversal(output: Output, row: &RunRow, undone: &Undone) {
    let NeedNone { repeats, in_effect_before } = undone.need_none;
    let why = [
        (repeats, "repeats another operation of the file", "repeat others of the file"),
        (in_effect_before, "was in effect before the run", "were in effect before the run"),
        (
            row.tally.unchanged,
            "was in effect already and never sent",
            "were in effect already and never sent",
        ),
    ];
    let why: Vec<_> = why.into_iter().filter(|(count, ..)| *count > 0).collect();
    let words = |count: u64, one: &'static str, many: &'static str| if count == 1 { one } else { many };
    let told = match why.as_slice() {
        [] => return,
        [(count, one, many)] => format!("{} {}", words(*count, "it", "they"), words(*count, one, many)),
        all => {
            let all = all
                .iter()
                .map(|(count, one, many)| format!("{} {}", output.number(*count), words(*count, one, many)));
            all.collect::<Vec<_>>().join(", ")
        }
    };
    let all = repeats + in_effect_before + row.tally.unchanged;
    let need = words(all, "needs", "need");
    output.say(format_args!("{} {need} no reversal: {told}", output.amount(all, "operation")));
}

/// Says of what it is not known whether the run changed anything, and asks for what is known beside the journal.
fn tell_not_known(output: Output, settings: &RunSettings, undone: &Undone) {
    let (all, sites) = (undone.not_known, undone.sites_not_known);
    let operations = output.amount(if settings.snapshot_taken { sites } else { all }, "operation");
    let why = if !settings.snapshot_taken && all > sites {
        "What users held before this run was not kept (--snapshot)"
    } else {
        "No list tells who attends a site"
    };
    if all > 0 {
        output.say(format_args!(
            "{why}: of {operations} it is not known whether the run changed anything, and reversing what it did not change takes \
             away what users had before, or gives them what they did not have. Their lines have a note: take out those that the run did not change"
        ));
    }
    if unknown_then(settings, undone) > 0 {
        output.say(format_args!(
            "Of {} the lists did not say before this run whether they were in effect already: undoing may take away what \
             users had before, or give them what they did not have",
            output.amount(settings.snapshot_unknown, "operation")
        ));
    }
}

fn summary(args: &args::Undo, row: &RunRow, settings: &RunSettings, undone: &Undone) -> Summary {
    Summary::Undo(UndoSummary {
        run: row.run.0,
        rows: undone.rows(),
        undo_csv: args.output.display().to_string(),
        removes: undone.removes,
        adds: undone.adds,
        not_known: undone.not_known + unknown_then(settings, undone),
        left_alone: undone.left_alone,
        to_complete: undone.to_complete.clone(),
        in_doubt: row.tally.in_doubt,
        repeated: undone.need_none.repeats,
        in_effect_before: undone.need_none.in_effect_before,
    })
}

/// Rows of licenses of which the snapshot does not say whether the run changed anything, at most.
fn unknown_then(settings: &RunSettings, undone: &Undone) -> u64 {
    let licenses = undone.rows() - undone.sites_not_known;
    if settings.snapshot_taken { settings.snapshot_unknown.min(licenses) } else { 0 }
}
