//! `seatbatch user`: one person's timeline.

use super::args;
use super::conclusion::spoken;
use super::context::Context;
use super::event::{Event, Summary};
use super::exit::{Exit, Failure};
use super::report::known_as;
use crate::domain::Printable;
use crate::journal::{OperationRow, Reader, RunRow};

/// An operation with its run, and the journal where several are read.
struct Entry {
    journal: Option<String>,
    run: RunRow,
    row: OperationRow,
}

pub(super) fn run(context: &Context, args: &args::User) -> Result<Exit, Failure> {
    let name = args.name.trim();
    if name.is_empty() {
        return Err(Failure::usage("nobody is named: write an address or a person ID"));
    }
    let mut entries = Vec::new();
    let readers: Vec<Reader> =
        context.journals.iter().map(|path| Reader::open(path)).collect::<Result<_, _>>()?;
    let names = known_as(&readers, name)?;
    let mut known: Vec<String> = names.all().map(str::to_owned).collect();
    for (path, reader) in context.journals.iter().zip(&readers) {
        let rows = reader.person(&names)?;
        let runs = reader.runs_of(&rows)?;
        let journal = (context.journals.len() > 1).then(|| path.display().to_string());
        entries.extend(rows.into_iter().filter_map(|row| {
            let run = runs.iter().find(|run| run.run.0 == row.run_id)?.clone();
            Some(Entry { journal: journal.clone(), run, row })
        }));
    }
    // Oldest first; within a run as the file has them.
    entries.sort_by(|a, b| {
        let of =
            |entry: &Entry| (entry.run.created_at.clone(), entry.row.run_id, entry.row.line, entry.row.item);
        of(a).cmp(&of(b))
    });
    known.sort_unstable();
    known.dedup();
    tell(context, name, &known, &entries)?;
    Ok(Exit::Done)
}

fn tell(context: &Context, name: &str, known: &[String], entries: &[Entry]) -> Result<(), Failure> {
    let output = context.output;
    for entry in entries {
        output.event(&Event::Operation {
            journal: entry.journal.as_deref(),
            operation: &entry.row,
            input_path: entry.run.input_name(),
            created_at: &entry.run.created_at,
            os_user: entry.run.os_user.as_deref(),
            host: entry.run.host.as_deref(),
            version: entry.run.version.as_deref(),
        });
    }
    let mut runs: Vec<_> = entries.iter().map(|entry| (&entry.journal, entry.row.run_id)).collect();
    runs.dedup();
    let (user, known_as) = (name.to_owned(), known.to_vec());
    output.conclude(Summary::User { user, known_as, operations: entries.len(), runs: runs.len() });
    if entries.is_empty() {
        output.print(format_args!("Nothing is known about {}", Printable(name)))?;
        return Ok(());
    }
    let others: Vec<_> = known.iter().filter(|other| !other.eq_ignore_ascii_case(name)).collect();
    output.print(format_args!("{}", Printable(name)))?;
    for other in others {
        output.print(format_args!("  also known as {}", Printable(other)))?;
    }
    let mut last = None;
    for entry in entries {
        let this = Some((&entry.journal, entry.row.run_id));
        if last != this {
            output.print(format_args!("\n{}", heading(context, entry)))?;
            last = this;
        }
        output.print(line(context, &entry.row))?;
    }
    Ok(())
}

fn heading(context: &Context, Entry { journal, run, .. }: &Entry) -> String {
    let mut text = format!("Run {}", run.run);
    if let Some(journal) = journal {
        text = format!("{text} of {}", Printable(journal));
    }
    text = format!("{text}: {}, {}", Printable(&run.input_name()), context.output.time(&run.created_at));
    if let Some(user) = &run.os_user {
        text = format!("{text}, by {}", Printable(user));
    }
    if let Some(host) = &run.host {
        text = format!("{text} on {}", Printable(host));
    }
    if let Some(version) = &run.version {
        text = format!("{text}, with seatbatch {}", Printable(version));
    }
    text
}

fn line(context: &Context, row: &OperationRow) -> String {
    let target = row.target_name.as_deref().unwrap_or(&row.target);
    let time = context.output.time(&row.updated_at);
    let mut text =
        format!("  {time}  {} {}: {}", row.operation, Printable(target), row.state.replace('_', " "));
    if let Some(code) = &row.error_code {
        text = format!("{text}, {}", spoken(code));
    }
    if let Some(message) = row.error_message.as_deref().filter(|message| !message.is_empty()) {
        text = format!("{text}: {}", Printable(message));
    }
    text = format!("{text} (line {}", row.line);
    if let Some(id) = &row.tracking_id {
        text = format!("{text}, tracking ID {}", Printable(id));
    }
    text + ")"
}
