//! Stored words on their way back: a word that is not one of ours is never taken for another.

use std::error::Error;
use std::fmt;

use rusqlite::Row;
use rusqlite::types::Type;

/// A stored text that no release writes there.
#[derive(Debug)]
struct Strange {
    what: &'static str,
    text: String,
}

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} '{}'", self.what, self.text.escape_debug())
    }
}

impl Error for Strange {}

/// Reads a column that holds one of some words.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| strange(column, what, text))
}

/// Says that a column holds what cannot be.
pub(super) fn strange(column: usize, what: &'static str, text: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(Strange { what, text }))
}
