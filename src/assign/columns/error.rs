//! Why the columns of a file cannot be told, in words.

use super::quoted;
use crate::domain::Printable;

/// Why the columns of a file cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnsError {
    /// A column that is needed is not there.
    #[error("line {line}: the header has no {what} column; found: {}{hint}", Printable(found))]
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
    #[error(
        "line {line}: columns {first} and {second} ('{}' and '{}') both mean {field}; {}",
        Printable(&names.0), Printable(&names.1), one_of(field, names)
    )]
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
    #[error("line {line}: {option} names a column that the file does not have{}; found: {}", nearest.as_ref().map_or_else(String::new, |name| format!(" (the nearest is '{}')", Printable(name))), Printable(found))]
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
    #[error(
        "line {line}: {option} can mean column {first} and column {second} ('{}' and '{}'); {}",
        Printable(&names.0), Printable(&names.1),
        if names.0.trim() == names.1.trim() { RENAME } else { "write the name as the header has it" }
    )]
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
    #[error(
        "line {line}: the options say what to add and to remove, and so does the column '{}'; leave the column out with --ignore {}, or say which license it is about with --map license=COLUMN",
        Printable(name),
        quoted(name)
    )]
    IdleOperations {
        /// The header's line.
        line: u32,
        /// The column's name.
        name: String,
    },
    /// Operations in the rows, and columns of services, whose cells say themselves what is asked.
    #[error(
        "line {line}: {what} says what to do, and so does the column of a service '{}' with TRUE and FALSE; {remedy}, or leave the services out with --services ignore",
        Printable(service)
    )]
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
    #[error(
        "line {line}: {options} says what is asked of every row's user, and the column '{}' names a {field} without a word of whether it is to be added or removed; leave the column out with --ignore {}, or leave {options} out, or say what the column asks with --set operation=add or --set operation=remove",
        Printable(name),
        quoted(name)
    )]
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
    #[error(
        "line {line}: {what} '{}' speaks of taking away or of leaving, and nothing says what is to be done with the rows, so each would add; say --set operation=remove if they are to take away, or --set operation=add if they are not",
        Printable(text)
    )]
    AddsAgainstWords {
        /// The title's line, or the header's.
        line: u32,
        /// What speaks of it.
        what: &'static str,
        /// Its words.
        text: String,
    },
    /// A row above the header, where a sorted sheet has it.
    #[error(
        "line {line}: this row stands above the header on line {header}, and would not be read: it names '{}'; put the header on the first line (sorting a sheet can move it), or take the row out",
        Printable(user)
    )]
    RowAboveHeader {
        /// The row's line.
        line: u32,
        /// The header's.
        header: u32,
        /// Whom it names.
        user: String,
    },
    /// A row on the header's own line.
    #[error(
        "line {line}: the header has '{}' among the names of its columns, which only a row can have; put the header on a line of its own",
        Printable(cell)
    )]
    RowInHeader {
        /// The header's line.
        line: u32,
        /// The cell.
        cell: String,
    },
    /// A constant beside a column.
    #[error(
        "line {line}: --set gives {field}, and the column '{}' does too; leave the column out with --ignore {}, or leave --set out",
        Printable(name),
        quoted(name)
    )]
    SetTwice {
        /// The header's line.
        line: u32,
        /// What both give.
        field: &'static str,
        /// The column's name.
        name: String,
    },
}

const RENAME: &str = "give one of them another name";

/// How to say which of two columns is meant.
fn one_of(field: &str, (first, second): &(String, String)) -> String {
    if first.trim() == second.trim() {
        RENAME.to_owned()
    } else {
        format!("say which one with --map {field}={}, or leave one out with --ignore", quoted(first))
    }
}
