//! The first reading: every problem of the file, and who is in it.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::io;

use siphasher::sip::SipHasher13;

use super::columns::{Columns, ColumnsError, Doubtful, Field};
use super::cross_row::CrossRow;
use super::interpretation::Interpretation;
use super::numbering::{Class, Numbering, Organizations};
use super::problem::{Problem, ProblemCode, Severity};
use super::roster::Roster;
use super::sorter::{Mark, Sorter};
use super::targets::{LicenseNames, NamesError, Targets};
use super::wish::{self, Refused, Wish};
use crate::domain::{Action, AssignmentNo, Line, Order, Target};
use crate::input::{InputError, InputFile, Layout};

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
    /// License names could not be looked up.
    #[error("cannot look up the license names that the file uses")]
    Names(#[source] NamesError),
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
            Self::Names(_) | Self::Disk(_) => false,
        }
    }
}

/// What was found, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Rows of the file.
    pub rows: u64,
    /// Rows that cannot be sent.
    pub invalid: u64,
    /// Problems that keep rows from being sent.
    pub errors: u64,
    /// Problems that do not.
    pub warnings: u64,
    /// Rows that ask for what an earlier one asks for.
    pub repeated: u64,
    /// Users that something is asked for.
    pub assignments: u32,
    /// Operations that add.
    pub adds: u64,
    /// Operations that remove.
    pub removes: u64,
    /// Problems of the file as a whole: nothing of it can be sent.
    pub unclear_columns: u64,
    /// No column says what to do: every row adds.
    pub adds_by_default: bool,
}

/// What a file asks of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Users who are to get it.
    pub adds: u64,
    /// Users who are to give it back.
    pub removes: u64,
}

/// A file that has been read once: what is needed to take it in.
#[derive(Debug)]
pub struct Checked {
    pub(super) how: Interpretation,
    pub(super) columns: Columns,
    pub(super) roster: Roster,
    numbering: Numbering,
    /// What rules across rows have found, by line.
    pub(super) findings: Vec<(Line, CrossRow)>,
    pub(super) targets: Targets,
    demand: Vec<Demand>,
    layout: Layout,
    sha256: String,
    counts: Counts,
}

impl Checked {
    /// The SHA-256 of the bytes that were checked, in lower-case hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How many users of each organization something is asked for, in sending order.
    #[must_use]
    pub fn organizations(&self) -> &[u32] {
        self.numbering.organizations()
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
        &self.targets
    }

    /// What the file asks of each target, in the order of their numbers.
    pub fn demand(&self) -> impl Iterator<Item = (&Target, Demand)> {
        let all = self.targets.all().iter();
        all.enumerate().map(|(number, target)| (target, self.demand.get(number).copied().unwrap_or_default()))
    }
}

/// Reads the whole file, tells every problem as it is found, and numbers the assignments.
///
/// Problems of a row by itself come in file order; those between rows follow, by user.
///
/// # Errors
/// [`CheckError`] where the file cannot be checked to its end.
pub fn check(
    file: &InputFile,
    how: &Interpretation,
    order: Order,
    names: &mut dyn LicenseNames,
    on_problem: &mut dyn FnMut(&Problem),
) -> Result<Checked, CheckError> {
    let mut rows = file.rows(&how.reading())?;
    let layout = rows.layout().clone();
    let columns = Columns::of(rows.header(), how)?;
    columns.require(&Field::USER, "'email' or 'personId'", rows.header())?;
    columns.require(&Field::TARGET, "'licenseId', 'license' or 'siteUrl'", rows.header())?;
    let mut doubtful = Doubtful::of(rows.header(), &columns, how);
    let mut checker = Checker::new(on_problem);
    rows.remarks().iter().for_each(|remark| checker.tell(&remark.into()));
    checker.counts.adds_by_default = !columns.has(Field::Operation);
    while let Some(row) = rows.next()? {
        checker.counts.rows += 1;
        doubtful.look(&row);
        match wish::read(&row, &columns, &mut checker.targets, names).map_err(CheckError::Names)? {
            Ok(wish) => checker.admit(row.line(), &wish)?,
            Err(Refused(problems)) => {
                checker.counts.invalid += 1;
                problems.iter().for_each(|problem| checker.tell(problem));
            }
        }
    }
    if checker.counts.rows == 0 {
        return Err(InputError::NoRows.into());
    }
    // Known at the end, and this is the end.
    let sha256 = rows.sha256().unwrap_or_default().to_owned();
    rows.counted().iter().for_each(|remark| checker.tell(&remark.into()));
    for problem in doubtful.problems() {
        checker.counts.unclear_columns += 1;
        checker.tell(&problem);
    }
    // The second reading finds nothing out that the first one knows.
    let how = Interpretation { encoding: Some(layout.encoding), ..how.clone() };
    checker.finish(how, columns, order, layout, sha256)
}

