//! The organization: users, licenses with their units, sites, and the rules between them.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use crate::webex::License;
use crate::webex::wire::{LicenseAssignment, LicenseRequest, SiteRequest};

/// What an organization file holds, and what the state of one is told as.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
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
}

/// An organization file contradicts itself.
#[derive(Debug, thiserror::Error)]
#[error("the organization is not sound: {0}")]
pub struct OrganizationError(String);

#[derive(Debug, Clone, Default)]
struct User {
    email: String,
    person_id: String,
    licenses: BTreeSet<usize>,
    sites: BTreeSet<usize>,
}

/// What the service refuses, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) message: String,
}

fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { code, message: message.into() })
}

/// An organization with its users.
#[derive(Debug)]
pub struct Organization {
    org_id: String,
    customers: Vec<String>,
    licenses: Vec<License>,
    license_numbers: HashMap<String, usize>,
    sites: Vec<String>,
    users: Vec<User>,
    by_email: HashMap<String, usize>,
    by_person: HashMap<String, usize>,
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
        let users = (1..=count).map(|number| User {
            email: format!("user{number}@example.com"),
            person_id: encoded("PEOPLE", &format!("5eba0000-0000-4000-8000-{number:012}")),
            ..User::default()
        });
        let sites = vec![meet.to_owned(), events.to_owned()];
        Self::assembled(encoded("ORGANIZATION", ORG), licenses, sites, users.collect())
    }

    /// The organization of a file.
    ///
    /// # Errors
    /// [`OrganizationError`] where it names a license or site that it does not have.
    pub fn from_state(state: State) -> Result<Self, OrganizationError> {
        let org_id = if state.org_id.is_empty() { encoded("ORGANIZATION", ORG) } else { state.org_id };
        let mut users = Vec::with_capacity(state.users.len());
        for user in state.users {
            let find_license = |id: &String| {
                let number = state.licenses.iter().position(|license| license.id == *id);
                number.ok_or_else(|| {
                    OrganizationError(format!("{} holds '{id}', which is not listed", user.email))
                })
            };
            let find_site = |url: &String| {
                let number = state.sites.iter().position(|site| site.eq_ignore_ascii_case(url));
                number.ok_or_else(|| {
                    OrganizationError(format!("{} attends '{url}', which is not listed", user.email))
                })
            };
            let licenses = user.licenses.iter().map(find_license).collect::<Result<_, _>>()?;
            let sites = user.site_urls.iter().map(find_site).collect::<Result<_, _>>()?;
            let person_id =
                if user.person_id.is_empty() { encoded("PEOPLE", &user.email) } else { user.person_id };
            users.push(User { email: user.email, person_id, licenses, sites });
        }
        let assembled = Self::assembled(org_id, state.licenses, state.sites, users);
        Ok(Self { customers: state.customers, ..assembled })
    }

    fn assembled(org_id: String, licenses: Vec<License>, sites: Vec<String>, users: Vec<User>) -> Self {
        let mut consumed = vec![0; licenses.len()];
        for number in users.iter().flat_map(|user| &user.licenses) {
            if let Some(units) = consumed.get_mut(*number) {
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
            by_email: users.iter().enumerate().map(|(n, user)| (user.email.to_lowercase(), n)).collect(),
            by_person: users.iter().enumerate().map(|(n, user)| (user.person_id.clone(), n)).collect(),
            licenses,
            sites,
            users,
            consumed,
        }
    }

    /// Everything it holds now.
    #[must_use]
    pub fn state(&self) -> State {
        State {
            org_id: self.org_id.clone(),
            customers: self.customers.clone(),
            licenses: self.licenses(),
            sites: self.sites.clone(),
            users: self.users.iter().map(|user| self.user_state(user)).collect(),
        }
    }

    /// What a user holds now.
    #[must_use]
    pub fn user(&self, email: &str) -> Option<UserState> {
        let number = self.by_email.get(&email.to_lowercase())?;
        self.users.get(*number).map(|user| self.user_state(user))
    }

    fn user_state(&self, user: &User) -> UserState {
        let ids = user.licenses.iter().filter_map(|number| self.licenses.get(*number));
        UserState {
            email: user.email.clone(),
            person_id: user.person_id.clone(),
            licenses: ids.map(|license| license.id.clone()).collect(),
            site_urls: user.sites.iter().filter_map(|number| self.sites.get(*number)).cloned().collect(),
        }
    }

    pub(super) fn org_id(&self) -> &str {
        &self.org_id
    }

    /// The licenses with the units they have left.
    pub(super) fn licenses(&self) -> Vec<License> {
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
        for (number, user) in self.users.iter().enumerate().skip(from) {
            if user.licenses.contains(license) {
                if page.len() == limit {
                    return (page, Some(number));
                }
                page.push(self.user_state(user));
            }
        }
        (page, None)
    }

    /// Finds the user of an assignment: by person ID, else by address.
    pub(super) fn find(&self, assignment: &LicenseAssignment<'_>) -> Result<usize, Refused> {
        let by_person = assignment.person_id.as_ref().map(|id| self.by_person.get(id.as_ref()));
        let by_email =
            || assignment.email.as_ref().and_then(|email| self.by_email.get(&email.to_lowercase()));
        let found = by_person.unwrap_or_else(by_email).copied();
        let known = |org: &str| org == self.org_id || self.customers.iter().any(|customer| customer == org);
        if assignment.org_id.as_ref().is_some_and(|org| !known(org)) {
            return refused("404", "the user is not in this organization");
        }
        found.map_or_else(|| refused("404", "user not found"), Ok)
    }

    /// Does all of it or nothing, as the array form does.
    pub(super) fn apply_whole(&mut self, assignment: &LicenseAssignment<'_>) -> Result<(), Refused> {
        let user = self.find(assignment)?;
        let before = (self.users.get(user).cloned(), self.consumed.clone());
        let result = self.apply_each(user, assignment).into_iter().next();
        let Some(refusal) = result else { return Ok(()) };
        if let ((Some(holdings), consumed), Some(slot)) = (before, self.users.get_mut(user)) {
            *slot = holdings;
            self.consumed = consumed;
        }
        Err(refusal)
    }

    /// Does what can be done, as the object form does; gives back what could not.
    pub(super) fn apply_each(&mut self, user: usize, assignment: &LicenseAssignment<'_>) -> Vec<Refused> {
        let mut refusals = Vec::new();
        for license in &assignment.licenses {
            refusals.extend(self.apply_license(user, license).err());
        }
        for site in &assignment.site_urls {
            refusals.extend(self.apply_site(user, site).err());
        }
        refusals
    }

    fn apply_license(&mut self, user: usize, request: &LicenseRequest<'_>) -> Result<(), Refused> {
        let Some(number) = self.license_numbers.get(request.id.as_ref()).copied() else {
            return refused("400000", "License is not recognized");
        };
        let Some(holder) = self.users.get(user) else { return refused("404", "user not found") };
        let held = holder.licenses.contains(&number);
        match (request.operation.as_ref(), held) {
            ("add", true) | ("remove", false) => Ok(()),
            ("add", false) => {
                self.may_add(holder, number, request)?;
                self.hold(user, number, true);
                Ok(())
            }
            ("remove", true) => {
                self.hold(user, number, false);
                Ok(())
            }
            _ => refused("400", "operation is neither add nor remove"),
        }
    }

    /// The rules of the live service that sample files run into.
    fn may_add(&self, holder: &User, number: usize, request: &LicenseRequest<'_>) -> Result<(), Refused> {
        let Some(license) = self.licenses.get(number) else {
            return refused("400000", "License is not recognized");
        };
        let kind = Kind::of(&license.name);
        let holds = |kind: Kind| {
            holder
                .licenses
                .iter()
                .filter_map(|n| self.licenses.get(*n))
                .any(|held| Kind::of(&held.name) == kind)
        };
        if matches!(kind, Kind::CallingProfessional | Kind::CallingStandard) {
            let properties = request.properties.clone().unwrap_or_default();
            let numbered = properties.phone_number.is_some();
            let placed = properties.extension.is_some() && properties.location_id.is_some();
            if !numbered && !placed {
                return refused(
                    "400411",
                    "A Calling license needs a phone number, or an extension and a location",
                );
            }
        }
        if kind == Kind::CallingStandard && holds(Kind::CallingProfessional) {
            return refused("400112", "Calling Professional cannot become Calling Standard");
        }
        if kind == Kind::CallingProfessional && holds(Kind::CallingStandard) {
            return refused("400404", "Calling Professional and Calling Standard cannot be held together");
        }
        if kind == Kind::AttendantConsole && !holds(Kind::CallingProfessional) {
            return refused("400408", "Attendant Console needs Calling Professional");
        }
        let left = license.total_units.filter(|total| *total >= 0).map(|total| total - self.units(number));
        if left.is_some_and(|left| left <= 0) {
            return refused("NO_UNITS_LEFT", format!("No units of '{}' are left", license.name));
        }
        Ok(())
    }

    fn units(&self, license: usize) -> i64 {
        self.consumed.get(license).copied().unwrap_or(0)
    }

    fn hold(&mut self, user: usize, license: usize, hold: bool) {
        let (Some(user), Some(units)) = (self.users.get_mut(user), self.consumed.get_mut(license)) else {
            return;
        };
        if hold && user.licenses.insert(license) {
            *units += 1;
        } else if !hold && user.licenses.remove(&license) {
            *units -= 1;
        }
    }

    fn apply_site(&mut self, user: usize, request: &SiteRequest<'_>) -> Result<(), Refused> {
        let site = self.sites.iter().position(|site| site.eq_ignore_ascii_case(&request.site_url));
        let (Some(site), Some(user)) = (site, self.users.get_mut(user)) else {
            return refused("400216", "Attendee site URL is not valid");
        };
        match request.operation.as_ref() {
            "add" => user.sites.insert(site),
            _ => user.sites.remove(&site),
        };
        Ok(())
    }

    pub(super) fn holdings(&self, user: usize) -> UserState {
        self.users.get(user).map(|user| self.user_state(user)).unwrap_or_default()
    }
}

/// What a license's name says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    CallingProfessional,
    CallingStandard,
    AttendantConsole,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            _ if name.contains("calling") && name.contains("professional") => Self::CallingProfessional,
            _ if name.contains("calling") && name.contains("standard") => Self::CallingStandard,
            _ if name.contains("attendant console") => Self::AttendantConsole,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(json: &str) -> LicenseAssignment<'static> {
        serde_json::from_str::<LicenseAssignment<'_>>(json).unwrap()
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
