//! `seatbatch runs`

use std::path::Path;

use comfy_table::Table;

use super::context::Context;
use super::event::{self, Event, Summary};
use super::exit::{Exit, Failure};
use super::output::fitted;
use crate::domain::{Printable, RunState};
use crate::journal::{Reader, RunRow, is_held};
use crate::report::aligned;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let several = context.journals.len() > 1;
    let mut count = 0;
    for path in &context.journals {
        if several {
            context.output.print(path.display())?;
        }
        count += of_journal(context, path)?;
    }
    context.output.conclude(Summary::List { runs: count });
    Ok(Exit::Done)
}

fn of_journal(context: &Context, path: &Path) -> Result<usize, Failure> {
    let reader = Reader::open(path)?;
    let held = is_held(path);
    let runs = reader.runs()?;
    for row in &runs {
        let journal = (context.journals.len() > 1).then_some(path);
        context.output.event(&run_event(row, journal, held));
    }
    context.output.print(fitted(table(context, &runs, held)))?;
    for row in runs.iter().filter(|row| is_interrupted(row, held) && row.state == RunState::Running) {
        let resume = context.command_at(path, row, format_args!("resume {}", row.run));
        context.output.say(format_args!("Run {} was interrupted; go on with: {resume}", row.run));
    }
    Ok(runs.len())
}

fn is_interrupted(row: &RunRow, held: bool) -> bool {
    !held && matches!(row.state, RunState::Importing | RunState::Running)
}

/// A run for programs, with its journal where several are read.
pub(super) fn run_event<'a>(row: &'a RunRow, journal: Option<&'a Path>, held: bool) -> Event<'a> {
    Event::Run(event::Run {
        run: row.run.0,
        journal: journal.map(Path::to_string_lossy),
        input_path: row.input_name(),
        input_sha256: &row.input_sha256,
        state: row.state.as_str(),
        interrupted: is_interrupted(row, held),
        created_at: &row.created_at,
        finished_at: row.finished_at.as_deref(),
        operations: row.tally,
    })
}

fn table(context: &Context, runs: &[RunRow], held: bool) -> Table {
    let header =
        ["run", "state", "created", "total", "done", "failed", "invalid", "in doubt", "pending", "file"];
    let mut table = aligned(header, [0, 3, 4, 5, 6, 7, 8]);
    for row in runs {
        let tally = row.tally;
        let state = if is_interrupted(row, held) { "interrupted" } else { row.state.as_str() };
        let mut cells = vec![row.run.to_string(), state.to_owned(), context.output.time(&row.created_at)];
        let counts = [tally.total, tally.done, tally.failed, tally.invalid, tally.in_doubt, tally.pending];
        cells.extend(counts.map(|count| context.output.number(count)));
        cells.push(Printable(&row.input_name()).to_string());
        table.add_row(cells);
    }
    table
}
