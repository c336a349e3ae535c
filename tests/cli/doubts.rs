//! What is in doubt is asked about.

use seatbatch::domain::WireForm;
use seatbatch::sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{Desk, finish, license, onboarding, sandbox, until};
#[cfg(unix)]
use crate::scripted::Gate;
use crate::scripted::{Scripted, answer};

/// A run of five users whose process dies while their request is under way.
fn doubtful(service: &Sandbox, desk: &Desk) {
    desk.write("people.csv", onboarding(5));
    let mut child = desk.command(&["apply", "people.csv", "--rate", "unlimited"]).spawn().unwrap();
    until("a request comes", || !service.requests().all().is_empty());
    child.kill().unwrap();
    finish(child);
    assert_eq!(desk.count("sending"), 5);
}

#[test]
fn what_is_in_doubt_is_asked_about_before_it_is_sent_again() {
    let service = sandbox(5, WireForm::Array, &["delay=20000,times=1"]);
    let desk = Desk::at(&service.url());
    doubtful(&service, &desk);
    // It is so all the same.
    Desk::at(&service.url()).apply(&onboarding(5), &[]).exits(0);
    let before = service.requests().all().len();
    let ran = desk.run(&["resume", "--json", "--in-doubt", "verify"]).exits(0);
    assert_eq!(ran.summary()["done"], 5);
    assert_eq!(service.requests().all().len(), before, "nothing had to be sent");
}

#[test]
fn what_was_not_done_is_sent_after_asking() {
    let service = sandbox(5, WireForm::Array, &["delay=20000,times=1", "drop=before,times=1"]);
    let desk = Desk::at(&service.url());
    doubtful(&service, &desk);
    let ran = desk.run(&["resume", "--json", "--in-doubt", "verify"]).exits(0);
    assert_eq!(ran.summary()["done"], 5);
    assert!(service.requests().all().len() >= 2);
    let user = service.user("user5@example.com").unwrap();
    assert_eq!(user.licenses, [license("Messaging")]);
}

#[test]
fn who_is_refused_after_an_error_in_the_middle_is_looked_up_before_he_is_called_failed() {
    // The gateway did not wait for the answer: the license was taken away, and cannot be taken away twice.
    let rest = json!({"id": "LIC", "users": [{"id": "P2", "email": "user2@example.com"}]});
    let gone = (200, rest.to_string());
    for (list, states) in [
        (gone, ["done", "failed", "done"]),
        ((403, json!({"message": "no"}).to_string()), ["failed", "failed", "done"]),
    ] {
        let service = Scripted::start(move |asked| match (asked.head.starts_with("GET"), asked.number) {
            (true, _) => answer(list.0, list.1.clone()),
            (_, 1) => answer(504, "<html>Gateway Timeout</html>"),
            _ => {
                let refused =
                    |user: &str| json!({"email": user, "error": {"code": "400006", "message": "no"}});
                let users = asked.users().into_iter().filter(|user| user != "user3@example.com");
                answer(206, Value::Array(users.map(|user| refused(&user)).collect()).to_string())
            }
        });
        let desk = Desk::at(&service.url);
        let rows = (1..=3).map(|n| format!("user{n}@example.com,LIC,remove\n")).collect::<String>();
        desk.apply(&format!("email,licenseId,operation\n{rows}"), &["--wire", "array", "--snapshot", "no"])
            .exits(1);
        let stood = desk.states().into_iter().map(|(_, state, _)| state).collect::<Vec<_>>();
        assert_eq!(stood, states);
    }
}

#[test]
fn an_error_in_the_middle_is_not_forgotten_by_whoever_goes_on() {
    let service = Scripted::start(|asked| match (asked.head.starts_with("GET"), asked.number) {
        (true, _) => answer(200, json!({"id": "LIC", "users": []}).to_string()),
        (_, 1) => answer(504, ""),
        (_, 2) => (429, "Retry-After: 7200\r\n".to_owned(), String::new()),
        _ => answer(400, json!({"message": "no", "errors": [{"errorCode": "400006"}]}).to_string()),
    });
    let desk = Desk::at(&service.url);
    let args = ["--wire", "array", "--snapshot", "no"];
    desk.apply("email,licenseId,operation\na@example.com,LIC,remove\n", &args).exits(3);
    assert_eq!(desk.count("pending"), 1);
    let ran = desk.run(&["resume", "--json", "--max-wait", "1"]).exits(0);
    assert_eq!(ran.summary()["done"], 1);
}

#[test]
fn a_list_of_holders_is_read_once_for_all_that_is_in_doubt() {
    // Every third answer is lost the first time, and of those users one in two holds the license.
    let users = |number: u64| {
        (1..=number).map(|n| json!({"id": format!("P{n}"), "email": format!("user{n}@example.com")}))
    };
    let held: Vec<Value> = users(12).step_by(2).collect();
    let service = Scripted::start(move |asked| {
        if asked.head.starts_with("GET") {
            return answer(200, json!({"id": license("Messaging"), "users": held}).to_string());
        }
        answer(if asked.number <= 12 && asked.number % 3 == 0 { 0 } else { 200 }, "")
    });
    let desk = Desk::at(&service.url);
    let args = ["--in-doubt", "verify", "--batch-size", "1", "--concurrency", "1"];
    let summary = desk.apply(&onboarding(12), &args).exits(0).summary();
    assert_eq!(summary["done"], 12);
    let asked = service.asked();
    let reads = asked.iter().filter(|asked| asked.head.starts_with("GET")).count();
    assert_eq!((reads, asked.len()), (1, 12 + 1 + 2), "two were sent again");
}

#[cfg(unix)]
#[test]
fn a_stop_while_the_service_is_asked_ends_the_asking_without_a_word() {
    let service = Scripted::start(|asked| match asked.head.starts_with("GET") {
        true => answer(503, ""),
        false => (0, String::new(), String::new()),
    });
    let desk = Desk::at(&service.url);
    desk.write("people.csv", "email,licenseId\na@example.com,L1\n");
    let args =
        ["apply", "people.csv", "--yes", "--rate", "unlimited", "--in-doubt", "verify", "--snapshot", "no"];
    let child = desk.command(&args).spawn().unwrap();
    // It waits for its next try, on a thread that nobody waits for.
    until("the service is asked", || {
        service.asked().iter().filter(|asked| asked.head.starts_with("GET")).count() > 2
    });
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let ran = finish(child).exits(3);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Paused: stopped by a signal"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn whoever_does_not_wait_for_the_answers_is_told_how_to_go_on_too() {
    let gate = Gate::default();
    let service = Scripted::behind(&gate);
    let desk = Desk::at(&service.url);
    desk.write("people.csv", "email,licenseId\na@example.com,L1\n");
    let args = ["apply", "people.csv", "--yes", "--json", "--snapshot", "no"];
    let child = desk.command(&args).stderr(std::fs::File::create(desk.path("err")).unwrap()).spawn().unwrap();
    until("a request comes", || !service.asked().is_empty());
    let told = |what: &str| std::fs::read_to_string(desk.path("err")).unwrap().contains(what);
    for words in ["Stopping: one answer is awaited", "Stopped at once"] {
        std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
        until(words, || told(words));
    }
    let ran = finish(child).exits(3);
    gate.open();
    assert!(told("Go on with: seatbatch resume 1"));
    assert_eq!((&ran.summary()["event"], &ran.summary()["run"]), (&json!("summary"), &json!(1)));
    let ran = desk.run(&["resume", "--json"]).exits(0);
    assert_eq!(ran.summary()["done"], 1);
}
