//! The second reading: each operation with its assignment, or why it has none.

use std::borrow::Cow;
use std::collections::HashMap;

use super::check::{CheckError, Checked};
use super::columns::{Columns, Field};
use super::cross_row::CrossRow;
use super::problem::Problem;
use super::row::{RowOperation, RowOutcome, RowUser};
use super::targets::{TargetNo, Targets, WordNo};
use crate::domain::{
    Action, AssignmentNo, EmailAddress, Item, Line, OperationKey, OrgId, PersonId, Properties,
};
use crate::input::{InputError, InputFile, Row, Rows};

/// A row, read for the second time.
#[derive(Debug)]
pub struct PlacedRow<'a> {
    /// The row's line.
    pub line: Line,
    /// The row's own bytes.
    pub carried: Cow<'a, [u8]>,
    /// The row itself.
    pub row: Row<'a>,
    /// Whether the row is of the part of the file that is taken.
    pub is_taken: bool,
}

/// An operation of a row, with its name.
#[derive(Debug)]
pub struct Placed {
    /// The row, and which of its operations.
    pub key: OperationKey,
    /// What it asks for, or why it cannot be sent.
    pub content: Result<PlacedOperation, InvalidRow>,
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
    /// The same operation that is sent instead.
    pub duplicate_of: Option<OperationKey>,
    /// By which words, where the row asks for several.
    pub asked: Option<u32>,
}

/// A row that cannot be sent, or one of its operations, with its cells as they stand.
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
pub struct SecondReading<'f> {
    file: &'f InputFile,
    rows: Rows,
    /// The first finding of an operation that has not been read.
    finding: usize,
    checked: Checked,
    /// By which words operations were asked for so far.
    asked: HashMap<AskedKey, u32>,
    /// Those that have not been handed on.
    fresh: Vec<Asked>,
}

/// By which words a row asks for one of its several operations.
#[derive(Debug)]
pub struct Asked {
    /// Its number within the file.
    pub number: u32,
    /// The place among the row's own cells; none where an option asks.
    pub cell: Option<u32>,
    /// The entry of the cell, or the option; none where the cell asks for one thing.
    pub text: Option<Box<str>>,
    /// What an earlier failures CSV says need not be asked of the row again.
    pub not_again: Option<Box<str>>,
}

/// A cell, an entry of it or an option, and what need not be asked again.
type AskedKey = (Option<usize>, Option<WordNo>, Option<WordNo>);

impl<'f> SecondReading<'f> {
    /// Reads a checked file again, from the start.
    ///
    /// # Errors
    /// [`CheckError`] where it can no longer be read, or takes away everything of users whose licenses nobody has
    /// looked up.
    pub fn new(checked: Checked, file: &'f InputFile) -> Result<Self, CheckError> {
        if checked.counts().everything > 0 {
            return Err(CheckError::HoldingsUnknown { users: checked.counts().everything });
        }
        let rows = file.rows(&checked.reader.how.reading())?;
        Ok(Self { file, rows, finding: 0, checked, asked: HashMap::new(), fresh: Vec::new() })
    }

    /// The checked file.
    #[must_use]
    pub const fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The columns that mean nothing to us: their positions, counted from 0, and names.
    #[must_use]
    pub fn own_columns(&self) -> Vec<(usize, String)> {
        let reader = &self.checked.reader;
        let services = |position| reader.wide.as_ref().is_some_and(|wide| wide.holds(position));
        let names = self.rows.names().iter().enumerate();
        let own = names.filter(|(position, _)| !reader.columns.is_taken(*position) && !services(*position));
        own.map(|(position, name)| (position, name.clone())).collect()
    }

