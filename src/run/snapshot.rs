//! What is so before anything is sent, so that `undo` reverses what the run has changed and no more.

use super::holders::effect_of;
use crate::domain::{LicenseId, OperationKey, RunId};
use crate::engine::Effect;
use crate::journal::{JournalError, OperationRow, Reader};
use crate::live::{Crowd, Named, Readings, Unread, read_all};

/// Why there is no snapshot. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error(transparent)]
    Read(#[from] Unread),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("stopped")]
    Stopped,
}

/// How a row of the journal names its user.
pub(super) fn named_by(row: &OperationRow) -> Named<'_> {
    Named { email: row.email.as_deref(), person: row.person_id.as_deref() }
}

/// Asks who holds the run's licenses; gives back those of its operations that are so
/// already. The run is read twice and each list once; memory grows with the names of its users.
pub(super) async fn snapshot(
    reader: &Reader,
    run: RunId,
    readings: &Readings,
) -> Result<Vec<OperationKey>, SnapshotError> {
    let targets = reader.targets(run)?;
    let license = |(kind, text): &(String, String)| LicenseId::parse(text).ok().filter(|_| kind == "license");
    let licenses: Vec<Option<LicenseId>> = targets.iter().map(license).collect();
    let mut crowd = Crowd::new((fastrand::u64(..), fastrand::u64(..)));
    reader.operations(run, |row| {
        crowd.admit(named_by(&row));
        Ok::<(), JournalError>(())
    })?;
    let holdings = read_all(readings, &licenses, &crowd).await?;
    let mut so = Vec::new();
    reader.operations(run, |row| {
        let place = targets.iter().position(|(kind, text)| *kind == row.kind && *text == row.target);
        let held = place.map(|place| holdings.held(place, &crowd, named_by(&row)));
        let effect = row.action().zip(held).map(|(action, held)| effect_of(action, held));
        if effect == Some(Effect::InEffect) && row.state != "invalid" {
            so.push(row.key());
        }
        Ok::<(), JournalError>(())
    })?;
    Ok(so)
}
