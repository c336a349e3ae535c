//! What rules between rows make of each user's operations, once all rows have gone by.

use std::collections::HashMap;
use std::io;

use super::super::counts::{Counts, Demand};
use super::super::cross_row::CrossRow;
use super::super::gathering::Census;
use super::super::roster::Roster;
use super::super::row::{Pattern, PatternNo, RowOperation, RowReader};
use super::super::sending_order::{Class, Organizations, SendingOrder};
use super::super::share::Share;
use super::super::sorter::{Mark, Sorter};
use super::super::targets::{TargetKind, TargetNo};
use super::Checked;
use crate::domain::{Action, Line, OperationKey, Order};
use crate::input::Layout;

/// The users of whom nothing is asked but what a pattern says.
#[derive(Debug, Clone, Copy)]
struct UsersAlike {
    count: u64,
    class: Class,
}

/// Patterns as no user has them yet, in the order of their numbers.
fn users_alike(reader: &RowReader) -> Vec<UsersAlike> {
    let of = |pattern: &Pattern| {
        let acts = |action| pattern.operations.iter().any(|operation| operation.action == action);
        UsersAlike { count: 0, class: Class { adds: acts(Action::Add), removes: acts(Action::Remove) } }
    };
    (0..).map_while(|number| reader.pattern(PatternNo(number))).map(of).collect()
}

/// Judges what was gathered.
pub(super) struct Settler {
    reader: RowReader,
    counts: Counts,
    roster: Roster,
    sorter: Sorter,
    orgs: Organizations,
    findings: Vec<(OperationKey, CrossRow)>,
    ambiguous: HashMap<u32, CrossRow>,
    shared: HashMap<u32, Line>,
    /// By users' own slots.
    refused: HashMap<u32, Line>,
    share: Share,
    /// By slot.
    classes: Vec<Class>,
    /// What is asked of each target, by its number.
    demand: Vec<Demand>,
    /// By the number of the pattern.
    alike: Vec<UsersAlike>,
}

impl Settler {
    pub(super) fn new(reader: RowReader, counts: Counts, census: Census) -> Self {
        let Census { roster, sorter, orgs, findings, ambiguous, shared, refused, everything } = census;
        // Of what turned out to be one user, the first line counts.
        let mut by_user = HashMap::with_capacity(refused.len());
        for (slot, line) in refused {
            let first = by_user.entry(roster.canonical(slot)).or_insert(line);
            *first = line.min(*first);
        }
        Self {
            share: Share::of(reader.how.partition, &roster, &orgs),
            classes: vec![Class::default(); roster.len()],
            demand: vec![Demand::default(); reader.targets.all().len()],
            alike: users_alike(&reader),
            refused: by_user,
            counts: Counts { everything, ..counts },
            reader,
            roster,
            sorter,
            orgs,
            findings,
            ambiguous,
            shared,
        }
    }

