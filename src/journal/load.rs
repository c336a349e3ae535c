//! A batch's assignments, for sending.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Connection, Row};

use super::{JournalError, Reader};
use crate::domain::{
    Action, Assignment, AssignmentNo, Change, EmailAddress, IdError, LicenseId, Line, LocationId, Operation,
    OrgId, PersonId, PhoneNumber, Properties, RunId, SiteUrl, Span, User,
};

/// Reads the assignments of one run, on a connection of its own.
#[derive(Debug)]
pub struct Loader {
    reader: Reader,
    run: RunId,
    terms: HashMap<i64, Term>,
    /// Where the last span ended: who reads on from there will read on.
    next: u32,
    /// Read ahead, in order.
    ahead: VecDeque<Assignment>,
    /// The first assignment that has not been read ahead.
    beyond: u32,
}

/// Assignments that are read at once where one span follows the other.
const READ_AHEAD: u32 = 512;

/// A term as what it names.
#[derive(Debug)]
enum Term {
    License(LicenseId),
    Site(SiteUrl),
    Location(LocationId),
    Organization(OrgId),
}

impl Term {
    fn new(kind: &str, text: &str) -> Result<Self, Strange> {
        let wrong = |error: IdError| Strange(format!("the ID '{text}': {error}"));
        Ok(match kind {
            "license" => Self::License(LicenseId::parse(text).map_err(wrong)?),
            "location" => Self::Location(LocationId::parse(text).map_err(wrong)?),
            "organization" => Self::Organization(OrgId::parse(text).map_err(wrong)?),
            _ => Self::Site(SiteUrl::parse(text).ok_or_else(|| Strange("an empty site URL".to_owned()))?),
        })
    }
}

impl Reader {
    /// Reads the assignments of `run`.
    #[must_use]
    pub fn loader(self, run: RunId) -> Loader {
        let (terms, ahead) = (HashMap::new(), VecDeque::new());
        Loader { reader: self, run, terms, next: 0, ahead, beyond: 0 }
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
        let (first, end) = (span.first().0, span.last().0.saturating_add(1));
        let follows = first == self.next;
        if !follows || end > self.beyond {
            let last = if follows { end.max(first.saturating_add(READ_AHEAD)) - 1 } else { span.last().0 };
            self.ahead.clear();
            self.read(Span::new(first, last).unwrap_or(span))?;
            self.beyond = last.saturating_add(1);
        }
        self.next = end;
        let count = self.ahead.partition_point(|assignment| assignment.number.0 < end);
        Ok(self.ahead.drain(..count).collect())
    }

    fn read(&mut self, span: Span) -> Result<(), JournalError> {
        let path = self.reader.path.clone();
        let rows = read(&self.reader.connection, self.run, span);
        for row in rows.map_err(|source| JournalError::of(&path, source))? {
            self.learn(&row)?;
            self.add(row).map_err(|Strange(what)| JournalError::Unreadable { path: path.clone(), what })?;
        }
        Ok(())
    }

    fn add(&mut self, row: Stored) -> Result<(), Strange> {
        let fresh = self.ahead.back().is_none_or(|last| last.number != row.assignment);
        if fresh {
            let assignment = self.assignment(&row)?;
            self.ahead.push_back(assignment);
        }
        let operation = if row.duplicate_of.is_none() { Some(self.operation(&row)?) } else { None };
        let Some(assignment) = self.ahead.back_mut() else { return Ok(()) };
        if let Some(first) = row.duplicate_of {
            // Lines rise, so what is repeated stands before its repetition.
            if let Some(operation) =
                assignment.operations.iter_mut().find(|operation| operation.line == first)
            {
                operation.rows += 1;
            }
            return Ok(());
        }
        assignment.operations.extend(operation);
        Ok(())
    }

    fn assignment(&self, row: &Stored) -> Result<Assignment, Strange> {
        let email = row.email.as_deref().map(EmailAddress::parse).transpose();
        let person = row.person.as_deref().map(PersonId::parse).transpose();
        let strange = || Strange(format!("an assignment {} without a user", row.assignment.0));
        let user = User::new(email.map_err(|_| strange())?, person.map_err(|_| strange())?);
        let org = row.org.map(|id| match self.term(id)? {
            Term::Organization(org) => Ok(org.clone()),
            other => Err(Strange(format!("the organization {other:?}"))),
        });
        let org = org.transpose()?;
        Ok(Assignment {
            number: row.assignment,
            user: user.ok_or_else(strange)?,
            org,
            operations: Vec::new(),
        })
    }

    fn operation(&self, row: &Stored) -> Result<Operation, Strange> {
        let change = match self.term(row.target)? {
            Term::Site(url) => Change::Site(url.clone()),
            Term::License(id) => Change::License(id.clone(), self.properties(row)?),
            other => return Err(Strange(format!("the target {other:?}"))),
        };
        let action = if row.removes { Action::Remove } else { Action::Add };
        Ok(Operation { line: row.line, action, change, rows: 1 })
    }

    fn properties(&self, row: &Stored) -> Result<Properties, Strange> {
        let location = row.location.map(|id| match self.term(id)? {
            Term::Location(location) => Ok(location.clone()),
            other => Err(Strange(format!("the location {other:?}"))),
        });
        let number = row.phone_number.as_deref().map(PhoneNumber::parse).transpose();
        Ok(Properties {
            location: location.transpose()?,
            phone_number: number.map_err(|error| Strange(format!("a phone number that is {error}")))?,
            extension: row.extension.clone(),
        })
    }

    fn term(&self, id: i64) -> Result<&Term, Strange> {
        self.terms
            .get(&id)
            .ok_or_else(|| Strange(format!("a row that points to term {id}, which is not there")))
    }

    /// Remembers the terms that a row points to.
    fn learn(&mut self, row: &Stored) -> Result<(), JournalError> {
        for id in [Some(row.target), row.location, row.org].into_iter().flatten() {
            if !self.terms.contains_key(&id) {
                let path = &self.reader.path;
                let (kind, text) = self.stored_term(id).map_err(|source| JournalError::of(path, source))?;
                let term = Term::new(&kind, &text)
                    .map_err(|Strange(what)| JournalError::Unreadable { path: path.clone(), what })?;
                self.terms.insert(id, term);
            }
        }
        Ok(())
    }

    fn stored_term(&self, id: i64) -> rusqlite::Result<(String, String)> {
        self.reader
            .connection
            .prepare_cached("SELECT kind, text FROM term WHERE term_id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
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
