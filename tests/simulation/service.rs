//! A service that keeps its own books, and has moods.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use seatbatch::domain::{
    Action, Answer, Assignment, Body, Change, ErrorCode, Holdings, HttpAnswer, ItemError, Operation,
    OperationKey, OrgId, Prospect, ServerError, Unconnected, WireForm,
};

/// How likely each mishap is, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moods {
    pub(crate) drop_before: u32,
    pub(crate) drop_after: u32,
    pub(crate) status: u32,
    pub(crate) throttle: u32,
    pub(crate) garbage: u32,
    pub(crate) odd: u32,
    pub(crate) reject: u32,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) form: WireForm,
    pub(crate) moods: Moods,
    /// Users whose part is always refused, with this code.
    pub(crate) refused: HashMap<String, &'static str>,
    /// Requests with one of these users are rejected whole: with a code, or without one.
    pub(crate) poison: HashMap<String, Option<&'static str>>,
    /// Requests with one of these users are answered 403.
    pub(crate) shunned: HashSet<String>,
    /// Requests with one of these users are answered 500.
    pub(crate) cursed: HashSet<String>,
    /// Nothing gets through while this holds.
    pub(crate) away: bool,
    /// What is in effect already is refused.
    pub(crate) picky: bool,
    /// Nobody can be asked who holds this license.
    pub(crate) secret: Option<String>,
    /// Operations that were applied though the answer did not say so.
    pub(crate) unsaid: HashSet<OperationKey>,
    pub(crate) held: HashMap<String, BTreeSet<String>>,
    /// The token in force.
    pub(crate) token: u32,
    /// Nothing is understood at all.
    pub(crate) deaf: bool,
    /// The token may not act for this organization, or its quota is used up.
    pub(crate) closed: Option<(Option<OrgId>, bool)>,
}

fn http(status: u16, retry_after: Option<u64>, body: Body) -> Answer {
    let retry_after = retry_after.map(Duration::from_secs);
    Answer::Http(HttpAnswer { retry_after, ..HttpAnswer::new(status, body) })
}

fn error(code: Option<&str>) -> ServerError {
    ServerError { code: code.and_then(ErrorCode::from_server), message: Some("no".into()) }
}

fn name(assignment: &Assignment) -> String {
    assignment.user.email().unwrap().as_str().to_owned()
}

impl Service {
    /// Answers a request; what it does, it does now.
    pub(crate) fn answer(
        &mut self,
        dice: &mut fastrand::Rng,
        form: WireForm,
        token: u32,
        sent: &[Assignment],
    ) -> Answer {
        let mut meets = |thousandths: u32| dice.u32(..1000) < thousandths;
        if token != self.token {
            return http(401, None, Body::Empty);
        }
        if meets(self.moods.drop_before) {
            if meets(500) {
                return Answer::Lost("reset".into());
            }
            let prospect = match () {
                () if meets(30) => Prospect::Hopeless,
                () if meets(200) => Prospect::Doubtful,
                () => Prospect::Passing,
            };
            return Answer::NotSent(Unconnected { reason: "refused".into(), prospect });
        }
        if meets(self.moods.throttle) {
            let wait = [None, Some(0), Some(1), Some(30), Some(3000)][dice.usize(..5)];
            return http(429, wait, Body::Empty);
        }
        if let Some((org, forbidden)) = &self.closed
            && *org == sent[0].org
        {
            return if *forbidden {
                http(403, None, Body::Empty)
            } else {
                http(429, Some(90_000), Body::Empty)
            };
        }
        let mut meets = |thousandths: u32| dice.u32(..1000) < thousandths;
        if meets(self.moods.status) {
            if meets(100) {
                return http(503, Some(20), Body::Empty);
            }
            return http([408, 423, 425, 500, 502, 503, 504][dice.usize(..7)], None, Body::Empty);
        }
        if meets(self.moods.odd) {
            return http([101, 202, 303, 307, 501, 505][dice.usize(..6)], None, Body::Empty);
        }
        let among = |users: &HashSet<String>| sent.iter().any(|assignment| users.contains(&name(assignment)));
        if self.away || among(&self.cursed) {
            return http(500, None, Body::Empty);
        }
        if among(&self.shunned) {
            return http(403, None, Body::Error(error(None)));
        }
        if self.deaf || form != self.form {
            return http(400, None, Body::Empty);
        }
        let poison = sent.iter().find_map(|assignment| self.poison.get(&name(assignment)).copied());
        if let Some(code) = poison {
            return http([400, 404, 409, 413][dice.usize(..4)], None, Body::Error(error(code)));
        }
        if sent.len() > 1 && dice.u32(..1000) < self.moods.reject {
            return http(400, None, Body::Error(error(None)));
        }
        let mut each =
            sent.iter().flat_map(|one| one.operations.iter().map(move |operation| (one, operation)));
        if self.picky && each.any(|(assignment, operation)| self.is_so(assignment, operation)) {
            return http(400, None, Body::Error(error(Some("400409"))));
        }
        let mut meets = |thousandths: u32| dice.u32(..1000) < thousandths;
        let (lost, garbage) = (meets(self.moods.drop_after), meets(self.moods.garbage));
        // Who says nothing that can be understood may have done anything.
        let some = if garbage && dice.bool() { &sent[..dice.usize(..=sent.len())] } else { sent };
        assert!(self.form == WireForm::Array || sent.len() == 1, "the object form carries one user");
        let answer = self.apply(some);
        let named = |assignment: &&Assignment| !self.refused.contains_key(&name(assignment));
        let applied = some.iter().filter(named).flat_map(|assignment| &assignment.operations);
        let applied: Vec<OperationKey> = applied.map(|operation| operation.key).collect();
        for key in applied {
            if lost || garbage {
                self.unsaid.insert(key);
            } else {
                self.unsaid.remove(&key);
            }
        }
        if lost {
            return Answer::Lost("reset".into());
        }
        if garbage { self.garbage(dice) } else { answer }
    }

