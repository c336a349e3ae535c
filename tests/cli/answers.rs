//! What one answer means, told by a service that says things as the live one, its gateways and
//! companies' proxies do.

use crate::harness::{Desk, counts, onboarding};
use crate::scripted::{Answer, Scripted, answer};

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in to the guest network</title></head></html>";

fn page(status: u16) -> Answer {
    (status, "Content-Type: text/html; charset=utf-8\r\n".to_owned(), PAGE.to_owned())
}

/// State and error code of each line of a file that was answered so.
fn states(csv: &str, more: &[&str], given: Answer) -> Vec<(u32, String, Option<String>)> {
    let service = Scripted::start(move |_| given.clone());
    let desk = Desk::at(&service.url);
    desk.apply(csv, &[&["--max-attempts", "1"], more].concat());
    desk.states()
}

fn done(line: u32) -> (u32, String, Option<String>) {
    (line, "done".to_owned(), None)
}

fn failed(line: u32, code: &str) -> (u32, String, Option<String>) {
    (line, "failed".to_owned(), Some(code.to_owned()))
}

/// Whether nobody was taken for done, and nobody for failed.
fn all_in_doubt(states: &[(u32, String, Option<String>)]) -> bool {
    states.iter().all(|(_, state, _)| state == "in_doubt" || state == "pending")
}

const TWO: &str = "email,licenseId,operation\na@example.com,L1,add\nb@example.com,L1,remove\n";

