//! The audit report as one HTML page that needs nothing beside it.

use std::io::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::error::ReportError;
use crate::domain::Printable;
use crate::journal::{FailedRow, OrgTally, Reader, RunRow, Tally};

/// Failed rows shown; the failures CSV has them all.
const MOST_ROWS: usize = 1000;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}\
    table{border-collapse:collapse;margin:1rem 0}th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;\
    border-bottom:1px solid #ddd}td.n{text-align:right}code{font-size:.9em;word-break:break-all}svg{width:100%;height:1.5rem}";

/// Writes the report of these runs.
///
/// # Errors
/// [`ReportError`].
pub(super) fn write_html(
    reader: &Reader,
    runs: &[RunRow],
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    let sections = runs.iter().map(|run| section(reader, run)).collect::<Result<Vec<_>, _>>()?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "seatbatch report" }
                style { (PreEscaped(STYLE)) }
            }
            body { @for section in &sections { (section) } }
        }
    };
    Ok(output.write_all(page.into_string().as_bytes())?)
}

fn section(reader: &Reader, run: &RunRow) -> Result<Markup, ReportError> {
    let organizations = reader.organizations(run.run)?;
    let attempts = reader.attempt_outcomes(run.run)?;
    let codes = reader.failure_codes(run.run)?;
    let rows = failed_rows(reader, run)?;
    let failed = run.tally.failed + run.tally.invalid + run.tally.in_doubt;
    Ok(html! {
        h1 { "Run " (run.run) ": " (Printable(&run.input_name())) }
        p { "State " strong { (run.state) } @if let Some(reason) = &run.reason { ": " (Printable(reason)) } }
        p {
            "Created " (run.created_at)
            @if let Some(finished) = &run.finished_at { ", finished " (finished) }
            ". " (run.users) " users. SHA-256 of the file " code { (run.input_sha256) }
        }
        (bar(&run.tally))
        (counted("operations", parts(&run.tally).map(|(name, count, _)| (name.to_owned(), count))))
        @if organizations.len() > 1 { (by_organization(&organizations)) }
        (counted("attempts", attempts))
        @if !rows.is_empty() {
            (counted("failures by code", codes))
            h2 { "Rows that were not done" }
            table {
                tr { @for name in ["line", "state", "code", "message", "HTTP", "tracking ID", "attempts"] { th { (name) } } }
                @for row in &rows { (row) }
            }
            @if failed > rows.len() as u64 { p { (failed - rows.len() as u64) " more are in the failures CSV." } }
        }
    })
}

/// What the operations of a run are, with a colour for each.
fn parts(tally: &Tally) -> [(&'static str, u64, &'static str); 6] {
    [
        ("done", tally.done, "#2e7d32"),
        ("unchanged", tally.unchanged, "#90a4ae"),
        ("failed", tally.failed, "#c62828"),
        ("invalid", tally.invalid, "#ad1457"),
        ("in_doubt", tally.in_doubt, "#ef6c00"),
        ("pending", tally.pending, "#9e9e9e"),
    ]
}

/// One bar, a thousand units wide.
fn bar(tally: &Tally) -> Markup {
    let total = tally.total.max(1);
    let mut from = 0;
    let pieces = parts(tally).map(|(name, count, colour)| {
        let start = from * 1000 / total;
        from += count;
        (name, count, colour, start, from * 1000 / total - start)
    });
    html! {
        svg viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label="operations by state" {
            @for (name, count, colour, start, width) in pieces {
                rect x=(start) y="0" width=(width) height="20" fill=(colour) { title { (name) " " (count) } }
            }
        }
    }
}

fn by_organization(organizations: &[OrgTally]) -> Markup {
    html! {
        table {
            tr { @for name in ["organization", "total", "done", "failed", "in doubt", "pending"] { th { (name) } } }
            @for org in organizations {
                tr {
                    td { (Printable(org.name())) }
                    @for count in [org.total, org.done, org.failed, org.in_doubt, org.pending] { td.n { (count) } }
                }
            }
        }
    }
}

fn counted(title: &str, rows: impl IntoIterator<Item = (String, u64)>) -> Markup {
    html! {
        table {
            tr { th { (title) } th {} }
            @for (name, count) in rows { tr { td { (Printable(&name)) } td.n { (count) } } }
        }
    }
}

fn failed_rows(reader: &Reader, run: &RunRow) -> Result<Vec<Markup>, ReportError> {
    let mut rows = Vec::new();
    reader.failures(run.run, |row| -> Result<(), ReportError> {
        if rows.len() < MOST_ROWS {
            rows.push(failed_row(&row));
        }
        Ok(())
    })?;
    Ok(rows)
}

fn failed_row(row: &FailedRow<'_>) -> Markup {
    html! {
        tr {
            td.n { (row.key.line) }
            td { (row.state) }
            td { (Printable(&row.code)) }
            td { (Printable(&row.message)) }
            td.n { @if let Some(status) = row.http_status { (status) } }
            td { @if let Some(id) = &row.tracking_id { (Printable(id)) } }
            td.n { (row.attempts) }
        }
    }
}
