//! The first reading: every problem of the file, and who is in it.

use std::io;

use settle::Settler;

use super::columns::{ColumnsError, Doubtful, Field, ServicesBeside};
use super::counts::{Counts, Demand};
use super::cross_row::CrossRow;
use super::extensions::Extensions;
use super::gathering::Gathering;
use super::interpretation::Interpretation;
use super::names::Known;
use super::problem::Problem;
use super::remarks::Padding;
use super::roster::{NameKeys, Roster};
use super::row::{RowOutcome, RowReader, RowUser, Wide};
use super::sending_order::SendingOrder;
use super::share::{self, Share};
use super::targets::Targets;
use crate::domain::{AssignmentNo, Line, OperationKey, Order, Target};
use crate::input::{ContentError, InputError, InputFile, Layout, Row};

/// Why a file could not be checked to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The file cannot be read as rows.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Its columns cannot be told.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// It takes away everything of users, and nobody has looked what that is.
    #[error("the file takes away everything that {users} users hold, and what they hold has not been read")]
    HoldingsUnknown {
        /// How many.
        users: u64,
    },
    /// The temporary files failed.
    #[error("cannot sort the file's operations on the disk (set TMPDIR to a folder with room)")]
    Disk(#[from] io::Error),
}

impl CheckError {
    /// Whether the fault is in what the file says, rather than in getting at it.
    #[must_use]
    pub const fn is_about_content(&self) -> bool {
        match self {
            Self::Input(error) => error.is_about_content(),
            Self::Columns(_) => true,
            Self::HoldingsUnknown { .. } | Self::Disk(_) => false,
        }
    }
}

/// A file that has been read once: what is needed to take it in.
#[derive(Debug)]
pub struct Checked {
    pub(super) reader: RowReader,
    pub(super) roster: Roster,
    /// Whose rows the second reading takes.
    pub(super) share: Share,
    sending_order: SendingOrder,
    /// What rules across rows have found, by operation.
    pub(super) findings: Vec<(OperationKey, CrossRow)>,
    demand: Vec<Demand>,
    layout: Layout,
    /// Where the columns stand that mean something.
    positions: Vec<usize>,
    sha256: String,
    counts: Counts,
}

impl Checked {
    /// Where the columns stand that mean something, counted from 0.
    #[must_use]
    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// The SHA-256 of the bytes that were checked, in lower-case hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How many users of each organization something is asked for, in sending order.
    #[must_use]
    pub fn organizations(&self) -> &[u32] {
        self.sending_order.organizations()
    }

    /// Numbers the assignments anew, each organization's in this order of their numbers until now. `false`, and
    /// nothing is done, where it does not name them all.
    #[must_use]
    pub fn rearrange(&mut self, order: &[u32]) -> bool {
        self.sending_order.rearrange(order)
    }

    /// What was found, counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What the failures CSV takes over.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The licenses and sites that the file names.
    #[must_use]
    pub const fn targets(&self) -> &Targets {
        &self.reader.targets
    }

    /// What the file asks of each target, in the order of their numbers.
    pub fn demand(&self) -> impl Iterator<Item = (&Target, Demand)> {
        let all = self.targets().all().iter();
        all.enumerate().map(|(number, target)| (target, self.demand.get(number).copied().unwrap_or_default()))
    }

    /// What rules across rows have found of this operation; those before `next` were asked for already, or are of rows
    /// that are not taken.
    pub(super) fn finding(&self, next: &mut usize, key: OperationKey) -> Option<CrossRow> {
        loop {
            let (found, finding) = self.findings.get(*next).filter(|(found, _)| *found <= key)?;
            *next += 1;
            if *found == key {
                return Some(*finding);
            }
        }
    }

    /// The assignment of the user whom a row names.
    pub(super) fn number_of(&self, user: &RowUser) -> Option<AssignmentNo> {
        let (email, person) = user.names();
        self.assignment_of(email, person)
    }

    /// The assignment of whoever is called so in the file; the person ID counts where both are given.
    #[must_use]
    pub fn assignment_of(&self, email: Option<&str>, person: Option<&str>) -> Option<AssignmentNo> {
        self.sending_order.of(self.roster.find(email, person)?)
    }
}

