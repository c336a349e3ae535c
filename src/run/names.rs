//! License names to IDs, from the organization's own list.

use std::time::Duration;

use tokio::runtime::Handle;

use super::patiently;
use crate::assign::{LicenseNames, NamesError, Resolved};
use crate::domain::LicenseId;
use crate::webex::{Client, License, ReadError};

/// How alike a name must be to be suggested, of 1.
const NEAR: f64 = 0.8;

/// The organization's licenses, asked for when the first name is met.
#[derive(Debug)]
pub struct Catalog {
    client: Client,
    runtime: Handle,
    max_wait: Duration,
    licenses: Option<Vec<License>>,
}

impl Catalog {
    /// Will ask with `client`, on `runtime`, from a thread that may wait.
    #[must_use]
    pub const fn new(client: Client, runtime: Handle, max_wait: Duration) -> Self {
        Self { client, runtime, max_wait, licenses: None }
    }
}

impl Catalog {
    /// The IDs and names of the licenses, as far as they have been asked for.
    #[must_use]
    pub fn known(&self) -> Vec<(String, String)> {
        let known = self.licenses.iter().flatten();
        known.map(|license| (license.id.clone(), license.name.clone())).collect()
    }

    /// All licenses; the service is asked once.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn licenses(&mut self) -> Result<&[License], ReadError> {
        let licenses = match self.licenses.take() {
            Some(licenses) => licenses,
            None => {
                let client = &self.client;
                self.runtime.block_on(patiently(self.max_wait, async || client.licenses().await))?
            }
        };
        Ok(self.licenses.insert(licenses))
    }
}

impl LicenseNames for Catalog {
    fn resolve(&mut self, text: &str) -> Result<Resolved, NamesError> {
        Ok(find(self.licenses()?, text))
    }
}

fn find(licenses: &[License], text: &str) -> Resolved {
    if let Some(id) = licenses.iter().find(|license| license.id == text).and_then(id_of) {
        return Resolved::Id(id);
    }
    let key = text.to_lowercase();
    let named: Vec<&License> =
        licenses.iter().filter(|license| license.name.trim().to_lowercase() == key).collect();
    match named.as_slice() {
        [] => Resolved::Unknown(nearest(licenses, &key)),
        [license] => id_of(license).map_or(Resolved::Unknown(None), Resolved::Id),
        several => Resolved::Ambiguous(several.iter().map(|license| described(license)).collect()),
    }
}

fn id_of(license: &License) -> Option<LicenseId> {
    LicenseId::parse(&license.id).ok()
}

fn nearest(licenses: &[License], key: &str) -> Option<String> {
    licenses
        .iter()
        .map(|license| (strsim::jaro_winkler(&license.name.to_lowercase(), key), &license.name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}

fn described(license: &License) -> String {
    let apart = [&license.site_url, &license.subscription_id].into_iter().flatten();
    let apart: Vec<&str> = apart.map(String::as_str).collect();
    format!("{} ({})", license.id, apart.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licenses() -> Vec<License> {
        serde_json::from_str(
            r#"[{"id":"L1","name":"Messaging"},
                {"id":"L2","name":"Meetings","siteUrl":"a.example.com"},
                {"id":"L3","name":"Meetings","siteUrl":"b.example.com","subscriptionId":"Sub1"}]"#,
        )
        .unwrap()
    }

    #[test]
    fn names_have_no_case_and_ids_are_taken_too() {
        for text in ["Messaging", "messaging", "L1"] {
            assert_eq!(find(&licenses(), text), Resolved::Id(LicenseId::parse("L1").unwrap()));
        }
    }

    #[test]
    fn a_name_of_several_tells_them_apart() {
        let Resolved::Ambiguous(which) = find(&licenses(), "meetings") else { panic!() };
        assert_eq!(which, ["L2 (a.example.com)", "L3 (b.example.com, Sub1)"]);
    }

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        assert_eq!(find(&licenses(), "Mesaging"), Resolved::Unknown(Some("Messaging".into())));
        assert_eq!(find(&licenses(), "Calling"), Resolved::Unknown(None));
    }
}
