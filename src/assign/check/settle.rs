//! What rules between rows make of one user's operations.

use super::super::counts::Demand;
use super::super::cross_row::CrossRow;
use super::super::row::{Pattern, PatternNo};
use super::super::sending_order::Class;
use super::super::share::Share;
use super::super::sorter::Mark;
use super::super::targets::{TargetKind, TargetNo};
use super::Checker;
use crate::domain::{Action, Line};

/// The users of whom nothing is asked but what a pattern says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UsersAlike {
    count: u64,
    class: Class,
}

impl Checker<'_> {
    /// Patterns as no user has them yet.
    pub(super) fn users_alike(&self) -> Vec<UsersAlike> {
        let patterns = (0..).map_while(|number| self.reader.pattern(PatternNo(number)));
        let of = |pattern: &Pattern| {
            let acts = |action| pattern.operations.iter().any(|operation| operation.action == action);
            UsersAlike { count: 0, class: Class { adds: acts(Action::Add), removes: acts(Action::Remove) } }
        };
        patterns.map(of).collect()
    }

    /// The marks of a row's operations, where one stands for all of them.
    pub(super) fn marks_of(&self, mark: Mark) -> Vec<Mark> {
        let Some(pattern) = mark.pattern() else { return vec![mark] };
        let operations = self.reader.pattern(pattern).map_or(&[][..], |pattern| &pattern.operations);
        let each = (1..).zip(operations);
        each.map(|(item, operation)| Mark {
            target: operation.target.0,
            item,
            signature: operation.signature(),
            ..mark
        })
        .collect()
    }

    /// Judges the operations of one user, target by target.
    pub(super) fn settle_user(&mut self, marks: &[Mark], share: &Share, classes: &mut [Class]) {
        match marks {
            [mark] if mark.pattern().is_some() => self.settle_alike(mark, share, classes),
            marks if marks.iter().any(|mark| mark.pattern().is_some()) => {
                let mut each: Vec<Mark> = marks.iter().flat_map(|mark| self.marks_of(*mark)).collect();
                each.sort_unstable();
                self.settle_each(&each, share, classes);
            }
            marks => self.settle_each(marks, share, classes),
        }
    }

    /// No rule between operations has anything to say of a pattern's, and there are no others.
    fn settle_alike(&mut self, mark: &Mark, share: &Share, classes: &mut [Class]) {
        let place = mark.pattern().map_or(usize::MAX, |pattern| pattern.0 as usize);
        let Some(alike) = self.alike.get_mut(place).filter(|_| share.has(mark.user)) else { return };
        alike.count += 1;
        if let Some(class) = classes.get_mut(mark.user as usize) {
            *class = alike.class;
        }
    }

    /// Counts what is asked of the users of patterns.
    pub(super) fn settle_patterns(&mut self) {
        for (number, alike) in (0..).zip(std::mem::take(&mut self.alike)) {
            let Some(pattern) = self.reader.pattern(PatternNo(number)) else { return };
            let asked: Vec<_> =
                pattern.operations.iter().map(|operation| (operation.target, operation.action)).collect();
            asked.into_iter().for_each(|(target, action)| self.ask(target, action, alike.count, alike.count));
        }
    }

    fn settle_each(&mut self, marks: &[Mark], share: &Share, classes: &mut [Class]) {
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
            return groups().for_each(|group| self.settle(group, share, classes));
        };
        for group in groups() {
            if at_odds(&group) {
                self.settle(group, share, classes);
            } else {
                group.iter().for_each(|mark| self.find(mark.key(), CrossRow::UserLeftOut { other }));
            }
        }
    }

    /// Judges the operations of one user on one target, in file order.
    fn settle(&mut self, group: &[Mark], share: &Share, classes: &mut [Class]) {
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
        if !share.has(first.user) {
            return;
        }
        for mark in group.iter().skip(1) {
            self.find(mark.key(), CrossRow::DuplicateOf(first.key()));
        }
        let rows = group.len() as u64;
        if let Some(class) = classes.get_mut(first.user as usize) {
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
