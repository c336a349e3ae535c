//! The organization: users, licenses with their units, and sites.

mod changing;
mod state;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
pub use state::{OrganizationError, OrganizationState, UserState};

use super::members::{Members, Nameless};
use super::request::RequestedAssignment;
use super::rules::{Product, Refused, refused};
use crate::webex::License;

/// An organization with its users.
#[derive(Debug)]
pub struct Organization {
    org_id: String,
    customers: Vec<String>,
    licenses: Vec<License>,
    license_numbers: HashMap<String, usize>,
    kinds: Vec<Product>,
    /// Which of the organizations that are copied as one sells each license.
    sellers: Vec<usize>,
    exclusive: Vec<Vec<usize>>,
    sites: Vec<String>,
    locations: Vec<String>,
    people: Members,
    consumed: Vec<i64>,
}

fn encoded(kind: &str, rest: &str) -> String {
    STANDARD_NO_PAD.encode(format!("ciscospark://us/{kind}/{rest}"))
}

const ORG: &str = "5a4d1c00-0000-4000-8000-00000000c0de";

/// The ID of the organization that these licenses say they belong to; that of every sandbox where they say none.
fn organization_of(licenses: &[License]) -> String {
    let said = |license: &License| license.license_id()?.organization();
    match licenses.iter().find_map(said) {
        Some(said) => STANDARD_NO_PAD.encode([b"ciscospark://us/", said.as_bytes()].concat()),
        None => encoded("ORGANIZATION", ORG),
    }
}

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

    /// An organization of users whose names are not kept: whoever asks for a list of them gets an empty one. It is
    /// the one that its first license belongs to, beside those whose customers are its users too; each license is
    /// sold by the organization of the number beside it.
    #[must_use]
    pub fn nameless(
        licenses: Vec<(License, usize)>,
        sites: Vec<String>,
        customers: Vec<String>,
        people: Nameless,
    ) -> Self {
        let (licenses, sellers): (Vec<License>, Vec<usize>) = licenses.into_iter().unzip();
        let consumed = (0..licenses.len()).map(|license| i64::try_from(people.holders(license)).unwrap_or(0));
        let consumed = consumed.collect();
        let people = people.into_members(licenses.len(), sites.len());
        let assembled = Self::assembled(organization_of(&licenses), licenses, sites, people);
        Self { customers, consumed, sellers, ..assembled }
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
            sellers: vec![0; licenses.len()],
            exclusive: Vec::new(),
            licenses,
            sites,
            locations: Vec::new(),
            people,
            consumed,
        }
    }

    /// What a user holds now.
    #[must_use]
    pub fn user(&self, email: &str) -> Option<UserState> {
        self.people.by_email(email).map(|user| self.user_state(user))
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
