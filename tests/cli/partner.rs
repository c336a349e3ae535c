//! A partner's file: names, units and holders are those of each row's organization.

use serde_json::{Value, json};

use crate::harness::{Desk, counts};
use crate::scripted::{Asked, Scripted, answer};

/// Two customers and the partner, each with a license Messaging and a license Meetings of its own; who holds what.
fn service() -> Scripted {
    Scripted::start(|asked| {
        let path = asked.head.split(' ').nth(1).unwrap_or_default();
        if asked.head.starts_with("PATCH") {
            return answer(200, "");
        }
        if let Some(id) = path.strip_prefix("/v1/licenses/") {
            let id = id.split('?').next().unwrap_or_default();
            let holders: &[&str] = match id {
                "M1" => &["a@example.com", "z1@example.com"],
                "M2" => &["z2@example.com"],
                "S2" => &["b@example.com"],
                "M0" => &["a@example.com", "b@example.com"],
                _ => &[],
            };
            let users: Vec<Value> =
                holders.iter().map(|email| json!({"id": format!("P-{email}"), "email": email})).collect();
            return answer(200, json!({"id": id, "users": users}).to_string());
        }
        let (org, left) = match path.split("orgId=").nth(1) {
            Some("O1") => ("1", 1),
            Some("O2") => ("2", 0),
            Some(_) => return answer(404, json!({"message": "no such organization"}).to_string()),
            None => ("0", 100),
        };
        let license = |kind: &str, name: &str, used: u32| json!({"id": format!("{kind}{org}"), "name": name, "totalUnits": used + left, "consumedUnits": used});
        answer(200, json!({"items": [license("M", "Messaging", 2), license("S", "Meetings", 1)]}).to_string())
    })
}

fn needs(stdout: &str) -> Vec<(String, String, [u64; 4])> {
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events
        .filter(|event| event["event"] == "need")
        .map(|event| {
            let counts = counts(&event, ["adds", "adds_held", "removes", "removes_not_held"]);
            (text(&event["target"]), text(&event["org_id"]), counts)
        })
        .collect()
}

fn asks_the_partner_itself(asked: &Asked) -> bool {
    asked.head.starts_with("GET /v1/licenses ") || asked.head.contains("/licenses/M0")
}

#[test]
fn a_name_leads_to_the_license_of_the_row_s_organization_with_its_units_and_holders() {
    let service = service();
    let desk = Desk::at(&service.url);
    desk.write(
        "people.csv",
        "email,orgId,license\na@example.com,O1,Messaging\nb@example.com,O2,messaging\nc@example.com,O1,Meetings\n",
    );
    let ran = desk.run(&["plan", "people.csv", "--json"]).exits(1);
    assert_eq!(
        needs(&ran.stdout),
        [
            ("M1".to_owned(), "O1".to_owned(), [1, 1, 0, 0]),
            ("M2".to_owned(), "O2".to_owned(), [1, 0, 0, 0]),
            ("S1".to_owned(), "O1".to_owned(), [1, 0, 0, 0]),
        ]
    );
    assert_eq!(counts(&ran.summary(), ["would_fail", "organizations"]), [1, 2], "the other has no unit left");
    assert!(!service.asked().iter().any(asks_the_partner_itself), "{:?}", service.asked());
}

#[test]
fn a_scope_is_looked_up_in_every_organization_of_the_file() {
    let service = service();
    let desk = Desk::at(&service.url);
    desk.write("people.csv", "email,orgId,license\na@example.com,O1,Messaging\nb@example.com,O2,Messaging\n");
    let sync = ["diff", "people.csv", "-o", "changes.csv", "--sync", "--max-removals", "100%"];
    desk.run(&[&sync[..], &["--scope", "messaging"]].concat()).exits(0);
    let text = std::fs::read_to_string(desk.path("changes.csv")).unwrap();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        rows,
        [
            "b@example.com,,O2,M2,,,add,,,",
            "z1@example.com,P-z1@example.com,O1,M1,,,remove,,,",
            "z2@example.com,P-z2@example.com,O2,M2,,,remove,,,",
        ]
    );
    let wrong = desk.run(&[&sync[..], &["--scope", "Phones"]].concat()).exits(2);
    assert!(wrong.stderr.contains("--scope Phones: no organization of the file has"), "{}", wrong.stderr);
    assert!(!service.asked().iter().any(asks_the_partner_itself), "{:?}", service.asked());
}

