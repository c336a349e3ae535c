//! Columns that nobody has named and that may mean something all the same: a misspelt `opertion` must never
//! make removals into additions.

use std::borrow::Cow;

use super::super::interpretation::{Interpretation, Request};
use super::super::problem::{Problem, ProblemCode};
use super::super::service_name::Naming;
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
    /// What it may tell beside that, and the first cell that does.
    hints: Vec<(Hint, Option<Example>)>,
}

/// A cell, and where it stands.
type Example = (Line, String);

/// What a column tells with one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    /// It is called as an operation is, and something stands in it.
    Named,
    /// A word for removing.
    Removal,
    /// A license's name, in a column that is called as one of licenses might be.
    License,
    /// Somebody has gone, where nothing says what is to be done.
    Leaver,
    /// The day on which somebody goes, where all are asked the same.
    LastDay,
}

impl Hint {
    fn is_told_by(self, cell: &str) -> bool {
        match self {
            Self::Named => true,
            Self::Removal => words::is_removal(cell),
            Self::License => cell.split([';', '|']).any(|name| words::is_license_name(name.trim())),
            Self::Leaver => words::is_leaver(cell),
            Self::LastDay => cell.len() <= 32 && cell.contains(|c: char| c.is_ascii_digit()),
        }
    }

    /// What a column of this name is watched for.
    fn of(
        name: &str,
        columns: &Columns,
        how: &Interpretation,
        is_wide: bool,
    ) -> Vec<(Self, Option<Example>)> {
        let innocent = words::is_innocent(&words::key(name));
        let says = columns.has(Field::Operation) || is_wide || !how.requests.is_empty() || how.due.is_some();
        let takes = how.requests.iter().any(Request::takes_away) && how.due.is_none();
        let watched = [
            (Self::Named, !innocent && words::names_action(name)),
            (Self::Removal, !innocent && columns.position(Field::Operation).is_none()),
            (Self::License, !innocent && words::names_object(name)),
            (Self::Leaver, !innocent && !says && words::is_status(name)),
            (Self::LastDay, takes && words::is_last_day(name)),
        ];
        watched.into_iter().filter(|(_, watched)| *watched).map(|(hint, _)| (hint, None)).collect()
    }
}

impl WatchedColumn {
    /// Whether so much else stands in it that it is neither one of words nor one of IDs.
    const fn is_cleared(&self) -> bool {
        self.near.is_none() && self.others > PATIENCE + self.words + self.ids
    }

    fn told(&self, hint: Hint) -> Option<&Example> {
        self.hints.iter().find(|(own, _)| *own == hint).and_then(|(_, example)| example.as_ref())
    }
}

/// The columns that are not understood, watched as rows go by.
#[derive(Debug)]
pub(crate) struct Doubtful {
    header: Header,
    watched: Vec<WatchedColumn>,
    /// The column of licenses, where there is one.
    licenses: Option<String>,
    /// Options say what is asked of every user.
    is_asked_of_all: bool,
}

