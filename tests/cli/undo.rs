//! `seatbatch undo`: what a run has changed, and no more, taken back.

use seatbatch::domain::WireForm;
use seatbatch::sandbox::Organization;
use serde_json::json;

use crate::harness::{Desk, counts, held, license, onboarding, organization, sandbox};

#[test]
fn calling_comes_back_with_the_number_that_the_file_had_or_is_to_be_completed() {
    let pro = license("Webex Calling - Prof");
    let mut state = serde_json::to_value(Organization::generated(3).state()).unwrap();
    for user in 0..3 {
        state["users"][user]["licenses"] = json!([pro]);
    }
    let service = organization(state, WireForm::Array);
    let before = held(&service);
    let desk = Desk::at(&service.url());
    let rows = format!(
        "email,licenseId,operation,phoneNumber\nuser1@example.com,{pro},remove,+14085550101\nuser2@example.com,{pro},remove,\n"
    );
    desk.apply(&rows, &["--snapshot", "yes"]).exits(0);
    let undo = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(
        undo.stderr
            .contains("To be completed by hand: a line of undo.csv gives back a Calling license whose"),
        "{}",
        undo.stderr
    );
    let text = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    assert!(text.contains("add,+14085550101,,,\n"), "{text}");
    let completed: String = text
        .lines()
        .map(|line| if line.starts_with("user2") { line.replace(",add,,", ",add,+14085550102,") } else { line.to_owned() } + "\n")
        .collect();
    desk.write("undo.csv", completed);
    desk.run(&["apply", "undo.csv"]).exits(0);
    assert_eq!(held(&service), before);
}

#[test]
fn undo_names_the_organization_and_leaves_alone_what_somebody_has_changed_since() {
    let service = sandbox(3, WireForm::Array, &[]);
    let org = service.state().org_id;
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(3), &["--snapshot", "yes", "--org-id", &org]).exits(0);
    let id = license("Messaging");
    let other = Desk::at(&service.url());
    other.apply(&format!("email,licenseId,operation\nuser2@example.com,{id},remove\n"), &[]).exits(0);
    let undo = desk.run(&["undo", "-o", "undo.csv", "--live"]).exits(0);
    assert!(
        undo.stderr.contains("line 3: addition of Messaging for user2@example.com")
            || undo.stderr.contains("line 3: addition of"),
        "{}",
        undo.stderr
    );
    let text = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    assert!(
        text.lines().count() == 3 && text.matches(&org).count() == 2 && !text.contains("user2"),
        "{text}"
    );
}

#[test]
fn undo_reverses_what_was_done() {
    let service = sandbox(5, WireForm::Array, &["refuse=X,user=user3@example.com"]);
    let desk = Desk::at(&service.url());
    let id = license("Messaging");
    let csv = format!(
        "email,licenseId,siteUrl\nuser1@example.com,{id},\nuser1@example.com,,meet.example.com\nuser3@example.com,{id},\n"
    );
    desk.apply(&csv, &[]).exits(1);
    assert_eq!(service.user("user1@example.com").unwrap().site_urls, ["meet.example.com"]);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    let undo = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    let note = "nobody knows whether the user had this before the run; if so, take this line out";
    let expected = format!(
        "email,personId,orgId,licenseId,siteUrl,accountType,operation,phoneNumber,extension,locationId,note\n\
         user1@example.com,,,,meet.example.com,attendee,remove,,,,\"{note}\"\nuser1@example.com,,,{id},,,remove,,,,\"{note}\"\n"
    );
    assert_eq!(undo, expected);
    desk.run(&["apply", "undo.csv"]).exits(0);
    let user = service.user("user1@example.com").unwrap();
    assert!(user.licenses.is_empty() && user.site_urls.is_empty());
}