/// Reads the whole file, tells every problem as it is found, and numbers the assignments.
///
/// Problems of a row by itself come in file order; those of columns and names follow, and then those between
/// rows, in file order.
///
/// # Errors
/// [`CheckError`] where the file cannot be checked to its end.
pub fn check(
    file: &InputFile,
    how: &Interpretation,
    order: Order,
    known: Known,
    on_problem: &mut dyn FnMut(&Problem),
) -> Result<Checked, CheckError> {
    let mut rows = file.rows(&how.reading())?;
    let reader = RowReader::new(&mut rows, how, known)?;
    reader.columns.refuse_rows_at_the_top(rows.header(), rows.titles())?;
    if reader.columns.add_by_default(how, reader.wide.is_some()) {
        reader.columns.refuse_adding_against_words(rows.header(), rows.titles())?;
    }
    let mut doubtful = Doubtful::of(rows.header(), &reader.columns, how, reader.wide.is_some());
    if let Some(wide) = &reader.wide {
        doubtful.forget(|position| wide.names(position));
    }
    let mut beside = ServicesBeside::of(rows.header(), &reader.columns, how);
    let mut padding = Padding::of(&reader.columns);
    let selections: Vec<Problem> = reader.selections(rows.header()).collect();
    let mut checker = Checker::new(on_problem, reader);
    rows.remarks().iter().for_each(|remark| checker.tell(&remark.into()));
    selections.iter().for_each(|problem| checker.tell(problem));
    while let Some(row) = rows.next()? {
        doubtful.look(&row);
        padding.look(&row);
        beside.look(&row);
        checker.row(&row)?;
    }
    if checker.counts.rows == 0 {
        let is_given_back = rows.header().is_given_back();
        return Err(
            if is_given_back { InputError::NothingFailed } else { ContentError::NoRows.into() }.into()
        );
    }
    if checker.reader.wide.as_ref().is_some_and(Wide::is_none) {
        checker.reader.columns.require_target(rows.header(), how)?;
    }
    // Known at the end, and this is the end.
    let sha256 = rows.sha256().unwrap_or_default().to_owned();
    let layout = rows.layout();
    rows.counted().iter().for_each(|remark| checker.tell(&remark.into()));
    if let Some(wide) = &mut checker.reader.wide {
        let cells = std::mem::take(&mut wide.padded);
        padding.join(wide.positions(), cells);
    }
    padding.problems(rows.names()).chain(doubtful.days()).for_each(|problem| checker.tell(&problem));
    checker.tell_columns(doubtful.problems().chain(beside.problem()).collect());
    // The second reading finds nothing out that the first one knows.
    checker.reader.how.encoding = Some(layout.encoding);
    let mut checked = checker.finish(order, layout, sha256)?;
    checked.positions = padding.positions();
    tell_findings(&mut checked, file, on_problem)?;
    Ok(checked)
}

/// Tells what rules across rows have found, with the cells of the rows.
fn tell_findings(
    checked: &mut Checked,
    file: &InputFile,
    on_problem: &mut dyn FnMut(&Problem),
) -> Result<(), CheckError> {
    if !checked.findings.iter().any(|(_, finding)| finding.is_told()) {
        return Ok(());
    }
    let mut rows = file.rows(&checked.reader.how.reading())?;
    let findings = std::mem::take(&mut checked.findings);
    let mut left = findings.iter().peekable();
    while let (Some(row), Some(_)) = (rows.next()?, left.peek()) {
        if left.peek().is_none_or(|(key, _)| key.line != row.line()) {
            continue;
        }
        checked.reader.read(&row);
        let mut invalid = false;
        while let Some((key, finding)) = left.next_if(|(key, _)| key.line == row.line()) {
            let number = usize::from(key.item.get()).saturating_sub(1);
            let operation = checked.reader.operations.get(number);
            let problem = finding.problem(&row, &checked.reader.columns, operation, &checked.reader.targets);
            let told = finding.is_told();
            invalid |= told && finding.is_invalid();
            if told {
                checked.counts.tell(&problem, on_problem);
            }
        }
        checked.counts.invalid += u64::from(invalid);
    }
    checked.findings = findings;
    Ok(())
}

/// The user of the last row that names one, and that row's line.
struct UserAbove {
    user: RowUser,
    line: Line,
}

struct Checker<'a> {
    on_problem: &'a mut dyn FnMut(&Problem),
    reader: RowReader,
    counts: Counts,
    gathering: Gathering,
    /// The user of the last row that names one.
    latest: Option<UserAbove>,
    extensions: Extensions,
}

