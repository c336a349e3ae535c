//! Whose rows are taken, where only a part of a file's users is.

use super::roster::Roster;
use super::row::RowUser;
use super::sending_order::Organizations;
use crate::domain::Partition;

/// Seeds of the roster: chance's, but where users are dealt out. Then every machine must come to the same hashes.
pub(super) fn seeds(partition: Option<Partition>) -> (u64, u64) {
    match partition {
        Some(_) => (0x7365_6174_6261_7463, 0x6820_7061_7274_7320),
        None => (fastrand::u64(..), fastrand::u64(..)),
    }
}

/// The users of the part that is taken.
#[derive(Debug)]
pub(super) enum Share {
    Whole,
    Part {
        /// By slot.
        mine: Vec<bool>,
        /// Whether rows that name nobody are this part's.
        nobodys: bool,
    },
}

impl Share {
    /// Deals out by organization where the file names several, else by user. The whole file must have been read:
    /// it ties addresses to person IDs.
    pub(super) fn of(partition: Option<Partition>, roster: &Roster, orgs: &Organizations) -> Self {
        let Some(partition) = partition else { return Self::Whole };
        let by_organization = orgs.hashes(|name| roster.hash_of_name(name));
        let slots = 0..u32::try_from(roster.len()).unwrap_or(u32::MAX);
        let takes = |slot| {
            let hash = match &by_organization {
                Some(hashes) => hashes.get(orgs.of(roster.canonical(slot)) as usize).copied().unwrap_or(0),
                None => roster.hash_of_user(slot),
            };
            partition.takes(hash)
        };
        Self::Part { mine: slots.map(takes).collect(), nobodys: partition.is_first() }
    }

    /// Whether the user with this slot is among them.
    pub(super) fn has(&self, slot: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Part { mine, .. } => mine.get(slot as usize).copied().unwrap_or(false),
        }
    }

    /// Whether the row of this user is taken.
    pub(super) fn has_row(&self, roster: &Roster, user: &RowUser) -> bool {
        let Self::Part { nobodys, .. } = self else { return true };
        let (email, person) = user.names();
        roster.find(email, person).map_or(*nobodys, |slot| self.has(slot))
    }

    /// Whether rows that ask for nothing are kept.
    pub(super) const fn has_nobodys(&self) -> bool {
        matches!(self, Self::Whole | Self::Part { nobodys: true, .. })
    }
}
