//! The organization: users, licenses with their units, sites, and the rules between them.

use std::collections::HashMap;

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::members::{Matrix, Members, Nameless};
use super::request::{RequestedAssignment, RequestedLicense, RequestedSite, Verb};
use super::rules::{Circumstances, Product, Refused, may_add, may_remove, refused};
use crate::webex::License;

/// What an organization file holds, and what the state of one is told as.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationState {
    /// The organization's ID.
    #[serde(default)]
    pub org_id: String,
    /// IDs under which its users are found too, as a partner finds those of customers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<String>,
    /// Its licenses; `consumedUnits` is counted from the users.
    #[serde(default)]
    pub licenses: Vec<License>,
    /// Its meetings sites.
    #[serde(default)]
    pub sites: Vec<String>,
    /// IDs of its locations; where none are listed, any is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// Groups of license IDs of which a user holds one at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusive_groups: Vec<Vec<String>>,
    /// Its users.
    #[serde(default)]
    pub users: Vec<UserState>,
}

/// A user of an organization file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct UserState {
    /// The address, which names the user.
    pub email: String,
    /// The person ID; made from the address where it is left out.
    #[serde(default)]
    pub person_id: String,
    /// IDs of the licenses held.
    #[serde(default)]
    pub licenses: Vec<String>,
    /// Sites with attendee access.
    #[serde(default)]
    pub site_urls: Vec<String>,
    /// Whether the user belongs to another organization: what is given to such a one stays pending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// IDs of the licenses that the user has not accepted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_licenses: Vec<String>,
    /// Sites that the user has not accepted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_site_urls: Vec<String>,
}

/// An organization file contradicts itself.
#[derive(Debug, thiserror::Error)]
#[error("the organization is not sound: {0}")]
pub struct OrganizationError(String);

/// An organization with its users.
#[derive(Debug)]
pub struct Organization {
    org_id: String,
    customers: Vec<String>,
    licenses: Vec<License>,
    license_numbers: HashMap<String, usize>,
    kinds: Vec<Product>,
    exclusive: Vec<Vec<usize>>,
    sites: Vec<String>,
    locations: Vec<String>,
    people: Members,
    consumed: Vec<i64>,
}

fn encoded(kind: &str, rest: &str) -> String {
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(format!("ciscospark://us/{kind}/{rest}"))
}

const ORG: &str = "5a4d1c00-0000-4000-8000-00000000c0de";

/// A sandbox license ID, the same in every sandbox, so that sample files can name it.
fn license_id(kind: &str, number: u32) -> String {
    encoded("LICENSE", &format!("{ORG}:{kind}_5eba0000-0000-4000-8000-{number:012}"))
}

fn license(kind: &str, number: u32, name: &str, units: i64, site: Option<&str>) -> License {
    License {
        id: license_id(kind, number),
        name: name.to_owned(),
        total_units: Some(units),
        consumed_units: None,
        consumed_by_users: None,
        consumed_by_workspaces: None,
        subscription_id: Some("Sub-sandbox".to_owned()),
        site_url: site.map(str::to_owned),
        site_type: site.map(|_| "Control Hub managed site".to_owned()),
    }
}

impl Organization {
    /// An organization of `user1@example.com` to `user<count>@example.com`, with a unit of each
    /// license for each of them, a scarce license, and two sites.
    #[must_use]
    pub fn generated(count: u32) -> Self {
        let units = i64::from(count);
        let (meet, events) = ("meet.example.com", "events.example.com");
        let scarce = (units / 100).max(2);
        let licenses = vec![
            license("MS", 1, "Messaging", units, None),
            license("MC", 2, "Meetings Suite", units, Some(meet)),
            license("EE", 3, "Events", units, Some(events)),
            license("BCPRO", 4, "Webex Calling - Professional", units, None),
            license("BCSTD", 5, "Webex Calling - Standard", units, None),
            license("AC", 6, "Attendant Console", scarce, None),
        ];
        let users = (1..=count).map(|number| {
            let person_id = encoded("PEOPLE", &format!("5eba0000-0000-4000-8000-{number:012}"));
            (format!("user{number}@example.com"), person_id)
        });
        let sites = vec![meet.to_owned(), events.to_owned()];
        let people = Members::listed(users.collect(), licenses.len(), sites.len());
        Self::assembled(encoded("ORGANIZATION", ORG), licenses, sites, people)
    }

