//! Every row of the Outcomes table, and what each row leaves open.

use super::*;
use crate::domain::{
    Action, AssignmentNo, Change, EmailAddress, ErrorCode, Holdings, ItemError, LicenseId, Line,
    OperationKey, PersonId, PhoneNumber, Properties, SiteUrl, User,
};

fn operation(line: u32, action: Action, license: &str) -> Operation {
    let change = Change::License(LicenseId::parse(license).unwrap(), Properties::default());
    Operation { key: OperationKey::of_line(Line::new(line)), action, change, rows: 1 }
}

fn site(line: u32, action: Action, url: &str) -> Operation {
    Operation {
        key: OperationKey::of_line(Line::new(line)),
        action,
        change: Change::Site(SiteUrl::parse(url).unwrap()),
        rows: 1,
    }
}

fn assignment(number: u32, user: User, operations: Vec<Operation>) -> Assignment {
    Assignment { number: AssignmentNo(number), user, org: None, operations }
}

fn two_users() -> Vec<Assignment> {
    let ada = User::Email(EmailAddress::parse("Ada@example.com").unwrap());
    let bob = User::Both(EmailAddress::parse("bob@example.com").unwrap(), PersonId::parse("P-bob").unwrap());
    vec![
        assignment(0, ada, vec![operation(2, Action::Add, "L1"), operation(4, Action::Remove, "L2")]),
        assignment(1, bob, vec![operation(3, Action::Add, "L1")]),
    ]
}

fn one_user(operations: Vec<Operation>) -> [Assignment; 1] {
    let ada = EmailAddress::parse("ada@example.com").unwrap();
    let user = User::Both(ada, PersonId::parse("P-ada").unwrap());
    [assignment(0, user, operations)]
}

fn said(text: &str) -> Option<Box<Said>> {
    Some(Box::new(Said { text: text.to_owned(), ..Said::default() }))
}

fn doubt(verdict: &Verdict) -> &str {
    let Verdict::InDoubt(reason) = verdict else { panic!("{verdict:?}") };
    reason
}

fn http(status: u16, body: Body) -> Answer {
    Answer::Http(HttpAnswer::new(status, body))
}

fn item(email: Option<&str>, person: Option<&str>, code: Option<&str>) -> ItemError {
    let error = code.map(|code| ServerError { code: ErrorCode::from_server(code), message: None });
    ItemError { email: email.map(Into::into), person_id: person.map(Into::into), error, held: None }
}

fn failed_lines(verdict: &Verdict) -> Vec<(u32, String)> {
    let Verdict::Accepted { failures, .. } = verdict else { panic!("{verdict:?}") };
    failures.iter().map(|failure| (failure.key.line.get(), failure.refusal.code.to_string())).collect()
}

fn tracked(status: u16, body: Body) -> Answer {
    Answer::Http(HttpAnswer { tracking_id: Some("T".into()), ..HttpAnswer::new(status, body) })
}

#[test]
fn plain_success_is_done_for_all() {
    for status in [200, 204] {
        for body in [Body::Empty, Body::Json, Body::Items(vec![]), Body::Items(vec![item(None, None, None)])]
        {
            let verdict = judge(WireForm::Array, None, &two_users(), &http(status, body));
            assert!(failed_lines(&verdict).is_empty());
        }
    }
}

#[test]
fn success_with_errors_in_it_is_read_as_a_success_in_part() {
    let verdict = |body| judge(WireForm::Array, None, &two_users(), &http(200, body));
    let items = vec![item(Some("ada@example.com"), None, Some("X")), item(None, None, None)];
    assert_eq!(failed_lines(&verdict(Body::Items(items))), [(2, "X".into()), (4, "X".into())]);
    let stranger = Body::Items(vec![item(Some("eve@example.com"), None, Some("X"))]);
    assert!(doubt(&verdict(stranger)).contains("eve@example.com"));
    let nobody = Body::Error(ServerError { code: ErrorCode::from_server("7"), message: None });
    assert!(doubt(&verdict(nobody)).contains("an error for nobody in particular: 7"));
}

