//! License names to IDs, from each organization's own list.

use std::collections::HashMap;

use tokio::runtime::Handle;

use crate::assign::{LicenseNames, NamesError, Resolved};
use crate::domain::OrgId;
use crate::live::{Found, Licenses, Readings, Unread};
use crate::webex::License;

/// The licenses of each organization, asked for when they are first wanted.
#[derive(Debug)]
pub struct Catalog {
    readings: Readings,
    runtime: Handle,
    known: HashMap<Option<OrgId>, Licenses>,
}

impl Catalog {
    /// Will ask with `readings`, on `runtime`, from a thread that may wait.
    #[must_use]
    pub fn new(readings: Readings, runtime: Handle) -> Self {
        Self { readings, runtime, known: HashMap::new() }
    }

    /// The IDs and names of the licenses, as far as they have been asked for.
    #[must_use]
    pub fn known(&self) -> Vec<(String, String)> {
        let known = self.known.values().flat_map(Licenses::all);
        known.map(|license| (license.id.clone(), license.name.clone())).collect()
    }

    /// All licenses of an organization; of the client's own, or the token's, where none is named. The service
    /// is asked once.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn licenses(&mut self, org: Option<&OrgId>) -> Result<&Licenses, Unread> {
        let org = org.or_else(|| self.readings.client().org()).cloned();
        let licenses = match self.known.remove(&org) {
            Some(licenses) => licenses,
            None => self.runtime.block_on(self.readings.licenses(org.as_ref()))?,
        };
        Ok(self.known.entry(org).or_insert(licenses))
    }

    /// Waits for a reading.
    pub(super) fn wait<T>(&self, reading: impl Future<Output = T>) -> T {
        self.runtime.block_on(reading)
    }

    /// With what it asks.
    #[must_use]
    pub const fn readings(&self) -> &Readings {
        &self.readings
    }
}

impl LicenseNames for Catalog {
    fn resolve(&mut self, text: &str) -> Result<Resolved, NamesError> {
        Ok(match self.licenses(None)?.find(text) {
            Found::One(license) => license.license_id().map_or(Resolved::Unknown(None), Resolved::Id),
            Found::Nothing(nearest) => Resolved::Unknown(nearest.map(str::to_owned)),
            Found::Several(which) => {
                Resolved::Ambiguous(which.into_iter().map(License::told_apart).collect())
            }
        })
    }
}