impl<'a> Checker<'a> {
    fn new(on_problem: &'a mut dyn FnMut(&Problem), mut reader: RowReader) -> Self {
        reader.takes_patterns = true;
        let adds_by_default = reader.columns.add_by_default(&reader.how, reader.wide.is_some());
        let keys = NameKeys::new(share::seeds(reader.how.partition));
        Self {
            on_problem,
            reader,
            counts: Counts { adds_by_default, ..Counts::default() },
            gathering: Gathering::new(keys),
            latest: None,
            extensions: Extensions::default(),
        }
    }

    fn tell(&mut self, problem: &Problem) {
        self.counts.tell(problem, self.on_problem);
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), CheckError> {
        self.counts.rows += 1;
        match self.reader.read(row) {
            RowOutcome::Asks(user) => {
                self.asks(row.line(), &user)?;
                self.latest = Some(UserAbove { user, line: row.line() });
            }
            RowOutcome::Idle(user) => {
                self.counts.idle += 1;
                self.latest = Some(UserAbove { user, line: row.line() });
            }
            RowOutcome::NotDue => self.counts.not_due += 1,
            RowOutcome::Refused(user) => {
                self.counts.invalid += 1;
                self.refuse(row, user)?;
                // Names that lead nowhere are told once, at the end.
                for problem in std::mem::take(&mut self.reader.problems) {
                    self.tell(&problem);
                }
            }
        }
        for warning in std::mem::take(&mut self.reader.warnings) {
            self.tell(&warning);
        }
        Ok(())
    }

    /// Leaves out whoever a row may be of that cannot be sent.
    fn refuse(&mut self, row: &Row<'_>, user: RowUser) -> io::Result<()> {
        let line = row.line();
        if self.reader.is_of_the_user_above(row)
            && let Some(above) = &self.latest
        {
            self.gathering.refused(line, &above.user)?;
            let (email, person) = above.user.names();
            self.reader.tell_of_the_user_above(email.or(person).unwrap_or_default(), above.line);
        }
        let perhaps = std::mem::take(&mut self.reader.perhaps_of);
        for user in std::iter::once(user).chain(perhaps).filter(|user| user.names() != (None, None)) {
            self.gathering.refused(line, &user)?;
            self.latest = Some(UserAbove { user, line });
        }
        Ok(())
    }

    fn asks(&mut self, line: Line, user: &RowUser) -> io::Result<()> {
        if let Some(pattern) = self.reader.pattern {
            return self.gathering.asks_alike(line, user, pattern);
        }
        let operations = &self.reader.operations;
        let mut numbered = operations.iter().map(|operation| &operation.properties);
        if let Some(with) = numbered.find(|with| with.extension.is_some()) {
            let extension = with.extension.as_deref().unwrap_or_default();
            self.extensions.admit(with.location.as_ref(), extension, line);
        }
        self.gathering.asks(line, user, operations)
    }

    /// Tells what is wrong with columns, and the names that lead nowhere.
    fn tell_columns(&mut self, mut of_columns: Vec<Problem>) {
        let wide = self.reader.wide.as_ref();
        let names = &self.reader.known.names;
        of_columns.extend(wide.into_iter().flat_map(|wide| wide.problems(names)));
        self.counts.services = wide.map(|wide| wide.services() as u64);
        self.counts.left_alone = wide.map_or(0, |wide| wide.left_alone);
        self.counts.unclear_columns = of_columns.len() as u64;
        let names: Vec<Problem> = self.reader.targets.told_once().collect();
        let (column, cell) = (
            self.reader.columns.name(Field::Extension).to_owned(),
            self.reader.columns.position(Field::Extension),
        );
        let odd: Vec<Problem> = self.extensions.odd(&column, cell).collect();
        for problem in of_columns.iter().chain(&names).chain(&odd) {
            self.tell(problem);
        }
    }

    fn finish(mut self, order: Order, layout: Layout, sha256: String) -> Result<Checked, CheckError> {
        self.reader.takes_patterns = false;
        let census = self.gathering.finish()?;
        Ok(Settler::new(self.reader, self.counts, census).settled(order, layout, sha256)?)
    }
}

mod settle;
#[cfg(test)]
mod tests;
