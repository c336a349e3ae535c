//! Whether a journal says what was written into it, and nothing else.

use rusqlite::{Connection, OptionalExtension as _, Statement, params};
use sha2::{Digest as _, Sha256};

use super::abreast::{self, Abreast, Difference};
use super::chain::{self, BULK, CHAINED, LinkHash};
use super::{Journal, JournalError, Reader, blocks, definitions};
use crate::domain::RunId;

/// Where a chain ends: short enough to be kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head(String);

impl Head {
    fn of(link: i64, hash: &LinkHash) -> Self {
        let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{link}-{digits}"))
    }

    /// As it is written down.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Alteration {
    /// The link of the chain that is broken, or that wrote what was altered last.
    pub link: Option<i64>,
    /// What is wrong, in words.
    pub what: String,
}

/// What was proved of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Where its chain ends.
    pub head: Option<Head>,
    /// How many links it has.
    pub links: u64,
    /// Runs that an earlier release made: they are proved from their migration on, at this time in milliseconds.
    pub migrated: Vec<(RunId, i64)>,
    /// Runs whose persons were forgotten.
    pub pruned: Vec<RunId>,
    /// What is not as it was written, in the order of the chain.
    pub alterations: Vec<Alteration>,
}

/// Most alterations that are told one by one.
const MOST: usize = 100;

impl Reader {
    /// Follows the chain from its beginning and compares with it what the journal holds; with `head`, also whether it
    /// is a continuation of the one that was written down.
    ///
    /// # Errors
    /// [`JournalError`] where it cannot be read.
    pub fn prove(&self, head: Option<&str>) -> Result<Proof, JournalError> {
        in_one_moment(&self.connection, |db| prove_all(db, head)).map_err(self.wrong())
    }

    /// Where the chain ends.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn head(&self) -> Result<Option<Head>, JournalError> {
        let head = chain::head(&self.connection).map_err(self.wrong())?;
        Ok(head.map(|(link, hash)| Head::of(link, &hash)))
    }
}

impl Journal {
    /// The same before this process writes to a run for the first time: the link of a row that was altered before would
    /// have it as it is now, and vouch for it.
    pub(super) fn prove_once(&mut self, run: RunId) -> Result<(), JournalError> {
        if run.0 == 0 || self.proved.contains(&run) {
            return Ok(());
        }
        self.prove_run(run)?;
        self.proved.push(run);
        Ok(())
    }

    /// Makes sure that a run stands as it was written, before anything is sent for it.
    pub(super) fn prove_run(&self, run: RunId) -> Result<(), JournalError> {
        let proved = in_one_moment(&self.connection, |db| prove_run(db, run.0)).map_err(self.wrong())?;
        match proved.alterations.into_iter().next() {
            None => Ok(()),
            Some(found) => Err(JournalError::Altered { path: self.path.clone(), what: found.what }),
        }
    }
}

/// One moment of a journal that may be in use, and one transaction for all that is kept meanwhile.
fn in_one_moment(
    db: &Connection,
    prove: impl FnOnce(&Connection) -> rusqlite::Result<Proof>,
) -> rusqlite::Result<Proof> {
    db.execute_batch("BEGIN")?;
    let proved = prove(db);
    let ended = db.execute_batch("COMMIT");
    ended.and(proved)
}

fn prove_run(db: &Connection, run: u32) -> rusqlite::Result<Proof> {
    let mut proving = Proving::follow(db, Some(run))?;
    if proving.is_whole() {
        proving.schema()?;
        proving.compare(Some(run))?;
        let has_sums: Option<bool> = db
            .query_row(
                "SELECT pruned_at IS NULL AND state <> 'importing' FROM main.run WHERE run_id = ?1",
                [run],
                |row| row.get(0),
            )
            .optional()?;
        if has_sums == Some(true) {
            proving.sums(run, true)?;
        }
    }
    // What leads to a row may be wrong though the row is right. What is loaded to be sent is checked as it is loaded.
    proving.pages_of(CHAINED.iter().map(|chained| chained.table).chain(["block"]))?;
    Ok(proving.done())
}

fn prove_all(db: &Connection, head: Option<&str>) -> rusqlite::Result<Proof> {
    let mut proving = Proving::follow(db, None)?;
    // Behind a broken link nothing is known of what there should be.
    if proving.is_whole() {
        proving.schema()?;
        proving.compare(None)?;
        proving.bulk()?;
    }
    if let Some(head) = head {
        proving.hold_to(head)?;
    }
    proving.pages()?;
    Ok(proving.done())
}

