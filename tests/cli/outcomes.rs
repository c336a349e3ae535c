//! Every row of the contract's Outcomes table.

use std::collections::HashSet;
use std::sync::Mutex;

use seatbatch::domain::WireForm;

use crate::harness::{Desk, counts, license, onboarding, sandbox};
use crate::scripted::{Asked, Scripted, answer};

fn holding(asked: &Asked, licenses: &[&str]) -> String {
    serde_json::json!({"email": asked.users()[0], "licenses": licenses}).to_string()
}

/// Gives back lines in a state.
fn lines(desk: &Desk, state: &str) -> Vec<u32> {
    desk.states().into_iter().filter(|(_, is, _)| is == state).map(|(line, ..)| line).collect()
}

#[test]
fn plain_success_is_done() {
    for status in [200, 204] {
        let service = Scripted::start(move |_| answer(status, ""));
        let desk = Desk::at(&service.url);
        let summary = desk.apply(&onboarding(3), &[]).exits(0).summary();
        assert_eq!(counts(&summary, ["done", "requests"]), [3, 1], "{status}");
    }
}

#[test]
fn a_206_fails_the_named_users_by_person_id_then_by_address_without_case() {
    let service = Scripted::start(|_| {
        answer(
            206,
            r#"[{"email":"another@example.com","personId":"P2","error":{"code":"400411","message":"no number"}},
                {"email":"USER3@Example.com","error":{"code":400000,"message":"=cmd()"}},
                {"email":"user4@example.com"}]"#,
        )
    });
    let desk = Desk::at(&service.url);
    let csv = "email,personId,licenseId\n\
        user1@example.com,,L1\nuser2@example.com,P2,L1\nuser2@example.com,,L2\nuser3@example.com,,L1\nuser4@example.com,,L1\n";
    desk.apply(csv, &[]).exits(1);
    let failed = |line, code: &str| (line, "failed".to_owned(), Some(code.to_owned()));
    let done = |line| (line, "done".to_owned(), None);
    assert_eq!(
        desk.states(),
        [done(2), failed(3, "400411"), failed(4, "400411"), failed(5, "400000"), done(6)]
    );
    let rows = desk.failures();
    assert_eq!(rows[1][3..], ["3", "failed", "400411", "no number", "206", "T1", "1"]);
    assert_eq!(rows[3][6], "'=cmd()", "a formula from the service is defused");
}

#[test]
fn a_206_that_cannot_be_matched_or_read_leaves_the_batch_in_doubt() {
    for body in [r#"[{"email":"stranger@example.com","error":{"code":"1"}}]"#, "[{\"em", "{}", ""] {
        let service = Scripted::start(move |_| answer(206, body));
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(2), &["--max-attempts", "2"]).exits(1);
        assert_eq!(service.asked().len(), 2, "{body}");
        assert_eq!(lines(&desk, "in_doubt"), [2, 3], "{body}");
        let rows = desk.failures();
        assert_eq!((rows[1][3].as_str(), rows[1][4].as_str()), ("in_doubt", "IN_DOUBT"), "{body}");
    }
}

#[test]
fn the_object_form_is_compared_on_206_and_on_200() {
    for status in [200, 206] {
        let service = Scripted::start(move |asked| answer(status, holding(asked, &["L1", "L3"])));
        let desk = Desk::at(&service.url);
        let csv = "email,licenseId,operation\n\
            a@example.com,L1,add\na@example.com,L2,add\na@example.com,L3,remove\na@example.com,L4,remove\n";
        desk.apply(csv, &["--wire", "object"]).exits(1);
        assert_eq!(lines(&desk, "failed"), [3, 4], "{status}");
        assert_eq!(desk.states()[1].2.as_deref(), Some("NOT_APPLIED"));
        assert_eq!(lines(&desk, "done"), [2, 5], "{status}");
    }
}

#[test]
fn sites_and_pending_licenses_are_compared_too() {
    let service = Scripted::start(|_| {
        answer(
            206,
            r#"{"email":"a@example.com","licenses":[],"pendingLicenses":["L1"],
                "siteUrls":[{"siteUrl":"one.example.com","accountType":"ATTENDEE"}]}"#,
        )
    });
    let desk = Desk::at(&service.url);
    let csv = "email,licenseId,siteUrl,operation\n\
        a@example.com,L1,,add\na@example.com,,One.example.com,add\na@example.com,,two.example.com,add\n";
    desk.apply(csv, &["--wire", "object"]).exits(1);
    assert_eq!(lines(&desk, "failed"), [4]);
}

