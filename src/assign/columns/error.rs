//! Why the columns of a file cannot be told, in words.

use std::fmt;

use super::quoted;
use crate::domain::{Line, Printable};
use crate::input::Explanation;

/// Why the columns of a file cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnsError {
    /// A column that is needed is not there.
    Missing {
        /// The header's line.
        line: u32,
        /// What is missing, in words.
        what: &'static str,
        /// The header's cells.
        found: String,
        /// What may help.
        hint: String,
    },
    /// Two columns that mean the same.
    Twice {
        /// The header's line.
        line: u32,
        /// What both mean.
        field: &'static str,
        /// Positions, from 1.
        first: usize,
        /// Positions, from 1.
        second: usize,
        /// Their names.
        names: (String, String),
    },
    /// An option names a column that the file does not have.
    NoSuchColumn {
        /// The header's line.
        line: u32,
        /// The option, as it was given.
        option: String,
        /// The most alike of the file's.
        nearest: Option<String>,
        /// The header's cells.
        found: String,
    },
    /// An option names a column of which there are two.
    SeveralCalledSo {
        /// The header's line.
        line: u32,
        /// The option, as it was given.
        option: String,
        /// Positions, from 1.
        first: usize,
        /// Positions, from 1.
        second: usize,
        /// Their names.
        names: (String, String),
    },
    /// Operations in the rows, and what is asked in the options.
    IdleOperations {
        /// The header's line.
        line: u32,
        /// The column's name.
        name: String,
    },
    /// Operations in the rows, and columns of services, whose cells say themselves what is asked.
    OperationsOfServices {
        /// The header's line.
        line: u32,
        /// What gives operations.
        what: String,
        /// The first column of a service.
        service: String,
        /// How to leave the operations out.
        remedy: String,
    },
    /// What is asked in the options, and a column of licenses or sites that nothing says the meaning of.
    TargetsBesideOptions {
        /// The header's line.
        line: u32,
        /// The options that ask something.
        options: &'static str,
        /// What the column names.
        field: &'static str,
        /// The column's name.
        name: String,
    },
    /// Nothing says what is to be done with the rows, in a file that speaks of taking away.
    AddsAgainstWords {
        /// The title's line, or the header's.
        line: u32,
        /// What speaks of it.
        what: &'static str,
        /// Its words.
        text: String,
    },
    /// A row above the header, where a sorted sheet has it.
    RowAboveHeader {
        /// The row's line.
        line: u32,
        /// The header's.
        header: u32,
        /// Whom it names.
        user: String,
    },
    /// A row where the header should be.
    NoHeader {
        /// The row's line.
        line: u32,
        /// The cell that shows it.
        cell: String,
        /// What the columns might be called.
        names: String,
    },
    /// A row on the header's own line.
    RowInHeader {
        /// The header's line.
        line: u32,
        /// The cell.
        cell: String,
    },
    /// A constant beside a column.
    SetTwice {
        /// The header's line.
        line: u32,
        /// What both give.
        field: &'static str,
        /// The column's name.
        name: String,
    },
}

impl fmt::Display for ColumnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explanation().fmt(f)
    }
}

impl std::error::Error for ColumnsError {}

