//! Signals, and what was in flight.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, finish, onboarding, sandbox, sandbox_with, until};
use crate::scripted::{Scripted, answer};

fn signalled(signal: &str, pid: u32) {
    let status = std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_signal_lets_the_answers_come_home_and_pauses() {
    for signal in ["-INT", "-TERM"] {
        let service = sandbox_with(200, WireForm::Array, &[], |options| {
            options.latency = std::time::Duration::from_millis(100);
        });
        let desk = Desk::at(&service.url());
        desk.write("people.csv", onboarding(200));
        let child = desk
            .command(&[
                "apply",
                "people.csv",
                "--json",
                "--rate",
                "unlimited",
                "--batch-size",
                "2",
                "--concurrency",
                "2",
            ])
            .spawn()
            .unwrap();
        until("requests come", || service.requests().all().len() > 6);
        signalled(signal, child.id());
        let ran = finish(child).exits(3);
        let summary = ran.summary();
        assert!(ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
        assert_eq!((desk.count("sending"), desk.count("in_doubt")), (0, 0), "{signal}");
        assert_eq!(summary["state"], "paused");
        assert_eq!(u64::from(desk.count("done")), summary["done"].as_u64().unwrap());
        assert!(desk.path("people.failures.csv").exists());
        let asked = service.requests().all();
        assert_eq!(
            asked.iter().filter(|request| request.status == 200).count() * 2,
            desk.count("done") as usize
        );
        desk.run(&["resume"]).exits(0);
        assert_eq!(desk.count("done"), 200);
        let mut users: Vec<String> =
            service.requests().all().into_iter().flat_map(|request| request.users).collect();
        users.sort();
        users.dedup();
        assert_eq!(users.len(), 200);
    }
}

#[test]
fn a_second_signal_stops_at_once_and_loses_nothing() {
    let service = sandbox(20, WireForm::Array, &["delay=20000,times=1"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(20));
    let child = desk.command(&["apply", "people.csv"]).spawn().unwrap();
    until("a request comes", || !service.requests().all().is_empty());
    signalled("-INT", child.id());
    signalled("-TERM", child.id());
    let begun = std::time::Instant::now();
    finish(child).exits(3);
    assert!(begun.elapsed().as_secs() < 9, "it waited for the answer");
    let status = desk.run(&["status"]).exits(0);
    assert!(
        status.stdout.contains("interrupted") && status.stdout.contains("seatbatch resume 1"),
        "{}",
        status.stdout
    );
    assert_eq!(desk.count("sending"), 20);
    desk.run(&["resume"]).exits(0);
    assert_eq!(desk.count("done"), 20);
}

#[test]
fn an_intent_given_back_leaves_what_was_in_doubt_in_doubt() {
    let service = Scripted::start(|asked| match asked.number {
        1 => (0, String::new(), String::new()),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(5));
    let child = desk.command(&["apply", "people.csv", "--rate", "1/min"]).spawn().unwrap();
    until("it is about to be sent again", || {
        !service.asked().is_empty() && desk.count("sending") == 5 && {
            let attempts: u32 =
                desk.sql().query_row("SELECT max(attempts) FROM operations", [], |row| row.get(0)).unwrap();
            attempts == 1
        }
    });
    signalled("-INT", child.id());
    finish(child).exits(3);
    assert_eq!((desk.count("in_doubt"), service.asked().len()), (5, 1));
    desk.run(&["resume", "--rate", "unlimited"]).exits(0);
    assert_eq!(desk.count("done"), 5);
}
