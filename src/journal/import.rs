//! Taking in a file as a new run.
//!
//! Rows are committed in large groups with `synchronous=NORMAL`: until the run is sealed nothing of
//! it has been sent, and an import that did not get that far starts over. The commit that seals it
//! is a full one, which makes all before it durable too.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::blocks::{ALWAYS, BlockOperation, EVERY, USUAL, every_column};
use super::cells::CellBlock;
use super::definitions::MADE_ANEW;
use super::insert::{AT_ONCE, Insert, integer, intern, number, text};
use super::open::INDEXES;
use super::planned::{AskedWords, InvalidOperation, NewRun, PlannedOperation, StoredTarget, Totals};
use super::sums::{BlockSums, TableSum};
use super::users::{Noted, Users};
use super::{Journal, JournalError, blocks, chain};
use crate::domain::{
    Action, EmailAddress, LocationId, OrgId, PersonId, PhoneNumber, Properties, RunId, Target,
};

/// So few users are put into the indexes one by one.
const FEW: u32 = 10_000;

/// Rows between two commits.
const GROUP: usize = 50_000;

/// Which assignments are to be sent, the end excluded.
#[derive(Debug, Clone, Copy)]
struct Sendable {
    first: u32,
    end: u32,
}

/// An import under way. Dropped before it is sealed, it leaves a run in state `importing`.
pub struct Importer<'j> {
    db: &'j Connection,
    path: &'j Path,
    operations: Insert<'j, EVERY>,
    /// Those that say nothing seldom, as nearly all.
    plain_operations: Insert<'j, { ALWAYS.len() }>,
    assignments: Insert<'j, 4>,
    run: RunId,
    users: Users,
    sums: BlockSums,
    cells: TableSum,
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
        let run = begin(&mut self.connection, run, assignments).map_err(&wrong)?;
        crate::step!("import.begun");
        let db = &self.connection;
        db.execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE").map_err(&wrong)?;
        Ok(Importer {
            db,
            path: &self.path,
            operations: Insert::new(db, run, "operation", every_column()).map_err(&wrong)?,
            plain_operations: Insert::new(db, run, "operation", ALWAYS).map_err(&wrong)?,
            assignments: Insert::new(db, run, "assignment", ASSIGNMENT).map_err(&wrong)?,
            run,
            users: Users::new(assignments),
            sums: BlockSums::default(),
            cells: TableSum::default(),
            locations: HashMap::new(),
            organizations: HashMap::new(),
            totals: Totals { assignments, ..Totals::default() },
            uncommitted: 0,
        })
    }
}

