//! License names to IDs, from each organization's own list.

use std::collections::HashMap;

use tokio::runtime::Handle;

use crate::assign::{
    CheckError, HeldLicenses, Interpretation, Known, KnownLicense, LicenseNames, holdings_wanted,
    names_wanted,
};
use crate::domain::OrgId;
use crate::input::InputFile;
use crate::live::{Licenses, Readings, Unread};
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

impl Catalog {
    /// What must be known of the live organizations before the file can be checked: names of licenses where it
    /// gives names, and what users hold where it takes everything away. Nothing is asked for a file that needs
    /// neither.
    ///
    /// # Errors
    /// [`KnownError`].
    pub fn known_for(&mut self, file: &InputFile, how: &Interpretation) -> Result<Known, KnownError> {
        let mut names = LicenseNames::taken();
        for org in names_wanted(file, how)? {
            let licenses = self.licenses(org.as_ref())?.all().iter().filter_map(known_license).collect();
            names = names.with(org.as_ref(), licenses);
        }
        let mut holdings = None;
        for org in holdings_wanted(file, how)? {
            self.holdings(org.as_ref(), holdings.get_or_insert_default())?;
        }
        Ok(Known { names, holdings })
    }

    /// Who holds what in an organization.
    fn holdings(&mut self, org: Option<&OrgId>, holdings: &mut HeldLicenses) -> Result<(), Unread> {
        let licenses = self.licenses(org)?.all().iter().filter_map(License::license_id).collect::<Vec<_>>();
        for license in licenses {
            let reading = self.readings.holders(&license, |user| {
                holdings.insert(org, &license, Some(&user.id), user.email.as_deref());
            });
            self.runtime.block_on(reading)?;
        }
        Ok(())
    }
}

fn known_license(license: &License) -> Option<KnownLicense> {
    Some(KnownLicense {
        id: license.license_id()?,
        name: license.name.clone(),
        site: license.site_url.clone(),
        subscription: license.subscription_id.clone(),
        free: license.units_left().and_then(|left| u64::try_from(left).ok()),
    })
}

/// Why it is not known what the file is about.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// The file cannot be read.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The service cannot be asked.
    #[error(transparent)]
    Unread(#[from] Unread),
}
