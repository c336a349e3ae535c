//! The sums of blocks of assignments while they are imported, so that few have to be read back.
//!
//! A file's users mostly come in the order of their assignments, and then a block's rows are known, in order, before the
//! next one begins. Where they do not, its sum is not known here and is taken from what was stored. The same goes for the
//! rows' own bytes.

use std::collections::VecDeque;

use rusqlite::types::ValueRef;

use super::blocks::{BLOCK_BITS, BlockOperation};
use super::chain::LinkHash;
use super::encoding::{RowSum, encode};

/// Bytes of a block that are kept before they are summed up. A block that has more is read back.
const MOST: usize = 1 << 20;

/// What is known of the sums of an import's blocks.
#[derive(Debug, Default)]
pub(super) struct BlockSums {
    /// Blocks whose rows go by, in the order of their numbers: users are a little ahead of their operations.
    open: VecDeque<UnsummedBlock>,
    /// Those behind which others have begun.
    closed: Vec<Option<LinkHash>>,
    /// The bytes of one that is closed, for the next.
    spare: Option<UnsummedBlock>,
    /// Nothing is known: assignments were numbered anew.
    is_void: bool,
}

#[derive(Debug, Default)]
struct UnsummedBlock {
    number: u32,
    users: Vec<u8>,
    operations: Vec<u8>,
    last_user: Option<u32>,
    last_operation: Option<(u32, u32, u16)>,
    is_spoiled: bool,
}

impl BlockSums {
    /// A user is stored; `values` as the columns of `assignment` stand in a block.
    pub(super) fn user(&mut self, assignment: u32, values: &[ValueRef<'_>]) {
        let Some(block) = self.block(assignment) else { return };
        block.is_spoiled |= block.last_user.is_some_and(|last| last >= assignment);
        block.last_user = Some(assignment);
        values.iter().for_each(|value| encode(&mut block.users, *value));
        // No attempt was made before.
        encode(&mut block.users, ValueRef::Integer(0));
        block.limit();
    }

    /// An operation is stored.
    pub(super) fn operation(
        &mut self,
        (assignment, line, item): (u32, u32, u16),
        operation: &BlockOperation<'_>,
    ) {
        while self.open.front().is_some_and(|block| block.number < assignment >> BLOCK_BITS) {
            let closed = self.open.pop_front();
            closed.into_iter().for_each(|block| self.close(block));
        }
        let Some(block) = self.block(assignment) else { return };
        let key = (assignment, line, item);
        block.is_spoiled |= block.last_operation.is_some_and(|last| last >= key);
        block.last_operation = Some(key);
        operation.encode(&mut block.operations);
        block.limit();
    }

    /// The row of a user was altered after it had been stored.
    pub(super) fn spoil(&mut self, assignment: u32) {
        self.block(assignment).into_iter().for_each(|block| block.is_spoiled = true);
    }

    /// Assignments are numbered anew.
    pub(super) fn forget(&mut self) {
        self.is_void = true;
    }

    /// The sum of a block, after the last row.
    pub(super) fn sum(&mut self, number: u32) -> Option<LinkHash> {
        while let Some(block) = self.open.pop_front() {
            self.close(block);
        }
        self.closed.get(number as usize).copied().flatten().filter(|_| !self.is_void)
    }

    /// The open block of an assignment. One that is closed is known no more.
    fn block(&mut self, assignment: u32) -> Option<&mut UnsummedBlock> {
        let number = assignment >> BLOCK_BITS;
        if let Some(closed) = self.closed.get_mut(number as usize) {
            *closed = None;
        }
        let last = self.open.back().map(|block| block.number);
        if number as usize >= self.closed.len() && last.is_none_or(|last| last < number) {
            let spare = self.spare.take().unwrap_or_default();
            self.open.push_back(UnsummedBlock { number, ..spare });
        }
        self.open.iter_mut().rev().find(|block| block.number == number)
    }

    fn close(&mut self, block: UnsummedBlock) {
        // Blocks between have no rows.
        self.closed.resize(self.closed.len().max(block.number as usize), None);
        self.closed.push(block.sum());
        self.spare = Some(block.emptied());
    }
}

impl UnsummedBlock {
    fn limit(&mut self) {
        if self.is_spoiled || self.users.len() + self.operations.len() > MOST {
            *self = Self { number: self.number, is_spoiled: true, ..Self::default() };
        }
    }

