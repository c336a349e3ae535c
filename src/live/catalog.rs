//! An organization's licenses, and what a name leads to among them.

use super::readings::{Readings, Unread};
use crate::domain::spelling::folded;
use crate::domain::{IdKey, OrgId};
use crate::webex::{License, ReadError};

/// How alike a name must be to be suggested, of 1.
const NEAR: f64 = 0.8;

/// The licenses of one organization.
#[derive(Debug, Clone, Default)]
pub struct Licenses(Vec<License>);

/// Where the name or ID of a license leads.
#[derive(Debug, PartialEq, Eq)]
pub enum LicenseMatch<'a> {
    /// To this one.
    One(&'a License),
    /// To none; the nearest name there is, if any is near.
    Nothing(Option<&'a str>),
    /// To several of one name.
    Several(Vec<&'a License>),
}

impl Licenses {
    /// These.
    #[must_use]
    pub const fn new(licenses: Vec<License>) -> Self {
        Self(licenses)
    }

    /// All of them, in the service's order.
    #[must_use]
    pub fn all(&self) -> &[License] {
        &self.0
    }

    /// The license of this ID, however it is padded.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&License> {
        let key = IdKey::of(id);
        self.0.iter().find(|license| IdKey::of(&license.id) == key)
    }

    /// The license that a person calls so: by its ID or by its name.
    #[must_use]
    pub fn find(&self, text: &str) -> LicenseMatch<'_> {
        if let Some(license) = self.by_id(text) {
            return LicenseMatch::One(license);
        }
        let key = folded(text);
        let mut named: Vec<&License> = self.0.iter().filter(|license| folded(&license.name) == key).collect();
        match (named.pop(), named.is_empty()) {
            (None, _) => LicenseMatch::Nothing(self.nearest(&key)),
            (Some(license), true) => LicenseMatch::One(license),
            (Some(last), false) => {
                named.push(last);
                LicenseMatch::Several(named)
            }
        }
    }

    fn nearest(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .map(|license| (strsim::jaro_winkler(&folded(&license.name), key), license.name.as_str()))
            .filter(|(likeness, _)| *likeness >= NEAR)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name)
    }
}

/// The API always has a list of licenses: where there is none, somebody else answers.
fn known(error: ReadError) -> ReadError {
    match error {
        ReadError::NotFound => {
            ReadError::Foreign { status: 404, what: "something that has no list of licenses".to_owned() }
        }
        other => other,
    }
}

impl Readings {
    /// The licenses of an organization; of the client's own, or the token's, where none is named.
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn licenses(&self, org: Option<&OrgId>) -> Result<Licenses, Unread> {
        let mut pages = self.client().licenses(org);
        let mut all = Vec::new();
        loop {
            match self.ask(async |client| pages.next(client).await).await {
                Ok(Some(page)) => all.extend(page),
                Ok(None) => return Ok(Licenses(all)),
                Err(error) => {
                    let error = if org.is_none() { known(error) } else { error };
                    let what = org.map_or_else(
                        || "the list of licenses".to_owned(),
                        |org| format!("the list of licenses of organization {org}"),
                    );
                    return Err(Unread { what, address: pages.address().to_owned(), error });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licenses() -> Licenses {
        Licenses::new(
            serde_json::from_str(
                r#"[{"id":"L1","name":"Messaging"},
                    {"id":"L2","name":"Meetings","siteUrl":"a.example.com"},
                    {"id":"L3","name":"Meetings","siteUrl":"b.example.com","subscriptionId":"Sub1"},
                    {"id":"Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYWI","name":"Webex Calling - Professional"}]"#,
            )
            .unwrap(),
        )
    }

    fn found<'a>(licenses: &'a Licenses, text: &str) -> &'a str {
        match licenses.find(text) {
            LicenseMatch::One(license) => &license.id,
            _ => "",
        }
    }

    #[test]
    fn names_have_no_case_and_ids_are_taken_in_any_padding() {
        let licenses = licenses();
        for text in ["Messaging", " messaging", "L1"] {
            assert_eq!(found(&licenses, text), "L1", "{text}");
        }
        for text in [
            "webex calling – professional",
            "Webex  Calling - Professional",
            "Webex Calling Professional",
            "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYWI=",
        ] {
            assert_eq!(found(&licenses, text), "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYWI", "{text}");
        }
    }

    #[test]
    fn a_name_of_several_tells_them_apart() {
        let licenses = licenses();
        let LicenseMatch::Several(which) = licenses.find("meetings") else { panic!() };
        let told: Vec<String> = which.into_iter().map(License::told_apart).collect();
        assert_eq!(told, ["L2 (a.example.com)", "L3 (b.example.com, Sub1)"]);
    }

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        assert_eq!(licenses().find("Mesaging"), LicenseMatch::Nothing(Some("Messaging")));
        assert_eq!(licenses().find("Phones"), LicenseMatch::Nothing(None));
    }
}
