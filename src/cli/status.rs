//! `seatbatch status`

use std::time::Duration;

use serde_json::json;

use super::args;
use super::context::{Context, shell_word};
use super::exit::{Exit, Failure};
use super::sending::summary;
use crate::domain::{Printable, RunState};
use crate::journal::{Reader, RunRow, is_held};
use crate::report::by_organization;
use crate::run::RunSettings;

pub(super) fn run(context: &Context, args: &args::Status) -> Result<Exit, Failure> {
    let reader = Reader::open(&context.journal)?;
    let row = context.run_or_newest(&reader, args.run)?;
    let output = context.output;
    let failures =
        RunSettings::from_json(&row.settings).map(|settings| settings.failures).unwrap_or_default();
    let organizations = reader.organizations(row.run)?;
    for organization in &organizations {
        output.event(&json!({"event": "organization", "organization": organization}));
    }
    summary(&reader, &row, Duration::ZERO, failures.display().to_string())?.tell(output);
    output.print(described(context, &row, is_held(&context.journal)))?;
    if organizations.len() > 1 {
        output.print(format_args!("\n{}", by_organization(&organizations).trim_fmt()))?;
    }
    Ok(Exit::Done)
}

fn described(context: &Context, row: &RunRow, held: bool) -> String {
    let tally = row.tally;
    let resume = context.command(format_args!("resume {}", row.run));
    let apply = context.command(format_args!("apply {}", Printable(&shell_word(&row.input_name()))));
    let mut text = format!("Run {}: {}\n", row.run, Printable(&row.input_name()));
    text += &match (row.state, held) {
        (RunState::Importing, false) => {
            format!("interrupted while importing; nothing was sent. Start over with: {apply}\n")
        }
        (RunState::Running, false) => {
            format!("interrupted: its process ended before the run did. Go on with: {resume}\n")
        }
        (RunState::Paused, _) => {
            let reason = row.reason.as_deref().unwrap_or("no reason is known");
            format!("paused: {}. Go on with: {resume}\n", Printable(reason))
        }
        (RunState::Finished, _) => {
            format!("finished at {}\n", row.finished_at.as_deref().unwrap_or_default())
        }
        (state, true) => format!("{state}\n"),
    };
    text += &format!(
        "total {}  done {}  unchanged {}  failed {}  invalid {}  in doubt {}  pending {}",
        tally.total, tally.done, tally.unchanged, tally.failed, tally.invalid, tally.in_doubt, tally.pending
    );
    text
}
