//! Taking in a file as a new run.
//!
//! Rows are committed in large groups with `synchronous=NORMAL`: until the run is sealed nothing of
//! it has been sent, and an import that did not get that far starts over. The commit that seals it
//! is a full one, which makes all before it durable too.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, OptionalExtension as _, Statement, params};

use super::cells::Block;
use super::{Journal, JournalError};
use crate::domain::{
    Action, AssignmentNo, EmailAddress, Line, LocationId, OrgId, PersonId, PhoneNumber, Properties, RunId,
    Target,
};

/// Rows between two commits.
const GROUP: usize = 50_000;

/// A run about to be imported.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// The file as the user named it.
    pub input_path: &'a str,
    /// Its SHA-256 in hexadecimal digits.
    pub input_sha256: &'a str,
    /// What the failures CSV takes over, as JSON.
    pub layout: &'a str,
    /// How the run is to be sent, as JSON.
    pub settings: &'a str,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
}

/// A license or site that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredTarget(i64);

/// An operation with its place.
#[derive(Debug)]
pub struct PlannedOperation<'a> {
    /// The row's line.
    pub line: Line,
    /// The user's assignment.
    pub assignment: AssignmentNo,
    /// The user, as far as the row names it.
    pub email: Option<&'a EmailAddress>,
    /// The user, as far as the row names it.
    pub person: Option<&'a PersonId>,
    /// The user's organization.
    pub org: Option<&'a OrgId>,
    /// What is added or removed.
    pub target: StoredTarget,
    /// Which of the two.
    pub action: Action,
    /// With what.
    pub properties: &'a Properties,
    /// The line of the same operation that is sent instead.
    pub duplicate_of: Option<Line>,
}

/// A row that cannot be sent.
#[derive(Debug)]
#[expect(missing_docs, reason = "the cells as they stand, and the contract's words")]
pub struct InvalidOperation<'a> {
    pub line: Line,
    pub email: &'a str,
    pub person: &'a str,
    pub org: &'a str,
    pub kind: &'a str,
    pub target: &'a str,
    pub operation: &'a str,
    pub code: &'a str,
    pub message: &'a str,
}

/// What was imported, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Users that something is asked for.
    pub assignments: u32,
    /// Rows.
    pub total: u64,
    /// Rows that cannot be sent.
    pub invalid: u64,
}

/// Which parts of an assignment's user are stored already: a byte for each of millions of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stored(u8);

impl Stored {
    /// What an operation says of its user, once it is stored.
    fn of(operation: &PlannedOperation<'_>) -> Self {
        let parts = [operation.email.is_some(), operation.person.is_some(), operation.org.is_some()];
        Self(parts.into_iter().fold(1, |bits, part| bits << 1 | u8::from(part)))
    }

    const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether there is a row for the user.
    const fn is_any(self) -> bool {
        self.0 != 0
    }

    const fn has_org(self) -> bool {
        self.0 & 1 != 0
    }
}

/// An import under way. Dropped before it is sealed, it leaves a run in state `importing`.
pub struct Importer<'j> {
    db: &'j Connection,
    path: &'j Path,
    operations: Insert<'j, 8>,
    assignments: Insert<'j, 4>,
    run: RunId,
    users: Vec<Stored>,
    locations: HashMap<LocationId, i64>,
    organizations: HashMap<OrgId, i64>,
    totals: Totals,
    uncommitted: usize,
}

impl Journal {
    /// Begins a run. Imports that never ended are cleared away first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn import(&mut self, run: &NewRun<'_>, assignments: u32) -> Result<Importer<'_>, JournalError> {
        let wrong = self.wrong();
        let run = begin(&mut self.connection, run).map_err(&wrong)?;
        crate::step!("import.begun");
        let db = &self.connection;
        db.execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE").map_err(&wrong)?;
        Ok(Importer {
            db,
            path: &self.path,
            operations: Insert::new(db, run, "operation", OPERATION).map_err(&wrong)?,
            assignments: Insert::new(db, run, "assignment", ASSIGNMENT).map_err(&wrong)?,
            run,
            users: vec![Stored::default(); assignments as usize],
            locations: HashMap::new(),
            organizations: HashMap::new(),
            totals: Totals { assignments, ..Totals::default() },
            uncommitted: 0,
        })
    }
}

fn begin(db: &mut Connection, run: &NewRun<'_>) -> rusqlite::Result<RunId> {
    let step = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let unfinished: Vec<u32> = step
        .prepare("SELECT run_id FROM run WHERE state = 'importing'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in unfinished {
        for table in ["run", "assignment", "operation", "invalid_row", "cell_block", "org_span"] {
            step.execute(&format!("DELETE FROM {table} WHERE run_id = ?1"), [id])?;
        }
    }
    let id: u32 = step.query_row("SELECT coalesce(max(run_id), 0) + 1 FROM run", [], |row| row.get(0))?;
    step.execute(
        "INSERT INTO run (run_id, input_path, input_sha256, layout, settings, state, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'importing', ?6)",
        params![id, run.input_path, run.input_sha256, run.layout, run.settings, run.created_at],
    )?;
    step.commit()?;
    Ok(RunId(id))
}

