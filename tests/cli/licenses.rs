//! `seatbatch licenses list` and `show`.

use seatbatch::domain::WireForm;
use serde_json::json;

use crate::harness::{Desk, license, onboarding, sandbox};
use crate::scripted::{Scripted, answer};
use crate::verify::{linked, path};

#[test]
fn a_license_is_shown_by_its_name_and_a_wrong_base_url_is_said_so() {
    let sandbox = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let by_name = desk.run(&["licenses", "show", "messaging", "--json"]).exits(0);
    let first: serde_json::Value = serde_json::from_str(by_name.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["event"], &first["id"]), (&"license".into(), &license("Messaging").into()));
    let by_id =
        desk.run(&["licenses", "show", &format!("{}=", license("Messaging")), "--format", "json"]).exits(0);
    assert_eq!(by_id.summary()["id"], license("Messaging"));
    let near = desk.run(&["licenses", "show", "Mesaging"]).exits(2);
    assert!(near.stderr.contains("the nearest is 'Messaging'"), "{}", near.stderr);
    let bare = Desk::at(sandbox.url().trim_end_matches("/v1"));
    for args in [&["licenses", "list"][..], &["licenses", "show", "Messaging"]] {
        let ran = bare.run(args);
        assert!(ran.code != 0 && ran.stderr.contains("is the base URL right"), "{}", ran.stderr);
    }
}

#[test]
fn licenses_are_read_to_the_last_page() {
    let service = Scripted::start(|asked| {
        if path(asked).contains("page=2") {
            return answer(200, json!({"items": [{"id": "L2", "name": "Meetings"}]}).to_string());
        }
        let body = json!({"items": [{"id": "L1", "name": "Messaging"}]}).to_string();
        linked("Link: </v1/licenses?page=2>; rel=\"next\"\r\n", body)
    });
    let ran = Desk::at(&service.url).run(&["licenses", "list", "--format", "csv"]).exits(0);
    assert!(ran.stdout.contains("Messaging") && ran.stdout.contains("Meetings"), "{}", ran.stdout);
}

#[test]
fn licenses_are_listed_in_every_form() {
    let service = sandbox(700, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(650), &[]).exits(0);
    let table = desk.run(&["licenses", "list"]).exits(0);
    assert!(table.stdout.contains("Webex Calling - Professional"), "{}", table.stdout);
    let csv = desk.run(&["licenses", "list", "--format", "csv"]).exits(0);
    assert!(csv.stdout.starts_with("name,total,consumed,left,site,id\n"));
    let id = crate::harness::license("Messaging");
    let users = desk.run(&["licenses", "show", &id, "--users", "--json"]).exits(0);
    assert_eq!(users.stdout.lines().count(), 651, "650 users and the summary");
    desk.run(&["licenses", "show", "nothing"]).exits(2);
}
