//! A batch's assignments, for sending.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::chain::{BLOCK_BITS, LinkHash, block_sum};
use super::{JournalError, Reader};
use crate::domain::{
    Action, Assignment, AssignmentNo, Change, EmailAddress, IdError, Item, LicenseId, Line, LocationId,
    Operation, OperationKey, OrgId, PersonId, PhoneNumber, Properties, RunId, SiteUrl, Span, User,
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
    fn new(kind: &str, text: &str) -> Result<Self, Wrong> {
        let wrong = |error: IdError| Wrong::Strange(format!("the ID '{text}': {error}"));
        Ok(match kind {
            "license" => Self::License(LicenseId::parse(text).map_err(wrong)?),
            "location" => Self::Location(LocationId::parse(text).map_err(wrong)?),
            "organization" => Self::Organization(OrgId::parse(text).map_err(wrong)?),
            "site" => match SiteUrl::parse(text) {
                Some(url) => Self::Site(url),
                None => return strange("an empty site URL"),
            },
            _ => return strange(format!("a term that is a '{}'", kind.escape_debug())),
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
        let Self { reader, run, terms, ahead, .. } = self;
        let Reader { connection: db, path, .. } = reader;
        let mut rows = SpanRows { db, within: [run.0, span.first().0, span.last().0], terms };
        rows.assignments(ahead).and_then(|()| rows.operations(ahead)).map_err(|wrong| match wrong {
            Wrong::Sql(source) => JournalError::of(path, source),
            Wrong::Strange(what) => JournalError::Unreadable { path: path.clone(), what },
        })?;
        ahead.retain(|assignment| !assignment.operations.is_empty());
        self.prove(span)
    }
}

impl Loader {
    /// Makes sure that what was loaded is what was imported, bit for bit.
    fn prove(&self, span: Span) -> Result<(), JournalError> {
        let Reader { connection: db, path, .. } = &self.reader;
        let blocks = span.first().0 >> BLOCK_BITS..=span.last().0 >> BLOCK_BITS;
        for number in blocks {
            let sql = "SELECT sum FROM block WHERE run_id = ?1 AND number = ?2";
            let kept = || -> rusqlite::Result<Option<LinkHash>> {
                db.prepare_cached(sql)?.query_row([self.run.0, number], |row| row.get(0)).optional()
            };
            let proved = kept().and_then(|kept| Ok((kept, block_sum(db, self.run.0, number)?)));
            let (kept, found) = proved.map_err(|source| JournalError::of(path, source))?;
            // Reading ahead may go beyond the last block.
            if kept.is_some_and(|kept| kept != found)
                || (kept.is_none() && number << BLOCK_BITS <= span.first().0)
            {
                let what = format!("what was imported for run {} is not what is there now", self.run);
                return Err(JournalError::Altered { path: path.clone(), what });
            }
        }
        Ok(())
    }
}

/// Why stored rows cannot be read back.
enum Wrong {
    Sql(rusqlite::Error),
    /// What they say makes no sense.
    Strange(String),
}

impl From<rusqlite::Error> for Wrong {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<FromSqlError> for Wrong {
    fn from(error: FromSqlError) -> Self {
        Self::Strange(error.to_string())
    }
}

fn strange<T>(what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Strange(what.into()))
}

/// What is stored of a span, and the terms that it points to, which are remembered.
struct SpanRows<'l> {
    db: &'l Connection,
    /// The run, the first assignment and the last one.
    within: [u32; 3],
    terms: &'l mut HashMap<i64, Term>,
}

impl SpanRows<'_> {
    fn term(&mut self, id: i64) -> Result<&Term, Wrong> {
        Ok(match self.terms.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let mut statement =
                    self.db.prepare_cached("SELECT kind, text FROM term WHERE term_id = ?1")?;
                let stored: Option<(String, String)> =
                    statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let Some((kind, text)) = stored else {
                    return strange(format!("a row that points to term {id}, which is not there"));
                };
                vacant.insert(Term::new(&kind, &text)?)
            }
        })
    }

    fn organization(&mut self, id: i64) -> Result<OrgId, Wrong> {
        match self.term(id)? {
            Term::Organization(org) => Ok(org.clone()),
            other => strange(format!("the organization {other:?}")),
        }
    }

    fn location(&mut self, id: i64) -> Result<LocationId, Wrong> {
        match self.term(id)? {
            Term::Location(location) => Ok(location.clone()),
            other => strange(format!("the location {other:?}")),
        }
    }

    /// Adds the assignments of a span, as yet without operations.
    fn assignments(&mut self, found: &mut VecDeque<Assignment>) -> Result<(), Wrong> {
        let mut statement = self.db.prepare_cached(
            "SELECT assignment, email, person_id, org_id FROM assignment
         WHERE run_id = ?1 AND assignment >= ?2 AND assignment <= ?3 ORDER BY assignment",
        )?;
        let mut rows = statement.query(self.within)?;
        while let Some(row) = rows.next()? {
            let number = row.get(0)?;
            let nobody = || Wrong::Strange(format!("an assignment {number} without a user"));
            let email = row.get_ref(1)?.as_str_or_null()?.map(EmailAddress::parse).transpose();
            let person = row.get_ref(2)?.as_str_or_null()?.map(PersonId::parse).transpose();
            let user = User::new(email.map_err(|_| nobody())?, person.map_err(|_| nobody())?);
            let org = row.get::<_, Option<i64>>(3)?.map(|id| self.organization(id)).transpose()?;
            found.push_back(Assignment {
                number: AssignmentNo(number),
                user: user.ok_or_else(nobody)?,
                org,
                operations: Vec::new(),
            });
        }
        Ok(())
    }

    /// Gives the assignments of a span their operations. Both are read in order, side by side: a join would
    /// look each operation's assignment up.
    fn operations(&mut self, found: &mut VecDeque<Assignment>) -> Result<(), Wrong> {
        let mut statement = self.db.prepare_cached(
            "SELECT assignment, line, target_id, removes, location_id, phone_number, extension, duplicate_of, item,
           duplicate_of_item
         FROM operation
         WHERE run_id = ?1 AND assignment >= ?2 AND assignment <= ?3 AND NOT unchanged
         ORDER BY assignment, line, item",
        )?;
        let mut rows = statement.query(self.within)?;
        let mut assignments = found.iter_mut();
        let mut current = assignments.next();
        while let Some(row) = rows.next()? {
            let number = row.get(0)?;
            while current.as_ref().is_some_and(|assignment| assignment.number.0 < number) {
                current = assignments.next();
            }
            let Some(assignment) = current.as_mut().filter(|assignment| assignment.number.0 == number) else {
                return strange(format!("operations of an assignment {number} that is not there"));
            };
            let Some(line) = row.get(7)? else {
                assignment.operations.push(self.operation(row)?);
                continue;
            };
            let first = OperationKey::new(Line::new(line), Item::new(row.get(9)?));
            // Keys rise, so what is repeated stands before its repetition.
            match assignment.operations.iter_mut().find(|operation| operation.key == first) {
                Some(operation) => operation.rows += 1,
                None => return strange(format!("a repetition of line {line}, which the user does not have")),
            }
        }
        Ok(())
    }

    fn operation(&mut self, row: &Row<'_>) -> Result<Operation, Wrong> {
        let change = match self.term(row.get(2)?)? {
            Term::Site(url) => Change::Site(url.clone()),
            Term::License(id) => {
                let id = id.clone();
                Change::License(id, self.properties(row)?)
            }
            other => return strange(format!("the target {other:?}")),
        };
        let action = if row.get(3)? { Action::Remove } else { Action::Add };
        let key = OperationKey::new(Line::new(row.get(1)?), Item::new(row.get(8)?));
        Ok(Operation { key, action, change, rows: 1 })
    }

    fn properties(&mut self, row: &Row<'_>) -> Result<Properties, Wrong> {
        let number = row.get_ref(5)?.as_str_or_null()?.map(PhoneNumber::parse).transpose();
        Ok(Properties {
            location: row.get::<_, Option<i64>>(4)?.map(|id| self.location(id)).transpose()?,
            phone_number: number
                .map_err(|error| Wrong::Strange(format!("a phone number that is {error}")))?,
            extension: row.get(6)?,
        })
    }
}
