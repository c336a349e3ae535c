//! A batch's assignments, for sending.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use rusqlite::types::{FromSql, FromSqlError, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};

use super::blocks::{self, BLOCK_BITS, BlockOperation, BlockRow, BlockUser};
use super::chain::LinkHash;
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
    /// Read ahead, in order, up to the end of a block.
    ahead: VecDeque<Assignment>,
    /// The block behind those that have been read.
    block: u32,
}

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
        Loader { reader: self, run, terms, next: 0, ahead, block: 0 }
    }
}

impl Loader {
    /// The assignments of the span, in order; those without operations are left out.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn load(&mut self, span: Span) -> Result<Vec<Assignment>, JournalError> {
        let (first, last) = (span.first().0, span.last().0);
        if first != self.next {
            self.ahead.clear();
            self.block = first >> BLOCK_BITS;
        }
        while self.block <= last >> BLOCK_BITS {
            self.read_block()?;
            self.block += 1;
        }
        self.next = last.saturating_add(1);
        let before = self.ahead.partition_point(|assignment| assignment.number.0 < first);
        self.ahead.drain(..before);
        let count = self.ahead.partition_point(|assignment| assignment.number.0 <= last);
        Ok(self.ahead.drain(..count).collect())
    }

    /// Reads the next block, and makes sure that it is what was imported, bit for bit.
    fn read_block(&mut self) -> Result<(), JournalError> {
        let Self { reader, run, terms, ahead, block, .. } = self;
        let Reader { connection: db, path, .. } = reader;
        let kept = || -> rusqlite::Result<Option<LinkHash>> {
            let sql = "SELECT sum FROM block WHERE run_id = ?1 AND number = ?2";
            db.prepare_cached(sql)?.query_row([run.0, *block], |row| row.get(0)).optional()
        };
        let kept = kept().map_err(|source| JournalError::of(path, source))?;
        let mut found = FoundAssignments { db, terms, all: Vec::new(), current: 0 };
        let sum = blocks::read(db, run.0, *block, |row| match row {
            BlockRow::User(row) => found.user(row),
            BlockRow::Operation(row) => found.operation(row),
        });
        let sum = sum.map_err(|wrong| match wrong {
            Wrong::Sql(source) => JournalError::of(path, source),
            Wrong::Strange(what) => JournalError::Unreadable { path: path.clone(), what },
        })?;
        if kept != Some(sum) {
            let what = format!("what was imported for run {run} is not what is there now");
            return Err(JournalError::Altered { path: path.clone(), what });
        }
        let all = found.all.into_iter();
        ahead.extend(all.filter(|assignment| !assignment.operations.is_empty()));
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

/// The assignments of a block as its rows go by, and the terms that they point to, which are remembered.
struct FoundAssignments<'l> {
    db: &'l Connection,
    terms: &'l mut HashMap<i64, Term>,
    all: Vec<Assignment>,
    /// The assignment whose operations go by.
    current: usize,
}

impl FoundAssignments<'_> {
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

    /// Adds an assignment, as yet without operations.
    fn user(&mut self, [number, email, person, org, _]: BlockUser<'_>) -> Result<(), Wrong> {
        let number = get(number)?;
        let nobody = || Wrong::Strange(format!("an assignment {number} without a user"));
        let email = email.as_str_or_null()?.map(EmailAddress::parse).transpose();
        let person = person.as_str_or_null()?.map(PersonId::parse).transpose();
        let user = User::new(email.map_err(|_| nobody())?, person.map_err(|_| nobody())?);
        let org = get::<Option<i64>>(org)?.map(|id| self.organization(id)).transpose()?;
        let user = user.ok_or_else(nobody)?;
        self.all.push(Assignment { number: AssignmentNo(number), user, org, operations: Vec::new() });
        Ok(())
    }

    /// Gives an assignment its operation. Both go by in order, side by side: a join would look each operation's
    /// assignment up.
    fn operation(&mut self, BlockOperation { always, seldom }: BlockOperation<'_>) -> Result<(), Wrong> {
        let (mut properties, mut repeated) = ([ValueRef::Null; 3], None);
        if let Some([unchanged, _, location, phone_number, extension, line, item, _]) = seldom {
            if get(unchanged)? {
                return Ok(());
            }
            properties = [location, phone_number, extension];
            let line: Option<u32> = get(line)?;
            repeated = line.map(|line| Ok::<_, Wrong>(key(line, get(item)?))).transpose()?;
        }
        let [number, ..] = always;
        let number = get(number)?;
        let behind = self.all.get(self.current..).unwrap_or_default();
        self.current += behind.iter().take_while(|assignment| assignment.number.0 < number).count();
        let content = match repeated {
            Some(first) => Err(first),
            None => Ok(self.content(always, properties)?),
        };
        let assignment = self.all.get_mut(self.current).filter(|assignment| assignment.number.0 == number);
        let Some(assignment) = assignment else {
            return strange(format!("operations of an assignment {number} that is not there"));
        };
        match content {
            Ok(operation) => assignment.operations.push(operation),
            // Keys rise, so what is repeated stands before its repetition.
            Err(first) => match assignment.operations.iter_mut().find(|operation| operation.key == first) {
                Some(operation) => operation.rows += 1,
                None => {
                    let line = first.line;
                    return strange(format!("a repetition of line {line}, which the user does not have"));
                }
            },
        }
        Ok(())
    }

    fn content(
        &mut self,
        [_, line, item, target, removes]: [ValueRef<'_>; 5],
        properties: [ValueRef<'_>; 3],
    ) -> Result<Operation, Wrong> {
        let change = match self.term(get(target)?)? {
            Term::Site(url) => Change::Site(url.clone()),
            Term::License(id) => {
                let id = id.clone();
                Change::License(id, self.properties(properties)?)
            }
            other => return strange(format!("the target {other:?}")),
        };
        let action = if get(removes)? { Action::Remove } else { Action::Add };
        Ok(Operation { key: key(get(line)?, get(item)?), action, change, rows: 1 })
    }

    fn properties(
        &mut self,
        [location, phone_number, extension]: [ValueRef<'_>; 3],
    ) -> Result<Properties, Wrong> {
        let number = phone_number.as_str_or_null()?.map(PhoneNumber::parse).transpose();
        Ok(Properties {
            location: get::<Option<i64>>(location)?.map(|id| self.location(id)).transpose()?,
            phone_number: number
                .map_err(|error| Wrong::Strange(format!("a phone number that is {error}")))?,
            extension: get(extension)?,
        })
    }
}

const fn key(line: u32, item: u16) -> OperationKey {
    OperationKey::new(Line::new(line), Item::new(item))
}

fn get<T: FromSql>(value: ValueRef<'_>) -> Result<T, Wrong> {
    Ok(T::column_result(value)?)
}
