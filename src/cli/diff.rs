//! `seatbatch diff`

use std::io::{self, Write};
use std::path::Path;

use super::args;
use super::check::refused;
use super::context::Context;
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::given_back;
use super::output::Output;
use super::outputs::destination;
use super::shell::shell_word;
use super::telling::Telling;
use super::words::{self, cause};
use crate::assign::{AddressFault, CheckError, addresses};
use crate::domain::{Order, Printable};
use crate::input::{ContentError, Encoding, InputError, InputFile};
use crate::live::LicenseMatch;
use crate::report::ReportError;
use crate::run::{Catalog, Changes, RunSettings, Sync, changes};

pub(super) fn run(context: &Context, args: &args::Diff) -> Result<Exit, Failure> {
    let file = InputFile::take(&args.file)?;
    let destination = destination(context, &args.output, Some(file.path()))?;
    let mut settings = RunSettings::default();
    context.adjust(&mut settings, &args.asking.only());
    let client = context.client(&settings)?;
    let runtime = context.runtime()?;
    let mut catalog = Catalog::new(context.readings(client, &settings), runtime.handle().clone());
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: false };
    let reading = given_back::reading(context, &file, &args.reading)?;
    let how = reading.interpretation(settings.org_id.as_deref());
    let known = telling.first_look(&file, catalog.known_for(&file, &how))??;
    let checked = match telling.check(&file, &how, Order::File, known, &mut |_| {})? {
        Err(CheckError::Input(InputError::Content(ContentError::NoRows) | InputError::NothingFailed))
            if args.sync =>
        {
            return Err(emptied(args, &mut catalog)?);
        }
        checked => checked?,
    };
    let counts = checked.counts();
    reading.refuse_unknown(context, &file, &counts)?;
    super::apply::refuse_unclear(&checked)?;
    if counts.invalid > 0 {
        return Err(refused(&counts, "nothing was compared", " first"));
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

/// Why a file without rows takes nothing away, with what it would take.
fn emptied(args: &args::Diff, catalog: &mut Catalog) -> Result<Failure, Failure> {
    let licenses = catalog.licenses(None)?;
    let held = args.scope.iter().filter_map(|called| match licenses.find(called) {
        LicenseMatch::One(license) => {
            let units = u64::try_from(license.consumed_units?).ok()?;
            Some(format!("; of {} {} in use", Printable(&license.name), in_use(units)))
        }
        LicenseMatch::Nothing(_) | LicenseMatch::Several(_) => None,
    });
    Ok(Failure::usage(format!(
        "the file has a header and lists nobody{}; a file that says nothing takes nothing away",
        held.collect::<String>()
    )))
}

fn in_use(units: u64) -> String {
    format!("{} {}", words::amount(units, "unit", false), if units == 1 { "is" } else { "are" })
}

fn sync(args: &args::Diff) -> Result<Sync, Failure> {
    let protected = args.protect.as_deref().map(protected).transpose()?;
    Ok(Sync { scope: args.scope.clone(), protected, most: args.max_removals })
}

/// The addresses of a file, by their keys. Where anything in it cannot be read, somebody may be meant by it.
fn protected(path: &Path) -> Result<Vec<String>, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("--protect {shown} cannot be read: {}", cause(&error))))?;
    let text = Encoding::text_of(&bytes).ok_or_else(|| {
        Failure::usage(format!(
            "--protect {shown}: not a text in UTF-8 or UTF-16; save it as one, with one address a line"
        ))
    })?;
    let keys = addresses(&text).map_err(|faults| unreadable(path, &faults))?;
    if keys.is_empty() {
        return Err(Failure::usage(format!(
            "--protect {shown} names no address, so that nobody would be protected"
        )));
    }
    Ok(keys)
}

/// So many lines that cannot be read are shown.
const SHOWN: usize = 5;

fn unreadable(path: &Path, faults: &[AddressFault]) -> Failure {
    let one = |AddressFault { line, text, what }: &AddressFault| {
        format!("\n  line {line}: {}: {what}", Printable(text))
    };
    let lines: String = faults.iter().take(SHOWN).map(one).collect();
    let more = faults.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Failure::usage(format!(
        "--protect {}: nobody can tell whom this is to protect, so nothing was compared:{lines}{more}\n\
         write one address a line; # begins a comment",
        path.display()
    ))
}

fn tell(context: &Context, path: &Path, found: &Changes) {
    let output: Output = context.output;
    let to_stdout = path == Path::new("-");
    let place = if to_stdout { "on standard output".to_owned() } else { format!("in {}", path.display()) };
    output.say(format_args!(
        "{} {place}: {} to add, {} to remove; {} of the file {} in effect already",
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
    if found.listed_only > 0 {
        output.say(format_args!(
            "{} left alone, of users whom the file lists and asks nothing of today (rows that are not due yet or ask for \
             nothing, empty cells)",
            output.amount(found.listed_only, "license")
        ));
    }
    if !found.only_later.is_empty() {
        let names: Vec<_> = found.only_later.iter().map(|name| Printable(name).to_string()).collect();
        output.say(format_args!(
            "{}: not compared, since no row asks for it today; name it with --scope where the file is the whole truth \
             about it all the same",
            names.join(", ")
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
    if found.rows() > 0 && !to_stdout {
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
