//! Sorting what does not fit in memory: one small record an operation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::iter::Peekable;
use std::vec;

use super::row::PatternNo;
use crate::domain::{Action, Item, Line, OperationKey};

/// What the rules across rows need to know of an operation. Sorts by user, target, line, item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) user: u32,
    pub(super) target: u32,
    pub(super) line: u32,
    /// Which of the row's operations, from 1; 0 where `target` is the number of a pattern that stands for all of them.
    pub(super) item: u32,
    /// The slot of the address that the row gave, or [`super::roster::NONE`].
    pub(super) email: u32,
    /// Equal for operations that ask for exactly the same; the lowest bit is the action.
    pub(super) signature: u32,
}

impl Mark {
    /// Whether it gives or takes.
    pub(super) const fn action(&self) -> Action {
        if self.signature & 1 == 0 { Action::Add } else { Action::Remove }
    }

    /// All of a row that asks for what many do.
    pub(super) const fn of_pattern(pattern: PatternNo, user: u32, email: u32, line: Line) -> Self {
        Self { user, target: pattern.0, line: line.get(), item: 0, email, signature: 0 }
    }

    /// The pattern that it stands for, if it does.
    pub(super) fn pattern(&self) -> Option<PatternNo> {
        (self.item == 0).then_some(PatternNo(self.target))
    }

    /// Which operation it is of.
    pub(super) fn key(&self) -> OperationKey {
        OperationKey::new(Line::new(self.line), Item::new(u16::try_from(self.item).unwrap_or(u16::MAX)))
    }
}

const WIDTH: usize = 24;

impl Mark {
    fn encode(self, bytes: &mut Vec<u8>) {
        let words = [self.user, self.target, self.line, self.item, self.email, self.signature];
        bytes.extend_from_slice(words.map(u32::to_le_bytes).as_flattened());
    }

    fn decode(bytes: &[u8; WIDTH]) -> Self {
        let (words, _) = bytes.as_chunks();
        let word = |place: usize| words.get(place).copied().map_or(0, u32::from_le_bytes);
        Self {
            user: word(0),
            target: word(1),
            line: word(2),
            item: word(3),
            email: word(4),
            signature: word(5),
        }
    }
}

/// Collects marks in any order; sorted runs that do not fit in memory go to unnamed files.
#[derive(Debug)]
pub(super) struct Sorter {
    /// Those of the last user, whose rows mostly follow each other.
    open: Vec<Mark>,
    held: Vec<Mark>,
    most: usize,
    runs: Vec<File>,
    /// The last mark of those held, as long as all came in order, user by user: then nothing is left to sort.
    in_order: Option<Mark>,
}

impl Sorter {
    /// Marks held in memory: 6 MB.
    const HELD: usize = 1 << 18;

    pub(super) fn new() -> Self {
        Self::holding(Self::HELD)
    }

    fn holding(most: usize) -> Self {
        let in_order = Some(Mark::default());
        Self { open: Vec::new(), held: Vec::new(), most, runs: Vec::new(), in_order }
    }

    pub(super) fn push(&mut self, mark: Mark) -> io::Result<()> {
        if self.open.first().is_some_and(|first| first.user != mark.user) || self.open.len() == self.most {
            self.hold()?;
        }
        self.open.push(mark);
        Ok(())
    }

    fn hold(&mut self) -> io::Result<()> {
        self.open.sort_unstable();
        if let (Some(last), Some(first)) = (self.in_order, self.open.first()) {
            self.in_order = self.open.last().copied().filter(|_| last <= *first);
        }
        if self.held.len() + self.open.len() > self.most {
            self.spill()?;
        }
        self.held.append(&mut self.open);
        Ok(())
    }

