//! A file beside the live organization: what plan says, what only changes, what is refused.

use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Options, Organization, Sandbox};
use serde_json::{Value, json};

use crate::harness::{Desk, TOKEN, counts, license, runtime, sandbox};

/// A sandbox with this organization.
pub(crate) fn organization(state: Value, wire: WireForm) -> Sandbox {
    let organization = Organization::from_state(serde_json::from_value(state).unwrap()).unwrap();
    runtime().block_on(Sandbox::start(Options::new(TOKEN, wire, organization))).unwrap()
}

/// Licenses A and B with so many units, and users who hold what is said.
fn two(a: u32, b: u32, users: &[(&str, &[&str])]) -> Value {
    let users: Vec<Value> = users
        .iter()
        .map(|(name, licenses)| json!({"email": format!("{name}@example.com"), "licenses": licenses}))
        .collect();
    json!({
        "licenses": [
            {"id": "A", "name": "Plan A", "totalUnits": a},
            {"id": "B", "name": "Plan B", "totalUnits": b},
        ],
        "sites": [],
        "users": users,
    })
}

fn events(stdout: &str, name: &str) -> Vec<Value> {
    let all = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|event| event["event"] == name).collect()
}

#[test]
fn what_changes_nothing_needs_no_unit() {
    let service = organization(two(2, 0, &[("a", &["A"]), ("b", &["A"]), ("c", &[])]), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write(
        "people.csv",
        "email,licenseId,operation\na@example.com,A,\nA@Example.com ,A,\nb@example.com,A,\nc@example.com,A,remove\n",
    );
    let ran = desk.run(&["plan", "people.csv", "--json"]).exits(0);
    let need = &events(&ran.stdout, "need")[0];
    assert_eq!(
        counts(need, ["adds", "adds_held", "removes", "removes_not_held", "left", "left_after"]),
        [2, 2, 1, 1, 0, 0]
    );
    assert_eq!(counts(&ran.summary(), ["would_fail", "users_nothing_new", "unchanged"]), [0, 3, 3]);
}

#[test]
fn the_order_that_is_needed_is_said_and_none_that_does_not_help() {
    // Both hold one of two scarce licenses and want the other: no order helps without a free unit.
    let swap = "email,licenseId,operation\na@example.com,A,remove\na@example.com,B,\nb@example.com,B,remove\nb@example.com,A,\n";
    let held: &[(&str, &[&str])] = &[("a", &["A"]), ("b", &["B"])];
    let stuck = organization(two(1, 1, held), WireForm::Array);
    let desk = Desk::at(&stuck.url());
    desk.write("swap.csv", swap);
    let ran = desk.run(&["plan", "swap.csv"]).exits(1);
    assert!(!ran.stdout.contains("--order"), "{}", ran.stdout);
    let ran = desk.run(&["plan", "swap.csv", "--json"]).exits(1);
    assert_eq!(ran.summary()["order_needed"], Value::Null);
    // With one free unit of A, b goes first and a follows: only waves find that.
    let fits = organization(two(2, 1, held), WireForm::Array);
    let desk = Desk::at(&fits.url());
    desk.write("swap.csv", swap);
    assert_eq!(desk.run(&["plan", "swap.csv", "--json"]).exits(1).summary()["order_needed"], "fit");
    // Who gives back stands below who gets.
    let late = organization(two(1, 0, &[("a", &["A"]), ("b", &[])]), WireForm::Array);
    let desk = Desk::at(&late.url());
    desk.write("late.csv", "email,licenseId,operation\nb@example.com,A,\na@example.com,A,remove\n");
    let ran = desk.run(&["plan", "late.csv", "--json"]).exits(1);
    assert_eq!(ran.summary()["order_needed"], "removes-first");
    let foreseen = events(&ran.stdout, "foreseen");
    assert_eq!(
        (foreseen.len(), &foreseen[0]["line"], &foreseen[0]["code"]),
        (1, &json!(2), &json!("NO_UNITS"))
    );
    desk.run(&["plan", "late.csv", "--order", "removes-first"]).exits(0);
}

#[test]
fn documented_rules_are_checked_for_what_the_user_will_hold() {
    let service = sandbox(10, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let (pro, console) = (license("Webex Calling - Prof"), license("Attendant"));
    desk.write(
        "people.csv",
        format!(
            "email,licenseId,phoneNumber\nuser1@example.com,{console},\nuser2@example.com,{pro},+14085550100\n\
             user2@example.com,{console},\nuser3@example.com,{pro},\n"
        ),
    );
    let ran = desk.run(&["plan", "people.csv", "--json"]).exits(1);
    let foreseen: Vec<(u64, String)> = events(&ran.stdout, "foreseen")
        .iter()
        .map(|event| (event["line"].as_u64().unwrap(), event["code"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(foreseen, [(2, "400408".to_owned()), (5, "400411".to_owned())]);
    // And so it comes.
    desk.run(&["apply", "people.csv", "--yes"]).exits(1);
    let failed: Vec<u32> =
        desk.states().into_iter().filter(|(_, state, _)| state == "failed").map(|(line, ..)| line).collect();
    assert_eq!(failed, [2, 5]);
}

#[test]
fn calling_removals_are_warned_of_and_so_is_a_license_that_nobody_keeps() {
    let pro = license("Webex Calling - Prof");
    let mut state = serde_json::to_value(Organization::generated(2).state()).unwrap();
    state["users"][0]["licenses"] = json!([pro]);
    let service = organization(state, WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", format!("email,licenseId,operation\nuser1@example.com,{pro},remove\n"));
    let ran = desk.run(&["plan", "people.csv"]).exits(0);
    assert!(ran.stdout.contains("attention: 1 Calling license taken away"), "{}", ran.stdout);
    assert!(ran.stdout.contains("nobody is left with Webex Calling - Professional"), "{}", ran.stdout);
    let refused = desk.run(&["apply", "people.csv", "--yes", "--max-removals", "50%"]).exits(2);
    assert!(refused.stderr.contains("nobody is left with it"), "{}", refused.stderr);
    desk.run(&["apply", "people.csv", "--yes", "--max-removals", "1"]).exits(0);
}

#[test]
fn only_what_changes_is_sent() {
    let users: Vec<(String, Vec<&str>)> =
        (1..=500).map(|n| (format!("u{n}"), if n % 100 == 0 { vec![] } else { vec!["A"] })).collect();
    let users: Vec<(&str, &[&str])> =
        users.iter().map(|(name, held)| (name.as_str(), held.as_slice())).collect();
    let service = organization(two(500, 0, &users), WireForm::Array);
    let desk = Desk::at(&service.url());
    let rows: String = (1..=500).map(|n| format!("u{n}@example.com,A\n")).collect();
    let csv = format!("email,licenseId\n{rows}");
    let ran = desk.apply(&csv, &["--only-changes", "--batch-size", "1"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["total", "done", "unchanged", "failed"]), [500, 5, 495, 0]);
    assert_eq!(service.requests().all().len(), 5);
    let again = desk.apply(&csv, &["--only-changes", "--again"]).exits(0);
    assert_eq!(counts(&again.summary(), ["total", "done", "unchanged", "requests"]), [500, 0, 500, 0]);
    assert_eq!(service.requests().all().len(), 5);
    assert_eq!(desk.count("unchanged"), 995);
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
fn a_saved_plan_is_held_to_where_it_matters() {
    use crate::harness::finish;
    let free: &[(&str, &[&str])] = &[("a", &[]), ("b", &[]), ("c", &["A"]), ("d", &["A"])];
    let service = organization(two(5, 1, free), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "email,licenseId\na@example.com,A\nb@example.com,A\n");
    desk.run(&["plan", "people.csv", "-o", "plan.json"]).exits(0);
    let other = Desk::at(&service.url());
    let give = |name: &str, license: &str| {
        other.apply(&format!("email,licenseId\n{name}@example.com,{license}\n"), &["--again"]).exits(0);
    };
    let apply = |more: &[&str]| {
        let args = [
            &["apply", "people.csv", "--plan", "plan.json", "--snapshot", "no", "--rate", "unlimited"],
            more,
        ];
        finish(desk.as_typed(&args.concat()).spawn().unwrap())
    };
    // Settings and the file count.
    let ran = apply(&["--batch-size", "7"]).exits(2);
    assert!(ran.stderr.contains("--batch-size was 100 and is 7 now"), "{}", ran.stderr);
    // A unit of another license does not.
    give("c", "B");
    // Two units remain for two users; without one of them it no longer holds.
    let scarce = organization(two(4, 1, free), WireForm::Array);
    let tight = Desk::at(&scarce.url());
    tight.write("people.csv", "email,licenseId\na@example.com,A\nb@example.com,A\n");
    tight.run(&["plan", "people.csv", "-o", "plan.json"]).exits(0);
    let mut state = two(4, 1, free);
    state["users"].as_array_mut().unwrap().push(json!({"email": "e@example.com", "licenses": ["A"]}));
    let changed = organization(state, WireForm::Array);
    let plan =
        std::fs::read_to_string(tight.path("plan.json")).unwrap().replace(&scarce.url(), &changed.url());
    let late = Desk::at(&changed.url());
    late.write("people.csv", "email,licenseId\na@example.com,A\nb@example.com,A\n");
    late.write("plan.json", plan);
    let ran =
        finish(late.as_typed(&["apply", "people.csv", "--plan", "plan.json"]).spawn().unwrap()).exits(2);
    assert!(ran.stderr.contains("Plan A: 2 units left then, 1 units left now"), "{}", ran.stderr);
    assert!(changed.requests().all().is_empty());
    apply(&[]).exits(0);
    desk.write("people.csv", "email,licenseId\nc@example.com,A\n");
    let ran = apply(&[]).exits(2);
    assert!(ran.stderr.contains("the file has changed"), "{}", ran.stderr);
}
