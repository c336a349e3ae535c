//! `seatbatch licenses list` and `seatbatch licenses show`

use std::io::{self, Write};

use comfy_table::Table;
use serde::Serialize;

use super::args::{self, LicensesCommand, ListFormat};
use super::context::Context;
use super::event::Event;
use super::exit::{Exit, Failure};
use super::output::{Output, fitted, noted};
use crate::domain::{Listing, Printable};
use crate::live::{LicenseMatch, Licenses, Readings};
use crate::report::aligned;
use crate::run::RunSettings;
use crate::webex::{License, LicenseUser};

pub(super) fn run(context: &Context, args: &args::Licenses) -> Result<Exit, Failure> {
    let mut settings = RunSettings::default();
    context.adjust(&mut settings, &args.what.asking().only());
    let readings = context.readings(context.client(&settings)?, &settings);
    context.runtime()?.block_on(async {
        let licenses = readings.licenses(None).await?;
        match &args.what {
            LicensesCommand::List { format, ids, .. } => {
                let all = licenses.all();
                list(context, ListForm(*format, *ids), all)
            }
            LicensesCommand::Show { license, users, format, ids, .. } => {
                let license = the_one(&licenses, license)?;
                if *users {
                    return holders(context, ListForm(*format, *ids), &readings, license).await;
                }
                list(context, ListForm(*format, *ids), std::slice::from_ref(license))
            }
        }
    })?;
    Ok(Exit::Done)
}

/// The license that is called so, by its name or its ID.
fn the_one<'a>(licenses: &'a Licenses, called: &str) -> Result<&'a License, Failure> {
    let asked = Printable(called);
    match licenses.find(called) {
        LicenseMatch::One(license) => Ok(license),
        LicenseMatch::Nothing(nearest) => {
            let nearest =
                nearest.map_or_else(String::new, |name| format!("; the nearest is '{}'", Printable(name)));
            Err(Failure::usage(format!(
                "the organization has no license of the name or ID '{asked}'{nearest}"
            ))
            .with_list(Listing::Licenses))
        }
        LicenseMatch::Several(which) => {
            let which: Vec<String> = which.into_iter().map(License::told_apart).collect();
            let which = which.join("\n  ");
            Err(Failure::usage(format!(
                "several licenses are called '{asked}'; name one by its ID:\n  {which}"
            )))
        }
    }
}

/// The form of a list, and whether a table has IDs where something else names the thing.
#[derive(Clone, Copy)]
struct ListForm(ListFormat, bool);

async fn holders(
    context: &Context,
    form: ListForm,
    readings: &Readings,
    license: &License,
) -> Result<(), Failure> {
    let id =
        license.license_id().ok_or_else(|| Failure::usage("the service lists this license without an ID"))?;
    let mut writer = GrowingList::new(context, form, USER)?;
    let mut written = Ok(());
    readings
        .holders(&id, |user| {
            if written.is_ok() {
                written = writer.add(user_cells(&user), Listed::User(&user));
            }
        })
        .await?;
    written?;
    writer.finish()
}

const LICENSE: [&str; 6] = ["name", "total", "consumed", "left", "site", "id"];
const USER: [&str; 4] = ["email", "name", "type", "personId"];

fn license_cells(license: &License) -> [String; 6] {
    let number = |units: Option<i64>| units.map_or_else(String::new, |units| units.to_string());
    [
        license.name.clone(),
        number(license.total_units),
        number(license.consumed_units),
        number(license.units_left()),
        license.site_url.clone().unwrap_or_default(),
        license.id.clone(),
    ]
}

fn user_cells(user: &LicenseUser) -> [String; 4] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [text(&user.email), text(&user.display_name), text(&user.kind), user.id.clone()]
}

fn list(context: &Context, form: ListForm, licenses: &[License]) -> Result<(), Failure> {
    let mut lines = GrowingList::new(context, form, LICENSE)?;
    for license in licenses {
        lines.add(license_cells(license), Listed::License(license))?;
    }
    lines.finish()
}

/// What a line of a list is made of.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Listed<'a> {
    License(&'a License),
    User(&'a LicenseUser),
}

impl<'a> Listed<'a> {
    const fn event(self) -> Event<'a> {
        match self {
            Self::License(license) => Event::License(license),
            Self::User(user) => Event::User(user),
        }
    }
}

/// A list as it grows. CSV and JSON are written line by line; a table waits for its last line.
enum GrowingList {
    /// With or without the IDs, which stand last.
    Table(Table, bool),
    Csv(csv::Writer<io::Stdout>),
    Json,
    /// The same as events.
    Events(Output),
}

impl GrowingList {
    fn new<const N: usize>(
        context: &Context,
        ListForm(format, ids): ListForm,
        header: [&'static str; N],
    ) -> Result<Self, Failure> {
        match format {
            _ if context.output.json => Ok(Self::Events(context.output)),
            ListFormat::Json => Ok(Self::Json),
            ListFormat::Csv => {
                let mut writer = csv::Writer::from_writer(io::stdout());
                writer.write_record(header).map_err(io::Error::from)?;
                Ok(Self::Csv(writer))
            }
            ListFormat::Table => {
                let shown = if ids { N } else { N - 1 };
                let is_number = |name: &str| matches!(name, "total" | "consumed" | "left");
                let right = header.iter().enumerate().filter(|(_, name)| is_number(name));
                let table = aligned(header.iter().take(shown), right.map(|(number, _)| number));
                Ok(Self::Table(table, ids))
            }
        }
    }

    fn add<const N: usize>(&mut self, cells: [String; N], value: Listed<'_>) -> Result<(), Failure> {
        match self {
            Self::Table(table, ids) => {
                let mut cells = cells.map(|cell| Printable(&cell).to_string());
                if let Listed::License(_) = value {
                    cells.iter_mut().skip(1).take(3).for_each(|cell| *cell = Output::grouped(cell));
                }
                let id = cells.last().cloned().unwrap_or_default();
                if let Some(name) = cells.first_mut().filter(|name| name.is_empty()) {
                    // Nothing else names it.
                    *name = id;
                }
                table.add_row(cells.iter().take(if *ids { N } else { N - 1 }));
            }
            Self::Csv(writer) => writer
                .write_record(cells.each_ref().map(|cell| crate::report::defused(cell).into_owned()))
                .map_err(io::Error::from)?,
            Self::Json => {
                let line = serde_json::to_string(&value).map_err(io::Error::from)?;
                noted(writeln!(io::stdout(), "{line}"))?;
            }
            Self::Events(output) => output.event(&value.event()),
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Table(table, _) => noted(writeln!(io::stdout(), "{}", fitted(table)))?,
            Self::Csv(mut writer) => noted(writer.flush())?,
            Self::Json | Self::Events(_) => {}
        }
        Ok(())
    }
}
