//! What an audit reads: every operation of a run, and every request.
//!
//! The view `operations` says what a row of it means, and a test holds the two together. A whole run is not read
//! through it: operations, assignments, leaf batches and exceptions are all sorted by assignment, so that one
//! pass over each, side by side, needs neither look-ups nor a sort.

use std::collections::HashMap;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, Rows, params, params_from_iter};

use super::word::{strange, word};
use super::{JournalError, OperationRow, PersonNames, Reader};
use crate::domain::{OperationState, RunId};

/// An operation, as the public view has it, for as long as it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditRow<'a> {
    /// The run's number.
    pub run_id: u32,
    /// The line that the row begins on; the header is line 1.
    pub line: u32,
    /// The user's address, as the file has it.
    pub email: Option<&'a str>,
    /// The user's person ID.
    pub person_id: Option<&'a str>,
    /// The user's organization, where the file or `--org-id` names one.
    pub org_id: Option<&'a str>,
    /// `license` or `site`.
    pub kind: &'a str,
    /// The license's ID or the site's URL.
    pub target: &'a str,
    /// `add` or `remove`.
    pub operation: &'a str,
    /// `pending`, `sending`, `in_doubt`, `done`, `unchanged`, `failed` or `invalid`.
    #[serde(serialize_with = "state")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub state: OperationState,
    /// The service's code, or ours.
    pub error_code: Option<&'a str>,
    /// The service's words, or ours.
    pub error_message: Option<&'a str>,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// Tracking ID of the last request.
    pub tracking_id: Option<&'a str>,
    /// Requests that carried it.
    pub attempts: u32,
    /// When its state changed last.
    pub updated_at: &'a str,
    /// Which operation of its row, from 1.
    pub item: u16,
    /// The license's name, where the file or the service gave it.
    pub target_name: Option<&'a str>,
}

fn state<S: serde::Serializer>(state: &OperationState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

/// A request, as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Milliseconds since 1970.
    pub started_at: i64,
    /// Milliseconds since 1970; `None` while nothing has come back.
    pub ended_at: Option<i64>,
    /// The status of the answer.
    pub http_status: Option<u16>,
    /// The pause that it asked for, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Reader {
    /// Calls `each` for every operation of a run, by line and item; only for those of one user where
    /// the names of one are given.
    ///
    /// # Errors
    /// [`JournalError`], or what `each` returns.
    pub fn audit<E: From<JournalError>>(
        &self,
        run: RunId,
        user: Option<&PersonNames>,
        mut each: impl FnMut(&AuditRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = self.wrong();
        if user.is_none() && self.is_in_file_order(run).map_err(&wrong)? {
            return Scan::begin(self, run)?.run(each);
        }
        let columns = OperationRow::COLUMNS.join(", ");
        let names = user.map(PersonNames::spelled);
        let (emails, persons) =
            names.as_ref().map_or((0, 0), |(emails, persons)| (emails.len(), persons.len()));
        let which = match user {
            Some(_) => {
                let some_of = |count: usize| vec!["?"; count].join(", ");
                format!("AND (email IN ({}) OR person_id IN ({}))", some_of(emails), some_of(persons))
            }
            None => String::new(),
        };
        let sql = format!("SELECT {columns} FROM operations WHERE run_id = ? {which} ORDER BY line, item");
        let mut statement = self.connection.prepare(&sql).map_err(&wrong)?;
        let names = names.into_iter().flat_map(|(emails, persons)| emails.into_iter().chain(persons));
        let given = std::iter::once(Value::from(run.0)).chain(names.map(Value::from));
        let mut rows = statement.query(params_from_iter(given)).map_err(&wrong)?;
        while let Some(row) = rows.next().map_err(&wrong)? {
            each(&viewed(row).map_err(&wrong)?)?;
        }
        Ok(())
    }

    /// Whether assignments stand in the order of the file: they do not where the file comes back to users, or
    /// where a retry moved them.
    fn is_in_file_order(&self, run: RunId) -> rusqlite::Result<bool> {
        let sql = "SELECT line, item FROM operation WHERE run_id = ?1 ORDER BY assignment, line, item";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([run.0])?;
        let mut last = (0u32, 0u16);
        while let Some(row) = rows.next()? {
            let key = (row.get(0)?, row.get(1)?);
            if key < last {
                return Ok(false);
            }
            last = key;
        }
        Ok(true)
    }

    /// Calls `each` for every request of a run, in no order.
    ///
    /// # Errors
    /// [`JournalError`], or what `each` returns.
    pub fn attempts<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(AttemptRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = self.wrong();
        let sql = "SELECT started_at, ended_at, http_status, retry_after_s FROM attempt WHERE run_id = ?1
             UNION ALL
             SELECT started_at, ended_at, iif(outcome IS NULL, NULL, http_status), retry_after_s
             FROM batch WHERE run_id = ?1 AND (outcome IS NOT NULL OR state = 'sending')";
        let mut statement = self.connection.prepare(sql).map_err(&wrong)?;
        let mut rows = statement.query([run.0]).map_err(&wrong)?;
        let read = |row: &Row<'_>| -> rusqlite::Result<AttemptRow> {
            let started_at: Option<i64> = row.get(0)?;
            let ended_at = row.get(1)?;
            Ok(AttemptRow {
                started_at: started_at.or(ended_at).unwrap_or_default(),
                ended_at,
                http_status: row.get(2)?,
                retry_after_s: row.get(3)?,
            })
        };
        while let Some(row) = rows.next().map_err(&wrong)? {
            each(read(row).map_err(&wrong)?)?;
        }
        Ok(())
    }
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Option<&'a str>> {
    Ok(row.get_ref(column)?.as_str_or_null()?)
}

