//! `seatbatch failures` and its CSV, which is an input file again.

use calamine::{Reader as _, Xlsx};
use rust_xlsxwriter::Workbook;
use seatbatch::domain::WireForm;

use crate::harness::{Desk, onboarding, organization, sandbox, two};
use crate::scripted::{Scripted, answer, refusing_one};

#[test]
fn what_a_workbook_asked_for_in_vain_comes_back_as_a_workbook() {
    let sandbox = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = [
        ["E-Mail", "License", "Note"],
        ["user1@example.com", "Messaging", ""],
        ["nobody@example.com", "Messaging", "a, \"b\""],
    ];
    for (row, cells) in (0..).zip(rows) {
        sheet.write_row(row, 0, cells).unwrap();
    }
    desk.write("people.xlsx", book.save_to_buffer().unwrap());
    desk.run(&["apply", "people.xlsx", "--failures", "failed.XLSX", "--rate", "unlimited"]).exits(1);
    let mut back: Xlsx<_> = calamine::open_workbook(desk.path("failed.XLSX")).unwrap();
    let range = back.worksheet_range_at(0).unwrap().unwrap();
    let cells: Vec<Vec<String>> =
        range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(cells[0][..5], ["E-Mail", "License", "Note", "line", "state"]);
    assert_eq!(cells[1][..5], ["nobody@example.com", "Messaging", "a, \"b\"", "3", "failed"]);
    assert_eq!(cells.len(), 2);
    // It is taken as it is.
    desk.run(&["apply", "failed.XLSX", "--json", "--rate", "unlimited", "--failures", "again.csv"]).exits(1);
    assert!(
        std::fs::read_to_string(desk.path("again.csv"))
            .unwrap()
            .contains("nobody@example.com,Messaging,\"a, ")
    );
}

