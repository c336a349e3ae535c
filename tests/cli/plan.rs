//! `seatbatch plan`: a file beside the live organization, before anything is sent.

use seatbatch::domain::WireForm;
use seatbatch::sandbox::Organization;
use serde_json::{Value, json};

use crate::harness::{Desk, counts, finish, license, onboarding, organization, sandbox, two};

fn events(stdout: &str, name: &str) -> Vec<Value> {
    let all = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|event| event["event"] == name).collect()
}

#[test]
fn plan_compares_what_is_wanted_with_what_is_left_and_changes_nothing() {
    let service = sandbox(200, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let rows: String = (1..=150).map(|n| format!("user{n}@example.com,messaging,add\n")).collect();
    let scarce: String = (1..=3).map(|n| format!("user{n}@example.com,Attendant Console,add\n")).collect();
    desk.write("people.csv", format!("email,license,operation\n{rows}{scarce}"));
    let ran = desk.run(&["plan", "people.csv"]).exits(1);
    let said = ran.stdout.replace(&service.url(), "URL");
    let said = said.lines().take_while(|line| !line.starts_with("2 requests")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(said, @"
    people.csv: 153 rows for 150 users: 153 to add, 0 to remove
    service: URL
    organization: the token's own
     license or site    units  used  left  add  held  remove  not held  after  fits
     Messaging            200     0   200  150     0       0         0     50  yes
     Attendant Console      2     0     2    3     0       0         0     -1  no
    ");
    assert!(ran.stdout.contains("2 requests at auto:300/min, at least 0.2 s: until 20"), "{}", ran.stdout);
    assert!(ran.stdout.contains("if the service takes one user per request: 150 requests"), "{}", ran.stdout);
    let short = "Attendant Console is 1 unit short: 3 wanted, 2 left, 0 given back by the file";
    assert!(ran.stdout.contains(short), "{}", ran.stdout);
    assert!(service.requests().all().is_empty());
    assert!(!desk.path("seatbatch.db").exists());
}

#[test]
fn plan_says_which_license_there_is_not() {
    let service = sandbox(200, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("other.csv", "email,licenseId\nuser1@example.com,nothing\n");
    let ran = desk.run(&["plan", "other.csv"]).exits(1);
    assert!(ran.stdout.contains("has no license nothing"), "{}", ran.stdout);
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
    let ran = desk.run(&["plan", "people.csv", "--only-changes", "--json"]).exits(0);
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
    // One of two stays out in every order but the file's, in which both do: that is told of the file's alone.
    let short = organization(two(1, 0, &[("a", &["A"]), ("b", &[]), ("c", &[])]), WireForm::Array);
    let desk = Desk::at(&short.url());
    desk.write(
        "short.csv",
        "email,licenseId,operation\nb@example.com,A,\nc@example.com,A,\na@example.com,A,remove\n",
    );
    for (order, needed) in
        [("file", json!("removes-first")), ("removes-first", Value::Null), ("fit", Value::Null)]
    {
        let ran = desk.run(&["plan", "short.csv", "--order", order, "--json"]).exits(1);
        assert_eq!(ran.summary()["order_needed"], needed, "{order}");
    }
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
    assert!(ran.stdout.contains("attention: 1 Calling license is taken away"), "{}", ran.stdout);
    assert!(ran.stdout.contains("nobody is left with Webex Calling - Professional"), "{}", ran.stdout);
    let refused = desk.run(&["apply", "people.csv", "--yes", "--max-removals", "50%"]).exits(2);
    assert!(refused.stderr.contains("nobody is left with it"), "{}", refused.stderr);
    desk.run(&["apply", "people.csv", "--yes", "--max-removals", "1"]).exits(0);
    desk.write("site.csv", "email,siteUrl,operation\na@example.com,x.example.com,remove\n");
    let refused = desk.run(&["apply", "site.csv", "--yes", "--max-removals", "0"]).exits(2);
    assert!(
        refused.stderr.contains("x.example.com would be taken away from 1 user (who holds it is not known)"),
        "{}",
        refused.stderr
    );
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
    assert!(ran.stderr.contains("Plan A: 2 units left then, 1 unit left now"), "{}", ran.stderr);
    assert!(ran.stderr.contains("0 operations would have failed then, 1 operation now"), "{}", ran.stderr);
    assert!(changed.requests().all().is_empty());
    apply(&[]).exits(0);
    desk.write("people.csv", "email,licenseId\nc@example.com,A\n");
    let ran = apply(&[]).exits(2);
    assert!(ran.stderr.contains("the file has changed"), "{}", ran.stderr);
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
fn a_saved_plan_holds_the_run_to_what_was_asked_of_whom() {
    let csv = "email,license,Deputy\nuser1@example.com,Messaging,user3@example.com\n";
    let events = "[bundles.A]\nlicenses = [\"Events\"]\n";
    let ways: [(&[&str], &[&str], &str); 5] = [
        (&[], &["--set", "operation=remove"], ""),
        (&[], &["--map", "email=Deputy"], ""),
        (&["--ignore", "license", "--add", "Messaging"], &["--ignore", "license", "--add", "Events"], ""),
        (
            &["--ignore", "license", "--add", "Messaging"],
            &["--ignore", "license", "--remove", "Messaging"],
            "",
        ),
        (
            &["--set", "bundle=A", "--ignore", "license"],
            &["--set", "bundle=A", "--ignore", "license"],
            events,
        ),
    ];
    for (planned, applied, configuration) in ways {
        let service = sandbox(4, WireForm::Array, &[]);
        let desk = Desk::at(&service.url());
        desk.write("people.csv", csv);
        desk.write("seatbatch.toml", "[bundles.A]\nlicenses = [\"Messaging\"]\n");
        desk.run(&[&["plan", "people.csv", "-o", "plan.json"], planned].concat()).exits(0);
        if !configuration.is_empty() {
            desk.write("seatbatch.toml", configuration);
        }
        let apply = ["apply", "people.csv", "--plan", "plan.json", "--rate", "unlimited"];
        let ran = desk.run(&[&apply[..], applied].concat()).exits(2);
        assert!(ran.stderr.contains("asks for something else now"), "{applied:?}: {}", ran.stderr);
        assert!(service.requests().all().iter().all(|request| request.users.is_empty()));
        // What was planned goes.
        desk.write("seatbatch.toml", "[bundles.A]\nlicenses = [\"Messaging\"]\n");
        desk.run(&[&apply[..], planned].concat()).exits(0);
    }
}

#[test]
fn the_time_is_told_at_the_pace_that_an_earlier_run_found() {
    let service = sandbox(40, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(40));
    let plan = ["plan", "people.csv", "--batch-size", "1"];
    assert!(desk.run(&plan).exits(0).stdout.contains("40 requests at auto:300/min, at least"));
    desk.run(&["apply", "people.csv", "--batch-size", "1", "--rate", "auto", "--concurrency", "1"]).exits(0);
    // As if the service had taken one a second, with a night in between.
    let slowly = "UPDATE batch SET started_at = 1000 * batch_id + iif(batch_id > 20, 40000000, 0), ended_at = 1000 * batch_id + 40000000";
    desk.sql().execute_batch(slowly).unwrap();
    let ran = desk.run(&plan).exits(0);
    let said = "40 requests at 60/min, which an earlier run found, about 39 s: until ";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert_eq!(desk.run(&[&plan[..], &["--json"]].concat()).exits(0).summary()["least_s"], 39.0);
    // What is given holds.
    let ran = desk.run(&[&plan[..], &["--rate", "300/min"]].concat()).exits(0);
    assert!(ran.stdout.contains("40 requests at 300/min, at least 7.8 s"), "{}", ran.stdout);
}

#[test]
fn what_is_held_already_is_told_apart_from_what_would_be_added() {
    let service = sandbox(5, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(2), &[]).exits(0);
    let id = license("Messaging");
    let more = format!("email,licenseId,operation\n{}user5@example.com,{id},remove\n", {
        let rows: String = (1..=4).map(|n| format!("user{n}@example.com,{id},add\n")).collect();
        rows
    });
    desk.write("more.csv", more);
    let ran = desk.run(&["plan", "more.csv"]).exits(0);
    let said =
        "2 of the 4 to add are held already, and 1 of the 1 to remove is not held: they change nothing";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    desk.write("other.csv", onboarding(3));
    let ran = desk.run(&["plan", "other.csv"]).exits(0);
    assert!(ran.stdout.contains("2 of the 3 to add are held already: they change nothing"), "{}", ran.stdout);
}
