//! `seatbatch verify`

use std::io::{self, Write};

use serde_json::json;

use super::args::{self, Sending};
use super::context::{Context, runtime};
use super::exit::{Exit, Failure};
use super::resume::settings;
use crate::domain::{LicenseId, RunId};
use crate::journal::{JournalError, OperationRow, Reader};
use crate::report::{ReportError, write_whole};
use crate::run::Wanted;
use crate::webex::ReadError;

pub(super) fn run(context: &Context, args: &args::Verify) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let row = context.run_or_newest(&reader, args.run)?;
    let settings = settings(context, &row, &Sending::default())?;
    let client = context.client(&settings)?;
    let mut found = Found::default();
    let runtime = runtime()?;
    for (kind, text) in reader.targets(row.run)? {
        if kind == "site" {
            found.sites += 1;
            continue;
        }
        let max_wait = settings.max_wait();
        let look = |wanted: &mut Wanted, id: &LicenseId| runtime.block_on(wanted.look(&client, id, max_wait));
        compare(&reader, row.run, &text, look, &mut found)?;
    }
    tell(context, args, row.run, &found)?;
    Ok(if found.drift.is_empty() { Exit::Done } else { Exit::Problems })
}

/// What was found of a run.
#[derive(Default)]
struct Found {
    compared: u64,
    /// Operations that are done and do not show.
    drift: Vec<OperationRow>,
    /// Sites, whose attendees the API does not list.
    sites: u64,
}

/// Compares the operations on one license with who holds it.
fn compare(
    reader: &Reader,
    run: RunId,
    license: &str,
    look: impl FnOnce(&mut Wanted, &LicenseId) -> Result<(), ReadError>,
    found: &mut Found,
) -> Result<(), Failure> {
    let id = LicenseId::parse(license).map_err(|error| Failure::usage(error.to_string()))?;
    let (mut operations, mut wanted) = (Vec::new(), Wanted::default());
    reader.operations_of_license(run, license, |row| {
        if row.state == "done" {
            wanted.add(row.person_id.as_deref(), row.email.as_deref());
            operations.push(row);
        }
        Ok::<(), JournalError>(())
    })?;
    look(&mut wanted, &id)?;
    found.compared += operations.len() as u64;
    let numbered = operations.into_iter().enumerate();
    let drifted = numbered.filter(|(number, row)| wanted.holds(*number) != (row.operation == "add"));
    found.drift.extend(drifted.map(|(_, row)| row));
    Ok(())
}

const HEADER: [&str; 6] = ["line", "email", "personId", "licenseId", "operation", "found"];

fn write(found: &Found, output: &mut dyn Write) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(HEADER)?;
    for row in &found.drift {
        let seen = if row.operation == "add" { "not held" } else { "still held" };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let line = row.line.to_string();
        let record = [&line, &text(&row.email), &text(&row.person_id), &row.target, &row.operation, seen];
        writer.write_record(record)?;
    }
    Ok(writer.flush()?)
}

fn tell(context: &Context, args: &args::Verify, run: RunId, found: &Found) -> Result<(), Failure> {
    let output = context.output;
    match &args.output {
        Some(path) => write_whole(path, |output| write(found, output))?,
        None if output.json => {
            for row in &found.drift {
                output.event(&json!({"event": "drift", "operation": row}));
            }
        }
        None if found.drift.is_empty() => {}
        None => write(found, &mut io::stdout())?,
    }
    let (compared, drift) = (found.compared, found.drift.len());
    output.say(format_args!(
        "Run {run}: {compared} operations compared, {drift} differ from what users hold now"
    ));
    if found.sites > 0 {
        output.say(format_args!(
            "{} sites cannot be compared: the API does not list their attendees",
            found.sites
        ));
    }
    output.event(&json!({"event": "summary", "run": run.0, "compared": compared, "drift": drift, "sites_not_compared": found.sites}));
    Ok(())
}
