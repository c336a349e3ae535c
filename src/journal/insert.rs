//! Rows into tables, many at a time.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Statement};

use crate::domain::RunId;

/// Rows that one statement inserts.
pub(super) const AT_ONCE: usize = 16;

/// Inserts rows of a run into a table, several with one statement: so SQLite keeps its place in the table
/// between them.
pub(super) struct Insert<'j, const COLUMNS: usize> {
    run: RunId,
    several: Statement<'j>,
    one: Statement<'j>,
}

impl<'j, const COLUMNS: usize> Insert<'j, COLUMNS> {
    pub(super) fn new(
        db: &'j Connection,
        run: RunId,
        table: &str,
        columns: [&str; COLUMNS],
    ) -> rusqlite::Result<Self> {
        let prepare = |rows: usize| {
            let row = |row: usize| {
                let values = (0..COLUMNS).map(|column| format!(", ?{}", 2 + row * COLUMNS + column));
                format!("(?1{})", values.collect::<String>())
            };
            let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
            // A row that cannot be stored ends the import, so that SQLite need not be able to take back those before it.
            let sql =
                format!("INSERT OR ROLLBACK INTO {table} (run_id, {}) VALUES {rows}", columns.join(", "));
            db.prepare(&sql)
        };
        Ok(Self { run, several: prepare(AT_ONCE)?, one: prepare(1)? })
    }

    pub(super) fn rows<'v>(
        &mut self,
        mut rows: impl ExactSizeIterator<Item = [ValueRef<'v>; COLUMNS]>,
    ) -> rusqlite::Result<()> {
        while rows.len() > 0 {
            let (statement, count) =
                if rows.len() < AT_ONCE { (&mut self.one, 1) } else { (&mut self.several, AT_ONCE) };
            statement.raw_bind_parameter(1, self.run.0)?;
            let mut values = rows.by_ref().take(count).flatten().zip(2..);
            values.try_for_each(|(value, number)| {
                statement.raw_bind_parameter(number, ToSqlOutput::Borrowed(value))
            })?;
            statement.raw_execute()?;
        }
        Ok(())
    }
}

pub(super) fn text(value: Option<&str>) -> ValueRef<'_> {
    value.map_or(ValueRef::Null, |value| ValueRef::Text(value.as_bytes()))
}

pub(super) fn number(value: Option<impl Into<i64>>) -> ValueRef<'static> {
    value.map_or(ValueRef::Null, integer)
}

pub(super) fn integer(value: impl Into<i64>) -> ValueRef<'static> {
    ValueRef::Integer(value.into())
}

pub(super) fn intern(db: &Connection, kind: &str, text: &str) -> rusqlite::Result<i64> {
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
