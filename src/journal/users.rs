//! What an import knows of the users it has stored: a few bytes for each of millions.

use std::hash::{BuildHasher as _, RandomState};

use super::planned::PlannedOperation;

/// What is known of a user.
#[derive(Debug, Clone, Copy, Default)]
struct StoredUser(u8);

impl StoredUser {
    const EMAIL: u8 = 1;
    const PERSON: u8 = 2;
    const ORG: u8 = 4;
    /// There is a row for the user.
    const ROW: u8 = 8;
    /// Something is to be sent.
    const SENT: u8 = 16;
    const NAMES: u8 = Self::EMAIL | Self::PERSON | Self::ORG;

    /// What an operation says of its user, once it is stored.
    fn of(operation: &PlannedOperation<'_>) -> Self {
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        Self(
            Self::ROW
                | bit(operation.email.is_some(), Self::EMAIL)
                | bit(operation.person.is_some(), Self::PERSON)
                | bit(operation.org.is_some(), Self::ORG)
                | bit(!operation.unchanged, Self::SENT),
        )
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// What an operation means for its user's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted {
    /// There is none yet.
    pub(super) is_new: bool,
    /// It adds to what the row names.
    pub(super) adds: bool,
    /// It calls the user something else than the row does.
    pub(super) is_renamed: bool,
}

/// The users of an import. What they are called is known by hashes of 32 bits: where they differ, the names do.
#[derive(Debug)]
pub(super) struct Users {
    stored: Vec<StoredUser>,
    emails: Vec<u32>,
    /// As long as it has to be: most files name nobody by person ID.
    persons: Vec<u32>,
    hasher: RandomState,
}

impl Users {
    pub(super) fn new(count: u32) -> Self {
        let count = count as usize;
        Self {
            stored: vec![StoredUser::default(); count],
            emails: vec![0; count],
            persons: Vec::new(),
            hasher: RandomState::new(),
        }
    }

    /// Notes what an operation says of its user.
    pub(super) fn note(&mut self, operation: &PlannedOperation<'_>) -> Noted {
        let number = operation.assignment.0 as usize;
        let known = self.stored.get(number).copied().unwrap_or_default();
        let says = StoredUser::of(operation);
        let email = operation.email.map(|email| self.hash(email.as_str()));
        let person = operation.person.map(|person| self.hash(person.as_str()));
        let is_renamed = Self::differs(&mut self.emails, number, known.has(StoredUser::EMAIL), email)
            | Self::differs(&mut self.persons, number, known.has(StoredUser::PERSON), person);
        if let Some(slot) = self.stored.get_mut(number) {
            slot.0 |= says.0;
        }
        let adds = says.0 & !known.0 & StoredUser::NAMES != 0;
        Noted { is_new: !known.has(StoredUser::ROW), adds, is_renamed }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any 32 bits of a hash are as good as any other")]
    fn hash(&self, text: &str) -> u32 {
        self.hasher.hash_one(text) as u32
    }

    /// Whether a name differs from the one that is known; where none is, this one is from now on.
    fn differs(names: &mut Vec<u32>, number: usize, is_known: bool, name: Option<u32>) -> bool {
        let Some(name) = name else { return false };
        if number >= names.len() {
            names.resize(number + 1, 0);
        }
        let Some(slot) = names.get_mut(number) else { return false };
        if is_known {
            return *slot != name;
        }
        *slot = name;
        false
    }

    /// Whether any user's organization is named.
    pub(super) fn any_org(&self) -> bool {
        self.stored.iter().any(|user| user.has(StoredUser::ORG))
    }

    /// Whether there is a user of whom nothing is to be sent.
    pub(super) fn any_unchanged(&self) -> bool {
        self.stored.iter().any(|user| user.has(StoredUser::ROW) && !user.has(StoredUser::SENT))
    }
}
