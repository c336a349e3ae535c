//! Rows into tables, many at a time.

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, OptionalExtension as _, Statement};

use crate::domain::RunId;

/// Rows that one statement inserts.
const AT_ONCE: usize = 16;

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
            db.prepare(&format!("INSERT INTO {table} (run_id, {}) VALUES {rows}", columns.join(", ")))
        };
        Ok(Self { run, several: prepare(AT_ONCE)?, one: prepare(1)? })
    }

    pub(super) fn rows(&mut self, rows: &[[ToSqlOutput<'_>; COLUMNS]]) -> rusqlite::Result<()> {
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

pub(super) fn text(value: Option<&str>) -> ToSqlOutput<'_> {
    value.map_or(ToSqlOutput::Owned(Value::Null), ToSqlOutput::from)
}

pub(super) fn number(value: Option<impl Into<i64>>) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(value.map_or(Value::Null, |value| Value::Integer(value.into())))
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
