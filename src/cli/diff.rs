//! `seatbatch diff`

use std::io::{self, Write};
use std::path::Path;

use super::args;
use super::context::{Context, shell_word};
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::outputs::destination;
use super::telling::Telling;
use crate::domain::{EmailAddress, Order, address_key};
use crate::input::InputFile;
use crate::report::ReportError;
use crate::run::{Catalog, Changes, RunSettings, Sync, changes};

pub(super) fn run(context: &Context, args: &args::Diff) -> Result<Exit, Failure> {
    let file = InputFile::open(&args.file)?;
    let destination = destination(context, &args.output, Some(file.path()))?;
    let mut settings = RunSettings::default();
    context.adjust(&mut settings, &args::Sending::default());
    let client = context.client(&settings)?;
    let runtime = context.runtime()?;
    let mut catalog = Catalog::new(context.readings(client, &settings), runtime.handle().clone());
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: false };
    let how = args.reading.interpretation(settings.org_id.as_deref());
    let known = catalog.known_for(&file, &how)?;
    let checked = telling.check(&file, &how, Order::File, known, &mut |_| {})??;
    let counts = checked.counts();
    super::apply::refuse_unclear(&checked)?;
    if counts.invalid > 0 {
        return Err(Failure::usage(format!(
            "{} of {} rows cannot be sent, so nothing was compared; mend them first",
            counts.invalid, counts.rows
        )));
    }
    let sync = if args.sync { Some(sync(args)?) } else { None };
    let mut trouble = None;
    let written = destination.write(false, |output: &mut dyn Write| {
        changes(checked, &file, &mut catalog, sync.as_ref(), output).map_err(|error| {
            trouble = Some(error);
            ReportError::from(io::Error::other("nothing was compared"))
        })
    });
    if let Some(trouble) = trouble {
        return Err(trouble.into());
    }
    let whole = written?;
    if let (Some(kept), Some(path)) = (&whole.kept, &whole.path) {
        let (kept, path) = (kept.display(), path.display());
        context.output.insist(format_args!("{path} was there already; it is kept as {kept}"));
    }
    tell(context, &args.output, &whole.content);
    Ok(Exit::Done)
}

fn sync(args: &args::Diff) -> Result<Sync, Failure> {
    let protected = args.protect.as_deref().map(addresses).transpose()?;
    Ok(Sync { scope: args.scope.clone(), protected, most: args.max_removals })
}

/// Every address of a file, whatever stands around them, by their keys.
fn addresses(path: &Path) -> Result<Vec<String>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("--protect {shown} cannot be read as text: {error}")))?;
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '<' | '>' | '\u{feff}');
    let found = text.split(apart).filter(|word| word.contains('@') && EmailAddress::parse(word).is_ok());
    let mut keys: Vec<String> = found.map(|email| address_key(email).into_owned()).collect();
    if keys.is_empty() {
        return Err(Failure::usage(format!(
            "--protect {shown} names no address, so that nobody would be protected"
        )));
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn tell(context: &Context, path: &Path, found: &Changes) {
    let output: Output = context.output;
    let shown = path.display();
    output.say(format_args!(
        "{} in {shown}: {} to add, {} to remove; {} of the file {} in effect already",
        output.amount(found.rows(), "change"),
        output.number(found.adds),
        output.number(found.removes + found.unlisted),
        output.amount(found.unchanged, "operation"),
        if found.unchanged == 1 { "is" } else { "are" },
    ));
    if found.unlisted > 0 {
        output.say(format_args!(
            "{} of users whom the file does not list",
            output.amount(found.unlisted, "removal")
        ));
    }
    if found.unknown > 0 {
        output.say(format_args!(
            "of {} nobody can say whether it changes anything (sites, and users whom the lists do not name)",
            output.amount(found.unknown, "operation")
        ));
    }
    if found.protected > 0 {
        output.say(format_args!(
            "{} left out, of users who are protected",
            output.amount(found.protected, "removal")
        ));
    }
    if found.not_comparable > 0 {
        output.say(format_args!(
            "{} left alone: the list does not name them in a way that could be compared",
            output.amount(found.not_comparable, "holder")
        ));
    }
    if found.rows() > 0 {
        let order = match found.order_needed {
            None | Some(Order::File) => "",
            Some(Order::RemovesFirst) => " --order removes-first",
            Some(Order::Fit) => " --order fit",
        };
        let apply = context.command(format_args!("apply {}{order}", shell_word(&path.to_string_lossy())));
        output.say(format_args!("Look at them, then run: {apply}"));
    }
    let (changes_csv, rows) = (path.display().to_string(), found.rows());
    output.conclude(Summary::Diff { changes_csv, rows, changes: found.clone() });
}