#[test]
fn without_a_body_the_object_form_is_believed_for_its_tracking_id_alone() {
    let sent = one_user(vec![operation(2, Action::Add, "L1")]);
    for status in [200, 204] {
        assert!(
            failed_lines(&judge(WireForm::Object, None, &sent, &tracked(status, Body::Empty))).is_empty()
        );
        let untracked = judge(WireForm::Object, None, &sent, &http(status, Body::Empty));
        assert!(doubt(&untracked).contains("tracking ID"));
    }
    doubt(&judge(WireForm::Object, None, &sent, &tracked(206, Body::Empty)));
}

#[test]
fn what_is_not_the_apis_is_nobodys_success_and_nobodys_failure() {
    let answer = |status, body, said: Option<Box<Said>>| {
        Answer::Http(HttpAnswer { said, ..HttpAnswer::new(status, body) })
    };
    let page = || said("<!DOCTYPE html><html><head><TITLE lang=en> Sign in\u{1b} </TITLE>");
    let garbage = || Body::Unreadable("is no JSON".into());
    let redirect =
        Box::new(Said { location: Some("http://login.example.com/?next=1".into()), ..Said::default() });
    let proxy = Box::new(Said { server: Some("squid/5.7".into()), text: "denied".into(), ..Said::default() });
    for wire in [WireForm::Array, WireForm::Object] {
        let sent = one_user(vec![operation(2, Action::Remove, "L1")]);
        let reason = |answer: &Answer| match judge(wire, None, &sent, answer) {
            Verdict::Foreign(foreign) => foreign.reason,
            other => panic!("{other:?}"),
        };
        for status in [200, 201, 204, 206, 302, 400, 401, 403, 404, 409, 501] {
            let reason = reason(&answer(status, Body::Page, page()));
            assert!(
                reason.contains(&format!("HTTP {status} with a web page ('Sign in\\u{{1b}}')")),
                "{reason}"
            );
        }
        for (status, body, said, words) in [
            (302, Body::Empty, Some(redirect.clone()), "leads to http://login.example.com/?next=1 and"),
            (403, garbage(), Some(proxy.clone()), "by 'squid/5.7'"),
            (403, garbage(), Some(proxy.clone()), "HTTP 403: denied"),
            (403, Body::Json, None, "not the API's answer"),
            (501, Body::Empty, None, "a status that the API does not answer with"),
        ] {
            let reason = reason(&answer(status, body, said));
            assert!(reason.contains(words), "{reason}");
        }
    }
    assert!(matches!(judge(WireForm::Array, None, &two_users(), &http(200, garbage())), Verdict::Foreign(_)));
    // A batch that is too large for a gateway is split; one that cannot be split is not failed for it.
    let too_large = answer(413, Body::Page, page());
    assert!(matches!(judge(WireForm::Array, None, &two_users(), &too_large), Verdict::Rejected(_)));
    assert!(matches!(judge(WireForm::Array, None, &two_users()[..1], &too_large), Verdict::Foreign(_)));
    // Gateways have pages of their own for what passes.
    let gateway = judge(WireForm::Array, None, &two_users(), &answer(502, Body::Page, page()));
    assert!(matches!(gateway, Verdict::SendAgain { done: MayBeDone::Perhaps, answered: true, .. }));
}

#[test]
fn items_fail_their_users_alone() {
    let body = Body::Items(vec![
        item(Some("\u{feff}ADA@example.COM "), None, Some("400")),
        item(None, Some("P-bob"), None),
    ]);
    let verdict = judge(WireForm::Array, None, &two_users(), &http(206, body));
    assert_eq!(failed_lines(&verdict), [(2, "400".into()), (4, "400".into())]);
}