struct Checker<'a> {
    on_problem: &'a mut dyn FnMut(&Problem),
    counts: Counts,
    roster: Roster,
    targets: Targets,
    sorter: Sorter,
    findings: Vec<(Line, CrossRow)>,
    /// Addresses whose rows contradict those of a person ID, how, and the address spelled out, by slot.
    ambiguous: HashMap<u32, (CrossRow, String)>,
    orgs: Organizations,
    /// What is asked of each target, by its number.
    demand: Vec<Demand>,
}

impl<'a> Checker<'a> {
    fn new(on_problem: &'a mut dyn FnMut(&Problem)) -> Self {
        Self {
            on_problem,
            counts: Counts::default(),
            roster: Roster::new((fastrand::u64(..), fastrand::u64(..))),
            targets: Targets::default(),
            sorter: Sorter::new(),
            findings: Vec::new(),
            ambiguous: HashMap::new(),
            orgs: Organizations::default(),
            demand: Vec::new(),
        }
    }

    fn tell(&mut self, problem: &Problem) {
        match problem.severity() {
            Severity::Error => self.counts.errors += 1,
            Severity::Warning => self.counts.warnings += 1,
            Severity::Note => {}
        }
        self.counts.repeated += u64::from(problem.code == ProblemCode::Duplicate);
        (self.on_problem)(problem);
    }

    fn find(&mut self, line: Line, finding: CrossRow, column: &str, value: String) {
        self.counts.invalid += u64::from(finding.is_invalid());
        self.findings.push((line, finding));
        self.tell(&finding.problem(line, column, None, value));
    }

    fn admit(&mut self, line: Line, wish: &Wish) -> Result<(), CheckError> {
        let email = wish.email.as_ref().map(|email| email.as_str());
        let admitted = self.roster.admit(email, wish.person.as_ref().map(|person| person.as_str()));
        let contradiction = if admitted.second_person {
            Some(CrossRow::TwoPersonIds)
        } else if admitted.tied_late && !self.orgs.tie(admitted.email, admitted.user) {
            Some(CrossRow::AddressOfTwoOrganizations)
        } else {
            None
        };
        if let (Some(contradiction), Some(email)) = (contradiction, email) {
            self.ambiguous.entry(admitted.email).or_insert_with(|| (contradiction, email.to_owned()));
        }
        if let Some(org) = &wish.org
            && !self.orgs.admit(admitted.user, org)
        {
            self.find(line, CrossRow::TwoOrganizations, "orgId", org.to_string());
            return Ok(());
        }
        self.sorter.push(Mark {
            user: admitted.user,
            target: wish.target.0,
            line: line.get(),
            email: admitted.email,
            signature: signature(wish),
        })?;
        Ok(())
    }

    fn finish(
        mut self,
        how: Interpretation,
        columns: Columns,
        order: Order,
        layout: Layout,
        sha256: String,
    ) -> Result<Checked, CheckError> {
        self.demand = vec![Demand::default(); self.targets.all().len()];
        let mut classes = vec![Class::default(); self.roster.len()];
        let sorter = std::mem::replace(&mut self.sorter, Sorter::new());
        let mut group: Vec<Mark> = Vec::new();
        for mark in self.by_user(sorter)?.sorted()? {
            let mark = mark?;
            if let Some((contradiction, value)) = self.ambiguous.get(&mark.email).cloned() {
                self.find(Line::new(mark.line), contradiction, "email", value);
                continue;
            }
            let same =
                group.first().is_some_and(|first| (first.user, first.target) == (mark.user, mark.target));
            if !same {
                self.settle(&group, &mut classes);
                group.clear();
            }
            group.push(mark);
        }
        self.settle(&group, &mut classes);
        let numbering = Numbering::new(&self.roster, self.orgs, &classes, order);
        self.counts.assignments = numbering.assignments();
        self.findings.sort_unstable_by_key(|(line, _)| *line);
        Ok(Checked {
            how,
            columns,
            roster: self.roster,
            numbering,
            findings: self.findings,
            targets: self.targets,
            demand: self.demand,
            layout,
            sha256,
            counts: self.counts,
        })
    }

