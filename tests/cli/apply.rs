//! `seatbatch apply`: the main job.

use seatbatch::domain::WireForm;
use serde_json::json;

use crate::harness::{Desk, counts, finish, held, onboarding, organization, sandbox, silent_desk};
use crate::scripted::{Scripted, answer};

#[test]
fn only_what_changes_is_sent() {
    // A hundred thousand users, of whom one in a hundred is not as the file says.
    const USERS: usize = 100_000;
    let user = |n: usize| {
        let held: &[&str] = if n.is_multiple_of(100) { &[] } else { &["A"] };
        json!({"email": format!("u{n}@example.com"), "licenses": held})
    };
    let state = json!({
        "licenses": [{"id": "A", "name": "Plan A", "totalUnits": USERS}],
        "sites": [],
        "users": (1..=USERS).map(user).collect::<Vec<_>>(),
    });
    let service = organization(state, WireForm::Array);
    let desk = Desk::at(&service.url());
    let rows: String = (1..=USERS).map(|n| format!("u{n}@example.com,A\n")).collect();
    let csv = format!("email,licenseId\n{rows}");
    let ran = desk.apply(&csv, &["--only-changes"]).exits(0);
    assert_eq!(
        counts(&ran.summary(), ["total", "done", "unchanged", "failed", "requests"]),
        [100_000, 1_000, 99_000, 0, 10]
    );
    assert_eq!(service.requests().all().len(), 10, "where all of it takes a thousand");
    let again = desk.apply(&csv, &["--only-changes", "--again"]).exits(0);
    assert_eq!(
        counts(&again.summary(), ["total", "done", "unchanged", "requests"]),
        [100_000, 0, 100_000, 0]
    );
    assert_eq!(service.requests().all().len(), 10);
    assert_eq!(desk.count("unchanged"), 199_000);
}

#[test]
fn only_changes_sends_nothing_where_the_lists_cannot_be_read() {
    use crate::scripted::{Scripted, answer};
    let service = Scripted::start(|asked| {
        if asked.head.starts_with("GET /v1/licenses?") || asked.head.starts_with("GET /v1/licenses ") {
            return answer(
                200,
                json!({"items": [{"id": "A", "name": "Plan A", "totalUnits": 5}]}).to_string(),
            );
        }
        if asked.head.starts_with("GET") { answer(404, "{}") } else { answer(200, "") }
    });
    let desk = Desk::at(&service.url);
    let ran = desk.apply("email,licenseId\na@example.com,A\n", &["--only-changes"]);
    assert!(ran.code != 0, "{}", ran.stdout);
    assert!(service.asked().iter().all(|asked| asked.head.starts_with("GET")));
}

#[test]
fn invalid_rows_stop_the_run_or_are_skipped() {
    let (service, desk) = silent_desk();
    let csv = "email,licenseId,note\nnobody,L1,x\na@example.com,L1,\"y, z\"\n";
    let ran = desk.apply(csv, &[]).exits(2);
    assert!(ran.stderr.contains("--on-invalid skip") && service.asked().is_empty(), "{}", ran.stderr);
    let summary = desk.apply(csv, &["--on-invalid", "skip"]).exits(1).summary();
    assert_eq!(counts(&summary, ["done", "invalid", "total"]), [1, 1, 2]);
    assert_eq!(desk.states()[0], (2, "invalid".into(), Some("BAD_EMAIL".into())));
    assert_eq!(desk.failures()[1][..6], ["nobody", "L1", "x", "2", "invalid", "BAD_EMAIL"]);
}

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
fn a_canary_goes_first_and_pauses_the_run_where_it_fails() {
    let service = sandbox(20, WireForm::Array, &["refuse=X,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(20), &["--canary", "3", "--batch-size", "10"]).exits(3);
    assert_eq!(counts(&ran.summary(), ["done", "failed", "pending"]), [2, 1, 17]);
    assert!(ran.stderr.contains("first 3 users did not all succeed"), "{}", ran.stderr);
    assert_eq!(service.requests().all().len(), 1);
    // Whoever resumes has looked.
    let ran = desk.run(&["resume", "--json"]).exits(1);
    assert_eq!(counts(&ran.summary(), ["done", "failed", "pending"]), [19, 1, 0]);
}

#[test]
fn a_canary_that_succeeds_lets_the_others_go() {
    let service = sandbox(20, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(20), &["--canary", "3", "--batch-size", "10"]).exits(0);
    let sizes: Vec<usize> = service.requests().all().iter().map(|request| request.users.len()).collect();
    assert_eq!((sizes[0], sizes.iter().sum::<usize>()), (3, 20), "{sizes:?}");
}

#[test]
fn a_snapshot_that_cannot_be_had_sends_nothing() {
    let service =
        Scripted::start(
            |asked| {
                if asked.head.starts_with("GET") { answer(403, "") } else { answer(200, "") }
            },
        );
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &["--snapshot"]).exits(3);
    assert!(ran.stderr.contains("licenses_read"), "{}", ran.stderr);
    assert!(service.asked().iter().all(|asked| asked.head.starts_with("GET")));
    let ran = desk.run(&["resume", "--json", "--snapshot", "no"]).exits(0);
    assert_eq!(ran.summary()["done"], 2);
}

#[test]
fn a_run_in_which_everything_fails_alike_says_what_is_probably_wrong() {
    let service = Scripted::start(|_| answer(404, "{}"));
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(4), &[]).exits(1);
    assert!(ran.stderr.contains("Everything failed alike, with HTTP_404"), "{}", ran.stderr);
    // A code of the service's own says what is wrong with the user.
    let service = sandbox(4, WireForm::Array, &["refuse=404"]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(4), &[]).exits(1);
    assert!(!ran.stderr.contains("alike"), "{}", ran.stderr);
}