#[test]
fn an_item_matches_by_its_id_and_then_by_its_address_and_never_two_users() {
    let verdict = |email, person| {
        let body = Body::Items(vec![item(email, person, Some("X"))]);
        judge(WireForm::Array, None, &two_users(), &http(206, body))
    };
    // An address that we do not know is another one of the same person.
    for email in [None, Some("bob@example.com"), Some("robert@example.com")] {
        assert_eq!(failed_lines(&verdict(email, Some("P-bob"))), [(3, "X".into())]);
    }
    // The ID of somebody who was sent by address alone.
    assert_eq!(failed_lines(&verdict(Some("ada@example.com"), Some("P-ada"))).len(), 2);
    for (email, person, words) in [
        (
            Some("ada@example.com"),
            Some("P-bob"),
            "two of the users that were sent: ada@example.com and P-bob",
        ),
        (Some("bob@example.com"), Some("P-other"), "do not belong together: bob@example.com and P-other"),
        (Some("eve@example.com"), Some("P-eve"), "not sent: eve@example.com and P-eve"),
        (None, None, "an item without address and person ID"),
    ] {
        let verdict = verdict(email, person);
        assert!(doubt(&verdict).contains(words), "{verdict:?}");
    }
    let twice = [two_users(), two_users()].concat();
    let body = Body::Items(vec![item(Some("ada@example.com"), None, Some("X"))]);
    assert!(doubt(&judge(WireForm::Array, None, &twice, &http(206, body))).contains("two of the users"));
}

#[test]
fn ids_of_items_are_compared_by_what_they_say() {
    let user = User::Person(PersonId::parse("Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xZjJlMw==").unwrap());
    let sent = [assignment(0, user, vec![operation(2, Action::Add, "L1")])];
    for spelling in ["Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xZjJlMw", "Y2lzY29zcGFyazovL2V1L1BFT1BMRS8xZjJlMw=="] {
        let body = Body::Items(vec![item(None, Some(spelling), Some("X"))]);
        assert_eq!(failed_lines(&judge(WireForm::Array, None, &sent, &http(206, body))), [(2, "X".into())]);
    }
}

#[test]
fn an_error_without_a_code_is_a_failure_all_the_same() {
    let error = Some(ServerError::default());
    let body = Body::Items(vec![ItemError { error, ..item(None, Some("P-bob"), None) }]);
    assert_eq!(
        failed_lines(&judge(WireForm::Array, None, &two_users(), &http(206, body))),
        [(3, "NO_CODE".into())]
    );
}

#[test]
fn a_206_that_does_not_say_who_failed_leaves_all_in_doubt() {
    for (body, words) in [
        (Body::Items(vec![]), "names nobody who failed"),
        (Body::Items(vec![item(None, Some("P-bob"), None)]), "names nobody who failed"),
        (Body::Unreadable("is cut off".into()), "a body that is cut off"),
        (Body::Empty, "without the list of users"),
        (Body::Json, "without the list of users"),
        (
            Body::Items(vec![
                item(Some("ada@example.com"), None, Some("X")),
                item(Some("eve@example.com"), None, None),
            ]),
            "not sent: eve@example.com",
        ),
    ] {
        let verdict = judge(WireForm::Array, None, &two_users(), &http(206, body));
        assert!(doubt(&verdict).contains(words), "{verdict:?}");
    }
}

#[test]
fn verdicts_carry_the_words_of_the_answer() {
    let error = |message: Option<&str>| {
        let code = ErrorCode::from_server("400000");
        Body::Error(ServerError { code, message: message.map(Into::into) })
    };
    let verdict = |status, body| judge(WireForm::Array, None, &two_users(), &tracked(status, body));

    let Verdict::Rejected(rejection) = verdict(400, error(Some("no such license"))) else { panic!() };
    let code = ErrorCode::from_server("400000");
    assert_eq!((rejection.code, rejection.message.as_str()), (code.clone(), "no such license"));
    assert_eq!(rejection.tracking_id.as_deref(), Some("T"));
    let Verdict::Rejected(rejection) = verdict(409, error(None)) else { panic!() };
    assert_eq!(rejection.message, "HTTP 409");
    let answer = HttpAnswer { said: said("not here"), ..HttpAnswer::new(404, Body::Unreadable("no".into())) };
    let Verdict::Rejected(rejection) = judge(WireForm::Array, None, &two_users(), &Answer::Http(answer))
    else {
        panic!()
    };
    assert_eq!((rejection.code, rejection.message.as_str()), (None, "HTTP 404: not here"));
    let Verdict::SendAgain { reason, .. } = verdict(503, error(Some("back soon"))) else { panic!() };
    assert_eq!(reason, "HTTP 503: back soon");
    let Verdict::Forbidden(rejection) = verdict(403, error(Some("not yours"))) else { panic!() };
    assert_eq!((rejection.status, rejection.message.as_str(), rejection.code), (403, "not yours", code));
}

