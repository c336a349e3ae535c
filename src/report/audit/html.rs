//! The audit report as one HTML page that needs nothing beside it and asks for nothing: its policy forbids the
//! browser to load anything and to run any script but the page's own.

use std::io::Write;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::chart::{bar, legend, progress};
use super::model::{AuditGroup, Counting, RunReport};
use super::rows::NotDone;
use super::text::{facts, states};
use super::words::{amount, number, outcome};
use super::{Audited, ReportOptions};
use crate::domain::{OperationState, Printable};
use crate::report::error::ReportError;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The table's columns, with their widths. The script fills them in this order.
const COLUMNS: [(&str, &str); 13] = [
    ("Run", "4rem"),
    ("Line", "5rem"),
    ("User", "15rem"),
    ("License or site", "14rem"),
    ("Operation", "6.5rem"),
    ("State", "6rem"),
    ("Code", "9rem"),
    ("Why", "22rem"),
    ("HTTP", "4.5rem"),
    ("Tracking ID", "14rem"),
    ("Attempts", "6.5rem"),
    ("When (UTC)", "14rem"),
    ("Organization", "12rem"),
];

pub(super) fn write(
    runs: &[Audited<'_>],
    telling: &ReportOptions<'_>,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut not_done = NotDone::default();
    let mut reports = Vec::with_capacity(runs.len());
    for audited in runs {
        let mut counting = Counting::default();
        audited.reader.audit(audited.run.run, telling.user, |row| {
            counting.row(row);
            not_done.row(row)
        })?;
        reports.push(counting.report(audited, telling)?);
    }
    output.write_all(beginning(&reports, telling, not_done.count()).into_string().as_bytes())?;
    output.write_all(b"<script type=\"application/json\" id=\"rows\">")?;
    not_done.write(output)?;
    output.write_all(b"</script><script>")?;
    output.write_all(SCRIPT.as_bytes())?;
    Ok(output.write_all(b"</script></body></html>\n")?)
}

/// A style or script as the page's policy names it.
fn named(content: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(content.as_bytes()));
    format!("'sha256-{hash}'")
}

/// The page up to its data.
fn beginning(reports: &[RunReport], telling: &ReportOptions<'_>, not_done: u64) -> Markup {
    let widths = widths();
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src {} {}; script-src {}",
        named(STYLE),
        named(&widths),
        named(SCRIPT)
    );
    let title = match reports {
        [only] => format!("Report of run {}", only.run),
        many => format!("Report of {}", amount(many.len() as u64, "run", true)),
    };
    // The elements that end the page are written by the caller, behind the data.
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { (title) " — seatbatch" }
                style { (PreEscaped(STYLE)) }
                style { (PreEscaped(&widths)) }
            }
            body {
                main {
                    h1 { (title) }
                    @if let Some(user) = telling.user.and_then(|user| user.all().next()) { p { "Only what concerns " strong { (Printable(user)) } "." } }
                    @for report in reports { (section(report, telling)) }
                    (table(reports, not_done))
                }
                footer { "Made by seatbatch " (telling.version) " from the journal. Times are " (if telling.utc { "UTC" } else { "local, with their offset" }) ", those of the table UTC." }
            }
        }
    };
    let text = page.into_string();
    PreEscaped(text.trim_end_matches("</body></html>").to_owned())
}

/// The widths of the table's columns, as a style of their own: a policy without exceptions takes no style attributes.
fn widths() -> String {
    let each = COLUMNS.iter().enumerate();
    each.map(|(place, (_, width))| format!("#grid col:nth-child({}) {{ width: {width}; }} ", place + 2))
        .chain(["#grid col.open { width: 2.5rem; }".to_owned()])
        .collect()
}

fn section(report: &RunReport, telling: &ReportOptions<'_>) -> Markup {
    html! {
        section {
            h2 { "Run " (report.run) ": " (Printable(&report.input_path)) }
            dl.cards {
                div { dt { "operations" } dd { (number(report.tally.total, true)) } }
                @for (name, count) in states(&report.tally) { div { dt { (name) } dd { (number(count, true)) } } }
            }
            (bar(&report.tally, "operations by state"))
            (legend(&report.tally))
            h3 { "What was asked, by whom" }
            dl.facts { @for (name, value) in facts(report, &ReportOptions { grouped: true, ..*telling }) { dt { (name) } dd { (Printable(&value)) } } }
            @if report.progress.span().is_some() { h3 { "Progress over time" } (progress(&report.progress, telling.utc)) }
            h3 { "By license and site" }
            (groups(&report.targets, "License or site"))
            @if report.organizations.len() > 1 { h3 { "By organization" } (groups(&report.organizations, "Organization")) }
            @if !report.causes.is_empty() { h3 { "Why not" } (causes(report)) }
            @if !report.attempts.is_empty() { h3 { "Requests" } (attempts(report)) }
        }
    }
}

