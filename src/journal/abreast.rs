//! Rows that are compared with their table while the chain is followed.
//!
//! A run of a million requests has two million changes of batches in its chain, but each batch changes for the last time
//! soon after it begins, and they begin in the order of their keys. So only those are kept that changed lately: the first
//! of them is compared with the next row of its table, and forgotten. What changes after that is kept apart, with what
//! was found otherwise than expected, and both are settled at the end.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension as _, Row, Rows, params, params_from_iter};
use sha2::{Digest as _, Sha256};

use super::chain::{CHAINED, Chained, FIND, RowChange};
use super::encoding::{encode_columns, integers};

/// Tables that may have as many rows as a run has requests or operations. Their keys are numbers, and as bytes are in
/// the order of these.
const LARGE: [&str; 3] = ["batch", "attempt", "exception"];

/// Rows of a table that are kept: many more than are under way at once. In tests there are fewer rows in all.
const LATELY: usize = if cfg!(test) { 2 } else { 1024 };

/// What of a table's rows is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// There should be no such row.
    SlippedIn(String),
    /// It should be another, by this link.
    Altered(String, i64),
    /// Rows are not there, the last of them by this link.
    Gone(u64, i64),
}

/// Whether a table's rows are compared here.
pub(super) fn is_large(chained: &Chained) -> bool {
    LARGE.contains(&chained.table)
}

/// Makes room for what is settled at the end.
pub(super) fn begin(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS proved (t INTEGER, k BLOB, sum BLOB, link INTEGER, PRIMARY KEY (t, k))
           WITHOUT ROWID;
         CREATE TEMP TABLE IF NOT EXISTS otherwise (t INTEGER, k BLOB, link INTEGER, found INTEGER, PRIMARY KEY (t, k))
           WITHOUT ROWID;
         DELETE FROM temp.proved; DELETE FROM temp.otherwise",
    )
}

/// Keeps what a row should be: a short hash of it, or nothing where it was taken away.
pub(super) fn keep(db: &Connection, link: i64, change: &RowChange<'_>) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO temp.proved (t, k, sum, link) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![change.table, change.key, change.values.map(short), link])
        .map(drop)
}

/// As much of a hash as it takes to tell rows apart.
pub(super) fn short(values: &[u8]) -> Vec<u8> {
    Sha256::digest(values).iter().take(16).copied().collect()
}

/// A row as it should be, and by which link; `None` where it was taken away.
type Expected = (Option<Vec<u8>>, i64);

/// One table's rows, in the order of their keys.
pub(super) struct Abreast<'s> {
    db: &'s Connection,
    table: u8,
    chained: &'static Chained,
    rows: Rows<'s>,
    /// The table's next row, unless it has no more.
    is_at_row: bool,
    key: Vec<u8>,
    values: Vec<u8>,
    /// In the order of their keys. Most begin behind all others.
    lately: VecDeque<(Vec<u8>, Expected)>,
    /// The key that was compared last.
    passed: Option<Vec<u8>>,
}

/// What is to be read of a table to go along its rows, all or a run's.
pub(super) fn in_order(chained: &Chained, of_run: bool) -> String {
    let Chained { table, keys, columns } = chained;
    let which = if of_run { "run_id = ?1" } else { "?1 IS NULL" };
    let keys = keys.join(", ");
    format!("SELECT {keys}, {} FROM main.{table} WHERE {which} ORDER BY {keys}", columns.join(", "))
}

impl<'s> Abreast<'s> {
    /// `rows` are those of [`in_order`].
    pub(super) fn of(db: &'s Connection, table: u8, rows: Rows<'s>) -> rusqlite::Result<Option<Self>> {
        let Some(chained) = CHAINED.get(usize::from(table)) else { return Ok(None) };
        let mut abreast = Self {
            db,
            table,
            chained,
            rows,
            is_at_row: true,
            key: Vec::new(),
            values: Vec::new(),
            lately: VecDeque::new(),
            passed: None,
        };
        abreast.step()?;
        Ok(Some(abreast))
    }

    /// Whether it is this table's.
    pub(super) const fn is_of(&self, table: u8) -> bool {
        self.table == table
    }

    /// A change that the chain has next.
    pub(super) fn change(&mut self, link: i64, change: &RowChange<'_>) -> rusqlite::Result<()> {
        if self.passed.as_deref().is_some_and(|passed| change.key <= passed) {
            return keep(self.db, link, change);
        }
        let expected = (change.values.map(<[u8]>::to_vec), link);
        let place = match self.lately.back() {
            Some((last, _)) if last.as_slice() >= change.key => {
                self.lately.binary_search_by(|(key, _)| key.as_slice().cmp(change.key))
            }
            _ => Err(self.lately.len()),
        };
        match place.map(|place| self.lately.get_mut(place)) {
            Ok(Some((_, before))) => *before = expected,
            Ok(None) => {}
            Err(place) => self.lately.insert(place, (change.key.to_vec(), expected)),
        }
        while self.lately.len() > LATELY {
            self.compare_first()?;
        }
        Ok(())
    }