impl ColumnsError {
    /// What is said of it.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        Explanation::of(self.wrong(), self.remedy()).at(self.line())
    }

    const fn line(&self) -> Line {
        match self {
            Self::Missing { line, .. }
            | Self::Twice { line, .. }
            | Self::NoSuchColumn { line, .. }
            | Self::SeveralCalledSo { line, .. }
            | Self::IdleOperations { line, .. }
            | Self::OperationsOfServices { line, .. }
            | Self::TargetsBesideOptions { line, .. }
            | Self::AddsAgainstWords { line, .. }
            | Self::RowAboveHeader { line, .. }
            | Self::NoHeader { line, .. }
            | Self::RowInHeader { line, .. }
            | Self::SetTwice { line, .. } => Line::new(*line),
        }
    }

    fn wrong(&self) -> String {
        match self {
            Self::Missing { what, .. } => format!("the header has no {what} column"),
            Self::Twice { field, first, second, names, .. } => {
                format!("columns {first} and {second} ({}) both mean {field}", both(names))
            }
            Self::NoSuchColumn { option, nearest, .. } => {
                let nearest = nearest.as_ref().map(|name| format!(" (the nearest is '{}')", Printable(name)));
                let nearest = nearest.unwrap_or_default();
                format!("{option} names a column that the file does not have{nearest}")
            }
            Self::SeveralCalledSo { option, first, second, names, .. } => {
                format!("{option} can mean column {first} and column {second} ({})", both(names))
            }
            Self::IdleOperations { name, .. } => {
                format!(
                    "the options say what to add and to remove, and so does the column '{}'",
                    Printable(name)
                )
            }
            Self::OperationsOfServices { what, service, .. } => format!(
                "{what} says what to do, and so does the column of a service '{}' with TRUE and FALSE",
                Printable(service)
            ),
            Self::TargetsBesideOptions { options, field, name, .. } => format!(
                "{options} says what is asked of every row's user, and the column '{}' names a {field} without a word of \
                 whether it is to be added or removed",
                Printable(name)
            ),
            Self::AddsAgainstWords { what, text, .. } => format!(
                "{what} '{}' speaks of taking away or of leaving, and nothing says what is to be done with the rows, so \
                 each would add",
                Printable(text)
            ),
            Self::RowAboveHeader { header, user, .. } => format!(
                "this row stands above the header on line {header}, and would not be read: it names '{}'",
                Printable(user)
            ),
            Self::NoHeader { cell, .. } => {
                format!(
                    "the file has no header: this line is a row already, with '{}' in it",
                    Printable(cell)
                )
            }
            Self::RowInHeader { cell, .. } => format!(
                "the header has '{}' among the names of its columns, which only a row can have",
                Printable(cell)
            ),
            Self::SetTwice { field, name, .. } => {
                format!("--set gives {field}, and the column '{}' does too", Printable(name))
            }
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Missing { found, hint, .. } => format!("found: {}{hint}", Printable(found)),
            Self::Twice { field, names, .. } if !are_one(names) => {
                format!(
                    "say which one with --map {field}={}, or leave one out with --ignore",
                    quoted(&names.0)
                )
            }
            Self::SeveralCalledSo { names, .. } if !are_one(names) => {
                "write the name as the header has it".to_owned()
            }
            Self::Twice { .. } | Self::SeveralCalledSo { .. } => "give one of them another name".to_owned(),
            Self::NoSuchColumn { found, .. } => format!("found: {}", Printable(found)),
            Self::IdleOperations { name, .. } => format!(
                "leave the column out with --ignore {}, or say which license it is about with --map license=COLUMN",
                quoted(name)
            ),
            Self::OperationsOfServices { remedy, .. } => {
                format!("{remedy}, or leave the services out with --services ignore")
            }
            Self::TargetsBesideOptions { options, name, .. } => format!(
                "leave the column out with --ignore {}, or leave {options} out, or say what the column asks with \
                 --set operation=add or --set operation=remove",
                quoted(name)
            ),
            Self::AddsAgainstWords { .. } => {
                "say --set operation=remove if they are to take away, or --set operation=add if they are not"
                    .to_owned()
            }
            Self::RowAboveHeader { .. } => {
                "put the header on the first line (sorting a sheet can move it), or take the row out"
                    .to_owned()
            }
            Self::NoHeader { names, .. } => {
                format!("put a line above it that names the columns, for example: {names}")
            }
            Self::RowInHeader { .. } => "put the header on a line of its own".to_owned(),
            Self::SetTwice { name, .. } => {
                format!("leave the column out with --ignore {}, or leave --set out", quoted(name))
            }
        }
    }
}

fn both((one, other): &(String, String)) -> String {
    format!("'{}' and '{}'", Printable(one), Printable(other))
}

fn are_one((one, other): &(String, String)) -> bool {
    one.trim() == other.trim()
}
