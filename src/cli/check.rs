//! `seatbatch check`

use serde_json::json;

use super::args;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::telling::Telling;
use crate::assign::{Counts, Known};
use crate::domain::Order;
use crate::input::InputFile;

pub(super) fn run(context: &Context, args: &args::Check) -> Result<Exit, Failure> {
    let output = context.output;
    let file = InputFile::take(&args.file)?;
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: true };
    let how = args.reading.interpretation(None);
    let checked = match telling.check(&file, &how, Order::File, Known::nothing(), &mut |_| {})? {
        Ok(checked) => checked,
        Err(error) if error.is_about_content() => {
            // What is wrong with the file is what was asked for.
            return Err(Failure { exit: Exit::Problems, error: error.into() });
        }
        Err(error) => return Err(error.into()),
    };
    let counts = checked.counts();
    if !output.quiet {
        let _ = output.print(described(output, &counts));
    }
    output.event(&json!({"event": "summary", "file": args.file, "counts": counts}));
    Ok(if counts.errors > 0 { Exit::Problems } else { Exit::Done })
}

/// What a file asks for, in a sentence.
pub(super) fn described(output: Output, counts: &Counts) -> String {
    let Counts { rows, invalid, assignments, adds, removes, .. } = counts;
    let (rows, users) = (output.amount(*rows, "row"), output.amount(u64::from(*assignments), "user"));
    let (adds, removes) = (output.number(*adds), output.number(*removes));
    let mut text = format!("{rows} for {users}: {adds} to add, {removes} to remove");
    if *invalid > 0 {
        text = format!("{text}, {} that cannot be sent", output.number(*invalid));
    }
    for remark in counts.remarks() {
        text = format!("{text}; {remark}");
    }
    text
}
