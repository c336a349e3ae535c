//! A batch's assignments, for sending.

use std::collections::HashMap;

use rusqlite::{Connection, Row};

use super::{JournalError, Reader};
use crate::domain::{
    Action, Assignment, AssignmentNo, Change, EmailAddress, LicenseId, Line, LocationId, Operation, OrgId,
    PersonId, PhoneNumber, Properties, RunId, SiteUrl, Span, User,
};

/// Reads the assignments of one run, on a connection of its own.
#[derive(Debug)]
pub struct Loader {
    reader: Reader,
    run: RunId,
    /// Kind and text of every term met.
    terms: HashMap<i64, (String, String)>,
}

impl Reader {
    /// Reads the assignments of `run`.
    #[must_use]
    pub fn loader(self, run: RunId) -> Loader {
        Loader { reader: self, run, terms: HashMap::new() }
    }
}

/// Why a stored row cannot be read back.
struct Strange(String);

impl Loader {
    /// The assignments of the span, in order; those without operations are left out.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn load(&mut self, span: Span) -> Result<Vec<Assignment>, JournalError> {
        let path = self.reader.path.clone();
        let wrong = |source| JournalError::of(&path, source);
        let rows = read(&self.reader.connection, self.run, span).map_err(wrong)?;
        let mut assignments: Vec<Assignment> = Vec::with_capacity(span.len() as usize);
        for row in rows {
            self.learn(&row).map_err(wrong)?;
            self.add(&mut assignments, row)
                .map_err(|Strange(what)| JournalError::Unreadable { path: path.clone(), what })?;
        }
        Ok(assignments)
    }

    fn add(&self, assignments: &mut Vec<Assignment>, row: Stored) -> Result<(), Strange> {
        let fresh = assignments.last().is_none_or(|last| last.number != row.assignment);
        if fresh {
            assignments.push(self.assignment(&row)?);
        }
        let Some(assignment) = assignments.last_mut() else { return Ok(()) };
        if let Some(first) = row.duplicate_of {
            // Lines rise, so what is repeated stands before its repetition.
            if let Some(operation) =
                assignment.operations.iter_mut().find(|operation| operation.line == first)
            {
                operation.rows += 1;
            }
            return Ok(());
        }
        assignment.operations.push(self.operation(row)?);
        Ok(())
    }

    fn assignment(&self, row: &Stored) -> Result<Assignment, Strange> {
        let email = row.email.as_deref().map(EmailAddress::parse).transpose();
        let person = row.person.as_deref().map(PersonId::parse).transpose();
        let strange = || Strange(format!("an assignment {} without a user", row.assignment.0));
        let user = User::new(email.map_err(|_| strange())?, person.map_err(|_| strange())?);
        let org = row.org.map(|id| self.id(id, OrgId::parse)).transpose()?;
        Ok(Assignment {
            number: row.assignment,
            user: user.ok_or_else(strange)?,
            org,
            operations: Vec::new(),
        })
    }

    fn operation(&self, row: Stored) -> Result<Operation, Strange> {
        let (kind, text) = self.term(row.target)?;
        let change = if kind == "site" {
            Change::Site(SiteUrl::parse(text).ok_or_else(|| Strange("an empty site URL".to_owned()))?)
        } else {
            let number = row.phone_number.as_deref().map(PhoneNumber::parse).transpose();
            let properties = Properties {
                location: row.location.map(|id| self.id(id, LocationId::parse)).transpose()?,
                phone_number: number.map_err(|error| Strange(format!("a phone number that is {error}")))?,
                extension: row.extension,
            };
            Change::License(self.id(row.target, LicenseId::parse)?, properties)
        };
        let action = if row.removes { Action::Remove } else { Action::Add };
        Ok(Operation { line: row.line, action, change, rows: 1 })
    }

    fn id<T, E: std::fmt::Display>(&self, term: i64, parse: fn(&str) -> Result<T, E>) -> Result<T, Strange> {
        let (_, text) = self.term(term)?;
        parse(text).map_err(|error| Strange(format!("the ID '{text}': {error}")))
    }

    fn term(&self, id: i64) -> Result<&(String, String), Strange> {
        self.terms
            .get(&id)
            .ok_or_else(|| Strange(format!("a row that points to term {id}, which is not there")))
    }

    /// Remembers the terms that a row points to.
    fn learn(&mut self, row: &Stored) -> rusqlite::Result<()> {
        for id in [Some(row.target), row.location, row.org].into_iter().flatten() {
            if !self.terms.contains_key(&id) {
                let term = self
                    .reader
                    .connection
                    .prepare_cached("SELECT kind, text FROM term WHERE term_id = ?1")?
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                self.terms.insert(id, term);
            }
        }
        Ok(())
    }
}

struct Stored {
    assignment: AssignmentNo,
    email: Option<String>,
    person: Option<String>,
    org: Option<i64>,
    line: Line,
    target: i64,
    removes: bool,
    location: Option<i64>,
    phone_number: Option<String>,
    extension: Option<Box<str>>,
    duplicate_of: Option<Line>,
}

impl Stored {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            assignment: AssignmentNo(row.get(0)?),
            email: row.get(1)?,
            person: row.get(2)?,
            org: row.get(3)?,
            line: Line::new(row.get(4)?),
            target: row.get(5)?,
            removes: row.get(6)?,
            location: row.get(7)?,
            phone_number: row.get(8)?,
            extension: row.get(9)?,
            duplicate_of: row.get::<_, Option<u32>>(10)?.map(Line::new),
        })
    }
}

fn read(db: &Connection, run: RunId, span: Span) -> rusqlite::Result<Vec<Stored>> {
    db.prepare_cached(
        "SELECT o.assignment, a.email, a.person_id, a.org_id, o.line, o.target_id, o.removes, o.location_id,
           o.phone_number, o.extension, o.duplicate_of
         FROM operation o CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
         WHERE o.run_id = ?1 AND o.assignment >= ?2 AND o.assignment <= ?3
         ORDER BY o.assignment, o.line",
    )?
    .query_map([run.0, span.first().0, span.last().0], Stored::of)?
    .collect()
}