impl Importer<'_> {
    /// The new run's number.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// Keeps rows' own bytes.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn cells(&mut self, block: &Block) -> Result<(), JournalError> {
        let sql = "INSERT INTO cell_block (run_id, first_line, cells) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![self.run.0, block.first.get(), block.cells])
    }

    /// Adds operations.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn operations(&mut self, planned: &[PlannedOperation<'_>]) -> Result<(), JournalError> {
        self.users(planned)?;
        let rows = planned.iter().map(|operation| self.row(operation));
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        self.operations.rows(&rows).map_err(|error| self.wrong(error))?;
        self.count(planned.len())
    }

    /// An operation as it is stored.
    fn row<'o>(&mut self, operation: &PlannedOperation<'o>) -> Result<[ToSqlOutput<'o>; 8], JournalError> {
        let Properties { location, phone_number, extension } = operation.properties;
        let location = location.as_ref().map(|location| self.location(location)).transpose()?;
        Ok([
            operation.assignment.0.into(),
            operation.line.get().into(),
            operation.target.0.into(),
            (operation.action == Action::Remove).into(),
            number(location),
            text(phone_number.as_ref().map(PhoneNumber::as_str)),
            text(extension.as_deref()),
            number(operation.duplicate_of.map(Line::get)),
        ])
    }

    /// Stores a license or site, for operations on it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn target(&mut self, target: &Target) -> Result<StoredTarget, JournalError> {
        self.term(target.kind(), target.as_str()).map(StoredTarget)
    }

    fn location(&mut self, location: &LocationId) -> Result<i64, JournalError> {
        if let Some(id) = self.locations.get(location) {
            return Ok(*id);
        }
        let id = self.term("location", location.as_str())?;
        self.locations.insert(location.clone(), id);
        Ok(id)
    }

    fn organization(&mut self, org: &OrgId) -> Result<i64, JournalError> {
        if let Some(id) = self.organizations.get(org) {
            return Ok(*id);
        }
        let id = self.term("organization", org.as_str())?;
        self.organizations.insert(org.clone(), id);
        Ok(id)
    }

    /// Stores the operations' users, or what their rows add to them.
    fn users(&mut self, planned: &[PlannedOperation<'_>]) -> Result<(), JournalError> {
        let mut fresh: Vec<[ToSqlOutput<'_>; 4]> = Vec::new();
        for operation in planned {
            let number = operation.assignment.0;
            let known = self.users.get(number as usize).copied().unwrap_or_default();
            let now = known.and(Stored::of(operation));
            if known == now {
                continue;
            }
            let org = operation.org.map(|org| self.organization(org)).transpose()?;
            let email = operation.email.map(EmailAddress::as_str);
            let person = operation.person.map(PersonId::as_str);
            if known.is_any() {
                // It may be one of those.
                self.insert_users(&mut fresh)?;
                let sql =
                    "UPDATE assignment SET email = coalesce(email, ?3), person_id = coalesce(person_id, ?4),
                             org_id = coalesce(org_id, ?5) WHERE run_id = ?1 AND assignment = ?2";
                self.execute(sql, params![self.run.0, number, email, person, org])?;
            } else {
                fresh.push([number.into(), text(email), text(person), self::number(org)]);
            }
            if let Some(slot) = self.users.get_mut(number as usize) {
                *slot = now;
            }
        }
        self.insert_users(&mut fresh)
    }

    fn insert_users(&mut self, users: &mut Vec<[ToSqlOutput<'_>; 4]>) -> Result<(), JournalError> {
        let inserted = self.assignments.rows(users);
        users.clear();
        inserted.map_err(|error| self.wrong(error))
    }

    /// Adds a row that cannot be sent.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn invalid(&mut self, row: &InvalidOperation<'_>) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO invalid_row (run_id, line, email, person_id, org_id, kind, target, operation, code, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                self.run.0,
                row.line.get(),
                row.email,
                row.person,
                row.org,
                row.kind,
                row.target,
                row.operation,
                row.code,
                row.message
            ],
        )?;
        self.totals.invalid += 1;
        self.count(1)
    }

    /// Makes the run ready to be sent: from here on it can be resumed.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn seal(self) -> Result<(RunId, Totals), JournalError> {
        self.span_organizations()?;
        self.execute_batch("COMMIT; PRAGMA synchronous = FULL; BEGIN IMMEDIATE")?;
        let Totals { assignments, total, invalid } = self.totals;
        self.execute(
            "UPDATE run SET state = 'running', assignments = ?2, total = ?3, invalid = ?4 WHERE run_id = ?1",
            params![self.run.0, assignments, total, invalid],
        )?;
        crate::step!("import.written");
        self.execute_batch("COMMIT")?;
        crate::step!("import.sealed");
        self.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok((self.run, self.totals))
    }

    /// Assignments come organization by organization; here each of these spans is given its row.
    fn span_organizations(&self) -> Result<(), JournalError> {
        let Totals { assignments, total, invalid } = self.totals;
        if !self.users.iter().any(|user| user.has_org()) {
            let whole =
                "INSERT INTO org_span (run_id, first, last, rows) SELECT ?1, 0, ?2 - 1, ?3 WHERE ?2 > 0";
            return self.execute(whole, params![self.run.0, assignments, total - invalid]);
        }
        self.execute(
            "INSERT INTO org_span (run_id, first, last, org_id, rows)
             SELECT ?1, first, last, org_id, (
               SELECT count(*) FROM operation o WHERE o.run_id = ?1 AND o.assignment >= first AND o.assignment <= last
             )
             FROM (
               SELECT min(assignment) AS first, max(assignment) AS last, org_id
               FROM (
                 SELECT assignment, org_id,
                   assignment - row_number() OVER (PARTITION BY org_id ORDER BY assignment) AS island
                 FROM assignment WHERE run_id = ?1
               )
               GROUP BY org_id, island
             )",
            [self.run.0],
        )
    }

    fn count(&mut self, rows: usize) -> Result<(), JournalError> {
        self.totals.total += rows as u64;
        self.uncommitted += rows;
        if self.uncommitted >= GROUP {
            self.uncommitted = 0;
            self.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
            crate::step!("import.group");
        }
        Ok(())
    }

    fn term(&self, kind: &'static str, text: &str) -> Result<i64, JournalError> {
        intern(self.db, kind, text).map_err(|error| self.wrong(error))
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), JournalError> {
        let run = |db: &Connection| db.prepare_cached(sql)?.execute(values).map(drop);
        run(self.db).map_err(|error| self.wrong(error))
    }

    fn execute_batch(&self, sql: &str) -> Result<(), JournalError> {
        self.db.execute_batch(sql).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, error: rusqlite::Error) -> JournalError {
        JournalError::of(self.path, error)
    }
}