    fn sort_held(&mut self) {
        if self.in_order.is_none() {
            self.held.sort_unstable();
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort_held();
        let mut file = tempfile::tempfile()?;
        let mut bytes = Vec::with_capacity(READ_AT_ONCE * WIDTH);
        for part in self.held.chunks(READ_AT_ONCE) {
            bytes.clear();
            part.iter().for_each(|mark| mark.encode(&mut bytes));
            file.write_all(&bytes)?;
        }
        self.held.clear();
        file.rewind()?;
        self.runs.push(file);
        Ok(())
    }

    /// All marks in order.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        self.hold()?;
        self.sort_held();
        let is_in_order = self.in_order.is_some();
        let mut sources: Vec<SortedRun> = self.runs.into_iter().map(SortedRun::of).collect();
        sources.push(SortedRun { read: self.held.into_iter(), file: None });
        if is_in_order {
            return Ok(Sorted::OneAfterTheOther(sources.into_iter().peekable()));
        }
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (index, source) in sources.iter_mut().enumerate() {
            if let Some(mark) = source.next()? {
                heads.push(Reverse((mark, index)));
            }
        }
        Ok(Sorted::Merged { sources, heads })
    }
}

/// Marks that are read from a run, or written to it, at once: 24 KiB.
const READ_AT_ONCE: usize = 1 << 10;

#[derive(Debug)]
pub(super) struct SortedRun {
    read: vec::IntoIter<Mark>,
    /// Where the others are.
    file: Option<File>,
}

impl SortedRun {
    fn of(file: File) -> Self {
        Self { read: Vec::new().into_iter(), file: Some(file) }
    }

    fn next(&mut self) -> io::Result<Option<Mark>> {
        match (self.read.next(), &self.file) {
            (None, Some(_)) => {
                self.read_on()?;
                Ok(self.read.next())
            }
            (mark, _) => Ok(mark),
        }
    }

    fn read_on(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut bytes = Vec::with_capacity(READ_AT_ONCE * WIDTH);
        file.take((READ_AT_ONCE * WIDTH) as u64).read_to_end(&mut bytes)?;
        let (marks, _) = bytes.as_chunks();
        self.read = marks.iter().map(Mark::decode).collect::<Vec<_>>().into_iter();
        Ok(())
    }
}

/// All marks, out of the runs.
#[derive(Debug)]
pub(super) enum Sorted {
    /// Each run ends before the next one begins.
    OneAfterTheOther(Peekable<vec::IntoIter<SortedRun>>),
    Merged {
        sources: Vec<SortedRun>,
        heads: BinaryHeap<Reverse<(Mark, usize)>>,
    },
}

impl Iterator for Sorted {
    type Item = io::Result<Mark>;

    fn next(&mut self) -> Option<Self::Item> {
        let (sources, heads) = match self {
            Self::OneAfterTheOther(runs) => loop {
                match runs.peek_mut()?.next().transpose() {
                    None => drop(runs.next()),
                    mark => return mark,
                }
            },
            Self::Merged { sources, heads } => (sources, heads),
        };
        let Reverse((mark, index)) = heads.pop()?;
        match sources.get_mut(index).map(SortedRun::next).transpose() {
            Ok(next) => {
                if let Some(next) = next.flatten() {
                    heads.push(Reverse((next, index)));
                }
                Some(Ok(mark))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_spills_comes_back_sorted(
            words in prop::collection::vec(prop::array::uniform6(0u32..9), 0..80),
            most in 1usize..20,
            in_order in any::<bool>(),
        ) {
            let mut marks: Vec<Mark> = words
                .iter()
                .map(|[user, target, line, item, email, signature]| Mark {
                    user: *user, target: *target, line: *line, item: *item, email: *email, signature: *signature,
                })
                .collect();
            if in_order {
                marks.sort_unstable();
            }
            let mut sorter = Sorter::holding(most);
            for mark in &marks {
                sorter.push(*mark).unwrap();
            }
            let sorted: Vec<Mark> = sorter.sorted().unwrap().map(Result::unwrap).collect();
            let mut expected = marks;
            expected.sort_unstable();
            prop_assert_eq!(sorted, expected);
        }
    }
}
