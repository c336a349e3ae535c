//! The audit report for reading.

use std::io::Write;

use comfy_table::{ContentArrangement, Table};

use super::super::aligned;
use super::model::{AuditGroup, RunReport, counted};
use super::words::{amount, number, outcome, time};
use super::{Audited, ReportOptions};
use crate::domain::Printable;
use crate::journal::{OrgTally, Tally};
use crate::report::error::ReportError;

pub(super) fn write(
    runs: &[Audited<'_>],
    telling: &ReportOptions<'_>,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    for (number, audited) in runs.iter().enumerate() {
        if number > 0 {
            writeln!(output)?;
        }
        write_run(&counted(audited, telling)?, telling, output)?;
    }
    Ok(())
}

fn write_run(
    report: &RunReport,
    telling: &ReportOptions<'_>,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    writeln!(output, "Run {}: {}", report.run, Printable(&report.input_path))?;
    for (name, value) in facts(report, telling) {
        writeln!(output, "  {name:<9} {}", Printable(&value))?;
    }
    let people = |count| number(count, telling.grouped);
    section(
        output,
        "operations",
        "",
        states(&report.tally).map(|(name, count)| (name.into(), people(count))),
    )?;
    if report.pruned {
        return Ok(());
    }
    if report.organizations.len() > 1 {
        groups(output, "organization", &report.organizations, telling)?;
    }
    groups(output, "license or site", &report.targets, telling)?;
    let attempts = report
        .attempts
        .iter()
        .map(|(name, count)| (outcome(name).to_owned(), people(count.as_u64().unwrap_or_default())));
    section(output, "requests", "", attempts)?;
    causes(report, telling, output)
}

/// What stands at the head of a run.
pub(super) fn facts(report: &RunReport, telling: &ReportOptions<'_>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("SHA-256", report.input_sha256.clone()), ("state", report.state.to_owned())];
    if let Some(reason) = &report.reason {
        facts.push(("because", reason.clone()));
    }
    facts.push(("begun", time(&report.created_at, telling.utc)));
    if let Some(finished) = &report.finished_at {
        facts.push(("finished", time(finished, telling.utc)));
    }
    let by = match (&report.os_user, &report.host) {
        (Some(user), Some(host)) => Some(format!("{user} on {host}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    };
    facts.extend(by.map(|by| ("by", by)));
    facts.extend(report.version.as_ref().map(|version| ("release", format!("seatbatch {version}"))));
    let mut asked = format!(
        "{} of {}",
        amount(report.tally.total, "operation", telling.grouped),
        amount(report.users, "user", telling.grouped)
    );
    if report.pruned {
        facts.push(("asked", asked));
        facts.push(("forgotten", "its people, with what was asked for whom ('journal prune')".to_owned()));
        facts.extend(proof(report));
        return facts;
    }
    asked = format!(
        "{asked}: {} to add, {} to remove",
        number(report.adds, telling.grouped),
        number(report.removes, telling.grouped)
    );
    if report.tally.invalid > 0 {
        asked = format!("{asked}, {} that cannot be sent", number(report.tally.invalid, telling.grouped));
    }
    facts.push(("asked", asked));
    let mut requests = amount(report.requests, "request", telling.grouped);
    if report.retries > 0 {
        requests = format!("{requests}, {} of them again", number(report.retries, telling.grouped));
    }
    facts.push(("sent", requests));
    facts.extend(proof(report));
    facts
}

fn proof(report: &RunReport) -> Option<(&'static str, String)> {
    report.chain_head.as_ref().map(|head| ("proof", format!("{head} (journal check --head)")))
}

/// The states that an operation can be in, with how many are; those that nothing is in are left out but for `done`.
pub(super) fn states(tally: &Tally) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    let all = [
        ("done", tally.done),
        ("unchanged", tally.unchanged),
        ("failed", tally.failed),
        ("invalid", tally.invalid),
        ("in doubt", tally.in_doubt),
        ("pending", tally.pending),
    ];
    all.into_iter().filter(|(name, count)| *count > 0 || *name == "done")
}

fn causes(
    report: &RunReport,
    telling: &ReportOptions<'_>,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    if report.causes.is_empty() {
        return Ok(());
    }
    writeln!(output, "\nwhy not")?;
    for cause in &report.causes {
        let code = if cause.code == "IN_DOUBT" { "in doubt" } else { &cause.code };
        let count = number(cause.count, telling.grouped);
        writeln!(output, "  {count} × {}: {}", Printable(code), Printable(&cause.message))?;
        if let Some(remedy) = cause.remedy {
            writeln!(output, "      {remedy}")?;
        }
    }
    Ok(())
}

fn groups(
    output: &mut dyn Write,
    title: &str,
    groups: &[AuditGroup],
    telling: &ReportOptions<'_>,
) -> Result<(), ReportError> {
    let tallies = groups.iter().map(|group| (group.title(), group.tally));
    writeln!(output)?;
    let mut table = tallied(title, tallies, telling.grouped);
    if let Some(columns) = telling.columns {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    Ok(writeln!(output, "{}", table.trim_fmt())?)
}

fn tallied<'a>(title: &str, rows: impl Iterator<Item = (&'a str, Tally)>, grouped: bool) -> Table {
    let words = [title, "total", "done", "unchanged", "failed", "invalid", "in doubt", "pending"];
    let mut table = aligned(words, 1..words.len());
    for (name, tally) in rows {
        let Tally { total, done, unchanged, failed, invalid, in_doubt, pending } = tally;
        let counts = [total, done, unchanged, failed, invalid, in_doubt, pending];
        let counts = counts.map(|count| number(count, grouped));
        table.add_row(std::iter::once(Printable(name).to_string()).chain(counts));
    }
    table
}

/// How the operations of each organization stand.
#[must_use]
pub fn by_organization(organizations: &[OrgTally]) -> Table {
    let tallies = organizations.iter().map(|org| {
        let OrgTally { total, done, failed, in_doubt, pending, .. } = *org;
        (org.name(), Tally { total, done, failed, in_doubt, pending, ..Tally::default() })
    });
    tallied("organization", tallies, false)
}

fn section(
    output: &mut dyn Write,
    title: &str,
    unit: &str,
    rows: impl Iterator<Item = (String, String)>,
) -> Result<(), ReportError> {
    let mut table = aligned([title, unit], [1]);
    for (name, count) in rows {
        table.add_row([Printable(&name).to_string(), count]);
    }
    if table.row_count() == 0 {
        return Ok(());
    }
    writeln!(output)?;
    Ok(writeln!(output, "{}", table.trim_fmt())?)
}