#[test]
fn undo_leaves_alone_what_a_snapshot_shows_to_have_been_so_before() {
    let service = sandbox(4, WireForm::Array, &[]);
    let before = Desk::at(&service.url());
    before.apply(&onboarding(2), &[]).exits(0);
    let desk = Desk::at(&service.url());
    let ran = desk.apply(&onboarding(4), &["--snapshot"]).exits(0);
    assert!(ran.stderr.contains("2 operations change nothing"), "{}", ran.stderr);
    let ran = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(
        ran.stderr.contains("2 operations need no reversal: they were in effect before the run"),
        "{}",
        ran.stderr
    );
    let undo = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    assert_eq!(undo.lines().count(), 3, "{undo}");
    desk.run(&["apply", "undo.csv"]).exits(0);
    assert!(service.user("user4@example.com").unwrap().licenses.is_empty());
    assert_eq!(service.user("user1@example.com").unwrap().licenses.len(), 1);
}

#[test]
fn of_sites_and_of_whom_the_lists_do_not_name_undo_says_that_it_does_not_know() {
    use crate::scripted::{Scripted, answer};
    // A snapshot tells nothing of sites.
    let service = sandbox(4, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let id = license("Messaging");
    let csv = format!(
        "email,licenseId,siteUrl\nuser1@example.com,{id},\nuser1@example.com,,meet.example.com\nuser2@example.com,,meet.example.com\n"
    );
    desk.apply(&csv, &["--snapshot", "yes"]).exits(0);
    let proof = desk.run(&["verify", "--json"]).exits(0);
    assert_eq!(counts(&proof.summary(), ["compared", "sites_not_compared"]), [1, 1]);
    let undo = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(undo.stderr.contains("No list tells who attends a site: of 2 operations"), "{}", undo.stderr);
    assert!(undo.stderr.contains("take out those that the run did not change"), "{}", undo.stderr);
    let text = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
    let noted: Vec<&str> = text.lines().filter(|line| line.contains("nobody knows")).collect();
    assert!(noted.len() == 2 && noted.iter().all(|line| line.contains("meet.example.com")), "{text}");
    // The notes are no part of what is asked.
    desk.run(&["apply", "undo.csv"]).exits(0);
    assert!(service.user("user1@example.com").unwrap().licenses.is_empty());

    // That is not said of them as of those whom a list does not name.
    let another = Desk::at(&service.url());
    another.apply(&csv, &["--only-changes"]).exits(0);
    let undo = another.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(!undo.stderr.contains("the lists did not say"), "{}", undo.stderr);

    // A list that names somebody by no address, and a run that paused meanwhile.
    let refused = std::sync::atomic::AtomicBool::new(true);
    let service = Scripted::start(move |asked| {
        let path = asked.head.split(' ').nth(1).unwrap_or_default();
        match path {
            _ if asked.head.starts_with("PATCH") => {
                let refused = refused.swap(false, std::sync::atomic::Ordering::SeqCst);
                answer(if refused { 401 } else { 200 }, "")
            }
            "/v1/licenses" => {
                answer(200, json!({"items": [{"id": "A", "name": "Plan A", "totalUnits": 9}]}).to_string())
            }
            _ => answer(
                200,
                json!({"users": [{"id": "P"}, {"id": "Q", "email": "a@example.com"}]}).to_string(),
            ),
        }
    });
    for only_changes in [false, true] {
        let desk = Desk::at(&service.url);
        let csv = "email,licenseId\na@example.com,A\nb@example.com,A\nc@example.com,A\n";
        let how: &[&str] = if only_changes { &["--only-changes"] } else { &["--snapshot", "yes"] };
        let ran = desk.apply(csv, how);
        if ran.code == 3 {
            desk.run(&["resume", "--yes"]).exits(0);
        }
        let undo = desk.run(&["undo", "-o", "undo.csv", "--json"]).exits(0);
        assert_eq!(counts(&undo.summary(), ["rows", "not_known"]), [2, 2], "{}", undo.stderr);
        let said = "Of 2 operations the lists did not say before this run";
        assert!(undo.stderr.contains(said) && !undo.stderr.contains("not kept"), "{}", undo.stderr);
    }
}

#[test]
fn who_holds_what_is_read_once_for_what_is_shown_and_what_is_kept() {
    use crate::scripted::{Scripted, answer};
    let service = Scripted::start(|asked| {
        let path = asked.head.split(' ').nth(1).unwrap_or_default();
        match path {
            _ if asked.head.starts_with("PATCH") => answer(200, ""),
            "/v1/licenses" => {
                answer(200, json!({"items": [{"id": "A", "name": "Plan A", "totalUnits": 9}]}).to_string())
            }
            _ => answer(200, json!({"users": [{"id": "P", "email": "a@example.com"}]}).to_string()),
        }
    });
    let desk = Desk::at(&service.url);
    let csv = "email,licenseId\na@example.com,A\nb@example.com,A\n";
    desk.apply(csv, &["--snapshot", "auto", "--max-removals", "1"]).exits(0);
    assert_eq!(service.asked().iter().filter(|asked| asked.head.starts_with("GET")).count(), 2);
    let undo = desk.run(&["undo", "-o", "undo.csv", "--json"]).exits(0);
    let event: serde_json::Value = serde_json::from_str(undo.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(counts(&event, ["rows", "not_known"]), [1, 0]);
}

#[test]
fn an_order_is_proposed_where_something_is_given_that_others_give_back() {
    let service = sandbox(4, WireForm::Array, &[]);
    let (a, b) = (license("Messaging"), license("Events"));
    let desk = Desk::at(&service.url());
    let apply = |csv: &str| desk.apply(csv, &["--snapshot", "yes", "--again"]).exits(0);
    let header = "email,licenseId,operation\n";
    apply(&format!("{header}user1@example.com,{a},add\nuser2@example.com,{b},add\n"));
    // One gives back what nobody gets.
    apply(&format!("{header}user1@example.com,{a},remove\nuser3@example.com,{b},add\n"));
    let apart = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(!apart.stderr.contains("--order"), "{}", apart.stderr);
    // One gives back what another gets.
    apply(&format!("{header}user2@example.com,{b},remove\nuser4@example.com,{b},add\n"));
    let exchanged = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(exchanged.stderr.contains("undo.csv --order removes-first"), "{}", exchanged.stderr);
}

/// What everybody holds, user by user.
fn holdings(service: &seatbatch::sandbox::Sandbox) -> std::collections::BTreeMap<String, Vec<String>> {
    service.state().users.into_iter().map(|user| (user.email, user.licenses)).collect()
}

#[test]
fn what_was_applied_is_undone_in_a_hundred_organizations() {
    let mut random = fastrand::Rng::with_seed(100);
    let names = ["Webex Calling - Professional", "Events", "Whiteboard", "Plan"];
    for case in 0..100 {
        let users = 5 + random.usize(..20);
        let held: Vec<Vec<usize>> =
            (0..users).map(|_| (0..names.len()).filter(|_| random.bool()).collect()).collect();
        let licenses: Vec<_> = (0..names.len())
            .map(|number| {
                let holders = held.iter().filter(|held| held.contains(&number)).count();
                json!({"id": format!("L{number}"), "name": names[number], "totalUnits": holders + random.usize(..4)})
            })
            .collect();
        let people: Vec<_> = held
            .iter()
            .enumerate()
            .map(|(user, held)| {
                let held: Vec<String> = held.iter().map(|number| format!("L{number}")).collect();
                json!({"email": format!("u{user}@example.com"), "licenses": held})
            })
            .collect();
        let wire = if random.bool() { WireForm::Array } else { WireForm::Object };
        let service = organization(json!({"sites": [], "licenses": licenses, "users": people}), wire);
        // Every row has the number that the user has, whether it gives the license or takes it away.
        let mut rows = Vec::new();
        for (user, held) in held.iter().enumerate() {
            for number in 0..names.len() {
                if random.u8(..3) > 0 {
                    continue;
                }
                let gives = if random.u8(..8) == 0 { random.bool() } else { !held.contains(&number) };
                let place = if user % 2 == 0 {
                    format!("+1408555{user:04},,")
                } else {
                    format!(",{},LOC", 2000 + user)
                };
                let place = if number == 0 { place } else { ",,".to_owned() };
                let operation = if gives { "add" } else { "remove" };
                rows.push(format!("u{user}@example.com,L{number},{operation},{place}\n"));
            }
        }
        if rows.is_empty() {
            continue;
        }
        random.shuffle(&mut rows);
        let before = holdings(&service);
        let desk = Desk::at(&service.url());
        let order = ["file", "removes-first", "fit"][random.usize(..3)];
        let csv = format!("email,licenseId,operation,phoneNumber,extension,locationId\n{}", rows.concat());
        let ran = desk.apply(&csv, &["--snapshot", "auto", "--order", order]);
        assert!(ran.code < 2, "case {case}: {}", ran.stderr);
        let after = holdings(&service);
        // Of every third organization somebody else changes one user in between.
        let mut expected = before.clone();
        let changed = case % 3 == 0;
        if changed {
            let user = format!("u{}@example.com", random.usize(..users));
            let (id, now) = ("L2", &after[&user]);
            let operation = if now.iter().any(|held| held == id) { "remove" } else { "add" };
            let other = Desk::at(&service.url());
            let done = other.apply(&format!("email,licenseId,operation\n{user},{id},{operation}\n"), &[]);
            if done.code == 0 {
                // What the run did to him is no more; what it did not do was somebody else's alone.
                let hand = holdings(&service)[&user].contains(&id.to_owned());
                let of = expected.get_mut(&user).unwrap();
                of.retain(|held| held != id);
                of.extend(hand.then(|| id.to_owned()));
                of.sort_unstable();
            }
        }
        let live: &[&str] = if changed { &["--live"] } else { &[] };
        let undo = desk.run(&[&["undo", "-o", "undo.csv", "--json"], live].concat()).exits(0);
        let order = if undo.stderr.contains("--order removes-first") { "removes-first" } else { "file" };
        let text = std::fs::read_to_string(desk.path("undo.csv")).unwrap();
        for row in text.lines().filter(|row| row.contains(",L0,,,add,")) {
            let user: usize = row[1..row.find('@').unwrap()].parse().unwrap();
            let place = if user.is_multiple_of(2) {
                format!("+1408555{user:04},,")
            } else {
                format!(",{},LOC", 2000 + user)
            };
            assert!(row.contains(&place), "case {case}: {row}");
        }
        if text.lines().count() > 1 {
            let back = desk.run(&["apply", "undo.csv", "--rate", "unlimited", "--order", order]);
            let failed = std::fs::read_to_string(desk.path("undo.failures.csv")).unwrap_or_default();
            // A unit that somebody else has taken is not there to be given back.
            assert!(back.code == 0 || changed, "case {case}: {}{failed}", back.stderr);
            if back.code != 0 {
                continue;
            }
        }
        assert_eq!(holdings(&service), expected, "case {case}, {order}:\n{csv}\n{text}");
    }
}

#[test]
fn what_repeats_and_what_was_so_before_accounts_for_the_rest_of_the_run() {
    let service = sandbox(4, WireForm::Array, &[]);
    Desk::at(&service.url()).apply(&onboarding(2), &[]).exits(0);
    let desk = Desk::at(&service.url());
    let id = license("Messaging");
    let twice =
        format!("{}user1@example.com,{id}\nuser4@example.com,{id}\nuser4@example.com,{id}\n", onboarding(4));
    let ran = desk.apply(&twice, &["--snapshot", "yes"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["done"]), [7]);
    let ran = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    let said = "5 operations need no reversal: 3 repeat others of the file, 2 were in effect before the run";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let ran = desk.run(&["undo", "-o", "undo.csv", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["rows", "repeated", "in_effect_before"]), [2, 3, 2]);
    let ran = desk.run(&["apply", "people.csv", "--again", "--only-changes"]).exits(0);
    assert!(ran.stderr.contains("unchanged"), "{}", ran.stderr);
    let ran = desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    assert!(
        ran.stderr.contains("7 operations need no reversal: they were in effect already"),
        "{}",
        ran.stderr
    );
}