    fn sum(&self) -> Option<LinkHash> {
        if self.is_spoiled {
            return None;
        }
        let mut sum = RowSum::default();
        sum.encoded_rows(&self.users);
        sum.encoded_rows(&self.operations);
        Some(sum.finish())
    }

    fn emptied(self) -> Self {
        let Self { mut users, mut operations, .. } = self;
        users.clear();
        operations.clear();
        Self { users, operations, ..Self::default() }
    }
}

/// The sum of a table's rows while they are imported, one by one and in the order of their first column.
#[derive(Debug, Default)]
pub(super) struct TableSum {
    sum: RowSum,
    last: Option<u32>,
    is_spoiled: bool,
}

impl TableSum {
    /// A row is stored.
    pub(super) fn row(&mut self, first: u32, rest: ValueRef<'_>) {
        self.is_spoiled |= self.last.is_some_and(|last| last >= first);
        self.last = Some(first);
        if !self.is_spoiled {
            self.sum.row(&[ValueRef::Integer(first.into()), rest]);
        }
    }

    /// What they sum up to, if it is known.
    pub(super) fn finish(mut self) -> Option<LinkHash> {
        self.sum.end();
        (!self.is_spoiled).then(|| self.sum.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(assignment: u32, line: u32) -> BlockOperation<'static> {
        let always = [assignment.into(), line.into(), 1, 1, 0].map(ValueRef::Integer);
        BlockOperation { always, seldom: None }
    }

    #[test]
    fn rows_out_of_order_are_not_summed_up() {
        let in_order = |rows: &[(u32, u32)]| {
            let mut sums = BlockSums::default();
            for (assignment, line) in rows {
                sums.user(*assignment, &[ValueRef::Integer((*assignment).into())]);
                sums.operation((*assignment, *line, 1), &operation(*assignment, *line));
            }
            (0..3).map(|number| sums.sum(number).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(in_order(&[(0, 2), (1, 3), (256, 4), (512, 5)]), [true, true, true]);
        assert_eq!(in_order(&[(1, 2), (0, 3), (256, 4)]), [false, true, false]);
        assert_eq!(in_order(&[(0, 2), (256, 3), (1, 4)]), [false, true, false]);
        assert_eq!(in_order(&[(0, 2), (512, 3)]), [true, false, true]);
    }

    #[test]
    fn a_table_is_summed_up_while_its_rows_come_in_order() {
        let of = |rows: &[u32]| {
            let mut sum = TableSum::default();
            rows.iter().for_each(|row| sum.row(*row, ValueRef::Text(b"cells")));
            sum.finish()
        };
        assert!(of(&[]).is_some() && of(&[2, 7]).is_some());
        assert_ne!(of(&[2, 7]), of(&[2, 8]));
        assert_eq!((of(&[2, 7, 7]), of(&[7, 2])), (None, None));
    }

    #[test]
    fn altered_users_numbers_and_large_blocks_are_not_summed_up() {
        let of = |more: &dyn Fn(&mut BlockSums)| {
            let mut sums = BlockSums::default();
            for assignment in [0, 256] {
                sums.user(assignment, &[ValueRef::Integer(1)]);
                sums.operation((assignment, 2, 1), &operation(assignment, 2));
            }
            more(&mut sums);
            (0..2).map(|number| sums.sum(number).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(of(&|_| ()), [true, true]);
        assert_eq!(of(&|sums| sums.spoil(0)), [false, true]);
        assert_eq!(of(&|sums| sums.spoil(256)), [true, false]);
        assert_eq!(of(&BlockSums::forget), [false, false]);
        let text = "x".repeat(MOST);
        let seldom = Some([ValueRef::Text(text.as_bytes()); 8]);
        let long = BlockOperation { seldom, ..operation(256, 3) };
        assert_eq!(of(&|sums| sums.operation((256, 3, 1), &long)), [true, false]);
    }
}
