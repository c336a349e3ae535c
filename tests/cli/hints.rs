//! What a file says beside what it asks, and nothing looks at: days, and who has left.

use crate::harness::{Desk, Ran};

fn check(header: &str, rows: &[&str], options: &[&str]) -> Ran {
    let desk = Desk::alone();
    desk.write("people.csv", format!("{header}\n{}\n", rows.join("\n")));
    desk.run(&[&["check", "people.csv"], options].concat())
}

#[track_caller]
fn says(ran: &Ran, all: &[&str]) {
    for said in all {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn first_days_that_are_to_come_are_told_with_the_option_that_waits_for_them() {
    let due =
        ["FIRST_DAY_UNUSED", "line 3, column Start Date", "--due \"Start Date\"", "every row is taken now"];
    let rows = ["a@example.com,Messaging,2020-01-31", "b@example.com,Messaging,2999-01-31"];
    says(&check("email,license,Start Date", &rows, &[]).exits(0), &due);
    let people = ["a@example.com,31.01.2020", "b@example.com,31.12.2999"];
    says(&check("email,Start Date", &people, &["--add", "Messaging"]).exits(0), &due);
    says(&check("email,Eintrittsdatum", &people, &["--add", "Messaging"]).exits(0), &["FIRST_DAY_UNUSED"]);
    // Days that are past, rows that take away, and days that are waited for, or left out, are nothing to tell.
    for (rows, options) in [
        (&people[..1], &["--add", "Messaging"][..]),
        (&people, &["--remove", "Messaging"]),
        (&people, &["--add", "Messaging", "--due", "Start Date", "--date-format", "%d.%m.%Y"]),
        (&people, &["--add", "Messaging", "--ignore", "start date"]),
    ] {
        let ran = check("email,Start Date", rows, options).exits(0);
        assert!(!ran.stdout.contains("FIRST_DAY_UNUSED"), "{options:?}: {}", ran.stdout);
    }
}

#[test]
fn last_days_are_told_of_rows_that_take_away_however_they_say_so() {
    let header = "email,license,operation,Last Day";
    let ran =
        check(header, &["a@example.com,M,add,2999-01-01", "b@example.com,M,remove,2999-01-31"], &[]).exits(0);
    says(&ran, &["LAST_DAY_UNUSED", "line 3, column Last Day", "--due \"Last Day\""]);
    let ran = check(header, &["a@example.com,M,add,2999-01-01", "b@example.com,M,remove,"], &[]).exits(0);
    assert!(!ran.stdout.contains("LAST_DAY_UNUSED"), "{}", ran.stdout);
    let rows = ["a@example.com,M,2999-01-01"];
    let ran = check("email,license,Last Day", &rows, &["--set", "operation=remove"]).exits(0);
    says(&ran, &["LAST_DAY_UNUSED", "--due \"Last Day\""]);
    // Of rows that give, no day of leaving is waited for.
    let ran = check("email,license,Termination Date", &rows, &[]).exits(0);
    says(&ran, &["LAST_DAY_UNUSED", "those who have left", "--ignore \"Termination Date\""]);
    assert!(!ran.stdout.contains("--due"), "{}", ran.stdout);
}

#[test]
fn who_has_left_is_given_nothing_without_a_word() {
    for (header, yes) in [
        ("Leaver", "yes"),
        ("Left", "x"),
        ("Terminated", "TRUE"),
        ("Ausgetreten", "Ja"),
        ("Active", "no"),
        ("Enabled", "False"),
        ("Status", "Terminated"),
    ] {
        let row = format!("b@example.com,M,{yes}");
        let long = check(&format!("email,license,{header}"), &[&row], &[]).exits(1);
        let row = format!("b@example.com,{yes}");
        let people = check(&format!("email,{header}"), &[&row], &["--add", "M"]).exits(1);
        for ran in [&long, &people] {
            says(ran, &["UNCLEAR_COLUMN", "who has left", &format!("--ignore {header}")]);
        }
        check(&format!("email,{header}"), &[&row], &["--add", "M", "--ignore", header]).exits(0);
        check(&format!("email,{header}"), &[&row], &["--remove", "M"]).exits(0);
    }
    for (header, no) in
        [("Leaver", "no"), ("Left", "0"), ("Active", "yes"), ("Enabled", "True"), ("Ausgetreten", "nein")]
    {
        check(&format!("email,license,{header}"), &[&format!("b@example.com,M,{no}")], &[]).exits(0);
    }
}
