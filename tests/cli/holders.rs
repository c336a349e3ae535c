//! Lists of holders, read whole or not at all.

use serde_json::json;

use crate::harness::{Desk, counts, license, sandbox};
use crate::scripted::{Answer, Asked, Scripted, answer};
use seatbatch::domain::WireForm;

/// The path that was asked for.
fn path(asked: &Asked) -> String {
    asked.head.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn page(users: &[(&str, Option<&str>)]) -> String {
    let users: Vec<_> = users
        .iter()
        .map(|(id, email)| match email {
            Some(email) => json!({"id": id, "email": email}),
            None => json!({"id": id}),
        })
        .collect();
    json!({"id": "LIC", "name": "Messaging", "users": users}).to_string()
}

fn linked(link: &str, body: String) -> Answer {
    (200, link.to_owned(), body)
}

const FILE: &str = "email,licenseId,operation\na@example.com,LIC,remove\nb@example.com,LIC,remove\n";

/// A service that takes every change and whose list of holders is what `list` says of page 1, 2, ….
fn service(list: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Scripted {
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
fn a_list_that_is_not_read_whole_proves_nothing_and_the_address_is_told() {
    type Second = fn() -> Answer;
    let second: [(&str, Second); 5] = [
        ("404", || answer(404, json!({"message": "gone"}).to_string())),
        ("garbage", || answer(200, "<html>sign in</html>")),
        ("no users", || answer(200, json!({"id": "LIC", "name": "Messaging"}).to_string())),
        ("cut off", || answer(200, r#"{"users":[{"id":"X"#)),
        ("elsewhere", || {
            linked("Link: <http://example.com/v1/licenses/LIC?page=3>; rel=\"next\"\r\n", page(&[]))
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
    assert!(ran.stderr.contains("2 operations compared, 1 differs"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("3,b@example.com,,LIC,remove,not held all the same,failed,"),
        "{}",
        ran.stdout
    );
}

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
