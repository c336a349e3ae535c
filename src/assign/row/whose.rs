//! Whose a row may be that cannot be read, or whose cell of a name cannot: a user's rows are sent together or not at
//! all, so that whoever it may be is left out with it.

use super::super::cells;
use super::super::columns::{Columns, Field};
use super::super::problem::{Problem, ProblemCode};
use super::{RowOutcome, RowReader, RowUser};
use crate::domain::{Line, PersonId, Printable};
use crate::input::{Row, RowFault};

impl RowReader {
    /// A row that names nobody is the row of whoever alone it may be.
    pub(super) fn refused(&mut self, user: RowUser) -> RowOutcome {
        match self.perhaps_of.as_slice() {
            [one] if user.names() == (None, None) => RowOutcome::Refused(one.clone()),
            _ => RowOutcome::Refused(user),
        }
    }

    /// Whether the row that cannot be sent is of the same user as the one above it, or may be.
    pub(in crate::assign) fn is_of_the_user_above(&self, row: &Row<'_>) -> bool {
        is_that_above(row, &self.problems, &self.columns)
    }

    /// Says of the last row's problems whom they keep from being sent beside whoever the row names.
    pub(in crate::assign) fn tell_of_the_user_above(&mut self, whom: &str, line: Line) {
        for problem in self.problems.iter_mut().filter(|problem| leaves_open_whose(problem, &self.columns)) {
            problem.message = format!(
                "{}; it may belong to {} of line {line} (some lists name each user only once), so nothing is sent for that \
                 user either",
                problem.message,
                Printable(whom)
            );
        }
    }
}

/// How every Webex ID begins, and what stands further on in one of a license: base64 of `ciscospark:` and of `/LICENSE/`.
const ID: &str = "Y2lzY29zcGFyazov";
const OF_LICENSE: &str = "L0xJQ0VOU0Uv";

/// Everybody whom a row with a fault may name. Where cells have not moved, only those that name users count.
pub(super) fn of_broken(row: &Row<'_>, fault: RowFault, columns: &Columns) -> Vec<RowUser> {
    let mut users = Vec::new();
    match fault {
        RowFault::HeaderAgain => {}
        RowFault::Nul { .. } | RowFault::NotText { .. } => {
            for position in Field::USER.into_iter().filter_map(|field| columns.position(field)) {
                in_cell(&row.lossy(position), &mut users);
            }
        }
        _ => in_text(&row.as_it_is(), &mut users),
    }
    users
}

/// Everybody whom a row may name whose cells of names are not all understood, or have moved.
pub(super) fn of_unclear(
    row: &Row<'_>,
    user: &RowUser,
    columns: &Columns,
    problems: &[Problem],
) -> Vec<RowUser> {
    let mut users = Vec::new();
    let has_moved = problems.iter().any(|problem| problem.code == ProblemCode::ShiftedCell);
    if has_moved {
        in_text(&row.as_it_is(), &mut users);
    }
    for (field, known) in [(Field::Email, user.email.is_some()), (Field::PersonId, user.person.is_some())] {
        let cell = columns.cell(row, field);
        if !known && !cell.is_empty() {
            in_cell(cell, &mut users);
        }
    }
    users
}

/// Whether the row's user is that of the row above: their own cell is merged into that one, or is left empty, as in a
/// list that names each only once.
fn is_that_above(row: &Row<'_>, problems: &[Problem], columns: &Columns) -> bool {
    let asks = || {
        let targets = Field::TARGET.into_iter().filter_map(|field| columns.position(field));
        targets.into_iter().any(|position| !row.at(position).is_empty())
    };
    problems
        .iter()
        .filter(|problem| leaves_open_whose(problem, columns))
        .any(|problem| problem.code == ProblemCode::MergedCells || asks())
}

/// Whether a problem is that the row does not say whose it is.
fn leaves_open_whose(problem: &Problem, columns: &Columns) -> bool {
    let names_user = |cell| Field::USER.into_iter().any(|field| columns.position(field) == Some(cell));
    match problem.code {
        ProblemCode::MergedCells => problem.cell.is_some_and(names_user),
        ProblemCode::NoUser => true,
        _ => false,
    }
}

fn in_cell(cell: &str, users: &mut Vec<RowUser>) {
    in_text(cell, users);
    if !(cell.contains(char::is_whitespace) || cell.contains("@@") || cell.contains("..")) {
        return;
    }
    // As it would be without what slipped in.
    let whole: String = cell.chars().filter(|c| !c.is_whitespace()).collect();
    let whole = whole.replace("@@", "@").replace("..", ".");
    in_text(&whole, users);
}

/// Looks for addresses and IDs of persons alone: of a million rows that cannot be read, each is looked through.
fn in_text(text: &str, users: &mut Vec<RowUser>) {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memchr(b'@', rest.as_bytes())) {
        let at = from + found;
        let (part, end) = part_around(text, at);
        put(RowUser { email: cells::address_in(part), ..RowUser::default() }, users);
        from = end.max(at + 1);
    }
    for (at, _) in text.match_indices(ID) {
        let (part, _) = part_around(text, at);
        if part.starts_with(ID) && !part.contains(OF_LICENSE) {
            put(RowUser { person: PersonId::parse(part).ok(), ..RowUser::default() }, users);
        }
    }
}

/// The piece of text without a blank in which this place is, and where it ends.
fn part_around(text: &str, at: usize) -> (&str, usize) {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '<' | '>');
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    let start =
        before.char_indices().rev().find(|(_, c)| is_edge(*c)).map_or(0, |(edge, c)| edge + c.len_utf8());
    let end = behind.find(is_edge).map_or(text.len(), |edge| at + edge);
    (text.get(start..end).unwrap_or_default(), end)
}

fn put(user: RowUser, users: &mut Vec<RowUser>) {
    if user.names() != (None, None) && !users.iter().any(|known| known.names() == user.names()) {
        users.push(user);
    }
}
