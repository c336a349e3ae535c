//! `rehearse`: what would fail, in a copy, and so it comes.

use seatbatch::domain::WireForm;
use serde_json::{Value, json};

use crate::harness::{Desk, counts, organization};

/// An organization with scarce licenses, some of which are held.
fn seeded(random: &mut fastrand::Rng) -> (Value, String) {
    let names = [
        "Webex Calling - Professional",
        "Webex Calling - Standard",
        "Attendant Console",
        "Events",
        "Whiteboard",
    ];
    let users = 10 + random.usize(..30);
    let mut state = json!({"sites": [], "licenses": [], "users": []});
    for (number, name) in names.iter().enumerate() {
        let license = json!({"id": format!("L{number}"), "name": name, "totalUnits": users / 2 + random.usize(..users)});
        state["licenses"].as_array_mut().unwrap().push(license);
    }
    let mut rows = String::new();
    for user in 1..=users {
        let held: Vec<String> =
            [3, 4].into_iter().filter(|_| random.u8(..3) == 0).map(|n| format!("L{n}")).collect();
        let email = format!("u{user}@example.com");
        state["users"].as_array_mut().unwrap().push(json!({"email": email, "licenses": held}));
        for license in [0, 1, 2, 3, 4].into_iter().filter(|_| random.u8(..3) == 0).collect::<Vec<_>>() {
            let operation = if license > 2 && random.u8(..3) == 0 { "remove" } else { "add" };
            let phone = if random.u8(..4) > 0 { format!("+1408555{user:04}") } else { String::new() };
            rows += &format!("{email},L{license},{operation},{phone}\n");
        }
    }
    (state, format!("email,licenseId,operation,phoneNumber\n{rows}"))
}

/// The lines that fail, and those that are foreseen to.
fn lines(stdout: &str) -> Vec<u64> {
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines: Vec<u64> = events
        .filter(|event| event["event"] == "foreseen")
        .map(|event| event["line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn plan_and_rehearsal_name_what_then_fails_and_the_requests_are_exact() {
    let mut random = fastrand::Rng::with_seed(14);
    for case in 0..16 {
        let (state, csv) = seeded(&mut random);
        let wire = if case % 2 == 0 { WireForm::Array } else { WireForm::Object };
        let form = if case % 2 == 0 { "array" } else { "object" };
        let service = organization(state, wire);
        let desk = Desk::at(&service.url());
        desk.write("people.csv", &csv);
        let how = ["--wire", form, "--batch-size", "7", "--json", "--rate", "unlimited"];
        let plan = desk.run(&[&["plan", "people.csv"], &how[..]].concat());
        let rehearsed = desk.run(&[&["rehearse", "people.csv"], &how[..]].concat());
        assert!(service.requests().all().is_empty(), "nothing is changed");
        let one = ["--concurrency", "1"];
        let applied = desk.run(&[&["apply", "people.csv"], &how[..], &one[..]].concat());
        assert!(applied.code < 2, "case {case}: {}", applied.stderr);
        let failed: Vec<u64> = desk
            .states()
            .into_iter()
            .filter(|(_, state, _)| state == "failed")
            .map(|(line, ..)| u64::from(line))
            .collect();
        assert_eq!(lines(&plan.stdout), failed, "case {case}, plan of\n{csv}\n{}", plan.stdout);
        assert_eq!(
            lines(&rehearsed.stdout),
            failed,
            "case {case}, rehearsal of\n{csv}\n{}",
            rehearsed.stdout
        );
        let code = i32::from(!failed.is_empty());
        assert_eq!([rehearsed.code, applied.code], [code; 2], "case {case}: {}", rehearsed.stderr);
        assert_eq!(plan.code == 0, failed.is_empty(), "case {case}: {}", plan.stdout);
        let requests = [plan.summary(), applied.summary()].map(|summary| counts(&summary, ["requests"])[0]);
        assert_eq!(requests[0], requests[1], "case {case}");
    }
}
