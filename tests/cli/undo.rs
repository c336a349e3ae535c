//! What a run has changed, and no more, taken back.

use seatbatch::domain::WireForm;
use seatbatch::sandbox::{Organization, Sandbox};
use serde_json::json;

use crate::beside::organization;
use crate::harness::{Desk, counts, license, onboarding, sandbox};

/// What everybody holds, in an order that does not change.
fn held(service: &Sandbox) -> Vec<(String, Vec<String>)> {
    service.state().users.into_iter().map(|user| (user.email, user.licenses)).collect()
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
    assert!(undo.stderr.contains("To be completed by hand: a line of undo.csv"), "{}", undo.stderr);
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
