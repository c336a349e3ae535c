//! The second reading: each row with its operation and its assignment, or why it has none.

use std::borrow::Cow;

use super::check::{CheckError, Checked};
use super::columns::{Columns, Field};
use super::cross_row::CrossRow;
use super::problem::Problem;
use super::targets::{NamesTaken, TargetNo};
use super::wish::{self, Refused, Wish};
use crate::domain::{Action, AssignmentNo, EmailAddress, Line, OrgId, PersonId, Properties};
use crate::input::{InputError, InputFile, Row, Rows};

/// A row, placed.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The row's line.
    pub line: Line,
    /// The row's own bytes.
    pub carried: Cow<'a, [u8]>,
    /// What it asks for, or why it cannot be sent.
    pub content: Result<PlacedOperation, InvalidRow>,
    /// The row itself.
    pub row: Row<'a>,
}

/// An operation with its assignment.
#[derive(Debug)]
pub struct PlacedOperation {
    /// The user's assignment.
    pub assignment: AssignmentNo,
    /// The user's address, where this row gives it.
    pub email: Option<EmailAddress>,
    /// The user's person ID, where this row gives it.
    pub person: Option<PersonId>,
    /// The user's organization, where this row gives it.
    pub org: Option<OrgId>,
    /// What is added or removed.
    pub target: TargetNo,
    /// Which of the two.
    pub action: Action,
    /// With what.
    pub properties: Properties,
    /// The line of the same operation that is sent instead.
    pub duplicate_of: Option<Line>,
}

/// A row that cannot be sent, with its cells as they stand.
#[derive(Debug)]
pub struct InvalidRow {
    /// The `email` cell.
    pub email: String,
    /// The `personId` cell.
    pub person: String,
    /// The `orgId` cell.
    pub org: String,
    /// `site` where the row names a site, else `license`.
    pub kind: &'static str,
    /// The cell that names the license or site.
    pub target: String,
    /// The `operation` cell.
    pub operation: String,
    /// The first problem of the row.
    pub problem: Problem,
}

/// Reads a checked file again.
pub struct Intake<'f> {
    file: &'f InputFile,
    rows: Rows,
    /// The first finding of a line that has not been read.
    finding: usize,
    checked: Checked,
}

impl<'f> Intake<'f> {
    /// Reads a checked file again, from the start.
    ///
    /// # Errors
    /// [`InputError`] where it can no longer be read.
    pub fn new(checked: Checked, file: &'f InputFile) -> Result<Self, InputError> {
        let rows = file.rows(&checked.how.reading())?;
        Ok(Self { file, rows, finding: 0, checked })
    }

    /// The checked file.
    #[must_use]
    pub const fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The columns that mean nothing to us: their positions, counted from 0, and names.
    #[must_use]
    pub fn own_columns(&self) -> Vec<(usize, String)> {
        let names = self.rows.names().iter().enumerate();
        let own = names.filter(|(position, _)| !self.checked.columns.has_at(*position));
        own.map(|(position, name)| (position, name.to_string())).collect()
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// [`CheckError`]; [`InputError::Changed`] where this is not the file that was checked.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row borrows the reader: it lends, it does not iterate"
    )]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, CheckError> {
        let Some(row) = self.rows.next()? else { return Ok(None) };
        let line = row.line();
        let columns = &self.checked.columns;
        let finding = self.checked.findings.get(self.finding).filter(|(found, _)| *found == line);
        self.finding += usize::from(finding.is_some());
        let finding = finding.map(|(_, finding)| *finding);
        // Every name was resolved at the first reading, and is remembered.
        let wish = wish::read(&row, columns, &mut self.checked.targets, &mut NamesTaken)
            .map_err(CheckError::Names)?;
        let content = match (wish, finding) {
            (Err(Refused(problems)), _) => {
                Err(invalid(&row, columns, problems.into_iter().next(), self.file)?)
            }
            (Ok(_), Some(finding)) if finding.is_invalid() => {
                let (column, value) = place(&row, columns, finding);
                Err(invalid(&row, columns, Some(finding.problem(line, &column, None, value)), self.file)?)
            }
            (Ok(wish), finding) => {
                let number = self.checked.number_of(&wish).ok_or_else(|| changed(self.file))?;
                Ok(placed(wish, number, finding))
            }
        };
        Ok(Some(Entry { line, carried: row.carried(), content, row }))
    }

    /// After the last row: whether this was the file that was checked, to the byte. Gives it back, to be read
    /// once more.
    ///
    /// # Errors
    /// [`InputError::Changed`].
    pub fn finish(self) -> Result<Checked, InputError> {
        let same = self.rows.sha256() == Some(self.checked.sha256());
        if same { Ok(self.checked) } else { Err(changed(self.file)) }
    }
}

fn placed(wish: Wish, assignment: AssignmentNo, finding: Option<CrossRow>) -> PlacedOperation {
    let duplicate_of = match finding {
        Some(CrossRow::DuplicateOf(line)) => Some(line),
        _ => None,
    };
    let Wish { email, person, org, target, action, properties } = wish;
    PlacedOperation { assignment, email, person, org, target, action, properties, duplicate_of }
}

fn changed(file: &InputFile) -> InputError {
    InputError::Changed { path: file.path().to_owned() }
}

fn place(row: &Row<'_>, columns: &Columns, finding: CrossRow) -> (String, String) {
    let column = match finding {
        CrossRow::AddAndRemove { .. } => Field::Operation,
        CrossRow::TwoPersonIds | CrossRow::AddressOfTwoOrganizations => Field::Email,
        CrossRow::TwoOrganizations => Field::OrgId,
        CrossRow::DuplicateOf(_) | CrossRow::ConflictingProperties { .. } => Field::LicenseId,
    };
    (columns.name(column).to_owned(), columns.cell(row, column).to_owned())
}

fn invalid(
    row: &Row<'_>,
    columns: &Columns,
    problem: Option<Problem>,
    file: &InputFile,
) -> Result<InvalidRow, InputError> {
    let problem = problem.ok_or_else(|| changed(file))?;
    let site = columns.cell(row, Field::SiteUrl);
    let license = [Field::LicenseId, Field::License].map(|field| columns.cell(row, field));
    let license = license.into_iter().find(|cell| !cell.is_empty()).unwrap_or_default();
    Ok(InvalidRow {
        email: columns.cell(row, Field::Email).to_owned(),
        person: columns.cell(row, Field::PersonId).to_owned(),
        org: columns.cell(row, Field::OrgId).to_owned(),
        kind: if license.is_empty() && !site.is_empty() { "site" } else { "license" },
        target: if license.is_empty() { site } else { license }.to_owned(),
        operation: columns.cell(row, Field::Operation).to_owned(),
        problem,
    })
}