fn held(licenses: &[&str]) -> Holdings {
    Holdings {
        licenses: Some(licenses.iter().map(|id| (*id).to_owned()).collect()),
        attendee_sites: Some(Vec::new()),
        ..Holdings::default()
    }
}

fn refused(code: &str, message: &str) -> ServerError {
    ServerError { code: ErrorCode::from_server(code), message: Some(message.to_owned()) }
}

fn objects(sent: &[Assignment], holdings: &Holdings) -> Verdict {
    let verdicts = [200, 206].map(|status| {
        judge(WireForm::Object, None, sent, &http(status, Body::Holdings(Box::new(holdings.clone()))))
    });
    assert_eq!(verdicts[0], verdicts[1]);
    verdicts[0].clone()
}

#[test]
fn holdings_are_compared_on_200_and_206() {
    let sent = one_user(vec![
        operation(2, Action::Add, "held"),
        operation(3, Action::Add, "pending"),
        operation(4, Action::Add, "missing"),
        operation(5, Action::Remove, "held"),
        operation(6, Action::Remove, "gone"),
        site(7, Action::Add, "Meet.example.com"),
        site(8, Action::Add, "other.example.com"),
        site(9, Action::Remove, "MEET.example.com"),
        operation(10, Action::Remove, "pending"),
        site(11, Action::Add, "soon.example.com"),
    ]);
    let holdings = Holdings {
        pending_licenses: vec!["pending".into()],
        attendee_sites: Some(vec!["https://meet.example.com/".into()]),
        pending_attendee_sites: vec!["soon.example.com".into()],
        ..held(&["held"])
    };
    let failed = failed_lines(&objects(&sent, &holdings));
    let lines: Vec<u32> = failed.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5, 8, 9, 10]);
    assert!(failed.iter().all(|(_, code)| code == "NOT_APPLIED"));
    for body in [Body::Unreadable("is no JSON".into()), Body::Items(vec![]), Body::Json] {
        for status in [200, 206] {
            doubt(&judge(WireForm::Object, None, &sent, &http(status, body.clone())));
        }
    }
}

#[test]
fn ids_held_are_compared_by_what_they_say() {
    let (padded, bare, other) = (
        "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ==",
        "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ",
        "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMg",
    );
    let sent = one_user(vec![operation(2, Action::Add, padded), operation(3, Action::Remove, padded)]);
    assert_eq!(failed_lines(&objects(&sent, &held(&[bare]))), [(3, "NOT_APPLIED".into())]);
    assert_eq!(failed_lines(&objects(&sent, &held(&[other]))), [(2, "NOT_APPLIED".into())]);
}

#[test]
fn without_a_list_nothing_is_shown() {
    let license = one_user(vec![operation(2, Action::Remove, "L1")]);
    let no_list = Holdings { licenses: None, ..held(&[]) };
    doubt(&objects(&license, &no_list));
    let with_site = one_user(vec![operation(2, Action::Add, "L1"), site(3, Action::Remove, "a.example.com")]);
    let no_sites = Holdings { attendee_sites: None, ..held(&["L1"]) };
    doubt(&objects(&with_site, &no_sites));

    // An error is about the whole user then, or about what the list would have shown.
    let error = vec![refused("400000", "not recognized")];
    let failed = failed_lines(&objects(&with_site, &Holdings { errors: error.clone(), ..no_list }));
    assert_eq!(failed, [(2, "400000".into()), (3, "400000".into())]);
    let failed = failed_lines(&objects(&with_site, &Holdings { errors: error, ..no_sites }));
    assert_eq!(failed, [(3, "400000".into())]);
}

