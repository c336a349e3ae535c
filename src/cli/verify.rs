//! `seatbatch verify`

use std::io::{self, Write};

use tokio::runtime::Runtime;

use super::args;
use super::context::Context;
use super::event::{Event, Summary};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::outputs::{destination, put};
use super::resume::settings;
use crate::domain::RunId;
use crate::journal::{OperationRow, Reader};
use crate::live::Readings;
use crate::report::{Destination, ReportError};
use crate::run::{Verified, VerifyError, verify};

pub(super) fn run(context: &Context, args: &args::Verify) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let row = context.kept_run(&reader, args.run)?;
    let settings = settings(context, &row, &args.asking.only())?;
    let readings = context.readings(context.client(&settings)?, &settings);
    let runtime = context.runtime()?;
    let comparing = Comparing { reader: &reader, run: row.run, readings: &readings, runtime };
    let output = args.output.as_deref().map(|path| destination(context, path, Some(&row.input_path)));
    let compared = match &output.transpose()? {
        Some(destination) => comparing.write_file(context, destination),
        None => comparing.onto_output(context.output),
    };
    let found = compared?;
    // Only the object form's answers say who is pending.
    tell(context, row.run, &found, row.wire.as_deref() == Some("object"));
    let proved = found.drift == 0 && found.not_comparable == 0;
    Ok(if proved { Exit::Done } else { Exit::Problems })
}

type Compared = Result<Verified, VerifyError<ReportError>>;

struct Comparing<'a> {
    reader: &'a Reader,
    run: RunId,
    readings: &'a Readings,
    runtime: &'a Runtime,
}

const HEADER: [&str; 8] = ["line", "email", "personId", "licenseId", "operation", "found", "state", "orgId"];

fn record<'a>(line: &'a str, row: &'a OperationRow, seen: &'static str) -> [&'a str; 8] {
    let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
    let (email, person, org) = (text(&row.email), text(&row.person_id), text(&row.org_id));
    [line, email, person, &row.target, &row.operation, seen, &row.state, org]
}

impl Comparing<'_> {
    fn compare(&self, each: impl FnMut(&OperationRow, &'static str) -> Result<(), ReportError>) -> Compared {
        self.runtime.block_on(verify(self.reader, self.run, self.readings, each))
    }

    /// The differences as a file, which is not touched where nothing could be compared.
    fn write_file(&self, context: &Context, destination: &Destination) -> Compared {
        let mut compared = None;
        let content = |output: &mut dyn Write| {
            let mut writer = csv::Writer::from_writer(output);
            writer.write_record(HEADER)?;
            let found =
                compared.insert(self.compare(|row, seen| {
                    Ok(writer.write_record(record(&row.line.to_string(), row, seen))?)
                }));
            if found.is_err() {
                return Err(io::Error::other("nothing was compared").into());
            }
            Ok(writer.flush()?)
        };
        let written = put(context, self.reader, destination, Some(self.run), |()| 1, content);
        let written = written.map(|written| written.keep_aside(context));
        match (compared, written) {
            (Some(Ok(_)) | None, Err(error)) => Err(VerifyError::Telling(error)),
            (Some(compared), _) => compared,
            (None, Ok(())) => Err(VerifyError::Telling(io::Error::other("nothing was compared").into())),
        }
    }

    /// The differences on standard output: one line per operation, with the header before the first.
    fn onto_output(&self, output: Output) -> Compared {
        let mut writer = csv::Writer::from_writer(io::stdout());
        let mut begun = false;
        let found = self.compare(|row, seen| {
            if output.json {
                output.event(&Event::Drift { operation: row, found: seen });
                return Ok(());
            }
            if !std::mem::replace(&mut begun, true) {
                writer.write_record(HEADER)?;
            }
            Ok(writer.write_record(record(&row.line.to_string(), row, seen))?)
        })?;
        writer.flush().map_err(|error| VerifyError::Telling(error.into()))?;
        Ok(found)
    }
}

fn tell(context: &Context, run: RunId, found: &Verified, shows_pending: bool) {
    let output = context.output;
    let Verified { failed_looked_up, failed_yet_in_effect, not_comparable, in_doubt, .. } = *found;
    let differ = found.drift - failed_yet_in_effect;
    output.say(format_args!(
        "Run {run}: {} compared, {} from what users hold now",
        output.amount(found.compared, "operation"),
        verb(output, differ, "differs", "differ")
    ));
    if failed_looked_up > 0 {
        output.say(format_args!(
            "{} that failed {} looked up, too: {} in effect all the same{}",
            output.amount(failed_looked_up, "operation"),
            if failed_looked_up == 1 { "was" } else { "were" },
            verb(output, failed_yet_in_effect, "is", "are"),
            if failed_yet_in_effect > 0 { "; somebody else did it, or it was in effect before" } else { "" }
        ));
    }
    if found.pending > 0 {
        output.say(format_args!(
            "{} pending: done, and the users have yet to accept",
            output.amount(found.pending, "addition")
        ));
    }
    if found.additions_not_held > 0 && !shows_pending {
        output.say(
            "Additions that are not held may be pending: users outside the organization hold nothing until they \
             accept, and neither the service's answers to this run nor its lists show that",
        );
    }
    if in_doubt > 0 {
        output.say(format_args!(
            "{} in doubt: of these {} in effect",
            output.amount(in_doubt, "operation"),
            verb(output, found.in_doubt_and_in_effect, "is", "are")
        ));
    }
    if not_comparable > 0 {
        output.say(format_args!(
            "{} cannot be compared: a list has holders without an address, and the journal has no person ID to look for; \
             nothing is concluded from it",
            output.amount(not_comparable, "operation")
        ));
    }
    let sites = found.sites_not_compared;
    if sites > 0 {
        let sites = output.amount(sites, "site");
        output.say(format_args!("{sites} cannot be compared: the API does not list who attends"));
    }
    output.conclude(Summary::Verify { run: run.0, found: *found });
}

/// A number and its verb; of none it is said in a word.
fn verb(output: Output, count: u64, one: &str, several: &str) -> String {
    match count {
        0 => format!("none {one}"),
        1 => format!("1 {one}"),
        count => format!("{} {several}", output.number(count)),
    }
}
