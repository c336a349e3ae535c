//! Records out of a byte stream, each with its own bytes and the line it starts on.
//!
//! `csv_core` does the parsing. What it leaves to its caller is done here: the bytes of each record
//! are kept (a failed row is given back as it came), lines are counted over `\n`, `\r\n` and `\r`
//! alike, and a record that does not end within a limit is an error rather than memory.

use std::io::{self, Read};
use std::ops::Range;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::marks::KeptAs;
use super::sheets::WorkbookError;
use crate::domain::{Line, is_invisible};

/// Longest record, in bytes: far above what a row of cells needs, far below what hurts.
pub(super) const LONGEST_RECORD: usize = 1 << 20;
const CHUNK: usize = 1 << 16;

/// Why no record came.
#[derive(Debug)]
pub(super) enum RecordError {
    Read(Line, io::Error),
    TooLong(Line),
    Unclosed(Line),
    TooManyLines,
    Workbook(WorkbookError),
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) line: Line,
    /// Its bytes as they stand in the file, without the line ending.
    pub(super) raw: &'a [u8],
    /// Its cells, unquoted, one behind the other.
    pub(super) cells: &'a [u8],
    /// So many bytes stand between two cells there: none, or the delimiter of a record that is given as it stands.
    pub(super) gap: usize,
    /// The same as text, where it is known to be ASCII without a zero byte.
    pub(super) plain: Option<&'a str>,
    /// Where each cell ends in `cells`.
    pub(super) ends: &'a [usize],
    /// How many line ends are inside it.
    pub(super) breaks: u32,
    /// The cells that hold something else than text, where the file tells them apart, each with its column.
    pub(super) stored: &'a [(u32, KeptAs)],
    /// Whether its program does not show it.
    pub(super) is_hidden: bool,
}

impl<'a> Record<'a> {
    /// Its cells, one after the other.
    pub(super) fn each(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (cells, gap, mut from) = (self.cells, self.gap, 0);
        self.ends.iter().map(move |end| {
            let cell = cells.get(from..*end).unwrap_or_default();
            from = *end + gap;
            cell
        })
    }

    /// Where a cell, counted from 0, lies in `cells`; an empty place where there is none.
    pub(super) fn place(&self, position: usize) -> Range<usize> {
        let before = position.checked_sub(1).map(|before| self.ends.get(before));
        let from = match before {
            None => 0,
            Some(end) => end.map_or(0, |end| end + self.gap),
        };
        from..self.ends.get(position).copied().unwrap_or(from)
    }

    /// How many bytes its cells have.
    pub(super) const fn length(&self) -> usize {
        self.cells.len() - self.gap * self.ends.len().saturating_sub(1)
    }

    /// Its cells as text, where all of them are.
    pub(super) fn texts(&self) -> Option<Vec<&'a str>> {
        self.each().map(|cell| std::str::from_utf8(cell).ok()).collect()
    }

    /// Whether nothing stands in it that can be seen.
    pub(super) fn is_blank(&self) -> bool {
        self.each().all(is_white) && !self.stored.iter().any(|(_, stored)| matches!(stored, KeptAs::Unworked))
    }
}

/// Whether nothing stands there that can be seen.
pub(super) fn is_white(bytes: &[u8]) -> bool {
    let rest = bytes.trim_ascii_start();
    // Nearly every text ends here.
    rest.first().is_none_or(|first| {
        !first.is_ascii_graphic()
            && std::str::from_utf8(rest)
                .is_ok_and(|text| text.chars().all(|c| c.is_whitespace() || is_invisible(c)))
    })
}

