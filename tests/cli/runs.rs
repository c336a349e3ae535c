//! `seatbatch runs` and `status`, over one journal and several.

use crate::harness::{Desk, onboarding};
use crate::journal::events;
use crate::scripted::refusing_one;

#[test]
fn several_journals_are_read_as_one() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &["--journal", "part-1.db", "--failures", "1.csv"]).exits(1);
    desk.apply(&onboarding(2), &["--journal", "part-2.db", "--failures", "2.csv"]).exits(1);
    for journals in [&["--journal", "part-1.db", "--journal", "part-2.db"][..], &["--journal", "part-*.db"]] {
        let both = |command: &[&str]| desk.run(&[command, journals].concat()).exits(0);
        let runs = events(&both(&["runs", "--json"]));
        assert_eq!(runs.last().unwrap()["runs"], 2);
        let user = events(&both(&["user", "user1@example.com", "--json"]));
        assert_eq!(user.last().unwrap()["operations"], 2);
        assert_eq!(both(&["report", "--format", "csv"]).stdout.lines().count(), 6);
        both(&["status"]);
        both(&["journal", "check"]);
        desk.run(&[&["resume"], journals].concat()).exits(2);
    }
    desk.run(&["runs", "--journal", "nothing-*.db"]).exits(2);
}

#[test]
fn of_reasons_that_are_not_shown_it_is_said_how_many_there_are() {
    let faults: Vec<String> = (1..=7).map(|n| format!("refuse=CODE{n},user=user{n}@example.com")).collect();
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let service = crate::harness::sandbox(9, seatbatch::domain::WireForm::Array, &faults);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(9), &[]).exits(1);
    let status = desk.run(&["status"]).exits(0).stdout;
    assert_eq!(status.matches(" × CODE").count(), 5, "{status}");
    assert!(
        status.contains("  and 2 more for 2 other reasons; all of them are shown by: seatbatch report 1"),
        "{status}"
    );
}

#[test]
fn a_failures_csv_is_named_once_it_is_there_and_what_cannot_be_sent_is_not_asked() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    let csv = format!("{}nobody,X\n", onboarding(3));
    desk.apply(&csv, &["--on-invalid", "skip"]).exits(1);
    let named = || desk.run(&["status", "--json"]).exits(0).summary()["failures_csv"].clone();
    assert!(named().as_str().unwrap().ends_with("people.failures.csv"));
    std::fs::remove_file(desk.path("people.failures.csv")).unwrap();
    assert_eq!(named(), serde_json::Value::Null);
    let report = desk.run(&["report"]).exits(0).stdout;
    assert!(
        report.contains("4 operations of 3 users: 3 to add, 0 to remove, 1 that cannot be sent"),
        "{report}"
    );
}

#[test]
fn usage_asks_for_what_is_missing_and_nothing_else() {
    // The environment names the service.
    let desk = Desk::alone();
    let ran = desk.run(&["diff", "people.csv"]).exits(2);
    assert!(
        ran.stderr.contains("Usage: seatbatch diff [OPTIONS] --output <OUTPUT> <FILE>"),
        "{}",
        ran.stderr
    );
}
