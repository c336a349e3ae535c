//! How a file is to be taken: what its reader was told about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::field::Field;
use super::words;
use crate::domain::{Action, LicenseId, OrgId, Partition};
use crate::input::{ColumnNames, Encoding, ReadingOptions};

/// What was said about a file beside the file: by options, a profile or a configuration.
#[derive(Debug, Clone, Default)]
pub struct Interpretation {
    /// How it is encoded, where that is not to be found out.
    pub encoding: Option<Encoding>,
    /// Which sheet of a workbook to read, where it is not the first.
    pub sheet: Option<String>,
    /// Columns that were named for a field.
    pub map: Vec<(Field, String)>,
    /// What every row says in a field that has no column.
    pub set: Vec<(Field, String)>,
    /// Columns that mean nothing, whatever they look like.
    pub ignore: Vec<String>,
    /// The organization of rows that name none.
    pub org: Option<OrgId>,
    /// What is asked of every row's user.
    pub requests: Vec<Request>,
    /// Rows are taken from a day on.
    pub due: Option<Due>,
    /// The day that it is, where that is known: days that are still to come are told from days that are past.
    pub today: Option<Date>,
    /// Only the users of this part are taken.
    pub partition: Option<Partition>,
    /// Sets of licenses and sites, by name.
    pub bundles: BTreeMap<String, Bundle>,
    /// Columns of Control Hub's file, and the names or IDs of their licenses.
    pub services: BTreeMap<String, String>,
    /// What `FALSE` in such a column asks for.
    pub service_mode: ServiceMode,
    /// Names of locations, and their IDs.
    pub locations: BTreeMap<String, String>,
}

/// Something that is asked of every row's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To give or take a license, by name or ID.
    License(Action, String),
    /// To take away everything that the user holds.
    RemoveAll,
}

impl Request {
    /// The options that these were asked with.
    pub(super) fn options(requests: &[Self]) -> &'static str {
        let asks =
            |action| requests.iter().any(|request| matches!(request, Self::License(a, _) if *a == action));
        match (asks(Action::Add), asks(Action::Remove)) {
            (true, true) => "--replace (or --add with --remove)",
            (true, false) => "--add",
            (false, true) => "--remove",
            (false, false) => "--remove-all",
        }
    }

    /// Whether it takes something away.
    pub(super) const fn takes_away(&self) -> bool {
        matches!(self, Self::License(Action::Remove, _) | Self::RemoveAll)
    }

    /// Whether it gives something.
    pub(super) const fn gives(&self) -> bool {
        matches!(self, Self::License(Action::Add, _))
    }

    /// Whether it names a license by its name.
    pub(super) fn needs_name(&self) -> bool {
        match self {
            Self::License(_, text) => LicenseId::recognized(text).is_none(),
            Self::RemoveAll => false,
        }
    }
}

/// From which day on a row is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The column with the day.
    pub column: String,
    /// How days are written, where not as `2026-11-30`.
    pub format: Option<String>,
    /// The day that it is.
    pub today: Date,
}

/// A set of licenses and sites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// Names or IDs of licenses.
    pub licenses: Vec<String>,
    /// Hosts of sites.
    pub sites: Vec<String>,
}

/// What `FALSE` in a column of services asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServiceMode {
    /// Nothing.
    #[default]
    AddOnly,
    /// To take the license away.
    AddAndRemove,
    /// Neither `FALSE` nor `TRUE` is looked at.
    Ignore,
}

impl Interpretation {
    /// A file that speaks for itself, in this encoding.
    #[must_use]
    pub fn encoded(encoding: Encoding) -> Self {
        Self { encoding: Some(encoding), ..Self::default() }
    }

    /// What the reader of rows is told.
    #[must_use]
    pub fn reading(&self) -> ReadingOptions {
        let named = self.map.iter().map(|(_, name)| name).chain(&self.ignore).chain(self.services.keys());
        let named = named.chain(self.due.iter().map(|due| &due.column));
        let users = self.map.iter().filter(|(field, _)| Field::USER.contains(field));
        let names = KnownNames {
            known: named.map(|name| words::key(name)).collect(),
            users: users.map(|(_, name)| words::key(name)).collect(),
        };
        ReadingOptions {
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            columns: Arc::new(names),
            carry_all: false,
        }
    }
}

/// The names that columns can have: those that are known, and those that this file was said to have.
#[derive(Debug)]
struct KnownNames {
    known: Vec<String>,
    users: Vec<String>,
}

impl ColumnNames for KnownNames {
    fn is_known(&self, name: &str) -> bool {
        let name = name.trim().trim_matches('"');
        words::field(name).is_some() || self.known.contains(&words::key(name))
    }

    fn is_header(&self, names: &[&str]) -> bool {
        names.iter().any(|name| {
            let name = name.trim();
            words::field(name).is_some_and(|field| Field::USER.contains(&field))
                || self.users.contains(&words::key(name))
        })
    }
}
