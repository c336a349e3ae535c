//! `seatbatch rehearse`, and `plan`: what would fail, and so it comes.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use seatbatch::domain::WireForm;
use serde_json::{Value, json};

use crate::harness::{Desk, counts, organization};

/// Licenses of every kind that a rule is about, and others.
const NAMES: [&str; 11] = [
    "Webex Calling - Professional",
    "Webex Calling - Standard",
    "Attendant Console",
    "Customer Experience - Essential",
    "Basic Messaging",
    "Messaging",
    "Free Meetings",
    "Meetings Suite",
    "Screen Share",
    "Events",
    "Whiteboard",
];

/// Of which there are units for everybody, so that those whom nobody knows take none away.
const PLENTY: usize = 10;

/// An organization of so many users with scarce licenses, some of which are held, and a file about it.
fn seeded(random: &mut fastrand::Rng, users: usize) -> (Value, String) {
    let held: Vec<Vec<usize>> =
        (0..users).map(|_| (0..NAMES.len()).filter(|_| random.u8(..4) == 0).collect()).collect();
    // Some organizations sell no free licenses.
    let sells_free = random.bool();
    let is_sold = |number: usize| sells_free || !matches!(number, 4 | 6);
    let licenses: Vec<Value> = (0..NAMES.len())
        .filter(|number| is_sold(*number))
        .map(|number| {
            let holders = held.iter().filter(|held| held.contains(&number)).count();
            let left = if number == PLENTY { 2 * users } else { random.usize(..=users / 4 + 1) };
            json!({"id": format!("L{number}"), "name": NAMES[number], "totalUnits": holders + left})
        })
        .collect();
    let people: Vec<Value> = held
        .iter()
        .enumerate()
        .map(|(user, held)| {
            let held: Vec<String> =
                held.iter().filter(|number| is_sold(**number)).map(|n| format!("L{n}")).collect();
            json!({"email": format!("u{user}@example.com"), "licenses": held})
        })
        .collect();
    let mut rows = Vec::new();
    for (user, held) in held.iter().enumerate() {
        for number in 0..NAMES.len() {
            if random.u8(..4) > 0 {
                continue;
            }
            let takes = if held.contains(&number) { random.u8(..4) > 0 } else { random.u8(..8) == 0 };
            let place = match random.u8(..4) {
                0 => ",,".to_owned(),
                1 => format!(",{},LOC", 2000 + user),
                _ => format!("+1408555{user:04},,"),
            };
            let operation = if takes { "remove" } else { "add" };
            rows.push(format!("u{user}@example.com,L{number},{operation},{place}\n"));
        }
    }
    for stranger in 0..users / 20 {
        rows.push(format!("nobody{stranger}@example.com,L{PLENTY},add,,,\n"));
    }
    rows.push("u0@example.com,L99,add,,,\n".to_owned());
    random.shuffle(&mut rows);
    let state = json!({"sites": [], "licenses": licenses, "users": people});
    (state, format!("email,licenseId,operation,phoneNumber,extension,locationId\n{}", rows.concat()))
}

/// The codes of what fails, or is foreseen to, by line. Who is not in the organization nobody can foresee, and for
/// want of units each service fails with a code of its own.
fn failing(lines: impl Iterator<Item = (u64, String)>) -> BTreeMap<u64, String> {
    let known = lines.filter(|(_, code)| code != "404");
    known.map(|(line, code)| (line, code.replace("NO_UNITS_LEFT", "NO_UNITS"))).collect()
}

fn foreseen(stdout: &str) -> BTreeMap<u64, String> {
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let foreseen = events.filter(|event| event["event"] == "foreseen");
    failing(
        foreseen.map(|event| (event["line"].as_u64().unwrap(), event["code"].as_str().unwrap().to_owned())),
    )
}

/// The lines of each user, in file order.
fn users(csv: &str) -> BTreeMap<&str, Vec<u64>> {
    let mut users: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (line, row) in (2..).zip(csv.lines().skip(1)) {
        users.entry(row.split(',').next().unwrap()).or_default().push(line);
    }
    users
}

/// Whether the same lines fail as was foreseen, and each user's for a reason of his: where several of them fail the
/// service gives one code for all.
fn agree(csv: &str, foreseen: &BTreeMap<u64, String>, failed: &BTreeMap<u64, String>, what: &str) {
    for (user, lines) in users(csv) {
        let of = |all: &BTreeMap<u64, String>| -> BTreeMap<u64, String> {
            lines.iter().filter_map(|line| Some((*line, all.get(line)?.clone()))).collect()
        };
        let (foreseen, failed) = (of(foreseen), of(failed));
        assert!(foreseen.keys().eq(failed.keys()), "{what}: {user}, {foreseen:?}, {failed:?}");
        let reasons: BTreeSet<&String> = foreseen.values().collect();
        assert!(
            failed.values().all(|code| reasons.contains(code)),
            "{what}: {user}, {foreseen:?}, {failed:?}"
        );
    }
}

