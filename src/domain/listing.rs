//! Lists that somebody may want to see next.

use std::fmt;

/// A list that somebody may want to see next, by the command that shows it. With which options that has to be called,
/// `cli` alone knows: in other rooms nobody knows of a journal's name or of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listing {
    /// The licenses of the organization.
    Licenses,
    /// The runs of the journal.
    Runs,
    /// Everything that is wrong with the journal.
    Alterations,
}

impl Listing {
    /// The command without its options.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Licenses => "licenses list",
            Self::Runs => "runs",
            Self::Alterations => "journal check",
        }
    }
}

/// As it is said where nobody can type it as it stands.
impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'seatbatch {}' shows what there is", self.command())
    }
}
