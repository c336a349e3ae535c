//! The chain: one link a transaction, each with the rows that it changed and a hash over them and the link before.
//!
//! Triggers that live with the connection note which rows change, whoever changes them; when a transaction ends, the
//! rows are read as they are now and become its link. So whoever follows the chain from its beginning knows every row
//! that there should be, and what is there and not in the chain was not written by us. What an import writes in bulk
//! (assignments, operations, the rows' own bytes) is in the chain by sums instead, a block of assignments each, so
//! that what is loaded to be sent can be checked as it is loaded.

use std::sync::LazyLock;

use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::encoding::{RowSum, encode, encode_columns};
use super::{blocks, unix_millis};

/// A hash.
pub(super) type LinkHash = [u8; 32];

/// Some columns of a table whose rows are in the chain, and the columns that name a row.
#[derive(Debug)]
pub(super) struct Chained {
    /// The table.
    pub(super) table: &'static str,
    /// What names a row.
    pub(super) keys: &'static [&'static str],
    /// What else is in it. A row that changes often has what seldom changes in an entry of its own.
    pub(super) columns: &'static [&'static str],
}

impl Chained {
    /// Whether each of its rows belongs to a run.
    pub(super) fn is_of_run(&self) -> bool {
        self.keys.first() == Some(&"run_id")
    }
}

/// Their places are their names in the links: entries are added at the end.
pub(super) const CHAINED: [Chained; 10] = [
    Chained { table: "term", keys: &["term_id"], columns: &["kind", "text"] },
    Chained {
        table: "run",
        keys: &["run_id"],
        columns: &[
            "input_path",
            "input_path_bytes",
            "input_sha256",
            "layout",
            "settings",
            "created_at",
            "os_user",
            "host",
            "version",
            "users",
            "total",
            "invalid",
            "unchanged",
            "assignments",
            "pruned_at",
        ],
    },
    Chained {
        table: "run",
        keys: &["run_id"],
        columns: &[
            "state",
            "reason",
            "finished_at",
            "done",
            "failed",
            "in_doubt",
            "accepted",
            "wire",
            "paused_until",
            "last_batch",
            "last_attempt",
        ],
    },
    Chained {
        table: "org_span",
        keys: &["run_id", "first"],
        columns: &["last", "org_id", "rows", "paused_until"],
    },
    Chained {
        table: "batch",
        keys: &["run_id", "first", "batch_id"],
        columns: &[
            "last",
            "rows",
            "failed",
            "state",
            "attempts",
            "code",
            "message",
            "http_status",
            "tracking_id",
            "updated_at",
            "attempt_id",
            "started_at",
            "ended_at",
            "retry_after_s",
            "outcome",
            "said",
        ],
    },
    Chained {
        table: "attempt",
        keys: &["run_id", "attempt_id"],
        columns: &[
            "batch_id",
            "started_at",
            "ended_at",
            "assignments",
            "http_status",
            "retry_after_s",
            "tracking_id",
            "outcome",
            "message",
        ],
    },
    Chained {
        table: "exception",
        keys: &["run_id", "assignment", "line", "item"],
        columns: &["code", "message"],
    },
    Chained { table: "target_name", keys: &["run_id", "target_id"], columns: &["name"] },
    Chained { table: "output", keys: &["path"], columns: &["run_id", "rows", "sha256", "written_at"] },
    Chained { table: "digest", keys: &["run_id", "what"], columns: &["sum"] },
];

/// A table that is summed up a run: its columns in the order of its rows.
pub(super) type Bulk = (&'static str, &'static str, &'static str);

pub(super) const BULK: [Bulk; 6] = [
    (
        "invalid_row",
        "line, item, email, person_id, org_id, kind, target, operation, code, message",
        "line, item",
    ),
    ("cell_block", "first_line, cells", "first_line"),
    ("row_name", "line, item, email, person_id", "line, item"),
    ("in_effect_before", "line, item", "line, item"),
    ("asked", "asked, cell, text, not_again", "asked"),
    ("block", "number, sum", "number"),
];

/// Begins to note what this connection changes.
pub(super) fn install(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS touched (t INTEGER, a, b, c, d, PRIMARY KEY (t, a, b, c, d)) WITHOUT ROWID",
    )?;
    for (number, Chained { table, keys, columns }) in CHAINED.iter().enumerate() {
        let key = |side: &str| {
            let keys =
                keys.iter().map(|key| format!("{side}.{key}")).chain((keys.len()..4).map(|_| "0".to_owned()));
            keys.collect::<Vec<_>>().join(", ")
        };
        let of = format!("UPDATE OF {}", columns.join(", "));
        for (event, name, side) in
            [("INSERT", "insert", "NEW"), (of.as_str(), "update", "NEW"), ("DELETE", "delete", "OLD")]
        {
            let key = key(side);
            db.execute_batch(&format!(
                "CREATE TEMP TRIGGER IF NOT EXISTS touched_{number}_{name} AFTER {event} ON main.{table}
                 BEGIN INSERT INTO touched VALUES ({number}, {key}) ON CONFLICT DO NOTHING; END"
            ))?;
        }
    }
    Ok(())
}

