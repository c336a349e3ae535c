//! `seatbatch verify`: lists of holders are read whole or not at all, and held against the journal.

use seatbatch::domain::WireForm;
use serde_json::json;

use crate::harness::{Desk, counts, license, onboarding, sandbox};
use crate::scripted::{Answer, Asked, Scripted, answer};

/// The path that was asked for.
pub(crate) fn path(asked: &Asked) -> String {
    asked.head.split(' ').nth(1).unwrap_or_default().to_owned()
}

pub(crate) fn page(users: &[(&str, Option<&str>)]) -> String {
    let users: Vec<_> = users
        .iter()
        .map(|(id, email)| match email {
            Some(email) => json!({"id": id, "email": email}),
            None => json!({"id": id}),
        })
        .collect();
    json!({"id": "LIC", "name": "Messaging", "users": users}).to_string()
}

pub(crate) fn linked(link: &str, body: String) -> Answer {
    (200, link.to_owned(), body)
}

const FILE: &str = "email,licenseId,operation\na@example.com,LIC,remove\nb@example.com,LIC,remove\n";

/// A service that takes every change and whose list of holders is what `list` says of page 1, 2, ….
pub(crate) fn service(list: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked| {
        let path = path(asked);
        if asked.head.starts_with("PATCH") {
            return answer(200, "");
        }
        let page = path.split("page=").nth(1).map_or(1, |page| page.parse().unwrap());
        list(page)
    })
}

fn verify(service: &Scripted) -> crate::harness::Ran {
    let desk = Desk::at(&service.url);
    desk.apply(FILE, &[]).exits(0);
    desk.run(&["verify", "--json"])
}

#[test]
fn verify_lists_what_is_done_and_does_not_show() {
    let service = sandbox(700, WireForm::Array, &["ignore,user=user650@example.com"]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(650), &[]).exits(0);
    let ran = desk.run(&["verify"]).exits(1);
    let id = license("Messaging");
    assert_eq!(
        ran.stdout,
        format!(
            "line,email,personId,licenseId,operation,found,state,orgId\n651,user650@example.com,,{id},add,not held,done,\n"
        )
    );
    assert!(ran.stderr.contains("650 operations compared, 1 differs"), "{}", ran.stderr);
    desk.run(&["undo", "-o", "undo.csv"]).exits(0);
    desk.run(&["apply", "undo.csv"]).exits(0);
    desk.run(&["verify"]).exits(0);
    desk.run(&["verify", "1", "-o", "drift.csv"]).exits(1);
    assert_eq!(std::fs::read_to_string(desk.path("drift.csv")).unwrap().lines().count(), 651);
}

