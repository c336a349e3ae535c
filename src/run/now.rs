//! Who of a run's users holds the run's licenses now.

use crate::domain::{Held, LicenseId, RunId};
use crate::journal::{JournalError, OperationRow, Reader};
use crate::live::{Crowd, PersonNamed, Readings, Rolls, Unread, read_all};

/// The lists of holders of a run's licenses, as far as they are about its users. Memory grows with their names.
#[derive(Debug)]
pub struct Now {
    targets: Vec<(String, String)>,
    crowd: Crowd,
    holdings: Rolls,
}

/// Why it is not known who holds what.
#[derive(Debug, thiserror::Error)]
pub enum NowError {
    /// A list was not read whole.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// How a row of the journal names its user.
pub(super) fn named_by(row: &OperationRow) -> PersonNamed<'_> {
    PersonNamed { email: row.email.as_deref(), person: row.person_id.as_deref() }
}

impl Now {
    /// Reads each list once.
    ///
    /// # Errors
    /// [`NowError`].
    pub async fn read(reader: &Reader, run: RunId, readings: &Readings) -> Result<Self, NowError> {
        let targets = reader.targets(run)?;
        let mut crowd = Crowd::new((fastrand::u64(..), fastrand::u64(..)));
        reader.operations(run, |row| {
            crowd.admit(named_by(&row));
            Ok::<(), JournalError>(())
        })?;
        let holdings = read_all(readings, &licenses(&targets), &crowd).await?;
        Ok(Self { targets, crowd, holdings })
    }

    /// Whether someone holds one of the run's licenses; `None` for a site, whose attendees nobody lists.
    #[must_use]
    pub fn held(&self, kind: &str, target: &str, named: PersonNamed<'_>) -> Option<Held> {
        let place = self.targets.iter().position(|(of, text)| of == kind && text == target);
        place.filter(|_| kind == "license").map(|place| self.holdings.held(place, &self.crowd, named))
    }

    /// The same for a row of the journal.
    #[must_use]
    pub fn held_by(&self, row: &OperationRow) -> Option<Held> {
        self.held(&row.kind, &row.target, named_by(row))
    }

    /// How many sites the run is about.
    #[must_use]
    pub fn sites(&self) -> u64 {
        self.targets.iter().filter(|(kind, _)| kind == "site").count() as u64
    }
}

/// The licenses among the targets of a run.
pub(super) fn licenses(targets: &[(String, String)]) -> Vec<Option<LicenseId>> {
    let license = |(kind, text): &(String, String)| LicenseId::parse(text).ok().filter(|_| kind == "license");
    targets.iter().map(license).collect()
}
