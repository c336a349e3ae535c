//! The audit report for reading.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};

use super::error::ReportError;
use crate::domain::Printable;
use crate::journal::{OrgTally, Reader, RunRow};

/// Writes what a run was, how it stands, and what failed why.
///
/// # Errors
/// [`ReportError`].
pub fn write_text(reader: &Reader, run: &RunRow, output: &mut dyn Write) -> Result<(), ReportError> {
    writeln!(output, "Run {}: {}", run.run, Printable(&run.input_name()))?;
    writeln!(output, "  SHA-256   {}", run.input_sha256)?;
    writeln!(output, "  state     {}", run.state)?;
    if let Some(reason) = &run.reason {
        writeln!(output, "  because   {}", Printable(reason))?;
    }
    writeln!(output, "  created   {}", run.created_at)?;
    if let Some(finished) = &run.finished_at {
        writeln!(output, "  finished  {finished}")?;
    }
    writeln!(output, "  users     {}", run.users)?;
    if let Some(wire) = &run.wire {
        writeln!(output, "  wire form {wire}")?;
    }
    let tally = run.tally;
    let counts = [
        ("total", tally.total),
        ("done", tally.done),
        ("unchanged", tally.unchanged),
        ("failed", tally.failed),
        ("invalid", tally.invalid),
        ("in_doubt", tally.in_doubt),
        ("pending", tally.pending),
    ];
    writeln!(output)?;
    writeln!(output, "{}", counted("operations", counts).trim_fmt())?;
    let organizations = reader.organizations(run.run)?;
    if organizations.len() > 1 {
        writeln!(output)?;
        writeln!(output, "{}", by_organization(&organizations).trim_fmt())?;
    }
    section(output, "attempts", reader.attempt_outcomes(run.run)?)?;
    section(output, "failures by code", reader.failure_codes(run.run)?)?;
    Ok(writeln!(output)?)
}

/// How the operations of each organization stand.
#[must_use]
pub fn by_organization(organizations: &[OrgTally]) -> Table {
    let mut table = Table::new();
    let words = ["organization", "total", "done", "failed", "in doubt", "pending"];
    table.load_style(presets::NOTHING).set_header(words);
    for org in organizations {
        let counts =
            [org.total, org.done, org.failed, org.in_doubt, org.pending].map(|count| count.to_string());
        table.add_row(std::iter::once(Printable(org.name()).to_string()).chain(counts));
    }
    for number in 1..words.len() {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn section(output: &mut dyn Write, title: &str, rows: Vec<(String, u64)>) -> Result<(), ReportError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|(name, count)| (Printable(&name).to_string(), count));
    writeln!(output)?;
    Ok(writeln!(output, "{}", counted(title, rows).trim_fmt())?)
}

fn counted<N: Into<String>>(title: &str, rows: impl IntoIterator<Item = (N, u64)>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([title, ""]);
    for (name, count) in rows {
        table.add_row([name.into(), count.to_string()]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
