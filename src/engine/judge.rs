//! The contract's Outcomes table: what an answer means for the assignments that were sent.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::{
    Action, Answer, Assignment, Body, Change, ErrorCode, Holdings, HttpAnswer, ItemError, Operation,
    OperationFailure, OrgId, Prospect, Refusal, Said, ServerError, Unconnected, WireForm, code,
};

/// A 4xx for the request as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The status code.
    pub status: u16,
    /// The service's code, where it gave one.
    pub code: Option<ErrorCode>,
    /// The service's words, or ours where it had none.
    pub message: String,
    /// What support asks for.
    pub tracking_id: Option<String>,
}

impl Rejection {
    /// What a lone assignment fails with.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let code = self.code.clone().unwrap_or_else(|| ErrorCode::from_status(self.status));
        Refusal { code, message: self.message.clone() }
    }
}

/// An answer that is not the API's: a gateway's, a company's proxy's, a sign-in page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The status code.
    pub status: u16,
    /// What it was, in words, for whoever reads why the run pauses.
    pub reason: String,
    /// What it said.
    pub said: Said,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The service took the batch; these operations of it failed.
    Accepted {
        /// The operations that failed.
        failures: Vec<OperationFailure>,
        /// What the service said of operations that are done all the same.
        words: Option<String>,
    },
    /// The service refused the batch.
    Rejected(Rejection),
    /// A passing fault.
    SendAgain {
        /// How long the service wants everyone to wait.
        retry_after: Option<Duration>,
        /// Whether the operations may have been done all the same.
        in_doubt: bool,
        /// Whether the service answered at all.
        answered: bool,
        /// Whether it refused for the pace (429).
        throttled: bool,
        /// What happened, in words.
        reason: String,
    },
    /// Surely not sent: something is in the way of every request.
    CutOff(Unconnected),
    /// Whether the operations were done is unknown, for this reason.
    InDoubt(String),
    /// The answer is not the API's. In doubt, and where it goes on the run is held up by somebody.
    Foreign(Box<Foreign>),
    /// The token was not accepted.
    Unauthorized,
    /// Refused with 403: the token may not do this, or not with this user.
    Forbidden(Rejection),
}

/// Reads the Outcomes table for one answer. `org` is the organization of those that name none.
#[must_use]
pub fn judge(wire: WireForm, org: Option<&OrgId>, sent: &[Assignment], answer: &Answer) -> Verdict {
    let _ = org;
    match answer {
        Answer::NotSent(Unconnected { reason, prospect: Prospect::Passing }) => {
            let reason = reason.clone();
            Verdict::SendAgain {
                retry_after: None,
                in_doubt: false,
                answered: false,
                throttled: false,
                reason,
            }
        }
        Answer::NotSent(unconnected) => Verdict::CutOff(unconnected.clone()),
        Answer::Lost(reason) => {
            let reason = reason.clone();
            Verdict::SendAgain {
                retry_after: None,
                in_doubt: true,
                answered: false,
                throttled: false,
                reason,
            }
        }
        Answer::Http(http) => judge_status(wire, sent, http),
    }
}

fn judge_status(wire: WireForm, sent: &[Assignment], http: &HttpAnswer) -> Verdict {
    match (http.status, wire) {
        (204, _) | (200, WireForm::Array) => Verdict::Accepted { failures: Vec::new(), words: None },
        (200, WireForm::Object) => match &http.body {
            Body::Empty => Verdict::Accepted { failures: Vec::new(), words: None },
            body => compare_object(sent, body),
        },
        (206, WireForm::Array) => compare_items(sent, &http.body),
        (206, WireForm::Object) => compare_object(sent, &http.body),
        (401, _) => Verdict::Unauthorized,
        (403, _) => Verdict::Forbidden(rejection(http)),
        (408 | 423 | 425 | 429 | 500 | 502 | 503 | 504, _) => Verdict::SendAgain {
            retry_after: http.retry_after,
            // The answer is known: in doubt is only what was sent and not answered.
            in_doubt: false,
            answered: true,
            throttled: http.status == 429,
            reason: described(http),
        },
        (400..=499, _) => Verdict::Rejected(rejection(http)),
        _ => foreign(http),
    }
}

fn rejection(http: &HttpAnswer) -> Rejection {
    let ServerError { code, message } = server_error(&http.body);
    let message = message.unwrap_or_else(|| described(http));
    Rejection { status: http.status, code, message, tracking_id: http.tracking_id.clone() }
}

fn foreign(http: &HttpAnswer) -> Verdict {
    let reason = format!("an answer that means nothing here: {}", described(http));
    let said = http.said.clone().unwrap_or_default();
    Verdict::Foreign(Box::new(Foreign { status: http.status, reason, said }))
}

