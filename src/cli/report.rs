//! `seatbatch report`

use std::io::{self, BufWriter, Write};

use super::args::{self, ReportFormat};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::outputs::{destination, put};
use crate::journal::Reader;
use crate::report::{Format, write_audit};

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Csv => Self::Csv,
            ReportFormat::Json => Self::Json,
            ReportFormat::Html => Self::Html,
        }
    }
}

pub(super) fn run(context: &Context, args: &args::Report) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let runs = if args.runs.is_empty() {
        vec![context.run_or_newest(&reader, None)?]
    } else {
        args.runs.iter().map(|run| context.run_or_newest(&reader, Some(*run))).collect::<Result<_, _>>()?
    };
    // What --json promises, a report in JSON keeps.
    let format = if context.output.json { Format::Json } else { args.format.into() };
    match &args.output {
        Some(path) => {
            let input = runs.first().map(|run| run.input_path.as_path());
            let destination = destination(context, path, input)?;
            let content = |output: &mut dyn Write| write_audit(&reader, &runs, format, output);
            put(context, &reader, &destination, None, |()| 1, content)?.keep_aside(context);
        }
        None => {
            let mut output = BufWriter::new(io::stdout().lock());
            write_audit(&reader, &runs, format, &mut output)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}