    /// The organization of a file.
    ///
    /// # Errors
    /// [`OrganizationError`] where it names a license or site that it does not have.
    pub fn from_state(state: OrganizationState) -> Result<Self, OrganizationError> {
        let org_id = if state.org_id.is_empty() { encoded("ORGANIZATION", ORG) } else { state.org_id };
        let names = state.users.iter().map(|UserState { email, person_id, .. }| {
            let made = || encoded("PEOPLE", email);
            (email.clone(), if person_id.is_empty() { made() } else { person_id.clone() })
        });
        let licenses: HashMap<&str, usize> = state
            .licenses
            .iter()
            .enumerate()
            .map(|(number, license)| (license.id.as_str(), number))
            .collect();
        let mut people = Members::listed(names.collect(), state.licenses.len(), state.sites.len());
        for (number, user) in state.users.iter().enumerate() {
            let find_license = |id: &String| {
                licenses.get(id.as_str()).copied().ok_or_else(|| {
                    OrganizationError(format!("{} holds '{id}', which is not listed", user.email))
                })
            };
            let find_site = |url: &String| {
                let number = state.sites.iter().position(|site| site.eq_ignore_ascii_case(url));
                number.ok_or_else(|| {
                    OrganizationError(format!("{} attends '{url}', which is not listed", user.email))
                })
            };
            for id in &user.licenses {
                people.licenses.set(number, find_license(id)?, true);
            }
            for url in &user.site_urls {
                people.sites.set(number, find_site(url)?, true);
            }
            for id in &user.pending_licenses {
                people.pending.set(number, find_license(id)?, true);
            }
            for url in &user.pending_site_urls {
                people.pending_sites.set(number, find_site(url)?, true);
            }
            if user.external {
                people.external.insert(number);
            }
        }
        let mut assembled = Self::assembled(org_id, state.licenses, state.sites, people);
        assembled.customers = state.customers;
        assembled.locations = state.locations;
        for group in state.exclusive_groups {
            let number = |id: &String| assembled.license_numbers.get(id).copied();
            assembled.exclusive.push(group.iter().filter_map(number).collect());
        }
        Ok(assembled)
    }

    /// An organization of users whose names are not kept: whoever asks for a list of them gets an empty one.
    #[must_use]
    pub fn nameless(
        licenses: Vec<License>,
        sites: Vec<String>,
        customers: Vec<String>,
        people: Nameless,
    ) -> Self {
        let consumed = (0..licenses.len()).map(|license| i64::try_from(people.holders(license)).unwrap_or(0));
        let consumed = consumed.collect();
        let people = people.into_members(licenses.len(), sites.len());
        let assembled = Self::assembled(encoded("ORGANIZATION", ORG), licenses, sites, people);
        Self { customers, consumed, ..assembled }
    }

    fn assembled(org_id: String, licenses: Vec<License>, sites: Vec<String>, people: Members) -> Self {
        let mut consumed = vec![0; licenses.len()];
        for number in (0..people.count()).flat_map(|user| people.licenses.of(user)) {
            if let Some(units) = consumed.get_mut(number) {
                *units += 1;
            }
        }
        Self {
            org_id,
            customers: Vec::new(),
            license_numbers: licenses
                .iter()
                .enumerate()
                .map(|(n, license)| (license.id.clone(), n))
                .collect(),
            kinds: licenses.iter().map(|license| Product::of(&license.name)).collect(),
            exclusive: Vec::new(),
            licenses,
            sites,
            locations: Vec::new(),
            people,
            consumed,
        }
    }