    /// Marks made before an address was tied go to the user it turned out to be.
    fn by_user(&self, sorter: Sorter) -> io::Result<Sorter> {
        if !self.roster.is_tied_late() {
            return Ok(sorter);
        }
        let mut again = Sorter::new();
        for mark in sorter.sorted()? {
            let mark = mark?;
            again.push(Mark { user: self.roster.canonical(mark.user), ..mark })?;
        }
        Ok(again)
    }

    /// Judges the operations of one user on one target, in file order.
    fn settle(&mut self, group: &[Mark], classes: &mut [Class]) {
        let Some(first) = group.first() else { return };
        if let Some(other) = group.iter().find(|mark| mark.signature != first.signature) {
            let opposite = other.action() != first.action();
            for mark in group {
                let against =
                    group.iter().find(|against| against.signature != mark.signature).unwrap_or(first);
                let other = Line::new(against.line);
                let (finding, column) = if opposite {
                    (CrossRow::AddAndRemove { other }, "operation")
                } else {
                    (CrossRow::ConflictingProperties { other }, "licenseId")
                };
                let value = if opposite { mark.action().as_str().to_owned() } else { self.target_text(mark) };
                self.find(Line::new(mark.line), finding, column, value);
            }
            return;
        }
        for mark in group.iter().skip(1) {
            let finding = CrossRow::DuplicateOf(Line::new(first.line));
            let value = self.target_text(mark);
            self.find(Line::new(mark.line), finding, self.target_column(mark), value);
        }
        let rows = group.len() as u64;
        if let Some(class) = classes.get_mut(first.user as usize) {
            match first.action() {
                Action::Add => class.adds = true,
                Action::Remove => class.removes = true,
            }
        }
        let mut nowhere = Demand::default();
        let demand = self.demand.get_mut(first.target as usize).unwrap_or(&mut nowhere);
        match first.action() {
            Action::Add => {
                demand.adds += 1;
                self.counts.adds += rows;
            }
            Action::Remove => {
                demand.removes += 1;
                self.counts.removes += rows;
            }
        }
    }

    fn target_text(&self, mark: &Mark) -> String {
        let target = self.targets.get(super::TargetNo(mark.target));
        target.map_or_else(String::new, |target| target.as_str().to_owned())
    }

    fn target_column(&self, mark: &Mark) -> &'static str {
        match self.targets.get(super::TargetNo(mark.target)) {
            Some(Target::Site(_)) => "siteUrl",
            _ => "licenseId",
        }
    }
}

impl Mark {
    const fn action(&self) -> Action {
        if self.signature & 1 == 0 { Action::Add } else { Action::Remove }
    }
}

/// 31 bits of what is asked, and the action.
fn signature(wish: &Wish) -> u32 {
    let mut hasher = SipHasher13::new();
    if wish.action == Action::Add {
        // A removal sends none of them.
        wish.properties.hash(&mut hasher);
    }
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    let action = match wish.action {
        Action::Add => 0,
        Action::Remove => 1,
    };
    (u32::from_le_bytes([a, b, c, d]) & !1) | action
}

impl Checked {
    /// The assignment of the user whom a row names.
    pub(super) fn number_of(&self, wish: &Wish) -> Option<AssignmentNo> {
        let email = wish.email.as_ref().map(|email| email.as_str());
        let person = wish.person.as_ref().map(|person| person.as_str());
        self.assignment_of(email, person)
    }