#[test]
fn what_its_user_has_yet_to_accept_is_said_of_what_was_given_and_is_not_held() {
    let pending = ["L1", "L2", "L3", "L4"].map(str::to_owned).to_vec();
    let sent = one_user(vec![
        operation(2, Action::Add, "L1"),
        operation(3, Action::Add, "L2"),
        operation(4, Action::Remove, "L3"),
        operation(5, Action::Add, "L4"),
    ]);
    let holdings = Holdings { pending_licenses: pending, ..held(&["L2"]) };
    let Verdict::Accepted { failures, words } = objects(&sent, &holdings) else { panic!() };
    assert_eq!(failures.iter().map(|failure| failure.key.line.get()).collect::<Vec<_>>(), [4]);
    assert_eq!(words.as_deref(), Some("pending until the user accepts: L1; L4"));
    let holdings = Holdings { pending_licenses: vec!["L1".into()], ..held(&["L1", "L2", "L4"]) };
    let Verdict::Accepted { failures, words } = objects(&sent, &holdings) else { panic!() };
    assert_eq!((failures, words), (vec![], None));
}

#[test]
fn an_error_gives_its_code_to_what_was_not_applied() {
    let holdings = Holdings { errors: vec![refused("400411", "no number")], ..held(&["L1"]) };
    let sent = one_user(vec![operation(2, Action::Add, "L1"), operation(3, Action::Add, "L2")]);
    let Verdict::Accepted { failures, .. } = objects(&sent, &holdings) else { panic!() };
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!((failure.key.line.get(), failure.refusal.code.as_str()), (3, "400411"));
    assert_eq!(failure.refusal.message, "no number");
    let nameless = Holdings { errors: vec![ServerError::default()], ..held(&[]) };
    assert_eq!(failed_lines(&objects(&sent, &nameless))[0].1, "NOT_APPLIED");
}

#[test]
fn an_error_that_no_list_explains_is_about_the_properties() {
    let with_number = |line, license| {
        let phone_number = Some(PhoneNumber::parse("+14085550100").unwrap());
        let properties = Properties { phone_number, ..Properties::default() };
        let change = Change::License(LicenseId::parse(license).unwrap(), properties);
        Operation { change, ..operation(line, Action::Add, license) }
    };
    let one = Holdings { errors: vec![refused("X", "number taken")], ..held(&["C", "L"]) };
    let sent = one_user(vec![with_number(2, "C"), operation(3, Action::Add, "L")]);
    assert_eq!(failed_lines(&objects(&sent, &one)), [(2, "X".into())]);
    assert!(failed_lines(&objects(&sent, &held(&["C", "L"]))).is_empty());

    // Without any the operations are done, and the words are kept.
    let plain = one_user(vec![operation(2, Action::Add, "C"), operation(3, Action::Remove, "gone")]);
    let Verdict::Accepted { failures, words } = objects(&plain, &one) else { panic!() };
    assert_eq!((failures, words.as_deref()), (vec![], Some("number taken")));

    // One error explains one operation that is amiss, and a second one does not.
    let sent = one_user(vec![with_number(2, "C"), operation(3, Action::Add, "missing")]);
    assert_eq!(failed_lines(&objects(&sent, &one)), [(3, "X".into())]);
    let two = Holdings { errors: vec![refused("X", "number taken"), refused("Y", "unknown")], ..one };
    let Verdict::Accepted { failures, .. } = objects(&sent, &two) else { panic!() };
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0].refusal.message, "X: number taken; Y: unknown");
}