    /// Everything it holds now.
    #[must_use]
    pub fn state(&self) -> OrganizationState {
        OrganizationState {
            org_id: self.org_id.clone(),
            customers: self.customers.clone(),
            licenses: self.licenses(),
            sites: self.sites.clone(),
            locations: self.locations.clone(),
            exclusive_groups: self
                .exclusive
                .iter()
                .map(|group| self.license_ids(group.iter().copied()))
                .collect(),
            users: (0..self.people.count()).map(|user| self.user_state(user)).collect(),
        }
    }

    /// What a user holds now.
    #[must_use]
    pub fn user(&self, email: &str) -> Option<UserState> {
        self.people.by_email(email).map(|user| self.user_state(user))
    }

    fn license_ids(&self, numbers: impl Iterator<Item = usize>) -> Vec<String> {
        let licenses = numbers.filter_map(|number| self.licenses.get(number));
        licenses.map(|license| license.id.clone()).collect()
    }

    fn user_state(&self, user: usize) -> UserState {
        let Members { licenses, sites, pending, pending_sites, external, .. } = &self.people;
        let urls = |numbers: &Matrix| -> Vec<String> {
            numbers.of(user).filter_map(|number| self.sites.get(number)).cloned().collect()
        };
        let (email, person_id) = self.people.names(user);
        UserState {
            email: email.to_owned(),
            person_id: person_id.to_owned(),
            licenses: self.license_ids(licenses.of(user)),
            site_urls: urls(sites),
            external: external.contains(&user),
            pending_licenses: self.license_ids(pending.of(user)),
            pending_site_urls: urls(pending_sites),
        }
    }

    /// The organization that an answer is about: the one that was asked for, where one was.
    pub(super) fn org_of<'a>(&'a self, asked: &'a RequestedAssignment) -> &'a str {
        asked.org_id.as_deref().filter(|org| self.knows(org)).unwrap_or(&self.org_id)
    }

    /// Whether it is known what its users are called.
    pub(super) const fn has_names(&self) -> bool {
        self.people.has_names()
    }

    /// The licenses with the units they have left.
    #[must_use]
    pub fn licenses(&self) -> Vec<License> {
        let counted = |(license, consumed): (&License, &i64)| License {
            consumed_units: Some(*consumed),
            consumed_by_users: Some(*consumed),
            consumed_by_workspaces: Some(0),
            ..license.clone()
        };
        self.licenses.iter().zip(&self.consumed).map(counted).collect()
    }

    /// Users of a license from the `from`th on, at most `limit`, and where the next page begins.
    pub(super) fn users_of(&self, id: &str, from: usize, limit: usize) -> (Vec<UserState>, Option<usize>) {
        let Some(license) = self.license_numbers.get(id) else { return (Vec::new(), None) };
        let mut page = Vec::new();
        for user in from..self.people.count() {
            if self.people.licenses.has(user, *license) {
                if page.len() == limit {
                    return (page, Some(user));
                }
                page.push(self.user_state(user));
            }
        }
        (page, None)
    }

    /// Whether users of this organization are found under the ID.
    pub(super) fn knows(&self, org: &str) -> bool {
        org == self.org_id || self.customers.iter().any(|customer| customer == org)
    }

    /// Finds the user of an assignment: by person ID, else by address.
    pub(super) fn find(&self, asked: &RequestedAssignment) -> Result<usize, Refused> {
        if asked.org_id.as_ref().is_some_and(|org| !self.knows(org)) {
            return refused("404", "The user is not in this organization");
        }
        let by_person = asked.person_id.as_ref().map(|id| self.people.by_person(id));
        let by_email = || asked.email.as_ref().and_then(|email| self.people.by_email(email));
        let found = by_person.unwrap_or_else(by_email);
        match found {
            Some(user) => Ok(user),
            None if asked.person_id.is_none() && asked.email.is_none() => {
                refused("400", "Either email or personId is required")
            }
            None => refused("404", "User not found"),
        }
    }

