//! The licenses and sites of a file, each kept once and numbered.

use std::collections::HashMap;
use std::error::Error;

use crate::domain::{IdError, IdKey, LicenseId, SiteUrl, Target};

/// The number of a target within one file, dense from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetNo(pub u32);

/// Where the name of a license leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// To one license.
    Id(LicenseId),
    /// To none; the nearest name there is, if any is near.
    Unknown(Option<String>),
    /// To several, told apart by these descriptions.
    Ambiguous(Vec<String>),
}

/// Names could not be looked up at all, so that nothing can be said of any row.
pub type NamesError = Box<dyn Error + Send + Sync>;

/// Turns names of licenses into IDs.
pub trait LicenseNames {
    /// Looks up what stands in a `license` cell and is not visibly an ID.
    ///
    /// # Errors
    /// [`NamesError`] where the list of licenses cannot be had.
    fn resolve(&mut self, text: &str) -> Result<Resolved, NamesError>;
}

/// Takes every name as it is: for a check that talks to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamesTaken;

impl LicenseNames for NamesTaken {
    fn resolve(&mut self, text: &str) -> Result<Resolved, NamesError> {
        Ok(LicenseId::parse(text).map_or(Resolved::Unknown(None), Resolved::Id))
    }
}

/// Every target of a file, once.
#[derive(Debug, Default)]
pub struct Targets {
    all: Vec<Target>,
    numbers: HashMap<TargetKey, TargetNo>,
    /// What a cell has led to before, so that a million equal cells are judged once.
    license_ids: HashMap<Box<str>, TargetNo>,
    licenses: HashMap<Box<str>, Named>,
    sites: HashMap<Box<str>, TargetNo>,
}

/// What the spellings of one target have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum TargetKey {
    License(IdKey),
    Site(String),
}

impl TargetKey {
    fn of(target: &Target) -> Self {
        match target {
            Target::License(id) => Self::License(id.key()),
            Target::Site(url) => Self::Site(url.key()),
        }
    }
}

/// What the cell of a `license` column leads to.
#[derive(Debug, Clone)]
pub(super) enum Named {
    Target(TargetNo),
    WrongKind(IdError),
    Unknown(Option<String>),
    Ambiguous(Vec<String>),
}

impl Targets {
    /// The target of this number.
    #[must_use]
    pub fn get(&self, number: TargetNo) -> Option<&Target> {
        self.all.get(number.0 as usize)
    }

    /// All targets in the order of their numbers.
    #[must_use]
    pub fn all(&self) -> &[Target] {
        &self.all
    }

    /// The target of a `licenseId` cell.
    pub(super) fn license_id(&mut self, cell: &str) -> Result<TargetNo, IdError> {
        if let Some(number) = self.license_ids.get(cell) {
            return Ok(*number);
        }
        let number = self.intern(Target::License(LicenseId::parse(cell)?));
        self.license_ids.insert(cell.into(), number);
        Ok(number)
    }

    /// The target of a `license` cell: an ID or a name. What a cell leads to is asked once, so that
    /// a second reading of the file says the same as the first.
    pub(super) fn license(&mut self, cell: &str, names: &mut dyn LicenseNames) -> Result<Named, NamesError> {
        if let Some(named) = self.licenses.get(cell) {
            return Ok(named.clone());
        }
        let resolved = match (LicenseId::recognized(cell), LicenseId::parse(cell)) {
            (Some(id), _) => Resolved::Id(id),
            (None, Ok(_)) => names.resolve(cell)?,
            (None, Err(error)) => return Ok(Named::WrongKind(error)),
        };
        let named = match resolved {
            Resolved::Id(id) => Named::Target(self.intern(Target::License(id))),
            Resolved::Unknown(nearest) => Named::Unknown(nearest),
            Resolved::Ambiguous(which) => Named::Ambiguous(which),
        };
        self.licenses.insert(cell.into(), named.clone());
        Ok(named)
    }

    /// The target of a `siteUrl` cell; `None` for an empty one.
    pub(super) fn site(&mut self, cell: &str) -> Option<TargetNo> {
        if let Some(number) = self.sites.get(cell) {
            return Some(*number);
        }
        let url = SiteUrl::parse(cell)?;
        // Spellings of one site are one site, under its first spelling.
        let number = self.intern(Target::Site(url));
        self.sites.insert(cell.into(), number);
        Some(number)
    }

    fn intern(&mut self, target: Target) -> TargetNo {
        let key = TargetKey::of(&target);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        // Numbers lines at most, and lines fit in 32 bits.
        let number = TargetNo(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(target);
        self.numbers.insert(key, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_license_by_id_and_by_name_is_one_target() {
        struct One;
        impl LicenseNames for One {
            fn resolve(&mut self, _: &str) -> Result<Resolved, NamesError> {
                Ok(Resolved::Id(LicenseId::parse("LIC-1").unwrap()))
            }
        }
        let mut targets = Targets::default();
        let by_id = targets.license_id("LIC-1").unwrap();
        let Named::Target(by_name) = targets.license("Messaging", &mut One).unwrap() else { panic!() };
        assert_eq!(by_id, by_name);
        assert_eq!(targets.all().len(), 1);
    }

    #[test]
    fn spellings_of_one_license_are_one_target_under_the_first() {
        let mut targets = Targets::default();
        let id = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ";
        let first = targets.license_id(id).unwrap();
        assert_eq!(targets.license_id(&format!("{id}==")), Ok(first));
        assert_eq!(targets.get(first).unwrap().as_str(), id);
    }

    #[test]
    fn sites_have_no_case() {
        let mut targets = Targets::default();
        let first = targets.site("Meet.example.com").unwrap();
        assert_eq!(targets.site("meet.EXAMPLE.com"), Some(first));
        assert_eq!(targets.get(first).unwrap().as_str(), "Meet.example.com");
        assert_eq!(targets.site(""), None);
    }
}
