//! What rules between rows make of one user's operations.

use super::super::counts::Demand;
use super::super::cross_row::CrossRow;
use super::super::sending_order::Class;
use super::super::share::Share;
use super::super::sorter::Mark;
use super::super::targets::{TargetKind, TargetNo};
use super::Checker;
use crate::domain::{Action, Line};

impl Checker<'_> {
    /// Judges the operations of one user, target by target.
    pub(super) fn settle_user(&mut self, marks: &[Mark], share: &Share, classes: &mut [Class]) {
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
        let target = TargetNo(first.target);
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
                let calling = self.reader.targets.kind(target) == TargetKind::Calling;
                self.counts.calling_removes += if calling { rows } else { 0 };
            }
        }
    }
}
