//! What a file says of taking away, in whatever place and with whatever signs around it, never comes to be given.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, held, sandbox};

#[test]
fn a_word_for_removing_counts_with_what_stands_around_it() {
    let desk = Desk::alone();
    for cell in [
        "remove.",
        "(remove)",
        "'remove",
        "please remove license",
        "Lizenz entfernen!",
        "Remove Messaging",
        "lo\u{308}schen",
        "SİL",
        "УДАЛИТЬ",
    ] {
        desk.write("people.csv", format!("email,license,Todo\na@example.com,Messaging,{cell}\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        assert!(ran.stdout.contains("UNCLEAR_COLUMN"), "{cell}: {}", ran.stdout);
    }
    for cell in ["remove old phone", "do not remove", "Removed from the building in 2019"] {
        desk.write("people.csv", format!("email,license,Note\na@example.com,Messaging,{cell}\n"));
        desk.run(&["check", "people.csv"]).exits(0);
    }
    let composed_or_not = ["löschen", "lo\u{308}schen", "SİL", "kaldir"];
    for word in composed_or_not {
        desk.write("people.csv", format!("email,license,operation\na@example.com,Messaging,{word}\n"));
        let ran = desk.run(&["check", "people.csv"]).exits(0);
        assert!(ran.stdout.contains("0 to add, 1 to remove"), "{word}: {}", ran.stdout);
    }
    desk.write("people.csv", "email,license,+/-\na@example.com,Messaging,-\n");
    desk.run(&["check", "people.csv"]).exits(1);
}

#[test]
fn a_dash_before_a_license_or_a_bundle_is_not_left_out() {
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("seatbatch.toml", "[bundles.engineer]\nlicenses = [\"Messaging\"]\n");
    for cell in ["-Messaging", "- Messaging", "\u{2212}Messaging", "Messaging -", "Messaging;-Messaging"] {
        let ran = desk.apply(&format!("email,license\nuser1@example.com,{cell}\n"), &[]).exits(2);
        assert!(ran.stderr.contains("(the nearest is 'Messaging')"), "{cell}: {}", ran.stderr);
    }
    let rows = "email,Role\nuser1@example.com,-Engineer\n";
    let ran = desk.apply(rows, &["--map", "bundle=Role"]).exits(2);
    assert!(ran.stderr.contains("there is no bundle '-Engineer'"), "{}", ran.stderr);
    assert!(held(&service).iter().all(|(_, licenses)| licenses.is_empty()), "{:?}", held(&service));
    desk.apply("email,Role\nuser1@example.com,ENGINEER\n", &["--map", "bundle=Role"]).exits(0);
}

#[test]
fn titles_that_speak_of_going_stop_rows_that_would_add_by_default() {
    let desk = Desk::alone();
    let rows = "email,license\na@example.com,Messaging\n";
    for title in ["To be removed", "Leavers October 2026", "Lizenzen entziehen,"] {
        desk.write("people.csv", format!("{title}\n\n{rows}"));
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        assert!(
            ran.stderr.contains("line 1: the title '") && ran.stderr.contains("--set operation=remove"),
            "{}",
            ran.stderr
        );
        let ran = desk.run(&["check", "people.csv", "--set", "operation=remove"]).exits(0);
        assert!(ran.stdout.contains("0 to add, 1 to remove"), "{}", ran.stdout);
        desk.run(&["check", "people.csv", "--set", "operation=add"]).exits(0);
    }
    for file in [
        format!("New hires\n{rows}"),
        "Leavers\nemail,license,operation\na@example.com,Messaging,remove\n".to_owned(),
    ] {
        desk.write("people.csv", file);
        desk.run(&["check", "people.csv"]).exits(0);
    }
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Removals").unwrap();
    for (row, cells) in (0..).zip([["email", "license"], ["a@example.com", "Messaging"]]) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    desk.write("people.xlsx", workbook.save_to_buffer().unwrap());
    let ran = desk.run(&["check", "people.xlsx"]).exits(1);
    assert!(ran.stderr.contains("the sheet's name 'Removals' speaks of"), "{}", ran.stderr);
}

#[test]
fn a_column_of_what_is_to_go_is_not_given() {
    let desk = Desk::alone();
    desk.write("people.csv", "email,License to remove\na@example.com,Messaging\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    let takes = "--map license=\"License to remove\" --set operation=remove";
    assert!(ran.stderr.contains(takes), "{}", ran.stderr);
    let mapped = ["check", "people.csv", "--map", "license=License to remove"];
    let ran = desk.run(&mapped).exits(1);
    assert!(ran.stderr.contains("the column 'License to remove' speaks of taking away"), "{}", ran.stderr);
    let ran = desk.run(&[&mapped[..], &["--set", "operation=remove"]].concat()).exits(0);
    assert!(ran.stdout.contains("0 to add, 1 to remove"), "{}", ran.stdout);
    desk.write("people.csv", "email,license,licenseId to remove\na@example.com,Meetings,Messaging\n");
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("UNCLEAR_COLUMN"), "{}", ran.stdout);
}
