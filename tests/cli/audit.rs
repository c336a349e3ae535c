//! What an auditor asks: plan, verify, undo, report.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, license, onboarding, sandbox};

#[test]
fn plan_compares_what_is_wanted_with_what_is_left_and_changes_nothing() {
    let service = sandbox(200, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let rows: String = (1..=150).map(|n| format!("user{n}@example.com,messaging,add\n")).collect();
    let scarce: String = (1..=3).map(|n| format!("user{n}@example.com,Attendant Console,add\n")).collect();
    desk.write("people.csv", format!("email,license,operation\n{rows}{scarce}"));
    let ran = desk.run(&["plan", "people.csv"]).exits(1);
    let said = ran.stdout.replace(&service.url(), "URL");
    let said = said.lines().take_while(|line| !line.starts_with("2 requests")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(said, @"
    people.csv: 153 rows for 150 users: 153 to add, 0 to remove
    service: URL
    organization: the token's own
     license or site    add  held  remove  not held  left  after
     Messaging          150     0       0         0   200     50
     Attendant Console    3     0       0         0     2     -1
    ");
    assert!(ran.stdout.contains("2 requests at auto:300/min, at least 0.2 s: until 20"), "{}", ran.stdout);
    assert!(ran.stdout.contains("if the service takes one user a request: 150 requests"), "{}", ran.stdout);
    let short = "Attendant Console is 1 unit short: 3 wanted, 2 left, 0 given back by the file";
    assert!(ran.stdout.contains(short), "{}", ran.stdout);
    assert!(service.requests().all().is_empty());
    assert!(!desk.path("seatbatch.db").exists());
}

#[test]
fn plan_says_which_license_there_is_not() {
    let service = sandbox(200, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("other.csv", "email,licenseId\nuser1@example.com,nothing\n");
    let ran = desk.run(&["plan", "other.csv"]).exits(1);
    assert!(ran.stdout.contains("has no license nothing"), "{}", ran.stdout);
}

#[test]
fn undo_reverses_what_was_done() {
    let service = sandbox(5, WireForm::Array, &["refuse=X,user=user3@example.com"]);
    let desk = Desk::at(&service.url());
    let id = license("Messaging");
    let csv = format!(
        "email,licenseId,siteUrl\nuser1@example.com,{id},\nuser1@example.com,,meet.example.com\nuser3@example.com,{id},\n"
    );
    desk.apply(&csv, &[]).exits(1);
    assert_eq!(service.user("user1@example.com").unwrap().site_urls, ["meet.example.com"]);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    let undo = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    let expected = format!(
        "email,personId,orgId,licenseId,siteUrl,accountType,operation,phoneNumber,extension,locationId,note\n\
         user1@example.com,,,,meet.example.com,attendee,remove,,,,\nuser1@example.com,,,{id},,,remove,,,,\n"
    );
    assert_eq!(undo, expected);
    desk.run(&["apply", "undo.csv"]).exits(0);
    let user = service.user("user1@example.com").unwrap();
    assert!(user.licenses.is_empty() && user.site_urls.is_empty());
}

#[test]
fn verify_lists_what_is_done_and_does_not_show() {
    let service = sandbox(700, WireForm::Array, &["ignore,user=user650@example.com"]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(650), &[]).exits(0);
    let ran = desk.run(&["verify"]).exits(1);
    let id = license("Messaging");
    assert_eq!(
        ran.stdout,
        format!(
            "line,email,personId,licenseId,operation,found,state,orgId\n651,user650@example.com,,{id},add,not held,done,\n"
        )
    );
    assert!(ran.stderr.contains("650 operations compared, 1 differs"), "{}", ran.stderr);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    desk.run(&["apply", "undo.csv"]).exits(0);
    desk.run(&["verify"]).exits(0);
    desk.run(&["verify", "1", "-o", "drift.csv"]).exits(1);
    assert_eq!(std::fs::read_to_string(desk.path("drift.csv")).unwrap().lines().count(), 651);
}
