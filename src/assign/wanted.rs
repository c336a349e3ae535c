//! What must be known of the live organizations before a file can be checked.

use std::collections::BTreeSet;

use super::check::CheckError;
use super::columns::Field;
use super::interpretation::{Interpretation, Request};
use super::names::Known;
use super::row::RowReader;
use crate::domain::{LicenseId, OrgId};
use crate::input::InputFile;

/// The organizations in which names of licenses must be looked up before the file can be checked; `None` stands for
/// the one that is asked where none is named. Empty where the file names no license by name.
///
/// # Errors
/// [`CheckError`] where the file cannot be read.
pub fn names_wanted(file: &InputFile, how: &Interpretation) -> Result<BTreeSet<Option<OrgId>>, CheckError> {
    let mut rows = file.rows(&how.reading())?;
    let reader = RowReader::new(rows.header(), how, Known::nothing())?;
    let columns = &reader.columns;
    let by_option = how.requests.iter().any(Request::needs_name);
    let may = by_option || reader.wide.is_some() || columns.has(Field::License) || columns.has(Field::Bundle);
    let several = columns.has(Field::OrgId);
    let mut wanted = BTreeSet::new();
    if !may {
        return Ok(wanted);
    }
    while let Some(row) = rows.next()? {
        let license = columns.cell(&row, Field::License);
        let named = by_option
            || reader.wide.is_some()
            || !columns.cell(&row, Field::Bundle).is_empty()
            || (!license.is_empty() && license != "*" && LicenseId::recognized(license).is_none());
        if !named {
            continue;
        }
        let org = OrgId::parse(columns.cell(&row, Field::OrgId)).ok();
        let org = org.filter(|org| how.org.as_ref().is_none_or(|said| said.key() != org.key()));
        wanted.insert(org);
        if !several {
            break;
        }
    }
    Ok(wanted)
}

/// Whether rows of the file take away everything that a user holds.
///
/// # Errors
/// [`CheckError`] where the file cannot be read.
pub fn takes_everything(file: &InputFile, how: &Interpretation) -> Result<bool, CheckError> {
    if how.requests.contains(&Request::RemoveAll) {
        return Ok(true);
    }
    let mut rows = file.rows(&how.reading())?;
    let reader = RowReader::new(rows.header(), how, Known::nothing())?;
    if !reader.columns.has(Field::License) {
        return Ok(false);
    }
    while let Some(row) = rows.next()? {
        if reader.columns.cell(&row, Field::License).contains('*') {
            return Ok(true);
        }
    }
    Ok(false)
}
