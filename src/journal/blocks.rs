//! Blocks of assignments with their operations, and what each sums up to.

use std::ops::Range;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::chain::LinkHash;
use super::encoding::{RowSum, encode};

/// Assignments in a block: `number >> BLOCK_BITS` is the block's.
pub(super) const BLOCK_BITS: u32 = 8;

/// A user of a block, as it is stored: assignment, email, person ID, organization, attempts that were made before.
pub(super) type BlockUser<'r> = [ValueRef<'r>; 5];

/// The columns of an operation that always say something.
pub(super) const ALWAYS: [&str; 5] = ["assignment", "line", "item", "target_id", "removes"];

/// The others: whether it is unchanged, whether it is renamed, its properties, what it repeats, by which words it is
/// asked for.
pub(super) const SELDOM: [&str; 8] = [
    "unchanged",
    "renamed",
    "location_id",
    "phone_number",
    "extension",
    "duplicate_of",
    "duplicate_of_item",
    "asked",
];

/// What they say of nearly all operations, and say where nothing is stored.
pub(super) const USUAL: [ValueRef<'_>; SELDOM.len()] = {
    let mut usual = [ValueRef::Null; SELDOM.len()];
    (usual[0], usual[1]) = (ValueRef::Integer(0), ValueRef::Integer(0));
    usual
};

/// An operation of a block, as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockOperation<'r> {
    /// The values of [`ALWAYS`].
    pub(super) always: [ValueRef<'r>; ALWAYS.len()],
    /// The values of [`SELDOM`]; `None` where they are the usual ones: then nobody looks at each.
    pub(super) seldom: Option<[ValueRef<'r>; SELDOM.len()]>,
}

impl<'r> BlockOperation<'r> {
    /// Adds its values as bytes: behind those that always say something nothing, or an array of the others.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        self.always.iter().for_each(|value| encode(bytes, *value));
        match self.seldom {
            None => encode(bytes, ValueRef::Null),
            Some(seldom) => {
                bytes.push(ARRAY_OF_8);
                seldom.iter().for_each(|value| encode(bytes, *value));
            }
        }
    }

    /// All of its values, in the order of [`every_column`].
    pub(super) fn every_value(&self) -> [ValueRef<'r>; EVERY] {
        both(self.always, self.seldom.unwrap_or(USUAL))
    }
}

/// Columns of an operation.
pub(super) const EVERY: usize = ALWAYS.len() + SELDOM.len();

/// The columns of an operation.
pub(super) fn every_column() -> [&'static str; EVERY] {
    both(ALWAYS, SELDOM)
}

fn both<T: Copy>(
    [a, b, c, d, e]: [T; ALWAYS.len()],
    [f, g, h, i, j, k, l, m]: [T; SELDOM.len()],
) -> [T; EVERY] {
    [a, b, c, d, e, f, g, h, i, j, k, l, m]
}

/// What MessagePack has before the values of an array of eight.
const ARRAY_OF_8: u8 = 0x98;

