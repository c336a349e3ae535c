//! Columns that nobody has named and that may mean something all the same: a misspelt `opertion` must never
//! make removals into additions.

use std::collections::HashSet;

use jiff::civil::Date;

use super::super::cells;
use super::super::interpretation::Interpretation;
use super::super::problem::{Problem, ProblemCode};
use super::super::service_name::Naming;
use super::super::words;
use super::hint::{Example, Hint};
use super::{Columns, Field, quoted};
use crate::domain::{Action, Line};
use crate::input::{Header, Row};

/// So many cells of another kind clear a column, beside as many as were of the suspected one.
const PATIENCE: u32 = 20;

/// So many days are kept in mind.
const PAST: usize = 1 << 12;

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
    /// Where the column stands that says what is done with a row.
    operation: Option<usize>,
    /// The day that it is.
    today: Option<Date>,
    /// Cells with days that are past: a file has few of them, and each in many rows.
    past: HashSet<Box<str>, foldhash::fast::RandomState>,
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
        let watched = watched.collect();
        let operation = columns.position(Field::Operation);
        Self {
            header: header.clone(),
            watched,
            licenses,
            is_asked_of_all,
            operation,
            today: how.today,
            past: HashSet::default(),
        }
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
        let (operation, past) = (self.operation, &mut self.past);
        let action = || operation.and_then(|position| words::action(row.at(position)));
        self.watched.retain_mut(|column| {
            let cell = row.at(column.position);
            if cell.is_empty() {
                return true;
            }
            for (hint, example) in column.hints.iter_mut().filter(|(_, example)| example.is_none()) {
                let is_first_day = *hint == Hint::FirstDay;
                if is_first_day && past.contains(cell) {
                    continue;
                }
                if hint.is_told_by(cell, self.today, action) {
                    *example = Some((row.line(), cell.to_owned()));
                } else if is_first_day && past.len() < PAST && action() != Some(Action::Remove) {
                    past.insert(cell.into());
                }
            }
            if column.is_cleared() {
                return true;
            }
            let is_word = words::action(cell).is_some();
            let is_id = !is_word && cells::looks_like_id(cell);
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
            ((field, "its name is almost one that means something"), example)
        } else {
            return self.gone(column);
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
            Some(other) => format!("put its licenses into the column '{other}', with bars between them"),
            None if self.is_asked_of_all && column.told(Hint::License).is_some() => format!(
                "say --map license={} instead of what is asked of every user, if its licenses are meant",
                quoted(name)
            ),
            None => format!("say --map {}={} if it is the {}", field.name(), quoted(name), field.name()),
        };
        let remedy = format!("{first}{takes}, or --ignore {} to leave it out", quoted(name));
        let message = format!("the column '{name}' is not understood, and {what}");
        Some(Problem::of_column(
            (column.position, name),
            ProblemCode::UnclearColumn,
            (line, value),
            message,
            remedy,
        ))
    }

    /// A column that says of somebody that they have gone, where nothing takes anything away for it.
    fn gone(&self, column: &WatchedColumn) -> Option<Problem> {
        let hints = [Hint::Leaver, Hint::Gone, Hint::NotThere];
        let example = hints.into_iter().find_map(|hint| column.told(hint))?.clone();
        let name: &str = self.header.names().get(column.position)?;
        let quoted = quoted(name);
        let or_say = if self.is_asked_of_all {
            String::new()
        } else {
            format!(", or write add or remove into the column and say --map operation={quoted}")
        };
        let message = format!(
            "the column '{name}' seems to say who has left, and nothing looks at it: whoever has left would be given \
             what the row asks for"
        );
        let remedy = format!(
            "take the rows of those who have left out of the file{or_say}, or say --ignore {quoted} to take every row \
             all the same"
        );
        Some(Problem::of_column(
            (column.position, name),
            ProblemCode::UnclearColumn,
            example,
            message,
            remedy,
        ))
    }

    /// Columns of days that no option looks at: a warning a column.
    pub(crate) fn days(&self) -> impl Iterator<Item = Problem> {
        self.watched.iter().filter_map(|column| {
            let name: &str = self.header.names().get(column.position)?;
            let (hint, example) =
                Hint::OF_DAYS.into_iter().find_map(|hint| Some((hint, column.told(hint)?.clone())))?;
            let (code, message, remedy) = hint.of_days(name);
            Some(Problem::of_column((column.position, name), code, example, message, remedy))
        })
    }
}

/// The field in which an ID of this kind belongs.
pub(super) fn id_field(id: &str) -> Field {
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
