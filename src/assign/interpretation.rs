//! How a file is to be taken: what its reader was told about it.

use std::sync::Arc;

use super::columns::Field;
use super::words;
use crate::input::{ColumnNames, Encoding, Reading};

/// What was said about a file beside the file: by options, a profile or a configuration.
#[derive(Debug, Clone, Default)]
pub struct Interpretation {
    /// How it is encoded, where that is not to be found out.
    pub encoding: Option<Encoding>,
    /// Which sheet of a workbook to read, where it is not the first.
    pub sheet: Option<String>,
    /// Columns that were named for a field.
    pub map: Vec<(Field, String)>,
    /// What every row says in a field that has no column.
    pub set: Vec<(Field, String)>,
    /// Columns that mean nothing, whatever they look like.
    pub ignore: Vec<String>,
}

impl Interpretation {
    /// A file that speaks for itself, in this encoding.
    #[must_use]
    pub fn encoded(encoding: Encoding) -> Self {
        Self { encoding: Some(encoding), ..Self::default() }
    }

    /// What the reader of rows is told.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let named = self.map.iter().map(|(_, name)| name).chain(&self.ignore);
        let users = self.map.iter().filter(|(field, _)| Field::USER.contains(field));
        let names = Names {
            known: named.map(|name| words::key(name)).collect(),
            users: users.map(|(_, name)| words::key(name)).collect(),
        };
        Reading { encoding: self.encoding, sheet: self.sheet.clone(), columns: Arc::new(names) }
    }
}

/// The names that columns can have: those that are known, and those that this file was said to have.
#[derive(Debug)]
struct Names {
    known: Vec<String>,
    users: Vec<String>,
}

impl ColumnNames for Names {
    fn is_known(&self, name: &str) -> bool {
        let name = name.trim().trim_matches('"');
        words::field(name).is_some() || self.known.contains(&words::key(name))
    }

    fn is_header(&self, names: &[&str]) -> bool {
        names.iter().any(|name| {
            let name = name.trim();
            words::field(name).is_some_and(|field| Field::USER.contains(&field))
                || self.users.contains(&words::key(name))
        })
    }
}
