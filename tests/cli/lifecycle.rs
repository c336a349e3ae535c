//! A run's life as its user sees it.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, counts, finish, onboarding, sandbox, sandbox_with, until};
use crate::scripted::{Scripted, answer};

#[test]
fn a_file_is_not_applied_twice_by_accident() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(0);
    let ran = desk.run(&["apply", "people.csv"]).exits(2);
    assert!(ran.stderr.contains("--again"), "{}", ran.stderr);
    assert_eq!(service.asked().len(), 1);
    desk.run(&["apply", "people.csv", "--again"]).exits(0);
    let runs = desk.run(&["runs", "--json"]).exits(0);
    assert_eq!(runs.stdout.lines().count(), 3, "two runs and the summary");
}

#[test]
fn nothing_is_sent_unasked_where_nobody_can_be_asked() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(2));
    for more in [&[][..], &["--json"]] {
        let ran = finish(desk.as_typed(&[&["apply", "people.csv"], more].concat()).spawn().unwrap()).exits(2);
        assert!(ran.stderr.contains("say --yes"), "{}", ran.stderr);
    }
    assert!(service.asked().is_empty() && !desk.path("seatbatch.db").exists());
    finish(desk.as_typed(&["apply", "people.csv", "--yes"]).spawn().unwrap()).exits(0);
    desk.run(&["resume", "--yes"]).exits(0);
    desk.run(&["retry", "--yes"]).exits(0);
}

#[test]
fn a_dry_run_is_a_plan() {
    let service = sandbox(5, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(2));
    let plan = desk.run(&["plan", "people.csv"]).exits(0);
    for flag in ["-n", "--dry-run"] {
        let ran = finish(desk.as_typed(&["apply", "people.csv", flag]).spawn().unwrap()).exits(0);
        // But for the time on the clock at which it would end.
        let told =
            |text: &str| text.lines().map(|line| line.split(": until").next().unwrap().to_owned()).collect();
        let (ran, plan): (Vec<String>, Vec<String>) = (told(&ran.stdout), told(&plan.stdout));
        assert_eq!(ran, plan);
    }
    assert!(!desk.path("seatbatch.db").exists());
}

#[test]
fn an_unfinished_run_points_to_resume_and_does_not_mind_a_changed_file() {
    let service = Scripted::start(|asked| if asked.number == 1 { answer(401, "") } else { answer(200, "") });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(3);
    let ran = desk.run(&["apply", "people.csv"]).exits(2);
    assert!(ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
    let status = desk.run(&["status"]).exits(0);
    assert!(
        status.stdout.contains("paused") && status.stdout.contains("seatbatch resume 1"),
        "{}",
        status.stdout
    );
    std::fs::remove_file(desk.path("people.csv")).unwrap();
    desk.run(&["resume"]).exits(0);
    assert_eq!(desk.count("done"), 2);
}

#[test]
fn resume_of_a_finished_run_ends_as_it_ended() {
    let service = Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"X"}}]"#));
    let desk = Desk::at(&service.url);
    let ran = desk.run(&["resume"]).exits(2);
    assert!(ran.stderr.contains("no journal"), "{}", ran.stderr);
    desk.apply(&onboarding(2), &[]).exits(1);
    std::fs::remove_file(desk.path("people.failures.csv")).unwrap();
    desk.run(&["resume"]).exits(1);
    assert_eq!(desk.failures().len(), 2);
    assert_eq!(service.asked().len(), 1);
    desk.run(&["resume", "7"]).exits(2);
}

#[test]
fn a_clean_run_leaves_a_failures_csv_with_the_header_alone() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(0);
    let written = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
    assert_eq!(
        written,
        "email,licenseId,line,state,error_code,error_message,http_status,tracking_id,attempts\n"
    );
}

#[test]
fn retry_sends_failed_operations_again_by_code() {
    let service = Scripted::start(|asked| match asked.number {
        1 => answer(
            206,
            r#"[{"email":"user1@example.com","error":{"code":"A"}},{"email":"user2@example.com","error":{"code":"B"}}]"#,
        ),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(4), &[]).exits(1);
    desk.run(&["retry", "--code", "B"]).exits(1);
    assert_eq!(service.asked()[1].users(), ["user2@example.com"]);
    assert_eq!(desk.states()[0].2.as_deref(), Some("A"));
    let summary = desk.run(&["retry", "--json"]).exits(0).summary();
    assert_eq!(counts(&summary, ["done", "failed"]), [4, 0]);
    assert_eq!(service.asked().len(), 3);
    desk.run(&["retry"]).exits(0);
    assert_eq!(service.asked().len(), 3, "nothing is left to send");
}

#[test]
fn repeated_rows_are_sent_once_and_share_the_outcome() {
    let service = Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"A"}}]"#));
    let desk = Desk::at(&service.url);
    let ran = desk
        .apply("email,licenseId\nuser1@example.com,L\nUSER1@example.com,L\nuser2@example.com,L\n", &[])
        .exits(1);
    assert_eq!(counts(&ran.summary(), ["total", "failed"]), [3, 2]);
    let states: Vec<_> = desk.states().into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, ["failed", "failed", "done"]);
    assert_eq!(service.asked()[0].body[0]["licenses"].as_array().unwrap().len(), 1);
    assert_eq!(desk.failures().len(), 3);
    let summary = desk.run(&["retry", "--json"]).exits(1).summary();
    assert_eq!(summary["failed"], 2);
}

