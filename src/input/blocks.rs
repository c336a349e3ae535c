//! Records read ahead: one thread takes the file apart while another looks at its rows.
//!
//! A file that fits into one block is read where it is asked for, without a thread.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use super::marks::KeptAs;
use super::records::{Record, RecordError, Records};
use crate::domain::Line;

/// A block is handed on once its records have so many bytes.
const FULL: usize = 1 << 16;
/// So many blocks may wait.
const WAITING: usize = 4;

/// Where records come from.
pub(super) trait Source {
    /// The next record; `None` at the end.
    fn next(&mut self) -> Result<Option<Record<'_>>, RecordError>;

    /// Puts records into a block that can be taken as they stand, as far as there are such.
    fn take_plain(&mut self, _: &mut Block) {}
}

impl<R: Read> Source for Records<R> {
    fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        Self::next(self)
    }

    fn take_plain(&mut self, block: &mut Block) {
        let Block { bytes, ends, places, .. } = block;
        let before = bytes.len();
        let most = FULL.saturating_sub(before);
        let taken = self.take_plain(most, ends, |line, raw, ends| {
            let raw = before + raw.start..before + raw.end;
            places.push(RecordPlace {
                line,
                cells: raw.clone(),
                raw,
                gap: 1,
                ends,
                stored: 0..0,
                breaks: 0,
                is_hidden: false,
            });
        });
        // All at once: one after the other takes far longer where both places lie alike in their pages.
        bytes.extend_from_slice(taken);
    }
}

/// Records one after the other, in memory of their own.
#[derive(Default)]
pub(super) struct Block {
    /// Their bytes as they stand, and behind them the cells where these are others.
    bytes: Vec<u8>,
    /// The same in their stead, where all of them are plain text.
    plain: Option<String>,
    ends: Vec<usize>,
    stored: Vec<(u32, KeptAs)>,
    places: Vec<RecordPlace>,
}

/// Where a record's parts lie in its block.
struct RecordPlace {
    line: Line,
    raw: Range<usize>,
    cells: Range<usize>,
    gap: usize,
    ends: Range<usize>,
    stored: Range<usize>,
    breaks: u32,
    is_hidden: bool,
}

impl Block {
    /// An empty one, with room for what it takes unless the last record is a long one.
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(FULL + FULL / 16), ..Self::default() }
    }

    /// Takes records until it is full, and looks what their text is; `false` at the end of the file.
    fn fill(&mut self, records: &mut impl Source) -> Result<bool, RecordError> {
        let filled = self.take(records);
        if self.bytes.is_ascii() && memchr::memchr(0, &self.bytes).is_none() {
            self.plain = String::from_utf8(std::mem::take(&mut self.bytes)).ok();
        }
        filled
    }

    fn take(&mut self, records: &mut impl Source) -> Result<bool, RecordError> {
        loop {
            records.take_plain(self);
            if self.bytes.len() >= FULL {
                return Ok(true);
            }
            let Some(record) = records.next()? else { return Ok(false) };
            let raw = append(&mut self.bytes, record.raw);
            self.places.push(RecordPlace {
                line: record.line,
                raw,
                cells: append(&mut self.bytes, record.cells),
                gap: record.gap,
                ends: append(&mut self.ends, record.ends),
                stored: append(&mut self.stored, record.stored),
                breaks: record.breaks,
                is_hidden: record.is_hidden,
            });
        }
    }

    fn get(&self, number: usize) -> Option<Record<'_>> {
        let RecordPlace { line, raw, cells, gap, ends, stored, breaks, is_hidden } =
            self.places.get(number)?;
        let plain = self.plain.as_deref();
        let bytes = plain.map_or(&*self.bytes, str::as_bytes);
        Some(Record {
            line: *line,
            raw: bytes.get(raw.clone())?,
            cells: bytes.get(cells.clone())?,
            gap: *gap,
            plain: plain.and_then(|plain| plain.get(cells.clone())),
            ends: self.ends.get(ends.clone())?,
            breaks: *breaks,
            stored: self.stored.get(stored.clone())?,
            is_hidden: *is_hidden,
        })
    }
}

fn append<T: Copy>(all: &mut Vec<T>, more: &[T]) -> Range<usize> {
    let from = all.len();
    all.extend_from_slice(more);
    from..all.len()
}

/// The records of a file, in file order.
pub(super) struct Blocks {
    block: Block,
    /// So many of the block's records have been given out.
    next: usize,
    coming: Receiver<Result<Block, RecordError>>,
    reader: Option<JoinHandle<()>>,
}

