//! What of our operations is in effect, as the lists of holders show it.

use std::collections::HashMap;

use crate::domain::{Action, Assignment, Change, Held, LicenseId, Operation, OperationKey};
use crate::engine::Effect;
use crate::live::{Crowd, PersonNamed, Readings, Unread};

/// Whether an operation is in effect, where a list says this of its user.
#[must_use]
pub const fn effect_of(action: Action, held: Held) -> Effect {
    match held.is_as_asked(action) {
        Some(true) => Effect::InEffect,
        Some(false) => Effect::NotInEffect,
        None => Effect::Unknown,
    }
}

/// How an assignment names its user.
fn named(assignment: &Assignment) -> PersonNamed<'_> {
    PersonNamed {
        email: assignment.user.email().map(|email| email.as_str()),
        person: assignment.user.person().map(|person| person.as_str()),
    }
}

/// What the lists show of operations, by their keys.
#[derive(Debug, Default)]
pub(super) struct Effects(HashMap<OperationKey, Effect>);

impl Effects {
    /// Whether the operation is in effect. The service does not list who attends a site.
    pub(super) fn of(&self, operation: &Operation) -> Effect {
        self.0.get(&operation.key).copied().unwrap_or(Effect::Unknown)
    }
}

/// Whether these operations are in effect, by what the lists of holders show.
///
/// # Errors
/// [`Unread`]: nothing may be concluded.
pub(super) async fn effects<'a>(
    readings: &Readings,
    assignments: impl IntoIterator<Item = &'a Assignment>,
) -> Result<Effects, Unread> {
    let mut crowd = Crowd::new((fastrand::u64(..), fastrand::u64(..)));
    let mut licenses: HashMap<&LicenseId, Vec<(&Assignment, &Operation)>> = HashMap::new();
    for assignment in assignments {
        crowd.admit(named(assignment));
        for operation in &assignment.operations {
            if let Change::License(id, _) = &operation.change {
                licenses.entry(id).or_default().push((assignment, operation));
            }
        }
    }
    let mut effects = HashMap::new();
    for (license, operations) in licenses {
        let roll = readings.roll(license, &crowd).await?;
        for (assignment, operation) in operations {
            let named = named(assignment);
            let held = roll.held(&crowd, named);
            effects.insert(operation.key, effect_of(operation.action, held));
        }
    }
    Ok(Effects(effects))
}
