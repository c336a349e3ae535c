//! A copy of the live organization, as the sandbox takes it.

use std::collections::{BTreeSet, HashMap};

use super::exit::Failure;
use crate::domain::{IdKey, LicenseId, OrgId, address_key};
use crate::live::Readings;
use crate::sandbox::{OrganizationState, UserState};
use crate::webex::{License, LicenseUser};

/// Users as they become known, each once.
#[derive(Default)]
pub(super) struct CopiedUsers {
    users: Vec<UserState>,
    by_email: HashMap<String, usize>,
    by_person: HashMap<IdKey, usize>,
}

impl CopiedUsers {
    /// The user of these names, who is new where nobody is called so.
    pub(super) fn meet(&mut self, email: Option<&str>, person: Option<&str>) -> usize {
        let (email_key, person_key) =
            (email.map(|email| address_key(email).into_owned()), person.map(IdKey::of));
        let known = person_key.as_ref().and_then(|key| self.by_person.get(key));
        let known = known.or_else(|| email_key.as_ref().and_then(|key| self.by_email.get(key)));
        let number = known.copied().unwrap_or(self.users.len());
        if number == self.users.len() {
            // The sandbox names everybody by an address.
            let made = || format!("nameless{number}@sandbox.example");
            self.users.push(UserState {
                email: email.map_or_else(made, str::to_owned),
                person_id: person.unwrap_or_default().to_owned(),
                ..UserState::default()
            });
        }
        email_key.map(|key| self.by_email.insert(key, number));
        person_key.map(|key| self.by_person.insert(key, number));
        number
    }

    fn holds(&mut self, user: &LicenseUser, license: &str) {
        let email = user.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let number = self.meet(email, Some(user.id.as_str()).filter(|id| !id.is_empty()));
        self.users.get_mut(number).into_iter().for_each(|user| user.licenses.push(license.to_owned()));
    }
}

/// The licenses of an organization, and who holds those that are wanted.
pub(super) async fn take(
    readings: &Readings,
    org: Option<&OrgId>,
    wanted: &dyn Fn(&LicenseId) -> bool,
    people: &mut CopiedUsers,
) -> Result<Vec<License>, Failure> {
    let mut licenses = readings.licenses(org).await?.all().to_vec();
    for license in &mut licenses {
        let mut holders = 0;
        if let Some(id) = license.license_id().filter(wanted) {
            let taken = license.id.clone();
            readings
                .holders(&id, |user| {
                    holders += 1;
                    people.holds(&user, &taken);
                })
                .await?;
        }
        // The sandbox counts the units of its own users: as many are to be left as there are.
        license.total_units = license.total_units.map(|total| {
            if total < 0 { total } else { holders + (total - license.consumed_units.unwrap_or(0)).max(0) }
        });
    }
    Ok(licenses)
}

/// The whole organization that is asked, as far as its lists show it.
pub(super) async fn whole(readings: &Readings) -> Result<OrganizationState, Failure> {
    let mut people = CopiedUsers::default();
    let licenses = take(readings, None, &|_| true, &mut people).await?;
    let sites: BTreeSet<String> = licenses.iter().filter_map(|license| license.site_url.clone()).collect();
    let org_id = readings.client().org().map(|org| org.as_str().to_owned()).unwrap_or_default();
    Ok(OrganizationState { org_id, ..state(licenses, sites.into_iter().collect(), Vec::new(), people) })
}

/// The copy, with the users that are known by then.
pub(super) fn state(
    licenses: Vec<License>,
    sites: Vec<String>,
    customers: Vec<String>,
    people: CopiedUsers,
) -> OrganizationState {
    OrganizationState { licenses, sites, customers, users: people.users, ..OrganizationState::default() }
}