impl Doubtful {
    /// Watches every column that is neither understood nor to be ignored.
    pub(crate) fn of(header: &Header, columns: &Columns, how: &Interpretation, is_wide: bool) -> Self {
        let own = header.names();
        let mapped: Vec<Field> = how.map.iter().map(|(field, _)| *field).collect();
        let ignored: Vec<String> = how.ignore.iter().map(|name| words::key(name)).collect();
        let watched = own.iter().enumerate().filter_map(|(position, name)| {
            let key = words::key(name);
            let settled = columns.positions.contains(&position)
                || ignored.contains(&key)
                || how.due.as_ref().is_some_and(|due| words::key(&due.column) == key)
                // Another column was chosen in this one's stead.
                || words::field(name).is_some_and(|field| mapped.contains(&field));
            let is_other = words::is_innocent(&key) || Naming::of(name, how) == Naming::Named;
            let near = if is_other { None } else { words::nearest_column(name) };
            let settled = settled || !header.is_carried(position);
            (!settled).then(|| {
                let hints = Hint::of(name, columns, how, is_wide);
                WatchedColumn { position, words: 0, ids: 0, others: 0, example: None, near, hints }
            })
        });
        let licenses = columns.position(Field::License).map(|_| columns.name(Field::License).to_owned());
        let is_asked_of_all = !how.requests.is_empty();
        Self { header: header.clone(), watched: watched.collect(), licenses, is_asked_of_all }
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
            for (hint, example) in column.hints.iter_mut().filter(|(_, example)| example.is_none()) {
                if hint.is_told_by(cell) {
                    *example = Some((row.line(), cell.to_owned()));
                }
            }
            if column.is_cleared() {
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
            !column.is_cleared() || !column.hints.is_empty()
        });
    }

    /// What is found of them once all rows have gone by: an error a column.
    pub(crate) fn problems(&self) -> impl Iterator<Item = Problem> {
        self.watched.iter().filter_map(|column| self.problem(column))
    }

    fn problem(&self, column: &WatchedColumn) -> Option<Problem> {
        let name: &str = self.header.names().get(column.position)?;
        let most = |count: u32| count > 0 && count >= column.others;
        let example = column.example.clone();
        let ((field, what), example) = if most(column.words) {
            ((Field::Operation, "its cells say what to add and what to remove"), example)
        } else if most(column.ids) {
            let field = id_field(example.as_ref().map_or("", |(_, cell)| cell));
            ((field, "its cells are Webex IDs"), example)
        } else if let Some(removal) = column.told(Hint::Removal) {
            ((Field::Operation, "a cell of it says to remove"), Some(removal.clone()))
        } else if let Some(first) = column.told(Hint::Named) {
            ((Field::Operation, "its name says to add or to remove"), Some(first.clone()))
        } else if let Some(license) = column.told(Hint::License) {
            ((Field::License, "a cell of it names a license"), Some(license.clone()))
        } else if let Some(field) = column.near {
            ((field, "its name is nearly one that means something"), example)
        } else {
            (
                (Field::Operation, "a cell of it says that somebody has gone"),
                Some(column.told(Hint::Leaver)?.clone()),
            )
        };
        let (line, value) = example.unwrap_or_else(|| (self.header.line(), name.to_owned()));
        // Words that are none would be told one by one.
        let first = if field == Field::Operation && words::action(&value).is_none() {
            "write add or remove into it and "
        } else {
            ""
        };
        let takes = match self.licenses.as_deref().filter(|_| field == Field::License) {
            // A second column of them cannot be taken.
            Some(other) => format!("put its licenses into the column '{other}', separated by semicolons"),
            None if self.is_asked_of_all && column.told(Hint::License).is_some() => format!(
                "say --map license={} instead of what is asked of every user, if its licenses are meant",
                quoted(name)
            ),
            None => format!("say --map {}={} if it is the {}", field.name(), quoted(name), field.name()),
        };
        let remedy = format!("{first}{takes}, or --ignore {} to leave it out", quoted(name));
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

impl Doubtful {
    /// Columns of last days that no option keeps to, where something is taken of all: a warning a column.
    pub(crate) fn last_days(&self) -> impl Iterator<Item = Problem> {
        self.watched.iter().filter_map(|column| {
            let name: &str = self.header.names().get(column.position)?;
            let (line, value) = column.told(Hint::LastDay)?.clone();
            Some(Problem {
                code: ProblemCode::LastDayUnused,
                line,
                column: name.to_owned(),
                cell: Some(column.position),
                value,
                message: format!(
                    "the column '{name}' has days, and nothing waits for them: every row is taken now"
                ),
                remedy: Cow::Owned(format!(
                    "say --due {} to take only rows whose day has come, or --ignore {} to hear no more of it",
                    quoted(name),
                    quoted(name)
                )),
                fix: None,
            })
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