#[test]
fn a_list_that_is_not_read_whole_proves_nothing_and_the_address_is_told() {
    type Second = fn() -> Answer;
    let second: [(&str, Second); 10] = [
        ("404", || answer(404, json!({"message": "gone"}).to_string())),
        ("garbage", || answer(200, "<html>sign in</html>")),
        ("no users", || answer(200, json!({"id": "LIC", "name": "Messaging"}).to_string())),
        ("cut off", || answer(200, r#"{"users":[{"id":"X"#)),
        ("elsewhere", || {
            linked("Link: <http://example.com/v1/licenses/LIC?page=3>; rel=\"next\"\r\n", page(&[]))
        }),
        ("another license's", || answer(200, json!({"id": "OTHER", "users": []}).to_string())),
        ("leads to another license", || {
            linked("Link: </v1/licenses/OTHER?page=3>; rel=\"next\"\r\n", page(&[]))
        }),
        ("links that are no links", || linked("Link: next please\r\n", page(&[]))),
        ("links that break off", || linked("Link: </v1/licenses/LIC?page=3>; rel=\"next\r\n", page(&[]))),
        ("two next pages", || {
            let two = "Link: </v1/licenses/LIC?page=3>; rel=next, </v1/licenses/LIC?page=4>; rel=next\r\n";
            linked(two, page(&[]))
        }),
    ];
    for (what, second) in second {
        let service = service(move |number| {
            if number == 1 {
                return linked(
                    "Link: </v1/licenses/LIC?page=2>; rel=\"next\"\r\n",
                    page(&[("X", Some("x@example.com"))]),
                );
            }
            second()
        });
        let ran = verify(&service);
        assert_eq!(ran.code, 3, "{what}: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("/v1/licenses/LIC?"), "{what}: {}", ran.stderr);
        assert!(!ran.stdout.contains("\"drift\":0"), "{what}: {}", ran.stdout);
    }
}

#[test]
fn every_link_header_line_is_read_and_every_page() {
    let service = service(|number| match number {
        1 => linked(
            "Link: </v1/licenses/LIC?page=1>; rel=\"first\"\r\nLink: </v1/licenses/LIC?page=9>; rel=\"last\", </v1/licenses/LIC?page=2>; rel=\"next\"\r\n",
            page(&[("X", Some("x@example.com"))]),
        ),
        _ => answer(200, page(&[("B", Some("B@Example.com"))])),
    });
    let ran = verify(&service).exits(1);
    assert_eq!(counts(&ran.summary(), ["compared", "drift"]), [2, 1]);
    assert!(service.asked().iter().any(|asked| path(asked).contains("limit=300")));
}

#[test]
fn a_byte_order_mark_before_the_json_is_no_part_of_it() {
    let service = Scripted::start(|asked| {
        if asked.head.starts_with("PATCH") {
            let refused = r#"[{"email":"b@example.com","error":{"code":"400006","message":"no"}}]"#;
            return answer(206, format!("\u{feff}{refused}"));
        }
        answer(200, format!("\u{feff}{}", page(&[("B", Some("b@example.com"))])))
    });
    let desk = Desk::at(&service.url);
    desk.apply(FILE, &["--wire", "array"]).exits(1);
    let ran = desk.run(&["verify", "--json"]).exits(0);
    assert_eq!(counts(&ran.summary(), ["compared", "drift"]), [1, 0]);
}

#[test]
fn the_next_page_is_followed_however_it_is_spelled() {
    for relation in
        ["rel='next'", "rel=next", "REL=\"NEXT\"", "rel=\"last next\"", "title=x; rel = 'first next' "]
    {
        let service = service(move |number| match number {
            1 => linked(&format!("Link: </v1/licenses/LIC?page=2>; {relation}\r\n"), page(&[])),
            _ => answer(200, page(&[("B", Some("b@example.com"))])),
        });
        let ran = verify(&service).exits(1);
        assert_eq!(counts(&ran.summary(), ["compared", "drift"]), [2, 1], "{relation}");
    }
}

#[test]
fn holders_of_another_license_make_nothing_unchanged() {
    let service = Scripted::start(|asked| {
        if path(asked).split('?').next() == Some("/v1/licenses") {
            return answer(200, json!({"items": [{"id": "LIC", "name": "Messaging"}]}).to_string());
        }
        answer(200, json!({"id": "OTHER", "name": "Other", "users": []}).to_string())
    });
    let desk = Desk::at(&service.url);
    let ran = desk.apply(FILE, &["--only-changes"]);
    assert!(!matches!(ran.code, 0 | 1), "{} {}", ran.code, ran.stderr);
    assert!(ran.stderr.contains("another license than was asked about: OTHER"), "{}", ran.stderr);
    assert!(service.asked().iter().all(|asked| !asked.head.starts_with("PATCH")));
}

#[test]
fn holders_without_an_address_are_matched_by_person_id_and_nothing_is_concluded_of_others() {
    let service = service(|_| answer(200, page(&[("Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYg", None)])));
    let desk = Desk::at(&service.url);
    desk.apply("email,personId,licenseId,operation\na@example.com,Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYg==,LIC,remove\nb@example.com,,LIC,remove\n", &[])
        .exits(0);
    let ran = desk.run(&["verify", "--json"]).exits(1);
    assert_eq!(counts(&ran.summary(), ["compared", "drift", "not_comparable"]), [1, 1, 1]);
}

#[test]
fn a_token_is_renewed_and_a_wait_kept_while_reading() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "first").unwrap();
    let next = token.clone();
    let service = Scripted::start(move |asked| {
        if asked.head.starts_with("PATCH") {
            return answer(200, "");
        }
        if asked.token() == "first" {
            std::fs::write(&next, "second").unwrap();
            return answer(401, json!({"message": "expired"}).to_string());
        }
        if asked.number == 3 {
            return (429, "Retry-After: 0.2\r\n".to_owned(), json!({"message": "slowly"}).to_string());
        }
        answer(200, page(&[]))
    });
    let desk = Desk::at(&service.url);
    let token = token.to_str().unwrap();
    desk.apply(FILE, &["--token-file", token]).exits(0);
    desk.run(&["verify", "--json", "--token-file", token]).exits(0);
    let tokens: Vec<String> = service.asked().iter().map(|asked| asked.token()).collect();
    assert_eq!(tokens, ["first", "first", "second", "second"]);
}

#[test]
fn a_failed_operation_that_is_so_all_the_same_is_drift() {
    let service = Scripted::start(|asked| {
        if asked.head.starts_with("PATCH") {
            return answer(400, json!({"message": "License is not assigned to the user", "errors": [{"errorCode": "400999", "description": "not assigned"}]}).to_string());
        }
        answer(200, page(&[("A", Some("a@example.com"))]))
    });
    let desk = Desk::at(&service.url);
    desk.apply(FILE, &["--wire", "object"]).exits(1);
    let ran = desk.run(&["verify"]).exits(1);
    assert!(
        ran.stderr.contains(
            "2 operations that failed were looked up, too: 1 is in effect all the same; somebody else"
        ),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("3,b@example.com,,LIC,remove,not held all the same,failed,"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_differs_is_told_by_what_was_asked_and_what_is_so() {
    let adds = FILE.replace("remove", "add");
    for (csv, status, row, found) in [
        (FILE, 200, "2,a@example.com,,LIC,remove,still held,done,", [2, 1, 0]),
        (&adds, 200, "3,b@example.com,,LIC,add,not held,done,", [2, 1, 1]),
        (&adds, 400, "2,a@example.com,,LIC,add,held all the same,failed,", [0, 1, 0]),
    ] {
        let service = Scripted::start(move |asked| match asked.head.starts_with("PATCH") {
            true if status == 200 => answer(200, ""),
            true => answer(
                400,
                json!({"message": "no", "errors": [{"errorCode": "400999", "description": "no"}]})
                    .to_string(),
            ),
            false => answer(200, page(&[("A", Some("a@example.com"))])),
        });
        let desk = Desk::at(&service.url);
        desk.apply(csv, if status == 200 { &[] } else { &["--wire", "object"] });
        let ran = desk.run(&["verify"]).exits(1);
        assert!(ran.stdout.contains(row), "{}", ran.stdout);
        let proof = desk.run(&["verify", "--json"]).exits(1);
        assert_eq!(counts(&proof.summary(), ["compared", "drift", "additions_not_held"]), found);
    }
}

#[test]
fn a_page_that_leads_elsewhere_or_in_a_circle_is_not_followed() {
    let elsewhere = Scripted::start(|_| answer(200, r#"{"id":"L","users":[]}"#));
    let away = format!("Link: <{}/licenses/L?next=2>; rel=\"next\"\r\n", elsewhere.url);
    for (link, words) in [(away, "leads elsewhere"), (String::new(), "leads elsewhere")] {
        let service = Scripted::start(move |asked| {
            if asked.head.starts_with("PATCH") {
                return answer(200, "");
            }
            let host = asked.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let itself = format!(
                "Link: <http://{host}/v1/licenses/L?includeAssignedTo=user&next=1>; rel=\"next\"\r\n"
            );
            let link = if link.is_empty() { itself } else { link.clone() };
            (200, link, r#"{"id":"L","users":[]}"#.to_owned())
        });
        let desk = Desk::at(&service.url);
        desk.apply("email,licenseId\nuser1@example.com,L\n", &[]).exits(0);
        let ran = desk.run(&["verify"]);
        assert!(ran.code != 0 && ran.stderr.contains(words), "{} {}", ran.code, ran.stderr);
        assert!(service.asked().len() < 6, "{} requests", service.asked().len());
    }
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn who_has_yet_to_accept_is_no_drift() {
    use seatbatch::sandbox::Organization;
    let pending = |wire| {
        let mut state = Organization::generated(3).state();
        state.users[1].external = true;
        let service = crate::harness::organization(serde_json::to_value(state).unwrap(), wire);
        let desk = Desk::at(&service.url());
        desk.apply(&crate::harness::onboarding(3), &[]).exits(0);
        let undo = desk.run(&["undo", "--live", "-o", "undo.csv"]).exits(0);
        (desk.run(&["verify", "--json"]), undo, service)
    };
    let (ran, undo, _service) = pending(WireForm::Object);
    let ran = ran.exits(0);
    assert_eq!(counts(&ran.summary(), ["compared", "drift", "pending"]), [3, 0, 1]);
    assert!(undo.stderr.contains("3 operations of run 1 are reversed"), "{}", undo.stderr);
    // The array form's answers do not tell, and so it is said.
    let (ran, undo, _service) = pending(WireForm::Array);
    let ran = ran.exits(1);
    assert_eq!(counts(&ran.summary(), ["compared", "drift", "pending"]), [3, 1, 0]);
    assert!(ran.stderr.contains("may be pending"), "{}", ran.stderr);
    assert!(undo.stderr.contains("1 operation left alone"), "{}", undo.stderr);
}

#[test]
fn a_run_that_goes_on_says_when_it_compared_and_verify_shows_what_has_changed_since() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let patches = std::sync::Arc::new(AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&patches);
    let service = Scripted::start(move |asked| {
        if asked.head.starts_with("PATCH") {
            // The first time the token is not accepted.
            return answer(if seen.fetch_add(1, Ordering::SeqCst) == 0 { 401 } else { 200 }, "");
        }
        if path(asked).split('?').next() == Some("/v1/licenses") {
            return answer(200, json!({"items": [{"id": "LIC", "name": "Messaging"}]}).to_string());
        }
        // Somebody takes it from a before the run goes on.
        let holder = if seen.load(Ordering::SeqCst) == 0 { "a@example.com" } else { "b@example.com" };
        answer(200, page(&[("X", Some(holder))]))
    });
    let desk = Desk::at(&service.url);
    let csv = "email,licenseId\na@example.com,LIC\nb@example.com,LIC\n";
    desk.apply(csv, &["--only-changes"]).exits(3);
    let ran = desk.run(&["resume", "--yes"]).exits(0);
    let said = "1 operation of run 1 was in effect already when it was begun, at 20";
    assert!(ran.stderr.contains(said) && ran.stderr.contains("seatbatch verify 1"), "{}", ran.stderr);
    let ran = desk.run(&["verify"]).exits(1);
    assert!(ran.stdout.contains("2,a@example.com,,LIC,add,not held,unchanged,"), "{}", ran.stdout);
}
