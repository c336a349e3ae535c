//! What is known of the live organizations: names of licenses, and who holds what. Asked for first and passed
//! by value, so that a file is checked without calling out.

use std::collections::HashMap;

use super::words::folded;
use crate::domain::{IdKey, LicenseId, OrgId, address_key};

/// A license of an organization, as far as its name matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLicense {
    /// Its ID.
    pub id: LicenseId,
    /// What people call it.
    pub name: String,
    /// The meetings site it is for.
    pub site: Option<String>,
    /// The subscription it belongs to.
    pub subscription: Option<String>,
    /// Units that are left, where it has a number of them.
    pub free: Option<u64>,
}

impl KnownLicense {
    /// What tells it from others of its name.
    fn described(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.site.as_ref().map(|site| format!("site {site}")));
        parts.extend(self.subscription.as_ref().map(|subscription| format!("subscription {subscription}")));
        parts.extend(self.free.map(|free| format!("{free} free")));
        parts.push(format!("ID {}", self.id));
        format!("{} ({})", self.name, parts.join(", "))
    }
}

/// The names of licenses, by organization.
#[derive(Debug, Clone, Default)]
pub struct LicenseNames {
    organizations: Option<HashMap<Option<IdKey>, Vec<KnownLicense>>>,
}

impl LicenseNames {
    /// Nothing is known: every name is taken as it is.
    #[must_use]
    pub const fn taken() -> Self {
        Self { organizations: None }
    }

    /// Takes in the licenses of an organization; of the one that is asked where none is named.
    #[must_use]
    pub fn with(mut self, org: Option<&OrgId>, licenses: Vec<KnownLicense>) -> Self {
        self.organizations.get_or_insert_default().insert(org.map(OrgId::key), licenses);
        self
    }

    /// Whether names are taken as they are.
    pub(super) const fn are_taken(&self) -> bool {
        self.organizations.is_none()
    }

    fn of(&self, org: Option<&OrgId>) -> &[KnownLicense] {
        let known = self.organizations.as_ref().and_then(|known| known.get(&org.map(OrgId::key)));
        known.map_or(&[], Vec::as_slice)
    }

    /// Whether any organization has a license that is called in one of these ways.
    pub(super) fn are_any(&self, names: &[&str]) -> bool {
        let names: Vec<String> = names.iter().map(|name| folded(name)).collect();
        let mut all = self.organizations.iter().flat_map(HashMap::values).flatten();
        all.any(|license| names.contains(&folded(&license.name)))
    }

    /// The license that a person calls so.
    pub(super) fn find(&self, org: Option<&OrgId>, text: &str) -> NameMatch {
        let licenses = self.of(org);
        let key = IdKey::of(text);
        if let Some(license) = licenses.iter().find(|license| license.id.key() == key) {
            return NameMatch::One(license.id.clone(), license.name.clone());
        }
        let name = folded(text);
        NameMatch::among(licenses.iter().filter(|license| folded(&license.name) == name))
            .unwrap_or_else(|| NameMatch::None(self.nearest(org, &name)))
    }

    /// The license of a service that Control Hub calls so: by name, then by site and subscription.
    pub(super) fn find_service(&self, org: Option<&OrgId>, names: &[&str], tags: &[&str]) -> NameMatch {
        let names: Vec<String> = names.iter().map(|name| folded(name)).collect();
        let named = self.of(org).iter().filter(|license| names.contains(&folded(&license.name)));
        let fits = |license: &&KnownLicense| {
            let apart = [license.site.as_deref(), license.subscription.as_deref()];
            let mut tags = tags.iter().map(|tag| folded(tag));
            // What the header says must be of the license: one that says nothing of it is not surely the one.
            tags.all(|tag| apart.iter().flatten().any(|known| folded(known) == tag))
        };
        let sought = names.first().map_or("", |name| name.as_str());
        NameMatch::among(named.clone().filter(fits)).unwrap_or_else(|| {
            let others: Vec<String> = named.map(KnownLicense::described).collect();
            NameMatch::None(if others.is_empty() { self.nearest(org, sought) } else { others })
        })
    }

    /// The names that are most alike, best first.
    fn nearest(&self, org: Option<&OrgId>, name: &str) -> Vec<String> {
        let alike = |license: &KnownLicense| {
            let known = folded(&license.name);
            let contained = known.contains(name) || name.contains(&known);
            strsim::jaro_winkler(&known, name).max(if contained { 0.85 } else { 0.0 })
        };
        let mut near: Vec<(f64, &str)> =
            self.of(org).iter().map(|license| (alike(license), license.name.as_str())).collect();
        near.retain(|(likeness, _)| *likeness >= 0.75);
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.dedup_by_key(|(_, name)| *name);
        near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
    }
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NameMatch {
    /// To this license.
    One(LicenseId, String),
    /// To none; what comes nearest.
    None(Vec<String>),
    /// To several.
    Several(Vec<String>),
}

impl NameMatch {
    fn among<'a>(mut licenses: impl Iterator<Item = &'a KnownLicense>) -> Option<Self> {
        let first = licenses.next()?;
        let others: Vec<&KnownLicense> = licenses.collect();
        if others.is_empty() {
            return Some(Self::One(first.id.clone(), first.name.clone()));
        }
        let all = std::iter::once(first).chain(others);
        Some(Self::Several(all.map(KnownLicense::described).collect()))
    }
}

/// Who holds what, for rows that take everything away.
#[derive(Debug, Clone, Default)]
pub struct HeldLicenses {
    /// Each with its organization.
    licenses: Vec<(Option<IdKey>, LicenseId)>,
    by_email: HashMap<Box<str>, Vec<u32>>,
    by_person: HashMap<IdKey, Vec<u32>>,
}