    /// Does all of it or nothing, as the array form does.
    pub(super) fn apply_whole(&mut self, asked: &RequestedAssignment) -> Result<(), Refused> {
        let user = self.find(asked)?;
        let before = (self.people.row(user), self.consumed.clone());
        let result = self.apply_each(user, asked).into_iter().next();
        let Some(refusal) = result else { return Ok(()) };
        self.people.restore(user, &before.0);
        self.consumed = before.1;
        Err(refusal)
    }

    /// Whether it names a license that nobody knows: such a request is looked at no further.
    pub(super) fn unknown_license(&self, asked: &RequestedAssignment) -> Option<Refused> {
        let unknown = |license: &RequestedLicense| !self.license_numbers.contains_key(&license.id);
        asked.licenses.iter().any(unknown).then(unrecognized)
    }

    /// Does what can be done, as the object form does; gives back what could not.
    pub(super) fn apply_each(&mut self, user: usize, asked: &RequestedAssignment) -> Vec<Refused> {
        let held: Vec<usize> = self.people.licenses.of(user).collect();
        let mut refusals = Vec::new();
        for license in &asked.licenses {
            refusals.extend(self.apply_license(user, license, asked, &held).err());
        }
        for site in &asked.sites {
            refusals.extend(self.apply_site(user, site).err());
        }
        refusals
    }

    fn apply_license(
        &mut self,
        user: usize,
        request: &RequestedLicense,
        asked: &RequestedAssignment,
        held: &[usize],
    ) -> Result<(), Refused> {
        let Some(number) = self.license_numbers.get(&request.id).copied() else { return Err(unrecognized()) };
        let holds = self.people.licenses.has(user, number) || self.people.pending.has(user, number);
        match (request.verb, holds) {
            (Verb::Add, true) | (Verb::Remove, false) => Ok(()),
            (Verb::Add, false) => {
                self.may_add(user, number, request, asked, held)?;
                self.hold(user, number, true);
                Ok(())
            }
            (Verb::Remove, true) => {
                may_remove(self.kind(number))?;
                self.hold(user, number, false);
                Ok(())
            }
        }
    }

    fn kind(&self, license: usize) -> Product {
        self.kinds.get(license).copied().unwrap_or(Product::Other)
    }

    fn may_add(
        &self,
        user: usize,
        number: usize,
        request: &RequestedLicense,
        asked: &RequestedAssignment,
        held: &[usize],
    ) -> Result<(), Refused> {
        let Some(license) = self.licenses.get(number) else { return Err(unrecognized()) };
        let kind = self.kind(number);
        let added = |kind| {
            let adds = asked.licenses.iter().filter(|license| license.verb == Verb::Add);
            adds.filter_map(|license| self.license_numbers.get(&license.id)).any(|n| self.kind(*n) == kind)
        };
        may_add(
            kind,
            &Circumstances {
                sold: &|kind| self.kinds.contains(&kind),
                held: &|kind| held.iter().any(|number| self.kind(*number) == kind),
                holds: &|kind| self.people.licenses.of(user).any(|number| self.kind(number) == kind),
                adds: &added,
            },
        )?;
        self.is_placed(kind, request)?;
        let rival = |group: &&Vec<usize>| {
            group.contains(&number) && group.iter().any(|other| self.people.licenses.has(user, *other))
        };
        if self.exclusive.iter().any(|group| rival(&group)) {
            return refused("400413", "Only one license of an exclusive group can be held");
        }
        let left = license.total_units.filter(|total| *total >= 0).map(|total| total - self.units(number));
        if left.is_some_and(|left| left <= 0) {
            return refused("NO_UNITS_LEFT", format!("No units of '{}' are left", license.name));
        }
        Ok(())
    }

