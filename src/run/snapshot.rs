//! What is so before anything is sent, so that `undo` reverses what the run has changed and no more.

use std::time::Duration;

use super::holders::Asked;
use crate::domain::{LicenseId, OperationKey, RunId};
use crate::journal::{JournalError, Reader};
use crate::webex::{Client, ReadError};

/// Why there is no snapshot. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("stopped")]
    Stopped,
}

/// Asks who holds the run's licenses; gives back those of its operations that are so already. Memory grows with the users of one license that the run is about.
pub(super) async fn snapshot(
    reader: &Reader,
    run: RunId,
    client: &Client,
    max_wait: Duration,
) -> Result<Vec<OperationKey>, SnapshotError> {
    let mut so = Vec::new();
    for (kind, text) in reader.targets(run)? {
        let Some(license) = LicenseId::parse(&text).ok().filter(|_| kind == "license") else { continue };
        let mut asked = Asked::default();
        reader.operations_of_license(run, &text, |row| {
            if let Some(action) = row.action() {
                asked.add(row.person_id.as_deref(), row.email.as_deref(), row.key(), action);
            }
            Ok::<(), JournalError>(())
        })?;
        so.extend(asked.already_so(client, &license, max_wait).await?);
    }
    Ok(so)
}
