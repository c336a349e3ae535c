//! Sorting what does not fit in memory: one small record an operation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::vec;

use crate::domain::{Action, Item, Line, OperationKey};

/// What the rules across rows need to know of an operation. Sorts by user, target, line, item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) user: u32,
    pub(super) target: u32,
    pub(super) line: u32,
    /// Which of the row's operations.
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

    /// Which operation it is of.
    pub(super) fn key(&self) -> OperationKey {
        OperationKey::new(Line::new(self.line), Item::new(u16::try_from(self.item).unwrap_or(u16::MAX)))
    }
}

const WIDTH: usize = 24;

impl Mark {
    fn encode(self) -> [u8; WIDTH] {
        let words = [self.user, self.target, self.line, self.item, self.email, self.signature];
        let mut bytes = [0; WIDTH];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: [u8; WIDTH]) -> Self {
        let mut words = [0; WIDTH / 4];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes(chunk.try_into().unwrap_or_default());
        }
        let [user, target, line, item, email, signature] = words;
        Self { user, target, line, item, email, signature }
    }
}

/// Collects marks in any order; sorted runs that do not fit in memory go to unnamed files.
#[derive(Debug)]
pub(super) struct Sorter {
    held: Vec<Mark>,
    most: usize,
    runs: Vec<File>,
}

impl Sorter {
    /// Marks held in memory: 6 MB.
    const HELD: usize = 1 << 18;

    pub(super) fn new() -> Self {
        Self::holding(Self::HELD)
    }

    fn holding(most: usize) -> Self {
        Self { held: Vec::new(), most, runs: Vec::new() }
    }

    pub(super) fn push(&mut self, mark: Mark) -> io::Result<()> {
        if self.held.len() == self.most {
            self.spill()?;
        }
        self.held.push(mark);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let mut writer = BufWriter::with_capacity(1 << 16, tempfile::tempfile()?);
        for mark in self.held.drain(..) {
            writer.write_all(&mark.encode())?;
        }
        let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        Ok(())
    }

    /// All marks in order.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        self.held.sort_unstable();
        let mut sources: Vec<SortedRun> = self
            .runs
            .into_iter()
            .map(|file| SortedRun::Run(BufReader::with_capacity(1 << 15, file)))
            .collect();
        sources.push(SortedRun::Held(self.held.into_iter()));
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (index, source) in sources.iter_mut().enumerate() {
            if let Some(mark) = source.next()? {
                heads.push(Reverse((mark, index)));
            }
        }
        Ok(Sorted { sources, heads })
    }
}

#[derive(Debug)]
enum SortedRun {
    Held(vec::IntoIter<Mark>),
    Run(BufReader<File>),
}

impl SortedRun {
    fn next(&mut self) -> io::Result<Option<Mark>> {
        match self {
            Self::Held(marks) => Ok(marks.next()),
            Self::Run(reader) => {
                let mut bytes = [0; WIDTH];
                match reader.read_exact(&mut bytes) {
                    Ok(()) => Ok(Some(Mark::decode(bytes))),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// Merges the runs.
#[derive(Debug)]
pub(super) struct Sorted {
    sources: Vec<SortedRun>,
    heads: BinaryHeap<Reverse<(Mark, usize)>>,
}

impl Iterator for Sorted {
    type Item = io::Result<Mark>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((mark, index)) = self.heads.pop()?;
        match self.sources.get_mut(index).map(SortedRun::next).transpose() {
            Ok(next) => {
                if let Some(next) = next.flatten() {
                    self.heads.push(Reverse((next, index)));
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
        ) {
            let marks: Vec<Mark> = words
                .iter()

                .map(|[user, target, line, item, email, signature]| Mark {
                    user: *user, target: *target, line: *line, item: *item, email: *email, signature: *signature,
                })
                .collect();
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