fn server_error(body: &Body) -> ServerError {
    match body {
        Body::Error(error) => error.clone(),
        _ => ServerError::default(),
    }
}

fn described(http: &HttpAnswer) -> String {
    match server_error(&http.body).message {
        Some(message) => format!("HTTP {}: {message}", http.status),
        None => format!("HTTP {}", http.status),
    }
}

/// Array form, 206: the users that are named with an error failed, all others are done.
fn compare_items(sent: &[Assignment], body: &Body) -> Verdict {
    let items = match body {
        Body::Items(items) => items,
        Body::Unreadable(reason) => return Verdict::InDoubt(format!("206 with a body that {reason}")),
        _ => return Verdict::InDoubt("206 without the list of users it should have".to_owned()),
    };
    let users = Users::of(sent);
    let mut failed: HashMap<usize, &ServerError> = HashMap::new();
    for item in items {
        let Some(index) = users.find(item) else {
            return Verdict::InDoubt(format!("206 that names a user who was not sent: {}", named(item)));
        };
        if let Some(error) = &item.error {
            failed.entry(index).or_insert(error);
        }
    }
    let mut failures: Vec<_> = failed
        .into_iter()
        .filter_map(|(index, error)| sent.get(index).map(|assignment| (assignment, error)))
        .flat_map(|(assignment, error)| {
            assignment
                .operations
                .iter()
                .map(move |operation| failure(assignment, operation, item_refusal(error)))
        })
        .collect();
    failures.sort_by_key(|failure| failure.key);
    Verdict::Accepted { failures, words: None }
}

fn item_refusal(error: &ServerError) -> Refusal {
    Refusal {
        code: error.code.clone().unwrap_or_else(|| ErrorCode::ours(code::NO_CODE)),
        message: error.message.clone().unwrap_or_else(|| "the service gave no reason".to_owned()),
    }
}

fn named(item: &ItemError) -> String {
    match (&item.email, &item.person_id) {
        (Some(email), _) => email.clone(),
        (None, Some(person)) => person.clone(),
        (None, None) => "an item without address and person ID".to_owned(),
    }
}

/// Finds who an item of a 206 is about: by person ID, then by address without case.
struct Users<'a> {
    by_person: HashMap<&'a str, usize>,
    by_email: HashMap<String, usize>,
}

impl<'a> Users<'a> {
    fn of(sent: &'a [Assignment]) -> Self {
        let people =
            sent.iter().enumerate().filter_map(|(index, a)| Some((a.user.person()?.as_str(), index)));
        let emails = sent.iter().enumerate().filter_map(|(index, a)| Some((a.user.email()?.key(), index)));
        Self { by_person: people.collect(), by_email: emails.collect() }
    }

    fn find(&self, item: &ItemError) -> Option<usize> {
        let by_person = item.person_id.as_deref().and_then(|person| self.by_person.get(person));
        let by_email = || item.email.as_ref().and_then(|email| self.by_email.get(&email.to_lowercase()));
        by_person.or_else(by_email).copied()
    }
}

/// Object form, 200 or 206: what was asked for against what the user holds now.
fn compare_object(sent: &[Assignment], body: &Body) -> Verdict {
    let holdings = match body {
        Body::Holdings(holdings) => holdings,
        Body::Unreadable(reason) => return Verdict::InDoubt(format!("an answer with a body that {reason}")),
        _ => return Verdict::InDoubt("an answer without what the user holds now".to_owned()),
    };
    let held = Held::of(holdings);
    let failures = sent
        .iter()
        .flat_map(|assignment| assignment.operations.iter().map(move |operation| (assignment, operation)))
        .filter(|(_, operation)| !held.shows(operation))
        .map(|(assignment, operation)| failure(assignment, operation, not_applied(operation, holdings)))
        .collect();
    Verdict::Accepted { failures, words: None }
}

struct Held<'a> {
    licenses: HashSet<&'a str>,
    sites: HashSet<String>,
    pending_licenses: HashSet<&'a str>,
    pending_sites: HashSet<String>,
}

impl<'a> Held<'a> {
    fn of(holdings: &'a Holdings) -> Self {
        let folded = |sites: &[String]| sites.iter().map(|site| site.to_lowercase()).collect();
        Self {
            licenses: holdings.licenses.iter().map(String::as_str).collect(),
            sites: folded(&holdings.attendee_sites),
            pending_licenses: holdings.pending_licenses.iter().map(String::as_str).collect(),
            pending_sites: folded(&holdings.pending_attendee_sites),
        }
    }

