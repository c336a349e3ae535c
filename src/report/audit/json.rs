//! The audit report as one JSON document: `{"runs": […], "operations": […]}`, written as it is read.

use std::io::{BufWriter, Write};

#[cfg(test)]
use super::model::RunReport;
use super::model::counted;
use super::{Audited, ReportOptions};
use crate::report::error::ReportError;

/// The form of the document, for those who describe it.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it is described, and written piece by piece")]
pub(crate) struct ReportDocument<'a> {
    /// The runs.
    runs: Vec<RunReport>,
    /// Their operations, run by run, by line and item.
    operations: Vec<crate::journal::AuditRow<'a>>,
}

pub(super) fn write(
    runs: &[Audited<'_>],
    telling: &ReportOptions<'_>,
    output: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut output = BufWriter::with_capacity(1 << 16, output);
    output.write_all(b"{\"runs\":[")?;
    for (number, audited) in runs.iter().enumerate() {
        output.write_all(if number == 0 { b"" } else { b"," })?;
        put(&mut output, &counted(audited, telling)?)?;
    }
    output.write_all(b"],\"operations\":[")?;
    let mut first = true;
    for Audited { reader, run } in runs {
        reader.audit(run.run, telling.user, |row| -> Result<(), ReportError> {
            output.write_all(if first { b"\n" } else { b",\n" })?;
            first = false;
            put(&mut output, row)
        })?;
    }
    output.write_all(b"\n]}\n")?;
    Ok(output.flush()?)
}

/// An error of the output comes out as the one it was.
fn put(output: &mut impl Write, value: &impl serde::Serialize) -> Result<(), ReportError> {
    serde_json::to_writer(output, value).map_err(|error| ReportError::Output(error.into()))
}
