//! `--order fit`: a checked file, numbered wave by wave.

use super::Outlook;
use crate::assign::Checked;
use crate::domain::{Printable, Sequence};
use crate::plan::{Waves, waves};

/// Why no waves can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFit {
    /// Nobody said how many units there are.
    #[error("--order fit has to know how many units are left, which was not read: {}", Printable(.0))]
    NoUnits(String),
    /// The file, read again, is about other users.
    #[error(
        "the file has changed while it was read, so nothing was sent; start again once nothing writes to it"
    )]
    Changed,
}

impl Outlook {
    /// Everybody of the file, in waves.
    ///
    /// # Errors
    /// Where it is not known how many units there are.
    pub fn waves(&self) -> Result<Waves, NotFit> {
        match &self.no_units {
            Some(why) => Err(NotFit::NoUnits(why.clone())),
            None => Ok(waves(self.seat_changes(), &self.stocks, self)),
        }
    }

    /// Where the waves begin once the users of whom nothing is sent are left out: the journal puts the others
    /// behind them.
    fn starts_without_unchanged(&self, waves: &Waves) -> Vec<u32> {
        let changes = self.seat_changes();
        let is_sent = |user: &u32| !changes.of(*user).iter().all(|change| self.is_unchanged(change));
        let sent: Vec<bool> = waves.order.iter().map(is_sent).collect();
        if sent.iter().all(|sent| *sent) {
            return waves.starts.clone();
        }
        let users = u32::try_from(sent.len()).unwrap_or(u32::MAX);
        let count = |start: u32| sent.iter().take(start as usize).filter(|sent| **sent).count();
        let moved = waves.starts.iter().map(|start| users + u32::try_from(count(*start)).unwrap_or(u32::MAX));
        let mut starts: Vec<u32> = moved.collect();
        starts.dedup();
        starts
    }
}

/// Numbers the assignments of a checked file wave by wave. Gives back what that means to whoever sends them.
///
/// # Errors
/// [`NotFit`]: nothing is done then.
pub fn arrange(
    outlook: &mut Outlook,
    checked: &mut Checked,
    waves: Waves,
    only_changes: bool,
) -> Result<Sequence, NotFit> {
    if !checked.rearrange(&waves.order) {
        return Err(NotFit::Changed);
    }
    let starts = if only_changes { outlook.starts_without_unchanged(&waves) } else { waves.starts };
    outlook.renumbered(waves.order);
    Ok(Sequence::Waves(starts))
}
