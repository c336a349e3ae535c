//! Names that lead nowhere, and rows that name nobody: whom and how many it concerns.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, Ran, license, onboarding, sandbox};

fn told(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

const PEOPLE: &str = "email,license\n\
    user1@example.com,Mesaging; Zoom; Mesaging\n\
    user2@example.com,Zoom\n\
    user3@example.com,Mesaging\n\
    user4@example.com,Zoom\n\
    user5@example.com,Messaging\n";

#[test]
fn a_name_is_told_once_with_its_rows_wherever_it_stands() {
    let service = sandbox(5, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", PEOPLE);
    for command in ["plan", "rehearse"] {
        let ran = desk.run(&[command, "people.csv"]);
        for said in ["UNKNOWN_LICENSE, 2 names", "'Zoom' (3 rows, from line 2)", "(2 rows, from line 2)"] {
            assert!(told(&ran).contains(said), "{command} {said}: {}", told(&ran));
        }
        let times = told(&ran).matches("license of the name or ID 'Mesaging'").count();
        assert_eq!(times, 1, "{}", told(&ran));
    }
    let ran = desk.run(&["plan", "people.csv", "--json"]).exits(1);
    let rows: Vec<u64> = ran
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["rows"].as_u64())
        .filter(|rows| *rows < 5)
        .collect();
    assert_eq!(rows, [2, 3]);
    // Of four names not all are shown; what comes of them is said as an example.
    let more: String = (6..=8).map(|n| format!("user{n}@example.com,Nothing {n}\n")).collect();
    desk.write("people.csv", format!("{PEOPLE}{more}"));
    let ran = desk.run(&["apply", "people.csv", "--on-invalid", "skip"]).exits(1);
    for said in ["and 2 more names", "'Zoom' 3 rows", "7 × UNKNOWN_LICENSE, for example: "] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
}

#[test]
fn a_row_without_an_address_says_whom_it_keeps_back_and_why() {
    let service = sandbox(5, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write(
        "people.csv",
        "email,license\nuser1@example.com,Messaging\n,Meetings Suite\nuser2@example.com,Messaging\n",
    );
    let whom = "the row names no user; it may belong to user1@example.com of line 2";
    let why = "so nothing is sent for that user either";
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains(whom) && ran.stdout.contains(why), "{}", ran.stdout);
    for command in [&["rehearse"][..], &["plan"], &["apply"], &["apply", "--on-invalid", "skip"]] {
        let ran = desk.run(&[command, &["people.csv"]].concat());
        assert!(told(&ran).contains(whom) && told(&ran).contains(why), "{command:?}: {}", told(&ran));
    }
    // A row that asks for nothing goes on with nobody.
    desk.write("people.csv", "email,license,note\nuser1@example.com,Messaging,\n,,note\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("names no user") && !ran.stdout.contains("may belong"), "{}", ran.stdout);
}

#[test]
fn a_list_with_commas_is_mended_so_that_no_delimiter_stands_in_its_cell() {
    let desk = Desk::alone();
    desk.write("people.csv", "email;license\na@example.com;Messaging, Meetings Suite\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("separate them with bars: Messaging | Meetings Suite"), "{}", ran.stdout);
    // As a person would type it, without quotes.
    desk.write("people.csv", "email;license\na@example.com;Messaging | Meetings Suite\n");
    let ran = desk.run(&["check", "people.csv"]).exits(0);
    assert!(ran.stdout.contains("2 to add"), "{}", ran.stdout);
}

#[test]
fn names_of_ones_own_are_offered_as_bundles_and_a_line_is_named_once() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "email,Seats\nuser1@example.com,phone + chat\n");
    let ran = desk.run(&["rehearse", "people.csv", "--map", "license=Seats"]).exits(1);
    assert!(told(&ran).contains("--map bundle=COLUMN"), "{}", told(&ran));
    desk.write(
        "seatbatch.toml",
        "[bundles.\"phone + chat\"]\nlicenses = [\"Messaging\", \"Webex Calling - Professional\"]\n",
    );
    let ran = desk.run(&["rehearse", "people.csv", "--map", "bundle=Seats"]).exits(1);
    assert!(told(&ran).contains("2 operations would fail (line 2)"), "{}", told(&ran));
}

#[test]
fn everything_can_be_named_where_an_id_is_meant() {
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(2), &["--snapshot", "no"]).exits(0);
    let everything = "email,licenseId,operation\nuser1@example.com,*,remove\n";
    desk.apply(everything, &[]).exits(0);
    assert!(service.user("user1@example.com").unwrap().licenses.is_empty());
    assert_eq!(service.user("user2@example.com").unwrap().licenses.len(), 1);
    let ran = desk.apply(&everything.replace("remove", "add"), &[]).exits(2);
    assert!(ran.stdout.contains("UNKNOWN_LICENSE"), "{}", ran.stdout);
    let both = "email,licenseId,license,operation\nuser2@example.com,*,Messaging,remove\n";
    let ran = desk.apply(both, &[]).exits(2);
    assert!(ran.stdout.contains("LICENSES_DISAGREE"), "{}", ran.stdout);
}

#[test]
fn a_license_has_its_name_however_its_id_is_padded() {
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let padded = format!("{}==", license("Messaging"));
    desk.apply(
        &format!("email,licenseId,license\nuser1@example.com,{padded},\nuser2@example.com,,Meetings Suite\n"),
        &[],
    )
    .exits(1);
    // The sandbox knows no ID in another spelling; the journal does.
    let sql =
        "SELECT group_concat(target_name, '; ') FROM (SELECT target_name FROM operations ORDER BY line)";
    let names: String = desk.sql().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(names, "Messaging; Meetings Suite");
}
