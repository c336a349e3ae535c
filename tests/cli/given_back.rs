//! A failures CSV that comes back in another shape, or beside other options, still means what it meant.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, onboarding, sandbox};

/// Takes out columns, counted from 0, behind so many of the file's own.
fn columns(text: &str, kept: &[usize]) -> String {
    let lines = text.lines().map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        kept.iter().map(|place| cells[*place]).collect::<Vec<_>>().join(",") + "\n"
    });
    lines.collect()
}

#[test]
fn what_was_removed_is_not_added_whatever_else_is_said() {
    type Change = fn(&str) -> String;
    let as_it_is: Change = str::to_owned;
    let without_the_last: Change = |text| columns(text, &[0, 1, 2, 3, 4, 5, 6]);
    let own_alone: Change = |text| columns(text, &[0, 1, 2]);
    let other_names: Change = |text| text.replace("error_code", "Error Code").replace("state", "State");
    let moved_and_most_taken_out: Change = |text| columns(text, &[4, 2, 0, 1, 8]).to_uppercase();
    let one_is_left: Change = |text| columns(text, &[0, 1, 2, 7]);
    for (change, more, configuration) in [
        (as_it_is, &["--ignore", "note"][..], ""),
        (as_it_is, &["--map", "email=email"], ""),
        (as_it_is, &[], "map = { email = \"email\" }\n"),
        (as_it_is, &["--profile", "x"], "[profiles.x]\nignore = [\"note\"]\n"),
        (without_the_last, &[], ""),
        (own_alone, &[], ""),
        (moved_and_most_taken_out, &[], ""),
        (one_is_left, &[], ""),
        (other_names, &[], ""),
        (other_names, &["--ignore", "note"], ""),
    ] {
        for name in ["out.failures.csv", "elsewhere.csv"] {
            let service = sandbox(3, WireForm::Array, &[]);
            let desk = Desk::at(&service.url());
            desk.apply(&onboarding(3), &[]).exits(0);
            desk.write("seatbatch.toml", configuration);
            desk.write(
                "out.csv",
                "email,license,note\nuser1@example.com,Messaging,a\nusr2@example.com,Messaging,b\n",
            );
            let rate = ["--rate", "unlimited"];
            desk.run(&[&["apply", "out.csv", "--set", "operation=remove"], &rate[..]].concat()).exits(1);
            let text = std::fs::read_to_string(desk.path("out.failures.csv")).unwrap();
            desk.write(name, change(&text.replace("usr2@", "user2@")));
            let ran = desk.run(&[&["apply", name], &rate[..], more].concat());
            let says_nothing_of_itself = !text.is_empty() && change(&text) == own_alone(&text);
            match name {
                "out.failures.csv" => {
                    assert_eq!(ran.code, 0, "{more:?}: {}", ran.stderr);
                    assert!(ran.stderr.contains("taken as its file was, with --set 'operation=remove'"));
                    assert!(service.user("user2@example.com").unwrap().licenses.is_empty());
                }
                _ if says_nothing_of_itself => {}
                _ => {
                    assert_eq!(ran.code, 2, "{more:?}: {}", ran.stderr);
                    assert!(ran.stderr.contains("looks like the failures of run 2"), "{}", ran.stderr);
                    assert!(ran.stderr.contains("elsewhere.csv --set 'operation=remove'"), "{}", ran.stderr);
                }
            }
        }
    }
}

#[test]
fn what_is_said_anew_holds() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("out.csv", "email,license\nuser1@example.com,Messaging\nusr2@example.com,Messaging\n");
    let rate = ["--rate", "unlimited"];
    desk.run(&[&["apply", "out.csv", "--set", "operation=remove"], &rate[..]].concat()).exits(1);
    let text = std::fs::read_to_string(desk.path("out.failures.csv")).unwrap();
    desk.write("out.failures.csv", text.replace("usr2@", "user2@"));
    let again = ["apply", "out.failures.csv", "--set", "operation=add"];
    desk.run(&[&again[..], &rate].concat()).exits(0);
    assert_eq!(service.user("user2@example.com").unwrap().licenses.len(), 1);
}

#[test]
fn far_from_its_journal_what_was_removed_is_not_added() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(3), &[]).exits(0);
    desk.write("out.csv", "email,license\nuser1@example.com,Messaging\nusr2@example.com,Messaging\n");
    let rate = ["--rate", "unlimited"];
    desk.run(&[&["apply", "out.csv", "--set", "operation=remove"], &rate[..]].concat()).exits(1);
    let left = std::fs::read_to_string(desk.path("out.failures.csv")).unwrap().replace("usr2@", "user2@");
    // Beside its journal, `check` counts as `apply` would.
    desk.write("out.failures.csv", &left);
    let ran = desk.run(&["check", "out.failures.csv"]).exits(0);
    assert!(ran.stdout.contains("0 to add, 1 to remove"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the failures of run 2"), "{}", ran.stderr);
    let other = Desk::at(&service.url());
    for elsewhere in ["no journal", "another one"] {
        if elsewhere == "another one" {
            other.apply(&onboarding(1), &[]).exits(0);
        }
        other.write("left.csv", &left);
        for command in [&["check"][..], &["plan"], &["rehearse"], &["diff", "-o", "d.csv"], &["apply"]] {
            let ran = other.run(&[command, &["left.csv"]].concat()).exits(2);
            for said in ["its run is in no journal at hand", "--journal", "--set operation=remove"] {
                assert!(ran.stderr.contains(said), "{elsewhere} {command:?}: {}", ran.stderr);
            }
        }
    }
    let path = desk.path("seatbatch.db");
    let ran = other.run(&["check", "left.csv", "--journal", path.to_str().unwrap()]).exits(2);
    assert!(ran.stderr.contains("looks like the failures of run 2"), "{}", ran.stderr);
    other.run(&["apply", "left.csv", "--set", "operation=remove"]).exits(0);
    assert!(service.user("user2@example.com").unwrap().licenses.is_empty());
}