fn needed<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(column)?.as_str()?)
}

fn operation_state(word: &str) -> rusqlite::Result<OperationState> {
    OperationState::from_word(word).ok_or_else(|| strange(8, "operation state", word.to_owned()))
}

fn viewed<'a>(row: &'a Row<'_>) -> rusqlite::Result<AuditRow<'a>> {
    Ok(AuditRow {
        run_id: row.get(0)?,
        line: row.get(1)?,
        email: text(row, 2)?,
        person_id: text(row, 3)?,
        org_id: text(row, 4)?,
        kind: needed(row, 5)?,
        target: needed(row, 6)?,
        operation: needed(row, 7)?,
        state: operation_state(needed(row, 8)?)?,
        error_code: text(row, 9)?,
        error_message: text(row, 10)?,
        http_status: row.get(11)?,
        tracking_id: text(row, 12)?,
        attempts: row.get(13)?,
        updated_at: needed(row, 14)?,
        item: row.get(15)?,
        target_name: text(row, 16)?,
    })
}

/// A leaf batch.
struct Leaf {
    first: u32,
    last: u32,
    state: OperationState,
    attempts: u32,
    code: Option<String>,
    message: Option<String>,
    http_status: Option<u16>,
    tracking_id: Option<String>,
    updated_at: String,
}

/// What is different about one operation.
struct Exception {
    assignment: u32,
    key: (u32, u16),
    code: String,
    message: String,
}

/// Everything of a run that is looked up rather than read along.
struct Scan<'r> {
    reader: &'r Reader,
    run: RunId,
    created_at: String,
    terms: HashMap<i64, (String, String)>,
    names: HashMap<i64, String>,
}

impl<'r> Scan<'r> {
    fn begin(reader: &'r Reader, run: RunId) -> Result<Self, JournalError> {
        let read = || -> rusqlite::Result<Self> {
            let db = &reader.connection;
            let created_at =
                db.query_row("SELECT created_at FROM run WHERE run_id = ?1", [run.0], |row| row.get(0))?;
            let terms = db
                .prepare("SELECT term_id, kind, text FROM term WHERE kind <> 'location'")?
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
                .collect::<Result<_, _>>()?;
            let names = db
                .prepare("SELECT target_id, name FROM target_name WHERE run_id = ?1")?
                .query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(Self { reader, run, created_at: rfc3339(created_at), terms, names })
        };
        read().map_err(reader.wrong())
    }

