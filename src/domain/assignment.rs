//! What the file asks for: an operation a row, an assignment a user.

use std::fmt;

use super::address::{host_key, visible};
use super::{EmailAddress, LicenseId, LocationId, OrgId, PersonId, PhoneNumber};

/// The line of the input on which a row starts; the header is line 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(u32);

impl Line {
    /// Names the line `number`, counted from 1.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, counted from 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of a row's operations, counted from 1 in the order of the row's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item(u16);

impl Item {
    /// The first operation of a row; in the long form the only one.
    pub const FIRST: Self = Self(1);

    /// Names the item `number`, counted from 1.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number, counted from 1.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names an operation within its run: the row that asks for it, and which of the row's operations it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationKey {
    /// The row's line.
    pub line: Line,
    /// Which of the row's operations.
    pub item: Item,
}

impl OperationKey {
    /// The operation of this line and item.
    #[must_use]
    pub const fn new(line: Line, item: Item) -> Self {
        Self { line, item }
    }

    /// The only operation of a row in the long form.
    #[must_use]
    pub const fn of_line(line: Line) -> Self {
        Self { line, item: Item::FIRST }
    }
}

/// The place of an assignment in its run's sending order, dense from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentNo(pub u32);

/// Whether the target is given to the user or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Give.
    Add,
    /// Take away.
    Remove,
}

impl Action {
    /// As the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "add" => Some(Self::Add),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }
}

/// The address of a meetings site, for attendee access.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SiteUrl(Box<str>);

impl SiteUrl {
    /// Takes any non-empty text; the service knows its sites.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// The URL as it travels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one site have in common.
    #[must_use]
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// What a site of an answer has in common with its other spellings: the bare host, without case.
    #[must_use]
    pub fn key_of(text: &str) -> String {
        let seen = visible(text);
        let rest = seen.split_once("://").map_or(seen.as_ref(), |(_scheme, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host_key(host).into_owned()
    }
}

/// What a license needs beside its ID; Webex Calling only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Properties {
    /// The Calling location; wanted where there is no phone number.
    pub location: Option<LocationId>,
    /// The direct number.
    pub phone_number: Option<PhoneNumber>,
    /// The short number inside the organization.
    pub extension: Option<Box<str>>,
}

/// What an operation is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A license.
    License(LicenseId),
    /// Attendee access to a site.
    Site(SiteUrl),
}

impl Target {
    /// `license` or `site`, the words of the journal's `kind` column.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::License(_) => "license",
            Self::Site(_) => "site",
        }
    }

    /// The license ID or the site URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::License(id) => id.as_str(),
            Self::Site(url) => url.as_str(),
        }
    }
}

/// What a row, or one cell of it, asks for: add or remove one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which row asks for it, and with which of its cells.
    pub key: OperationKey,
    /// Give or take.
    pub action: Action,
    /// What is given or taken.
    pub change: Change,
    /// How many rows of the input ask for exactly this; they share its outcome.
    pub rows: u32,
}

/// The target of an operation together with what only that kind of target can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A license, with its properties.
    License(LicenseId, Properties),
    /// A site URL; the account type is always `attendee`.
    Site(SiteUrl),
}

/// A user, named by address, by person ID or by both; never by neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// By address alone.
    Email(EmailAddress),
    /// By person ID alone.
    Person(PersonId),
    /// Both, tied together by a row of the file.
    Both(EmailAddress, PersonId),
}

impl User {
    /// Makes a user of what a row gives; `None` where it gives neither.
    #[must_use]
    pub fn new(email: Option<EmailAddress>, person: Option<PersonId>) -> Option<Self> {
        match (email, person) {
            (Some(email), Some(person)) => Some(Self::Both(email, person)),
            (Some(email), None) => Some(Self::Email(email)),
            (None, Some(person)) => Some(Self::Person(person)),
            (None, None) => None,
        }
    }

    /// The address, where it is known.
    #[must_use]
    pub const fn email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Email(email) | Self::Both(email, _) => Some(email),
            Self::Person(_) => None,
        }
    }

    /// The person ID, where it is known.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(person) | Self::Both(_, person) => Some(person),
            Self::Email(_) => None,
        }
    }
}

/// Everything the run asks for one user: one `LicenseAssignment` of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its place in the run.
    pub number: AssignmentNo,
    /// For whom.
    pub user: User,
    /// The user's organization, where the file or an option names it.
    pub org: Option<OrgId>,
    /// What is asked, in file order, exact duplicates left out.
    pub operations: Vec<Operation>,
}

impl Assignment {
    /// How many rows of the input stand behind it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.operations.iter().map(|operation| u64::from(operation.rows)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_site_share_a_key() {
        for text in [
            "meet.example.com",
            "Meet.Example.com.",
            " https://MEET.example.com/orders?x#y ",
            "http://meet.example.com",
        ] {
            assert_eq!(SiteUrl::key_of(text), "meet.example.com", "{text}");
        }
        assert_eq!(SiteUrl::parse("https://Bücher.example/").unwrap().key(), "xn--bcher-kva.example");
        assert_ne!(SiteUrl::key_of("meet.example.com"), SiteUrl::key_of("meet.example.org"));
    }
}
