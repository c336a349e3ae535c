//! `seatbatch report`

use std::io::{self, BufWriter, IsTerminal as _, Write};

use super::args::{self, ReportFormat};
use super::context::Context;
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::output::{columns, noted};
use super::outputs::{destination, put};
use crate::journal::{JournalError, PersonNames, Reader, RunRow};
use crate::report::{Audited, Format, ReportOptions, write_audit};

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
    let readers: Vec<Reader> =
        context.journals.iter().map(|path| Reader::open(path)).collect::<Result<_, _>>()?;
    let user = args.user.as_deref().map(|user| known_as(&readers, user)).transpose()?;
    let mut runs = Vec::new();
    for (number, reader) in readers.iter().enumerate() {
        runs.extend(asked(context, reader, args, user.as_ref())?.into_iter().map(|run| (number, run)));
    }
    if runs.is_empty() {
        return Err(Failure::usage("no run of this journal matches that time and user"));
    }
    let audited =
        runs.iter().filter_map(|(number, run)| Some(Audited { reader: readers.get(*number)?, run }));
    let audited: Vec<Audited<'_>> = audited.collect();
    let format = args.format.into();
    let telling = ReportOptions {
        user: user.as_ref(),
        utc: context.output.utc,
        grouped: io::stdout().is_terminal(),
        columns: columns(&io::stdout()).and_then(|columns| u16::try_from(columns).ok()),
        version: env!("CARGO_PKG_VERSION"),
    };
    match &args.output {
        Some(path) => {
            let input = runs.first().map(|(_, run)| run.input_path.as_path());
            let destination = destination(context, path, input)?;
            let content = |output: &mut dyn Write| write_audit(&audited, &telling, format, output);
            let Some(reader) = readers.first() else { return Ok(Exit::Done) };
            put(context, reader, &destination, None, |()| 1, content)?.keep_aside(context);
            if !destination.is_stdout() {
                context.output.say(format_args!("The report is in {}", path.display()));
            }
        }
        None if context.output.json => {
            // One event, written as it is read: the report may be larger than memory.
            let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
            output.write_all(br#"{"event":"report","report":"#)?;
            write_audit(&audited, &telling, Format::Json, &mut OneLine(&mut output))?;
            output.write_all(b"}\n")?;
            noted(output.flush())?;
        }
        None if format == Format::Text => {
            // A page at most: it is broken where the terminal ends.
            let mut text = Vec::new();
            write_audit(&audited, &telling, format, &mut text)?;
            context.output.print(String::from_utf8_lossy(&text).trim_end())?;
        }
        None => {
            let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
            write_audit(&audited, &telling, format, &mut output)?;
            noted(output.flush())?;
        }
    }
    let numbers: Vec<u32> = runs.iter().map(|(_, row)| row.run.0).collect();
    let report = args.output.as_ref().map(|path| path.display().to_string());
    context.output.conclude(Summary::Report { runs: numbers, report });
    Ok(Exit::Done)
}

/// All names that these journals have for one person.
pub(super) fn known_as(readers: &[Reader], name: &str) -> Result<PersonNames, JournalError> {
    let mut names = PersonNames::of(name);
    loop {
        let before = names.clone();
        readers.iter().try_for_each(|reader| reader.tie(&mut names))?;
        // What one journal has learnt may say more in another.
        if names == before || readers.len() == 1 {
            return Ok(names);
        }
    }
}

/// Keeps a document on one line. Line ends within its texts are escaped already.
struct OneLine<'a, W>(&'a mut W);

impl<W: Write> Write for OneLine<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split(|byte| *byte == b'\n') {
            self.0.write_all(part)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The runs that are meant: those named, or all, as far as they are of the time asked for; without names, of the user
/// asked for too. The newest, where nothing is asked.
fn asked(
    context: &Context,
    reader: &Reader,
    args: &args::Report,
    user: Option<&PersonNames>,
) -> Result<Vec<RunRow>, Failure> {
    let named: Result<Vec<RunRow>, Failure> =
        args.runs.iter().map(|run| context.run_or_newest(reader, Some(*run))).collect();
    let named = named?;
    let is_timed = args.since.is_some() || args.until.is_some();
    if named.is_empty() && !is_timed && user.is_none() {
        return Ok(vec![context.run_or_newest(reader, None)?]);
    }
    let mut runs = if named.is_empty() { reader.runs()? } else { named };
    runs.retain(|run| {
        let ended = run.finished_at.as_deref();
        args.since.as_ref().is_none_or(|since| ended.is_none_or(|ended| ended >= since.rfc3339()))
            && args.until.as_ref().is_none_or(|until| run.created_at.as_str() < until.rfc3339())
    });
    if let Some(user) = user.filter(|_| args.runs.is_empty()) {
        let mut theirs = Vec::new();
        for run in runs {
            let mut found = false;
            reader.audit(run.run, Some(user), |_| -> Result<(), Failure> {
                found = true;
                Ok(())
            })?;
            theirs.extend(found.then_some(run));
        }
        runs = theirs;
    }
    Ok(runs)
}
