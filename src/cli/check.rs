//! `seatbatch check`

use serde::Serialize;
use serde_json::json;

use super::args;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::assign::{Counts, NamesTaken, Problem, Severity, check};
use crate::domain::Order;
use crate::input::InputFile;

pub(super) fn run(context: &Context, args: &args::Check) -> Result<Exit, Failure> {
    let output = context.output;
    let file = InputFile::open(&args.file)?;
    let mut tell = |problem: &Problem| {
        if !output.quiet {
            let _ = output.print(problem);
        }
        output.event(&ProblemEvent::from(problem));
    };
    let checked = match check(&file, &args.reading.interpretation(), Order::File, &mut NamesTaken, &mut tell)
    {
        Ok(checked) => checked,
        Err(error) if error.is_about_content() => {
            // What is wrong with the file is what was asked for.
            return Err(Failure { exit: Exit::Problems, error: error.into() });
        }
        Err(error) => return Err(error.into()),
    };
    let counts = checked.counts();
    if !output.quiet {
        let _ = output.print(described(&counts));
    }
    output.event(&json!({"event": "summary", "file": args.file, "counts": counts}));
    Ok(if counts.errors > 0 { Exit::Problems } else { Exit::Done })
}

/// A problem as an event.
#[derive(Serialize)]
pub(super) struct ProblemEvent<'a> {
    event: &'static str,
    severity: Severity,
    #[serde(flatten)]
    problem: &'a Problem,
}

impl<'a> From<&'a Problem> for ProblemEvent<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self { event: "problem", severity: problem.severity(), problem }
    }
}

/// Tells problems as messages, where something else is what was asked for.
pub(super) fn tell_aside(output: Output) -> impl FnMut(&Problem) {
    move |problem| {
        output.say(problem);
        output.event(&ProblemEvent::from(problem));
    }
}

/// What a file asks for, in a sentence.
pub(super) fn described(counts: &Counts) -> String {
    let Counts { rows, invalid, assignments, adds, removes, repeated, adds_by_default, .. } = counts;
    let mut text = format!("{rows} rows for {assignments} users: {adds} to add, {removes} to remove");
    if *invalid > 0 {
        text = format!("{text}, {invalid} that cannot be sent");
    }
    if *repeated > 0 {
        text = format!("{text}, {repeated} repeated");
    }
    if *adds_by_default {
        text = format!("{text}; no operation column: every row adds");
    }
    text
}
