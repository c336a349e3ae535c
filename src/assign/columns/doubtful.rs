//! Columns that nobody has named and that may mean something all the same: a misspelt `opertion` must never
//! make removals into additions.

use std::borrow::Cow;

use super::super::interpretation::Interpretation;
use super::super::problem::{Problem, ProblemCode};
use super::super::words;
use super::{Columns, Field, quoted};
use crate::domain::Line;
use crate::input::{Header, Row};

/// The first 16 characters of every Webex ID: base64 of `ciscospark:/`.
const WEBEX_ID: &str = "Y2lzY29zcGFyazov";

/// So many cells of another kind clear a column, beside as many as were of the suspected one.
const PATIENCE: u32 = 20;

#[derive(Debug)]
struct WatchedColumn {
    position: usize,
    words: u32,
    ids: u32,
    others: u32,
    /// The first cell that is a word for an operation, or an ID.
    example: Option<(Line, String)>,
    near: Option<Field>,
}

/// The columns that are not understood, watched as rows go by.
#[derive(Debug)]
pub(crate) struct Doubtful {
    header: Header,
    watched: Vec<WatchedColumn>,
}

impl Doubtful {
    /// Watches every column that is neither understood nor to be ignored.
    pub(crate) fn of(header: &Header, columns: &Columns, how: &Interpretation) -> Self {
        let own = header.names();
        let mapped: Vec<Field> = how.map.iter().map(|(field, _)| *field).collect();
        let ignored: Vec<String> = how.ignore.iter().map(|name| words::key(name)).collect();
        let watched = own.iter().enumerate().filter_map(|(position, name)| {
            let key = words::key(name);
            let settled = columns.positions.contains(&position)
                || ignored.contains(&key)
                // Another column was chosen in this one's stead.
                || words::field(name).is_some_and(|field| mapped.contains(&field));
            let near = if words::is_innocent(&key) { None } else { words::nearest_column(name) };
            let settled = settled || !header.is_carried(position);
            (!settled).then_some(WatchedColumn { position, words: 0, ids: 0, others: 0, example: None, near })
        });
        Self { header: header.clone(), watched: watched.collect() }
    }

    /// Takes columns out of doubt.
    pub(crate) fn forget(&mut self, settled: impl Fn(usize) -> bool) {
        self.watched.retain(|column| !settled(column.position));
    }

    /// Looks at a row's cells in the columns that are still in doubt.
    pub(crate) fn look(&mut self, row: &Row<'_>) {
        if self.watched.is_empty() {
            return;
        }
        self.watched.retain_mut(|column| {
            let cell = row.at(column.position);
            if cell.is_empty() {
                return true;
            }
            let is_word = words::action(cell).is_some();
            let is_id = !is_word && cell.starts_with(WEBEX_ID);
            column.words += u32::from(is_word);
            column.ids += u32::from(is_id);
            column.others += u32::from(!is_word && !is_id);
            if (is_word || is_id) && column.example.is_none() {
                column.example = Some((row.line(), cell.to_owned()));
            }
            column.near.is_some() || column.others <= PATIENCE + column.words + column.ids
        });
    }

    /// What is found of them once all rows have gone by: an error a column.
    pub(crate) fn problems(&self) -> impl Iterator<Item = Problem> {
        self.watched.iter().filter_map(|column| self.problem(column))
    }

    fn problem(&self, column: &WatchedColumn) -> Option<Problem> {
        let name: &str = self.header.names().get(column.position)?;
        let most = |count: u32| count > 0 && count >= column.others;
        let (field, what) = if most(column.words) {
            (Field::Operation, "its cells say what to add and what to remove")
        } else if most(column.ids) {
            (id_field(column.example.as_ref().map_or("", |(_, cell)| cell)), "its cells are Webex IDs")
        } else {
            (column.near?, "its name is nearly one that means something")
        };
        let (line, value) = column.example.clone().unwrap_or_else(|| (self.header.line(), name.to_owned()));
        let remedy = format!(
            "say --map {}={} if it is the {}, or --ignore {} to leave it out",
            field.name(),
            quoted(name),
            field.name(),
            quoted(name)
        );
        Some(Problem {
            code: ProblemCode::UnclearColumn,
            line,
            column: name.to_owned(),
            cell: Some(column.position),
            value,
            message: format!("the column '{name}' is not understood, and {what}"),
            remedy: Cow::Owned(remedy),
            fix: None,
        })
    }
}

/// The field in which an ID of this kind belongs.
fn id_field(id: &str) -> Field {
    use crate::domain::{LicenseId, LocationId, OrgId, PersonId};
    if LicenseId::recognized(id).is_some() {
        Field::LicenseId
    } else if PersonId::parse(id).is_ok() {
        Field::PersonId
    } else if OrgId::parse(id).is_ok() {
        Field::OrgId
    } else if LocationId::parse(id).is_ok() {
        Field::LocationId
    } else {
        Field::PersonId
    }
}
