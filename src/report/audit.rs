//! The audit report as CSV and JSON.

use std::borrow::Cow;
use std::io::Write;

use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer as _};

use super::error::ReportError;
use super::html::write_html;
use super::spreadsheet::defused;
use super::summary::write_text;
use crate::journal::{OperationRow, OrgTally, Reader, RunRow, Tally};

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For reading.
    #[default]
    Text,
    /// A line an operation.
    Csv,
    /// One document.
    Json,
    /// One page.
    Html,
}

/// Writes the report of these runs.
///
/// # Errors
/// [`ReportError`].
pub fn write_audit(
    reader: &Reader,
    runs: &[RunRow],
    format: Format,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    match format {
        Format::Text => runs.iter().try_for_each(|run| write_text(reader, run, output)),
        Format::Csv => write_csv(reader, runs, output),
        Format::Json => write_json(reader, runs, output),
        Format::Html => write_html(reader, runs, output),
    }
}

fn write_csv(reader: &Reader, runs: &[RunRow], output: &mut dyn Write) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(OperationRow::COLUMNS)?;
    for run in runs {
        reader.operations(run.run, |mut row| -> Result<(), ReportError> {
            for text in
                [&mut row.error_code, &mut row.error_message, &mut row.tracking_id, &mut row.target_name]
                    .into_iter()
                    .flatten()
            {
                *text = defused(text).into_owned();
            }
            // The columns are named above; a record is its fields in the same order.
            Ok(writer.serialize(Fields(&row))?)
        })?;
    }
    Ok(writer.flush()?)
}

/// A row as a record without names of its own.
struct Fields<'a>(&'a OperationRow);

impl Serialize for Fields<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        (
            (
                row.run_id,
                row.line,
                &row.email,
                &row.person_id,
                &row.org_id,
                &row.kind,
                &row.target,
                &row.operation,
            ),
            (&row.state, &row.error_code, &row.error_message, row.http_status, &row.tracking_id),
            (row.attempts, &row.updated_at, row.item, &row.target_name),
        )
            .serialize(serializer)
    }
}

/// The head of a run in the JSON report.
#[derive(Serialize)]
struct Head<'a> {
    run: u32,
    input_path: Cow<'a, str>,
    input_sha256: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    created_at: &'a str,
    finished_at: Option<&'a str>,
    assignments: u32,
    #[serde(flatten)]
    tally: Tally,
    organizations: Vec<OrgTally>,
    attempts: serde_json::Map<String, serde_json::Value>,
    failures_by_code: serde_json::Map<String, serde_json::Value>,
}

fn head<'a>(reader: &Reader, run: &'a RunRow) -> Result<Head<'a>, ReportError> {
    let object =
        |pairs: Vec<(String, u64)>| pairs.into_iter().map(|(name, count)| (name, count.into())).collect();
    Ok(Head {
        run: run.run.0,
        input_path: run.input_name(),
        input_sha256: &run.input_sha256,
        state: run.state.as_str(),
        reason: run.reason.as_deref(),
        created_at: &run.created_at,
        finished_at: run.finished_at.as_deref(),
        assignments: run.users,
        tally: run.tally,
        organizations: reader.organizations(run.run)?,
        attempts: object(reader.attempt_outcomes(run.run)?),
        failures_by_code: object(reader.failure_codes(run.run)?),
    })
}

/// One document, written as it is read: `{"runs": […], "operations": […]}`.
fn write_json(reader: &Reader, runs: &[RunRow], output: &mut dyn Write) -> Result<(), ReportError> {
    let heads = runs.iter().map(|run| head(reader, run)).collect::<Result<Vec<_>, _>>()?;
    // An error of the output comes out as the one it was.
    let wrong = |error: serde_json::Error| ReportError::Output(error.into());
    let mut serializer = serde_json::Serializer::new(&mut *output);
    let mut document = serializer.serialize_map(Some(2)).map_err(wrong)?;
    document.serialize_entry("runs", &heads).map_err(wrong)?;
    document.serialize_entry("operations", &Operations { reader, runs }).map_err(wrong)?;
    serde::ser::SerializeMap::end(document).map_err(wrong)?;
    Ok(writeln!(output)?)
}

struct Operations<'a> {
    reader: &'a Reader,
    runs: &'a [RunRow],
}

impl Serialize for Operations<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for run in self.runs {
            let mut failed = None;
            let written = self.reader.operations(run.run, |row| -> Result<(), ReportError> {
                list.serialize_element(&row).map_err(|error| {
                    failed = Some(error);
                    ReportError::Output(std::io::Error::other("the report could not be written"))
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
            written.map_err(S::Error::custom)?;
        }
        list.end()
    }
}