/// Plans, rehearses and applies in so many organizations of so many users.
fn organizations(seed: u64, sizes: impl Iterator<Item = usize>) {
    let mut random = fastrand::Rng::with_seed(seed);
    for (case, users) in sizes.enumerate() {
        let (state, csv) = seeded(&mut random, users);
        let (wire, form) =
            if random.bool() { (WireForm::Array, "array") } else { (WireForm::Object, "object") };
        let order = ["file", "removes-first", "fit"][random.usize(..3)];
        let batch = random.u32(1..40).to_string();
        let mut how =
            vec!["--wire", form, "--batch-size", &batch, "--order", order, "--json", "--rate", "unlimited"];
        if random.bool() {
            how.push("--only-changes");
        }
        let what = format!("seed {seed}, case {case}: {users} users, {}", how.join(" "));
        let service = organization(state, wire);
        let desk = Desk::at(&service.url());
        desk.write("people.csv", &csv);
        let plan = desk.run(&[&["plan", "people.csv"], &how[..]].concat());
        let rehearsed = desk.run(&[&["rehearse", "people.csv"], &how[..]].concat());
        assert!(service.requests().all().is_empty(), "{what}: nothing is changed");
        let applied = desk.run(&[&["apply", "people.csv"], &how[..], &["--concurrency", "1"]].concat());
        assert!(applied.code < 2 && plan.code < 2 && rehearsed.code < 2, "{what}: {}", applied.stderr);
        let failed = desk.states().into_iter().filter(|(_, state, _)| state == "failed");
        let failed = failing(failed.map(|(line, _, code)| (u64::from(line), code.unwrap())));
        agree(&csv, &foreseen(&plan.stdout), &failed, &format!("{what}, plan"));
        agree(&csv, &foreseen(&rehearsed.stdout), &failed, &format!("{what}, rehearsal"));
        assert_eq!(plan.code == 0, failed.is_empty(), "{what}");
        let requests = [plan.summary(), applied.summary()].map(|summary| counts(&summary, ["requests"])[0]);
        assert_eq!(requests[0], requests[1], "{what}");
        assert_eq!(requests[0], service.requests().all().len() as u64, "{what}");
    }
}

// A hundred organizations, in parts that run beside each other.

#[test]
fn plan_and_rehearsal_name_what_then_fails_in_the_smallest_organizations() {
    organizations(1, (0..50).map(|case| 10 + case % 17));
}

#[test]
fn plan_and_rehearsal_name_what_then_fails_in_small_organizations() {
    organizations(2, (0..40).map(|case| 20 + case * 3));
}

#[test]
fn plan_and_rehearsal_name_what_then_fails_in_large_organizations() {
    organizations(3, [200, 250, 300, 350, 400, 450, 500, 600, 1_000].into_iter());
}

#[test]
fn plan_and_rehearsal_name_what_then_fails_in_an_organization_of_five_thousand() {
    organizations(4, std::iter::once(5_000));
}

