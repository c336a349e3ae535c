//! What people and scripts read: the end of a run, hints, exit codes, silence, events.

use std::process::{Command, Stdio};

use seatbatch::domain::WireForm;
use serde_json::Value;

use crate::harness::{Desk, Ran, TOKEN, finish, onboarding, sandbox};
use crate::schema;
use crate::scripted::{Scripted, answer};

fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// The command behind these words, as a shell in another folder runs it.
pub(crate) fn pasted(desk: &Desk, said: &str, words: &str) -> Ran {
    let line =
        said.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no '{words}' in: {said}"));
    let command = &line[line.find("seatbatch ").unwrap()..];
    let elsewhere = tempfile::tempdir().unwrap();
    let child = Command::new("sh")
        .args(["-c", &command.replacen("seatbatch", env!("CARGO_BIN_EXE_seatbatch"), 1)])
        .current_dir(elsewhere.path())
        .env_clear()
        .env("WEBEX_ACCESS_TOKEN", TOKEN)
        .env("TMPDIR", desk.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let ran = finish(child.unwrap());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "something was left behind");
    ran
}

#[test]
fn the_end_says_why_by_code_with_words_and_advice() {
    let faults = ["refuse=400411,user=user2@example.com", "refuse=400000,user=user3@example.com"];
    let service = sandbox(6, WireForm::Array, &faults);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(6));
    let ran = desk.run(&["apply", "people.csv"]).exits(1);
    assert!(ran.stderr.contains("Run 1: 4 of 6 operations done, 2 failed, in "), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("  1 × 400411: ") && ran.stderr.contains("(fill in phoneNumber"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("The 2 rows that were not done are in "), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("seatbatch apply ") && !ran.stderr.contains("seatbatch retry"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_proposed_command_works_from_wherever_one_stands() {
    // Nothing but the pasted command says where the service is.
    let faults = ["refuse=400411,user=user2@example.com", "refuse=NO_UNITS,user=user3@example.com,times=1"];
    let service = sandbox(6, WireForm::Array, &faults);
    let desk = Desk::at(&service.url());
    std::fs::create_dir(desk.path("it's Monday")).unwrap();
    desk.write("it's Monday/people.csv", onboarding(6));
    let ran = desk.run(&["apply", "it's Monday/people.csv", "--journal", "it's Monday/j.db"]).exits(1);
    let retried = pasted(&desk, &ran.stderr, "seatbatch retry").exits(1);
    assert!(retried.stderr.contains("5 of 6 operations done, 1 failed"), "{}", retried.stderr);
    assert!(!retried.stderr.contains("seatbatch retry"), "{}", retried.stderr);
    let applied = pasted(&desk, &retried.stderr, "seatbatch apply").exits(2);
    assert!(applied.stderr.contains("say --yes"), "{}", applied.stderr);
}

#[test]
fn what_cannot_be_asked_where_there_is_no_run_ends_with_5() {
    let service = Scripted::start(|_| answer(401, ""));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(2));
    for args in [&["plan", "people.csv"][..], &["licenses", "list"]] {
        let ran = desk.run(args).exits(5);
        assert!(ran.stderr.contains("401"), "{}", ran.stderr);
    }
    let ran = desk.run(&["plan", "people.csv", "--json"]).exits(5);
    assert_eq!(ran.summary(), serde_json::json!({"event": "summary", "exit": 5}));
    // A run that is in the journal can be resumed.
    desk.run(&["apply", "people.csv"]).exits(3);
}

#[test]
fn silence_means_that_all_went_well() {
    let service = sandbox(6, WireForm::Array, &["refuse=400411,from=2,times=1"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(3));
    let ran = desk.run(&["apply", "people.csv", "--quiet"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    desk.write("people.csv", onboarding(4));
    let ran = desk.run(&["apply", "people.csv", "--quiet"]).exits(1);
    assert!(ran.stderr.contains("400411"), "{}", ran.stderr);

    let paused = Scripted::start(|_| answer(401, ""));
    let desk = Desk::at(&paused.url);
    desk.write("people.csv", onboarding(3));
    let ran = desk.run(&["apply", "people.csv", "-q"]).exits(3);
    assert!(ran.stderr.contains("Paused: ") && ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
}

#[test]
fn what_is_tried_again_is_said_from_the_first_failure_on() {
    let service = sandbox(3, WireForm::Array, &["status=503,times=2"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(3));
    let ran = desk.run(&["apply", "people.csv"]).exits(0);
    assert_eq!(ran.stderr.matches("Trying again: ").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("503") && !ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

#[test]
fn failures_are_events_while_the_run_goes_on_and_the_last_event_is_the_summary() {
    let service = sandbox(6, WireForm::Array, &["refuse=400411,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(6), &[]).exits(1);
    let events = events(&ran);
    let failures = named(&events, "failure");
    assert_eq!(
        (failures.len(), &failures[0]["line"], &failures[0]["code"]),
        (1, &3.into(), &"400411".into())
    );
    let summary = ran.summary();
    let numbers = ["run", "total", "done", "unchanged", "failed", "invalid", "in_doubt", "pending"]
        .map(|name| summary[name].as_u64().unwrap());
    assert_eq!(numbers, [1, 6, 5, 0, 1, 0, 0, 0]);
    assert!(summary["failures_csv"].as_str().unwrap().ends_with("people.failures.csv"));
    assert_eq!(summary["exit"], 1);
    // Time and requests are the whole run's, whichever process tells them.
    for args in [["status", "--json"], ["resume", "--json"]] {
        let again = desk.run(&args).summary();
        assert_eq!((&again["elapsed_s"], &again["requests"]), (&summary["elapsed_s"], &summary["requests"]));
        assert!(again["elapsed_s"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn every_command_ends_with_a_summary() {
    let service = sandbox(6, WireForm::Array, &["refuse=400411,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(6), &[]).exits(1);
    let commands: [&[&str]; 24] = [
        &["check", "people.csv"],
        &["plan", "people.csv"],
        &["resume"],
        &["retry", "--code", "400411"],
        &["status"],
        &["runs"],
        &["failures", "-o", "f.csv"],
        &["report"],
        &["report", "--format", "html", "-o", "r.html"],
        &["undo", "-o", "undo.csv"],
        &["verify"],
        &["licenses", "list"],
        &["logout"],
        &["version"],
        &["diff", "people.csv", "-o", "changes.csv"],
        &["rehearse", "people.csv"],
        &["user", "user2@example.com"],
        &["journal", "check"],
        &["journal", "backup", "copy.db"],
        &["journal", "prune", "--keep", "1"],
        &["status", "--journal", "seatbatch.db", "--journal", "copy.db"],
        &["runs", "--journal", "seatbatch.db", "--journal", "copy.db"],
        &["status", "--no-such-option"],
        &["status", "--config", "nowhere.toml"],
    ];
    for args in commands {
        let ran = desk.run(&[args, &["--json"]].concat());
        schema::hold(&ran.stdout, true);
        let exit = events(&ran).last().unwrap()["exit"].as_i64();
        assert_eq!(exit, Some(ran.code.into()), "{args:?}: {}", ran.stdout);
        let events = events(&ran);
        assert!(events.iter().all(|event| event["event"].is_string()), "{args:?}: {}", ran.stdout);
        assert_eq!(named(&events, "summary").len(), 1, "{args:?}: {} {}", ran.stdout, ran.stderr);
        assert_eq!(events.last().unwrap()["event"], "summary", "{args:?}");
    }
}

#[test]
fn nothing_that_people_read_is_a_word_of_the_program() {
    let faults = ["refuse=400411,user=user2@example.com", "drop=after,user=user3@example.com"];
    let service = sandbox(6, WireForm::Array, &faults);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(6));
    let args = ["apply", "people.csv", "--max-attempts", "2", "--batch-size", "1", "--rate", "unlimited"];
    let mut said = desk.run(&args).stderr;
    for args in
        [&["status"][..], &["runs"], &["report"], &["retry", "--code", "no"], &["failures", "-o", "f.csv"]]
    {
        let ran = desk.run(args);
        said = said + &ran.stdout + &ran.stderr;
    }
    for word in [
        "in_doubt",
        "(s)",
        "Some(",
        "None",
        "os error",
        "hyper",
        "reqwest",
        "sqlite",
        "1 operations",
        "1 rows",
        "1 users",
    ] {
        assert!(!said.contains(word), "'{word}' in: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_told_to_programs_all_the_same() {
    use std::os::unix::ffi::OsStrExt as _;
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let name = std::ffi::OsStr::from_bytes(b"people\xff.csv");
    std::fs::write(desk.folder().join(name), onboarding(2)).unwrap();
    let check =
        crate::harness::finish(desk.command(&["check", "--json"]).arg(name).spawn().unwrap()).exits(0);
    assert_eq!(check.summary()["file"], "people\u{fffd}.csv");
}
