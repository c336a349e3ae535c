//! The object form: what was asked for against what the user holds now.

use std::collections::HashSet;

use super::failure;
use crate::domain::{
    Action, Assignment, Body, Change, ErrorCode, Holdings, IdKey, Operation, OrgId, PENDING, Printable,
    Properties, Refusal, ServerError, SiteUrl, address_key, code,
};
use crate::engine::verdict::Verdict;

/// 200 and 206 with a body.
pub(super) fn compared(sent: &[Assignment], org: Option<&OrgId>, body: &Body) -> Verdict {
    let holdings = match body {
        Body::Holdings(holdings) => holdings,
        Body::Unreadable(reason) => return Verdict::InDoubt(format!("an answer with a body that {reason}")),
        _ => return Verdict::InDoubt("an answer without what the user holds now".to_owned()),
    };
    compared_with(sent, org, holdings)
}

/// What one user was asked for, held against what the answer says that they hold.
pub(super) fn compared_with(sent: &[Assignment], org: Option<&OrgId>, holdings: &Holdings) -> Verdict {
    let [assignment] = sent else {
        return Verdict::InDoubt("an answer about one user, and several were asked about".to_owned());
    };
    if let Some(stranger) = about_another(assignment, org, holdings) {
        return Verdict::InDoubt(format!("an answer about {stranger}"));
    }
    let said = JoinedErrors::of(&holdings.errors);
    let Some(held) = HeldNow::of(holdings) else {
        // Without the list of licenses an error is all that is known, and it is about the whole user.
        return match said {
            Some(said) => accepted(assignment, |_| Some(said.refusal())),
            None => {
                Verdict::InDoubt("an answer without the list of licenses that the user holds now".to_owned())
            }
        };
    };
    let mut amiss = HashSet::new();
    for operation in &assignment.operations {
        match (held.shows(operation), &said) {
            (Some(true), _) => {}
            (Some(false), _) | (None, Some(_)) => {
                amiss.insert(operation.key);
            }
            (None, None) => {
                return Verdict::InDoubt(
                    "an answer without the list of sites that the user may attend".to_owned(),
                );
            }
        }
    }
    // What nothing amiss explains was said of what the lists do not show: a number, a location.
    let unexplained = holdings.errors.len() > amiss.len();
    if let Some(said) = &said
        && unexplained
    {
        let untold = assignment.operations.iter().filter(|operation| carries_properties(operation));
        amiss.extend(untold.map(|operation| operation.key));
        if amiss.is_empty() {
            return Verdict::Accepted { failures: Vec::new(), words: Some(said.words.clone()) };
        }
    }
    let verdict = accepted(assignment, |operation| {
        let refused = || said.as_ref().map_or_else(|| not_applied(operation), JoinedErrors::refusal);
        amiss.contains(&operation.key).then(refused)
    });
    match (verdict, pending(assignment, holdings)) {
        (Verdict::Accepted { failures, words: None }, words) => Verdict::Accepted { failures, words },
        (verdict, _) => verdict,
    }
}

/// What the user has yet to accept of what was given, in words; no list of holders shows it until then.
fn pending(assignment: &Assignment, holdings: &Holdings) -> Option<String> {
    let keys = |ids: &[String]| ids.iter().map(|id| IdKey::of(id)).collect::<HashSet<IdKey>>();
    let (held, pending) = (keys(holdings.licenses.as_deref()?), keys(&holdings.pending_licenses));
    let given = assignment.operations.iter().filter_map(|operation| match &operation.change {
        Change::License(id, _) if operation.action == Action::Add => Some(id),
        _ => None,
    });
    let waiting: Vec<&str> = given
        .filter(|id| pending.contains(&id.key()) && !held.contains(&id.key()))
        .map(|id| id.as_str())
        .collect();
    (!waiting.is_empty()).then(|| format!("{PENDING}: {}", waiting.join("; ")))
}

fn accepted(assignment: &Assignment, refused: impl Fn(&Operation) -> Option<Refusal>) -> Verdict {
    let refused = |operation| Some(failure(assignment, operation, refused(operation)?));
    Verdict::Accepted { failures: assignment.operations.iter().filter_map(refused).collect(), words: None }
}

