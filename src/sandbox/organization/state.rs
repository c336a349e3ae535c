//! An organization as a file has it, and as its state is told.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Organization, encoded, organization_of};
use crate::sandbox::members::{Matrix, Members};
use crate::webex::License;

/// What an organization file holds, and what the state of one is told as.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationState {
    /// The organization's ID; told from its licenses' own where it is left out.
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

impl Organization {
    /// The organization of a file.
    ///
    /// # Errors
    /// [`OrganizationError`] where it names a license or site that it does not have.
    pub fn from_state(state: OrganizationState) -> Result<Self, OrganizationError> {
        let org_id = if state.org_id.is_empty() { organization_of(&state.licenses) } else { state.org_id };
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

    fn license_ids(&self, numbers: impl Iterator<Item = usize>) -> Vec<String> {
        let licenses = numbers.filter_map(|number| self.licenses.get(number));
        licenses.map(|license| license.id.clone()).collect()
    }

    /// What a user holds now.
    pub(in crate::sandbox) fn user_state(&self, user: usize) -> UserState {
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
}
