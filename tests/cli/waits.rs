//! Waits that the service asks for, and waits without an end.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{Desk, counts, finish, onboarding, until};
use crate::scripted::{Scripted, answer};

fn too_soon(seconds: &str) -> (u16, String, String) {
    (429, format!("Retry-After: {seconds}\r\n"), String::new())
}

#[test]
fn a_service_that_only_ever_asks_to_wait_is_given_up_and_nothing_has_failed() {
    let service = Scripted::start(|_| too_soon("0.3"));
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(3), &["--give-up-after", "1", "--batch-size", "1"]).exits(3);
    assert_eq!(counts(&ran.summary(), ["pending", "failed", "in_doubt"]), [3, 0, 0]);
    assert!(ran.stderr.contains("nothing gets through to the service (HTTP 429"), "{}", ran.stderr);
}

#[test]
fn a_wait_that_a_reading_is_told_is_the_runs_before_its_first_request() {
    let service = Scripted::start(|asked| match asked.head.starts_with("GET") {
        true if asked.number == 1 => too_soon("7200"),
        true => answer(403, r#"{"message":"not for you"}"#),
        false => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &["--snapshot", "auto"]).exits(3);
    let words = ["asks to wait 7", "longer than --max-wait"];
    assert!(words.iter().all(|words| ran.stderr.contains(words)), "{}", ran.stderr);
    let sent = || service.asked().iter().filter(|asked| asked.head.starts_with("PATCH")).count();
    assert_eq!(sent(), 0, "sent while the service wants everyone to wait");
    // Whoever comes back early waits as long as he bears, and asks and sends then.
    let resumed = desk.run(&["resume", "--max-wait", "2"]).exits(0);
    assert_eq!(resumed.stderr.matches("asks to wait").count(), 1, "{}", resumed.stderr);
    assert_eq!((sent(), service.asked().len()), (1, 3));
}

#[test]
fn a_wait_that_a_request_is_told_is_kept_with_the_run() {
    let service = Scripted::start(|asked| match asked.number {
        1 => too_soon("7200"),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &[]).exits(3);
    assert!(ran.stderr.contains("longer than --max-wait"), "{}", ran.stderr);
    let resumed = desk.run(&["resume", "--max-wait", "2"]).exits(0);
    assert_eq!(resumed.stderr.matches("asks to wait").count(), 1, "{}", resumed.stderr);
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn a_run_that_is_gone_on_with_is_running_while_it_reads() {
    static REACHED: AtomicBool = AtomicBool::new(false);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    let service = Scripted::start(|asked| match asked.head.starts_with("GET") {
        true if asked.number < 3 => answer(401, ""),
        true => {
            REACHED.store(true, Ordering::SeqCst);
            until("it may go on", || GO_ON.load(Ordering::SeqCst));
            answer(403, "")
        }
        false => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &["--snapshot", "yes"]).exits(3);
    let resumed = desk.command(&["resume", "--snapshot", "auto"]).spawn().unwrap();
    until("it reads", || REACHED.load(Ordering::SeqCst));
    let status = desk.run(&["status"]).exits(0);
    GO_ON.store(true, Ordering::SeqCst);
    finish(resumed).exits(0);
    assert!(!status.stdout.contains("paused"), "{}", status.stdout);
}
