//! `seatbatch diff`, with `--sync` and without.

use std::collections::BTreeSet;

use seatbatch::domain::WireForm;
use serde_json::{Value, json};

use crate::harness::{Desk, counts, organization};

/// Licenses A and B with units enough, users u1 … who hold what is said.
fn with(holders: &[&[&str]]) -> Value {
    let users: Vec<Value> = holders
        .iter()
        .enumerate()
        .map(|(n, licenses)| json!({"email": format!("u{}@example.com", n + 1), "licenses": licenses}))
        .collect();
    json!({
        "licenses": [
            {"id": "A", "name": "Plan A", "totalUnits": 1000},
            {"id": "B", "name": "Plan B", "totalUnits": 1000},
        ],
        "sites": [],
        "users": users,
    })
}

#[test]
fn the_changes_are_what_differs_with_the_files_own_columns_and_afterwards_nothing() {
    let service = organization(with(&[&["A"], &[], &["A"], &["A"]]), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write(
        "people.csv",
        "Team,email,license,operation,Ticket\nx,u1@example.com,plan a,,\"1,5\"\ny,u2@example.com,plan a,add,2\n\
         z,u3@example.com,plan a,remove,3\nw,u2@example.com,plan b,remove,4\n",
    );
    let ran = desk.run(&["diff", "people.csv", "-o", "changes.csv", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["rows", "adds", "removes", "unchanged"]), [2, 1, 1, 2]);
    let text = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
    assert_eq!(
        text,
        "email,personId,orgId,licenseId,siteUrl,accountType,operation,phoneNumber,extension,locationId,Team,Ticket\n\
         u2@example.com,,,A,,,add,,,,y,2\nu3@example.com,,,A,,,remove,,,,z,3\n"
    );
    desk.run(&["apply", "changes.csv"]).exits(0);
    let ran = desk.run(&["diff", "people.csv", "-o", "again.csv", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["rows", "unchanged"]), [0, 4]);
    assert_eq!(std::fs::read_to_string(desk.path("again.csv")).unwrap().lines().count(), 1);
}

#[test]
fn sync_takes_from_whom_the_file_does_not_list_within_its_guards() {
    let holders: Vec<&[&str]> = (0..20).map(|_| &["A", "B"][..]).collect();
    let service = organization(with(&holders), WireForm::Array);
    let desk = Desk::at(&service.url());
    let listed: String = (1..=18).map(|n| format!("u{n}@example.com,A\n")).collect();
    desk.write("people.csv", format!("email,licenseId\n{listed}"));
    let sync = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--json"];
    let ran = desk.run(&sync).exits(0);
    assert_eq!(counts(&ran.summary(), ["rows", "unlisted"]), [2, 2]);
    let text = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
    assert!(
        text.contains("u19@example.com,") && text.contains("u20@example.com,") && !text.contains(",B,"),
        "{text}"
    );
    // One who is protected, in a file of any form.
    desk.write("keep.txt", "Boss <U20@Example.com>; nobody@example.com\n");
    let ran = desk.run(&[&sync[..], &["--protect", "keep.txt"]].concat()).exits(0);
    assert_eq!(counts(&ran.summary(), ["rows", "unlisted", "protected"]), [1, 1, 1]);
    desk.write("none.txt", "nobody\n");
    desk.run(&[&sync[..], &["--protect", "none.txt"]].concat()).exits(2);
    // A file that has shrunk, and one that says nothing of the license.
    desk.write("people.csv", "email,licenseId\nu1@example.com,A\n");
    let before = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
    let ran = desk.run(&sync).exits(2);
    let said = "Plan A: the file lists 1 user, 20 hold it and 19 would lose it, where at most 10% may";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let ran = desk.run(&[&sync[..], &["--scope", "plan b", "--max-removals", "100%"]].concat()).exits(2);
    assert!(ran.stderr.contains("the file lists nobody for Plan B, which 20 users hold"), "{}", ran.stderr);
    desk.write("people.csv", "email,licenseId\n");
    desk.run(&[&sync[..], &["--max-removals", "100%"]].concat()).exits(2);
    let ran = desk.run(&[&sync[..], &["--max-removals", "100%", "--scope", "plan a"]].concat()).exits(2);
    let said = "lists nobody; of Plan A 20 units are in use; a file that says nothing takes nothing away";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(
        std::fs::read_to_string(desk.path("changes.csv")).unwrap(),
        before,
        "refused, and nothing written"
    );
}

#[test]
fn what_is_out_of_scope_or_held_by_nobody_is_not_guarded() {
    let service = organization(with(&[&["A"], &["B"], &["B"]]), WireForm::Array);
    let desk = Desk::at(&service.url());
    let diff = |csv: &str, scope: &str| {
        desk.write("people.csv", csv);
        let args = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--max-removals", "1", "--json"];
        counts(
            &desk.run(&[&args[..], &["--scope", scope]].concat()).exits(0).summary(),
            ["removes", "unlisted"],
        )
    };
    // Of B the file is not the whole truth: what it asks of it, it asks.
    let csv =
        "email,licenseId,operation\nu1@example.com,A,add\nu2@example.com,B,remove\nu3@example.com,B,remove\n";
    assert_eq!(diff(csv, "Plan A"), [2, 0]);
    let service_of_a = organization(with(&[&["A"], &["A"]]), WireForm::Array);
    let desk = Desk::at(&service_of_a.url());
    desk.write("people.csv", "email,licenseId\nu1@example.com,A\n");
    let args = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--scope", "Plan B", "--json"];
    assert_eq!(counts(&desk.run(&args).exits(0).summary(), ["rows", "unlisted"]), [0, 0]);
    let ran = desk.run(&["diff", "people.csv", "-o", "changes.csv", "--sync", "--scope", "Plan C"]).exits(2);
    assert!(ran.stderr.contains("--scope Plan C: the organization has no such license"), "{}", ran.stderr);
}

#[test]
fn a_license_that_only_a_rule_looks_at_is_taken_from_nobody() {
    let state = json!({
        "licenses": [
            {"id": "P", "name": "Webex Calling - Professional", "totalUnits": 9},
            {"id": "S", "name": "Webex Calling - Standard", "totalUnits": 9},
        ],
        "sites": [],
        "users": [{"email": "u1@example.com", "licenses": ["P"]}, {"email": "u2@example.com", "licenses": ["S"]}],
    });
    let service = organization(state, WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "email,licenseId\nu1@example.com,P\n");
    let args = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--max-removals", "100%", "--json"];
    assert_eq!(counts(&desk.run(&args).exits(0).summary(), ["rows", "unlisted"]), [0, 0]);
}

#[test]
fn failures_that_are_given_back_are_compared_as_their_run_took_them() {
    let service = organization(with(&[&["A"], &["A"]]), WireForm::Array);
    let desk = Desk::at(&service.url());
    let csv = "email,licenseId\nu1@example.com,A\nnobody@example.com,A\n";
    desk.apply(csv, &["--set", "operation=remove"]).exits(1);
    let failures = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
    assert!(failures.contains("nobody@example.com,A,"), "{failures}");
    let diff = ["diff", "people.failures.csv", "-o", "changes.csv", "--json"];
    let ran = desk.run(&diff).exits(0);
    assert!(ran.stderr.contains("taken as its file was, with --set 'operation=remove'"), "{}", ran.stderr);
    assert_eq!(counts(&ran.summary(), ["rows", "adds", "unchanged"]), [0, 0, 1]);
    // Of a copy nobody knows that.
    desk.write("copy.csv", failures);
    let ran = desk.run(&["diff", "copy.csv", "-o", "changes.csv"]).exits(2);
    assert!(ran.stderr.contains("looks like the failures of run 1"), "{}", ran.stderr);
}

#[test]
fn a_file_comes_from_standard_input_too() {
    use std::io::Write as _;
    let service = organization(with(&[&["A"], &[]]), WireForm::Array);
    let desk = Desk::at(&service.url());
    let mut command = desk.command(&["diff", "-", "-o", "changes.csv", "--json"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let csv = b"email,licenseId\nu1@example.com,A\nu2@example.com,A\n";
    child.stdin.take().unwrap().write_all(csv).unwrap();
    let ran = crate::harness::finish(child).exits(0);
    assert_eq!(counts(&ran.summary(), ["rows", "unchanged"]), [1, 1]);
    // And the changes go to standard output, where no command could find them.
    desk.write("people.csv", "email,licenseId\nu2@example.com,A\n");
    let ran = desk.run(&["diff", "people.csv", "-o", "-"]).exits(0);
    assert!(ran.stdout.contains("u2@example.com,,,A,") && !ran.stderr.contains("apply -"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 change on standard output: 1 to add"), "{}", ran.stderr);
}

/// Who holds A after the changes, of u1 … u9.
fn left_with_a(desk: &Desk) -> Vec<String> {
    let text = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
    let taken = |name: &String| text.lines().any(|row| row.starts_with(name) && row.contains(",remove,"));
    (1..=9).map(|n| format!("u{n}@")).filter(|name| !taken(name)).collect()
}

#[test]
fn sync_takes_nothing_from_whom_the_file_lists_for_another_day() {
    let holders: Vec<&[&str]> = (0..9).map(|_| &["A", "B"][..]).collect();
    let service = organization(with(&holders), WireForm::Array);
    let desk = Desk::at(&service.url());
    let sync = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--max-removals", "100%", "--json"];
    let diff = |csv: &str, more: &[&str]| {
        desk.write("people.csv", csv);
        desk.run(&[&sync[..], more].concat())
    };
    let keeps = |names: &[&str]| assert_eq!(left_with_a(&desk), names);
    let due = ["--due", "Day"];
    // Their day comes, in whatever spelling they are named; for B one is listed, which says nothing of A.
    let ran = diff(
        "email,license,operation,Day\nu1@example.com,Plan A,add,2020-01-01\n U2@Example.com,plan a,remove,2999-01-01\n\
         u3@example.com,A,add,\nu4@example.com,plan b,add,2999-01-01\nu5@example.com,Plan A,remove,2020-01-01\n",
        &due,
    )
    .exits(0);
    keeps(&["u1@", "u2@", "u3@"]);
    assert_eq!(counts(&ran.summary(), ["removes", "unlisted", "listed_only"]), [1, 5, 2]);
    assert!(ran.stderr.contains("2 licenses left alone, of users whom the file lists"), "{}", ran.stderr);
    // Who holds B keeps it, and it is said why.
    assert!(ran.stderr.contains("Plan B: not compared, since no row asks for it today"), "{}", ran.stderr);
    assert_eq!(ran.summary()["only_later"], json!(["Plan B"]));
    // Where the scope says so, they count among whom the file lists for it.
    let later = "email,license,Day\nu1@example.com,A,2020-01-01\nu2@example.com,B,2999-01-01\nu3@example.com,B,2999-01-01\n";
    let ran = diff(later, &["--due", "Day", "--scope", "Plan B"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["unlisted", "listed_only"]), [7, 2]);
    desk.write("people.csv", later);
    let scope = ["--due", "Day", "--scope", "Plan B", "--sync", "-o", "none.csv", "--max-removals", "2"];
    let ran = desk.run(&[&["diff", "people.csv"], &scope[..]].concat()).exits(2);
    let said = "Plan B: the file lists 2 users, 9 hold it and 7 would lose it, where at most 2 may";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    // Files that only name people; a license that nobody knows may be any.
    diff(
        "email,Day\nu1@example.com,2020-01-01\nu2@example.com,2999-01-01\n",
        &["--add", "A", "--due", "Day"],
    )
    .exits(0);
    keeps(&["u1@", "u2@"]);
    diff("email,license,Day\nu1@example.com,A,2020-01-01\nu2@example.com,N/A,2999-01-01\n", &due).exits(0);
    keeps(&["u1@", "u2@"]);
    // Whom a row means must be known.
    let before = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
    let ran = diff("email,license,Day\nu1@example.com,A,2020-01-01\nu2@,A,2999-01-01\n", &due).exits(2);
    assert!(
        ran.stderr.contains("line 3 asks nothing today, and whom it lists cannot be read"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read_to_string(desk.path("changes.csv")).unwrap(), before);
    // In Control Hub's form an empty cell leaves alone, and so does FALSE unless it is to take away.
    let wide = "User ID/Email (Required),Plan A,Plan B\nu1@example.com,TRUE,\nu2@example.com,,TRUE\nu3@example.com,FALSE,\nu4@example.com,,\n";
    diff(wide, &[]).exits(0);
    keeps(&["u1@", "u2@", "u3@", "u4@"]);
    diff(wide, &["--services", "add-and-remove"]).exits(0);
    keeps(&["u1@", "u2@", "u4@"]);
}

#[test]
fn a_list_of_the_protected_is_read_whole_or_refused() {
    let holders: Vec<&[&str]> = (0..9).map(|_| &["A"][..]).collect();
    let service = organization(with(&holders), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "email,licenseId\nu1@example.com,A\n");
    let protect = |text: &[u8]| {
        desk.write("keep.txt", text);
        let args = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--max-removals", "100%"];
        desk.run(&[&args[..], &["--protect", "keep.txt"]].concat())
    };
    let list = "Name;E-Mail\r\n# the board\r\nBoss <U2@Example.com>; mailto:u3@example.com\r\n\r\n";
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(list.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for text in [list.as_bytes(), &wide] {
        protect(text).exits(0);
        assert_eq!(left_with_a(&desk), ["u1@", "u2@", "u3@"]);
    }
    for (text, said) in [
        ("u2@example.com\nthe whole board\n", "line 2: the whole board: there is no address in it"),
        (
            "u2@example.com\nu3@example\n",
            "line 2: u3@example: not an e-mail address: the domain has no dot in it",
        ),
        ("u2@example.com, #u3@example.com\n", "line 1: #u3@example.com: the address begins with a character"),
    ] {
        let ran = protect(text.as_bytes()).exits(2);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    protect(b"u2@example.com\n\xff\xfe\xe9\n").exits(2);
}

#[test]
fn sync_equals_its_model() {
    let mut random = fastrand::Rng::with_seed(7);
    for case in 0..12 {
        let users = 2 + random.usize(..8);
        let holds: Vec<Vec<&str>> =
            (0..users).map(|_| ["A", "B"].into_iter().filter(|_| random.bool()).collect()).collect();
        let held: Vec<&[&str]> = holds.iter().map(Vec::as_slice).collect();
        let service = organization(with(&held), WireForm::Array);
        let desk = Desk::at(&service.url());
        let (mut rows, mut wanted) = (String::new(), BTreeSet::new());
        let mut now: BTreeSet<(usize, &str)> =
            holds.iter().enumerate().flat_map(|(n, held)| held.iter().map(move |id| (n, *id))).collect();
        for license in ["A", "B"] {
            // At least one user is listed for each license.
            for user in 0..users {
                if user > 0 && random.bool() {
                    continue;
                }
                let gives = random.bool();
                rows += &format!(
                    "u{}@example.com,{license},{}\n",
                    user + 1,
                    if gives { "add" } else { "remove" }
                );
                if gives {
                    wanted.insert((user, license));
                }
            }
        }
        desk.write("people.csv", format!("email,licenseId,operation\n{rows}"));
        let args = [
            "diff",
            "people.csv",
            "-o",
            "changes.csv",
            "--sync",
            "--max-removals",
            "100%",
            "--json",
            "--rate",
            "unlimited",
        ];
        let ran = desk.run(&args).exits(0);
        let text = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut count = 0;
        for record in reader.records().map(Result::unwrap) {
            let user: usize = record[0][1..record[0].find('@').unwrap()].parse().unwrap();
            let license = if &record[3] == "A" { "A" } else { "B" };
            count += 1;
            let changed = match &record[6] {
                "add" => now.insert((user - 1, license)),
                _ => now.remove(&(user - 1, license)),
            };
            assert!(changed, "case {case}: {record:?} changes nothing");
        }
        assert_eq!(now, wanted, "case {case}: {text}");
        assert_eq!(ran.summary()["rows"], count);
    }
}

#[test]
fn an_order_is_proposed_where_the_changes_need_it() {
    let state = |units: u32| {
        json!({
            "licenses": [{"id": "A", "name": "Plan A", "totalUnits": units}, {"id": "B", "name": "Plan B", "totalUnits": 9}],
            "sites": [],
            "users": [
                {"email": "u1@example.com", "licenses": ["A"]},
                {"email": "u2@example.com", "licenses": ["A", "B"]},
                {"email": "u3@example.com", "licenses": []},
            ],
        })
    };
    let diff = |units: u32, csv: &str, more: &[&str]| {
        let service = organization(state(units), WireForm::Array);
        let desk = Desk::at(&service.url());
        desk.write("people.csv", csv);
        let ran = desk.run(&[&["diff", "people.csv", "-o", "changes.csv", "--json"], more].concat()).exits(0);
        assert!(ran.stderr.contains("Look at them, then run"), "{}", ran.stderr);
        (ran.summary()["order_needed"].clone(), ran.stderr.contains("--order"))
    };
    let swap = "email,licenseId,operation\nu3@example.com,A,add\nu1@example.com,A,remove\n";
    assert_eq!(diff(2, swap, &[]), (json!("removes-first"), true));
    assert_eq!(diff(3, swap, &[]), (Value::Null, false), "there is a unit for it");
    let apart = "email,licenseId,operation\nu3@example.com,B,add\nu1@example.com,A,remove\n";
    assert_eq!(diff(2, apart, &[]), (Value::Null, false));
    // Whom the file does not list gives back what others need.
    let sync = ["--sync", "--max-removals", "100%"];
    let listed = "email,licenseId\nu3@example.com,A\nu1@example.com,A\n";
    assert_eq!(diff(2, listed, &sync), (json!("removes-first"), true));
    assert_eq!(diff(3, listed, &sync), (Value::Null, false));
    // Where not everybody gets through, the order in which more do; none where it changes nothing.
    let short = "email,licenseId\nu3@example.com,A\nu4@example.com,A\nu1@example.com,A\n";
    assert_eq!(diff(2, short, &sync), (json!("removes-first"), true));
    assert_eq!(diff(2, short, &[]), (Value::Null, false));
}

#[test]
fn after_the_changes_are_applied_there_are_none() {
    let mut random = fastrand::Rng::with_seed(40);
    for case in 0..20 {
        let users = 10 + random.usize(..150);
        let holders: Vec<Vec<&str>> =
            (0..users).map(|_| ["A", "B"].into_iter().filter(|_| random.bool()).collect()).collect();
        let holders: Vec<&[&str]> = holders.iter().map(Vec::as_slice).collect();
        let service = organization(with(&holders), WireForm::Array);
        let desk = Desk::at(&service.url());
        let mut rows = String::new();
        for user in 1..=users {
            for license in ["A", "B"] {
                if random.bool() {
                    continue;
                }
                let operation = if random.bool() { "add" } else { "remove" };
                rows += &format!("u{user}@example.com,{license},{operation},note {user}\n");
            }
        }
        desk.write("people.csv", format!("email,licenseId,operation,Note\n{rows}"));
        let sync: &[&str] = if case % 2 == 0 { &["--sync", "--max-removals", "100%"] } else { &[] };
        let changes = |name: &str| {
            let args = ["diff", "people.csv", "-o", name, "--json", "--rate", "unlimited"];
            let ran = desk.run(&[&args, sync].concat()).exits(0);
            counts(&ran.summary(), ["rows"])[0]
        };
        if changes("changes.csv") > 0 {
            desk.run(&["apply", "changes.csv", "--rate", "unlimited"]).exits(0);
        }
        assert_eq!(changes("again.csv"), 0, "case {case}");
    }
}