#[test]
fn a_snapshot_is_kept_by_itself_where_it_costs_little() {
    let service = sandbox(4, WireForm::Array, &[]);
    Desk::at(&service.url()).apply(&onboarding(2), &[]).exits(0);
    let before = held(&service);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(4), &["--snapshot", "auto"]).exits(0);
    let undo = desk.run(&["undo", "-o", "undo.csv", "--json"]).exits(0);
    let event: serde_json::Value = serde_json::from_str(undo.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(counts(&event, ["rows", "not_known", "left_alone"]), [2, 0, 0]);
    desk.run(&["apply", "undo.csv"]).exits(0);
    assert_eq!(held(&service), before);
}

#[test]
fn a_snapshot_that_cannot_be_had_by_itself_is_said_and_done_without() {
    use crate::scripted::{Scripted, answer};
    let service =
        Scripted::start(
            |asked| if asked.head.starts_with("GET") { answer(403, "") } else { answer(200, "") },
        );
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &["--snapshot", "auto"]).exits(0);
    assert!(ran.stderr.contains("who held what before is not kept"), "{}", ran.stderr);
    let undo = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(undo.stderr.contains("of 2 operations it is not known"), "{}", undo.stderr);
}

#[test]
fn a_snapshot_by_itself_takes_a_hundred_requests_and_no_more() {
    use crate::scripted::{Scripted, answer};
    for (users, said) in [(30_000, None), (30_001, Some("it takes 101 requests"))] {
        let service = Scripted::start(move |asked| {
            let one = serde_json::json!({"id": "A", "name": "Plan A", "totalUnits": 99_999, "consumedUnits": users});
            match asked.head.starts_with("GET") {
                true if asked.head.contains("/licenses/A") => answer(200, r#"{"id":"A","users":[]}"#),
                true => answer(200, serde_json::json!({ "items": [one] }).to_string()),
                false => answer(200, ""),
            }
        });
        let desk = Desk::at(&service.url);
        let ran = desk.apply("email,licenseId\na@example.com,A\n", &["--snapshot", "auto"]).exits(0);
        let is_read = service.asked().iter().any(|asked| asked.head.starts_with("GET /v1/licenses/A"));
        assert_eq!(is_read, said.is_none(), "{}", ran.stderr);
        assert!(said.is_none_or(|said| ran.stderr.contains(said)), "{}", ran.stderr);
    }
}

#[test]
fn a_snapshot_that_grows_while_it_is_read_is_done_without() {
    use crate::scripted::{Scripted, answer};
    let id = crate::harness::license("Messaging");
    let path = format!("/v1/licenses/{id}");
    let service = Scripted::start(move |asked| {
        if !asked.head.starts_with("GET") {
            return answer(200, "");
        }
        if !asked.head.contains(&path) {
            let one = serde_json::json!({"id": id, "name": "Messaging", "totalUnits": 9, "consumedUnits": 1});
            return answer(200, serde_json::json!({ "items": [one] }).to_string());
        }
        // Others are at work: behind each page is another one.
        let more = format!("Link: <{path}?page={}>; rel=\"next\"\r\n", asked.number);
        (200, more, serde_json::json!({"id": id, "users": []}).to_string())
    });
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &["--snapshot", "auto"]).exits(0);
    assert!(ran.stderr.contains("it takes more than 100 requests"), "{}", ran.stderr);
    let pages = service.asked().iter().filter(|asked| asked.head.contains("page=")).count();
    assert_eq!(pages, 99);
    assert_eq!(service.asked().iter().filter(|asked| asked.head.starts_with("PATCH")).count(), 1);
}

#[test]
fn a_canary_that_succeeded_is_told() {
    let service = sandbox(9, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(9), &["--canary", "4"]).exits(0);
    assert!(
        ran.stderr.contains("the 4 users who went first are all done, and the others follow"),
        "{}",
        ran.stderr
    );
    // Where nobody is left to follow there is nothing to say.
    let other = Desk::at(&service.url());
    let ran = other.apply(&onboarding(4), &["--canary", "4"]).exits(0);
    assert!(!ran.stderr.contains("went first"), "{}", ran.stderr);
}
