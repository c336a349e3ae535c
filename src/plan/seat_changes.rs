//! What is asked, of what there is.

use crate::domain::{Action, Held, Item, Line, OperationKey};

use super::LicenseKind;

/// Who holds what.
pub trait Holders {
    /// Whether the user of a change holds the stock of this number.
    fn held(&self, stock: u32, change: &SeatChange) -> Held;
}

/// Nothing was read.
#[derive(Debug, Clone, Copy)]
pub struct NobodyKnown;

impl Holders for NobodyKnown {
    fn held(&self, _: u32, _: &SeatChange) -> Held {
        Held::Unknown
    }
}

/// One operation that would be sent: 16 bytes, since there may be a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatChange {
    /// The user's assignment.
    pub user: u32,
    /// What is asked for: the number of a [`Stock`].
    pub stock: u32,
    line: Line,
    item: Item,
    /// Give or take.
    pub action: Action,
    marks: u8,
}

/// What a row says beside what it asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mentions {
    /// It names the user by an address.
    pub email: bool,
    /// It names the user by a person ID.
    pub person: bool,
    /// It comes with a number, or an extension and a location.
    pub place: bool,
}

impl Mentions {
    const fn marks(self) -> u8 {
        self.email as u8 | (self.person as u8) << 1 | (self.place as u8) << 2
    }
}

impl SeatChange {
    /// What an operation asks.
    #[must_use]
    pub const fn new(user: u32, stock: u32, key: OperationKey, action: Action, mentions: Mentions) -> Self {
        Self { user, stock, line: key.line, item: key.item, action, marks: mentions.marks() }
    }

    /// Where it stands in the file.
    #[must_use]
    pub const fn key(&self) -> OperationKey {
        OperationKey::new(self.line, self.item)
    }

    /// What its row says beside.
    #[must_use]
    pub const fn mentions(&self) -> Mentions {
        Mentions { email: self.marks & 1 != 0, person: self.marks & 2 != 0, place: self.marks & 4 != 0 }
    }

    /// The same of a user who is named in these ways.
    pub(super) const fn named(self, mentions: Mentions) -> Self {
        Self { marks: mentions.marks(), ..self }
    }
}

/// A license of an organization, or a site, of which something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// The number of its organization.
    pub org: u32,
    /// The number of the earlier stock whose units these are too, where the file calls one organization by two names.
    pub same_as: Option<u32>,
    /// What it is.
    pub kind: LicenseKind,
    /// Units there are; `None` for one without an end of them, and for what is not known.
    pub total: Option<u64>,
    /// Units in use.
    pub consumed: u64,
    /// Whether the organization has it.
    pub known: bool,
    /// Whether it is a site, whose attendees nobody can list.
    pub site: bool,
}

impl Stock {
    /// The number of the stock whose units these are, of which this is the `number`th.
    pub(super) fn pool(&self, number: u32) -> u32 {
        self.same_as.unwrap_or(number)
    }

    /// Units that are left; `None` where there is no end of them.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        self.total.map(|total| total.saturating_sub(self.consumed))
    }
}

/// All that is asked, user by user in sending order, each user's operations in file order.
#[derive(Debug, Clone, Copy)]
pub struct SeatChanges<'a>(&'a [SeatChange]);

impl<'a> SeatChanges<'a> {
    /// Takes changes that are sorted by user.
    #[must_use]
    pub const fn sorted(changes: &'a [SeatChange]) -> Self {
        Self(changes)
    }

    /// All of them.
    #[must_use]
    pub const fn all(self) -> &'a [SeatChange] {
        self.0
    }

    /// User by user.
    pub fn users(self) -> impl Iterator<Item = &'a [SeatChange]> {
        self.0.chunk_by(|a, b| a.user == b.user)
    }

    /// Of one user.
    #[must_use]
    pub fn of(self, user: u32) -> &'a [SeatChange] {
        let first = self.0.partition_point(|change| change.user < user);
        let rest = self.0.get(first..).unwrap_or_default();
        let count = rest.iter().take_while(|change| change.user == user).count();
        rest.get(..count).unwrap_or_default()
    }
}

/// Whether an operation is known to change nothing.
pub(super) fn changes_nothing(change: &SeatChange, held: Held) -> bool {
    held.is_as_asked(change.action) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_small_and_keeps_what_it_is_made_of() {
        assert_eq!(size_of::<SeatChange>(), 16);
        let key = OperationKey::new(Line::new(7), Item::new(300));
        for bits in 0..8 {
            let mentions = Mentions { email: bits & 1 != 0, person: bits & 2 != 0, place: bits & 4 != 0 };
            let change = SeatChange::new(1, 2, key, Action::Remove, mentions);
            assert_eq!((change.key(), change.mentions()), (key, mentions));
        }
    }
}
