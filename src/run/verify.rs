//! What a run has done, beside what users hold now.

use super::holders::effect_of;
use super::now::{Now, NowError};
use crate::domain::{Action, Held, RunId};
use crate::engine::Effect;
use crate::journal::{JournalError, OperationRow, Reader};
use crate::live::{Readings, Unread};

/// Why a run could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError<E> {
    /// A list was not read whole: nothing is proved.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Whoever is told of differences failed.
    #[error("cannot tell what differs")]
    Telling(E),
}

impl<E> From<NowError> for VerifyError<E> {
    fn from(error: NowError) -> Self {
        match error {
            NowError::Unread(unread) => Self::Unread(unread),
            NowError::Journal(error) => Self::Journal(error),
        }
    }
}

/// What was found of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verified {
    /// Operations that were compared: those that are done, or were in effect before.
    pub compared: u64,
    /// Operations that failed and were looked up: what they ask for may be in effect all the same.
    pub failed_looked_up: u64,
    /// Operations that are done and do not show, or failed and are so all the same.
    pub drift: u64,
    /// Of these, those that failed.
    pub failed_yet_in_effect: u64,
    /// Additions that are done and not held, of users who have yet to accept them.
    pub pending: u64,
    /// Additions that are done and not held, otherwise.
    pub additions_not_held: u64,
    /// Operations that are done or failed, of users whom a list cannot name.
    pub not_comparable: u64,
    /// Operations in doubt, and how many of them are so.
    pub in_doubt: u64,
    /// Of the operations in doubt, those that are so.
    pub in_doubt_and_in_effect: u64,
    /// Sites, whose attendees the API does not list.
    pub sites_not_compared: u64,
}

/// Compares every operation of a run that is done or failed with who holds its license now, and gives each one
/// that differs to `each`, in file order. The run is read twice and each list of holders once.
///
/// # Errors
/// [`VerifyError`].
pub async fn verify<E>(
    reader: &Reader,
    run: RunId,
    readings: &Readings,
    mut each: impl FnMut(&OperationRow, &'static str) -> Result<(), E>,
) -> Result<Verified, VerifyError<E>> {
    let now = Now::read(reader, run, readings).await?;
    let pending = reader.pending_acceptance(run)?;
    let mut found = Verified { sites_not_compared: now.sites(), ..Verified::default() };
    reader.operations(run, |row| {
        let Some(held) = now.held_by(&row) else { return Ok(()) };
        let is_pending = pending.binary_search(&row.key()).is_ok();
        match found.judge(&row, held, is_pending) {
            Some(seen) => each(&row, seen).map_err(VerifyError::Telling),
            None => Ok(()),
        }
    })?;
    Ok(found)
}

impl Verified {
    /// Counts an operation; what is seen of it, where it differs.
    fn judge(&mut self, row: &OperationRow, held: Held, is_pending: bool) -> Option<&'static str> {
        let in_effect = row.action().map(|action| effect_of(action, held)) == Some(Effect::InEffect);
        match (row.state.as_str(), held) {
            ("in_doubt" | "sending", _) => {
                self.in_doubt += 1;
                self.in_doubt_and_in_effect += u64::from(in_effect);
                return None;
            }
            ("done", Held::No | Held::Unknown) if is_pending => {
                self.compared += 1;
                self.pending += 1;
                return None;
            }
            ("done" | "unchanged" | "failed", Held::Unknown) => {
                self.not_comparable += 1;
                return None;
            }
            ("done" | "unchanged", _) => self.compared += 1,
            ("failed", _) => self.failed_looked_up += 1,
            _ => return None,
        }
        if (row.state == "failed") != in_effect {
            return None;
        }
        self.drift += 1;
        self.failed_yet_in_effect += u64::from(in_effect);
        let lost = row.state != "failed" && row.action() == Some(Action::Add);
        self.additions_not_held += u64::from(lost);
        Some(match (row.state.as_str(), held) {
            ("failed", Held::Yes) => "held all the same",
            ("failed", _) => "not held all the same",
            (_, Held::Yes) => "still held",
            _ => "not held",
        })
    }
}
