//! Everything that a journal knows of one person.

use rusqlite::params;

use super::{JournalError, OperationRow, Reader};
use crate::domain::{IdKey, RunId, address_key, visible, with_id_key};

/// What a person is known by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonNames {
    /// Addresses.
    pub emails: Vec<String>,
    /// Person IDs.
    pub persons: Vec<String>,
}

impl PersonNames {
    /// Whoever is called so: an address or a person ID, as somebody types it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let name = visible(name).into_owned();
        let mut names = Self::default();
        if name.contains('@') {
            names.emails.push(name)
        } else {
            names.persons.push(name)
        }
        names
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().chain(&self.persons).map(String::as_str)
    }

    fn take_in(&mut self, email: Option<&str>, person: Option<&str>) {
        if let Some(email) =
            email.filter(|email| !self.emails.iter().any(|own| own.eq_ignore_ascii_case(email)))
        {
            self.emails.push(email.to_owned());
        }
        // IDs have case.
        if let Some(person) = person.filter(|person| !self.persons.iter().any(|own| own == person)) {
            self.persons.push(person.to_owned());
        }
    }

    /// Addresses and person IDs, these in every way of writing them.
    pub(super) fn spelled(&self) -> (Vec<String>, Vec<String>) {
        (self.emails.clone(), self.spelled_persons())
    }

    /// The ways in which programs write these IDs: padded or not, in either alphabet.
    fn spelled_persons(&self) -> Vec<String> {
        let mut spelled = Vec::new();
        for person in &self.persons {
            let bare = person.trim_end_matches('=');
            for bare in [
                bare.to_owned(),
                bare.replace('-', "+").replace('_', "/"),
                bare.replace('+', "-").replace('/', "_"),
            ] {
                spelled.extend(["", "=", "=="].map(|padding| format!("{bare}{padding}")));
            }
            spelled.push(person.clone());
        }
        spelled.sort_unstable();
        spelled.dedup();
        spelled
    }
}

/// Whether an address may be written in another way that is not told by the case of ASCII alone.
fn has_other_spellings(email: &str) -> bool {
    !email.is_ascii() || email.to_ascii_lowercase().contains("xn--")
}

impl Reader {
    /// Takes in every other name that the journal has for a person: other spellings of what is given, and what rows
    /// tie to it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn tie(&self, names: &mut PersonNames) -> Result<(), JournalError> {
        let is_typed_id = names.emails.is_empty() && names.persons.len() == 1;
        loop {
            let before = names.clone();
            self.tie_spellings(names)?;
            let found = self.person(names)?;
            if let (true, true, Some(typed)) = (found.is_empty(), is_typed_id, names.persons.first().cloned())
            {
                // Another part of the service may have written it.
                let key = IdKey::of(&typed);
                let all = "SELECT person_id FROM assignment WHERE person_id IS NOT NULL
                    UNION SELECT person_id FROM row_name WHERE person_id IS NOT NULL
                    UNION SELECT person_id FROM invalid_row WHERE person_id IS NOT NULL";
                let alike = self.alike(all, |person| with_id_key(person, |bytes| bytes == key.as_bytes()))?;
                alike.iter().for_each(|person| names.take_in(None, Some(person)));
            }
            found.iter().for_each(|row| names.take_in(row.email.as_deref(), row.person_id.as_deref()));
            if *names == before {
                return Ok(());
            }
        }
    }

    /// Takes in the addresses that only letters beyond ASCII, or the form of the host, tell from these.
    fn tie_spellings(&self, names: &mut PersonNames) -> Result<(), JournalError> {
        let keys: Vec<String> = names
            .emails
            .iter()
            .filter(|email| has_other_spellings(email))
            .map(|email| address_key(email).into_owned())
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let one = |table: &str| {
            format!(
                "SELECT email FROM {table} WHERE email IS NOT NULL AND (email GLOB '*[^ -~]*' OR email LIKE '%xn--%')"
            )
        };
        let all = ["assignment", "row_name", "invalid_row"].map(one).join(" UNION ");
        let alike = self.alike(&all, |email| keys.iter().any(|key| *key == address_key(email)))?;
        alike.iter().for_each(|email| names.take_in(Some(email), None));
        Ok(())
    }

    /// Those of the texts that a query gives which are meant.
    fn alike(&self, sql: &str, is_meant: impl Fn(&str) -> bool) -> Result<Vec<String>, JournalError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut alike = Vec::new();
            while let Some(row) = rows.next()? {
                let text = row.get_ref(0)?.as_str()?;
                alike.extend(is_meant(text).then(|| text.to_owned()));
            }
            Ok(alike)
        };
        read().map_err(self.wrong())
    }

    /// The operations of a person of these names, over all runs, oldest first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn person(&self, names: &PersonNames) -> Result<Vec<OperationRow>, JournalError> {
        let mut found = Vec::new();
        for (column, wanted) in [("email", &names.emails), ("person_id", &names.spelled_persons())] {
            for name in wanted {
                found.extend(self.named(column, name)?);
            }
        }
        found.sort_by_key(|row| (row.run_id, row.line, row.item));
        found.dedup_by_key(|row| (row.run_id, row.line, row.item));
        Ok(found)
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
