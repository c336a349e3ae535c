//! Death at every named step of a run, at its first and at later passings, then `resume`.

use rusqlite::Connection;
use seatbatch::domain::WireForm;

use crate::harness::{Desk, onboarding, sandbox};

const USERS: u32 = 40;

/// Dies at the passing of a step that follows so many others, or ends before; tells which.
fn dies(desk: &Desk, args: &[&str], step: &str, others: u32) -> bool {
    let mut command = desk.command(args);
    command.env("FAILPOINTS", format!("{step}={others}*off->return"));
    command.spawn().unwrap().wait().unwrap().code().is_none()
}

/// What a user does after a death: goes on where there is something to go on with, else starts over.
fn go_on(desk: &Desk, apply: &[&str]) -> Vec<String> {
    let status = desk.run(&["status"]).stdout;
    let args = if status.contains("resume") || status.contains("finished") { &["resume"][..] } else { apply };
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

/// Kills runs at this step, once for each number of other passings; gives back how many died.
fn kill_at(step: &str, wire: WireForm, passings: impl Iterator<Item = u32>) -> u32 {
    let apply = ["apply", "people.csv", "--rate", "unlimited", "--batch-size", "4"];
    let mut deaths = 0;
    for others in passings {
        let service = sandbox(USERS, wire, &["status=503,from=3,times=1", "drop=after,from=5,times=1"]);
        let desk = Desk::at(&service.url());
        desk.write("people.csv", onboarding(USERS));
        deaths += u32::from(dies(&desk, &apply, step, others));
        // It dies at the same step again, and is gone on with again.
        let again = go_on(&desk, &apply);
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        deaths += u32::from(dies(&desk, &again, step, others));
        let last = go_on(&desk, &apply);
        desk.run(&last.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
        assert_eq!(desk.count("done"), USERS, "{step} after {others}");
        let held = service.state().users.iter().filter(|user| user.licenses.len() == 1).count();
        assert_eq!(held, USERS as usize, "{step} after {others}");
        let check: String = desk.sql().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        assert_eq!(desk.failures().len(), 1, "a header alone");
    }
    deaths
}

#[test]
fn death_at_any_step_of_sending_loses_nothing() {
    let steps = [
        "intent.written",
        "intent.committed",
        "request.leaves",
        "answer.arrived",
        "outcome.written",
        "outcome.committed",
    ];
    for step in steps {
        let deaths =
            kill_at(step, WireForm::Array, 0..10) + kill_at(step, WireForm::Object, (0..40).step_by(4));
        // Every first process dies. Whether the one that goes on gets to as many passings is up to the first.
        assert!(deaths >= 20, "{deaths} deaths at {step}");
    }
}

#[test]
fn death_at_any_step_of_importing_or_reporting_loses_nothing() {
    for step in ["import.begun", "import.written", "import.sealed", "failures.written", "failures.renamed"] {
        assert!(kill_at(step, WireForm::Array, 0..1) >= 1, "nobody died at {step}");
    }
}

#[test]
fn death_between_a_run_and_what_was_so_before_it_has_nothing_undone_that_was_so_before() {
    let service = sandbox(USERS, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(10), &[]).exits(0);
    desk.write("people.csv", onboarding(20));
    let fit = ["apply", "people.csv", "--order", "fit", "--snapshot", "auto"];
    assert!(dies(&desk, &fit, "import.sealed", 0), "nobody died");
    desk.run(&["resume"]).exits(0);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    let undone = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    assert_eq!(undone.lines().count(), 1 + 10, "{undone}");
    assert!(!undone.contains("user10@example.com") && undone.contains("user11@example.com"), "{undone}");
}

#[test]
fn death_while_a_journal_is_brought_to_a_new_format_leaves_one_or_the_other() {
    for step in ["migration.written", "migration.committed"] {
        let service = sandbox(USERS, WireForm::Array, &[]);
        let desk = Desk::at(&service.url());
        let old = Connection::open(desk.path("seatbatch.db")).unwrap();
        old.execute_batch(include_str!("../../../src/journal/schema_1.sql")).unwrap();
        old.execute_batch("PRAGMA application_id = 1397047636; PRAGMA user_version = 1").unwrap();
        drop(old);
        desk.write("people.csv", onboarding(USERS));
        assert!(dies(&desk, &["apply", "people.csv"], step, 0), "nobody died at {step}");
        desk.run(&["apply", "people.csv"]).exits(0);
        assert_eq!(desk.count("done"), USERS);
    }
}