    /// Whether the answer shows that the operation took: an addition is held or pending, a removal
    /// is neither.
    fn shows(&self, operation: &Operation) -> bool {
        let (held, pending) = match &operation.change {
            Change::License(id, _) => {
                (self.licenses.contains(id.as_str()), self.pending_licenses.contains(id.as_str()))
            }
            Change::Site(url) => {
                let key = url.key();
                (self.sites.contains(&key), self.pending_sites.contains(&key))
            }
        };
        match operation.action {
            Action::Add => held || pending,
            Action::Remove => !held && !pending,
        }
    }
}

fn not_applied(operation: &Operation, holdings: &Holdings) -> Refusal {
    let what = match operation.action {
        Action::Add => "the service answered, and the user does not hold it",
        Action::Remove => "the service answered, and the user still holds it",
    };
    let details = holdings.error.as_ref().map(|error| {
        let code = error.code.as_ref().map_or_else(String::new, |code| format!("{code}: "));
        format!("; the service says: {code}{}", error.message.as_deref().unwrap_or_default())
    });
    Refusal {
        code: ErrorCode::ours(code::NOT_APPLIED),
        message: format!("{what}{}", details.unwrap_or_default()),
    }
}

fn failure(assignment: &Assignment, operation: &Operation, refusal: Refusal) -> OperationFailure {
    OperationFailure { assignment: assignment.number, key: operation.key, rows: operation.rows, refusal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AssignmentNo, EmailAddress, LicenseId, Line, OperationKey, PersonId, Properties, SiteUrl, User,
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
        let bob =
            User::Both(EmailAddress::parse("bob@example.com").unwrap(), PersonId::parse("P-bob").unwrap());
        vec![
            assignment(0, ada, vec![operation(2, Action::Add, "L1"), operation(4, Action::Remove, "L2")]),
            assignment(1, bob, vec![operation(3, Action::Add, "L1")]),
        ]
    }

    fn http(status: u16, body: Body) -> Answer {
        Answer::Http(HttpAnswer::new(status, body))
    }

    fn item(email: Option<&str>, person: Option<&str>, code: Option<&str>) -> ItemError {
        let error = code.map(|code| ServerError { code: ErrorCode::from_server(code), message: None });
        ItemError { email: email.map(Into::into), person_id: person.map(Into::into), error }
    }

    fn failed_lines(verdict: &Verdict) -> Vec<(u32, String)> {
        let Verdict::Accepted { failures, .. } = verdict else { panic!("{verdict:?}") };
        failures.iter().map(|failure| (failure.key.line.get(), failure.refusal.code.to_string())).collect()
    }

    #[test]
    fn plain_success_is_done_for_all() {
        for (status, wire) in
            [(200, WireForm::Array), (204, WireForm::Array), (204, WireForm::Object), (200, WireForm::Object)]
        {
            assert!(failed_lines(&judge(wire, None, &two_users(), &http(status, Body::Empty))).is_empty());
        }
    }

    #[test]
    fn items_fail_their_users_alone() {
        let body = Body::Items(vec![
            item(Some("ADA@example.COM"), None, Some("400")),
            item(None, Some("P-bob"), None),
        ]);
        let verdict = judge(WireForm::Array, None, &two_users(), &http(206, body));
        assert_eq!(failed_lines(&verdict), [(2, "400".into()), (4, "400".into())]);
    }

    #[test]
    fn the_person_id_of_an_item_goes_before_its_address() {
        let body = Body::Items(vec![item(Some("ada@example.com"), Some("P-bob"), Some("X"))]);
        assert_eq!(
            failed_lines(&judge(WireForm::Array, None, &two_users(), &http(206, body))),
            [(3, "X".into())]
        );
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
    fn an_unknown_user_or_an_unreadable_body_leaves_all_in_doubt() {
        for body in [
            Body::Items(vec![
                item(Some("ada@example.com"), None, Some("X")),
                item(Some("eve@example.com"), None, None),
            ]),
            Body::Items(vec![item(None, None, Some("X"))]),
            Body::Unreadable("is cut off".into()),
            Body::Empty,
            Body::Holdings(Holdings::default()),
        ] {
            let verdict = judge(WireForm::Array, None, &two_users(), &http(206, body.clone()));
            assert!(matches!(verdict, Verdict::InDoubt(_)), "{body:?}: {verdict:?}");
        }
    }

    #[test]
    fn verdicts_carry_the_words_of_the_answer() {
        let error = |message: Option<&str>| {
            let code = ErrorCode::from_server("400000");
            Body::Error(ServerError { code, message: message.map(Into::into) })
        };
        let verdict = |form, status, body| judge(form, None, &two_users(), &http(status, body));
        let array = WireForm::Array;

        let Verdict::Rejected(rejection) = verdict(array, 400, error(Some("no such license"))) else {
            panic!()
        };
        let code = ErrorCode::from_server("400000");
        assert_eq!((rejection.code, rejection.message.as_str()), (code, "no such license"));
        let Verdict::Rejected(rejection) = verdict(array, 409, error(None)) else { panic!() };
        assert_eq!(rejection.message, "HTTP 409");
        let Verdict::SendAgain { reason, .. } = verdict(array, 503, error(Some("back soon"))) else {
            panic!()
        };
        assert_eq!(reason, "HTTP 503: back soon");
        let Verdict::Forbidden(rejection) = verdict(array, 403, error(Some("not yours"))) else { panic!() };
        assert_eq!((rejection.status, rejection.message.as_str()), (403, "not yours"));

        let doubts = [
            (array, Body::Unreadable("is cut off".into()), "a body that is cut off"),
            (WireForm::Object, Body::Unreadable("is cut off".into()), "a body that is cut off"),
            (array, Body::Empty, "without the list of users"),
            (
                array,
                Body::Items(vec![item(Some("eve@example.com"), Some("P"), None)]),
                "not sent: eve@example.com",
            ),
            (array, Body::Items(vec![item(None, Some("P-eve"), None)]), "not sent: P-eve"),
            (array, Body::Items(vec![item(None, None, None)]), "not sent: an item without address"),
        ];
        for (form, body, words) in doubts {
            let Verdict::InDoubt(reason) = verdict(form, 206, body) else { panic!("{words}") };
            assert!(reason.contains(words), "{reason}");
        }
    }

    #[test]
    fn holdings_are_compared_on_200_and_206() {
        let user = User::Email(EmailAddress::parse("ada@example.com").unwrap());
        let sent = [assignment(
            0,
            user,
            vec![
                operation(2, Action::Add, "held"),
                operation(3, Action::Add, "pending"),
                operation(4, Action::Add, "missing"),
                operation(5, Action::Remove, "held"),
                operation(6, Action::Remove, "gone"),
                site(7, Action::Add, "Meet.example.com"),
                site(8, Action::Add, "other.example.com"),
                site(9, Action::Remove, "MEET.example.com"),
                operation(10, Action::Remove, "pending"),
            ],
        )];
        let holdings = Holdings {
            licenses: vec!["held".into()],
            pending_licenses: vec!["pending".into()],
            attendee_sites: vec!["meet.example.com".into()],
            ..Holdings::default()
        };
        for status in [200, 206] {
            let verdict =
                judge(WireForm::Object, None, &sent, &http(status, Body::Holdings(holdings.clone())));
            let lines: Vec<u32> = failed_lines(&verdict).into_iter().map(|(line, _)| line).collect();
            assert_eq!(lines, [4, 5, 8, 9, 10], "{status}");
        }
        for body in [Body::Unreadable("is no JSON".into()), Body::Items(vec![])] {
            for status in [200, 206] {
                let verdict = judge(WireForm::Object, None, &sent, &http(status, body.clone()));
                assert!(matches!(verdict, Verdict::InDoubt(_)), "{status} {body:?}");
            }
        }
        assert!(matches!(judge(WireForm::Object, None, &sent, &http(206, Body::Empty)), Verdict::InDoubt(_)));
    }

    #[test]
    fn the_services_words_stand_in_the_message_of_what_was_not_applied() {
        let error = ServerError { code: ErrorCode::from_server("400411"), message: Some("no number".into()) };
        let holdings = Holdings { error: Some(error), ..Holdings::default() };
        let user = User::Email(EmailAddress::parse("ada@example.com").unwrap());
        let sent = [assignment(0, user, vec![operation(2, Action::Add, "L1")])];
        let Verdict::Accepted { failures, .. } =
            judge(WireForm::Object, None, &sent, &http(206, Body::Holdings(holdings)))
        else {
            panic!()
        };
        assert_eq!(failures[0].refusal.code.as_str(), "NOT_APPLIED");
        assert!(failures[0].refusal.message.ends_with("the service says: 400411: no number"));
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
    fn only_what_was_not_answered_is_in_doubt() {
        let in_doubt = |answer: &Answer| match judge(WireForm::Array, None, &two_users(), answer) {
            Verdict::SendAgain { in_doubt, .. } => in_doubt,
            other => panic!("{other:?}"),
        };
        assert!(!in_doubt(&http(429, Body::Empty)) && !in_doubt(&http(503, Body::Empty)));
        assert!(!in_doubt(&Answer::NotSent("refused".into())));
        assert!(!in_doubt(&http(504, Body::Empty)) && in_doubt(&Answer::Lost("reset".into())));
    }
}
