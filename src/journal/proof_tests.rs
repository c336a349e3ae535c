//! Whatever is altered in a journal is noticed: every table, every column, every kind of edit.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::tests::*;
use super::*;
use crate::domain::{
    Action, Assignment, AssignmentNo, BatchChange, EmailAddress, Item, LicenseId, Line, LocationId,
    OperationKey, OrgId, PersonId, PhoneNumber, Properties, RunId, RunState, Target,
};

/// A journal with something in every table and every column, closed.
pub(super) fn rich() -> Desk {
    let desk = Desk::new();
    let mut journal = Journal::create(&desk.path).unwrap();
    let path = Path::new("people.csv");
    let mut importer = journal.import(&NewRun { input_path: path, ..new() }, 6).unwrap();
    let target = importer.target(&Target::License(LicenseId::parse("L1").unwrap())).unwrap();
    importer.name(target, "Messaging").unwrap();
    let emails: Vec<_> =
        (0..6).map(|n| EmailAddress::parse(&format!("user{n}@example.com")).unwrap()).collect();
    let other = EmailAddress::parse("other@example.com").unwrap();
    let person = PersonId::parse("P").unwrap();
    let org = OrgId::parse("O").unwrap();
    let properties = Properties {
        location: Some(LocationId::parse("LOC").unwrap()),
        phone_number: Some(PhoneNumber::parse("+14085550100").unwrap()),
        extension: Some("77".into()),
    };
    let planned = |line: u32, user: u32| PlannedOperation {
        key: key(line),
        assignment: AssignmentNo(user),
        email: emails.get(user as usize),
        person: Some(&person),
        org: (user >= 3).then_some(&org),
        target,
        action: Action::Add,
        properties: &properties,
        duplicate_of: None,
        asked: None,
        unchanged: false,
    };
    let second = OperationKey::new(Line::new(8), Item::new(2));
    let mut all: Vec<_> = (0..6).map(|user| planned(user + 2, user)).collect();
    all.push(PlannedOperation { email: Some(&other), ..planned(8, 0) });
    let words = AskedWords { number: 0, cell: Some(3), text: Some("Messaging"), not_again: Some("x") };
    importer.asked(&words).unwrap();
    all.push(PlannedOperation { key: second, duplicate_of: Some(key(2)), asked: Some(0), ..planned(8, 0) });
    all.push(PlannedOperation { unchanged: true, ..planned(9, 1) });
    importer.operations(&all).unwrap();
    importer.invalid(&invalid(10)).unwrap();
    let mut packer = Packer::default();
    (2..=10).for_each(|line| assert!(packer.push(Line::new(line), b"cells").is_none()));
    importer.cells(&packer.close().unwrap()).unwrap();
    importer.seal().unwrap();
    journal.set_in_effect_before(RUN, &[key(2)], "{}").unwrap();
    let split = BatchChange::Split { left: part(3, 3, 3), right: part(4, 4, 5), doubt: None };
    let partial = BatchChange::Done { failures: vec![failure(0, 2, "X"), failure(1, 3, "Y")] };
    let (mut journal, _) = write(
        journal,
        vec![
            vec![intent(1, 0, 2, 6), intent(2, 3, 5, 3), LogEntry::PausedUntil(NOW)],
            vec![outcome(1, (0, 2), BatchChange::Pending, None)],
            vec![intent(1, 0, 2, 6)],
            vec![outcome(1, (0, 2), partial, Some(6)), outcome(2, (3, 5), split, None)],
            vec![LogEntry::OrgPausedUntil(Some(org.clone()), NOW), intent(5, 3, 3, 1)],
        ],
    );
    journal.recover(RUN, NOW).unwrap();
    journal.retry(RUN, &["X".to_owned()], NOW).unwrap();
    let sum = [7; 32];
    let file = WrittenFile { run: Some(RUN), rows: 2, sum };
    journal.keep_written_file(Path::new("/tmp/people.failures.csv"), &file, NOW).unwrap();
    journal.set_state(RUN, RunState::Paused, Some("stopped"), NOW).unwrap();
    desk
}

