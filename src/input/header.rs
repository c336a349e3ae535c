//! The header: the names of the columns, as they stand in the file.
//!
//! What a name means is not known here: [`crate::assign`] matches it.

use crate::domain::Line;
use crate::domain::spelling::is_called;

/// The columns of the long form, in the order in which we write them.
pub const LONG_FORM: [&str; 10] = [
    "email",
    "personId",
    "orgId",
    "licenseId",
    "siteUrl",
    "accountType",
    "operation",
    "phoneNumber",
    "extension",
    "locationId",
];

/// The columns that a failures CSV has behind the input's own.
pub const FAILURE_COLUMNS: [&str; 7] =
    ["line", "state", "error_code", "error_message", "http_status", "tracking_id", "attempts"];

/// The same where the input has a column of one of these names.
pub const FAILURE_COLUMNS_APART: [&str; 7] = [
    "seatbatch_line",
    "seatbatch_state",
    "seatbatch_error_code",
    "seatbatch_error_message",
    "seatbatch_http_status",
    "seatbatch_tracking_id",
    "seatbatch_attempts",
];

/// What stands in the column `state` before an option whose part in a row is done, and need not be asked for again.
pub const NOT_AGAIN: &str = "not again: ";

/// What a reader of rows has to be told of columns: what they mean is not its own affair.
pub trait ColumnNames: std::fmt::Debug + Send + Sync {
    /// Whether a column of this name means something. The delimiter is the one under which most do.
    fn is_known(&self, name: &str) -> bool;

    /// Whether a row of these cells can be the header.
    fn is_header(&self, names: &[&str]) -> bool;
}

/// Columns that are called exactly so. The first of them makes a header.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainColumns(pub &'static [&'static str]);

impl ColumnNames for PlainColumns {
    fn is_known(&self, name: &str) -> bool {
        self.0.contains(&name.trim().trim_matches('"'))
    }

    fn is_header(&self, names: &[&str]) -> bool {
        self.0.first().is_some_and(|first| names.iter().any(|name| name.trim() == *first))
    }
}

/// The names of the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    line: Line,
    names: Vec<String>,
    /// Where the columns are that an earlier failures CSV added, lowest first.
    added: Vec<usize>,
    /// Where of these the state is.
    state: Option<usize>,
    is_given_back: bool,
    has_trace: bool,
}

impl Header {
    /// Takes the header's cells, which begin on `line`.
    #[must_use]
    pub fn new(line: Line, cells: &[&str]) -> Self {
        let added = added_columns(cells);
        // What they say is of an earlier run, and means nothing to the next.
        let name = |(position, cell): (usize, &&str)| match added.contains(&position) {
            true => String::new(),
            false => cell.trim().to_owned(),
        };
        let names = cells.iter().enumerate().map(name).collect();
        let is_state = |position: &&usize| {
            let is = |column: &str| cells.get(**position).is_some_and(|cell| is_called(cell, column));
            is(FAILURE_COLUMNS[1]) || is(FAILURE_COLUMNS_APART[1])
        };
        let state = added.iter().find(is_state).copied();
        let traces = traces(cells);
        Self {
            line,
            names,
            added,
            state,
            is_given_back: state.is_some() || traces > 1,
            has_trace: traces > 0,
        }
    }

    /// The same where what an earlier failures CSV added is carried along as the rest is.
    #[must_use]
    pub fn carrying_all(line: Line, cells: &[&str]) -> Self {
        let names = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let traces = traces(cells);
        Self { line, names, added: Vec::new(), state: None, is_given_back: traces > 1, has_trace: traces > 0 }
    }

    /// The line on which it stands.
    #[must_use]
    pub const fn line(&self) -> Line {
        self.line
    }

    /// The columns' names as the file has them, without the blanks around them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many cells a row must have.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// How many of them are the user's own: all, but for the columns that an earlier failures CSV
    /// added, which the next one replaces.
    #[must_use]
    pub const fn carried(&self) -> usize {
        self.names.len() - self.added.len()
    }

    /// Whether a column is the user's own.
    #[must_use]
    pub fn is_carried(&self, position: usize) -> bool {
        !self.added.contains(&position)
    }