/// Whether the answer is about somebody else than was asked about; who it is, in words.
fn about_another(assignment: &Assignment, org: Option<&OrgId>, holdings: &Holdings) -> Option<String> {
    let Holdings { person_id, email, org_id, .. } = holdings;
    let asked = &assignment.user;
    let user = match (asked.person().zip(person_id.as_deref()), asked.email().zip(email.as_deref())) {
        // The ID says who it is; a person has several addresses.
        (Some((person, given)), _) => {
            (person.key() != IdKey::of(given)).then_some(("the person", given, "who"))
        }
        (None, Some((email, given))) => {
            (email.key() != address_key(given)).then_some(("the address", given, "which"))
        }
        (None, None) => None,
    };
    let asked_org = organization(assignment, org).zip(org_id.as_deref());
    let org = asked_org.filter(|(asked, given)| *asked != IdKey::of(given));
    user.or(org.map(|(_, given)| ("the organization", given, "which")))
        .map(|(what, given, who)| format!("{what} {}, {who} was not asked about", Printable(given)))
}

/// The organization that was asked about: the one that is named, or else that of the licenses.
fn organization(assignment: &Assignment, org: Option<&OrgId>) -> Option<IdKey> {
    let of_licenses = || {
        assignment.operations.iter().find_map(|operation| match &operation.change {
            Change::License(id, _) => id.organization(),
            Change::Site(_) => None,
        })
    };
    assignment.org.as_ref().or(org).map(OrgId::key).or_else(of_licenses)
}

/// The errors of an answer, as one refusal.
struct JoinedErrors {
    code: ErrorCode,
    words: String,
}

impl JoinedErrors {
    fn of(errors: &[ServerError]) -> Option<Self> {
        let first = errors.first()?;
        let code = errors.iter().find_map(|error| error.code.clone());
        let words = match errors {
            [ServerError { message: Some(message), .. }] => message.clone(),
            [_] => first.to_string(),
            several => several.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        };
        Some(Self { code: code.unwrap_or_else(|| ErrorCode::ours(code::NOT_APPLIED)), words })
    }

    fn refusal(&self) -> Refusal {
        Refusal { code: self.code.clone(), message: self.words.clone() }
    }
}

struct HeldNow {
    licenses: HashSet<IdKey>,
    /// `None` where the answer has no list of sites.
    sites: Option<HashSet<String>>,
}

impl HeldNow {
    /// `None` where the answer has no list of licenses. What is pending is on its way to the user.
    fn of(holdings: &Holdings) -> Option<Self> {
        let licenses = holdings.licenses.as_ref()?.iter().chain(&holdings.pending_licenses);
        let sites = holdings.attendee_sites.as_ref().map(|sites| {
            let sites = sites.iter().chain(&holdings.pending_attendee_sites);
            sites.map(|site| SiteUrl::key_of(site)).collect()
        });
        Some(Self { licenses: licenses.map(|id| IdKey::of(id)).collect(), sites })
    }

    /// Whether the answer shows that the operation took: an addition is held or pending, a removal is
    /// neither. `None` where it has no list that would show it.
    fn shows(&self, operation: &Operation) -> Option<bool> {
        let held = match &operation.change {
            Change::License(id, _) => self.licenses.contains(&id.key()),
            Change::Site(url) => self.sites.as_ref()?.contains(&url.key()),
        };
        Some(held == (operation.action == Action::Add))
    }
}

/// Whether the request had more to say of the operation than its license.
fn carries_properties(operation: &Operation) -> bool {
    let Change::License(_, properties) = &operation.change else { return false };
    operation.action == Action::Add && *properties != Properties::default()
}

fn not_applied(operation: &Operation) -> Refusal {
    let message = match operation.action {
        Action::Add => "the service answered, and the user does not hold it",
        Action::Remove => "the service answered, and the user still holds it",
    };
    Refusal { code: ErrorCode::ours(code::NOT_APPLIED), message: message.to_owned() }
}