pub(super) struct Records<R> {
    source: R,
    parser: Reader,
    delimiter: u8,
    /// Bytes read and not yet given out lie in `buffer[start..filled]`; the parser has seen those
    /// before `fed`.
    buffer: Vec<u8>,
    start: usize,
    fed: usize,
    filled: usize,
    exhausted: bool,
    line: u32,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            parser: Reader::new(),
            delimiter: b',',
            buffer: vec![0; 2 * CHUNK],
            start: 0,
            fed: 0,
            filled: 0,
            exhausted: false,
            line: 1,
            cells: vec![0; 4096],
            ends: vec![0; 64],
        }
    }

    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        // A parser takes longer to build than a short file to read.
        if delimiter == self.delimiter {
            return;
        }
        self.parser = ReaderBuilder::new().delimiter(delimiter).build();
        self.delimiter = delimiter;
    }

    /// The first bytes of the text, without taking them.
    pub(super) fn peek(&mut self) -> Result<&[u8], RecordError> {
        while !self.exhausted && self.filled < CHUNK {
            self.fill()?;
        }
        Ok(self.buffer.get(..self.filled).unwrap_or_default())
    }

    /// The line that the next record would start on.
    pub(super) const fn line(&self) -> Line {
        Line::new(self.line)
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let line = self.line();
        let mut record = Record {
            line,
            raw: &[],
            cells: &[],
            gap: 0,
            plain: None,
            ends: &[],
            breaks: 0,
            stored: &[],
            is_hidden: false,
        };
        let Some((cells, ends)) = self.parse(line)? else { return Ok(None) };
        let raw = self.buffer.get(self.start..self.fed).unwrap_or_default();
        let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
        record.raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        record.cells = self.cells.get(..cells).unwrap_or_default();
        record.ends = self.ends.get(..ends).unwrap_or_default();
        record.breaks = count_line_ends(record.raw);
        self.start += record.raw.len();
        self.line = self.line.checked_add(record.breaks).ok_or(RecordError::TooManyLines)?;
        Ok(Some(record))
    }

    /// Takes records that have no quote in them and are all there, as nearly all are: no rule of CSV is needed for them.
    /// Each is told with its line, its place in the bytes that are given back, and that of its cells' ends in `ends`,
    /// where they are counted from its beginning. Ends before a record that is none of these, or with `most` bytes.
    pub(super) fn take_plain(
        &mut self,
        most: usize,
        ends: &mut Vec<usize>,
        mut each: impl FnMut(Line, Range<usize>, Range<usize>),
    ) -> &[u8] {
        let all = self.buffer.get(self.start..self.filled).unwrap_or_default();
        let mut taken = 0;
        while taken < most {
            let ahead = all.get(taken..).unwrap_or_default();
            let line_end = match ahead {
                [b'\r', b'\n', ..] => 2,
                // What stands behind a `\r` may not have been read.
                [b'\r', _, ..] | [b'\n', ..] => 1,
                [b'\r'] => break,
                _ => 0,
            };
            if line_end > 0 {
                let Some(line) = self.line.checked_add(1) else { break };
                (self.line, taken) = (line, taken + line_end);
                continue;
            }
            let end = memchr::memchr3(b'\n', b'\r', b'"', ahead);
            let Some((raw, rest)) = end.and_then(|end| ahead.split_at_checked(end)) else { break };
            if raw.len() > LONGEST_RECORD || rest.first() == Some(&b'"') {
                break;
            }
            let from = ends.len();
            ends.extend(memchr::memchr_iter(self.delimiter, raw).chain([raw.len()]));
            each(Line::new(self.line), taken..taken + raw.len(), from..ends.len());
            taken += raw.len();
        }
        self.start += taken;
        all.get(..taken).unwrap_or_default()
    }

    /// Runs the parser over one record; `fed` then stands behind it.
    fn parse(&mut self, line: Line) -> Result<Option<(usize, usize)>, RecordError> {
        let (mut cells, mut ends) = (0, 0);
        self.fed = self.start;
        loop {
            if self.fed == self.filled && !self.exhausted {
                self.fill()?;
                continue;
            }
            let input = self.buffer.get(self.fed..self.filled).unwrap_or_default();
            let (result, read, wrote, ended) = self.parser.read_record(
                input,
                self.cells.get_mut(cells..).unwrap_or_default(),
                self.ends.get_mut(ends..).unwrap_or_default(),
            );
            self.fed += read;
            cells += wrote;
            ends += ended;
            if self.fed - self.start > LONGEST_RECORD {
                return Err(RecordError::TooLong(line));
            }
            match result {
                ReadRecordResult::Record if read == 0 && self.is_open() => {
                    return Err(RecordError::Unclosed(line));
                }
                ReadRecordResult::Record => return Ok(Some((cells, ends))),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    /// Whether the record at the end of the file ends inside quotes: the parser says nothing, but
    /// a quote more would then close the last cell rather than lengthen it.
    fn is_open(&self) -> bool {
        let raw = self.buffer.get(self.start..self.fed).unwrap_or_default();
        let quotes = memchr::memchr_iter(b'"', raw).count();
        quotes % 2 == 1 && opens_quoted(raw)
    }

    /// Steps over line ends and blank lines; `false` at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, RecordError> {
        loop {
            if self.start == self.filled {
                if self.exhausted {
                    return Ok(false);
                }
                self.fed = self.start;
                self.fill()?;
                continue;
            }
            // A `\r` at the very end of what was read may be half of a `\r\n`.
            if self.start + 1 == self.filled && !self.exhausted {
                self.fed = self.start;
                self.fill()?;
            }
            let ahead = self.buffer.get(self.start..self.filled).unwrap_or_default();
            let taken = match ahead {
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => return Ok(true),
            };
            self.start += taken;
            self.line = self.line.checked_add(1).ok_or(RecordError::TooManyLines)?;
        }
    }

    /// Reads on, keeping what has not been given out.
    fn fill(&mut self) -> Result<(), RecordError> {
        if self.start > 0 && self.buffer.len() - self.filled < CHUNK {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.fed -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.filled < CHUNK {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        loop {
            match self.source.read(room) {
                Ok(read) => {
                    self.exhausted = read == 0;
                    self.filled += read;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RecordError::Read(self.line(), error)),
            }
        }
    }
}

/// Whether some cell of the raw record begins with a quote.
fn opens_quoted(raw: &[u8]) -> bool {
    memchr::memchr_iter(b'"', raw).any(|at| {
        at.checked_sub(1)
            .and_then(|before| raw.get(before))
            .is_none_or(|byte| matches!(byte, b',' | b';' | b'\t'))
    })
}

fn count_line_ends(raw: &[u8]) -> u32 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', raw)
        .filter(|at| !(raw.get(*at) == Some(&b'\r') && raw.get(at + 1) == Some(&b'\n')))
        .count();
    u32::try_from(ends).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers a text a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(self.0.len()).min(buffer.len());
            buffer[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
        }
    }

    type Seen = Vec<(u32, String, Vec<String>)>;

    fn all(text: &[u8], step: usize) -> Result<Seen, RecordError> {
        let mut records = Records::new(Drip(text, step));
        let mut seen = Vec::new();
        while let Some(record) = records.next()? {
            let cells = record.each().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            seen.push((record.line.get(), String::from_utf8_lossy(record.raw).into_owned(), cells));
        }
        Ok(seen)
    }

    #[test]
    fn lines_are_counted_over_every_kind_of_line_end() {
        let text = b"a,b\r\n\"1\r\nx\",2\r\n\r\n\n3,4\r5,6\n\"7\n\",8";
        for step in 1..9 {
            let lines: Vec<_> =
                all(text, step).unwrap().into_iter().map(|(line, raw, _)| (line, raw)).collect();
            let expected = [(1, "a,b"), (2, "\"1\r\nx\",2"), (6, "3,4"), (7, "5,6"), (8, "\"7\n\",8")];
            let expected: Vec<_> = expected.iter().map(|(line, raw)| (*line, (*raw).to_owned())).collect();
            assert_eq!(lines, expected, "step {step}");
        }
    }

    #[test]
    fn cells_are_unquoted_and_the_raw_bytes_kept() {
        let seen = all(b"\"a\"\"b\",c,\n", 3).unwrap();
        assert_eq!(seen[0].1, "\"a\"\"b\",c,");
        assert_eq!(seen[0].2, ["a\"b", "c", ""]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_an_error_where_it_opens() {
        for text in [&b"a,b\n1,\"2\n3,4\n"[..], b"a,b\n1,\"2", b"a,b\n\"", b"a,b\n1,\"x\"\" y"] {
            assert!(matches!(all(text, 4), Err(RecordError::Unclosed(line)) if line.get() == 2));
        }
        assert!(all(b"a,b\n5\" pipe,2", 4).is_ok());
        assert!(all(b"a,b\n1,\"2\"", 4).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_as_it_stands_is_what_the_parser_makes_of_it(
            text in "[ab\",;\t \r\n\u{e9}]{0,60}",
            delimiter in "[,;\t]",
            step in 1..64_usize,
            most in 0..20_usize,
        ) {
            let with = |takes_plain: bool| {
                let mut records = Records::new(Drip(text.as_bytes(), step));
                records.set_delimiter(delimiter.as_bytes()[0]);
                let mut seen = Vec::new();
                loop {
                    if takes_plain {
                        let (mut ends, mut places) = (Vec::new(), Vec::new());
                        let bytes = records.take_plain(most, &mut ends, |line, raw, ends| places.push((line, raw, ends)));
                        for (line, raw, of) in places {
                            let record = plain(line, &bytes[raw], &ends[of]);
                            seen.push(parts(&record));
                        }
                    }
                    match records.next() {
                        Ok(Some(record)) => seen.push(parts(&record)),
                        Ok(None) => break,
                        Err(_) => return (seen, true),
                    }
                }
                (seen, false)
            };
            proptest::prop_assert_eq!(with(true), with(false));
        }
    }

    /// A record as it stands.
    fn plain<'a>(line: Line, raw: &'a [u8], ends: &'a [usize]) -> Record<'a> {
        let (plain, stored) = (None, &[][..]);
        Record { line, raw, cells: raw, gap: 1, plain, ends, breaks: 0, stored, is_hidden: false }
    }

    type Parts = (Line, Vec<u8>, Vec<Vec<u8>>, u32);

    fn parts(record: &Record<'_>) -> Parts {
        let cells: Vec<_> = record.each().map(<[u8]>::to_vec).collect();
        let placed = |place| &record.cells[record.place(place)];
        assert!((0..cells.len()).all(|place| placed(place) == cells[place]));
        assert!(record.place(cells.len()).is_empty());
        assert_eq!(record.length(), cells.concat().len());
        (record.line, record.raw.to_vec(), cells, record.breaks)
    }

    #[test]
    fn a_record_without_end_is_an_error_and_not_memory() {
        let text = [b"a,b\n1,\"".as_slice(), &vec![b'x'; 3 * LONGEST_RECORD]].concat();
        let mut records = Records::new(&text[..]);
        records.next().unwrap();
        assert!(matches!(records.next(), Err(RecordError::TooLong(line)) if line.get() == 2));
        assert!(records.buffer.len() <= 4 * LONGEST_RECORD);
    }

    #[test]
    fn nothing_but_line_ends_is_no_record() {
        assert!(all(b"", 1).unwrap().is_empty());
        assert!(all(b"\n\r\n\r", 1).unwrap().is_empty());
    }
}