impl Blocks {
    /// Reads the first block, and begins to read the others on a thread of their own.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn new<R: Read + Send + 'static>(mut records: Records<R>) -> io::Result<Self> {
        let (sender, coming) = mpsc::sync_channel(WAITING);
        let more = hand_on(&mut records, &sender);
        let reader = more.then(|| spawned(move || while hand_on(&mut records, &sender) {}));
        Ok(Self { block: Block::default(), next: 0, coming, reader: reader.transpose()? })
    }

    /// Reads records on a thread of their own, where they are opened too.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn apart(read: impl FnOnce(Sink) + Send + 'static) -> io::Result<Self> {
        let (sender, coming) = mpsc::sync_channel(WAITING);
        let reader = spawned(move || read(Sink(sender)))?;
        Ok(Self { block: Block::default(), next: 0, coming, reader: Some(reader) })
    }

    /// Goes on to the next record; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, RecordError> {
        while self.next == self.block.places.len() {
            let Some(block) = self.receive()? else { return Ok(false) };
            (self.block, self.next) = (block, 0);
        }
        self.next += 1;
        Ok(true)
    }

    /// The record that was gone on to last.
    pub(super) fn current(&self) -> Option<Record<'_>> {
        self.block.get(self.next.checked_sub(1)?)
    }

    /// The records that are next and have been read already, without taking them.
    pub(super) fn ahead(&mut self) -> Result<impl Iterator<Item = Record<'_>>, RecordError> {
        while self.next == self.block.places.len() {
            let Some(block) = self.receive()? else { break };
            (self.block, self.next) = (block, 0);
        }
        Ok((self.next..self.block.places.len()).filter_map(|number| self.block.get(number)))
    }

    fn receive(&mut self) -> Result<Option<Block>, RecordError> {
        if let Ok(received) = self.coming.recv() {
            return received.map(Some);
        }
        // The reader is done. Had it panicked, what came would look like a shorter file.
        if let Some(Err(panic)) = self.reader.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        Ok(None)
    }
}

fn spawned(read: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("rows".to_owned()).spawn(read)
}

/// Takes records from the thread that reads them.
pub(super) struct Sink(SyncSender<Result<Block, RecordError>>);

impl Sink {
    /// Takes all of them.
    pub(super) fn take_all(&self, source: &mut impl Source) {
        while hand_on(source, &self.0) {}
    }

    /// Takes the news that there are none.
    pub(super) fn refuse(&self, error: RecordError) {
        // Nobody waits any more where it cannot be sent.
        let _ = self.0.send(Err(error));
    }
}

/// Reads a block and hands it on; `false` where nothing more is to be read.
fn hand_on(records: &mut impl Source, sender: &SyncSender<Result<Block, RecordError>>) -> bool {
    let mut block = Block::new();
    let filled = block.fill(records);
    // What stands before an error is a row still.
    let wanted = sender.send(Ok(block)).is_ok();
    match filled {
        Ok(more) => more && wanted,
        Err(error) => {
            // Nobody waits any more where it cannot be sent.
            let _ = sender.send(Err(error));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks<R: Read + Send + 'static>(source: R) -> Blocks {
        Blocks::new(Records::new(source)).unwrap()
    }

    fn lines_until_the_end(blocks: &mut Blocks) -> (u32, Option<RecordError>) {
        let mut last = 0;
        loop {
            match blocks.advance() {
                Ok(true) => {
                    let record = blocks.current().unwrap();
                    last += 1;
                    assert_eq!(record.line.get(), last);
                    assert_eq!(record.raw, format!("user{last}@example.com,\"L\"").as_bytes());
                    assert_eq!(record.cells, format!("user{last}@example.comL").as_bytes());
                    assert_eq!(record.ends, [record.cells.len() - 1, record.cells.len()]);
                }
                Ok(false) => return (last, None),
                Err(error) => return (last, Some(error)),
            }
        }
    }

    fn text(rows: u32) -> String {
        (1..=rows).map(|row| format!("user{row}@example.com,\"L\"\n")).collect()
    }

    #[test]
    fn records_of_many_blocks_come_whole_and_in_order() {
        for rows in [0, 1, 20_000] {
            let mut blocks = blocks(io::Cursor::new(text(rows)));
            assert_eq!(blocks.reader.is_some(), rows > 1);
            assert!(matches!(lines_until_the_end(&mut blocks), (last, None) if last == rows));
            assert!(matches!(blocks.advance(), Ok(false)));
        }
    }

    #[test]
    fn an_error_comes_after_the_records_before_it() {
        for rows in [3, 20_000] {
            let mut blocks = blocks(io::Cursor::new(text(rows) + "\"never closed"));
            let (last, error) = lines_until_the_end(&mut blocks);
            assert_eq!(last, rows);
            assert!(matches!(error, Some(RecordError::Unclosed(line)) if line.get() == rows + 1));
        }
    }

    /// A source that panics once it has been read to its end.
    struct Trap(io::Cursor<String>);

    impl Read for Trap {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            assert!(read > 0, "the trap closes");
            Ok(read)
        }
    }

    #[test]
    #[should_panic(expected = "the trap closes")]
    fn a_reader_that_panics_does_not_look_like_the_end_of_the_file() {
        lines_until_the_end(&mut blocks(Trap(io::Cursor::new(text(20_000)))));
    }

    #[test]
    fn a_reader_whose_records_are_not_wanted_ends() {
        let mut blocks = blocks(Endless);
        let reader = blocks.reader.take().unwrap();
        drop(blocks);
        reader.join().unwrap();
    }

    struct Endless;

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let lines = buffer.chunks_exact_mut(4);
            let read = lines.len() * 4;
            lines.for_each(|line| line.copy_from_slice(b"c,d\n"));
            Ok(read)
        }
    }
}
