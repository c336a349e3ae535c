//! Whom a file lists and asks nothing of today, beside who holds what: nothing is taken from them.

use std::collections::{HashMap, HashSet};

use crate::assign::{BystanderError, Checked, bystanders};
use crate::domain::{IdKey, LicenseId, Target};
use crate::input::InputFile;
use crate::live::{Crowd, People as _, PersonNamed};

/// People whom the file lists, by licenses of which it asks nothing of them.
#[derive(Debug)]
pub(super) struct Bystanders {
    crowd: Crowd,
    /// By license; by none those who are listed for whatever there is.
    listed: HashMap<Option<IdKey>, ListedOnly>,
    /// The licenses of `listed`.
    licenses: Vec<LicenseId>,
}

#[derive(Debug, Default)]
struct ListedOnly {
    numbers: HashSet<u32>,
    /// Whether some are named by addresses alone, and some by person IDs alone.
    names: (bool, bool),
}

impl Bystanders {
    /// Reads the file once more, where it lists anybody so.
    pub(super) fn of(checked: &mut Checked, file: &InputFile) -> Result<Self, BystanderError> {
        let mut crowd = Crowd::new((fastrand::u64(..), fastrand::u64(..)));
        let mut listed: HashMap<Option<IdKey>, ListedOnly> = HashMap::new();
        let mut licenses = Vec::new();
        bystanders(checked, file, &mut |one| {
            let license = match one.target {
                Some(Target::License(id)) => Some(id),
                Some(Target::Site(_)) => return,
                None => None,
            };
            let of_license = listed.entry(license.map(LicenseId::key)).or_insert_with(|| {
                licenses.extend(license.cloned());
                ListedOnly::default()
            });
            let named = PersonNamed { email: one.email, person: one.person };
            of_license.numbers.extend(crowd.admit(named).into_iter().flatten());
            of_license.names.0 |= one.person.is_none();
            of_license.names.1 |= one.email.is_none();
        })?;
        Ok(Self { crowd, listed, licenses })
    }

    /// The licenses that rows name which ask nothing today.
    pub(super) fn licenses(&self) -> &[LicenseId] {
        &self.licenses
    }

    fn of_license(&self, target: &Target) -> impl Iterator<Item = &ListedOnly> {
        let license = match target {
            Target::License(id) => self.listed.get(&Some(id.key())),
            Target::Site(_) => None,
        };
        license.into_iter().chain(self.listed.get(&None))
    }

    /// Whether a holder of this license is one of them.
    pub(super) fn has(&self, target: &Target, named: PersonNamed<'_>) -> bool {
        let numbers = self.crowd.numbers(named);
        self.of_license(target)
            .any(|listed| numbers.iter().flatten().any(|number| listed.numbers.contains(number)))
    }

    /// How many are listed for this license, at most.
    pub(super) fn listed(&self, target: &Target) -> usize {
        self.of_license(target).map(|listed| listed.numbers.len()).sum()
    }

    /// Whether some of them are named by addresses alone, and whether some by person IDs alone.
    pub(super) fn names_of(&self, target: &Target) -> (bool, bool) {
        self.of_license(target).fold((false, false), |(email, person), listed| {
            (email || listed.names.0, person || listed.names.1)
        })
    }
}