    fn run<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(&AuditRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = self.reader.wrong();
        let db = &self.reader.connection;
        let prepare = |sql: &str| db.prepare(sql).map_err(&wrong);
        let mut operations = prepare(
            "SELECT o.assignment, o.line, o.item, o.target_id, o.removes, o.unchanged, o.renamed, o.duplicate_of,
               o.duplicate_of_item, a.email, a.person_id, a.org_id, a.earlier_attempts
             FROM operation o CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
             WHERE o.run_id = ?1 ORDER BY o.assignment, o.line, o.item",
        )?;
        let mut leaves = prepare(
            "SELECT first, last, state, attempts, code, message, http_status, tracking_id, updated_at
             FROM batch WHERE run_id = ?1 AND state <> 'split' AND state <> 'retried' ORDER BY first",
        )?;
        let mut exceptions = prepare(
            "SELECT assignment, line, item, code, message FROM exception WHERE run_id = ?1
             ORDER BY assignment, line, item",
        )?;
        let mut invalid = prepare(
            "SELECT line, item, email, person_id, nullif(org_id, ''), kind, target, operation, code, message
             FROM invalid_row WHERE run_id = ?1 ORDER BY line, item",
        )?;
        let mut rows = operations.query([self.run.0]).map_err(&wrong)?;
        let mut leaves = Leaves { rows: leaves.query([self.run.0]).map_err(&wrong)?, current: None };
        let mut exceptions = Exceptions {
            rows: exceptions.query([self.run.0]).map_err(&wrong)?,
            ahead: None,
            here: Vec::new(),
        };
        let mut invalid = invalid.query([self.run.0]).map_err(&wrong)?;
        let mut next_invalid = invalid.next().map_err(&wrong)?;
        while let Some(row) = rows.next().map_err(&wrong)? {
            let key: (u32, u16) = self.key(row, 1)?;
            while let Some(refused) = next_invalid
                && self.key(refused, 0)? < key
            {
                each(&self.invalid(refused).map_err(&wrong)?)?;
                next_invalid = invalid.next().map_err(&wrong)?;
            }
            let assignment: u32 = row.get(0).map_err(&wrong)?;
            let leaf = leaves.of(assignment).map_err(&wrong)?;
            let here = exceptions.of(assignment).map_err(&wrong)?;
            self.operation(row, leaf, here, &mut each)?;
        }
        while let Some(refused) = next_invalid {
            each(&self.invalid(refused).map_err(&wrong)?)?;
            next_invalid = invalid.next().map_err(&wrong)?;
        }
        Ok(())
    }

    fn key(&self, row: &Row<'_>, column: usize) -> Result<(u32, u16), JournalError> {
        let read = || Ok((row.get(column)?, row.get(column + 1)?));
        read().map_err(self.reader.wrong())
    }

