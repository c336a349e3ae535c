//! Any bytes as the body of any answer: no panic, and a verdict.

use seatbatch::domain::{
    Action, Answer, Assignment, AssignmentNo, Change, EmailAddress, HttpAnswer, LicenseId, Line, Operation,
    OperationKey, Properties, User, WireForm,
};
use seatbatch::engine::{Verdict, judge};
use seatbatch::webex::wire::answer_body;

fn sent() -> Vec<Assignment> {
    let user = EmailAddress::parse("user1@example.com").unwrap();
    let change = Change::License(LicenseId::parse("L1").unwrap(), Properties::default());
    let operation =
        Operation { key: OperationKey::of_line(Line::new(2)), action: Action::Add, change, rows: 1 };
    vec![Assignment {
        number: AssignmentNo(0),
        user: User::Email(user),
        org: None,
        operations: vec![operation],
    }]
}

pub(crate) fn holds(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let form = if first & 1 == 0 { WireForm::Array } else { WireForm::Object };
    let status = [200, 206, 400, 404, 429, 500][usize::from(first >> 1) % 6];
    let body = answer_body(form, status, None, bytes);
    let answer = Answer::Http(HttpAnswer::new(status, body));
    if let Verdict::Accepted { failures, .. } = judge(form, None, &sent(), &answer) {
        assert!(failures.len() <= 1, "one operation fails at most once");
    }
}