#[test]
fn what_cannot_be_sent_is_told_as_that_and_lines_are_counted_in_plain_words() {
    let service =
        organization(crate::harness::two(1, 5, &[("a", &[]), ("b", &[]), ("c", &[])]), WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write(
        "people.csv",
        "email,licenseId\na@example.com,A\nb@example.com,A\nc@example.com,A\nnobody,A\nb@example.com,B\n",
    );
    let plan = desk.run(&["plan", "people.csv", "--on-invalid", "skip"]).exits(1);
    let said = "problem: 1 operation on Plan A would fail (line 4): no unit is left when their turn comes (NO_UNITS)";
    let waits = "another operation of the user fails, and a user gets all or nothing (TOGETHER)";
    assert!(
        plan.stdout.contains("problem: 2 operations on Plan A would fail (lines 3, 4): no unit is left"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.stdout.contains(&format!("problem: 1 operation on Plan B would fail (line 6): {waits}")),
        "{}",
        plan.stdout
    );
    assert!(!plan.stdout.contains(said), "{}", plan.stdout);
    let rehearse = |more: &[&str]| desk.run(&[&["rehearse", "people.csv"], more].concat()).exits(1).stdout;
    let stops = rehearse(&[]);
    assert!(
        stops.contains("problem: 3 operations would fail (lines 3, 4, 6): No units of 'Plan A' are left"),
        "{stops}"
    );
    assert!(
        stops.contains(
            "problem: 1 operation is left out, since a row of its user cannot be sent; apply stops"
        ),
        "{stops}"
    );
    assert!(stops.contains("Rehearsed in a copy: 1 of 4 operations would be done"), "{stops}");
    let skips = rehearse(&["--on-invalid", "skip"]);
    assert!(skips.contains("\n1 operation is left out, since a row of its user cannot be sent\n"), "{skips}");
    let ran = desk.run(&["rehearse", "people.csv", "--json"]).exits(1);
    assert_eq!(counts(&ran.summary(), ["would_fail", "invalid", "would_be_done"]), [3, 1, 1]);
    assert_eq!(foreseen(&ran.stdout).into_keys().collect::<Vec<_>>(), [3, 4, 6]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_found() {
    let service = organization(seeded(&mut fastrand::Rng::with_seed(1), 2).0, WireForm::Array);
    let desk = Desk::at(&service.url());
    for csv in ["", "email,license\n", "who,what\na,b\n", "email,license\na@example.com,M\nlicense;email\n"] {
        desk.write("people.csv", csv);
        for command in ["check", "plan", "rehearse"] {
            desk.run(&[command, "people.csv"]).exits(1);
        }
    }
}

/// In IDs as the service gives them: everybody's licenses name the organization.
#[test]
fn a_copy_is_called_as_its_licenses_say() {
    let id = |number: u32| {
        let id = format!("ciscospark://us/LICENSE/99999999-2222-4333-8444-555555555555:MS_{number}");
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(id)
    };
    let license = |n: u32| json!({"id": id(n), "name": format!("L{n}"), "totalUnits": n});
    let users = json!([{"email": "a@example.com"}, {"email": "b@example.com"}]);
    let state = json!({"licenses": [license(1), license(2)], "sites": [], "users": users});
    let service = organization(state, WireForm::Object);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", "email,license\na@example.com,L1\nb@example.com,L1\nb@example.com,L2\n");
    for command in [&["rehearse"][..], &["apply", "--yes", "--rate", "unlimited"]] {
        let how = [command, &["people.csv", "--wire", "object", "--json"]].concat();
        let summary = desk.run(&how).exits(1).summary();
        let told = if command[0] == "apply" { ["failed", "in_doubt"] } else { ["would_fail", "invalid"] };
        assert_eq!(counts(&summary, told), [1, 0], "{summary}");
    }
}

#[test]
fn what_fails_in_either_form_is_told_until_the_form_is_known() {
    let users = [("a", &["B"][..]), ("b", &["B"])];
    let service = organization(crate::harness::two(1, 5, &users), WireForm::Object);
    let desk = Desk::at(&service.url());
    let rows = "a@example.com,A,add\na@example.com,B,remove\nb@example.com,A,add\nb@example.com,B,remove\n";
    desk.write("people.csv", format!("email,licenseId,operation\n{rows}"));
    let plan = desk.run(&["plan", "people.csv"]).exits(1).stdout;
    let said = "if the service takes one user per request: 1 operation would fail rather than 2, since each stands for \
                itself, and what else is asked of these users would be done\n";
    assert!(plan.contains(said), "{plan}");
    let forms = |plan: &Value| [plan["would_fail"].as_u64(), plan["would_fail_object"].as_u64()];
    assert_eq!(forms(&desk.run(&["plan", "people.csv", "--json"]).summary()), [Some(2), Some(1)]);
    let rehearse = || desk.run(&["rehearse", "people.csv"]).exits(1).stdout;
    assert!(rehearse().contains("; --wire object rehearses one user per request"), "{}", rehearse());
    let how = ["--wire", "object", "--json"];
    assert_eq!(forms(&desk.run(&[&["plan", "people.csv"], &how[..]].concat()).summary()), [Some(1), None]);

    // Once an earlier run has found the form, it is the only one.
    desk.write("first.csv", "email,licenseId,operation\na@example.com,B,add\n");
    desk.run(&["apply", "first.csv", "--yes"]).exits(0);
    assert_eq!(forms(&desk.run(&["plan", "people.csv", "--json"]).summary()), [Some(1), None]);
    assert!(!rehearse().contains("--wire"), "{}", rehearse());
    assert!(rehearse().contains("3 of 4 operations would be done"), "{}", rehearse());
    let applied = desk.run(&["apply", "people.csv", "--yes", "--json"]).exits(1).summary();
    assert_eq!(counts(&applied, ["failed"]), [1]);
}