pub(super) fn alterations(path: &Path, head: Option<&str>) -> Vec<String> {
    let proof = Reader::open(path).and_then(|reader| reader.prove(head));
    match proof {
        Ok(proof) => proof.alterations.into_iter().map(|found| found.what).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// What is wrong with a copy of the journal after an edit.
pub(super) fn after(desk: &Desk, edit: impl FnOnce(&Connection)) -> Vec<String> {
    let copy = desk.path.with_extension("copy");
    std::fs::copy(&desk.path, &copy).unwrap();
    let db = Connection::open(&copy).unwrap();
    db.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    edit(&db);
    drop(db);
    let found = alterations(&copy, None);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", copy.display()));
    }
    found
}

fn tables(desk: &Desk) -> Vec<String> {
    let db = Connection::open(&desk.path).unwrap();
    let mut statement = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Each column, and whether it is part of the key.
fn columns(desk: &Desk, table: &str) -> Vec<(String, bool)> {
    let db = Connection::open(&desk.path).unwrap();
    let mut statement = db.prepare("SELECT name, pk > 0 FROM pragma_table_info(?1)").unwrap();
    statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn a_journal_that_nobody_touched_is_proved() {
    let desk = rich();
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
    let head = Reader::open(&desk.path).unwrap().head().unwrap().unwrap();
    assert_eq!(alterations(&desk.path, Some(head.as_str())), Vec::<String>::new());
    // It goes on from where it was.
    let mut journal = Journal::open(&desk.path).unwrap();
    journal.set_settings(RUN, "{\"a\":1}").unwrap();
    drop(journal);
    assert_eq!(alterations(&desk.path, Some(head.as_str())), Vec::<String>::new());
    assert_ne!(Reader::open(&desk.path).unwrap().head().unwrap().unwrap(), head);
    assert!(!alterations(&desk.path, Some("3-00000000000000000000000000000000")).is_empty());
    assert!(!alterations(&desk.path, Some("elsewhere")).is_empty());
}

#[test]
fn every_column_of_every_table_is_proved() {
    let desk = rich();
    for table in tables(&desk) {
        let rows = |db: &Connection| -> u32 {
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        assert!(rows(&Connection::open(&desk.path).unwrap()) > 0, "nothing in {table} to be altered");
        for (column, _) in columns(&desk, &table) {
            let mut changed = 0;
            let found = after(&desk, |db| {
                let all = columns(&desk, &table);
                let keys: Vec<&str> =
                    all.iter().filter(|(_, key)| *key).map(|(name, _)| name.as_str()).collect();
                let keys = keys.join(", ");
                let kind: String = db
                    .query_row(
                        "SELECT type FROM pragma_table_info(?1) WHERE name = ?2",
                        [&table, &column],
                        |row| row.get(0),
                    )
                    .unwrap();
                // Not the row that another has as its neighbour in the key.
                let other = match kind.as_str() {
                    "INTEGER" => format!("coalesce({column} + 1000, 1)"),
                    "TEXT" => format!("coalesce({column} || 'x', 'x')"),
                    _ => format!("coalesce(CAST({column} || x'01' AS BLOB), x'01')"),
                };
                changed = db
                    .execute(
                        &format!(
                            "UPDATE {table} SET {column} = {other}
                             WHERE ({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1)"
                        ),
                        [],
                    )
                    .unwrap();
            });
            assert_eq!(changed, 1, "{table}.{column}");
            assert!(!found.is_empty(), "an edit of {table}.{column} goes unnoticed");
        }
    }
}

#[test]
fn a_row_that_is_taken_away_or_slipped_in_is_noticed() {
    let desk = rich();
    for table in tables(&desk) {
        let all = columns(&desk, &table);
        let keys: Vec<&str> = all.iter().filter(|(_, key)| *key).map(|(name, _)| name.as_str()).collect();
        let last_key = (*keys.last().unwrap()).to_owned();
        let keys = keys.join(", ");
        let which = format!("({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1)");
        let found = after(&desk, |db| {
            assert_eq!(db.execute(&format!("DELETE FROM {table} WHERE {which}"), []).unwrap(), 1);
        });
        assert!(!found.is_empty(), "a row taken away from {table} goes unnoticed");
        let found = after(&desk, |db| {
            let values: Vec<String> = all
                .iter()
                .map(|(name, _)| match name == &last_key || name == "text" {
                    true => format!(
                        "CASE typeof({name}) WHEN 'integer' THEN {name} + 1000 WHEN 'text' THEN {name} || 'x'
                                     ELSE CAST({name} || x'01' AS BLOB) END"
                    ),
                    false => name.clone(),
                })
                .collect();
            let sql = format!("INSERT INTO {table} SELECT {} FROM {table} WHERE {which}", values.join(", "));
            assert_eq!(db.execute(&sql, []).unwrap(), 1);
        });
        assert!(!found.is_empty(), "a row slipped into {table} goes unnoticed");
    }
}

/// Not the first alone: they are compared in their order while the chain is followed.
#[test]
fn each_row_of_the_tables_that_grow_is_proved_by_its_name() {
    let desk = rich();
    for (table, column, keys) in [
        ("batch", "message", "run_id, first, batch_id"),
        ("attempt", "tracking_id", "run_id, attempt_id"),
        ("exception", "code", "run_id, assignment, line, item"),
    ] {
        let db = Connection::open(&desk.path).unwrap();
        let name = keys.replace(", ", " || ', ").replace("run_id", "'run_id ' || run_id");
        let name = keys
            .split(", ")
            .skip(1)
            .fold(name, |name, key| name.replace(&format!("', {key}"), &format!("', {key} ' || {key}")));
        let named: Vec<String> = db
            .prepare(&format!("SELECT {name} FROM {table} ORDER BY {keys}"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(!named.is_empty(), "{table}");
        for name in named {
            let which =
                name.split(", ").map(|part| part.replacen(' ', " = ", 1)).collect::<Vec<_>>().join(" AND ");
            let altered = after(&desk, |db| {
                let sql =
                    format!("UPDATE {table} SET {column} = coalesce({column}, '') || 'x' WHERE {which}");
                assert_eq!(db.execute(&sql, []).unwrap(), 1);
            });
            assert_eq!(altered, [format!("a row of '{table}' was altered: {name}")]);
            let gone = after(&desk, |db| {
                assert_eq!(db.execute(&format!("DELETE FROM {table} WHERE {which}"), []).unwrap(), 1);
            });
            assert!(gone.contains(&format!("rows of '{table}' are gone that were written: 1")), "{gone:?}");
        }
    }
    // Before all others, between them and behind.
    for line in [1, 3, 900] {
        let found = after(&desk, |db| {
            let sql = "INSERT INTO exception VALUES (1, 2, ?1, 9, 'C', 'M')";
            assert_eq!(db.execute(sql, [line]).unwrap(), 1);
        });
        let name = format!("run_id 1, assignment 2, line {line}, item 9");
        assert!(found.contains(&format!("a row of 'exception' was slipped in: {name}")), "{found:?}");
    }
    // One that was taken away when it was retried, and is back.
    let found = after(&desk, |db| {
        db.execute("INSERT INTO exception VALUES (1, 0, 2, 1, 'X', 'no')", []).unwrap();
    });
    assert!(found.iter().any(|what| what.contains("line 2, item 1")), "{found:?}");
}

#[test]
fn two_rows_that_change_places_and_a_run_that_is_gone_are_noticed() {
    let desk = rich();
    let swap = "UPDATE assignment SET email = CASE assignment
                  WHEN 1 THEN (SELECT email FROM assignment WHERE assignment = 2)
                  ELSE (SELECT email FROM assignment WHERE assignment = 1) END
                WHERE assignment = 1 OR assignment = 2";
    assert!(!after(&desk, |db| db.execute_batch(swap).unwrap()).is_empty());
    let tables = tables(&desk);
    let found = after(&desk, |db| {
        for table in &tables {
            if columns(&desk, table).iter().any(|(name, _)| name == "run_id") {
                db.execute(&format!("DELETE FROM {table} WHERE run_id = 1"), []).unwrap();
            }
        }
    });
    assert!(!found.is_empty());
}

#[test]
fn the_first_broken_link_is_named_with_what_it_covers() {
    let desk = rich();
    let found = after(&desk, |db| {
        db.execute_batch("UPDATE link SET at = at + 1 WHERE link_id IN (3, 5)").unwrap();
    });
    assert!(found[0].contains("link 3 ('in effect before', run 1, "), "{found:?}");
}

/// Who rewrites the chain from somewhere on, and does it right, is caught by a head that was kept.
#[test]
fn a_chain_that_was_rewritten_is_caught_by_a_kept_head() {
    let desk = rich();
    let head = Reader::open(&desk.path).unwrap().head().unwrap().unwrap();
    let db = Connection::open(&desk.path).unwrap();
    db.execute_batch("UPDATE link SET at = at + 1 WHERE link_id = 4").unwrap();
    let mut before: chain::LinkHash =
        db.query_row("SELECT hash FROM link WHERE link_id = 3", [], |row| row.get(0)).unwrap();
    type Row = (i64, u32, String, i64, Vec<u8>);
    let rest: Vec<Row> = db
        .prepare("SELECT link_id, run_id, what, at, payload FROM link WHERE link_id > 3 ORDER BY 1")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (link, run, what, at, payload) in rest {
        use sha2::Digest as _;
        let sum = sha2::Sha256::digest(&payload).into();
        before = chain::hash_of(&before, link, run, &what, at, &sum);
        db.execute("UPDATE link SET hash = ?2 WHERE link_id = ?1", rusqlite::params![link, before]).unwrap();
    }
    drop(db);
    assert!(alterations(&desk.path, None).is_empty());
    assert!(!alterations(&desk.path, Some(head.as_str())).is_empty());
}

/// What the loader gives out, and the rows that it stands for.
pub(super) fn loaded(path: &Path) -> Result<Vec<Assignment>, JournalError> {
    let mut journal = Journal::open(path)?;
    journal.recover(RUN, NOW)?;
    let all = crate::domain::Span::new(0, 6).unwrap();
    journal.reader()?.loader(RUN).load(all)
}

#[test]
fn no_flipped_bit_lets_anything_be_sent_that_was_not_asked() {
    let desk = rich();
    let bytes = std::fs::read(&desk.path).unwrap();
    let copy = desk.path.with_extension("copy");
    let sound = loaded(&desk.path).unwrap();
    let said = |path: &Path| -> Vec<Vec<Value>> {
        let db = place::immutable(path).unwrap();
        let mut rows = Vec::new();
        for view in ["runs", "operations", "attempts"] {
            let mut statement = db.prepare(&format!("SELECT * FROM {view} ORDER BY 1, 2")).unwrap();
            let count = statement.column_count();
            let of = |row: &rusqlite::Row<'_>| (0..count).map(|column| row.get(column)).collect();
            rows.extend(statement.query_map([], of).unwrap().map(Result::unwrap));
        }
        rows
    };
    std::fs::write(&copy, &bytes).unwrap();
    let told = said(&copy);
    let mut random = fastrand::Rng::with_seed(11);
    let flips = std::env::var("SEATBATCH_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut unnoticed = 0;
    for flip in 0..flips {
        let (at, bit) = (random.usize(..bytes.len()), random.u8(..8));
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", copy.display()));
        }
        std::fs::write(&copy, &flipped).unwrap();
        if alterations(&copy, None).is_empty() {
            // It changes nothing that is read.
            unnoticed += 1;
            std::fs::write(&copy, &flipped).unwrap();
            assert_eq!(said(&copy), told, "flip {flip}: bit {bit} of byte {at}");
        }
        std::fs::write(&copy, &flipped).unwrap();
        if let Ok(given) = loaded(&copy) {
            assert_eq!(given, sound, "flip {flip}: bit {bit} of byte {at}");
        }
    }
    assert!(unnoticed < flips, "nothing was noticed");
}

#[test]
fn a_journal_of_an_earlier_release_is_proved_from_its_migration_on() {
    let desk = rich();
    let db = Connection::open(&desk.path).unwrap();
    db.execute_batch("DELETE FROM link; DELETE FROM block; DELETE FROM digest").unwrap();
    chain::begin(&db).unwrap();
    drop(db);
    let proof = Reader::open(&desk.path).unwrap().prove(None).unwrap();
    assert_eq!(proof.alterations, []);
    assert_eq!(proof.migrated.iter().map(|(run, _)| *run).collect::<Vec<_>>(), [RunId(1)]);
    assert!(!after(&desk, |db| db.execute_batch("UPDATE batch SET code = 'Z'").unwrap()).is_empty());
}

#[test]
fn what_is_not_sent_itself_is_proved_before_anything_is() {
    let desk = rich();
    let copy = desk.path.with_extension("copy");
    // At its end a run notes which file it wrote.
    let file = WrittenFile { run: Some(RUN), rows: 3, sum: [8; 32] };
    let mut journal = Journal::open(&desk.path).unwrap();
    journal.keep_written_file(Path::new("/tmp/people.failures.csv"), &file, NOW).unwrap();
    drop(journal);
    for edit in [
        "UPDATE cell_block SET cells = CAST(cells || x'01' AS BLOB)",
        "DELETE FROM link WHERE link_id = (SELECT max(link_id) FROM link)",
        "UPDATE asked SET text = 'another'",
        "UPDATE invalid_row SET code = 'OTHER'",
        "DELETE FROM in_effect_before",
        "UPDATE output SET rows = rows + 1",
    ] {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", copy.display()));
        }
        std::fs::copy(&desk.path, &copy).unwrap();
        let db = Connection::open(&copy).unwrap();
        db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
        assert_eq!(db.execute(edit, []).unwrap(), 1, "{edit}");
        drop(db);
        assert!(matches!(loaded(&copy), Err(JournalError::Altered { .. })), "{edit}");
    }
}
