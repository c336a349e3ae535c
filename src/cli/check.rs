//! `seatbatch check`

use std::path::Path;

use super::args;
use super::context::Context;
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::given_back;
use super::mend::{Fixes, Mended};
use super::output::Output;
use super::outputs::place;
use super::telling::Telling;
use super::words;
use crate::assign::{Counts, Known, Problem};
use crate::domain::Order;
use crate::input::InputFile;

pub(super) fn run(context: &Context, args: &args::Check) -> Result<Exit, Failure> {
    let output = context.output;
    let file = InputFile::take(&args.file)?;
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: true };
    let reading = given_back::reading(context, &file, &args.reading)?;
    let how = reading.interpretation(context.organization()?);
    let mut fixes = Fixes::default();
    let mut also = |problem: &Problem| {
        if args.fix {
            fixes.take(problem);
        }
    };
    let checked = telling.check(&file, &how, Order::File, Known::nothing(), &mut also)?;
    // What is wrong with the file is what was asked for.
    let checked = checked.map_err(Failure::found)?;
    let counts = checked.counts();
    // A copy has the same rows, whatever they ask.
    match reading.refuse_unknown(context, &file, &counts) {
        Err(unknown) if args.fix => output.insist(unknown.message()),
        known => known?,
    }
    if !output.quiet {
        let _ = output.print(described(output, &counts));
    }
    let file_name = args.file.display().to_string();
    if let Some(path) = &args.output {
        let mended = fixes.write(context, &file, &how, &checked, path)?;
        tell_mended(output, &mended, path);
        output.conclude(Summary::Check { file: file_name, counts, mended: Some(mended) });
        return Ok(if mended.left > 0 { Exit::Problems } else { Exit::Done });
    }
    output.conclude(Summary::Check { file: file_name, counts, mended: None });
    Ok(if counts.errors > 0 { Exit::Problems } else { Exit::Done })
}

fn tell_mended(output: Output, mended: &Mended, path: &Path) {
    let (cells, rows) = (output.amount(mended.cells, "cell"), output.amount(mended.rows, "row"));
    let left = match mended.left {
        0 => "nothing is left that would keep it from being sent".to_owned(),
        1 => "1 error is left for you to correct by hand".to_owned(),
        left => format!("{} are left for you to correct by hand", output.amount(left, "error")),
    };
    let short = match mended.short_rows {
        0 => String::new(),
        1 => "; a row that ends before the last column is left as it is".to_owned(),
        rows => {
            format!("; {} that end before the last column are left as they are", output.amount(rows, "row"))
        }
    };
    let headers = match mended.headers {
        0 => String::new(),
        1 => "; a header in the middle of the file is taken out".to_owned(),
        headers => format!("; {} in the middle of the file are taken out", output.amount(headers, "header")),
    };
    let place = place(path);
    output.say(format_args!("{cells} mended{headers}; {rows} written to {place}; {left}{short}"));
}

/// Why nothing comes of a file, and what to do with its rows that are at fault.
pub(super) fn refused(counts: &Counts, nothing: &str, otherwise: &str) -> Failure {
    Failure::usage(format!(
        "{} of {} cannot be sent, so {nothing}; mend {}{otherwise}",
        counts.invalid,
        words::amount(counts.rows, "row", false),
        if counts.invalid == 1 { "it" } else { "them" }
    ))
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