    /// The chain has no more changes.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        while !self.lately.is_empty() {
            self.compare_first()?;
        }
        while self.is_at_row {
            self.unexpected()?;
        }
        Ok(())
    }

    fn compare_first(&mut self) -> rusqlite::Result<()> {
        let Some((key, (should, link))) = self.lately.pop_front() else { return Ok(()) };
        while self.is_at_row && self.key < key {
            self.unexpected()?;
        }
        if self.is_at_row && self.key == key {
            if should.as_ref() == Some(&self.values) {
                self.step()?;
            } else if should.is_some() {
                self.otherwise(&key, Some(link), true)?;
                self.step()?;
            } else {
                self.unexpected()?;
            }
        } else if should.is_some() {
            self.otherwise(&key, Some(link), false)?;
        }
        self.passed = Some(key);
        Ok(())
    }

    /// The row should not be there, as far as is known.
    fn unexpected(&mut self) -> rusqlite::Result<()> {
        self.otherwise(&self.key, None, true)?;
        self.step()
    }

    fn otherwise(&self, key: &[u8], link: Option<i64>, is_there: bool) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO temp.otherwise (t, k, link, found) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![self.table, key, link, is_there])
            .map(drop)
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        let Self { rows, key, values, chained, .. } = self;
        key.clear();
        values.clear();
        match rows.next()? {
            Some(row) => take(chained, row, key, values)?,
            None => self.is_at_row = false,
        }
        Ok(())
    }
}

/// A row's key and the rest of it as bytes.
pub(super) fn take(
    chained: &Chained,
    row: &Row<'_>,
    key: &mut Vec<u8>,
    values: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    let keys = chained.keys.len();
    encode_columns(key, row, 0..keys)?;
    encode_columns(values, row, keys..keys + chained.columns.len())
}

/// What is not as it should be in the end: what was found otherwise and did not change later, and what changed later and
/// is not there as it is then.
pub(super) fn settle(db: &Connection, table: u8, mut found: impl FnMut(Difference)) -> rusqlite::Result<()> {
    let Some((chained, find)) = CHAINED.get(usize::from(table)).zip(FIND.get(usize::from(table))) else {
        return Ok(());
    };
    let (mut gone, mut last) = (0, 0);
    let mut miss = |link: i64| {
        gone += 1;
        last = link.max(last);
    };
    let mut otherwise = db.prepare(
        "SELECT k, link, found FROM temp.otherwise o WHERE t = ?1
           AND NOT EXISTS (SELECT 1 FROM temp.proved p WHERE p.t = ?1 AND p.k = o.k) ORDER BY k",
    )?;
    let mut rows = otherwise.query([table])?;
    while let Some(row) = rows.next()? {
        let (key, link, is_there): (Vec<u8>, Option<i64>, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match (link, is_there) {
            (None, _) => found(Difference::SlippedIn(named(chained, &key))),
            (Some(link), true) => found(Difference::Altered(named(chained, &key), link)),
            (Some(link), false) => miss(link),
        }
    }
    let mut later = db.prepare("SELECT k, sum, link FROM temp.proved WHERE t = ?1 ORDER BY k")?;
    let mut rows = later.query([table])?;
    let mut find = db.prepare(find)?;
    while let Some(row) = rows.next()? {
        let (key, should, link): (Vec<u8>, Option<Vec<u8>>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is = find
            .query_row(params_from_iter(integers(&key)), |row| {
                let mut values = Vec::new();
                encode_columns(&mut values, row, 0..chained.columns.len())?;
                Ok(short(&values))
            })
            .optional()?;
        match (should, is) {
            (None, None) => {}
            (None, Some(_)) => found(Difference::SlippedIn(named(chained, &key))),
            (Some(_), None) => miss(link),
            (Some(should), Some(is)) if should == is => {}
            (Some(_), Some(_)) => found(Difference::Altered(named(chained, &key), link)),
        }
    }
    if gone > 0 {
        found(Difference::Gone(gone, last));
    }
    Ok(())
}

fn named(chained: &Chained, key: &[u8]) -> String {
    let named = chained.keys.iter().zip(integers(key)).map(|(name, value)| format!("{name} {value}"));
    named.collect::<Vec<_>>().join(", ")
}