#[test]
fn an_answer_about_somebody_else_says_nothing() {
    let sent = one_user(vec![operation(2, Action::Add, "L1")]);
    let about = |person: Option<&str>, email: Option<&str>, org: Option<&str>| Holdings {
        person_id: person.map(Into::into),
        email: email.map(Into::into),
        org_id: org.map(Into::into),
        ..held(&["L1"])
    };
    for good in [
        about(None, None, None),
        about(Some("P-ada"), Some("other@example.com"), Some("O")),
        about(None, Some("ADA@example.com"), None),
    ] {
        assert!(failed_lines(&objects(&sent, &good)).is_empty());
    }
    for (other, words) in [
        (about(Some("P-bob"), Some("ada@example.com"), None), "the person P-bob"),
        (about(None, Some("bob@example.com"), None), "the address bob@example.com"),
    ] {
        assert!(doubt(&objects(&sent, &other)).contains(words));
    }
    let by_address = [assignment(
        0,
        User::Email(EmailAddress::parse("zoë@bücher.example").unwrap()),
        vec![operation(2, Action::Add, "L1")],
    )];
    let echoed = about(Some("P-any"), Some(" zoë@xn--bcher-kva.example"), None);
    assert!(failed_lines(&objects(&by_address, &echoed)).is_empty());

    let org = OrgId::parse("O").unwrap();
    let judged = |sent: &[Assignment], given: &str| {
        let body = Body::Holdings(Box::new(about(None, None, Some(given))));
        judge(WireForm::Object, Some(&org), sent, &http(200, body))
    };
    assert!(failed_lines(&judged(&sent, "O")).is_empty());
    assert!(doubt(&judged(&sent, "Q")).contains("the organization Q"));
    let mut of_its_own = sent.clone();
    of_its_own[0].org = OrgId::parse("Q").ok();
    assert!(failed_lines(&judged(&of_its_own, "Q")).is_empty());
    assert!(doubt(&judged(&of_its_own, "O")).contains("the organization O"));
}

#[test]
fn every_status_has_its_row() {
    for status in 100..600 {
        let verdict = judge(WireForm::Array, None, &two_users(), &http(status, Body::Empty));
        let expected = match status {
            200 | 204 => matches!(verdict, Verdict::Accepted { .. }),
            401 => verdict == Verdict::Unauthorized,
            403 => matches!(verdict, Verdict::Forbidden(_)),
            408 | 423 | 425 | 429 | 500 | 502 | 503 | 504 => {
                matches!(verdict, Verdict::SendAgain { throttled, .. } if throttled == (status == 429))
            }
            400..=499 => matches!(&verdict, Verdict::Rejected(rejection) if rejection.status == status),
            206 => matches!(verdict, Verdict::InDoubt(_)),
            _ => matches!(verdict, Verdict::Foreign(_)),
        };
        assert!(expected, "{status}: {verdict:?}");
    }
}

#[test]
fn only_what_was_not_answered_is_in_doubt_and_what_failed_in_the_middle_may_be_done() {
    let done = |answer: &Answer| match judge(WireForm::Array, None, &two_users(), answer) {
        Verdict::SendAgain { done, .. } => done,
        other => panic!("{other:?}"),
    };
    for status in [408, 423, 425, 429, 503] {
        assert_eq!(done(&http(status, Body::Empty)), MayBeDone::No, "{status}");
    }
    for status in [500, 502, 504] {
        assert_eq!(done(&http(status, Body::Empty)), MayBeDone::Perhaps, "{status}");
    }
    assert_eq!(done(&Answer::NotSent("refused".into())), MayBeDone::No);
    assert_eq!(done(&Answer::Lost("reset".into())), MayBeDone::InDoubt);
    for prospect in [Prospect::Doubtful, Prospect::Hopeless] {
        let unconnected = Unconnected { reason: "no".into(), prospect };
        let verdict = judge(WireForm::Array, None, &two_users(), &Answer::NotSent(unconnected.clone()));
        assert_eq!(verdict, Verdict::CutOff(unconnected));
    }
}