    /// An answer of which nothing follows.
    fn garbage(&self, dice: &mut fastrand::Rng) -> Answer {
        let stranger = ItemError {
            email: Some("eve@example.com".into()),
            person_id: None,
            error: Some(error(None)),
            held: None,
        };
        let body = match (self.form, dice.u32(..4)) {
            (_, 0) => Body::Unreadable("is cut off".into()),
            (WireForm::Array, 1) => Body::Items(Vec::new()),
            (WireForm::Array, 2) => Body::Items(vec![stranger]),
            (WireForm::Array, _) => Body::Json,
            (WireForm::Object, 1) => Body::Holdings(Box::default()),
            (WireForm::Object, 2) => {
                let (licenses, email) = (Some(Vec::new()), Some("eve@example.com".into()));
                Body::Holdings(Box::new(Holdings { licenses, email, ..Holdings::default() }))
            }
            (WireForm::Object, _) => Body::Json,
        };
        http(206, None, body)
    }

    /// Whether what an operation asks for is so.
    pub(crate) fn is_so(&self, assignment: &Assignment, operation: &Operation) -> bool {
        let Change::License(id, _) = &operation.change else { panic!("licenses alone") };
        let held = self.held.get(&name(assignment)).is_some_and(|held| held.contains(id.as_str()));
        held == (operation.action == Action::Add)
    }

    fn apply(&mut self, sent: &[Assignment]) -> Answer {
        let mut items = Vec::new();
        for assignment in sent {
            let user = name(assignment);
            if let Some(code) = self.refused.get(&user) {
                items.push(ItemError {
                    email: Some(user),
                    person_id: None,
                    error: Some(error(Some(code))),
                    held: None,
                });
                continue;
            }
            let held = self.held.entry(user).or_default();
            for operation in &assignment.operations {
                let Change::License(id, _) = &operation.change else { panic!("licenses alone") };
                match operation.action {
                    Action::Add => held.insert(id.as_str().to_owned()),
                    Action::Remove => held.remove(id.as_str()),
                };
            }
        }
        match self.form {
            WireForm::Array if items.is_empty() => http(200, None, Body::Empty),
            WireForm::Array => http(206, None, Body::Items(items)),
            WireForm::Object => {
                let licenses =
                    sent.iter().filter_map(|one| self.held.get(&name(one))).flatten().cloned().collect();
                http(
                    if items.is_empty() { 200 } else { 206 },
                    None,
                    Body::Holdings(Box::new(Holdings { licenses: Some(licenses), ..Holdings::default() })),
                )
            }
        }
    }
}