#[test]
fn a_rejected_batch_is_halved_until_the_guilty_stands_alone() {
    for (status, body, code) in [
        (400, r#"{"message":"m","errors":[{"errorCode":"400000","description":"d"}]}"#, "400000"),
        (404, "", "HTTP_404"),
        (409, r#"{"message":"busy"}"#, "HTTP_409"),
        (413, "", "HTTP_413"),
    ] {
        let service = Scripted::start(move |asked| {
            let guilty = asked.body.is_array() && asked.users().contains(&"user11@example.com".to_owned());
            if guilty { answer(status, body) } else { answer(200, "") }
        });
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(16), &["--wire", "array"]).exits(1);
        assert_eq!(lines(&desk, "failed"), [12], "{status}");
        assert_eq!(desk.states()[10].2.as_deref(), Some(code));
        // 16, then one of each pair of halves of 8, 4, 2 and 1 is guilty.
        assert_eq!(service.asked().len(), 9, "{status}");
    }
}

#[test]
fn a_refused_token_is_read_again_once_and_then_pauses_the_run() {
    let service =
        Scripted::start(|asked| if asked.token() == "good" { answer(200, "") } else { answer(401, "") });
    let desk = Desk::at(&service.url);
    let token = desk.write("token", "stale");
    let given = ["--token-file", token.to_str().unwrap()];
    let ran = desk.apply(&onboarding(3), &given).exits(3);
    assert!(ran.stderr.contains("401") && ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
    assert_eq!(desk.count("pending"), 3);
    assert_eq!(service.asked().len(), 1, "nothing leaves again with the same token");
    desk.write("token", "good");
    desk.run(&[&["resume"], &given[..]].concat()).exits(0);
    assert_eq!(desk.count("done"), 3);
}

#[test]
fn a_rotated_token_is_picked_up_in_the_middle_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first").unwrap();
    let rotated = path.clone();
    let service = Scripted::start(move |asked| match (asked.number, asked.token().as_str()) {
        (3, _) => {
            std::fs::write(&rotated, "second").unwrap();
            answer(401, "")
        }
        (4.., "first") => answer(401, ""),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(40), &["--batch-size", "4", "--token-file", path.to_str().unwrap()]).exits(0);
    assert_eq!(desk.count("done"), 40);
}

#[test]
fn a_403_pauses_and_names_the_scope() {
    let service = Scripted::start(|_| answer(403, r#"{"message":"missing scope"}"#));
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(3), &[]).exits(3);
    assert!(
        ran.stderr.contains("spark-admin:people_write") && ran.stderr.contains("missing scope"),
        "{}",
        ran.stderr
    );
    assert_eq!(desk.count("pending"), 3);
}

#[test]
fn passing_faults_are_sent_again() {
    for status in [408, 423, 425, 429, 500, 502, 503, 504] {
        let service = Scripted::start(
            move |asked| if asked.number == 1 { answer(status, "") } else { answer(200, "") },
        );
        let desk = Desk::at(&service.url);
        let summary = desk.apply(&onboarding(3), &[]).exits(0).summary();
        assert_eq!(counts(&summary, ["requests", "retries"]), [2, 1], "{status}");
    }
}

#[test]
fn lost_connections_and_late_answers_are_sent_again() {
    let cut = |_: &Asked| (200, "Content-Length: 100\r\n".to_owned(), "[".to_owned());
    let service = Scripted::start(move |asked| match asked.number {
        1 => (0, String::new(), String::new()),
        2 => cut(asked),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    let summary = desk.apply(&onboarding(3), &[]).exits(0).summary();
    assert_eq!(counts(&summary, ["requests", "done"]), [3, 3]);

    let slow = sandbox(3, WireForm::Array, &["delay=5000,times=1"]);
    let desk = Desk::at(&slow.url());
    desk.apply(&onboarding(3), &["--timeout", "1"]).exits(0);
}

#[test]
fn retry_after_pauses_the_whole_run_in_full() {
    let service = Scripted::start(|asked| match asked.number {
        2 => (429, "Retry-After: 1\r\n".to_owned(), String::new()),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(30), &["--batch-size", "1", "--concurrency", "1"]).exits(0);
    let gap: f64 = desk
        .sql()
        .query_row(
            "SELECT round((min(julianday(later.started_at)) - julianday(throttled.ended_at)) * 86400000)
             FROM attempts throttled JOIN attempts later ON later.attempt_id > throttled.attempt_id
             WHERE throttled.http_status = 429",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(gap >= 990.0, "{gap} ms after an answer that asked for 1 s");
}

#[test]
fn a_retry_after_that_is_too_long_pauses_the_run() {
    for wait in ["315360000", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let service = Scripted::start(move |_| (429, format!("Retry-After: {wait}\r\n"), String::new()));
        let desk = Desk::at(&service.url);
        let ran = desk.apply(&onboarding(3), &[]).exits(3);
        assert!(ran.stderr.contains("--max-wait"), "{}", ran.stderr);
        assert_eq!((desk.count("pending"), service.asked().len()), (3, 1));
    }
}

#[test]
fn a_senseless_retry_after_is_no_wait() {
    for wait in ["-5", "", "Sat, 01 Jan 2000 00:00:00 GMT"] {
        let service = Scripted::start(move |asked| match asked.number {
            1 => (503, format!("Retry-After: {wait}\r\n"), String::new()),
            _ => answer(200, ""),
        });
        Desk::at(&service.url).apply(&onboarding(3), &[]).exits(0);
    }
}

#[test]
fn a_retry_after_that_nobody_understands_is_half_a_minute() {
    for wait in ["rand(30),add(30)", "soon", "PT2S"] {
        let service = Scripted::start(move |_| (429, format!("Retry-After: {wait}\r\n"), String::new()));
        let desk = Desk::at(&service.url);
        let ran = desk.apply(&onboarding(3), &["--max-wait", "20"]).exits(3);
        assert!(ran.stderr.contains("30 s"), "{}", ran.stderr);
        assert_eq!(desk.count("pending"), 3);
    }
}

#[test]
fn attempts_run_out_for_one_batch_while_others_get_through() {
    let service = Scripted::start(|asked| {
        if asked.users().contains(&"user1@example.com".to_owned()) && asked.number > 1 {
            return answer(500, "");
        }
        if asked.number == 1 { answer(429, "") } else { answer(200, "") }
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(20), &["--batch-size", "5", "--max-attempts", "3", "--concurrency", "1"]).exits(1);
    assert_eq!(lines(&desk, "failed"), [2]);
    assert_eq!(desk.states()[0].2.as_deref(), Some("RETRIES_EXHAUSTED"));
}

#[test]
fn where_nothing_gets_through_the_run_pauses() {
    let service = Scripted::start(|_| answer(503, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(5), &["--max-attempts", "2", "--give-up-after", "1"]).exits(3);
    assert_eq!(desk.count("pending"), 5);

    let desk = Desk::alone();
    let ran = desk.apply(&onboarding(5), &["--max-attempts", "2", "--give-up-after", "1"]).exits(3);
    assert!(ran.stderr.contains("nothing gets through"), "{}", ran.stderr);
    assert_eq!(desk.count("pending"), 5);
}

#[test]
fn other_answers_leave_the_batch_in_doubt_and_are_kept() {
    let elsewhere = Scripted::start(|_| answer(200, ""));
    let target = elsewhere.url.clone();
    for status in [202, 301, 303, 307, 501] {
        let location = format!("Location: {target}/licenses/users\r\n");
        let service = Scripted::start(move |_| (status, location.clone(), String::new()));
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(2), &["--max-attempts", "1"]).exits(1);
        assert_eq!(lines(&desk, "in_doubt"), [2, 3], "{status}");
        let kept: u16 =
            desk.sql().query_row("SELECT http_status FROM attempts", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, status);
    }
    assert!(elsewhere.asked().is_empty(), "a redirect was followed");
}

#[test]
fn auto_finds_the_object_form_and_remembers_it() {
    let service = sandbox(50, WireForm::Object, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(50), &[]).exits(0);
    let wire: String = desk.sql().query_row("SELECT wire FROM run", [], |row| row.get(0)).unwrap();
    assert_eq!(wire, "object");
    let rejected = service.requests().all().iter().filter(|request| request.status == 400).count();
    assert!(rejected < 10, "{rejected} requests to find out");
    for n in 1..=50 {
        assert_eq!(service.user(&format!("user{n}@example.com")).unwrap().licenses, [license("Messaging")]);
    }
}

#[test]
fn a_mistake_that_concerns_every_request_pauses_early() {
    let service = Scripted::start(|_| answer(404, "not here"));
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(1000), &[]).exits(3);
    assert!(ran.stderr.contains("probably"), "{}", ran.stderr);
    assert_eq!((desk.count("pending"), desk.count("failed")), (1000, 0));
    assert!(service.asked().len() < 60, "{} requests", service.asked().len());
}

#[test]
fn a_few_refusals_without_a_code_are_refusals() {
    let service = Scripted::start(|_| answer(404, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    assert_eq!(desk.count("failed"), 3);
    assert_eq!(desk.states()[0].2.as_deref(), Some("HTTP_404"));
}

#[test]
fn too_many_failures_pause_the_run() {
    let service = Scripted::start(|asked| {
        let items: Vec<_> = asked
            .users()
            .iter()
            .map(|user| serde_json::json!({"email": user, "error": {"code": "X"}}))
            .collect();
        answer(206, serde_json::to_string(&items).unwrap())
    });
    let desk = Desk::at(&service.url);
    let ran = desk
        .apply(&onboarding(100), &["--batch-size", "5", "--max-failures", "10%", "--concurrency", "1"])
        .exits(3);
    assert!(ran.stderr.contains("--max-failures"), "{}", ran.stderr);
    assert_eq!((desk.count("failed"), desk.count("pending"), desk.count("sending")), (15, 85, 0));
}

#[test]
fn a_user_is_never_in_two_requests_at_once_and_keeps_file_order() {
    let flying = Mutex::new(HashSet::new());
    let service = Scripted::start(move |asked| {
        for user in asked.users() {
            assert!(flying.lock().unwrap().insert(user), "a user in two requests");
        }
        let reply = if asked.number % 3 == 0 { answer(503, "") } else { answer(200, "") };
        for user in asked.users() {
            flying.lock().unwrap().remove(&user);
        }
        reply
    });
    let desk = Desk::at(&service.url);
    let rows: String =
        (0..60).map(|n| format!("user{}@example.com,L{n},{}\n", n % 20, ["add", "remove"][n % 2])).collect();
    desk.apply(&format!("email,licenseId,operation\n{rows}"), &["--batch-size", "2"]).exits(0);
    for asked in service.asked() {
        for user in asked.body.as_array().unwrap() {
            let ids: Vec<u32> = user["licenses"]
                .as_array()
                .unwrap()
                .iter()
                .map(|l| l["id"].as_str().unwrap()[1..].parse().unwrap())
                .collect();
            assert_eq!(ids.len(), 3);
            assert!(ids.is_sorted(), "{ids:?}");
        }
    }
}

#[test]
fn nothing_getting_through_for_long_enough_pauses_the_run() {
    let service = Scripted::start(|asked| if asked.number == 1 { answer(200, "") } else { answer(503, "") });
    let desk = Desk::at(&service.url);
    let args = ["--batch-size", "1", "--concurrency", "1", "--give-up-after", "2", "--max-attempts", "50"];
    let ran = desk.apply(&onboarding(4), &args).exits(3);
    assert_eq!(counts(&ran.summary(), ["done", "failed", "pending"]), [1, 0, 3]);
    assert!(ran.stderr.contains("nothing gets through"), "{}", ran.stderr);
}

#[test]
fn an_absurd_retry_after_means_neither_sleep_nor_loss() {
    for absurd in ["-5", "Wed, 21 Oct 2015 07:28:00 GMT", "0", ""] {
        let header = format!("Retry-After: {absurd}\r\n");
        let service = Scripted::start(move |asked| {
            if asked.number == 1 { (429, header.clone(), String::new()) } else { answer(200, "") }
        });
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(2), &[]).exits(0);
    }
    for long in ["315360000", "99999999999999999999", "Wed, 21 Oct 2099 07:28:00 GMT"] {
        let header = format!("Retry-After: {long}\r\n");
        let service = Scripted::start(move |_| (429, header.clone(), String::new()));
        let desk = Desk::at(&service.url);
        let ran = desk.apply(&onboarding(2), &[]).exits(3);
        assert!(ran.stderr.contains("longer than --max-wait"), "{long}: {}", ran.stderr);
        assert_eq!(desk.count("pending"), 2);
    }
}
