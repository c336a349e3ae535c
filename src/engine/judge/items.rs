//! The array form: one item a user.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{failure, holdings};
use crate::domain::{
    Assignment, Body, ErrorCode, IdKey, ItemError, OperationFailure, OrgId, Printable, Refusal, ServerError,
    address_key, code,
};
use crate::engine::verdict::Verdict;

/// 206: the users that are named with an error failed, and those of whom it lists that they do not hold what was asked
/// for; all others are done. A partial success in which nobody failed says one thing and its opposite.
pub(super) fn of_206(sent: &[Assignment], org: Option<&OrgId>, body: &Body) -> Verdict {
    let items = match body {
        Body::Items(items) => items,
        Body::Unreadable(reason) => return Verdict::InDoubt(format!("HTTP 206 with a body that {reason}")),
        _ => return Verdict::InDoubt("HTTP 206 without the list of users it should have".to_owned()),
    };
    match told(206, sent, org, items, |_| true) {
        Verdict::Accepted { failures, .. } if failures.is_empty() => {
            Verdict::InDoubt("HTTP 206, a partial success, that names nobody who failed".to_owned())
        }
        verdict => verdict,
    }
}

/// 200 with a list: its errors count, and what it says that users hold now.
pub(super) fn of_success(sent: &[Assignment], org: Option<&OrgId>, items: &[ItemError]) -> Verdict {
    told(200, sent, org, items, |item| item.error.is_some())
}

/// What a list tells of those that were sent: who failed, and where it says what users hold, whether that is what was
/// asked for. An item that counts has to name one of them.
fn told(
    status: u16,
    sent: &[Assignment],
    org: Option<&OrgId>,
    items: &[ItemError],
    counts: impl Fn(&ItemError) -> bool,
) -> Verdict {
    let named = |stranger| Verdict::InDoubt(format!("HTTP {status} with an item that names {stranger}"));
    let users = SentUsers::of(sent);
    let mut failures = match failures(sent, &users, items.iter().filter(|item| counts(item))) {
        Ok(failures) => failures,
        Err(stranger) => return named(stranger),
    };
    let mut words = None;
    for item in items.iter().filter(|item| item.error.is_none()) {
        let Some(held) = &item.held else { continue };
        let index = match users.find(item) {
            Ok(index) => index,
            Err(stranger) => return named(stranger),
        };
        let one = sent.get(index..=index).unwrap_or_default();
        match holdings::compared_with(one, org, held) {
            Verdict::Accepted { failures: more, words: told } => {
                failures.extend(more);
                // Kept for the whole request, so only where it is about one user.
                words = words.or(told.filter(|_| sent.len() == 1));
            }
            other => return other,
        }
    }
    failures.sort_by_key(|failure| failure.key);
    failures.dedup_by_key(|failure| failure.key);
    Verdict::Accepted { failures, words }
}

fn failures<'a>(
    sent: &[Assignment],
    users: &SentUsers<'_>,
    items: impl Iterator<Item = &'a ItemError>,
) -> Result<Vec<OperationFailure>, String> {
    let mut failed: HashMap<usize, &ServerError> = HashMap::new();
    for item in items {
        let index = users.find(item)?;
        if let Some(error) = &item.error {
            failed.entry(index).or_insert(error);
        }
    }
    let failed = failed
        .into_iter()
        .filter_map(|(index, error)| sent.get(index).map(|assignment| (assignment, error)))
        .flat_map(|(assignment, error)| {
            let operations = assignment.operations.iter();
            operations.map(move |operation| failure(assignment, operation, refusal(error)))
        });
    Ok(failed.collect())
}

fn refusal(error: &ServerError) -> Refusal {
    Refusal {
        code: error.code.clone().unwrap_or_else(|| ErrorCode::ours(code::NO_CODE)),
        message: error.message.clone().unwrap_or_else(|| "the service gave no reason".to_owned()),
    }
}

/// Whom a name stands for: an assignment, or two of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    One(usize),
    Several,
}

/// Finds who an item is about: by person ID, then by address.
struct SentUsers<'a> {
    sent: &'a [Assignment],
    by_person: HashMap<IdKey, Meant>,
    by_email: HashMap<String, Meant>,
}

impl<'a> SentUsers<'a> {
    fn of(sent: &'a [Assignment]) -> Self {
        let (mut by_person, mut by_email) = (HashMap::new(), HashMap::new());
        for (index, Assignment { user, .. }) in sent.iter().enumerate() {
            user.person().into_iter().for_each(|person| name(&mut by_person, person.key(), index));
            user.email().into_iter().for_each(|email| name(&mut by_email, email.key(), index));
        }
        Self { sent, by_person, by_email }
    }

    /// The assignment of an item, or in words whom it names instead.
    fn find(&self, item: &ItemError) -> Result<usize, String> {
        let person = item.person_id.as_deref();
        let by_person = person.and_then(|person| self.by_person.get(&IdKey::of(person)).copied());
        let email = item.email.as_deref();
        let by_email = email.and_then(|email| self.by_email.get(address_key(email).as_ref()).copied());
        match (by_person, by_email) {
            (Some(Meant::One(one)), None) => Ok(one),
            (Some(Meant::One(one)), Some(Meant::One(other))) if one == other => Ok(one),
            // The address was sent together with another ID: this is somebody else.
            (None, Some(Meant::One(one))) if person.is_some() && self.has_id(one) => {
                Err(format!("a user by an address and an ID that do not belong together: {}", named(item)))
            }
            (None, Some(Meant::One(one))) => Ok(one),
            (None, None) => Err(format!("a user who was not sent: {}", named(item))),
            _ => Err(format!("two of the users that were sent: {}", named(item))),
        }
    }

    fn has_id(&self, index: usize) -> bool {
        self.sent.get(index).is_some_and(|assignment| assignment.user.person().is_some())
    }
}

fn name<K: Eq + std::hash::Hash>(names: &mut HashMap<K, Meant>, key: K, index: usize) {
    match names.entry(key) {
        Entry::Occupied(mut taken) => {
            taken.insert(Meant::Several);
        }
        Entry::Vacant(free) => {
            free.insert(Meant::One(index));
        }
    }
}

fn named(item: &ItemError) -> String {
    match (&item.email, &item.person_id) {
        (Some(email), Some(person)) => format!("{} and {}", Printable(email), Printable(person)),
        (Some(one), None) | (None, Some(one)) => Printable(one).to_string(),
        (None, None) => "an item without address and person ID".to_owned(),
    }
}
