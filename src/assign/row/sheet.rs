//! Cells of a workbook that are kept as something else than what was typed, or whose value is not in the file.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::cells::CellFault;
use super::super::columns::{Field, quoted};
use super::super::problem::{Problem, ProblemCode};
use super::super::words;
use super::due::DueColumn;
use super::{RowInHand, RowReader, Wide};
use crate::input::{KeptAs, Place, Row};

impl RowReader {
    /// The last row's bytes as they go into a failures CSV: what a spreadsheet has spoiled does not look sound there.
    pub(in crate::assign) fn carried<'r>(&self, row: &Row<'r>) -> Cow<'r, [u8]> {
        let spoiled: HashMap<usize, String> = self
            .problems
            .iter()
            .filter(|problem| problem.is_of_storage())
            .filter_map(|problem| Some((problem.cell?, row.marked(problem.cell?)?)))
            .collect();
        if spoiled.is_empty() {
            return row.carried();
        }
        let mut line = Vec::new();
        row.rewritten(&mut line, |cell| spoiled.get(&cell).map(String::as_str));
        Cow::Owned(line)
    }
}

impl RowInHand<'_> {
    /// A cell that Excel keeps as something else than text has lost what was typed: zeros, a plus sign, digits.
    pub(super) fn is_text(&self, field: Field) -> Result<(), CellFault> {
        let stored = self.columns.position(field).and_then(|position| self.row.kept_as(position));
        let of_it = match stored {
            Some(KeptAs::Number | KeptAs::NumberSince1904)
                if matches!(field, Field::PhoneNumber | Field::Extension) =>
            {
                "a number, so that leading zeros and the plus sign are lost"
            }
            Some(KeptAs::Number | KeptAs::NumberSince1904) => {
                "a number, so that leading zeros and all but 15 digits are lost"
            }
            Some(KeptAs::Date) => "a date",
            Some(KeptAs::Boolean) => "TRUE or FALSE",
            _ => return Ok(()),
        };
        let code = match field {
            Field::Extension => ProblemCode::BadExtension,
            Field::PhoneNumber => ProblemCode::BadPhoneNumber,
            _ => ProblemCode::NotText,
        };
        let remedy = match field {
            Field::PhoneNumber | Field::Extension => {
                "format the column as text, and put the numbers in again"
            }
            _ => "format the column as text, and put the cells in again",
        };
        Err(CellFault {
            code,
            message: format!("Excel has turned it into {of_it}"),
            remedy: remedy.into(),
            fix: None,
        })
    }

    /// Tells formulas that nobody has worked out, in any column that is not left out, and cells merged into
    /// another one, where their value matters. Nothing else is told of such a row.
    pub(super) fn has_cells_without_values(&mut self, wide: Option<&Wide>, due: Option<&DueColumn>) -> bool {
        let mut told: Vec<Problem> = Vec::new();
        for (position, stored) in self.row.kept_apart() {
            let Some(name) = self.row.names().get(position).filter(|name| !name.is_empty()) else { continue };
            let matters = self.columns.is_taken(position)
                || wide.is_some_and(|wide| wide.has(position))
                || due.is_some_and(|due| due.is_at(position));
            let place = Place::of(self.row.line(), position);
            let (code, message, remedy) = match stored {
                KeptAs::Unworked if matters || !self.is_left_out(name) => (
                    ProblemCode::FormulaWithoutValue,
                    format!("no program has calculated the formula in {place} yet, so nobody can say what it comes to"),
                    format!(
                        "open the workbook in Excel and save it, or put values in the formulas' place (Paste Special, Values){}",
                        if matters {
                            String::new()
                        } else {
                            format!("; or leave the column out with --ignore {}", quoted(name))
                        }
                    ),
                ),
                KeptAs::Merged(area) if self.says_something(position, wide, due) => (
                    ProblemCode::MergedCells,
                    format!("{place} is merged into {area}, whose value stands in its first cell alone"),
                    "unmerge the cells in Excel (Merge & Center, Unmerge Cells), and write what is meant into each"
                        .to_owned(),
                ),
                _ => continue,
            };
            told.push(Problem {
                code,
                line: self.row.line(),
                column: name.clone(),
                cell: Some(position),
                value: self.row.at(position).to_owned(),
                message,
                remedy: remedy.into(),
                fix: None,
                rows: None,
            });
        }
        let any = !told.is_empty();
        if any {
            *self.problems = told;
        }
        any
    }

    /// Whether a cell whose value is known asks for something: a column that is not understood is one of a service only where
    /// its name or a cell says so.
    fn says_something(&self, position: usize, wide: Option<&Wide>, due: Option<&DueColumn>) -> bool {
        let cell = self.row.at(position);
        let may_be_yes = || words::boolean(cell).is_some() || words::is_mark(cell);
        let is_service = |wide: &Wide| wide.names(position) || wide.holds(position) || may_be_yes();
        self.columns.is_taken(position)
            || wide.filter(|wide| wide.has(position)).is_some_and(is_service)
            || due.is_some_and(|due| due.is_at(position))
    }

    fn is_left_out(&self, name: &str) -> bool {
        let key = words::key(name);
        self.how.ignore.iter().any(|ignored| words::key(ignored) == key)
    }
}