impl HeldLicenses {
    /// Takes in that a user holds a license of an organization; of the one that is asked where none is named.
    /// Licenses are best taken in one by one.
    pub fn insert(
        &mut self,
        org: Option<&OrgId>,
        license: &LicenseId,
        person: Option<&str>,
        email: Option<&str>,
    ) {
        let org = org.map(OrgId::key);
        if self.licenses.last().is_none_or(|last| (&last.0, &last.1) != (&org, license)) {
            self.licenses.push((org, license.clone()));
        }
        let number = u32::try_from(self.licenses.len().saturating_sub(1)).unwrap_or(u32::MAX);
        if let Some(person) = person.filter(|person| !person.is_empty()) {
            self.by_person.entry(IdKey::of(person)).or_default().push(number);
        }
        if let Some(email) = email.filter(|email| !email.is_empty()) {
            self.by_email.entry(address_key(email).into()).or_default().push(number);
        }
    }

    /// What a user holds of an organization's: who is named by a person ID is looked up by it.
    pub(super) fn of(
        &self,
        org: Option<&OrgId>,
        email: Option<&str>,
        person: Option<&str>,
    ) -> impl Iterator<Item = &LicenseId> {
        let org = org.map(OrgId::key);
        let by_person = person.and_then(|person| self.by_person.get(&IdKey::of(person)));
        let numbers = match (by_person, person, email) {
            (Some(numbers), ..) => Some(numbers),
            (None, _, Some(email)) => self.by_email.get(address_key(email).as_ref()),
            _ => None,
        };
        let numbers = numbers.into_iter().flatten();
        let licenses = numbers.filter_map(|number| self.licenses.get(*number as usize));
        licenses.filter(move |(of, _)| *of == org).map(|(_, license)| license)
    }
}

/// What is known of the live organizations.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What their licenses are called.
    pub names: LicenseNames,
    /// Who holds what; none where nobody has looked.
    pub holdings: Option<HeldLicenses>,
}

impl Known {
    /// Nothing, for a check that talks to nobody.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }
}

impl From<LicenseNames> for Known {
    fn from(names: LicenseNames) -> Self {
        Self { names, holdings: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn license(id: &str, name: &str, site: Option<&str>, subscription: Option<&str>) -> KnownLicense {
        let [site, subscription] = [site, subscription].map(|text| text.map(str::to_owned));
        KnownLicense {
            id: LicenseId::parse(id).unwrap(),
            name: name.into(),
            site,
            subscription,
            free: Some(7),
        }
    }

    fn names() -> LicenseNames {
        LicenseNames::taken().with(
            None,
            vec![
                license("L1", "Messaging", None, None),
                license("L2", "Meetings", Some("a.example.com"), None),
                license("L3", "Meetings", Some("b.example.com"), Some("Sub1")),
                license("L4", "Webex Calling - Professional", None, Some("Sub1")),
            ],
        )
    }

    fn id(found: NameMatch) -> String {
        match found {
            NameMatch::One(id, _) => id.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn neither_case_nor_dashes_nor_blanks_distinguish_names() {
        for text in [
            "Webex Calling – Professional",
            "webex calling - professional",
            "Webex  Calling Professional",
            "L4",
        ] {
            assert_eq!(id(names().find(None, text)), "L4", "{text}");
        }
    }

    #[test]
    fn several_are_told_apart_and_the_nearest_are_named() {
        let NameMatch::Several(which) = names().find(None, "meetings") else { panic!() };
        assert_eq!(
            which,
            [
                "Meetings (site a.example.com, 7 free, ID L2)",
                "Meetings (site b.example.com, subscription Sub1, 7 free, ID L3)"
            ]
        );
        assert_eq!(names().find(None, "Mesaging"), NameMatch::None(vec!["Messaging".into()]));
        assert_eq!(
            names().find(None, "Calling Professional"),
            NameMatch::None(vec!["Webex Calling - Professional".into()])
        );
        assert_eq!(names().find(Some(&OrgId::parse("O").unwrap()), "Messaging"), NameMatch::None(Vec::new()));
    }

    #[test]
    fn services_match_by_site_and_subscription() {
        assert_eq!(id(names().find_service(None, &["Meetings"], &["a.example.com"])), "L2");
        assert_eq!(id(names().find_service(None, &["Meetings"], &["sub1"])), "L3");
        assert_eq!(id(names().find_service(None, &["Messaging"], &[])), "L1");
        for (name, tag) in [("Messaging", "Sub121331"), ("Webex Calling - Professional", "Sub2")] {
            let found = names().find_service(None, &[name], &[tag]);
            assert!(matches!(found, NameMatch::None(near) if near.len() == 1), "{name}");
        }
    }

    #[test]
    fn what_a_user_holds_is_found_by_either_name() {
        let mut holdings = HeldLicenses::default();
        let [a, b] = ["A", "B"].map(|id| LicenseId::parse(id).unwrap());
        holdings.insert(None, &a, Some("P1"), Some("User1@example.com"));
        holdings.insert(None, &a, Some("P2"), None);
        holdings.insert(None, &b, Some("P1"), Some("user1@example.com"));
        let other = OrgId::parse("O").unwrap();
        holdings.insert(Some(&other), &LicenseId::parse("C").unwrap(), Some("P1"), None);
        let held =
            |email, person| holdings.of(None, email, person).map(LicenseId::as_str).collect::<Vec<_>>();
        assert_eq!(
            holdings.of(Some(&other), None, Some("P1")).map(LicenseId::as_str).collect::<Vec<_>>(),
            ["C"]
        );
        assert_eq!(held(Some("user1@EXAMPLE.com"), None), ["A", "B"]);
        assert_eq!((held(None, Some("P2")), held(None, Some("P3"))), (vec!["A"], vec![]));
    }
}