    fn operation<E: From<JournalError>>(
        &self,
        row: &Row<'_>,
        leaf: Option<&Leaf>,
        exceptions: &[Exception],
        each: &mut impl FnMut(&AuditRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = self.reader.wrong();
        let mut renamed = None;
        let mut audit = self.joined(row, leaf, exceptions).map_err(&wrong)?;
        if row.get(6).map_err(&wrong)? {
            let sql = "SELECT email, person_id FROM row_name WHERE run_id = ?1 AND line = ?2 AND item = ?3";
            let mut find = self.reader.connection.prepare_cached(sql).map_err(&wrong)?;
            let found = find.query_row(params![self.run.0, audit.line, audit.item], |row| {
                Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?))
            });
            let (email, person_id) = renamed.insert(found.map_err(&wrong)?);
            (audit.email, audit.person_id) = (email.as_deref(), person_id.as_deref());
        }
        each(&audit)
    }

    fn joined<'a>(
        &'a self,
        row: &'a Row<'_>,
        leaf: Option<&'a Leaf>,
        exceptions: &'a [Exception],
    ) -> rusqlite::Result<AuditRow<'a>> {
        let (line, item) = (row.get(1)?, row.get(2)?);
        let target_id: i64 = row.get(3)?;
        let removes: bool = row.get(4)?;
        let unchanged: bool = row.get(5)?;
        let original: (Option<u32>, Option<u16>) = (row.get(7)?, row.get(8)?);
        let sent = (original.0.unwrap_or(line), original.1.unwrap_or(item));
        let leaf = leaf.filter(|_| !unchanged);
        let exception = exceptions.iter().find(|exception| exception.key == sent).filter(|_| leaf.is_some());
        let state = match (leaf, exception) {
            _ if unchanged => OperationState::Unchanged,
            (_, Some(_)) => OperationState::Failed,
            (Some(leaf), None) => leaf.state,
            (None, None) => OperationState::Pending,
        };
        let (error_code, error_message) = match (exception, leaf) {
            (Some(exception), _) => (Some(exception.code.as_str()), Some(exception.message.as_str())),
            (None, Some(leaf)) if state == OperationState::Failed => {
                (leaf.code.as_deref(), leaf.message.as_deref())
            }
            (None, Some(leaf)) if state == OperationState::InDoubt => {
                (Some("IN_DOUBT"), leaf.message.as_deref())
            }
            _ => (None, None),
        };
        let unknown = || strange(3, "target", target_id.to_string());
        let (kind, target) = self.terms.get(&target_id).ok_or_else(unknown)?;
        let org_id = match row.get_ref(11)? {
            ValueRef::Integer(id) => self.terms.get(&id).map(|(_, text)| text.as_str()),
            _ => None,
        };
        let earlier: u32 = row.get(12)?;
        Ok(AuditRow {
            run_id: self.run.0,
            line,
            email: text(row, 9)?,
            person_id: text(row, 10)?,
            org_id,
            kind,
            target,
            operation: if removes { "remove" } else { "add" },
            state,
            error_code,
            error_message,
            http_status: leaf.and_then(|leaf| leaf.http_status),
            tracking_id: leaf.and_then(|leaf| leaf.tracking_id.as_deref()),
            attempts: if unchanged { 0 } else { leaf.map_or(0, |leaf| leaf.attempts) + earlier },
            updated_at: leaf.map_or(self.created_at.as_str(), |leaf| leaf.updated_at.as_str()),
            item,
            target_name: self.names.get(&target_id).map(String::as_str),
        })
    }

    fn invalid<'a>(&'a self, row: &'a Row<'_>) -> rusqlite::Result<AuditRow<'a>> {
        Ok(AuditRow {
            run_id: self.run.0,
            line: row.get(0)?,
            item: row.get(1)?,
            email: text(row, 2)?,
            person_id: text(row, 3)?,
            org_id: text(row, 4)?,
            kind: needed(row, 5)?,
            target: needed(row, 6)?,
            operation: needed(row, 7)?,
            state: OperationState::Invalid,
            error_code: text(row, 8)?,
            error_message: text(row, 9)?,
            http_status: None,
            tracking_id: None,
            attempts: 0,
            updated_at: &self.created_at,
            target_name: None,
        })
    }
}

/// The leaf batches, read along.
struct Leaves<'s> {
    rows: Rows<'s>,
    current: Option<Leaf>,
}

impl Leaves<'_> {
    /// The one that an assignment is in; assignments come in ascending order.
    fn of(&mut self, assignment: u32) -> rusqlite::Result<Option<&Leaf>> {
        while self.current.as_ref().is_none_or(|leaf| leaf.last < assignment) {
            let Some(row) = self.rows.next()? else { break };
            self.current = Some(Leaf {
                first: row.get(0)?,
                last: row.get(1)?,
                state: word(row, 2, "batch state", OperationState::from_word)?,
                attempts: row.get(3)?,
                code: row.get(4)?,
                message: row.get(5)?,
                http_status: row.get(6)?,
                tracking_id: row.get(7)?,
                updated_at: rfc3339(row.get(8)?),
            });
        }
        Ok(self.current.as_ref().filter(|leaf| (leaf.first..=leaf.last).contains(&assignment)))
    }
}

/// The exceptions, read along.
struct Exceptions<'s> {
    rows: Rows<'s>,
    ahead: Option<Exception>,
    here: Vec<Exception>,
}

impl Exceptions<'_> {
    /// Those of an assignment; assignments come in ascending order.
    fn of(&mut self, assignment: u32) -> rusqlite::Result<&[Exception]> {
        if self.here.first().is_some_and(|exception| exception.assignment != assignment) {
            self.here.clear();
        }
        loop {
            let ahead = match self.ahead.take() {
                Some(ahead) => ahead,
                None => {
                    let Some(row) = self.rows.next()? else { break };
                    let key = (row.get(1)?, row.get(2)?);
                    Exception { assignment: row.get(0)?, key, code: row.get(3)?, message: row.get(4)? }
                }
            };
            match ahead.assignment.cmp(&assignment) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => self.here.push(ahead),
                std::cmp::Ordering::Greater => {
                    self.ahead = Some(ahead);
                    break;
                }
            }
        }
        Ok(&self.here)
    }
}

/// As the views write times.
fn rfc3339(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |time| format!("{time:.3}"))
}
