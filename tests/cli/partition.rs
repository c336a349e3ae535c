//! A file in parts, each with a journal of its own.

use rusqlite::Connection;
use seatbatch::domain::WireForm;
use seatbatch::sandbox::Organization;

use crate::harness::{Desk, license, onboarding, sandbox};

/// The rows of a journal: line, and the state.
fn lines(desk: &Desk, journal: &str) -> Vec<(u32, String)> {
    let sql = Connection::open(desk.path(journal)).unwrap();
    let mut statement = sql.prepare("SELECT line, state FROM operations ORDER BY line").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn apply(desk: &Desk, csv: &str, parts: usize, more: &[&str]) -> Vec<Vec<(u32, String)>> {
    let part = |part: usize| {
        let (partition, journal) = (format!("{part}/{parts}"), format!("{part}.db"));
        let own = ["--partition", &partition, "--journal", &journal];
        let ran = desk.apply(csv, &[&own, more].concat());
        assert!(ran.code <= 1, "{}", ran.stderr);
        let found = lines(desk, &journal);
        assert_eq!(ran.summary()["total"], found.len());
        found
    };
    (1..=parts).map(part).collect()
}

#[test]
fn parts_are_together_the_file_and_no_user_is_in_two() {
    let sandbox = sandbox(40, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let state = Organization::generated(40).state();
    let person = |n: usize| {
        state.users.iter().find(|p| p.email == format!("user{n}@example.com")).unwrap().person_id.clone()
    };
    let (messaging, calling) = (license("Messaging"), license("Meetings"));
    let mut csv = "email,personId,licenseId\n".to_owned();
    for n in 1..=30 {
        csv += &format!("user{n}@example.com,,{messaging}\n");
    }
    // The same users by other names: by both, and by the person ID alone.
    for n in 1..=10 {
        csv += &format!("USER{n}@example.com,{},{messaging}\n,{0},{calling}\n", person(n));
    }
    csv += ",,\nno address,,x\nuser30@example.com,,no ID\n";
    let parts = apply(&desk, &csv, 3, &["--on-invalid", "skip"]);
    let mut all: Vec<u32> = parts.iter().flatten().map(|(line, _)| *line).collect();
    all.sort_unstable();
    let expected: Vec<u32> = (2..=54).filter(|line| *line != 52).collect();
    assert_eq!(all.iter().filter(|line| **line != 52).copied().collect::<Vec<_>>(), expected);
    assert!(parts.iter().all(|part| part.len() > 5));
    let part_of = |line: u32| parts.iter().position(|part| part.iter().any(|(found, _)| *found == line));
    for n in 1..=10 {
        assert_eq!(part_of(1 + n), part_of(30 + 2 * n), "both names");
        assert_eq!(part_of(1 + n), part_of(31 + 2 * n), "the person ID alone");
    }
    assert_eq!(part_of(31), part_of(54), "a row that cannot be sent is where its user is");
    assert_eq!(part_of(53), Some(0), "one that names nobody is in the first part");
    let invalid: usize = parts.iter().flatten().filter(|(_, state)| state == "invalid").count();
    assert!(invalid >= 3, "{parts:?}");
}

#[test]
fn several_organizations_are_dealt_out_whole() {
    let sandbox = sandbox(60, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let id = license("Messaging");
    let rows: String = (1..=60).map(|n| format!("user{n}@example.com,{id},ORG{}\n", n % 6)).collect();
    let csv = format!("email,licenseId,orgId\n{rows}");
    let parts = apply(&desk, &csv, 3, &["--on-invalid", "skip"]);
    assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 60);
    for org in 0..6 {
        let of_org =
            |part: &Vec<(u32, String)>| part.iter().filter(|(line, _)| (line - 1) % 6 == org).count();
        let found: Vec<usize> = parts.iter().map(of_org).filter(|count| *count > 0).collect();
        assert_eq!(found, [10], "organization {org}");
    }
}

#[test]
fn another_part_of_a_file_in_one_journal_was_not_applied_before() {
    let sandbox = sandbox(9, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let csv = onboarding(9);
    desk.apply(&csv, &["--partition", "1/2"]).exits(0);
    let again = desk.apply(&csv, &["--partition", "1/2"]).exits(2);
    assert!(again.stderr.contains("part 1/2 of people.csv was applied before, as run 1"), "{}", again.stderr);
    desk.apply(&csv, &["--partition", "2/2"]).exits(0);
    assert_eq!(desk.count("done"), 9);
    desk.apply(&csv, &["--partition", "3/2"]).exits(2);
}

#[test]
fn a_part_has_its_share_of_the_pace_and_its_own_failures_and_may_be_empty() {
    let sandbox = sandbox(9, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let rate = |journal: &str| {
        let sql = Connection::open(desk.path(journal)).unwrap();
        let rate = "SELECT json_extract(settings, '$.rate') FROM run";
        sql.query_row(rate, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let csv = onboarding(1);
    for part in ["1", "2", "3"] {
        let partition = format!("{part}/3");
        desk.apply(&csv, &["--partition", &partition, "--journal", part, "--rate", "9000/s"]).exits(0);
        assert_eq!(rate(part), "3000/s");
        assert!(desk.path(&format!("people.part-{part}-of-3.failures.csv")).exists());
    }
    let mut users: Vec<usize> = ["1", "2", "3"].iter().map(|journal| lines(&desk, journal).len()).collect();
    users.sort_unstable();
    assert_eq!(users, [0, 0, 1]);
    let per_org = ["--partition", "1/3", "--journal", "o", "--rate", "9000/s", "--rate-per", "org"];
    desk.apply(&csv, &per_org).exits(0);
    assert_eq!(rate("o"), "9000/s");
}
