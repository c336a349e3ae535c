//! Rows that stand where the header is, or above it: they would vanish.

use super::super::{cells, words};
use super::doubtful::id_field;
use super::{Columns, ColumnsError, Field, quoted};
use crate::domain::Printable;
use crate::input::{Header, RemarkKind, Rows, Title};

/// Whether a text is an address by its looks, and so no name of a column.
fn is_address(text: &str) -> bool {
    let is_plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@,;|".contains(c));
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| is_plain(user) && is_plain(host) && host.trim_matches('.').contains('.'))
}

/// The field of which a text is by its looks, where that makes it no name of a column.
fn field_of_a_row(text: &str) -> Option<Field> {
    let of_id = || cells::looks_like_id(text).then(|| id_field(text));
    let is_email = text.split([',', ';', '|']).any(|part| is_address(part.trim()));
    if is_email { Some(Field::Email) } else { of_id() }
}

/// Refuses a header that has a row's cells in it.
pub(super) fn refuse_a_row_for_header(header: &Header) -> Result<(), ColumnsError> {
    let cells: Vec<&str> = header.names().iter().map(|name| name.trim()).collect();
    let Some(cell) = cells.iter().find(|cell| field_of_a_row(cell).is_some()) else { return Ok(()) };
    let (line, cell) = (header.line().get(), (*cell).to_owned());
    if cells.iter().any(|name| words::field(name).is_some()) {
        return Err(ColumnsError::RowInHeader { line, cell });
    }
    let names = cells.iter().enumerate().map(|(place, cell)| name_for(place, cell));
    Err(ColumnsError::NoHeader { line, cell, names: names.collect::<Vec<_>>().join(", ") })
}

/// What a column might be called that has this cell.
fn name_for(place: usize, cell: &str) -> String {
    let field = field_of_a_row(cell)
        .or_else(|| words::is_license_name(cell).then_some(Field::License))
        .or_else(|| (!cell.is_empty()).then(|| words::action(cell)).flatten().map(|_| Field::Operation));
    field.map_or_else(|| format!("column{}", place + 1), |field| field.name().to_owned())
}

/// So many rows show what stands in a column.
const SHOWING: usize = 20;

/// What may help where no column is called as one of users is: in which the first rows have addresses.
pub(super) fn hint_of_rows(rows: &mut Rows, mapped: impl Fn(&str) -> String) -> Option<String> {
    let mut columns = vec![(0, true); rows.names().len()];
    for _ in 0..SHOWING {
        let Ok(Some(row)) = rows.next() else { break };
        for (place, (addresses, nothing_else)) in columns.iter_mut().enumerate() {
            let (cell, is_address) = (row.at(place), is_address(row.at(place)));
            *addresses += usize::from(is_address);
            *nothing_else &= cell.is_empty() || is_address;
        }
    }
    let is_of_users = |&(addresses, nothing_else): &(usize, bool)| addresses > 0 && nothing_else;
    let named = rows.names().iter().map(|name| name.trim()).zip(&columns);
    let of_users: Vec<&str> = named.filter(|(_, column)| is_of_users(column)).map(|(name, _)| name).collect();
    let [first, others @ ..] = of_users.as_slice() else { return None };
    let which = if others.is_empty() { "" } else { "which one with " };
    Some(if of_users.contains(&"") {
        ". E-mail addresses stand below a cell of the header that is empty: give the column a name".to_owned()
    } else {
        let names: Vec<String> = of_users.iter().map(|name| format!("'{}'", Printable(name))).collect();
        let names = names.join(" and ");
        format!(". E-mail addresses stand below {names}: say {which}{}", mapped(first))
    })
}

/// The sheet that may be meant where the one that is read names nobody.
pub(super) fn hint_of_sheets(rows: &Rows) -> Option<String> {
    let other = rows.remarks().iter().find_map(|remark| match &remark.kind {
        RemarkKind::Sheet { name, others, .. } => Some((name, others.first()?)),
        _ => None,
    });
    let (read, other) = other?;
    Some(format!(
        ". The sheet '{}' is read: if another is meant, say which one, as in --sheet {}",
        Printable(read),
        quoted(&Printable(other).to_string())
    ))
}

impl Columns {
    /// Refuses rows above the header.
    pub(crate) fn refuse_rows_at_the_top(
        &self,
        header: &Header,
        titles: &[Title],
    ) -> Result<(), ColumnsError> {
        let users: Vec<usize> = Field::USER.into_iter().filter_map(|field| self.position(field)).collect();
        let named = titles.iter().find_map(|title| {
            let mut cells = users.iter().filter_map(|position| title.cells.get(*position));
            let user = cells.find(|cell| field_of_a_row(cell.trim()).is_some())?;
            Some((title.line, user.trim().to_owned()))
        });
        match named {
            Some((above, user)) => {
                let header = header.line().get();
                Err(ColumnsError::RowAboveHeader { line: above.get(), header, user })
            }
            None => Ok(()),
        }
    }
}