    /// The next row; `None` at the end. What it asks for is put behind what `placed` holds already.
    ///
    /// # Errors
    /// [`CheckError`]; [`InputError::Changed`] where this is not the file that was checked.
    pub fn next(&mut self, placed: &mut Vec<Placed>) -> Result<Option<PlacedRow<'_>>, CheckError> {
        let Some(row) = self.rows.next()? else { return Ok(None) };
        let line = row.line();
        let outcome = self.checked.reader.read(&row);
        let Checked { share, roster, .. } = &self.checked;
        let is_taken = match &outcome {
            RowOutcome::Idle(_) | RowOutcome::NotDue => share.has_nobodys(),
            RowOutcome::Refused(user) | RowOutcome::Asks(user) => share.has_row(roster, user),
        };
        match outcome {
            _ if !is_taken => {}
            RowOutcome::Idle(_) | RowOutcome::NotDue => {}
            RowOutcome::Refused(_) => {
                let problem = self.checked.reader.first_problem();
                let key = OperationKey::of_line(line);
                let content = Err(invalid(&row, &self.checked.reader.columns, problem, self.file)?);
                placed.push(Placed { key, content });
            }
            RowOutcome::Asks(user) => {
                let number = self.checked.number_of(&user);
                let operations = std::mem::take(&mut self.checked.reader.operations);
                let not_again = self.checked.reader.not_again(&row);
                let columns = &self.checked.reader.columns;
                let is_several = operations.len() > 1 || not_again.is_some();
                // The last of them is given the names themselves.
                let users = std::iter::repeat_n(user, operations.len());
                for ((item, operation), user) in (1..).zip(&operations).zip(users) {
                    let key = OperationKey::new(line, Item::new(item));
                    let finding = self.checked.finding(&mut self.finding, key);
                    let content = match finding {
                        Some(finding) if finding.is_invalid() => {
                            let problem =
                                finding.problem(&row, columns, Some(operation), self.checked.targets());
                            Err(invalid(&row, columns, Some(problem), self.file)?)
                        }
                        finding => {
                            let number = number.ok_or_else(|| changed(self.file))?;
                            let asked = is_several.then(|| {
                                let cell = operation.cell.map(|cell| row.own_place(cell));
                                let by = (cell, operation.word, not_again);
                                asked(&mut self.asked, &mut self.fresh, &self.checked.reader.targets, by)
                            });
                            Ok(PlacedOperation { asked, ..operation.placed(number, user, finding) })
                        }
                    };
                    placed.push(Placed { key, content });
                }
                self.checked.reader.operations = operations;
            }
        }
        let carried = self.checked.reader.carried(&row);
        Ok(Some(PlacedRow { line, carried, row, is_taken }))
    }

    /// The words by which operations were asked for that were placed since this was called last.
    pub fn asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.fresh)
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

impl RowOperation {
    fn placed(&self, assignment: AssignmentNo, user: RowUser, finding: Option<CrossRow>) -> PlacedOperation {
        let duplicate_of = match finding {
            Some(CrossRow::DuplicateOf(key)) => Some(key),
            _ => None,
        };
        let RowUser { email, person, org } = user;
        let Self { target, action, properties, .. } = self;
        let (target, action, properties) = (*target, *action, properties.clone());
        PlacedOperation {
            assignment,
            email,
            person,
            org,
            target,
            action,
            properties,
            duplicate_of,
            asked: None,
        }
    }
}

/// The number of words by which operations are asked for.
fn asked(known: &mut HashMap<AskedKey, u32>, fresh: &mut Vec<Asked>, targets: &Targets, by: AskedKey) -> u32 {
    let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
    *known.entry(by).or_insert_with(|| {
        let (cell, word, not_again) = by;
        let cell = cell.and_then(|cell| u32::try_from(cell).ok());
        let [text, not_again] = [word, not_again].map(|word| word.map(|word| targets.word_of(word).into()));
        fresh.push(Asked { number: next, cell, text, not_again });
        next
    })
}

fn changed(file: &InputFile) -> InputError {
    InputError::Changed { path: file.path().to_owned() }
}

fn invalid(
    row: &Row<'_>,
    columns: &Columns,
    problem: Option<Problem>,
    file: &InputFile,
) -> Result<InvalidRow, InputError> {
    let problem = problem.ok_or_else(|| changed(file))?;
    let cell = |field| columns.cell(row, field);
    let site = cell(Field::SiteUrl);
    let license = [Field::LicenseId, Field::License, Field::Bundle].map(cell);
    let license = license.into_iter().find(|cell| !cell.is_empty()).unwrap_or_default();
    Ok(InvalidRow {
        email: cell(Field::Email).to_owned(),
        person: cell(Field::PersonId).to_owned(),
        org: cell(Field::OrgId).to_owned(),
        kind: if license.is_empty() && !site.is_empty() { "site" } else { "license" },
        target: if license.is_empty() { site } else { license }.to_owned(),
        operation: cell(Field::Operation).to_owned(),
        problem,
    })
}