#[test]
fn the_failures_csv_is_taken_as_it_is_again_and_again() {
    let service = Scripted::start(|_| {
        answer(206, r#"[{"email":"user2@example.com","error":{"code":"X","message":"no, \"never\""}}]"#)
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    let first = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
    desk.run(&["apply", "people.failures.csv"]).exits(1);
    let second = std::fs::read_to_string(desk.path("people.failures.failures.csv")).unwrap();
    assert_eq!(second.lines().next(), first.lines().next());
    assert_eq!(second.lines().count(), 2);
    desk.run(&["apply", "people.failures.failures.csv"]).exits(1);
}

#[test]
fn a_failures_csv_is_taken_as_it_is_also_with_its_columns_moved() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    let rows = onboarding(3);
    let own = rows.lines().enumerate().map(|(n, line)| match n {
        0 => format!("state,{line},\"note\"\n"),
        _ => format!("NW,{line},\"a \"\"b\"\"\"\n"),
    });
    desk.apply(&own.collect::<String>(), &[]).exits(1);
    let first = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
    let (header, row) = first.trim_end().split_once('\n').unwrap();
    assert!(header.starts_with("state,email,licenseId,\"note\",seatbatch_line,seatbatch_state,"), "{header}");
    assert!(
        row.starts_with("NW,user1@example.com,") && row.contains(",\"a \"\"b\"\"\",2,failed,A,no,"),
        "{row}"
    );
    // Columns to the front, and one more: what is the user's own stays.
    let moved: String = first
        .trim_end()
        .lines()
        .enumerate()
        .map(|(n, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            let (own, added) = cells.split_at(4);
            let comment = if n == 0 { "my comment" } else { "seen" };
            format!("{},{},{comment}\n", added.join(","), own.join(","))
        })
        .collect();
    desk.write("again.csv", moved);
    desk.run(&["apply", "again.csv", "--rate", "unlimited"]).exits(1);
    let second = std::fs::read_to_string(desk.path("again.failures.csv")).unwrap();
    let (header, row) = second.trim_end().split_once('\n').unwrap();
    assert!(header.starts_with("state,email,licenseId,\"note\",my comment,seatbatch_line,"), "{header}");
    assert!(row.contains(",\"a \"\"b\"\"\",seen,2,failed,A,no,"), "{row}");
}

/// Files of every form that ask for Plan A and Plan B, how they are taken, and what they ask for where A is done.
const FORMS: [(&str, &str, &[&str], &str); 6] = [
    (
        "wide",
        "User ID/Email (Required),Plan A,Plan B,Plan C,Note\nuser1@example.com,TRUE,TRUE,FALSE,\"x, y\"\n",
        &[],
        "user1@example.com,,TRUE,FALSE,\"x, y\",2,failed,",
    ),
    (
        "list",
        "note,email,license\n\"x, y\",user1@example.com,Plan A; Plan B\n",
        &[],
        "\"x, y\",user1@example.com,Plan B,2,failed,",
    ),
    (
        "bundle",
        "email,Role,note\nuser1@example.com,Both,x\n",
        &["--map", "bundle=Role"],
        "user1@example.com,license: Plan B,x,2,failed,",
    ),
    (
        "options",
        "email,note\nuser1@example.com,x\n",
        &["--add", "Plan A", "--add", "Plan B"],
        "user1@example.com,x,2,failed; not again: add Plan A,",
    ),
    (
        "replace",
        "email,note\nuser2@example.com,x\n",
        &["--replace", "Plan A=Plan B"],
        "user2@example.com,x,2,failed; not again: remove Plan A,",
    ),
    (
        "cells and options",
        "email,license,operation\nuser1@example.com,Plan A,add\n",
        &["--add", "Plan B"],
        "user1@example.com,,add,2,failed,",
    ),
];

#[test]
fn a_row_of_several_operations_comes_back_asking_for_what_failed() {
    for (name, csv, options, expected) in FORMS {
        // User 1 holds A already; of B there are no units.
        let none = organization(two(5, 0, &[("user1", &["A"]), ("user2", &[])]), WireForm::Array);
        let desk = Desk::at(&none.url());
        desk.write("seatbatch.toml", "[bundles.both]\nlicenses = [\"Plan A\", \"Plan B\"]\n");
        desk.write("people.csv", csv);
        let how = ["--only-changes", "--rate", "unlimited"];
        desk.run(&[&["apply", "people.csv"], &how[..], options].concat()).exits(1);
        let left = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
        let row = left.lines().nth(1).unwrap();
        assert!(row.starts_with(expected), "{name}: {row}");
        // Elsewhere B has units, user 1 holds nothing, and user 2 holds A.
        let some = organization(two(5, 5, &[("user1", &[]), ("user2", &["A"])]), WireForm::Array);
        let other = Desk::at(&some.url());
        other.write("seatbatch.toml", "[bundles.both]\nlicenses = [\"Plan A\", \"Plan B\"]\n");
        other.write("people.csv", &left);
        // That journal knows nothing of the run: whether a row without a word for it adds must be said.
        let again = [&["apply", "people.csv", "--rate", "unlimited"], options].concat();
        let adds: &[&str] = if matches!(name, "list" | "bundle") { &["--set", "operation=add"] } else { &[] };
        if !adds.is_empty() {
            let refused = other.run(&again).exits(2);
            assert!(refused.stderr.contains("its run is in no journal at hand"), "{}", refused.stderr);
        }
        other.run(&[&again[..], adds].concat()).exits(0);
        let held = |user: &str| some.user(&format!("{user}@example.com")).unwrap().licenses;
        let expected: [&[&str]; 2] = if name == "replace" { [&[], &["A", "B"]] } else { [&["B"], &["A"]] };
        assert_eq!([held("user1"), held("user2")], expected, "{name}");
    }
}

#[test]
fn a_workbook_comes_back_asking_for_what_failed() {
    let none = organization(two(5, 0, &[("user1", &["A"])]), WireForm::Array);
    let desk = Desk::at(&none.url());
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, ["User ID/Email (Required)", "Plan A", "Plan B"]).unwrap();
    sheet.write(1, 0, "user1@example.com").unwrap();
    sheet.write(1, 1, true).unwrap();
    sheet.write(1, 2, true).unwrap();
    desk.write("people.xlsx", book.save_to_buffer().unwrap());
    desk.run(&["apply", "people.xlsx", "--only-changes", "--failures", "left.xlsx"]).exits(1);
    let ran = desk.run(&["check", "left.xlsx"]).exits(0);
    assert!(ran.stdout.contains("1 to add"), "{}", ran.stdout);
}

/// What is proposed at the end of a run that mends and applies, without the program's name.
fn proposed(stderr: &str) -> Vec<String> {
    let line = stderr.lines().find(|line| line.contains("mend the rows")).unwrap();
    let words = line.split("seatbatch apply ").nth(1).unwrap();
    let mut parts: Vec<String> = vec!["apply".to_owned()];
    for (number, part) in words.split('\'').enumerate() {
        if number % 2 == 1 {
            parts.push(part.to_owned());
        } else {
            parts.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    parts
}

#[test]
fn failures_that_are_given_back_mean_what_they_meant() {
    let ways: [(&str, &str, &[&str]); 4] = [
        (
            "email,license\nuser1@example.com,Messaging\nusr2@example.com,Messaging\n",
            "",
            &["--set", "operation=remove"],
        ),
        (
            "who,what\nuser1@example.com,x\nusr2@example.com,x\n",
            "",
            &["--map", "email=who", "--remove", "Messaging"],
        ),
        (
            "Email,Messaging\nuser1@example.com,FALSE\nusr2@example.com,FALSE\n",
            "[services]\nMessaging = \"Messaging\"\n",
            &["--services", "add-and-remove"],
        ),
        (
            "Mail,Team\nuser1@example.com,old\nusr2@example.com,old\n",
            "[bundles.old]\nlicenses = [\"Messaging\"]\n[profiles.out]\nmap = { email = \"Mail\", bundle = \"Team\" }\nset = { operation = \"remove\" }\n",
            &["--profile", "out"],
        ),
    ];
    for (csv, configuration, options) in ways {
        // As proposed, as the file alone, and as it lies elsewhere.
        for way in 0..3 {
            let service = sandbox(4, WireForm::Array, &[]);
            let desk = Desk::at(&service.url());
            desk.apply(&onboarding(4), &["--snapshot", "no"]).exits(0);
            desk.write("seatbatch.toml", configuration);
            desk.write("out.csv", csv);
            let args = [&["apply", "out.csv", "--rate", "unlimited"], options].concat();
            let ran = desk.run(&args).exits(1);
            let path = desk.path("out.failures.csv");
            let mended = std::fs::read_to_string(&path).unwrap().replace("usr2@", "user2@");
            std::fs::write(&path, &mended).unwrap();
            match way {
                0 => {
                    let words = proposed(&ran.stderr);
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    desk.run(&[&words[..], &["--rate", "unlimited"]].concat()).exits(0);
                }
                1 => {
                    let ran = desk.run(&["apply", "out.failures.csv", "--rate", "unlimited"]).exits(0);
                    assert!(
                        ran.stderr.contains("the failures of run 2, taken as its file was"),
                        "{}",
                        ran.stderr
                    );
                }
                _ => {
                    desk.write("elsewhere.csv", &mended);
                    let ran = desk.run(&["apply", "elsewhere.csv", "--rate", "unlimited"]).exits(2);
                    assert!(ran.stderr.contains("looks like the failures of run 2"), "{}", ran.stderr);
                    continue;
                }
            }
            for user in ["user1@example.com", "user2@example.com"] {
                assert!(service.user(user).unwrap().licenses.is_empty(), "{user} {options:?} {way}");
            }
            assert_eq!(service.user("user3@example.com").unwrap().licenses.len(), 1);
        }
    }
}

#[test]
fn a_failures_csv_with_its_header_alone_says_that_nothing_failed() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(3), &[]).exits(0);
    for command in [&["check"][..], &["plan"], &["rehearse"], &["apply"]] {
        let ran = desk.run(&[command, &["people.failures.csv"]].concat()).exits(0);
        assert!(ran.stderr.contains("nothing had failed when it was written"), "{command:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("error"), "{command:?}: {}", ran.stderr);
    }
    let ran = desk.run(&["apply", "people.failures.csv", "--json"]).exits(0);
    assert_eq!(ran.summary()["exit"], 0);
    // Whoever waits for a file must know that it does not come; and an empty list of people stays an error.
    desk.run(&["diff", "people.failures.csv", "-o", "changes.csv"]).exits(2);
    desk.run(&["diff", "people.failures.csv", "-o", "changes.csv", "--sync"]).exits(2);
    desk.run(&["plan", "people.failures.csv", "-o", "plan.json"]).exits(1);
    desk.write("empty.csv", "email,license\n");
    desk.run(&["apply", "empty.csv"]).exits(2);
}