impl Drop for Importer<'_> {
    /// What was not committed is given up; what was, the next import clears away.
    fn drop(&mut self) {
        if !self.db.is_autocommit() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        let _ = self.db.execute_batch("PRAGMA synchronous = FULL");
    }
}

/// Rows that one statement inserts.
const AT_ONCE: usize = 16;

const OPERATION: [&str; 8] = [
    "assignment",
    "line",
    "target_id",
    "removes",
    "location_id",
    "phone_number",
    "extension",
    "duplicate_of",
];
const ASSIGNMENT: [&str; 4] = ["assignment", "email", "person_id", "org_id"];

/// Inserts rows of a run into a table, several with one statement: so SQLite keeps its place in the table
/// between them.
struct Insert<'j, const COLUMNS: usize> {
    run: RunId,
    several: Statement<'j>,
    one: Statement<'j>,
}

impl<'j, const COLUMNS: usize> Insert<'j, COLUMNS> {
    fn new(db: &'j Connection, run: RunId, table: &str, columns: [&str; COLUMNS]) -> rusqlite::Result<Self> {
        let prepare = |rows: usize| {
            let row = |row: usize| {
                let values = (0..COLUMNS).map(|column| format!(", ?{}", 2 + row * COLUMNS + column));
                format!("(?1{})", values.collect::<String>())
            };
            let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
            db.prepare(&format!("INSERT INTO {table} (run_id, {}) VALUES {rows}", columns.join(", ")))
        };
        Ok(Self { run, several: prepare(AT_ONCE)?, one: prepare(1)? })
    }

    fn rows(&mut self, rows: &[[ToSqlOutput<'_>; COLUMNS]]) -> rusqlite::Result<()> {
        let Self { run, several, one } = self;
        let (groups, rest) = rows.as_chunks::<AT_ONCE>();
        groups.iter().try_for_each(|group| insert(several, *run, group))?;
        rest.chunks(1).try_for_each(|row| insert(one, *run, row))
    }
}

fn insert<const COLUMNS: usize>(
    statement: &mut Statement<'_>,
    run: RunId,
    rows: &[[ToSqlOutput<'_>; COLUMNS]],
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, run.0)?;
    let mut values = rows.iter().flatten().enumerate();
    values.try_for_each(|(number, value)| statement.raw_bind_parameter(number + 2, value))?;
    statement.raw_execute().map(drop)
}

fn text(value: Option<&str>) -> ToSqlOutput<'_> {
    value.map_or(ToSqlOutput::Owned(Value::Null), ToSqlOutput::from)
}

fn number(value: Option<impl Into<i64>>) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(value.map_or(Value::Null, |value| Value::Integer(value.into())))
}

fn intern(db: &Connection, kind: &str, text: &str) -> rusqlite::Result<i64> {
    let known = db
        .prepare_cached("SELECT term_id FROM term WHERE kind = ?1 AND text = ?2")?
        .query_row([kind, text], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    db.prepare_cached("INSERT INTO term (kind, text) VALUES (?1, ?2) RETURNING term_id")?
        .query_row([kind, text], |row| row.get(0))
}
