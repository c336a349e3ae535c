//! Rows add where nothing says what is to be done with them, unless the file itself speaks of taking away.

use super::super::going;
use super::super::interpretation::Interpretation;
use super::{Columns, ColumnsError, Field};
use crate::input::{Header, Title, TitleKind};

impl Columns {
    /// Whether every row adds because nothing says what is to be done with it.
    pub(crate) fn add_by_default(&self, how: &Interpretation, is_wide: bool) -> bool {
        let targets = Field::TARGET.iter().any(|field| self.has(*field));
        targets && !is_wide && how.requests.is_empty() && !self.has(Field::Operation)
    }

    /// Refuses a file whose rows would add by default, and whose titles or columns speak of taking away.
    pub(crate) fn refuse_adding_against_words(
        &self,
        header: &Header,
        titles: &[Title],
    ) -> Result<(), ColumnsError> {
        let mut targets = Field::TARGET.into_iter().filter(|field| self.position(*field).is_some());
        let column = targets.find(|field| going::speaks_of_going(self.name(*field)));
        let column = column.map(|field| (header.line(), "the column", self.name(field).to_owned()));
        let title = || {
            let mut titles = titles.iter().map(|title| (title, title.text()));
            let (title, text) = titles.find(|(_, text)| going::speaks_of_going(text))?;
            let what = match title.kind {
                TitleKind::Sheet => "the sheet's name",
                _ => "the title",
            };
            Some((title.line, what, text))
        };
        match column.or_else(title) {
            Some((line, what, text)) => Err(ColumnsError::AddsAgainstWords { line: line.get(), what, text }),
            None => Ok(()),
        }
    }
}