struct Proving<'a> {
    db: &'a Connection,
    proof: Proof,
    more: usize,
}

impl<'a> Proving<'a> {
    /// Follows the chain, and keeps what every row should be, unless it can be compared at once.
    fn follow(db: &'a Connection, only: Option<u32>) -> rusqlite::Result<Self> {
        abreast::begin(db)?;
        let proof = Proof { head: None, links: 0, migrated: vec![], pruned: vec![], alterations: vec![] };
        let mut proving = Self { db, proof, more: 0 };
        let pruned = db
            .prepare("SELECT run_id FROM main.run WHERE pruned_at IS NOT NULL ORDER BY run_id")?
            .query_map([], |row| row.get(0).map(RunId))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        proving.proof.pruned = pruned;
        let mut large = large_tables(db, only)?;
        let mut large: Vec<Abreast<'_>> = large
            .iter_mut()
            .map(|(table, rows)| Abreast::of(db, *table, rows.query([only])?))
            .filter_map(Result::transpose)
            .collect::<rusqlite::Result<_>>()?;
        let mut statement = db.prepare(
            "SELECT link_id, run_id, what, at, payload, payload_sum, hash FROM main.link ORDER BY link_id",
        )?;
        let mut links = statement.query([])?;
        let mut before: LinkHash = [0; 32];
        while let Some(row) = links.next()? {
            let link: i64 = row.get(0)?;
            let (run, what, at): (u32, String, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let payload = row.get_ref(4)?.as_blob_or_null()?;
            let (kept, hash): (Option<LinkHash>, LinkHash) = (row.get(5)?, row.get(6)?);
            proving.proof.links += 1;
            let covers = || format!("link {link} ('{}', run {run}, {})", what.escape_debug(), time(at));
            if i64::try_from(proving.proof.links) != Ok(link) {
                let missing = proving.proof.links;
                proving
                    .found(Some(link), format!("link {missing} of the chain is gone, before {}", covers()));
                break;
            }
            let sum: Option<LinkHash> = match (payload, kept) {
                (Some(payload), None) => Some(Sha256::digest(payload).into()),
                (None, kept) => kept.filter(|_| proving.proof.pruned.contains(&RunId(run))),
                (Some(_), Some(_)) => None,
            };
            let as_it_was =
                sum.is_some_and(|sum| hash == chain::hash_of(&before, link, run, &what, at, &sum));
            if !as_it_was {
                proving.found(Some(link), format!("the chain is broken: {} was altered", covers()));
                break;
            }
            before = hash;
            proving.proof.head = Some(Head::of(link, &hash));
            if what == chain::MIGRATED && run > 0 {
                proving.proof.migrated.push((RunId(run), at));
            }
            // Of another run nothing is compared, but of what belongs to none.
            let is_of_run =
                |table: u8| CHAINED.get(usize::from(table)).is_some_and(chain::Chained::is_of_run);
            let concerns = |table: u8| only.is_none_or(|only| run == only || !is_of_run(table));
            let Some(changes) = payload.map_or(Some(Vec::new()), chain::changes) else {
                proving.found(Some(link), format!("{} cannot be read", covers()));
                break;
            };
            for change in changes.into_iter().filter(|change| concerns(change.table)) {
                match large.iter_mut().find(|table| table.is_of(change.table)) {
                    Some(table) => table.change(link, &change)?,
                    None => abreast::keep(db, link, &change)?,
                }
            }
        }
        large.iter_mut().try_for_each(Abreast::finish)?;
        Ok(proving)
    }

    const fn is_whole(&self) -> bool {
        self.proof.alterations.is_empty()
    }

    /// Whether tables, indexes, triggers and views are those that this release makes.
    fn schema(&mut self) -> rusqlite::Result<()> {
        definitions::differences(self.db)?.into_iter().for_each(|what| self.found(None, what));
        Ok(())
    }

    /// Compares the rows that there are with those that there should be.
    fn compare(&mut self, only: Option<u32>) -> rusqlite::Result<()> {
        let db = self.db;
        let importing: Vec<i64> = db
            .prepare("SELECT run_id FROM main.run WHERE state = 'importing'")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for (number, chained) in (0_u8..).zip(&CHAINED) {
            if abreast::is_large(chained) {
                self.settle(number, chained.table)?;
                continue;
            }
            let of_run = only.filter(|_| chained.is_of_run());
            let columns = [chained.keys, chained.columns].concat().join(", ");
            let table = chained.table;
            let which = if of_run.is_some() { "WHERE run_id = ?1" } else { "WHERE ?1 IS NULL" };
            let mut rows = db.prepare(&format!("SELECT {columns} FROM main.{table} {which}"))?;
            let mut rows = rows.query([of_run])?;
            let mut find = db.prepare_cached(
                "SELECT sum, link FROM temp.proved WHERE t = ?1 AND k = ?2 AND sum IS NOT NULL",
            )?;
            let mut seen: u64 = 0;
            while let Some(row) = rows.next()? {
                let (mut key, mut values) = (Vec::new(), Vec::new());
                abreast::take(chained, row, &mut key, &mut values)?;
                let should: Option<(Vec<u8>, i64)> =
                    find.query_row(params![number, key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let name = || named(chained.keys, row);
                match should {
                    // An import that did not get to its end has no link yet but that of its beginning.
                    None if number == 0 && !importing.is_empty() => {}
                    None if chained.table != "run"
                        && chained.is_of_run()
                        && importing.contains(&row.get(0)?) => {}
                    None => self.slipped_in(table, &name()),
                    Some((sum, link)) => {
                        seen += 1;
                        if sum != abreast::short(&values) {
                            self.altered(link, table, &name());
                        }
                    }
                }
            }
            let should: u64 =
                db.query_row("SELECT count(sum) FROM temp.proved WHERE t = ?1", [number], |row| row.get(0))?;
            if should > seen {
                let sql = "SELECT max(link) FROM temp.proved WHERE t = ?1 AND sum IS NOT NULL";
                let link = db.query_row(sql, [number], |row| row.get(0))?;
                self.gone(link, table, should - seen);
            }
        }
        Ok(())
    }

    fn settle(&mut self, number: u8, table: &str) -> rusqlite::Result<()> {
        abreast::settle(self.db, number, |difference| match difference {
            Difference::SlippedIn(name) => self.slipped_in(table, &name),
            Difference::Altered(name, link) => self.altered(link, table, &name),
            Difference::Gone(rows, link) => self.gone(Some(link), table, rows),
        })
    }

    fn slipped_in(&mut self, table: &str, name: &str) {
        self.found(None, format!("a row of '{table}' was slipped in: {name}"));
    }

    fn altered(&mut self, link: i64, table: &str, name: &str) {
        self.found(Some(link), format!("a row of '{table}' was altered: {name}"));
    }

    fn gone(&mut self, link: Option<i64>, table: &str, rows: u64) {
        self.found(link, format!("rows of '{table}' are gone that were written: {rows}"));
    }

    /// Compares what was written in bulk with its sums.
    fn bulk(&mut self) -> rusqlite::Result<()> {
        let db = self.db;
        let runs: Vec<(u32, bool)> = db
            .prepare("SELECT run_id, pruned_at IS NULL FROM main.run WHERE state <> 'importing'")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (run, has_persons) in runs {
            self.sums(run, has_persons)?;
            let mut statement = db.prepare(
                "SELECT n, (SELECT sum FROM main.block WHERE run_id = ?1 AND number = n) FROM (
                   SELECT DISTINCT assignment >> ?2 AS n FROM main.assignment WHERE run_id = ?1
                   UNION SELECT DISTINCT assignment >> ?2 FROM main.operation WHERE run_id = ?1
                   UNION SELECT number FROM main.block WHERE run_id = ?1
                 ) ORDER BY n",
            )?;
            let mut blocks = statement.query(params![run, blocks::BLOCK_BITS])?;
            while let Some(row) = blocks.next()? {
                let (number, kept): (u32, Option<LinkHash>) = (row.get(0)?, row.get(1)?);
                if kept != Some(blocks::sum(db, run, number)?) {
                    let first = number << blocks::BLOCK_BITS;
                    let last = first + (1 << blocks::BLOCK_BITS) - 1;
                    self.found(
                        None,
                        format!("operations of run {run} were altered, of the users {first} to {last}"),
                    );
                }
            }
        }
        for table in BULK.map(|bulk| bulk.0).into_iter().chain(["assignment", "operation"]) {
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM main.{table} WHERE run_id NOT IN (SELECT run_id FROM main.run))"
            );
            if db.query_row(&sql, [], |row| row.get(0))? {
                self.found(None, format!("rows of '{table}' belong to no run"));
            }
        }
        let stray: bool = db.query_row(
            "SELECT EXISTS (
               SELECT 1 FROM main.row_name n WHERE NOT EXISTS (
                 SELECT 1 FROM main.operation o WHERE o.run_id = n.run_id AND o.assignment = n.assignment
                   AND o.line = n.line AND o.item = n.item AND o.renamed
               ) AND n.run_id NOT IN (SELECT run_id FROM main.run WHERE state = 'importing')
             )",
            [],
            |row| row.get(0),
        )?;
        if stray {
            self.found(None, "rows of 'row_name' belong to no operation".to_owned());
        }
        Ok(())
    }

    /// Compares what is summed up a run. Where its persons were forgotten nothing is left of it.
    fn sums(&mut self, run: u32, has_persons: bool) -> rusqlite::Result<()> {
        for bulk in BULK {
            let kept: Option<LinkHash> = self
                .db
                .query_row(
                    "SELECT sum FROM main.digest WHERE run_id = ?1 AND what = ?2",
                    params![run, bulk.0],
                    |row| row.get(0),
                )
                .optional()?;
            let should = kept.or_else(|| (!has_persons).then(chain::sum_of_nothing));
            if should != Some(chain::bulk_sum(self.db, run, bulk)?) {
                self.found(None, format!("rows of '{}' of run {run} were altered", bulk.0));
            }
        }
        Ok(())
    }

    /// Whether the chain goes on from where it was once.
    fn hold_to(&mut self, head: &str) -> rusqlite::Result<()> {
        let link: Option<i64> = head.split_once('-').and_then(|(link, _)| link.parse().ok());
        let there: Option<LinkHash> = self
            .db
            .query_row("SELECT hash FROM main.link WHERE link_id = ?1", [link], |row| row.get(0))
            .optional()?;
        let is_it = link.zip(there).is_some_and(|(link, hash)| Head::of(link, &hash).as_str() == head);
        if !is_it {
            let head = head.escape_debug();
            self.found(link, format!("the chain does not go on from the head {head}: it was rewritten, or it is another journal's"));
        }
        Ok(())
    }

    /// The same of some tables and their indexes alone.
    fn pages_of(&mut self, tables: impl Iterator<Item = &'static str>) -> rusqlite::Result<()> {
        let tables: std::collections::BTreeSet<&str> = tables.collect();
        tables.into_iter().try_for_each(|table| self.check_pages(table))
    }

    /// Whether SQLite finds its own structures whole: an index may lead astray though the rows are right.
    fn pages(&mut self) -> rusqlite::Result<()> {
        self.check_pages("10")
    }

    fn check_pages(&mut self, of: &str) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare(&format!("PRAGMA main.integrity_check({of})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let found: String = row.get(0)?;
            if found != "ok" {
                self.found(None, format!("the file is damaged: {}", found.escape_debug()));
            }
        }
        Ok(())
    }

    fn found(&mut self, link: Option<i64>, what: String) {
        if self.proof.alterations.len() < MOST {
            self.proof.alterations.push(Alteration { link, what });
        } else {
            self.more += 1;
        }
    }

    fn done(mut self) -> Proof {
        // What stands first in the chain comes first; what no link can be named for comes last.
        self.proof.alterations.sort_by_key(|found| found.link.unwrap_or(i64::MAX));
        if self.more > 0 {
            let what = format!("and {} more", self.more);
            self.proof.alterations.push(Alteration { link: None, what });
        }
        self.proof
    }
}

/// What is compared while the chain is followed: a table, and how its rows are read in order.
fn large_tables(db: &Connection, only: Option<u32>) -> rusqlite::Result<Vec<(u8, Statement<'_>)>> {
    let large = (0_u8..).zip(&CHAINED).filter(|(_, chained)| abreast::is_large(chained));
    large
        .map(|(table, chained)| Ok((table, db.prepare(&abreast::in_order(chained, only.is_some()))?)))
        .collect()
}

fn named(keys: &[&str], row: &rusqlite::Row<'_>) -> String {
    let value = |(number, key): (usize, &&str)| match row.get_ref(number) {
        Ok(rusqlite::types::ValueRef::Integer(value)) => format!("{key} {value}"),
        Ok(rusqlite::types::ValueRef::Text(value) | rusqlite::types::ValueRef::Blob(value)) => {
            format!("{key} {}", String::from_utf8_lossy(value).escape_debug())
        }
        _ => (*key).to_owned(),
    };
    keys.iter().enumerate().map(value).collect::<Vec<_>>().join(", ")
}

fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| "at no time".to_owned(), |time| time.to_string())
}
