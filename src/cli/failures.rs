//! `seatbatch failures`

use std::io::Write;

use super::args;
use super::context::Context;
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::outputs::{destination, put};
use crate::journal::Reader;
use crate::report::write_failures;
use crate::run::RunSettings;

pub(super) fn run(context: &Context, args: &args::Failures) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let row = context.kept_run(&reader, args.run)?;
    let path = match (&args.output, RunSettings::from_json(&row.settings)) {
        (Some(path), _) => path.clone(),
        (None, Ok(settings)) => settings.failures,
        (None, Err(_)) => return Err(Failure::usage("say where the failures CSV goes with -o FILE")),
    };
    let destination = destination(context, &path, Some(&row.input_path))?;
    let content = |output: &mut dyn Write| write_failures(&reader, &row, &path, output);
    let written = put(context, &reader, &destination, Some(row.run), |rows| *rows, content)?;
    let rows = written.keep_aside(context);
    let output = context.output;
    let (run, to) = (row.run, path.display());
    if !destination.is_stdout() {
        output.say(match rows {
            0 => format!("Run {run} has no rows that were not done; {to} has the header alone"),
            1 => format!("The row of run {run} that was not done is in {to}"),
            rows => format!("The {} rows of run {run} that were not done are in {to}", output.number(rows)),
        });
    }
    let failures_csv = path.display().to_string();
    output.conclude(Summary::Failures { run: run.0, rows, failures_csv });
    Ok(Exit::Done)
}