/// Begins the chain of a journal that has none: what an earlier release wrote is in it from here on.
pub(super) fn begin(db: &Connection) -> rusqlite::Result<()> {
    install(db)?;
    touch(db, None)?;
    link(db, 0, MIGRATED)?;
    let runs: Vec<(u32, u32)> = db
        .prepare("SELECT run_id, assignments FROM main.run WHERE state <> 'importing' ORDER BY run_id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (run, assignments) in runs {
        blocks::put_all(db, run, 0, assignments)?;
        sum_bulk(db, run)?;
        touch(db, Some(run))?;
        link(db, run, MIGRATED)?;
    }
    Ok(())
}

/// What the links of runs are called that an earlier release made.
pub(super) const MIGRATED: &str = "migrated";

/// Notes the rows of a run, or those that belong to none, as if they had just been written.
pub(super) fn touch(db: &Connection, run: Option<u32>) -> rusqlite::Result<()> {
    for (number, chained) in CHAINED.iter().enumerate() {
        if chained.is_of_run() != run.is_some() {
            continue;
        }
        let Chained { table, keys, .. } = chained;
        let zeros = ", 0".repeat(4 - keys.len());
        let (keys, which) = (keys.join(", "), if run.is_some() { "run_id = ?1" } else { "?1 IS NULL" });
        let sql = format!(
            "INSERT OR IGNORE INTO temp.touched SELECT {number}, {keys}{zeros} FROM main.{table} WHERE {which}"
        );
        db.execute(&sql, [run])?;
    }
    Ok(())
}

/// Ends a transaction with its link. Whatever has been noted since the last one is in it.
pub(super) fn link(db: &Connection, run: u32, what: &str) -> rusqlite::Result<()> {
    let payload = payload(db)?;
    if payload.is_empty() {
        return Ok(());
    }
    append(db, run, what, &payload)?;
    db.prepare_cached("DELETE FROM temp.touched")?.execute([]).map(drop)
}

