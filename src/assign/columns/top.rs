//! Rows that stand where the header is, or above it: they would vanish.

use super::super::cells;
use super::{Columns, ColumnsError, Field};
use crate::input::{Header, Title};

/// Whether a text is an address or a Webex ID by its looks, and so no name of a column.
fn is_of_a_row(text: &str) -> bool {
    let is_address = || {
        let (user, host) = text.split_once('@')?;
        let is_plain =
            |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
        Some(is_plain(user) && is_plain(host) && host.trim_matches('.').contains('.'))
    };
    cells::looks_like_id(text) || is_address().unwrap_or(false)
}

impl Columns {
    /// Refuses a header that has a row's cells in it, and rows above it.
    pub(crate) fn refuse_rows_at_the_top(
        &self,
        header: &Header,
        titles: &[Title],
    ) -> Result<(), ColumnsError> {
        let line = header.line().get();
        if let Some(cell) = header.names().iter().find(|name| is_of_a_row(name.trim())) {
            return Err(ColumnsError::RowInHeader { line, cell: cell.trim().to_owned() });
        }
        let users: Vec<usize> = Field::USER.into_iter().filter_map(|field| self.position(field)).collect();
        let named = titles.iter().find_map(|title| {
            let mut cells = users.iter().filter_map(|position| title.cells.get(*position));
            cells.find(|cell| is_of_a_row(cell.trim())).map(|cell| (title.line, cell.trim().to_owned()))
        });
        match named {
            Some((above, user)) => {
                Err(ColumnsError::RowAboveHeader { line: above.get(), header: line, user })
            }
            None => Ok(()),
        }
    }
}
