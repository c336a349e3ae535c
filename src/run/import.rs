//! A checked file into the journal.

use super::{RunSettings, unix_millis};
use crate::assign::{CheckError, Checked, Entry, Intake, InvalidRow, PlacedOperation};
use crate::domain::{Line, RunId};
use crate::input::{InputError, InputFile};
use crate::journal::{Importer, InvalidOperation, Journal, JournalError, NewRun, PlannedOperation, Totals};

/// Why a file could not be taken in. Nothing of it will be sent.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Reads a checked file a second time, into a new run.
///
/// # Errors
/// [`ImportError`], also where the file is no longer the one with this hash.
pub fn import(
    journal: &mut Journal,
    file: &InputFile,
    sha256: &str,
    checked: Checked,
    settings: &RunSettings,
) -> Result<(RunId, Totals), ImportError> {
    let layout = serde_json::to_string(checked.layout()).unwrap_or_default();
    let input_path = file.path().to_string_lossy();
    let run = NewRun {
        input_path: &input_path,
        input_sha256: sha256,
        layout: &layout,
        settings: &settings.to_json(),
        created_at: unix_millis(),
    };
    let mut importer = journal.import(&run, checked.counts().assignments)?;
    let mut intake = Intake::new(checked, file).map_err(CheckError::from)?;
    while let Some(Entry { line, carried, content }) = intake.next()? {
        importer.cells(line, &carried)?;
        match content {
            Ok(operation) => {
                let target = intake.checked().targets().get(operation.target).ok_or_else(|| changed(file))?;
                importer.operation(&planned(line, &operation, target))?;
            }
            Err(row) => refuse(&mut importer, line, &row)?,
        }
    }
    if file.sha256().map_err(CheckError::from)? != sha256 {
        return Err(changed(file).into());
    }
    Ok(importer.seal()?)
}

fn changed(file: &InputFile) -> CheckError {
    InputError::Changed { path: file.path().to_owned() }.into()
}

fn planned<'a>(
    line: Line,
    operation: &'a PlacedOperation,
    target: &'a crate::domain::Target,
) -> PlannedOperation<'a> {
    PlannedOperation {
        line,
        assignment: operation.assignment,
        email: operation.email.as_ref(),
        person: operation.person.as_ref(),
        org: operation.org.as_ref(),
        target,
        action: operation.action,
        properties: &operation.properties,
        duplicate_of: operation.duplicate_of,
    }
}

fn refuse(importer: &mut Importer<'_>, line: Line, row: &InvalidRow) -> Result<(), JournalError> {
    importer.invalid(&InvalidOperation {
        line,
        email: &row.email,
        person: &row.person,
        org: &row.org,
        kind: row.kind,
        target: &row.target,
        operation: &row.operation,
        code: row.problem.code.as_str(),
        message: &row.problem.explanation(),
    })
}