    /// Where an earlier failures CSV says what became of a row.
    #[must_use]
    pub const fn state(&self) -> Option<usize> {
        self.state
    }

    /// Whether it has columns that a failures CSV has, and hardly any other file, though some of them may have been taken out.
    #[must_use]
    pub const fn is_given_back(&self) -> bool {
        self.is_given_back
    }

    /// Whether it has one of them: of a file that looks like that of a run, this says that it comes from there.
    #[must_use]
    pub const fn has_trace(&self) -> bool {
        self.has_trace
    }

    /// The place of a column among the user's own.
    #[must_use]
    pub fn own_place(&self, position: usize) -> usize {
        position - self.added.iter().filter(|added| **added < position).count()
    }

    /// What the next failures CSV calls its columns: none of them as a column of the file is called.
    #[must_use]
    pub fn failure_columns(&self) -> [&'static str; 7] {
        if self.names.iter().any(|name| is_one_of(name, FAILURE_COLUMNS)) {
            FAILURE_COLUMNS_APART
        } else {
            FAILURE_COLUMNS
        }
    }
}

fn is_one_of(name: &str, columns: [&str; 7]) -> bool {
    columns.iter().any(|column| column.eq_ignore_ascii_case(name.trim()))
}

/// How many of the columns are there that hardly anybody else calls so.
fn traces(cells: &[&str]) -> usize {
    let of = |columns: [&str; 7]| {
        let rare = columns
            .into_iter()
            .filter(|column| column.contains("error") || column.contains("_id") || column.contains("http"));
        rare.filter(|column| cells.iter().any(|cell| is_called(cell, column))).count()
    };
    of(FAILURE_COLUMNS_APART).max(of(FAILURE_COLUMNS))
}

/// Where the columns of an earlier failures CSV are: all seven, wherever they were moved to, and those set apart
/// rather than others of the file's own.
fn added_columns(cells: &[&str]) -> Vec<usize> {
    for columns in [FAILURE_COLUMNS_APART, FAILURE_COLUMNS] {
        // Of several with one name the last is the one that was added.
        let place = |column: &&str| cells.iter().rposition(|cell| is_called(cell, column));
        let places: Option<Vec<usize>> = columns.iter().map(place).collect();
        if let Some(mut places) = places.filter(|places| places.len() < cells.len()) {
            places.sort_unstable();
            return places;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_an_earlier_failures_csv_are_not_carried() {
        let cells = [&["email", "licenseId", "note"][..], &FAILURE_COLUMNS].concat();
        let header = Header::new(Line::new(1), &cells);
        assert_eq!((header.width(), header.carried()), (10, 3));
        let cells = ["email", "licenseId", "line"];
        assert_eq!(Header::new(Line::new(1), &cells).carried(), 3);
    }

    #[test]
    fn they_are_known_wherever_they_were_moved_to() {
        let cells =
            [&FAILURE_COLUMNS[3..], &["email", "my comment"], &FAILURE_COLUMNS[..3], &["licenseId"]].concat();
        let header = Header::new(Line::new(1), &cells);
        assert_eq!(header.carried(), 3);
        assert_eq!((0..10).filter(|place| header.is_carried(*place)).collect::<Vec<_>>(), [4, 5, 9]);
        assert_eq!(header.failure_columns(), FAILURE_COLUMNS);
    }

    #[test]
    fn a_file_with_a_column_of_one_of_their_names_gets_others() {
        let own = ["email", "State", "licenseId"];
        assert_eq!(Header::new(Line::new(1), &own).failure_columns(), FAILURE_COLUMNS_APART);
        let cells = [&own[..], &FAILURE_COLUMNS_APART].concat();
        let header = Header::new(Line::new(1), &cells);
        assert_eq!((header.carried(), header.failure_columns()), (3, FAILURE_COLUMNS_APART));
        // A file that has all seven of its own, and is no failures CSV, cannot be told from one that is.
        let cells = [&["email"][..], &FAILURE_COLUMNS, &FAILURE_COLUMNS_APART].concat();
        assert_eq!(Header::new(Line::new(1), &cells).carried(), 8);
    }
}