fn groups(groups: &[AuditGroup], title: &str) -> Markup {
    let words = ["Total", "Done", "Unchanged", "Failed", "Invalid", "In doubt", "Pending"];
    html! {
        div.scroll tabindex="0" role="region" aria-label={ (title) ", counted" } {
            table {
                thead { tr { th scope="col" { (title) } th scope="col" { "Outcome" } @for word in words { th.n scope="col" { (word) } } } }
                tbody {
                    @for group in groups {
                        @let tally = group.tally;
                        tr {
                            th scope="row" title=[group.id.as_deref()] { (Printable(group.title())) }
                            td.wide { (bar(&tally, group.title())) }
                            @for count in [tally.total, tally.done, tally.unchanged, tally.failed, tally.invalid, tally.in_doubt, tally.pending] {
                                td.n { (number(count, true)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn causes(report: &RunReport) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Failures by cause" {
            table {
                thead { tr { th scope="col" { "Code" } th.n scope="col" { "Operations" } th scope="col" { "Words" } th scope="col" { "Remedy" } } }
                tbody {
                    @for cause in &report.causes {
                        tr {
                            th scope="row" { (Printable(if cause.code == "IN_DOUBT" { "in doubt" } else { &cause.code })) }
                            td.n { (number(cause.count, true)) }
                            td.wide { (Printable(&cause.message)) }
                            td.wide { (cause.remedy.unwrap_or("see the words")) }
                        }
                    }
                }
            }
        }
    }
}

fn attempts(report: &RunReport) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Requests by outcome" {
            table {
                thead { tr { th scope="col" { "Outcome" } th.n scope="col" { "Requests" } } }
                tbody {
                    @for (name, count) in &report.attempts {
                        tr { th scope="row" { (Printable(outcome(name))) } td.n { (number(count.as_u64().unwrap_or_default(), true)) } }
                    }
                }
            }
        }
    }
}

/// The table that the script fills.
fn table(reports: &[RunReport], not_done: u64) -> Markup {
    if not_done == 0 {
        return html! { h2 { "Not done" } p { "Nothing: everything asked for is done." } };
    }
    let there = |state: OperationState| {
        reports.iter().any(|report| match state {
            OperationState::Failed => report.tally.failed > 0,
            OperationState::Invalid => report.tally.invalid > 0,
            OperationState::InDoubt => report.tally.in_doubt > 0,
            _ => report.tally.pending > 0,
        })
    };
    let all =
        [OperationState::Failed, OperationState::Invalid, OperationState::InDoubt, OperationState::Pending];
    html! {
        h2 id="not-done" { "Not done" }
        noscript { p { "The table needs the script inside this page; the failures CSV has the same rows." } }
        div.tools {
            label.find { "Find" input id="find" type="search" autocomplete="off" spellcheck="false"; }
            label { "State" select id="states" {
                option value="" { "all" }
                @for state in all { @if there(state) { @let word = super::words::state(state); option value=(word) { (word) } } }
            } }
            button id="copy" type="button" { "Copy" }
            span id="said" .soft role="status" {}
        }
        div.scroll id="grid" tabindex="0" role="region" aria-labelledby="not-done" {
            table {
                colgroup { col.open; @for _ in COLUMNS { col; } }
                thead { tr {
                    td.open {}
                    @for (place, (name, _)) in COLUMNS.iter().enumerate() {
                        th scope="col" data-column=(place) { button type="button" { (name) span aria-hidden="true" {} } }
                    }
                } }
                tbody {}
            }
        }
        p id="cut" hidden { "Only the first 5,000 rows are printed; the failures CSV has them all." }
        dialog id="details" aria-label="All of one row" { dl.facts {} button type="button" autofocus { "Close" } }
    }
}
