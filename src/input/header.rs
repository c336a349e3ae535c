//! The header: which column is which.

use std::collections::HashMap;

use super::InputError;

/// The columns that mean something; all others are carried along untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum Column {
    Email,
    PersonId,
    OrgId,
    LicenseId,
    License,
    Operation,
    LocationId,
    PhoneNumber,
    Extension,
    SiteUrl,
    AccountType,
}

impl Column {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Email, "email"),
        (Self::PersonId, "personId"),
        (Self::OrgId, "orgId"),
        (Self::LicenseId, "licenseId"),
        (Self::License, "license"),
        (Self::Operation, "operation"),
        (Self::LocationId, "locationId"),
        (Self::PhoneNumber, "phoneNumber"),
        (Self::Extension, "extension"),
        (Self::SiteUrl, "siteUrl"),
        (Self::AccountType, "accountType"),
    ];

    /// The column of this header cell, if it is one of ours.
    pub(super) fn named(cell: &str) -> Option<Self> {
        let key = key(cell);
        Self::ALL.iter().find(|(_, name)| name.to_ascii_lowercase() == key).map(|(column, _)| *column)
    }

    /// The name as the contract spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(column, _)| *column == self).map_or("", |(_, name)| name)
    }
}

/// What a reader of rows has to be told of columns: what they mean is not its own affair.
pub trait ColumnNames: std::fmt::Debug + Send + Sync {
    /// Whether a column of this name means something. The delimiter is the one under which most do.
    fn is_known(&self, name: &str) -> bool;

    /// Whether a row of these cells can be the header.
    fn is_header(&self, names: &[&str]) -> bool;
}

/// The columns that have a meaning without being told.
#[derive(Debug, Clone, Copy, Default)]
pub struct KnownColumns;

impl ColumnNames for KnownColumns {
    fn is_known(&self, name: &str) -> bool {
        Column::named(name).is_some()
    }

    fn is_header(&self, names: &[&str]) -> bool {
        Header::parse(names).is_ok()
    }
}

/// The columns that a failures CSV has behind the input's own.
pub const FAILURE_COLUMNS: [&str; 7] =
    ["line", "state", "error_code", "error_message", "http_status", "tracking_id", "attempts"];

/// Header names are matched on letters and digits alone, without case.
fn key(cell: &str) -> String {
    cell.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Where each known column stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    positions: [Option<usize>; Column::ALL.len()],
    width: usize,
    carried: usize,
}

impl Header {
    /// Reads the header's cells.
    ///
    /// # Errors
    /// [`InputError`] for a duplicate name, or where no user or no target can be named.
    pub fn parse(cells: &[&str]) -> Result<Self, InputError> {
        refuse_duplicates(cells)?;
        let mut header = Self {
            positions: [None; Column::ALL.len()],
            width: cells.len(),
            carried: carried_columns(cells),
        };
        for (position, cell) in cells.iter().enumerate().take(header.carried) {
            if let Some(column) = Column::named(cell)
                && let Some(slot) = header.positions.get_mut(column as usize)
            {
                *slot = Some(position);
            }
        }
        header.require(&[Column::Email, Column::PersonId], "'email' or 'personId'", cells)?;
        let targets = [Column::LicenseId, Column::License, Column::SiteUrl];
        header.require(&targets, "'licenseId', 'license' or 'siteUrl'", cells)?;
        Ok(header)
    }

    /// The position of a column, counted from 0.
    #[must_use]
    pub fn position(&self, column: Column) -> Option<usize> {
        self.positions.get(column as usize).copied().flatten()
    }

    /// How many cells a row must have.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// How many of them are the user's own: all, but for the columns that an earlier failures CSV
    /// added, which the next one replaces.
    #[must_use]
    pub const fn carried(&self) -> usize {
        self.carried
    }

    fn require(&self, any_of: &[Column], missing: &'static str, cells: &[&str]) -> Result<(), InputError> {
        if any_of.iter().any(|column| self.position(*column).is_some()) {
            return Ok(());
        }
        Err(InputError::MissingColumn { missing, found: cells.join(", "), hint: hint(cells) })
    }
}

/// Says what a well-known other format is.
fn hint(cells: &[&str]) -> &'static str {
    if cells.iter().any(|cell| key(cell).starts_with("useridemail")) {
        ". This looks like a Control Hub user export, a column a service; seatbatch reads one operation a row"
    } else {
        ""
    }
}

fn refuse_duplicates(cells: &[&str]) -> Result<(), InputError> {
    let mut seen = HashMap::new();
    for (position, cell) in cells.iter().enumerate() {
        // Spreadsheets leave columns without a name behind; they name nothing twice.
        let key = key(cell);
        if key.is_empty() {
            continue;
        }
        if let Some(first) = seen.insert(key, position + 1) {
            return Err(InputError::DuplicateColumn {
                name: (*cell).to_owned(),
                first,
                second: position + 1,
            });
        }
    }
    Ok(())
}

fn carried_columns(cells: &[&str]) -> usize {
    let own = cells.len().saturating_sub(FAILURE_COLUMNS.len());
    match cells.get(own..) {
        Some(tail) if own > 0 && tail == FAILURE_COLUMNS => own,
        _ => cells.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_on_letters_and_digits_alone() {
        for name in ["personId", "person_id", "Person ID", "PERSON-ID"] {
            let header = Header::parse(&["x", name, "License Id"]).unwrap();
            assert_eq!(header.position(Column::PersonId), Some(1), "{name}");
            assert_eq!(header.position(Column::LicenseId), Some(2));
            assert_eq!(header.position(Column::Email), None);
        }
    }

    #[test]
    fn a_name_twice_is_refused_with_both_places() {
        let error = Header::parse(&["email", "licenseId", "E-Mail"]).unwrap_err();
        assert!(matches!(error, InputError::DuplicateColumn { first: 1, second: 3, .. }));
        assert!(Header::parse(&["email", "licenseId", "", ""]).is_ok());
    }

    #[test]
    fn a_user_and_a_target_must_be_nameable() {
        for cells in [&["name", "licenseId"][..], &["email", "operation"]] {
            assert!(matches!(Header::parse(cells), Err(InputError::MissingColumn { .. })));
        }
    }

    #[test]
    fn columns_of_an_earlier_failures_csv_are_not_carried() {
        let cells = [&["email", "licenseId", "note"][..], &FAILURE_COLUMNS].concat();
        let header = Header::parse(&cells).unwrap();
        assert_eq!((header.width(), header.carried()), (10, 3));
        let cells = ["email", "licenseId", "line"];
        assert_eq!(Header::parse(&cells).unwrap().carried(), 3);
    }
}