    /// Whether a Calling license comes with what it needs, at a place that is there.
    fn is_placed(&self, kind: Product, request: &RequestedLicense) -> Result<(), Refused> {
        let placed = request.extension.is_some() && request.location.is_some();
        if kind.is_calling() && request.phone_number.is_none() && !placed {
            let message = "A Calling license needs a phone number, or an extension and a location";
            return refused("400411", message);
        }
        let unknown = |location: &String| !self.locations.is_empty() && !self.locations.contains(location);
        if request.location.as_ref().is_some_and(unknown) {
            return refused("400", "Location not found");
        }
        Ok(())
    }

    fn units(&self, license: usize) -> i64 {
        self.consumed.get(license).copied().unwrap_or(0)
    }

    /// A user of another organization holds nothing before he accepts; until then it is pending.
    fn hold(&mut self, user: usize, license: usize, hold: bool) {
        let Some(units) = self.consumed.get_mut(license) else { return };
        let people = &mut self.people;
        match hold {
            true if people.external.contains(&user) => drop(people.pending.set(user, license, true)),
            true if people.licenses.set(user, license, true) => *units += 1,
            false if people.licenses.set(user, license, false) => *units -= 1,
            false => drop(people.pending.set(user, license, false)),
            true => {}
        }
    }

    fn apply_site(&mut self, user: usize, request: &RequestedSite) -> Result<(), Refused> {
        let named = |site: &String| request.url.as_ref().is_some_and(|url| site.eq_ignore_ascii_case(url));
        let site = self.sites.iter().position(named);
        let Some(site) = site else {
            return refused("400216", "Attendee site URL is not valid");
        };
        let people = &mut self.people;
        let external = people.external.contains(&user);
        let sites = if external { &mut people.pending_sites } else { &mut people.sites };
        sites.set(user, site, request.verb == Verb::Add);
        Ok(())
    }

    pub(super) fn holdings(&self, user: usize) -> UserState {
        self.user_state(user)
    }
}

fn unrecognized() -> Refused {
    Refused { code: "400000", message: "License is not recognized".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(json: &str) -> RequestedAssignment {
        super::super::request::read(crate::domain::WireForm::Object, json.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn the_array_form_is_all_or_nothing_and_the_object_form_is_not() {
        let mut org = Organization::generated(2);
        let messaging = license_id("MS", 1);
        let text = format!(
            r#"{{"email":"USER1@example.com","licenses":[{{"id":"{messaging}"}},{{"id":"nothing","operation":"add"}}]}}"#
        );
        assert_eq!(org.apply_whole(&assignment(&text)).unwrap_err().code, "400000");
        assert!(org.user("user1@example.com").unwrap().licenses.is_empty());
        assert_eq!(org.licenses()[0].consumed_units, Some(0));
        let user = org.find(&assignment(&text)).unwrap();
        assert_eq!(org.apply_each(user, &assignment(&text)).len(), 1);
        assert_eq!(org.user("user1@example.com").unwrap().licenses, [messaging]);
        assert_eq!(org.licenses()[0].consumed_units, Some(1));
    }

    #[test]
    fn units_run_out() {
        let mut org = Organization::generated(3);
        let (console, calling) = (license_id("AC", 6), license_id("BCPRO", 4));
        let give = |n: u32| {
            format!(
                r#"{{"email":"user{n}@example.com","licenses":[
                    {{"id":"{calling}","properties":{{"phoneNumber":"+1408555010{n}"}}}},{{"id":"{console}"}}]}}"#
            )
        };
        assert!(org.apply_whole(&assignment(&give(1))).is_ok());
        assert!(org.apply_whole(&assignment(&give(2))).is_ok());
        assert_eq!(org.apply_whole(&assignment(&give(3))).unwrap_err().code, "NO_UNITS_LEFT");
    }

    #[test]
    fn an_organization_comes_back_from_its_state() {
        let state = Organization::generated(3).state();
        let json = serde_json::to_string(&state).unwrap();
        let again = Organization::from_state(serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!(again.state().users, state.users);
        let mut broken = state;
        broken.users[0].licenses.push("nothing".into());
        assert!(Organization::from_state(broken).is_err());
    }
}