#[test]
fn an_item_of_a_206_fails_in_every_form_of_its_error() {
    for error in [
        r#""error":{"code":"400411","message":"no number"}"#,
        r#""errors":[{"errorCode":400411,"description":"no number"}]"#,
        r#""errors":[{"code":"400411","message":"no number"}]"#,
        r#""code":400411,"message":"no number""#,
        r#""errorCode":"400411","description":"no number""#,
    ] {
        let body = format!(r#"[{{"email":"b@example.com",{error}}}]"#);
        assert_eq!(
            states(TWO, &["--wire", "array"], answer(206, body)),
            [done(2), failed(3, "400411")],
            "{error}"
        );
    }
}

#[test]
fn a_206_that_does_not_say_who_failed_is_no_success() {
    for body in [
        "[]",
        r#"[{"email":"a@example.com"},{"email":"b@example.com"}]"#,
        r#"[{"email":"c@example.com","error":{"code":"X"}}]"#,
        r#"[{"email":"a@example.com","personId":"P-b","error":{"code":"X"}}]"#,
    ] {
        let csv = "email,personId,licenseId\na@example.com,,L1\nb@example.com,P-b,L1\n";
        let states = states(csv, &["--wire", "array"], answer(206, body));
        assert!(all_in_doubt(&states), "{body}: {states:?}");
    }
}

#[test]
fn what_an_answer_says_twice_and_differently_is_not_believed() {
    let array = &["--wire", "array"];
    let whose = r#"[{"email":"a@example.com","email":"b@example.com","error":{"code":"X"}}]"#;
    assert!(all_in_doubt(&states(TWO, array, answer(206, whose))));
    let error = r#"[{"email":"b@example.com","error":{"code":"X"},"error":null}]"#;
    assert!(
        states(TWO, array, answer(200, error)).iter().any(|(line, state, _)| *line == 3 && state != "done")
    );
    for held in [r#""licenses":["L1"],"licenses":[]"#, r#""licenses":[],"licenses":["L1"]"#] {
        let body = format!(r#"{{"email":"a@example.com",{held}}}"#);
        let one = "email,licenseId\na@example.com,L1\n";
        assert!(all_in_doubt(&states(one, &["--wire", "object"], answer(200, body.clone()))), "{body}");
    }
    // What it says twice alike, it says.
    let alike = r#"{"status":"ok","status":"ok","done":1,"done":2}"#;
    assert_eq!(states(TWO, array, answer(200, alike)), [done(2), done(3)]);
}

#[test]
fn plain_success_with_errors_in_it_is_a_success_in_part() {
    let body = r#"[{"email":"b@example.com","errors":[{"errorCode":"X"}]},{"email":"a@example.com"}]"#;
    assert_eq!(states(TWO, &["--wire", "array"], answer(200, body)), [done(2), failed(3, "X")]);
    for body in ["{}", "[]", "null", r#"[{"email":"a@example.com","licenses":["L1"]}]"#] {
        assert_eq!(states(TWO, &["--wire", "array"], answer(200, body)), [done(2), done(3)], "{body}");
    }
}

#[test]
fn errors_in_a_plain_success_are_seen_wherever_they_stand() {
    let array = &["--wire", "array"];
    let wrapped = r#"{"items":[{"email":"b@example.com","error":{"code":"X","message":"no"}}]}"#;
    assert_eq!(states(TWO, array, answer(200, wrapped)), [done(2), failed(3, "X")]);
    for body in [
        r#"{"fault":{"faultstring":"Rate limit quota violation","detail":{"errorcode":"QuotaViolation"}}}"#,
        r#"{"result":{"items":[{"email":"b@example.com","error":{"code":"X"}}]}}"#,
        r#"{"items":[{"email":"eve@example.com","error":{"code":"X"}}]}"#,
        r#"[{"user":{"email":"b@example.com"},"result":{"errors":[{"errorCode":"X"}]}}]"#,
        r#"{"code":400,"message":"Bad request"}"#,
    ] {
        let states = states(TWO, array, answer(200, body));
        assert!(states.iter().all(|(_, state, _)| state == "in_doubt"), "{body}: {states:?}");
    }
}

#[test]
fn what_an_item_of_a_success_says_is_held_is_compared() {
    let array = &["--wire", "array"];
    let body = r#"[{"email":"a@example.com","licenses":[]},{"email":"b@example.com","licenses":["L1"]}]"#;
    assert_eq!(states(TWO, array, answer(200, body)), [failed(2, "NOT_APPLIED"), failed(3, "NOT_APPLIED")]);
    for body in [
        r#"[{"email":"a@example.com","licenses":["L1"]},{"email":"b@example.com","licenses":[]}]"#,
        r#"[{"email":"a@example.com","licenses":[],"pendingLicenses":["L1"]}]"#,
        // The request, repeated.
        r#"[{"email":"b@example.com","licenses":[{"id":"L1","operation":"remove"}]}]"#,
    ] {
        assert_eq!(states(TWO, array, answer(200, body)), [done(2), done(3)], "{body}");
    }
}

#[test]
fn what_a_success_in_part_tells_of_those_without_an_error_counts_as_in_a_whole_one() {
    let array = &["--wire", "array"];
    let refused = r#"{"email":"b@example.com","error":{"code":"X","message":"no"}}"#;
    for held in
        [r#"{"email":"a@example.com","licenses":[]}"#, r#"{"email":"A@example.com","licenses":["L2"]}"#]
    {
        let body = format!("[{held},{refused}]");
        assert_eq!(
            states(TWO, array, answer(206, body)),
            [failed(2, "NOT_APPLIED"), failed(3, "X")],
            "{held}"
        );
        let body = format!(r#"[{held},{{"email":"b@example.com","licenses":[]}}]"#);
        assert_eq!(states(TWO, array, answer(206, body)), [failed(2, "NOT_APPLIED"), done(3)], "{held}");
    }
    for held in [
        r#"{"email":"a@example.com","licenses":["L1"]}"#,
        r#"{"email":"a@example.com","licenses":[{"id":"L1","operation":"add"}]}"#,
        r#"{"email":"a@example.com","error":null,"errors":[]}"#,
    ] {
        let body = format!("[{refused},{held}]");
        assert_eq!(states(TWO, array, answer(206, body)), [done(2), failed(3, "X")], "{held}");
    }
    for odd in [
        r#"{"email":"a@example.com","result":{"error":{"code":"Y"}}}"#,
        r#"{"email":"a@example.com","Error":"no"}"#,
        r#"{"email":"a@example.com","failures":[{"licenseId":"L1"}]}"#,
    ] {
        let states = states(TWO, array, answer(206, format!("[{refused},{odd}]")));
        assert!(all_in_doubt(&states), "{odd}: {states:?}");
    }
}

#[test]
fn what_is_held_in_another_organization_is_no_answer() {
    // ciscospark://us/LICENSE/a1:MS_1, and the organizations a1 and b2.
    let license = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ";
    let (own, other) =
        ("Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi9hMQ", "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi9iMg");
    let csv = format!("email,licenseId\na@example.com,{license}\n");
    let held =
        |org| answer(200, format!(r#"{{"orgId":"{org}","email":"a@example.com","licenses":["{license}"]}}"#));
    assert_eq!(states(&csv, &["--wire", "object"], held(own)), [done(2)]);
    for named in [&[][..], &["--org-id", own]] {
        let states = states(&csv, &[&["--wire", "object"], named].concat(), held(other));
        assert!(states.iter().all(|(_, state, _)| state == "in_doubt"), "{states:?}");
    }
}

/// Lines that make a head which no one can read.
fn broken_heads() -> [String; 3] {
    [
        "Content-Length: 1000\r\nContent-Length: 0\r\n".to_owned(),
        "no colon here\r\n".to_owned(),
        format!("X: {}\r\n", "a".repeat(900_000)),
    ]
}

#[test]
fn what_was_sent_is_in_doubt_when_the_head_of_its_answer_is_broken() {
    for lines in broken_heads() {
        let states = states(TWO, &["--wire", "array"], (200, lines.clone(), String::new()));
        let shown = &lines[..40.min(lines.len())];
        assert!(states.iter().all(|(_, state, _)| state == "in_doubt"), "{shown}: {states:?}");
    }
}

#[test]
fn what_was_done_behind_a_broken_head_is_not_called_failed() {
    for lines in broken_heads() {
        let service = Scripted::start(move |asked| {
            let refused =
                r#"[{"email":"a@example.com","error":{"code":"400","message":"License is not assigned"}}]"#;
            match asked.number {
                1 => (200, lines.clone(), String::new()),
                _ if asked.head.starts_with("PATCH") => answer(206, refused),
                _ => answer(200, r#"{"id":"L1","users":[]}"#),
            }
        });
        let desk = Desk::at(&service.url);
        let csv = "email,licenseId,operation\na@example.com,L1,remove\n";
        desk.apply(csv, &["--wire", "array"]).exits(0);
        assert_eq!(desk.states(), [done(2)]);
    }
}

#[test]
fn what_is_not_the_apis_is_nobodys_success_and_nobodys_failure_and_is_kept() {
    let redirect = || (302, "Location: https://login.example.com/?next=/v1\r\n".to_owned(), String::new());
    for (given, kept) in [
        (page(200), "Content-Type: text/html; charset=utf-8"),
        (page(206), "<title>Sign in to the guest network</title>"),
        (page(400), PAGE),
        (page(404), "text/html"),
        (page(403), "text/html"),
        (answer(200, "Your session has ended."), "Your session has ended."),
        (answer(403, "Blocked by policy 7"), "Blocked by policy 7"),
        (redirect(), "Location: https://login.example.com/?next=/v1"),
        (answer(501, ""), "HTTP 501"),
    ] {
        for wire in ["array", "object", "auto"] {
            let shown = format!("{wire}: {given:?}");
            let scripted = given.clone();
            let service = Scripted::start(move |_| scripted.clone());
            let desk = Desk::at(&service.url);
            let ran = desk.apply(TWO, &["--wire", wire, "--max-attempts", "1"]);
            assert_ne!(ran.code, 0, "{shown}");
            assert!(all_in_doubt(&desk.states()), "{shown}: {:?}", desk.states());
            let said: String =
                desk.sql().query_row("SELECT group_concat(said) FROM batch", [], |row| row.get(0)).unwrap();
            assert!(said.contains(kept), "{shown}: {said}");
            assert!(!ran.stderr.contains("spark-admin"), "{shown}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_long_body_that_is_not_understood_is_kept_in_part() {
    let service = Scripted::start(|_| answer(200, "x".repeat(100_000)));
    let desk = Desk::at(&service.url);
    desk.apply(TWO, &["--wire", "array", "--max-attempts", "1"]);
    let said: String =
        desk.sql().query_row("SELECT group_concat(said) FROM batch", [], |row| row.get(0)).unwrap();
    let kept = said.matches('x').count();
    assert!((4096..4500).contains(&kept), "{kept}");
}

#[test]
fn a_gateways_page_for_what_passes_is_sent_again() {
    let service =
        Scripted::start(|asked| if asked.number == 1 { page(502) } else { answer(200, String::new()) });
    let desk = Desk::at(&service.url);
    let summary = desk.apply(&onboarding(3), &[]).exits(0).summary();
    assert_eq!(counts(&summary, ["done", "requests"]), [3, 2]);
}

const ONE: &str = "email,licenseId,operation,phoneNumber\n\
    a@example.com,L1,add,\na@example.com,L2,remove,\na@example.com,L3,add,+14085550100\n";

fn object(body: &str) -> Vec<(u32, String, Option<String>)> {
    let [ok, partial] = [200, 206].map(|status| states(ONE, &["--wire", "object"], answer(status, body)));
    assert_eq!(ok, partial, "{body}");
    ok
}

#[test]
fn the_object_form_without_a_list_shows_nothing() {
    for body in [
        "{}",
        r#"{"email":"a@example.com"}"#,
        r#"{"email":"a@example.com","siteUrls":[]}"#,
        r#"{"email":"a@example.com","licenses":null,"errors":[]}"#,
    ] {
        assert!(all_in_doubt(&object(body)), "{body}");
    }
}

#[test]
fn an_answer_about_another_person_or_organization_shows_nothing() {
    let good = r#"{"email":"A@example.com","personId":"P","licenses":["L1","L3"]}"#;
    assert_eq!(object(good), [done(2), done(3), done(4)]);
    let other = r#"{"email":"b@example.com","licenses":["L1","L3"]}"#;
    assert!(all_in_doubt(&object(other)));
    let elsewhere = r#"{"email":"a@example.com","orgId":"Q","licenses":["L1","L3"]}"#;
    let more = ["--wire", "object", "--org-id", "O"];
    assert!(all_in_doubt(&states(ONE, &more, answer(200, elsewhere))));
}

#[test]
fn the_errors_of_the_object_form_count() {
    let all = r#"{"errors":[{"errorCode":"400000","description":"not recognized"}]}"#;
    assert_eq!(object(all), [failed(2, "400000"), failed(3, "400000"), failed(4, "400000")]);
    let amiss = r#"{"licenses":["L1"],"errors":[{"code":400411,"message":"no number"}]}"#;
    assert_eq!(object(amiss), [done(2), done(3), failed(4, "400411")]);
    let still_held = r#"{"licenses":["L1","L2","L3"],"errors":[{"errorCode":"700006"}]}"#;
    assert_eq!(object(still_held), [done(2), failed(3, "700006"), done(4)]);
    // Nothing is amiss: the error is about the number.
    let number = r#"{"licenses":["L1","L3"],"errors":[{"errorCode":"400411"}]}"#;
    assert_eq!(object(number), [done(2), done(3), failed(4, "400411")]);
}

#[test]
fn words_about_operations_that_are_done_are_kept() {
    let body = r#"{"licenses":["L1"],"errors":[{"errorCode":"7","description":"welcome mail not sent"}]}"#;
    let service = Scripted::start(move |_| answer(206, body));
    let desk = Desk::at(&service.url);
    desk.apply("email,licenseId\na@example.com,L1\n", &["--wire", "object"]).exits(0);
    let said: String = desk.sql().query_row("SELECT said FROM batch", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "welcome mail not sent");
}

#[test]
fn the_object_form_without_a_body_needs_the_apis_tracking_id() {
    for status in [200, 204] {
        assert_eq!(states(TWO, &["--wire", "object"], answer(status, "")), [done(2), done(3)]);
    }
}

#[test]
fn ids_addresses_and_sites_are_compared_by_what_they_say() {
    // ciscospark://us/LICENSE/a1:MS_1 and …/PEOPLE/1f2e3, padded in the file and not in the answer.
    let (license, person) =
        ("Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ", "Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xZjJlMw");
    let csv = format!("personId,licenseId,operation\n{person}==,{license}==,remove\n");
    let held = format!(r#"{{"personId":"{person}","licenses":["{license}"]}}"#);
    assert_eq!(states(&csv, &["--wire", "object"], answer(200, held)), [failed(2, "NOT_APPLIED")]);
    let item = format!(r#"[{{"personId":"{person}","error":{{"code":"X"}}}}]"#);
    assert_eq!(states(&csv, &["--wire", "array"], answer(206, item)), [failed(2, "X")]);
    let two = format!(
        "email,personId,licenseId\na@example.com,{person}==,{license}==\na@example.com,{person},L2\n"
    );
    let held = format!(r#"{{"personId":"{person}","licenses":["{license}","L2"]}}"#);
    assert_eq!(states(&two, &["--wire", "object"], answer(200, held)), [done(2), done(3)]);

    let csv = "email,licenseId\nana@bücher.example,L1\n";
    for echoed in ["ANA@xn--bcher-kva.example", " ana@bücher.example\u{200b}"] {
        let item = format!(r#"[{{"email":"{echoed}","error":{{"code":"X"}}}}]"#);
        assert_eq!(states(csv, &["--wire", "array"], answer(206, item)), [failed(2, "X")], "{echoed}");
    }
    let csv = "email,siteUrl\na@example.com,Meet.Example.com\n";
    let held =
        r#"{"licenses":[],"siteUrls":[{"siteUrl":"https://meet.example.com/","accountType":"attendee"}]}"#;
    assert_eq!(states(csv, &["--wire", "object"], answer(200, held)), [done(2)]);
}

#[test]
fn ids_travel_as_the_file_has_them() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    let padded = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ==";
    desk.apply(&format!("email,licenseId\na@example.com,{padded}\n"), &[]).exits(0);
    assert_eq!(service.asked()[0].body[0]["licenses"][0]["id"], padded);
}

#[test]
fn every_documented_form_of_a_refusal_gives_its_code() {
    for (body, code) in [
        (r#"{"message":"m","errors":[{"errorCode":400411,"description":"d"}],"trackingId":"T"}"#, "400411"),
        (r#"{"message":"m","errors":[{"code":"400411","message":"d"}]}"#, "400411"),
        (r#"{"code":400411,"message":"d"}"#, "400411"),
        (r#"{"error":{"code":"400411","message":"d"}}"#, "400411"),
        (r#"{"message":"m"}"#, "HTTP_400"),
        ("not JSON", "HTTP_400"),
    ] {
        let states = states("email,licenseId\na@example.com,L1\n", &["--wire", "array"], answer(400, body));
        assert_eq!(states, [failed(2, code)], "{body}");
    }
}

/// The value of a header of a request.
fn header(head: &str, name: &str) -> Option<String> {
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|(_, value)| value.to_owned())
}

#[test]
fn every_attempt_has_a_name_of_its_own_that_is_kept_also_where_no_answer_came() {
    let license = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ";
    let service = Scripted::start(|asked| match asked.number {
        1 => (0, String::new(), String::new()),
        _ => answer(206, "?"),
    });
    let desk = Desk::at(&service.url);
    let csv = format!("email,licenseId\na@example.com,{license}\n");
    desk.apply(&csv, &["--max-attempts", "3", "--wire", "array"]).exits(1);
    let sent: Vec<String> =
        service.asked().iter().map(|asked| header(&asked.head, "trackingid").unwrap()).collect();
    assert!(sent.iter().all(|id| id.starts_with("seatbatch-")), "{sent:?}");
    assert!(sent[0] != sent[1] && sent[1] != sent[2], "{sent:?}");
    let sql = desk.sql();
    let mut statement = sql.prepare("SELECT tracking_id FROM attempts ORDER BY attempt_id").unwrap();
    let kept: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    // What was never answered is found by our name, the others by the service's.
    assert_eq!(kept, [sent[0].as_str(), "T2", "T3"]);

    let service = Scripted::start(|_| (0, String::new(), String::new()));
    let desk = Desk::at(&service.url);
    desk.apply(&csv, &["--max-attempts", "2", "--wire", "array"]);
    let last = header(&service.asked().last().unwrap().head, "trackingid").unwrap();
    let kept: String =
        desk.sql().query_row("SELECT tracking_id FROM operations", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, last);

    let service = Scripted::start(|_| answer(200, r#"{"items":[]}"#));
    let desk = Desk::at(&service.url);
    desk.run(&["licenses", "list"]).exits(0);
    assert!(header(&service.asked()[0].head, "trackingid").unwrap().starts_with("seatbatch-"));
}

#[test]
fn a_refusal_whose_body_breaks_off_is_nobodys_answer_yet() {
    let broken = |status: u16, kind: &str, body: &str| -> Answer {
        (status, format!("Content-Type: {kind}\r\nContent-Length: 500\r\n"), body.to_owned())
    };
    for (status, kind, body) in [
        (404, "text/html", "<html><head><title>Gateway</title>"),
        (403, "text/html", "<html><head><title>Gateway</title>"),
        (400, "application/json", r#"{"message":"Fail"#),
        (409, "application/json", ""),
    ] {
        for (form, body_of_success) in
            [("array", ""), ("object", r#"{"email":"a@example.com","licenses":["L1"]}"#)]
        {
            let first = broken(status, kind, body);
            let service = Scripted::start(move |asked| match asked.number {
                1 => first.clone(),
                _ => answer(200, body_of_success),
            });
            let desk = Desk::at(&service.url);
            let csv = "email,licenseId\na@example.com,L1\n";
            desk.apply(csv, &["--wire", form]).exits(0);
            assert_eq!(desk.states(), [done(2)], "{status} {kind} {form}");
            // And where it never comes whole, nobody knows.
            let always = states(csv, &["--wire", form], broken(status, kind, body));
            assert!(all_in_doubt(&always), "{status} {kind} {form}: {always:?}");
        }
    }
    // A refused token is known by its status.
    let desk = Desk::at(&Scripted::start(move |_| broken(401, "text/html", "<html>")).url);
    desk.apply("email,licenseId\na@example.com,L1\n", &[]).exits(3);
    assert_eq!(desk.states()[0].1, "pending");
}
