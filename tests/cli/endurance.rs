//! What a long run meets: throttling, outages, somebody else's answers, users who are refused, and orders that wait.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Desk, counts, onboarding};
use crate::scripted::{Answer, Asked, Scripted, answer};

fn throttled() -> Answer {
    (429, "Retry-After: 0.01\r\n".to_owned(), String::new())
}

/// Whether nothing of a run is done or failed but what is said.
fn settled(desk: &Desk) -> [u32; 3] {
    ["done", "failed", "in_doubt"].map(|state| desk.count(state))
}

#[test]
fn throttling_spends_no_attempt_and_what_it_met_goes_first() {
    let times: Mutex<HashMap<String, u32>> = Mutex::default();
    let service = Scripted::start(move |asked| {
        let mut times = times.lock().unwrap();
        let met = times.entry(asked.users()[0].clone()).or_default();
        *met += 1;
        if *met <= 6 { throttled() } else { answer(200, "") }
    });
    let desk = Desk::at(&service.url);
    let more = ["--batch-size", "1", "--max-attempts", "2", "--concurrency", "1"];
    let summary = desk.apply(&onboarding(5), &more).exits(0).summary();
    assert_eq!(counts(&summary, ["done", "failed", "requests"]), [5, 0, 35]);
    // Nobody new before whoever was throttled has got through.
    let users: Vec<String> = service.asked().iter().map(|asked| asked.users()[0].clone()).collect();
    let expected = (1..=5).flat_map(|user| vec![format!("user{user}@example.com"); 7]);
    assert_eq!(users, expected.collect::<Vec<_>>());
}

#[test]
fn whoever_gets_a_license_waits_for_a_slow_answer_to_whoever_gives_it_back() {
    const UNITS: usize = 20;
    let (used, removals) = (AtomicUsize::new(UNITS), AtomicUsize::new(0));
    let added = std::sync::Arc::new(AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&added);
    let service = Scripted::start(move |asked: &Asked| {
        let list = asked.body.as_array().unwrap();
        let operation =
            |user: &serde_json::Value| user["licenses"][0]["operation"].as_str() == Some("remove");
        if operation(&list[0]) {
            assert!(list.iter().all(operation), "somebody gets a license before it was given back");
            if removals.fetch_add(1, Ordering::SeqCst) == 1 {
                // Whoever does not wait for this comes meanwhile.
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(500) && !seen.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            }
            used.fetch_sub(list.len(), Ordering::SeqCst);
            return answer(200, "");
        }
        seen.store(true, Ordering::SeqCst);
        if used.fetch_add(list.len(), Ordering::SeqCst) + list.len() <= UNITS {
            return answer(200, "");
        }
        used.fetch_sub(list.len(), Ordering::SeqCst);
        let refused = asked.users().into_iter().map(|email| {
            serde_json::json!({"email": email, "error": {"code": "400414", "message": "no units are left"}})
        });
        answer(206, serde_json::Value::from(refused.collect::<Vec<_>>()).to_string())
    });
    let desk = Desk::at(&service.url);
    let row = |user: u32| format!("user{user}@example.com,L,{}\n", if user > 20 { "add" } else { "remove" });
    let rows: String = (1..=40).rev().map(row).collect();
    let csv = format!("email,licenseId,operation\n{rows}");
    let more = ["--order", "removes-first", "--batch-size", "10"];
    let summary = desk.apply(&csv, &more).exits(0).summary();
    assert_eq!(counts(&summary, ["done", "failed", "requests"]), [40, 0, 4]);
}

#[test]
fn an_outage_in_the_middle_loses_nobody_however_often_all_were_tried() {
    let well = std::sync::Arc::new(AtomicBool::new(false));
    let again = std::sync::Arc::clone(&well);
    let service = Scripted::start(move |asked| match asked.number {
        1..=3 => answer(200, ""),
        _ if again.load(Ordering::SeqCst) => answer(200, ""),
        _ => answer(503, ""),
    });
    let desk = Desk::at(&service.url);
    // One request at a time: no success is still on its way when the outage begins.
    let more = ["--batch-size", "2", "--max-attempts", "2", "--give-up-after", "3s", "--concurrency", "1"];
    let ran = desk.apply(&onboarding(20), &more).exits(3);
    assert!(ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
    assert_eq!(settled(&desk), [6, 0, 0]);
    assert_eq!(desk.count("pending"), 14);
    well.store(true, Ordering::SeqCst);
    desk.run(&["resume", "--json"]).exits(0);
    assert_eq!(settled(&desk), [20, 0, 0]);
}

#[test]
fn one_user_who_is_forbidden_stands_alone_wherever_he_stands() {
    for (first, whose) in [(true, 1), (false, 5)] {
        let service = Scripted::start(move |asked| {
            if asked.users().contains(&format!("user{whose}@example.com")) {
                return answer(403, r#"{"message":"not this one","trackingId":"T"}"#);
            }
            answer(200, "")
        });
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(9), &["--batch-size", "4"]).exits(1);
        assert_eq!(settled(&desk), [8, 1, 0], "first: {first}");
        let failed: Vec<_> = desk.states().into_iter().filter(|(_, state, _)| state == "failed").collect();
        assert_eq!(failed, [(whose + 1, "failed".to_owned(), Some("HTTP_403".to_owned()))]);
    }
}

#[test]
fn somebody_elses_answers_in_the_middle_pause_and_lose_nobody() {
    let page = "<html><title>Sign in</title></html>";
    let strange: [Answer; 3] = [
        (302, "Location: https://sso.example.com/login\r\n".to_owned(), String::new()),
        answer(501, ""),
        (404, "Content-Type: text/html\r\n".to_owned(), page.to_owned()),
    ];
    for given in strange {
        let well = std::sync::Arc::new(AtomicBool::new(false));
        let (again, status) = (std::sync::Arc::clone(&well), given.0);
        let service = Scripted::start(move |asked| match asked.number {
            1..=3 => answer(200, ""),
            _ if again.load(Ordering::SeqCst) => answer(200, ""),
            _ => given.clone(),
        });
        let desk = Desk::at(&service.url);
        let ran = desk.apply(&onboarding(100), &["--batch-size", "1", "--concurrency", "1"]).exits(3);
        assert!(ran.stderr.contains(&format!("HTTP {status}")), "{}", ran.stderr);
        assert_eq!(service.asked().len(), 6, "{status}");
        assert_eq!((desk.count("done"), desk.count("failed"), desk.count("pending")), (3, 0, 94));
        assert_eq!(desk.count("in_doubt"), 3);
        well.store(true, Ordering::SeqCst);
        desk.run(&["resume", "--json"]).exits(0);
        assert_eq!(settled(&desk), [100, 0, 0]);
    }
}
