//! Whatever a journal has a definition of is missed where it is gone or another, and noticed where it is not ours.

use rusqlite::Connection;

use super::proof_tests::{after, alterations, loaded, rich};
use super::tests::*;
use super::*;
use crate::domain::{LicenseId, Target};

/// Kind, name and text of everything that the journal has a definition of.
fn objects(desk: &Desk) -> Vec<(String, String, String)> {
    let db = Connection::open(&desk.path).unwrap();
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name";
    let mut statement = db.prepare(sql).unwrap();
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn indexes(desk: &Desk) -> usize {
    objects(desk).iter().filter(|(kind, ..)| kind == "index").count()
}

#[test]
fn everything_is_missed_that_is_gone_or_another() {
    let desk = rich();
    let all = objects(&desk);
    assert_eq!(indexes(&desk), 7);
    for kind in ["index", "trigger", "view", "table"] {
        assert!(all.iter().any(|object| object.0 == kind), "no {kind}");
    }
    for (kind, name, text) in &all {
        let gone = after(&desk, |db| db.execute_batch(&format!("DROP {kind} {name}")).unwrap());
        assert!(!gone.is_empty(), "the {kind} {name} can be dropped unnoticed");
        let another = match kind.as_str() {
            "index" => text.replace(" WHERE ", " WHERE 1 AND "),
            "trigger" => text.replace(" BEGIN", " BEGIN SELECT 1;"),
            "view" => format!("{text} LIMIT 1000000"),
            _ => text.replacen(" NOT NULL", "", 1),
        };
        assert_ne!(*text, another, "{name}");
        let altered = after(&desk, |db| {
            if kind == "table" {
                let write = "UPDATE sqlite_schema SET sql = ?2 WHERE type = 'table' AND name = ?1";
                db.execute_batch("PRAGMA writable_schema = ON").unwrap();
                assert_eq!(db.execute(write, [name, &another]).unwrap(), 1);
            } else {
                db.execute_batch(&format!("DROP {kind} {name}; {another}")).unwrap();
            }
        });
        let what = format!("the definition of the {kind} '{name}' was altered");
        assert!(altered.contains(&what), "{kind} {name}: {altered:?}");
    }
}

/// Whoever writes next makes it anew: nothing that is read depends on it.
#[test]
fn an_index_of_people_that_is_gone_is_made_anew() {
    let desk = rich();
    let sound = loaded(&desk.path).unwrap();
    Connection::open(&desk.path).unwrap().execute_batch("DROP INDEX row_name_email").unwrap();
    assert_eq!(alterations(&desk.path, None), ["the index 'row_name_email' is gone"]);
    assert_eq!(loaded(&desk.path).unwrap(), sound);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
}

#[test]
fn what_was_slipped_in_is_noticed_whatever_it_is_called() {
    let desk = rich();
    for (kind, name, edit) in [
        ("table", "mine", "CREATE TABLE mine (a)"),
        ("view", "mine", "CREATE VIEW mine AS SELECT 1"),
        ("index", "mine", "CREATE UNIQUE INDEX mine ON exception (run_id, line)"),
        ("trigger", "mine", "CREATE TRIGGER mine AFTER INSERT ON batch BEGIN DELETE FROM exception; END"),
        // Called as a table of ours, and found before it.
        (
            "trigger",
            "output",
            "CREATE TRIGGER output AFTER INSERT ON batch BEGIN DELETE FROM exception; END;
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rowid = 1000 WHERE type = 'table' AND name = 'output'",
        ),
        (
            "trigger",
            "_litestream_seq",
            "CREATE TRIGGER _litestream_seq AFTER INSERT ON batch BEGIN DELETE FROM exception; END",
        ),
        ("view", "_litestream_lock", "CREATE VIEW _litestream_lock AS SELECT 1"),
    ] {
        let found = after(&desk, |db| db.execute_batch(edit).unwrap());
        assert_eq!(found, [format!("the {kind} '{name}' was slipped in")], "{edit}");
    }
}

/// Litestream keeps two tables in what it copies, and SQLite its own where somebody has it look at a file.
#[test]
fn tables_that_others_keep_by_right_are_let_be() {
    let desk = rich();
    let sound = loaded(&desk.path).unwrap();
    let edit = "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                CREATE TABLE _litestream_lock (id INTEGER); INSERT INTO _litestream_seq VALUES (1, 7); ANALYZE";
    Connection::open(&desk.path).unwrap().execute_batch(edit).unwrap();
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
    assert_eq!(loaded(&desk.path).unwrap(), sound);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
}

/// What it has named by then is in no link, and is taken away when the next import begins.
#[test]
fn an_import_that_was_killed_is_no_alteration() {
    let desk = rich();
    let mut journal = Journal::open(&desk.path).unwrap();
    let mut importer = journal.import(&new(), 0).unwrap();
    let target = importer.target(&Target::License(LicenseId::parse("L2").unwrap())).unwrap();
    importer.name(target, "Meetings").unwrap();
    // Enough for a commit.
    (2..50_002).for_each(|line| importer.invalid(&invalid(line)).unwrap());
    drop(importer);
    drop(journal);
    let count = "SELECT count(*) FROM target_name WHERE run_id = 2";
    let named = |desk: &Desk| -> u32 {
        Connection::open(&desk.path).unwrap().query_row(count, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(named(&desk), 1);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
    let found =
        after(&desk, |db| db.execute_batch("UPDATE target_name SET run_id = 3 WHERE run_id = 2").unwrap());
    assert_eq!(found, ["a row of 'target_name' was slipped in: run_id 3, target_id 4"]);
    let mut journal = Journal::open(&desk.path).unwrap();
    journal.import(&new(), 0).unwrap().seal().unwrap();
    drop(journal);
    assert_eq!(named(&desk), 0);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
}

/// Nothing of it is left, so whatever there is was slipped in.
#[test]
fn a_run_whose_persons_were_forgotten_stays_empty() {
    let desk = rich();
    let mut journal = Journal::open(&desk.path).unwrap();
    journal.prune(&[RUN], NOW).unwrap();
    drop(journal);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
    for edit in [
        "INSERT INTO invalid_row VALUES (1, 2, 1, 'e', NULL, '', 'license', 'L', 'add', 'C', 'M')",
        "INSERT INTO in_effect_before VALUES (1, 2, 1)",
        "INSERT INTO cell_block VALUES (1, 2, x'00')",
        "INSERT INTO asked VALUES (1, 0, 1, 'x', NULL)",
        "INSERT INTO block VALUES (1, 0, x'00')",
        "INSERT INTO assignment VALUES (1, 0, 'eve@example.com', NULL, NULL, 0)",
        "INSERT INTO exception VALUES (1, 0, 2, 1, 'C', 'M')",
    ] {
        let found = after(&desk, |db| db.execute_batch(edit).unwrap());
        assert!(!found.is_empty(), "{edit}");
    }
}

/// A large import drops two indexes and makes them anew when all rows are there: one that was killed has neither.
#[test]
fn an_import_that_was_killed_may_lack_its_indexes_and_no_others() {
    let desk = rich();
    let mut journal = Journal::open(&desk.path).unwrap();
    drop(journal.import(&new(), 100_000).unwrap());
    drop(journal);
    assert_eq!(indexes(&desk), 5);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
    let found = after(&desk, |db| db.execute_batch("DROP INDEX row_name_email").unwrap());
    assert_eq!(found, ["the index 'row_name_email' is gone"]);
    let mut journal = Journal::open(&desk.path).unwrap();
    journal.import(&new(), 0).unwrap().seal().unwrap();
    drop(journal);
    assert_eq!(indexes(&desk), 7);
    assert_eq!(alterations(&desk.path, None), Vec::<String>::new());
}