#[test]
fn requests_have_the_form_of_the_specification() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    let csv = "email,personId,orgId,licenseId,operation,phoneNumber,extension,locationId,siteUrl,accountType\n\
        a@example.com,P1,,L1,add,+14085550100,100,LOC1,,\n\
        a@example.com,,,L2,remove,,,,,\n\
        a@example.com,,,,,,,,meet.example.com,attendee\n";
    desk.apply(csv, &["--org-id", "ORG"]).exits(0);
    let asked = &service.asked()[0];
    assert!(asked.head.starts_with("PATCH /v1/licenses/users "), "{}", asked.head);
    assert_eq!(
        asked.body,
        serde_json::json!([{
            "email": "a@example.com", "personId": "P1", "orgId": "ORG",
            "licenses": [
                {"id": "L1", "operation": "add",
                 "properties": {"locationId": "LOC1", "phoneNumber": "+14085550100", "extension": "100"}},
                {"id": "L2", "operation": "remove"}],
            "siteUrls": [{"siteUrl": "meet.example.com", "accountType": "attendee", "operation": "add"}],
        }])
    );
}

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

#[test]
fn a_second_writer_is_refused_at_once_and_readers_are_not() {
    let service = sandbox(20, WireForm::Array, &["delay=1500,times=1"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(20));
    desk.write("other.csv", onboarding(2));
    let child = desk.command(&["apply", "people.csv"]).spawn().unwrap();
    until("a request comes", || !service.requests().all().is_empty());
    for args in [&["apply", "other.csv"][..], &["resume"], &["retry"]] {
        let ran = desk.run(args).exits(4);
        assert!(ran.stderr.contains("another seatbatch process"), "{}", ran.stderr);
    }
    let status = desk.run(&["status"]).exits(0);
    assert!(status.stdout.contains("running\n"), "{}", status.stdout);
    desk.run(&["runs"]).exits(0);
    desk.run(&["report"]).exits(0);
    desk.run(&["failures", "-o", "f.csv"]).exits(0);
    finish(child).exits(0);
}

#[test]
fn the_pace_is_kept() {
    let service = sandbox(30, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(30), &["--batch-size", "1", "--rate", "50/s"]).exits(0);
    let times: Vec<u128> = service.requests().all().iter().map(|request| request.at.as_millis()).collect();
    // Thirty requests at 50 a second: 29 gaps of 20 ms, but for the slack that makes up for late timers.
    assert!(times[29] - times[0] >= 29 * 20 - 45, "{times:?}");
    assert!(times[4] - times[0] >= 4 * 20 - 45, "an opening burst: {times:?}");
}

#[test]
fn base_urls_that_would_show_the_token_are_refused() {
    let desk = Desk::at("http://example.com/v1");
    let ran = desk.apply(&onboarding(1), &[]).exits(2);
    assert!(ran.stderr.contains("https"), "{}", ran.stderr);
}

#[test]
fn a_run_goes_on_with_the_settings_it_had() {
    let service = Scripted::start(|asked| if asked.number == 2 { answer(401, "") } else { answer(200, "") });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(12), &["--batch-size", "3", "--concurrency", "1", "--failures", "f.csv"]).exits(3);
    let mut command = desk.command(&["resume"]);
    command.env_remove("SEATBATCH_BASE_URL");
    finish(command.spawn().unwrap()).exits(0);
    assert!(desk.path("f.csv").exists());
    assert_eq!(service.asked().last().unwrap().users().len(), 3);
}

#[test]
fn licenses_are_listed_in_every_form() {
    let service = sandbox(700, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(650), &[]).exits(0);
    let table = desk.run(&["licenses", "list"]).exits(0);
    assert!(table.stdout.contains("Webex Calling - Professional"), "{}", table.stdout);
    let csv = desk.run(&["licenses", "list", "--format", "csv"]).exits(0);
    assert!(csv.stdout.starts_with("name,total,consumed,left,site,id\n"));
    let id = crate::harness::license("Messaging");
    let users = desk.run(&["licenses", "show", &id, "--users", "--json"]).exits(0);
    assert_eq!(users.stdout.lines().count(), 651, "650 users and the summary");
    desk.run(&["licenses", "show", "nothing"]).exits(2);
}

#[test]
fn the_demo_runs_without_an_account() {
    let desk = Desk::at("https://example.com/never-asked");
    let mut command = desk.command(&["demo"]);
    command.env_remove("WEBEX_ACCESS_TOKEN");
    let ran = finish(command.spawn().unwrap()).exits(1);
    assert!(ran.stderr.contains("What to do next"), "{}", ran.stderr);
    // Its sandbox has ended: nothing is proposed that would need it, and what is proposed works.
    assert!(
        !ran.stderr.contains("seatbatch apply") && !ran.stderr.contains("seatbatch retry"),
        "{}",
        ran.stderr
    );
    for words in ["seatbatch failures", "seatbatch report"] {
        let proposed = crate::terminal::pasted(&desk, &ran.stderr, words).exits(0);
        assert!(proposed.stdout.contains("400411"), "{}", proposed.stdout);
    }
    assert!(!desk.path("seatbatch.db").exists());
}
