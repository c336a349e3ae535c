//! `seatbatch plan`

use std::collections::HashMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::json;

use super::args;
use super::check::{ProblemEvent, described};
use super::context::{Context, runtime};
use super::exit::{Exit, Failure};
use crate::assign::{Checked, Demand, Problem, check};
use crate::domain::{Order, Printable, Target, Wire};
use crate::input::InputFile;
use crate::run::{Catalog, RunSettings};
use crate::webex::License;

pub(super) fn run(context: &Context, args: &args::Plan) -> Result<Exit, Failure> {
    let output = context.output;
    let file = InputFile::open(&args.file)?;
    let mut settings = RunSettings::default();
    context.adjust(&mut settings, &args.sending);
    let client = context.client(&settings)?;
    let runtime = runtime()?;
    let mut catalog = Catalog::new(context.readings(client, &settings), runtime.handle().clone());
    let mut tell = |problem: &Problem| {
        let _ = output.print(problem);
        output.event(&ProblemEvent::from(problem));
    };
    let checked = match check(&file, &args.reading.interpretation(), Order::File, &mut catalog, &mut tell) {
        Err(error) if error.is_about_content() => {
            return Err(Failure { exit: Exit::Problems, error: error.into() });
        }
        other => other?,
    };
    let needs = needs(&checked, catalog.licenses(None)?.all());
    let requests: Vec<u32> = requests(&checked, &settings).collect();
    // Each organization has a pace of its own, so the largest decides.
    let longest = requests.iter().max().copied().unwrap_or(0);
    let least = settings.rate.period().map(|period| period.saturating_mul(longest));
    let (requests, organizations) = (requests.iter().sum(), requests.len());
    for need in &needs {
        output.event(need);
    }
    let counts = checked.counts();
    let least_s = least.map(|time| time.as_secs_f64().round());
    output.event(&json!({"event": "summary", "file": args.file, "counts": counts, "requests": requests,
        "organizations": organizations, "least_s": least_s}));
    output.print(table(&needs).trim_fmt())?;
    output.print(format_args!("\n{}", described(&counts)))?;
    output.print(duration(requests, organizations, &settings, least))?;
    let mut short = false;
    for advice in needs.iter().filter_map(Need::advice) {
        short = true;
        output.print(advice)?;
    }
    Ok(if counts.errors > 0 || short { Exit::Problems } else { Exit::Done })
}

/// What the file asks of a license against what there is.
#[derive(Debug, Serialize)]
struct Need {
    event: &'static str,
    target: String,
    name: Option<String>,
    adds: u64,
    removes: u64,
    /// Units left; none where there is no end of them.
    left: Option<u64>,
    /// Whether the organization has it. Sites cannot be looked up.
    known: bool,
}

impl Need {
    fn advice(&self) -> Option<String> {
        let name = Printable(self.name.as_deref().unwrap_or(&self.target)).to_string();
        if !self.known {
            return Some(format!(
                "problem: the organization has no license {name}; 'seatbatch licenses list' shows what there is"
            ));
        }
        let left = self.left?;
        let missing = self.adds.checked_sub(left).filter(|missing| *missing > 0)?;
        if self.adds <= left + self.removes {
            return Some(format!(
                "problem: {name} has {left} units left for {} users; the file gives {} back: apply it with --order removes-first",
                self.adds, self.removes
            ));
        }
        let missing = missing - self.removes;
        Some(format!(
            "problem: {name} is {missing} units short: {} wanted, {left} left, {} given back by the file. Those who hold it already need none",
            self.adds, self.removes
        ))
    }
}

fn needs(checked: &Checked, licenses: &[License]) -> Vec<Need> {
    let known: HashMap<&str, &License> =
        licenses.iter().map(|license| (license.id.as_str(), license)).collect();
    let need = |(target, Demand { adds, removes }): (&Target, Demand)| {
        let license = known.get(target.as_str());
        Need {
            event: "need",
            target: target.as_str().to_owned(),
            name: license.map(|license| license.name.clone()),
            adds,
            removes,
            left: license.and_then(|license| license.units_left()).and_then(|left| u64::try_from(left).ok()),
            known: license.is_some() || matches!(target, Target::Site(_)),
        }
    };
    checked.demand().map(need).collect()
}

fn table(needs: &[Need]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["license or site", "add", "remove", "left"]);
    for need in needs {
        let name = Printable(need.name.as_deref().unwrap_or(&need.target)).to_string();
        let left = need.left.map_or_else(String::new, |left| left.to_string());
        table.add_row([name, need.adds.to_string(), need.removes.to_string(), left]);
    }
    for number in 1..=3 {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Requests for each organization, where all goes well and the service takes the first form that is
/// tried.
fn requests(checked: &Checked, settings: &RunSettings) -> impl Iterator<Item = u32> {
    let batch = if settings.wire == Wire::Object { 1 } else { settings.batch_size.get() };
    checked.organizations().iter().map(move |users| users.div_ceil(batch))
}

fn duration(requests: u32, organizations: usize, settings: &RunSettings, least: Option<Duration>) -> String {
    let time = match least {
        Some(time) => format!(" at {} take at least {:.0} s", settings.rate, time.as_secs_f64()),
        None => ", as fast as the service answers".to_owned(),
    };
    match organizations {
        0 | 1 => format!("{requests} requests{time}"),
        several => {
            format!("{requests} requests{time}; {several} organizations have a pace of their own each")
        }
    }
}