fn append(db: &Connection, run: u32, what: &str, payload: &[u8]) -> rusqlite::Result<()> {
    let (last, before) = head(db)?.unwrap_or((0, [0; 32]));
    let at = unix_millis();
    let hash = hash_of(&before, last + 1, run, what, at, &Sha256::digest(payload).into());
    db.prepare_cached(
        "INSERT INTO link (link_id, run_id, what, at, payload, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![last + 1, run, what, at, payload, hash])
    .map(drop)
}

/// The last link and its hash.
pub(super) fn head(db: &Connection) -> rusqlite::Result<Option<(i64, LinkHash)>> {
    db.prepare_cached("SELECT link_id, hash FROM link ORDER BY link_id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// What a link's hash is made of.
pub(super) fn hash_of(
    before: &LinkHash,
    number: i64,
    run: u32,
    what: &str,
    at: i64,
    payload: &LinkHash,
) -> LinkHash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(number.to_le_bytes());
    hash.update(run.to_le_bytes());
    hash.update((what.len() as u64).to_le_bytes());
    hash.update(what);
    hash.update(at.to_le_bytes());
    hash.update(payload);
    hash.finalize().into()
}

/// The rows that were noted, as they are now: table, names, whether there is such a row, and what is in it.
fn payload(db: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut touched = db.prepare_cached("SELECT t, a, b, c, d FROM temp.touched")?;
    let mut all = touched.query([])?;
    // They come table by table.
    let mut find: Option<(u8, CachedStatement<'_>)> = None;
    while let Some(row) = all.next()? {
        let number: u8 = row.get(0)?;
        let place = usize::from(number);
        let Some((chained, sql)) = CHAINED.get(place).zip(FIND.get(place)) else { continue };
        bytes.push(number);
        let keys = 1..=chained.keys.len();
        let start = begin_sized(&mut bytes);
        for key in keys.clone() {
            encode(&mut bytes, row.get_ref(key)?);
        }
        end_sized(&mut bytes, start, 0);
        let find = match &mut find {
            Some((of, find)) if *of == number => find,
            other => &mut other.insert((number, db.prepare_cached(sql)?)).1,
        };
        for (place, key) in keys.enumerate() {
            find.raw_bind_parameter(place + 1, ToSqlOutput::Borrowed(row.get_ref(key)?))?;
        }
        let mut found = find.raw_query();
        match found.next()? {
            Some(found) => {
                let start = begin_sized(&mut bytes);
                encode_columns(&mut bytes, found, 0..chained.columns.len())?;
                end_sized(&mut bytes, start, 1);
            }
            None => bytes.extend(0_u32.to_le_bytes()),
        }
    }
    Ok(bytes)
}

/// Makes room for the length of what follows.
fn begin_sized(bytes: &mut Vec<u8>) -> usize {
    bytes.extend([0; 4]);
    bytes.len()
}

/// Puts the length, and so much more, before what began at `start`.
fn end_sized(bytes: &mut [u8], start: usize, more: usize) {
    let length = u32::try_from(bytes.len() - start + more).unwrap_or(u32::MAX);
    if let Some(slot) = bytes.get_mut(start - 4..start) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

/// How the row is found that a table's keys name.
pub(super) static FIND: LazyLock<[String; CHAINED.len()]> = LazyLock::new(|| {
    CHAINED.map(|Chained { table, keys, columns }| {
        let keys: Vec<String> =
            keys.iter().enumerate().map(|(place, key)| format!("{key} = ?{}", place + 1)).collect();
        format!("SELECT {} FROM main.{table} WHERE {}", columns.join(", "), keys.join(" AND "))
    })
});

/// A change of a row, out of a payload.
pub(super) struct RowChange<'a> {
    /// The place in [`CHAINED`].
    pub(super) table: u8,
    /// What names the row.
    pub(super) key: &'a [u8],
    /// What is in it; `None` where it was taken away.
    pub(super) values: Option<&'a [u8]>,
}

/// Takes a payload apart; `None` where it is none.
pub(super) fn changes(payload: &[u8]) -> Option<Vec<RowChange<'_>>> {
    let mut rest = payload;
    let mut all = Vec::new();
    while let Some((table, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk::<4>()?;
        let (key, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (values, after) = after.split_at_checked(length.saturating_sub(1))?;
        all.push(RowChange { table: *table, key, values: (length > 0).then_some(values) });
        rest = after;
    }
    Some(all)
}

/// What no rows at all sum up to.
pub(super) fn sum_of_nothing() -> LinkHash {
    let mut sum = RowSum::default();
    sum.end();
    sum.finish()
}

/// What the rows of a run in a table sum up to as they are stored.
pub(super) fn bulk_sum(
    db: &Connection,
    run: u32,
    (table, columns, order): Bulk,
) -> rusqlite::Result<LinkHash> {
    let mut sum = RowSum::default();
    let sql = format!("SELECT {columns} FROM main.{table} WHERE run_id = ?1 ORDER BY {order}");
    sum.rows(&mut *db.prepare_cached(&sql)?, [run])?;
    Ok(sum.finish())
}

/// Sums up what of a run is written in bulk.
pub(super) fn sum_bulk(db: &Connection, run: u32) -> rusqlite::Result<()> {
    sum_bulk_but(db, run, None)
}

/// The same, where a table's sum is known.
pub(super) fn sum_bulk_but(
    db: &Connection,
    run: u32,
    known: Option<(&str, LinkHash)>,
) -> rusqlite::Result<()> {
    BULK.into_iter().try_for_each(|bulk| match known {
        Some((table, sum)) if table == bulk.0 => put_digest(db, run, table, &sum),
        _ => put_bulk(db, run, bulk),
    })
}

fn put_bulk(db: &Connection, run: u32, bulk: Bulk) -> rusqlite::Result<()> {
    put_digest(db, run, bulk.0, &bulk_sum(db, run, bulk)?)
}

fn put_digest(db: &Connection, run: u32, table: &str, sum: &LinkHash) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO digest (run_id, what, sum) VALUES (?1, ?2, ?3)")?
        .execute(params![run, table, sum])
        .map(drop)
}

/// Sums up one of these tables anew.
pub(super) fn sum_table(db: &Connection, run: u32, table: &str) -> rusqlite::Result<()> {
    BULK.into_iter().filter(|bulk| bulk.0 == table).try_for_each(|bulk| put_bulk(db, run, bulk))
}