    /// Judges all operations, and numbers the assignments.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn settled(mut self, order: Order, layout: Layout, sha256: String) -> io::Result<Checked> {
        let mut of_user = Vec::<Mark>::new();
        for mark in self.by_user()?.sorted()? {
            let mark = mark?;
            if let Some(finding) = self.contradiction(&mark) {
                self.each(mark).iter().for_each(|mark| self.find(mark.key(), finding));
                continue;
            }
            if of_user.first().is_some_and(|first| first.user != mark.user) {
                self.user(&of_user);
                of_user.clear();
            }
            of_user.push(mark);
        }
        self.user(&of_user);
        self.patterns();
        let sending_order = SendingOrder::new(&self.roster, self.orgs, &self.classes, order);
        self.counts.assignments = sending_order.assignments();
        self.findings.sort_unstable_by_key(|(key, _)| *key);
        Ok(Checked {
            reader: self.reader,
            roster: self.roster,
            share: self.share,
            sending_order,
            findings: self.findings,
            demand: self.demand,
            layout,
            positions: Vec::new(),
            sha256,
            counts: self.counts,
        })
    }

    fn find(&mut self, key: OperationKey, finding: CrossRow) {
        if matches!(finding, CrossRow::UserLeftOut { .. }) {
            self.counts.left_out += 1;
        }
        if matches!(finding, CrossRow::DuplicateOf(_)) {
            self.counts.repeated += 1;
        }
        self.findings.push((key, finding));
    }

    /// Why nothing is sent of this operation's user, if nothing is.
    fn contradiction(&self, mark: &Mark) -> Option<CrossRow> {
        if let Some(contradiction) = self.ambiguous.get(&mark.email) {
            return Some(*contradiction);
        }
        if let Some(other) = self.shared.get(&mark.user) {
            return Some(CrossRow::TwoEmails { other: *other });
        }
        let other = self.refused.get(&mark.user)?;
        Some(CrossRow::UserLeftOut { other: *other })
    }

    /// Marks made before an address was tied go to the user it turned out to be.
    fn by_user(&mut self) -> io::Result<Sorter> {
        let sorter = std::mem::replace(&mut self.sorter, Sorter::new());
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

    /// The marks of a row's operations, where one stands for all of them.
    fn each(&self, mark: Mark) -> Vec<Mark> {
        let Some(pattern) = mark.pattern() else { return vec![mark] };
        let operations = self.reader.pattern(pattern).map_or(&[][..], |pattern| &pattern.operations);
        let of = |(item, operation): (u32, &RowOperation)| Mark {
            target: operation.target.0,
            item,
            signature: operation.signature(),
            ..mark
        };
        (1..).zip(operations).map(of).collect()
    }

    /// Judges what is asked of one user.
    fn user(&mut self, marks: &[Mark]) {
        match marks {
            [mark] if mark.pattern().is_some() => self.user_alike(mark),
            marks if marks.iter().any(|mark| mark.pattern().is_some()) => {
                let mut each: Vec<Mark> = marks.iter().flat_map(|mark| self.each(*mark)).collect();
                each.sort_unstable();
                self.operations(&each);
            }
            marks => self.operations(marks),
        }
    }

    /// No rule between operations has anything to say of a pattern's, and there are no others.
    fn user_alike(&mut self, mark: &Mark) {
        let place = mark.pattern().map_or(usize::MAX, |pattern| pattern.0 as usize);
        let Some(alike) = self.alike.get_mut(place).filter(|_| self.share.has(mark.user)) else { return };
        alike.count += 1;
        if let Some(class) = self.classes.get_mut(mark.user as usize) {
            *class = alike.class;
        }
    }

    /// Counts what is asked of the users of patterns.
    fn patterns(&mut self) {
        for (number, alike) in (0..).zip(std::mem::take(&mut self.alike)) {
            let Some(pattern) = self.reader.pattern(PatternNo(number)) else { return };
            let asked: Vec<_> =
                pattern.operations.iter().map(|operation| (operation.target, operation.action)).collect();
            asked.into_iter().for_each(|(target, action)| self.ask(target, action, alike.count, alike.count));
        }
    }

    /// Judges the operations of one user, target by target.
    fn operations(&mut self, marks: &[Mark]) {
        let targets = &self.reader.targets;
        let mut named = marks.iter().filter_map(|mark| targets.organization(TargetNo(mark.target)));
        let first = named.next();
        if named.any(|organization| Some(organization) != first) {
            return marks.iter().for_each(|mark| self.find(mark.key(), CrossRow::LicensesOfTwoOrganizations));
        }
        let groups = || marks.chunk_by(|a, b| a.target == b.target);
        let at_odds = |group: &&[Mark]| {
            group.iter().any(|mark| group.first().is_some_and(|first| mark.signature != first.signature))
        };
        // Nothing is sent for a user of whom something cannot be.
        let Some(other) =
            groups().find(at_odds).and_then(|group| group.first()).map(|mark| Line::new(mark.line))
        else {
            return groups().for_each(|group| self.target(group));
        };
        for group in groups() {
            if at_odds(&group) {
                self.target(group);
            } else {
                group.iter().for_each(|mark| self.find(mark.key(), CrossRow::UserLeftOut { other }));
            }
        }
    }

    /// Judges the operations of one user on one target, in file order.
    fn target(&mut self, group: &[Mark]) {
        let Some(first) = group.first() else { return };
        if let Some(other) = group.iter().find(|mark| mark.signature != first.signature) {
            let opposite = group.iter().any(|mark| mark.action() != first.action());
            for mark in group {
                // Each against the nearest to the front that differs from it.
                let against = if mark.signature == first.signature { other } else { first };
                let other = Line::new(against.line);
                let finding = if opposite {
                    CrossRow::AddAndRemove { other }
                } else {
                    CrossRow::ConflictingProperties { other }
                };
                self.find(mark.key(), finding);
            }
            return;
        }
        // What cannot be sent is told of the whole file, what can be is counted of one's own part.
        if !self.share.has(first.user) {
            return;
        }
        for mark in group.iter().skip(1) {
            self.find(mark.key(), CrossRow::DuplicateOf(first.key()));
        }
        let rows = group.len() as u64;
        if let Some(class) = self.classes.get_mut(first.user as usize) {
            match first.action() {
                Action::Add => class.adds = true,
                Action::Remove => class.removes = true,
            }
        }
        self.ask(TargetNo(first.target), first.action(), 1, rows);
    }

    /// Counts what so many users are to get of a target or to give back, in so many rows.
    fn ask(&mut self, target: TargetNo, action: Action, users: u64, rows: u64) {
        let mut nowhere = Demand::default();
        let demand = self.demand.get_mut(target.0 as usize).unwrap_or(&mut nowhere);
        match action {
            Action::Add => {
                demand.adds += users;
                self.counts.adds += rows;
            }
            Action::Remove => {
                demand.removes += users;
                self.counts.removes += rows;
                let calling = self.reader.targets.kind(target) == TargetKind::Calling;
                self.counts.calling_removes += if calling { rows } else { 0 };
            }
        }
    }
}
