//! What a column that nobody has named may tell with one cell.

use jiff::civil::Date;

use super::super::interpretation::{Interpretation, Request};
use super::super::problem::ProblemCode;
use super::super::{days, going, words};
use super::{Columns, Field, quoted};
use crate::domain::{Action, Line};

/// A cell, and where it stands.
pub(super) type Example = (Line, String);

/// What a column tells with one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// It is called as an operation is, and something stands in it.
    Named,
    /// A word for removing.
    Removal,
    /// A license's name, in a column that is called as one of licenses might be.
    License,
    /// Somebody has gone, where nothing takes anything away for it.
    Leaver,
    /// A yes, in a column that is called after those who have gone.
    Gone,
    /// A no, in a column that is called after those who have not.
    NotThere,
    /// The day on which somebody goes, where something is taken away.
    LastDay,
    /// The same, where everything is given.
    DayOfLeaving,
    /// The day on which somebody begins, still to come.
    FirstDay,
}

impl Hint {
    /// Those of which a column of days speaks.
    pub(super) const OF_DAYS: [Self; 3] = [Self::LastDay, Self::DayOfLeaving, Self::FirstDay];

    /// Whether a cell tells it, of a row that does this where a column says so.
    pub(super) fn is_told_by(
        self,
        cell: &str,
        today: Option<Date>,
        action: impl Fn() -> Option<Action>,
    ) -> bool {
        match self {
            Self::Named => true,
            Self::Removal => going::is_removal(cell),
            Self::License => cell.split([';', '|']).any(|name| words::is_license_name(name.trim())),
            Self::Leaver => going::is_leaver(cell),
            Self::Gone => words::yes_or_no(cell) == Some(true),
            Self::NotThere => words::yes_or_no(cell) == Some(false),
            Self::LastDay => days::is_like_one(cell) && action() != Some(Action::Add),
            Self::DayOfLeaving => days::is_like_one(cell),
            Self::FirstDay => {
                let may_be_to_come = || today.is_none_or(|today| days::may_be_to_come(cell, today));
                days::is_like_one(cell) && action() != Some(Action::Remove) && may_be_to_come()
            }
        }
    }

    /// What a column of this name is watched for.
    pub(super) fn of(
        name: &str,
        columns: &Columns,
        how: &Interpretation,
        is_wide: bool,
    ) -> Vec<(Self, Option<Example>)> {
        let innocent = words::is_innocent(&words::key(name));
        let waits = how.due.is_some();
        let operations = columns.position(Field::Operation).is_some();
        // What is done with every row: by options, or by the default and --set.
        let of_all = if operations { None } else { words::action(columns.constant(Field::Operation)) };
        let takes = how.requests.iter().any(Request::takes_away)
            || (how.requests.is_empty() && of_all == Some(Action::Remove));
        let gives = how.requests.iter().any(Request::gives) || (how.requests.is_empty() && !takes);
        let only_gives = !waits && !operations && !takes;
        let watched = [
            (Self::Named, !innocent && going::names_action(name)),
            (Self::Removal, !innocent && columns.position(Field::Operation).is_none()),
            (Self::License, !innocent && words::names_object(name)),
            (Self::Leaver, !innocent && only_gives && !is_wide && words::is_status(name)),
            (Self::Gone, !innocent && only_gives && words::names_leavers(name)),
            (Self::NotThere, !innocent && only_gives && words::names_those_there(name)),
            (Self::LastDay, !waits && (takes || operations) && words::is_last_day(name)),
            (Self::DayOfLeaving, only_gives && words::is_last_day(name)),
            (Self::FirstDay, !waits && gives && words::is_first_day(name)),
        ];
        watched.into_iter().filter(|(_, watched)| *watched).map(|(hint, _)| (hint, None)).collect()
    }

    /// What a column of days is told as.
    pub(super) fn of_days(self, name: &str) -> (ProblemCode, String, String) {
        let quoted = quoted(name);
        let ignore = format!("or --ignore {quoted} to hear no more of it");
        let due = format!("say --due {quoted} to take only rows whose day has come, {ignore}");
        match self {
            Self::FirstDay => (
                ProblemCode::FirstDayUnused,
                format!(
                    "the column '{name}' has days that are still to come, and nothing waits for them: every row is taken now"
                ),
                due,
            ),
            Self::DayOfLeaving => (
                ProblemCode::LastDayUnused,
                format!(
                    "the column '{name}' has days on which people leave, and nothing looks at them: every row is taken, \
                     and those who have left get what it asks for too"
                ),
                format!("take out the rows of those who have left or are about to, {ignore}"),
            ),
            _ => (
                ProblemCode::LastDayUnused,
                format!("the column '{name}' has days, and nothing waits for them: every row is taken now"),
                due,
            ),
        }
    }
}