fn begin(db: &mut Connection, run: &NewRun<'_>, assignments: u32) -> rusqlite::Result<RunId> {
    let step = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let unfinished: Vec<u32> = step
        .prepare("SELECT run_id FROM run WHERE state = 'importing'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in unfinished {
        for table in [
            "run",
            "assignment",
            "operation",
            "row_name",
            "asked",
            "target_name",
            "invalid_row",
            "cell_block",
            "org_span",
            "block",
            "digest",
        ] {
            step.execute(&format!("DELETE FROM {table} WHERE run_id = ?1"), [id])?;
        }
    }
    let (id, before): (u32, u64) =
        step.query_row("SELECT coalesce(max(run_id), 0) + 1, coalesce(sum(users), 0) FROM run", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if assignments > FEW && u64::from(assignments) > before / 4 {
        // Many are sorted into new ones when all are there.
        for index in MADE_ANEW {
            step.execute(&format!("DROP INDEX IF EXISTS {index}"), [])?;
        }
    }
    let path = run.input_path.to_str();
    step.execute(
        "INSERT INTO run (run_id, input_path, input_path_bytes, input_sha256, layout, settings, state, created_at,
           os_user, host, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'importing', ?7, ?8, ?9, ?10)",
        params![
            id,
            run.input_path.to_string_lossy(),
            path.is_none().then_some(run.input_path.as_os_str().as_encoded_bytes()),
            run.input_sha256,
            run.layout,
            run.settings,
            run.created_at,
            run.origin.os_user,
            run.origin.host,
            run.origin.version,
        ],
    )?;
    chain::link(&step, id, "begun")?;
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
    pub fn cells(&mut self, block: &CellBlock) -> Result<(), JournalError> {
        self.cells.row(block.first.get(), ValueRef::Blob(&block.cells));
        let sql = "INSERT INTO cell_block (run_id, first_line, cells) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![self.run.0, block.first.get(), block.cells])
    }

    /// Keeps the words by which rows ask for one of their several operations.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn asked(&self, words: &AskedWords<'_>) -> Result<(), JournalError> {
        let AskedWords { number, cell, text, not_again } = words;
        let sql = "INSERT INTO asked (run_id, asked, cell, text, not_again) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.execute(sql, params![self.run.0, number, cell, text, not_again])
    }

    /// Adds operations.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn operations(&mut self, planned: &[PlannedOperation<'_>]) -> Result<(), JournalError> {
        let noted = self.users(planned)?;
        let mut rows = Vec::with_capacity(planned.len());
        for (operation, noted) in planned.iter().zip(noted) {
            let row = self.row(operation, noted)?;
            let PlannedOperation { assignment, key, .. } = operation;
            self.sums.operation((assignment.0, key.line.get(), key.item.get()), &row);
            rows.push(row);
        }
        rows.chunks(AT_ONCE).try_for_each(|rows| self.insert_operations(rows))?;
        self.count(planned.len())
    }

    fn insert_operations(&mut self, rows: &[BlockOperation<'_>]) -> Result<(), JournalError> {
        let inserted = if rows.iter().all(|row| row.seldom.is_none()) {
            self.plain_operations.rows(rows.iter().map(|row| row.always))
        } else {
            self.operations.rows(rows.iter().map(BlockOperation::every_value))
        };
        inserted.map_err(|error| self.wrong(error))
    }

    /// An operation as it is stored.
    fn row<'o>(
        &mut self,
        operation: &PlannedOperation<'o>,
        noted: Noted,
    ) -> Result<BlockOperation<'o>, JournalError> {
        let Properties { location, phone_number, extension } = operation.properties;
        let location = location.as_ref().map(|location| self.location(location)).transpose()?;
        let key = operation.key;
        if noted.is_renamed {
            let (email, person) =
                (operation.email.map(EmailAddress::as_str), operation.person.map(PersonId::as_str));
            self.execute(
                "INSERT INTO row_name (run_id, line, item, assignment, email, person_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![self.run.0, key.line.get(), key.item.get(), operation.assignment.0, email, person],
            )?;
        }
        self.totals.unchanged += u64::from(operation.unchanged);
        let always = [
            integer(operation.assignment.0),
            integer(key.line.get()),
            integer(key.item.get()),
            integer(operation.target.0),
            integer(operation.action == Action::Remove),
        ];
        let seldom = [
            integer(operation.unchanged),
            integer(noted.is_renamed),
            number(location),
            text(phone_number.as_ref().map(PhoneNumber::as_str)),
            text(extension.as_deref()),
            number(operation.duplicate_of.map(|first| first.line.get())),
            number(operation.duplicate_of.map(|first| first.item.get())),
            number(operation.asked),
        ];
        Ok(BlockOperation { always, seldom: (seldom != USUAL).then_some(seldom) })
    }

    /// Stores a license or site, for operations on it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn target(&mut self, target: &Target) -> Result<StoredTarget, JournalError> {
        self.term(target.kind(), target.as_str()).map(StoredTarget)
    }

    /// Keeps what the organization calls a license.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn name(&mut self, target: StoredTarget, name: &str) -> Result<(), JournalError> {
        let sql = "INSERT OR REPLACE INTO target_name (run_id, target_id, name) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![self.run.0, target.0, name])
    }

    /// Keeps what the organization called a license when an earlier run named it: a file of `undo` has its ID alone.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn name_as_before(&mut self, target: StoredTarget) -> Result<(), JournalError> {
        let sql = "INSERT OR IGNORE INTO target_name (run_id, target_id, name)
             SELECT ?1, target_id, name FROM target_name WHERE target_id = ?2 AND run_id < ?1 ORDER BY run_id DESC LIMIT 1";
        self.execute(sql, params![self.run.0, target.0])
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
    fn users(&mut self, planned: &[PlannedOperation<'_>]) -> Result<Vec<Noted>, JournalError> {
        let mut fresh: Vec<[ValueRef<'_>; 4]> = Vec::new();
        let mut all = Vec::with_capacity(planned.len());
        for operation in planned {
            let noted = self.users.note(operation);
            all.push(noted);
            if !noted.is_new && !noted.adds {
                continue;
            }
            let number = operation.assignment.0;
            let org = operation.org.map(|org| self.organization(org)).transpose()?;
            let email = operation.email.map(EmailAddress::as_str);
            let person = operation.person.map(PersonId::as_str);
            if noted.is_new {
                let row = [integer(number), text(email), text(person), self::number(org)];
                self.sums.user(number, &row);
                fresh.push(row);
                continue;
            }
            self.sums.spoil(number);
            // It may be one of those.
            self.insert_users(&mut fresh)?;
            let sql =
                "UPDATE assignment SET email = coalesce(email, ?3), person_id = coalesce(person_id, ?4),
                         org_id = coalesce(org_id, ?5) WHERE run_id = ?1 AND assignment = ?2";
            self.execute(sql, params![self.run.0, number, email, person, org])?;
        }
        self.insert_users(&mut fresh)?;
        Ok(all)
    }

    fn insert_users(&mut self, users: &mut Vec<[ValueRef<'_>; 4]>) -> Result<(), JournalError> {
        let inserted = self.assignments.rows(users.drain(..));
        inserted.map_err(|error| self.wrong(error))
    }

    /// Adds a row that cannot be sent.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn invalid(&mut self, row: &InvalidOperation<'_>) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO invalid_row
               (run_id, line, item, email, person_id, org_id, kind, target, operation, code, message)
             VALUES (?1, ?2, ?3, nullif(?4, ''), nullif(?5, ''), ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                self.run.0,
                row.key.line.get(),
                row.key.item.get(),
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
    pub fn seal(mut self) -> Result<(RunId, Totals), JournalError> {
        self.complete_names()?;
        if self.users.any_unchanged() {
            self.sums.forget();
        }
        let sendable = self.leave_out_unchanged()?;
        self.span_organizations(sendable)?;
        self.execute_batch(INDEXES)?;
        self.sum_up(sendable).map_err(|error| JournalError::of(self.path, error))?;
        self.execute_batch("COMMIT; PRAGMA synchronous = FULL; BEGIN IMMEDIATE")?;
        let Totals { assignments, total, invalid, unchanged } = self.totals;
        self.execute(
            "UPDATE run SET state = 'running', users = ?2, assignments = ?3, total = ?4, invalid = ?5, unchanged = ?6
             WHERE run_id = ?1",
            params![self.run.0, assignments, sendable.end, total, invalid, unchanged],
        )?;
        chain::link(self.db, self.run.0, "imported").map_err(|error| self.wrong(error))?;
        crate::step!("import.written");
        self.execute_batch("COMMIT")?;
        crate::step!("import.sealed");
        self.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok((self.run, self.totals))
    }

    /// What was written in bulk goes into the chain by its sums, and every term: one may be left of an import that
    /// did not get to its end.
    fn sum_up(&mut self, sendable: Sendable) -> rusqlite::Result<()> {
        for number in blocks::between(0, sendable.end) {
            match self.sums.sum(number) {
                Some(sum) => blocks::put_sum(self.db, self.run.0, number, &sum)?,
                None => blocks::put(self.db, self.run.0, number)?,
            }
        }
        let cells = std::mem::take(&mut self.cells).finish();
        chain::sum_bulk_but(self.db, self.run.0, cells.map(|sum| ("cell_block", sum)))?;
        chain::touch(self.db, None)
    }

    /// Rows that name their user differently have that name beside what they leave out.
    fn complete_names(&self) -> Result<(), JournalError> {
        self.execute(
            "UPDATE row_name SET email = coalesce(row_name.email, a.email),
               person_id = coalesce(row_name.person_id, a.person_id)
             FROM assignment a
             WHERE row_name.run_id = ?1 AND a.run_id = ?1 AND a.assignment = row_name.assignment",
            [self.run.0],
        )
    }

    /// Users of whom nothing is sent are no part of what is sent: the others move behind them, so that batches
    /// are as large as they would be without them. Gives back which assignments are to be sent.
    fn leave_out_unchanged(&self) -> Result<Sendable, JournalError> {
        let users = self.totals.assignments;
        if !self.users.any_unchanged() {
            return Ok(Sendable { first: 0, end: users });
        }
        self.execute_batch(
            "DROP TABLE IF EXISTS temp.moving;
             CREATE TEMP TABLE moving (assignment INTEGER PRIMARY KEY, moved INTEGER NOT NULL)",
        )?;
        self.execute(
            "INSERT INTO temp.moving
             SELECT assignment, ?2 - 1 + row_number() OVER (ORDER BY assignment)
             FROM (SELECT DISTINCT assignment FROM operation WHERE run_id = ?1 AND NOT unchanged)",
            params![self.run.0, users],
        )?;
        for table in ["assignment", "operation", "row_name"] {
            let sql = format!(
                "UPDATE {table} SET assignment = m.moved FROM temp.moving m
                 WHERE {table}.run_id = ?1 AND {table}.assignment = m.assignment"
            );
            self.execute(&sql, [self.run.0])?;
        }
        let moved: u32 = self
            .db
            .query_row("SELECT count(*) FROM temp.moving", [], |row| row.get(0))
            .map_err(|error| self.wrong(error))?;
        self.execute_batch("DROP TABLE temp.moving")?;
        Ok(Sendable { first: users, end: users + moved })
    }

    /// Assignments come organization by organization; here each of these spans is given its row.
    fn span_organizations(&self, Sendable { first, end }: Sendable) -> Result<(), JournalError> {
        let Totals { total, invalid, unchanged, .. } = self.totals;
        if !self.users.any_org() {
            let whole =
                "INSERT INTO org_span (run_id, first, last, rows) SELECT ?1, ?2, ?3 - 1, ?4 WHERE ?2 < ?3";
            return self.execute(whole, params![self.run.0, first, end, total - invalid - unchanged]);
        }
        self.execute(
            "INSERT INTO org_span (run_id, first, last, org_id, rows)
             SELECT ?1, first, last, org_id, (
               SELECT count(*) FROM operation o
               WHERE o.run_id = ?1 AND o.assignment >= first AND o.assignment <= last AND NOT o.unchanged
             )
             FROM (
               SELECT min(assignment) AS first, max(assignment) AS last, org_id
               FROM (
                 SELECT assignment, org_id,
                   assignment - row_number() OVER (PARTITION BY org_id ORDER BY assignment) AS island
                 FROM assignment WHERE run_id = ?1 AND assignment >= ?2
               )
               GROUP BY org_id, island
             )",
            params![self.run.0, first],
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

const ASSIGNMENT: [&str; 4] = ["assignment", "email", "person_id", "org_id"];
