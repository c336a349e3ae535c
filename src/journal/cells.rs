//! The rows' own bytes, many to a compressed block: what repeats from row to row (license IDs,
//! domains, departments) is stored about once a block.

use crate::domain::Line;

/// Bytes gathered before a block is closed: repeats are found within 64 KiB.
const BLOCK: usize = 60 * 1024;

/// Gathers rows into blocks.
#[derive(Debug, Default)]
pub struct Packer {
    plain: Vec<u8>,
    first: Option<Line>,
}

/// A closed block and the line of its first row.
#[derive(Debug)]
pub struct CellBlock {
    pub(super) first: Line,
    pub(super) cells: Vec<u8>,
}

impl Packer {
    /// Adds a row; lines come in rising order. Gives a block back when one is full.
    pub fn push(&mut self, line: Line, cells: &[u8]) -> Option<CellBlock> {
        self.first.get_or_insert(line);
        self.plain.extend_from_slice(&line.get().to_le_bytes());
        // A record is at most a few megabytes long.
        self.plain.extend_from_slice(&u32::try_from(cells.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.plain.extend_from_slice(cells);
        if self.plain.len() >= BLOCK { self.close() } else { None }
    }

    /// The last block, if rows are left.
    pub fn close(&mut self) -> Option<CellBlock> {
        let first = self.first.take()?;
        let cells = lz4_flex::compress_prepend_size(&self.plain);
        self.plain.clear();
        Some(CellBlock { first, cells })
    }
}

/// An opened block.
#[derive(Debug, Default)]
pub(super) struct CellRows {
    plain: Vec<u8>,
}

impl CellRows {
    /// Opens a block; `None` for one that was not made by [`Packer`].
    pub(super) fn open(cells: &[u8]) -> Option<Self> {
        lz4_flex::decompress_size_prepended(cells).ok().map(|plain| Self { plain })
    }

    /// The bytes of the row on this line.
    pub(super) fn get(&self, line: Line) -> Option<&[u8]> {
        let mut rest = self.plain.as_slice();
        loop {
            let (number, after) = rest.split_first_chunk::<4>()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let (cells, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            if u32::from_le_bytes(*number) == line.get() {
                return Some(cells);
            }
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_comes_back_from_its_block() {
        let row = |line: u32| format!("user{line}@example.com,{},x", "LICENSE".repeat(12));
        let mut packer = Packer::default();
        let mut blocks: Vec<CellBlock> =
            (2..2000).filter_map(|line| packer.push(Line::new(line), row(line).as_bytes())).collect();
        blocks.extend(packer.close());
        assert!(blocks.len() > 2);
        let size: usize = blocks.iter().map(|block| block.cells.len()).sum();
        assert!(size * 3 < 2000 * row(1000).len(), "{size}");
        for line in 2..2000 {
            let block = blocks.iter().rev().find(|block| block.first.get() <= line).unwrap();
            let rows = CellRows::open(&block.cells).unwrap();
            assert_eq!(rows.get(Line::new(line)), Some(row(line).as_bytes()));
        }
        assert!(packer.close().is_none());
    }

    #[test]
    fn a_damaged_block_is_no_block() {
        assert!(CellRows::open(b"\xff\xff\xff").is_none());
        assert!(CellRows { plain: vec![1, 0, 0, 0, 9, 0, 0, 0, 7] }.get(Line::new(1)).is_none());
    }
}
