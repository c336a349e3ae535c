//! Who has to wait for licenses to be given back.

use std::collections::HashMap;

use super::batch::{Batch, Moves};
use crate::domain::{Action, Assignment, Change, LicenseId, Sequence};

/// Keeps a request that adds a license until every removal of it that goes before is settled.
#[derive(Debug)]
pub(super) struct Barrier {
    sequence: Sequence,
    licenses: HashMap<LicenseId, u32>,
}

impl Barrier {
    pub(super) fn new(sequence: Sequence) -> Self {
        Self { sequence, licenses: HashMap::new() }
    }

    const fn is_open(&self) -> bool {
        matches!(self.sequence, Sequence::Free)
    }

    /// What a batch adds and gives back, where that matters.
    pub(super) fn moves(&mut self, assignments: &[Assignment]) -> Option<Moves> {
        if self.is_open() {
            return None;
        }
        let mut moves = Moves::default();
        for operation in assignments.iter().flat_map(|assignment| &assignment.operations) {
            let Change::License(id, _) = &operation.change else { continue };
            let next = u32::try_from(self.licenses.len()).unwrap_or(u32::MAX);
            let number = match self.licenses.get(id) {
                Some(number) => *number,
                None => *self.licenses.entry(id.clone()).or_insert(next),
            };
            let numbers = match operation.action {
                Action::Add => &mut moves.adds,
                Action::Remove => &mut moves.removes,
            };
            if let Err(place) = numbers.binary_search(&number) {
                numbers.insert(place, number);
            }
        }
        Some(moves)
    }

    /// Assignments below this one go before `number`.
    fn floor(&self, number: u32) -> u32 {
        match &self.sequence {
            Sequence::Free => 0,
            Sequence::RemovesFirst => number,
            Sequence::Waves(starts) => {
                let above = starts.partition_point(|start| *start <= number);
                above.checked_sub(1).and_then(|last| starts.get(last)).copied().unwrap_or(0)
            }
        }
    }

    /// Whether it matters which of two batches goes first: in one wave there are units for all, and who fits in none comes
    /// after the last.
    fn may_leave_without(&self, one: &Batch, other: &Batch) -> bool {
        match self.sequence {
            Sequence::Free => false,
            Sequence::RemovesFirst => true,
            Sequence::Waves(_) => self.floor(one.span.first().0) != self.floor(other.span.first().0),
        }
    }

    /// Whether two batches want the same license, in an order that may leave some without.
    pub(super) fn compete(&self, one: &Batch, other: &Batch) -> bool {
        if !self.may_leave_without(one, other) {
            return false;
        }
        let (Some(one), Some(other)) = (&one.cargo.moves, &other.cargo.moves) else { return false };
        one.adds.iter().any(|license| other.adds.binary_search(license).is_ok())
    }

    /// Whether two batches may want the same license, for all that is known of them.
    pub(super) fn may_compete(&self, one: &Batch, other: &Batch) -> bool {
        let is_unknown = |batch: &Batch| batch.cargo.moves.is_none();
        self.compete(one, other)
            || (self.may_leave_without(one, other) && (is_unknown(one) || is_unknown(other)))
    }

    /// How many assignments from `first` on belong together.
    pub(super) fn reach(&self, first: u32) -> u32 {
        let Sequence::Waves(starts) = &self.sequence else { return u32::MAX };
        let above = starts.partition_point(|start| *start <= first);
        starts.get(above).map_or(u32::MAX, |next| next - first)
    }

    /// Whether a batch has to wait for one of these of its organization, which are not settled. Of one that is
    /// not loaded nothing is known: if it is the one that waits, it is let through until it is, and if it is the
    /// other, it is waited for.
    pub(super) fn holds<'a>(
        &self,
        batch: &Batch,
        mut open: impl Iterator<Item = &'a Batch>,
        unsent: Option<u32>,
    ) -> bool {
        let Some(moves) = batch.cargo.moves.as_ref().filter(|moves| !moves.adds.is_empty()) else {
            return false;
        };
        let floor = self.floor(batch.span.first().0);
        let gives = |other: &Batch| {
            other.cargo.moves.as_ref().is_none_or(|theirs| {
                theirs.removes.iter().any(|license| moves.adds.binary_search(license).is_ok())
            })
        };
        unsent.is_some_and(|first| first < floor)
            || open.any(|other| {
                other.lane == batch.lane
                    && other.span != batch.span
                    && other.span.first().0 < floor
                    && gives(other)
            })
    }
}
