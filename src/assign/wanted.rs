//! What must be known of the live organizations before a file can be checked.

use std::collections::BTreeSet;

use super::check::CheckError;
use super::columns::{Columns, Field};
use super::interpretation::{Interpretation, Request};
use super::names::Known;
use super::row::RowReader;
use super::targets::EVERYTHING;
use crate::domain::{LicenseId, OrgId};
use crate::input::{InputFile, Row, Rows};

/// The organizations in which names of licenses must be looked up before the file can be checked; `None` stands for
/// the one that is asked where none is named. Empty where the file names no license by name.
///
/// # Errors
/// [`CheckError`] where the file cannot be read.
pub fn names_wanted(file: &InputFile, how: &Interpretation) -> Result<BTreeSet<Option<OrgId>>, CheckError> {
    let mut rows = file.rows(&how.reading())?;
    let reader = RowReader::new(&mut rows, how, Known::nothing())?;
    let columns = &reader.columns;
    let by_option = how.requests.iter().any(Request::needs_name);
    let may = by_option || reader.wide.is_some() || columns.has(Field::License) || columns.has(Field::Bundle);
    if !may {
        return Ok(BTreeSet::new());
    }
    organizations(&mut rows, columns, how, |row| {
        let license = columns.cell(row, Field::License);
        by_option
            || reader.wide.is_some()
            || !columns.cell(row, Field::Bundle).is_empty()
            || (!license.is_empty() && license != EVERYTHING && LicenseId::recognized(license).is_none())
    })
}

/// The organizations of the rows of which this is so; `None` stands for the one that is asked where none is named.
fn organizations(
    rows: &mut Rows,
    columns: &Columns,
    how: &Interpretation,
    is_so: impl Fn(&Row<'_>) -> bool,
) -> Result<BTreeSet<Option<OrgId>>, CheckError> {
    let several = columns.has(Field::OrgId);
    let mut wanted = BTreeSet::new();
    while let Some(row) = rows.next()? {
        if !is_so(&row) {
            continue;
        }
        let org = OrgId::parse(columns.cell(&row, Field::OrgId)).ok();
        wanted.insert(org.filter(|org| how.org.as_ref().is_none_or(|said| said.key() != org.key())));
        if !several {
            break;
        }
    }
    Ok(wanted)
}

/// The organizations in which it must be known what users hold, since rows take everything away; `None` stands for
/// the one that is asked where none is named.
///
/// # Errors
/// [`CheckError`] where the file cannot be read.
pub fn holdings_wanted(
    file: &InputFile,
    how: &Interpretation,
) -> Result<BTreeSet<Option<OrgId>>, CheckError> {
    let mut rows = file.rows(&how.reading())?;
    let reader = RowReader::new(&mut rows, how, Known::nothing())?;
    let columns = &reader.columns;
    let by_option = how.requests.contains(&Request::RemoveAll);
    let fields = [Field::License, Field::LicenseId];
    let may = columns.has_constant(&fields)
        || (fields.iter().any(|field| columns.has(*field)) && file.may_hold(b'*')?);
    if !by_option && !may {
        return Ok(BTreeSet::new());
    }
    let says = |row: &Row<'_>| fields.iter().any(|field| columns.cell(row, *field).contains('*'));
    organizations(&mut rows, columns, how, |row| by_option || says(row))
}
