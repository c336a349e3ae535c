//! Whether a user holds a license, as far as that is known.

use super::Action;

/// Whether a user holds a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The list of holders names the user.
    Yes,
    /// The list was read whole, and does not.
    No,
    /// The list was not read, or has holders that it does not name in a way that could be compared.
    Unknown,
}

impl Held {
    /// Whether what is asked for is in effect; none where that is not known.
    #[must_use]
    pub const fn is_as_asked(self, action: Action) -> Option<bool> {
        match (self, action) {
            (Self::Yes, Action::Add) | (Self::No, Action::Remove) => Some(true),
            (Self::Yes, Action::Remove) | (Self::No, Action::Add) => Some(false),
            (Self::Unknown, _) => None,
        }
    }
}
