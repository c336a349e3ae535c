//! `seatbatch undo`

use std::io::Write;

use serde_json::json;

use super::args;
use super::context::{Context, shell_word};
use super::exit::{Exit, Failure};
use super::outputs::{destination, put};
use crate::journal::Reader;
use crate::report::write_undo;

pub(super) fn run(context: &Context, args: &args::Undo) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let row = context.run_or_newest(&reader, args.run)?;
    let destination = destination(context, &args.output, Some(&row.input_path))?;
    let content = |output: &mut dyn Write| write_undo(&reader, &row, output);
    let written = put(context, &reader, &destination, Some(row.run), |rows| *rows, content)?;
    let rows = written.keep_aside(context);
    let path = args.output.display();
    context.output.say(format_args!(
        "{rows} operations of run {} are reversed in {path}; look at them, then run: {}",
        row.run,
        context.command(format_args!("apply {}", shell_word(&args.output.to_string_lossy())))
    ));
    context.output.event(&json!({"event": "undo", "run": row.run.0, "rows": rows, "undo_csv": args.output}));
    Ok(Exit::Done)
}
