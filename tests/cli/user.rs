//! `seatbatch user`: what the journal knows of one person.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, onboarding, sandbox};
use crate::journal::events;
use crate::scripted::refusing_one;

#[test]
fn a_persons_timeline_has_every_run_oldest_first() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    desk.apply(&onboarding(2), &[]).exits(1);
    let ran = desk.run(&["user", "USER1@example.com", "--json"]).exits(0);
    let found = events(&ran);
    let runs: Vec<_> =
        found[..2].iter().map(|event| event["operation"]["run_id"].as_u64().unwrap()).collect();
    assert_eq!(runs, [1, 2]);
    assert_eq!(
        (found[0]["operation"]["state"].as_str(), found[0]["os_user"].is_string()),
        (Some("failed"), true)
    );
    let summary = found.last().unwrap();
    assert_eq!((summary["operations"].as_u64(), summary["runs"].as_u64()), (Some(2), Some(2)));
    let text = desk.run(&["user", "user1@example.com"]).exits(0).stdout;
    assert!(text.contains("Run 1: people.csv") && text.contains("failed, A: no (line 2"), "{text}");
    let nobody = desk.run(&["user", "nobody@example.com"]).exits(0).stdout;
    assert!(nobody.contains("Nothing is known"), "{nobody}");
}

#[test]
fn what_undo_took_back_is_called_as_it_was_when_it_was_given() {
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply("email,license\nuser1@example.com,Messaging\n", &[]).exits(0);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    desk.run(&["apply", "undo.csv"]).exits(0);
    let text = desk.run(&["user", "user1@example.com"]).exits(0).stdout;
    assert!(text.contains("add Messaging: done") && text.contains("remove Messaging: done"), "{text}");
    desk.run(&["journal", "check"]).exits(0);
}
