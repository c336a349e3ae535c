//! `seatbatch user`: what the journal knows of one person.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, onboarding, sandbox};
use crate::journal::events;
use crate::scripted::{Scripted, answer, refusing_one};

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

/// The same person, however the file, the service or whoever asks writes the address and the ID.
#[test]
fn a_person_is_found_by_every_spelling_of_a_name() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    let person = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9h";
    let elsewhere = "Y2lzY29zcGFyazovL2V1L1BFT1BMRS9h";
    let rows =
        format!("email,personId,licenseId\njörg@bücher.example,{person},L1\nann@xn--bcher-kva.example,,L1\n");
    desk.write("people.csv", rows);
    desk.run(&["apply", "people.csv", "--yes", "--journal", "one.db"]);
    desk.write("people.csv", format!("personId,licenseId\n{person}==,L1\n"));
    desk.run(&["apply", "people.csv", "--yes", "--journal", "two.db"]);
    let found = |name: &str| {
        let ran = desk.run(&["user", name, "--json", "--journal", "one.db", "--journal", "two.db"]).exits(0);
        let csv = ["report", "--user", name, "--format", "csv", "--journal", "one.db", "--journal", "two.db"];
        let rows = desk.run(&csv).stdout.lines().count().saturating_sub(1) as u64;
        let summary = ran.summary();
        assert_eq!(summary["operations"], rows, "{name}: user and report differ");
        rows
    };
    for name in [
        "jörg@bücher.example",
        "JÖRG@BÜCHER.EXAMPLE",
        " Jörg@xn--bcher-kva.example\u{200b}",
        person,
        &format!("{person}="),
        elsewhere,
    ] {
        assert_eq!(found(name), 2, "{name}");
    }
    assert_eq!((found("ann@bücher.example"), found("ANN@XN--BCHER-KVA.EXAMPLE")), (1, 1));
    assert_eq!((found("jorg@bücher.example"), found("Y2lzY29zcGFyazovL3VzL1BFT1BMRS9i")), (0, 0));
}
