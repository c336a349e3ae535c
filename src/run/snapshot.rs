//! What is in effect before anything is sent, so that `undo` reverses what the run has changed and no more.

use super::holders::effect_of;
use super::now::{Now, NowError, licenses};
use crate::domain::{LicenseId, OperationKey, OrgId, RunId};
use crate::engine::Effect;
use crate::journal::{JournalError, Reader};
use crate::live::{Readings, Unread};
use crate::webex::{PAGE_OF_USERS, ReadError};

/// Why there is no snapshot. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error(transparent)]
    Read(#[from] Unread),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("it takes {0} requests; --snapshot yes makes them")]
    TooMany(u64),
    #[error("it takes more than {0} requests; --snapshot yes makes them")]
    MoreThan(u64),
    #[error("stopped")]
    Stopped,
}

impl From<NowError> for SnapshotError {
    fn from(error: NowError) -> Self {
        match error {
            NowError::Unread(unread) => Self::Read(unread),
            NowError::Journal(error) => Self::Journal(error),
        }
    }
}

/// What was in effect before anything was sent.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Operations that were in effect already.
    pub(super) in_effect: Vec<OperationKey>,
    /// Operations on licenses of which the lists did not say.
    pub(super) unknown: u64,
}

/// Asks who holds the run's licenses, and so which of its operations are in effect already. No list is read where that takes more
/// than `most` requests, and none to its end where the lists turn out to. The run is read twice and each list once; memory grows with the names of its users.
pub(super) async fn snapshot(
    reader: &Reader,
    run: RunId,
    readings: &Readings,
    most: u64,
) -> Result<Before, SnapshotError> {
    let mut readings = readings.clone();
    if most < u64::MAX {
        let requests = requests(reader, run, &readings, &licenses(&reader.targets(run)?)).await?;
        if requests > most {
            return Err(SnapshotError::TooMany(requests));
        }
        readings = readings.at_most(most);
    }
    let now = Now::read(reader, run, &readings).await.map_err(|error| match error {
        NowError::Unread(Unread { error: ReadError::OutOfRequests, .. }) => SnapshotError::MoreThan(most),
        error => error.into(),
    })?;
    let mut before = Before::default();
    reader.operations(run, |row| {
        let effect = row.action().zip(now.held_by(&row)).map(|(action, held)| effect_of(action, held));
        match effect {
            Some(Effect::InEffect) => before.in_effect.push(row.key()),
            Some(Effect::Unknown) => before.unknown += 1,
            Some(Effect::NotInEffect) | None => {}
        }
        Ok::<(), JournalError>(())
    })?;
    Ok(before)
}

/// How many requests it takes to read who holds these licenses, as far as the service counts its users.
async fn requests(
    reader: &Reader,
    run: RunId,
    readings: &Readings,
    wanted: &[Option<LicenseId>],
) -> Result<u64, SnapshotError> {
    let mut users = vec![0_u64; wanted.len()];
    for tally in reader.organizations(run)? {
        let org = tally.org.as_deref().and_then(|org| OrgId::parse(org).ok());
        let licenses = readings.licenses(org.as_ref()).await?;
        for (wanted, users) in wanted.iter().zip(&mut users) {
            let license = wanted.as_ref().and_then(|id| licenses.by_id(id.as_str()));
            let consumed = license.and_then(|license| license.consumed_by_users.or(license.consumed_units));
            *users = (*users).max(consumed.and_then(|users| u64::try_from(users).ok()).unwrap_or(0));
        }
    }
    let asked = wanted.iter().zip(users).filter(|(wanted, _)| wanted.is_some());
    Ok(asked.map(|(_, users)| users.div_ceil(PAGE_OF_USERS.into()).max(1)).sum())
}
