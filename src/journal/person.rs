//! Everything that a journal knows of one person.

use rusqlite::params;

use super::{JournalError, OperationRow, Reader};
use crate::domain::RunId;

/// What a person is known by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonNames {
    /// Addresses.
    pub emails: Vec<String>,
    /// Person IDs.
    pub persons: Vec<String>,
}

impl PersonNames {
    fn add(list: &mut Vec<String>, name: Option<&str>) -> bool {
        match name {
            Some(name) if !list.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                list.push(name.to_owned());
                true
            }
            _ => false,
        }
    }
}

impl Reader {
    /// The operations of one person, over all runs, oldest first: of the address or ID that is given, and of every
    /// other that a row ties to it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn person(&self, name: &str) -> Result<(PersonNames, Vec<OperationRow>), JournalError> {
        let mut names = PersonNames::default();
        if name.contains('@') {
            names.emails.push(name.to_owned());
        } else {
            names.persons.push(name.to_owned());
        }
        loop {
            let mut found = Vec::new();
            for (column, wanted) in [("email", &names.emails), ("person_id", &names.persons)] {
                for name in wanted {
                    found.extend(self.named(column, name)?);
                }
            }
            let mut grown = false;
            for row in &found {
                grown |= PersonNames::add(&mut names.emails, row.email.as_deref());
                // IDs have case.
                if let Some(person) = &row.person_id
                    && !names.persons.contains(person)
                {
                    names.persons.push(person.clone());
                    grown = true;
                }
            }
            if !grown {
                found.sort_by_key(|row| (row.run_id, row.line, row.item));
                found.dedup_by_key(|row| (row.run_id, row.line, row.item));
                return Ok((names, found));
            }
        }
    }

    fn named(&self, column: &str, name: &str) -> Result<Vec<OperationRow>, JournalError> {
        let columns = OperationRow::COLUMNS.join(", ");
        let sql = format!("SELECT {columns} FROM operations WHERE {column} = ?1");
        let read = || -> rusqlite::Result<Vec<OperationRow>> {
            self.connection.prepare_cached(&sql)?.query_map(params![name], OperationRow::of)?.collect()
        };
        read().map_err(self.wrong())
    }

    /// The newest state of each of these runs, for telling who began them.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn runs_of(&self, rows: &[OperationRow]) -> Result<Vec<super::RunRow>, JournalError> {
        let mut numbers: Vec<u32> = rows.iter().map(|row| row.run_id).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|run| self.run(Some(RunId(run))).transpose()).collect()
    }
}
