//! The header: the names of the columns, as they stand in the file.
//!
//! What a name means is not known here: [`crate::assign`] matches it.

use crate::domain::Line;

/// The columns that a failures CSV has behind the input's own.
pub const FAILURE_COLUMNS: [&str; 7] =
    ["line", "state", "error_code", "error_message", "http_status", "tracking_id", "attempts"];

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
    carried: usize,
}

impl Header {
    /// Takes the header's cells, which begin on `line`.
    #[must_use]
    pub fn new(line: Line, cells: &[&str]) -> Self {
        let names = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        Self { line, names, carried: carried_columns(cells) }
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
        self.carried
    }
}

fn carried_columns(cells: &[&str]) -> usize {
    let own = cells.len().saturating_sub(FAILURE_COLUMNS.len());
    match cells.get(own..) {
        Some(tail) if own > 0 && tail == FAILURE_COLUMNS => own,
        _ => cells.len(),
    }
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
}
