//! Rows of services that look alike: what came of the first of them holds for all of them.
//!
//! Of a hundred thousand people most have what many others have. What their cells ask for is found out once, and the
//! rules across rows are asked once what they make of it.

use std::collections::HashMap;

use super::super::targets::{TargetNo, Targets};
use super::RowOperation;
use crate::domain::Properties;
use crate::input::Row;

/// So many operations of patterns are kept in all, and so many bytes of cells.
const MOST_OPERATIONS: usize = 1 << 14;
const MOST_BYTES: usize = 1 << 20;

/// The number of a pattern within one file, dense from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PatternNo(pub(crate) u32);

/// What cells of services ask for of any user.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Each of another target, all of one organization, none with a number.
    pub(crate) operations: Vec<RowOperation>,
    /// `FALSE` cells that ask for nothing.
    pub(super) left_alone: u64,
}

/// The patterns of a file.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// The first column of a service and the last one, where no other stands between them.
    span: Option<(usize, usize)>,
    numbers: HashMap<Box<str>, PatternNo, foldhash::fast::RandomState>,
    all: Vec<Pattern>,
    operations: usize,
    bytes: usize,
}

impl Patterns {
    /// `positions` of the columns of services, in their order.
    pub(super) fn of(positions: impl Iterator<Item = usize>) -> Self {
        let positions: Vec<usize> = positions.collect();
        let span = match positions.as_slice() {
            [first, .., last] if last - first + 1 == positions.len() => Some((*first, *last)),
            _ => None,
        };
        Self { span, ..Self::default() }
    }

    /// The row's cells of services, where they can be compared as they stand.
    pub(super) fn cells<'a>(&self, row: &Row<'a>) -> Option<&'a str> {
        let (first, last) = self.span?;
        row.as_they_stand(first, last)
    }

    /// What these cells ask for, where it is known.
    pub(super) fn find(&self, cells: &str) -> Option<PatternNo> {
        self.numbers.get(cells).copied()
    }

    pub(super) fn get(&self, number: PatternNo) -> Option<&Pattern> {
        self.all.get(number.0 as usize)
    }

    /// Keeps what came of a row in which nothing was wrong, unless it depends on more than these cells.
    pub(super) fn keep(
        &mut self,
        cells: &str,
        left_alone: u64,
        operations: &[RowOperation],
        targets: &Targets,
    ) {
        let fits =
            self.operations + operations.len() <= MOST_OPERATIONS && self.bytes + cells.len() <= MOST_BYTES;
        let are_bare = operations.iter().all(|operation| operation.properties == Properties::default());
        if !fits || !are_bare || !are_apart(operations, targets) {
            return;
        }
        let Ok(number) = u32::try_from(self.all.len()) else { return };
        self.operations += operations.len();
        self.bytes += cells.len();
        self.all.push(Pattern { operations: operations.to_vec(), left_alone });
        self.numbers.insert(cells.into(), PatternNo(number));
    }
}

/// Whether rules between one user's operations have nothing to say of these: no two are of one target, and all
/// licenses that say it are of one organization.
fn are_apart(operations: &[RowOperation], targets: &Targets) -> bool {
    let mut numbers: Vec<TargetNo> = operations.iter().map(|operation| operation.target).collect();
    numbers.sort_unstable();
    let mut named = numbers.iter().filter_map(|target| targets.organization(*target));
    let first = named.next();
    named.all(|organization| Some(organization) == first)
        && numbers.is_sorted_by(|one, next| one < next)
        && !numbers.contains(&TargetNo::EVERYTHING)
}