    /// The assignment of whoever is called so in the file; the person ID counts where both are given.
    #[must_use]
    pub fn assignment_of(&self, email: Option<&str>, person: Option<&str>) -> Option<AssignmentNo> {
        self.numbering.of(self.roster.find(email, person)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::assign::{Intake, NamesTaken, PlacedOperation, Resolved};

    fn file(text: &str) -> (tempfile::NamedTempFile, InputFile) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let input = InputFile::open(file.path()).unwrap();
        (file, input)
    }

    fn checked(text: &str, order: Order) -> (Vec<(u32, &'static str)>, Checked, InputFile) {
        let (_keep, input) = file(text);
        let mut problems = Vec::new();
        let checked = check(&input, &Interpretation::default(), order, &mut NamesTaken, &mut |problem| {
            problems.push((problem.line.get(), problem.code.as_str()));
        });
        (problems, checked.unwrap(), input)
    }

    /// Assignment and the line it duplicates, of a valid row; the code of another.
    type Place = Result<(u32, Option<u32>), &'static str>;

    /// Every row's line and place.
    fn placed(text: &str, order: Order) -> Vec<(u32, Place)> {
        let (_, checked, input) = checked(text, order);
        let mut intake = Intake::new(checked, &input).unwrap();
        let mut seen = Vec::new();
        while let Some(entry) = intake.next().unwrap() {
            let content = entry
                .content
                .map(|PlacedOperation { assignment, duplicate_of, .. }| {
                    (assignment.0, duplicate_of.map(Line::get))
                })
                .map_err(|row| row.problem.code.as_str());
            seen.push((entry.line.get(), content));
        }
        seen
    }

    #[test]
    fn every_problem_of_a_row_is_told() {
        let (problems, checked, _) = checked(
            "email,personId,licenseId,siteUrl,operation,phoneNumber\n\
             nobody,,,,give,555\n\
             ,,L,,,\n\
             a@example.com,,L,site.example.com,,\n\
             a@example.com,,L,,remove,\n",
            Order::File,
        );
        assert_eq!(
            problems,
            [
                (2, "BAD_EMAIL"),
                (2, "NO_TARGET"),
                (2, "UNKNOWN_OPERATION"),
                (2, "BAD_PHONE_NUMBER"),
                (3, "NO_USER"),
                (4, "TWO_TARGETS"),
            ]
        );
        let counts = checked.counts();
        assert_eq!((counts.rows, counts.invalid, counts.errors, counts.removes), (4, 3, 6, 1));
    }

    #[test]
    fn a_user_is_one_assignment_however_the_rows_name_them() {
        let text = "email,personId,licenseId\n\
            a@example.com,,L1\n\
            b@example.com,,L1\n\
            ,P,L2\n\
            A@Example.com,P,L3\n\
            a@example.com,,L4\n";
        let numbers: Vec<_> =
            placed(text, Order::File).into_iter().map(|(_, content)| content.unwrap().0).collect();
        assert_eq!(numbers, [0, 1, 0, 0, 0]);
    }

    #[test]
    fn rules_across_rows_hold_for_users_tied_late() {
        let text = "email,personId,licenseId,operation\n\
            a@example.com,,L1,add\n\
            ,P,L1,remove\n\
            ,P,L2,add\n\
            a@example.com,,L2,add\n\
            a@example.com,P,L3,add\n";
        assert_eq!(
            placed(text, Order::File),
            [
                (2, Err("ADD_AND_REMOVE")),
                (3, Err("ADD_AND_REMOVE")),
                (4, Ok((0, None))),
                (5, Ok((0, Some(4)))),
                (6, Ok((0, None))),
            ]
        );
    }

    #[test]
    fn an_address_with_two_person_ids_is_nobody() {
        let text = "email,personId,licenseId\n\
            a@example.com,,L1\n\
            a@example.com,P,L2\n\
            A@example.com,Q,L3\n\
            ,P,L4\n";
        let (mut problems, ..) = checked(text, Order::File);
        problems.sort_unstable();
        assert_eq!(problems, [2, 3, 4].map(|line| (line, "TWO_PERSON_IDS")));
        assert_eq!(placed(text, Order::File)[3], (5, Ok((0, None))));
    }

    #[test]
    fn other_properties_are_a_conflict_and_other_columns_are_not() {
        let text = "email,licenseId,extension,note\n\
            a@example.com,L1,100,x\n\
            a@example.com,L1,100,y\n\
            b@example.com,L1,100,\n\
            b@example.com,L1,200,\n";
        assert_eq!(
            placed(text, Order::File),
            [
                (2, Ok((0, None))),
                (3, Ok((0, Some(2)))),
                (4, Err("CONFLICTING_PROPERTIES")),
                (5, Err("CONFLICTING_PROPERTIES")),
            ]
        );
    }

    #[test]
    fn what_is_found_between_rows_says_where_and_is_counted() {
        let text = "email,licenseId,siteUrl,operation,extension\n\
            a@example.com,L1,,add,\n\
            a@example.com,L1,,add,\n\
            b@example.com,,meet.example.com,add,\n\
            b@example.com,,meet.example.com,add,\n\
            c@example.com,L1,,add,\n\
            c@example.com,L1,,remove,\n\
            d@example.com,L2,,add,100\n\
            d@example.com,L2,,add,200\n\
            e@example.com,L1,,remove,\n\
            e@example.com,L1,,remove,\n\
            e@example.com,L1,,remove,\n";
        let (_keep, input) = file(text);
        let mut problems = Vec::new();
        let checked =
            check(&input, &Interpretation::default(), Order::File, &mut NamesTaken, &mut |problem| {
                let Problem { line, column, value, message, .. } = problem;
                let other = message.split_whitespace().find_map(|word| word.parse::<u32>().ok());
                problems.push((line.get(), column.clone(), value.clone(), other.unwrap_or(0)));
            });
        let checked = checked.unwrap();
        problems.sort_unstable();
        let expected = [
            (3, "licenseId", "L1", 2),
            (5, "siteUrl", "meet.example.com", 4),
            (6, "operation", "add", 7),
            (7, "operation", "remove", 6),
            (8, "licenseId", "L2", 9),
            (9, "licenseId", "L2", 8),
            (11, "licenseId", "L1", 10),
            (12, "licenseId", "L1", 10),
        ];
        let expected =
            expected.map(|(line, column, value, other)| (line, column.into(), value.into(), other));
        assert_eq!(problems, expected);
        let Counts { rows, invalid, errors, warnings, adds, removes, assignments, .. } = checked.counts();
        assert_eq!((rows, invalid, errors, warnings, adds, removes, assignments), (11, 4, 4, 4, 4, 3, 3));
        assert_eq!(checked.organizations(), [3]);
        let demand = checked.demand().map(|(target, demand)| (target.as_str(), demand.adds, demand.removes));
        assert_eq!(demand.collect::<Vec<_>>(), [("L1", 1, 1), ("meet.example.com", 1, 0), ("L2", 0, 0)]);
    }

    #[test]
    fn a_row_that_cannot_be_sent_keeps_what_it_asks_for_and_what_is_wrong() {
        let (_, checked, input) = checked(
            "email,personId,orgId,licenseId,siteUrl,operation,extension\n\
            c@example.com,,,L1,,add,\n\
            c@example.com,,,L1,,remove,\n\
            d@example.com,,,L2,,,100\n\
            d@example.com,,,L2,,,200\n\
            e@example.com,P,,,meet.example.com,,\n\
            e@example.com,Q,,,meet.example.com,,\n\
            f@example.com,,O1,L1,,,\n\
            f@example.com,,O2,L1,,,\n\
            g@example.com,,O1,L1,,,\n\
            ,R,O2,L2,,,\n\
            g@example.com,R,,L3,,,\n\
            nobody,,,,,,\n",
            Order::File,
        );
        let mut intake = Intake::new(checked, &input).unwrap();
        let mut found = Vec::new();
        while let Some(entry) = intake.next().unwrap() {
            let Err(row) = entry.content else { continue };
            found.push(format!(
                "{} {} {}: {} '{}'",
                entry.line, row.kind, row.target, row.problem.column, row.problem.value
            ));
        }
        let expected = [
            "2 license L1: operation 'add'",
            "3 license L1: operation 'remove'",
            "4 license L2: licenseId 'L2'",
            "5 license L2: licenseId 'L2'",
            "6 site meet.example.com: email 'e@example.com'",
            "7 site meet.example.com: email 'e@example.com'",
            "9 license L1: orgId 'O2'",
            "10 license L1: email 'g@example.com'",
            "12 license L3: email 'g@example.com'",
            "13 license : email 'nobody'",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn whatever_the_properties_an_addition_is_one() {
        let rows = (100..200).map(|number| format!("user{number}@example.com,L1,{number}\n"));
        let text = format!("email,licenseId,extension\n{}", rows.collect::<String>());
        let (problems, checked, _) = checked(&text, Order::File);
        assert_eq!((problems.len(), checked.counts().adds, checked.counts().removes), (0, 100, 0));
    }

    #[test]
    fn one_user_belongs_to_one_organization() {
        let text = "email,orgId,licenseId\na@example.com,O1,L1\na@example.com,,L2\na@example.com,O2,L3\n";
        assert_eq!(checked(text, Order::File).0, [(4, "TWO_ORGANIZATIONS")]);
    }

    #[test]
    fn a_user_whose_names_are_tied_late_belongs_to_one_organization_too() {
        let told = |rows: &str| {
            let (mut problems, ..) = checked(&format!("email,personId,orgId,licenseId\n{rows}"), Order::File);
            problems.sort_unstable();
            problems
        };
        let contradiction = "TWO_ORGANIZATIONS";
        // The row that ties them names the other one.
        let rows = "a@example.com,,O1,L1\na@example.com,P,O2,L2\n";
        assert_eq!(told(rows), [(3, contradiction)]);
        // It names none: then the address is nobody, and the person ID says who is meant.
        let rows = "a@example.com,,O1,L1\n,P,O2,L2\na@example.com,P,,L3\n,P,,L4\n";
        assert_eq!(told(rows), [(2, contradiction), (4, contradiction)]);
        assert_eq!(told("a@example.com,,O1,L1\n,P,O1,L2\na@example.com,P,,L3\n,P,O1,L4\n"), []);
        // What was said of the address is known of the person.
        assert_eq!(told("a@example.com,,O1,L1\na@example.com,P,,L2\n,P,O2,L3\n"), [(4, contradiction)]);
    }

    #[test]
    fn users_are_numbered_organization_by_organization() {
        let text = "email,personId,orgId,licenseId\n\
            a@example.com,,O1,L1\n\
            b@example.com,,O2,L1\n\
            c@example.com,,,L1\n\
            d@example.com,,O1,L1\n\
            e@example.com,,O2,L1\n\
            e@example.com,P,,L2\n\
            b@example.com,,,L2\n";
        let numbers: Vec<_> =
            placed(text, Order::File).into_iter().map(|(_, content)| content.unwrap().0).collect();
        assert_eq!(numbers, [1, 3, 0, 2, 4, 4, 3]);
    }

    #[test]
    fn removes_first_orders_users_and_keeps_them_whole() {
        let text = "email,licenseId,operation\n\
            add@example.com,L1,add\n\
            swap@example.com,L1,add\n\
            swap@example.com,L2,remove\n\
            give@example.com,L1,remove\n\
            bad,L1,remove\n";
        let numbers: Vec<_> =
            placed(text, Order::RemovesFirst).into_iter().map(|(_, content)| content.map(|c| c.0)).collect();
        assert_eq!(numbers, [Ok(2), Ok(1), Ok(1), Ok(0), Err("BAD_EMAIL")]);
    }

    #[test]
    fn an_unknown_name_is_unknown_at_both_readings() {
        struct Nothing;
        impl LicenseNames for Nothing {
            fn resolve(&mut self, _: &str) -> Result<Resolved, NamesError> {
                Ok(Resolved::Unknown(Some("Messaging".into())))
            }
        }
        let (_keep, input) = file("email,licenseId,license\na@example.com,,Mesaging\na@example.com,L,\n");
        let checked =
            check(&input, &Interpretation::default(), Order::File, &mut Nothing, &mut |_| {}).unwrap();
        assert_eq!(checked.counts().invalid, 1);
        let mut intake = Intake::new(checked, &input).unwrap();
        let first = intake.next().unwrap().unwrap();
        let problem = first.content.unwrap_err().problem;
        assert!(problem.to_string().contains("nearest is 'Messaging'"), "{problem}");
    }

    #[test]
    fn a_file_that_changed_between_the_readings_is_refused() {
        let (keep, input) = file("email,licenseId\na@example.com,L\n");
        let checked =
            check(&input, &Interpretation::default(), Order::File, &mut NamesTaken, &mut |_| {}).unwrap();
        std::fs::write(keep.path(), "email,licenseId\nb@example.com,L\n").unwrap();
        let mut intake = Intake::new(checked, &input).unwrap();
        assert!(matches!(intake.next(), Err(CheckError::Input(InputError::Changed { .. }))));
    }

    #[test]
    fn a_cell_that_asks_for_nothing_and_changed_is_noticed_at_the_end() {
        let (keep, input) = file("email,licenseId,note\na@example.com,L,old\n");
        let check =
            || check(&input, &Interpretation::default(), Order::File, &mut NamesTaken, &mut |_| {}).unwrap();
        let read_again = |checked: Checked| {
            let mut intake = Intake::new(checked, &input).unwrap();
            while intake.next().unwrap().is_some() {}
            intake.finish()
        };
        read_again(check()).unwrap();
        let checked = check();
        std::fs::write(keep.path(), "email,licenseId,note\na@example.com,L,new\n").unwrap();
        assert!(matches!(read_again(checked), Err(InputError::Changed { .. })));
    }

    #[test]
    fn a_header_alone_is_nothing_to_do() {
        let (_keep, input) = file("email,licenseId\n");
        let result = check(&input, &Interpretation::default(), Order::File, &mut NamesTaken, &mut |_| {});
        assert!(matches!(result, Err(CheckError::Input(InputError::NoRows))));
    }
}