#[test]
fn everything_that_is_taken_away_is_of_the_row_s_organization() {
    let service = service();
    let desk = Desk::at(&service.url);
    desk.write("leavers.csv", "email,orgId\na@example.com,O1\nb@example.com,O2\n");
    let ran = desk.run(&["plan", "leavers.csv", "--remove-all", "--json"]).exits(0);
    assert_eq!(
        needs(&ran.stdout),
        [("M1".to_owned(), "O1".to_owned(), [0, 0, 1, 0]), ("S2".to_owned(), "O2".to_owned(), [0, 0, 1, 0])]
    );
    assert!(!service.asked().iter().any(asks_the_partner_itself), "{:?}", service.asked());
}

/// Organizations whose licenses nobody holds; which they have, by the organization that is asked for.
fn held_by_nobody(licenses: impl Fn(Option<&str>) -> Value + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked| {
        let path = asked.head.split(' ').nth(1).unwrap_or_default();
        if path.starts_with("/v1/licenses/") {
            return answer(200, json!({"users": []}).to_string());
        }
        answer(200, json!({ "items": licenses(path.split("orgId=").nth(1)) }).to_string())
    })
}

#[test]
fn one_organization_that_rows_call_by_two_names_has_its_units_once() {
    // Whoever asks without an organization is answered for O1, too.
    let service = held_by_nobody(|_| json!([{"id": "M1", "name": "Messaging", "totalUnits": 1}]));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", "email,orgId,licenseId\na@example.com,O1,M1\nb@example.com,,M1\n");
    for order in ["file", "removes-first", "fit"] {
        let ran = desk.run(&["plan", "people.csv", "--json", "--order", order]).exits(1);
        assert_eq!(counts(&ran.summary(), ["would_fail"]), [1], "{order}");
    }
    let ran = desk.run(&["plan", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("Messaging is 1 unit short"), "{}", ran.stdout);
    let holders = service.asked().iter().filter(|asked| asked.head.contains("/licenses/M1?")).count();
    assert_eq!(holders, 4, "once a plan");
}

#[test]
fn organizations_that_have_the_pace_for_themselves_go_side_by_side_in_the_forecast() {
    let service = service();
    let desk = Desk::at(&service.url);
    let rows: String = (0..10).map(|n| format!("u{n}@example.com,O{},S{}\n", n % 2 + 1, n % 2 + 1)).collect();
    desk.write(
        "people.csv",
        format!("email,orgId,licenseId,operation\n{rows}")
            .replace("1\n", "1,remove\n")
            .replace("2\n", "2,remove\n"),
    );
    let plan = ["plan", "people.csv", "--json", "--wire", "object", "--rate", "1/s"];
    let run = desk.run(&plan).exits(0).summary();
    assert_eq!((&run["requests"], &run["least_s"]), (&json!(10), &json!(9.0)));
    let org = desk.run(&[&plan[..], &["--rate-per", "org"]].concat()).exits(0).summary();
    assert_eq!((&org["requests"], &org["least_s"]), (&json!(10), &json!(4.0)));
}

/// Paid meetings need free ones where the organization has some, whatever another one has.
#[test]
fn a_rule_about_what_an_organization_sells_is_about_that_one() {
    let service = held_by_nobody(|org| {
        let license = |id: &str, name: &str| json!({"id": id, "name": name, "totalUnits": 9});
        match org {
            Some("O1") => json!([license("S1", "Meetings Suite")]),
            _ => json!([license("S2", "Meetings Suite"), license("F2", "Free Meetings")]),
        }
    });
    let desk = Desk::at(&service.url);
    let row = "a@example.com,O1,Meetings Suite\n";
    for (more, fail) in [("b@example.com,O2,Free Meetings\n", 0), ("b@example.com,O2,Meetings Suite\n", 1)] {
        desk.write("people.csv", format!("email,orgId,license\n{row}{more}"));
        for command in ["plan", "rehearse"] {
            let ran = desk.run(&[command, "people.csv", "--json"]).exits(fail);
            assert_eq!(
                counts(&ran.summary(), ["would_fail"]),
                [u64::try_from(fail).unwrap()],
                "{command}, {more}"
            );
        }
    }
}
