//! `seatbatch verify`

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::json;
use tokio::runtime::Runtime;

use super::args::{self, Sending};
use super::context::{Context, runtime};
use super::exit::{Exit, Failure};
use super::resume::settings;
use crate::domain::{LicenseId, RunId};
use crate::journal::{JournalError, OperationRow, Reader};
use crate::report::{ReportError, write_whole};
use crate::run::{RunSettings, patiently};
use crate::webex::{Client, LicenseUser, ReadError};

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
        let mut wanted = Wanted::of(&reader, row.run, &text)?;
        stream_users(&runtime, &client, &settings, &text, &mut wanted)?;
        wanted.report(&mut found);
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

/// The operations of one license that should show among its users.
struct Wanted {
    operations: Vec<(OperationRow, bool)>,
    by_person: HashMap<String, Vec<usize>>,
    by_email: HashMap<String, Vec<usize>>,
}

impl Wanted {
    fn of(reader: &Reader, run: RunId, license: &str) -> Result<Self, JournalError> {
        let mut wanted = Self { operations: Vec::new(), by_person: HashMap::new(), by_email: HashMap::new() };
        reader.done_of_license(run, license, |row| {
            let number = wanted.operations.len();
            if let Some(person) = &row.person_id {
                wanted.by_person.entry(person.clone()).or_default().push(number);
            }
            if let Some(email) = &row.email {
                wanted.by_email.entry(email.to_lowercase()).or_default().push(number);
            }
            wanted.operations.push((row, false));
            Ok::<(), JournalError>(())
        })?;
        Ok(wanted)
    }

    /// Somebody holds the license.
    fn holds(&mut self, user: &LicenseUser) {
        let by_person = self.by_person.get(&user.id).into_iter().flatten();
        let email = user.email.as_deref().unwrap_or_default().to_lowercase();
        let by_email = self.by_email.get(&email).into_iter().flatten();
        for number in by_person.chain(by_email) {
            if let Some((_, held)) = self.operations.get_mut(*number) {
                *held = true;
            }
        }
    }

    fn report(self, found: &mut Found) {
        found.compared += self.operations.len() as u64;
        let drifted = self.operations.into_iter().filter(|(row, held)| *held != (row.operation == "add"));
        found.drift.extend(drifted.map(|(row, _)| row));
    }
}

/// Looks at the license's users page by page: memory grows with the run, not with the license.
fn stream_users(
    runtime: &Runtime,
    client: &Client,
    settings: &RunSettings,
    license: &str,
    wanted: &mut Wanted,
) -> Result<(), Failure> {
    let id = LicenseId::parse(license).map_err(|error| Failure::usage(error.to_string()))?;
    let mut users = client.license_users(&id);
    runtime.block_on(async {
        loop {
            match patiently(settings.max_wait(), async || users.next().await).await {
                Ok(Some(user)) => wanted.holds(&user),
                // Nobody can hold a license that is gone.
                Ok(None) | Err(ReadError::NotFound) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    })
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
