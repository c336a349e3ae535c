//! `seatbatch sandbox`

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};

use serde_json::Value;

use crate::harness::{Desk, TOKEN, onboarding};

/// A sandbox in a process of its own, and its base URL.
fn started(desk: &Desk, args: &[&str]) -> (Child, String) {
    let mut child = desk.command(&[&["sandbox", "--token", TOKEN], args].concat()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    let url = first.strip_prefix("listening on ").unwrap().trim_end().to_owned();
    (child, url)
}

fn stop(mut child: Child) {
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_organization_is_saved_at_the_end_and_loaded_again() {
    let desk = Desk::alone();
    let (child, url) = started(&desk, &["--users", "3", "--save", "org.json"]);
    desk.write("people.csv", onboarding(2));
    desk.run(&["apply", "people.csv", "--yes", "--base-url", &url]).exits(0);
    stop(child);
    let saved: Value = serde_json::from_slice(&std::fs::read(desk.path("org.json")).unwrap()).unwrap();
    assert_eq!(saved["users"].as_array().unwrap().len(), 3);
    assert_eq!(saved["licenses"][0]["consumedUnits"], 2);
    let (child, url) = started(&desk, &["--org", "org.json", "--save", "again.json"]);
    let licenses = desk.run(&["licenses", "list", "--json", "--base-url", &url]).exits(0);
    assert!(licenses.stdout.contains(r#""consumedUnits":2"#), "{}", licenses.stdout);
    stop(child);
    let again: Value = serde_json::from_slice(&std::fs::read(desk.path("again.json")).unwrap()).unwrap();
    assert_eq!(again, saved);
}

#[test]
fn a_sandbox_says_first_where_it_listens_and_then_what_a_shell_needs() {
    use std::io::{BufRead as _, BufReader};
    let desk = Desk::at("https://example.com/never-asked");
    let mut child = desk.command(&["sandbox", "--token", "two words"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let url = first.strip_prefix("listening on ").unwrap().to_owned();
    assert_eq!(lines.next().unwrap(), format!("export SEATBATCH_BASE_URL={url}"));
    assert_eq!(lines.next().unwrap(), "export WEBEX_ACCESS_TOKEN='two words'");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_copy_of_the_live_organization_is_kept_up_and_saved() {
    use seatbatch::domain::WireForm;

    use crate::harness::{counts, license, sandbox};
    let live = sandbox(400, WireForm::Array, &[]);
    let before = Desk::at(&live.url());
    before.apply(&onboarding(350), &[]).exits(0);
    let sent = live.requests().all().len();
    let desk = Desk::at(&live.url());
    let (child, url) = started(&desk, &["--from-live", "--save", "copy.json"]);
    // What is done to the copy is not done to the organization.
    let org = live.state().org_id;
    desk.write(
        "leavers.csv",
        format!("email,orgId,licenseId,operation\nuser7@example.com,{org},{},remove\n", license("Messaging")),
    );
    desk.run(&["apply", "leavers.csv", "--base-url", &url]).exits(0);
    let gone = desk
        .run(&["licenses", "show", "Messaging", "--users", "--format", "csv", "--base-url", &url])
        .exits(0);
    assert!(!gone.stdout.contains("user7@") && gone.stdout.lines().count() == 350, "{}", gone.stdout);
    stop(child);
    assert_eq!(live.requests().all().len(), sent);
    assert_eq!(live.user("user7@example.com").unwrap().licenses, [license("Messaging")]);
    let saved: Value = serde_json::from_slice(&std::fs::read(desk.path("copy.json")).unwrap()).unwrap();
    assert_eq!(saved["orgId"], org.as_str());
    assert_eq!(saved["users"].as_array().unwrap().len(), 350, "who holds nothing is not known");
    assert_eq!(counts(&saved["licenses"][0], ["totalUnits", "consumedUnits"]), [400, 349]);
    desk.run(&["sandbox", "--from-live", "--users", "3"]).exits(2);
    let nobody = Desk::alone().run(&["sandbox", "--from-live"]);
    assert_eq!(nobody.code, 5, "{}", nobody.stderr);
}

#[test]
fn the_live_organization_is_read_as_other_commands_read() {
    use crate::scripted::{Scripted, answer};
    let busy = Scripted::start(|_| (429, "Retry-After: 100\r\n".to_owned(), String::new()));
    let desk = Desk::at(&busy.url);
    let ran = desk.run(&["sandbox", "--from-live", "--rate", "60/min", "--max-wait", "1"]).exits(5);
    assert!(ran.stderr.contains("100"), "{}", ran.stderr);
    assert_eq!(busy.asked().len(), 1);
    // Without a copy there is nothing that could be read at a pace, and the sandbox's own limit has another name.
    for (option, value) in [("--rate", "5/s"), ("--max-wait", "5"), ("--timeout", "5")] {
        let unread = Scripted::start(|_| answer(500, ""));
        let ran = Desk::at(&unread.url).run(&["sandbox", option, value]);
        assert!(ran.code == 2 && ran.stderr.contains("--from-live"), "{option}: {}", ran.stderr);
    }
}

#[test]
fn people_of_a_file_of_ones_own_hold_something_to_be_taken_away() {
    let desk = Desk::at("https://example.com/never-asked");
    let people = "Personnel No.;Name;E-Mail;Wanted;License\n1;Ann;ann@corp.example;a seat;Messaging\n2;Bob;bob@corp.example;;\n3;Cy;;;\n4;Ann;ANN@corp.example;;Nothing\n";
    desk.write("people.csv", people);
    let options = [
        "--people",
        "people.csv",
        "--holding",
        "messaging",
        "--holding",
        "Meetings Suite",
        "--save",
        "org.json",
    ];
    let (child, url) = started(&desk, &options);
    desk.write("leavers.csv", "email\nann@corp.example\n");
    let ran = desk.run(&["apply", "leavers.csv", "--remove-all", "--base-url", &url]).exits(0);
    assert!(ran.stderr.contains("2 of 2 operations done"), "{}", ran.stderr);
    let exchange =
        ["apply", "leavers.csv", "--again", "--replace", "Meetings Suite=Events", "--base-url", &url];
    desk.write("leavers.csv", "email\nbob@corp.example\n");
    desk.run(&exchange).exits(0);
    stop(child);
    let saved: Value = serde_json::from_slice(&std::fs::read(desk.path("org.json")).unwrap()).unwrap();
    let users = saved["users"].as_array().unwrap();
    let of = |n: usize| (users[n]["email"].as_str().unwrap(), users[n]["licenses"].as_array().unwrap().len());
    assert_eq!((of(0), of(1), users.len()), (("ann@corp.example", 0), ("bob@corp.example", 2), 2));
    for (options, said) in [
        (&["--holding", "Mesaging"][..], "no license of that name; it has Messaging"),
        (&["--holding", "Attendant Console", "--users", "500"], "there are 5 units of it, and 500 users"),
        (&["--people", "people.csv", "--users", "3"], "do not go together"),
        (&["--people", "nobody.csv"], "no such file"),
        (&["--from-live", "--holding", "Messaging"], "do not go together"),
    ] {
        let ran = desk.run(&[&["sandbox"], options].concat()).exits(2);
        assert!(ran.stderr.contains(said), "{options:?}: {}", ran.stderr);
    }
}