/// A row of a block.
pub(super) enum BlockRow<'r> {
    User(BlockUser<'r>),
    Operation(BlockOperation<'r>),
}

/// Reads a block of assignments: its users, then their operations, both in the order of assignments. What they sum up
/// to is known at the end.
pub(super) fn read<E: From<rusqlite::Error>>(
    db: &Connection,
    run: u32,
    number: u32,
    mut on_row: impl FnMut(BlockRow<'_>) -> Result<(), E>,
) -> Result<LinkHash, E> {
    let (first, last) = (number << BLOCK_BITS, (number << BLOCK_BITS) + (1 << BLOCK_BITS) - 1);
    let mut sum = RowSum::default();
    let mut users = db.prepare_cached(
        "SELECT assignment, email, person_id, org_id, earlier_attempts FROM main.assignment
         WHERE run_id = ?1 AND assignment >= ?2 AND assignment <= ?3 ORDER BY assignment",
    )?;
    let mut rows = users.query([run, first, last])?;
    while let Some(row) = rows.next()? {
        let user = values(row, 0)?;
        sum.row(&user);
        on_row(BlockRow::User(user))?;
    }
    sum.end();
    let mut operations = db.prepare_cached(
        "SELECT assignment, line, item, target_id, removes,
           unchanged <> 0 OR renamed <> 0
             OR coalesce(location_id, phone_number, extension, duplicate_of, duplicate_of_item, asked) IS NOT NULL,
           unchanged, renamed, location_id, phone_number, extension, duplicate_of, duplicate_of_item, asked
         FROM main.operation
         WHERE run_id = ?1 AND assignment >= ?2 AND assignment <= ?3 ORDER BY assignment, line, item",
    )?;
    let mut rows = operations.query([run, first, last])?;
    while let Some(row) = rows.next()? {
        let (always, says_more) = (values(row, 0)?, row.get_ref(5)? != ValueRef::Integer(0));
        let operation = BlockOperation { always, seldom: says_more.then(|| values(row, 6)).transpose()? };
        sum.row_of(|bytes| operation.encode(bytes));
        on_row(BlockRow::Operation(operation))?;
    }
    sum.end();
    Ok(sum.finish())
}

fn values<'r, const COLUMNS: usize>(
    row: &'r Row<'_>,
    first: usize,
) -> rusqlite::Result<[ValueRef<'r>; COLUMNS]> {
    let mut values = [ValueRef::Null; COLUMNS];
    for (place, value) in values.iter_mut().enumerate() {
        *value = row.get_ref(first + place)?;
    }
    Ok(values)
}

/// What a block sums up to as it is stored.
pub(super) fn sum(db: &Connection, run: u32, number: u32) -> rusqlite::Result<LinkHash> {
    read(db, run, number, |_| Ok(()))
}

/// The blocks from one assignment to another, the end excluded.
pub(super) fn between(first: u32, end: u32) -> Range<u32> {
    let end = end.checked_sub(1).filter(|last| first <= *last).map_or(0, |last| (last >> BLOCK_BITS) + 1);
    first >> BLOCK_BITS..end
}

/// Sums up the blocks from one assignment to another, the end excluded.
pub(super) fn put_all(db: &Connection, run: u32, first: u32, end: u32) -> rusqlite::Result<()> {
    between(first, end).try_for_each(|number| put(db, run, number))
}

/// Sums up one block anew.
pub(super) fn put(db: &Connection, run: u32, number: u32) -> rusqlite::Result<()> {
    put_sum(db, run, number, &sum(db, run, number)?)
}

/// Keeps what a block sums up to.
pub(super) fn put_sum(db: &Connection, run: u32, number: u32, sum: &LinkHash) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO block (run_id, number, sum) VALUES (?1, ?2, ?3)")?
        .execute(params![run, number, sum])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite says of a row and what an import says of it is one.
    #[test]
    fn each_seldom_value_is_seen_by_itself() {
        let db = Connection::open_in_memory().unwrap();
        super::super::open::lay_out(&db).unwrap();
        let columns = SELDOM.join(", ");
        let says = |seldom: [&str; 8]| {
            db.execute_batch(&format!(
                "DELETE FROM operation; INSERT INTO operation (run_id, assignment, line, item, target_id, removes, {columns})
                 VALUES (1, 0, 2, 1, 1, 0, {})",
                seldom.join(", ")
            ))
            .unwrap();
            let mut found = None;
            let stored = read::<rusqlite::Error>(&db, 1, 0, |row| {
                if let BlockRow::Operation(operation) = row {
                    let mut bytes = Vec::new();
                    operation.encode(&mut bytes);
                    found = Some((operation.seldom.is_some_and(|seldom| seldom != USUAL), bytes));
                }
                Ok(())
            });
            (stored.unwrap(), found.unwrap())
        };
        let usual = ["0", "0", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"];
        let (plain, (says_more, bytes)) = says(usual);
        assert_eq!((says_more, bytes.as_slice()), (false, &[0, 2, 1, 1, 0, 0xc0][..]));
        let mut sums = vec![plain];
        for place in 0..8 {
            let mut seldom = usual;
            seldom[place] = if place == 3 || place == 4 { "''" } else { "7" };
            let (sum, (says_more, bytes)) = says(seldom);
            assert!(says_more && bytes.get(5) == Some(&ARRAY_OF_8) && bytes.len() == 14, "{place}");
            sums.push(sum);
        }
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), 9);
    }

    /// An import leaves the usual values to the table.
    #[test]
    fn what_is_usual_is_what_the_table_says_by_itself() {
        let db = Connection::open_in_memory().unwrap();
        super::super::open::lay_out(&db).unwrap();
        db.execute_batch(
            "INSERT INTO operation (run_id, assignment, line, item, target_id, removes) VALUES (1, 0, 2, 1, 1, 0)",
        )
        .unwrap();
        let mut statement = db.prepare(&format!("SELECT {} FROM operation", SELDOM.join(", "))).unwrap();
        let mut rows = statement.query([]).unwrap();
        assert_eq!(values(rows.next().unwrap().unwrap(), 0).unwrap(), USUAL);
    }
}
