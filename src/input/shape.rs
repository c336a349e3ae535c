//! Whether a record is a row of its file, and what has become of it where it is not.

use std::borrow::Cow;
use std::fmt;

use super::Encoding;
use super::header::ColumnNames;
use super::likeness::Likeness;
use super::records::{Record, Records, is_white};

/// Why a row's cells cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// More cells than the header, and not only empty ones.
    #[error("the row has {found} cells, the header has {expected}{shift}")]
    Ragged {
        /// Cells in the row.
        found: usize,
        /// Cells in the header.
        expected: usize,
        /// What seems to have moved them.
        shift: Shift,
    },
    /// Separated by something else than the rest of the file.
    #[error("the row's cells are separated by {}, those of the file by {}", delimiter_name(*other), delimiter_name(*delimiter))]
    OtherDelimiter {
        /// The file's.
        delimiter: u8,
        /// The row's.
        other: u8,
    },
    /// A quote has swallowed rows.
    #[error("a quote opens in cell {cell} and closes {breaks} {} further down, and what it swallows looks like rows of this file", lines(*breaks))]
    SwallowedRows {
        /// Position of the cell, from 1.
        cell: usize,
        /// So many line ends are inside it.
        breaks: u32,
    },
    /// The header once more.
    #[error("this is the header again; two files seem to have been put together")]
    HeaderAgain,
    /// A zero byte, the mark of a damaged or binary file.
    #[error("cell {cell} holds a NUL byte")]
    Nul {
        /// Position of the cell, from 1.
        cell: usize,
    },
    /// Bytes that are no text.
    #[error("cell {cell} is not {encoding} text, from its character {character} on{}", may_be(*perhaps))]
    NotText {
        /// Position of the cell, from 1.
        cell: usize,
        /// Position of the first character in it that is none, from 1.
        character: usize,
        /// How it was read.
        encoding: Encoding,
        /// What its bytes look like.
        perhaps: Option<Likeness>,
    },
    /// Text of one byte a character, read as two bytes a character.
    #[error(
        "cell {cell} was written with one byte per character, in a file of {encoding}, which has two: some program has appended rows without asking how the file is encoded"
    )]
    OneByte {
        /// Position of the cell, from 1.
        cell: usize,
        /// How it was read.
        encoding: Encoding,
    },
}

impl RowFault {
    /// The cell that is at fault, counted from 0; none where all of the row is.
    #[must_use]
    pub const fn cell(&self) -> Option<usize> {
        match self {
            Self::SwallowedRows { cell, .. }
            | Self::Nul { cell }
            | Self::NotText { cell, .. }
            | Self::OneByte { cell, .. } => cell.checked_sub(1),
            Self::Ragged { shift: Shift::Backslash { cell } | Shift::Split { cell }, .. } => {
                cell.checked_sub(1)
            }
            _ => None,
        }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Ragged { shift: Shift::Backslash { .. }, .. } => {
                "put quotes around the whole cell and take the backslash out: \"Smith, Barney\""
            }
            Self::Ragged { .. } => {
                "put quotes around a cell that holds the delimiter, or take the extra cells out"
            }
            Self::OtherDelimiter { .. } => "use one delimiter in all of the file",
            Self::SwallowedRows { .. } => {
                "take the quote out where it does not belong, or write it twice (\"\") where it belongs to the text"
            }
            Self::HeaderAgain => "take this line out",
            Self::Nul { .. } => {
                "export the file again; if a program has appended rows in UTF-16, as PowerShell's >> does, write all of it in one \
                 encoding"
            }
            Self::OneByte { .. } => {
                "write the whole file in one encoding; in PowerShell, append with the -Encoding that the file has"
            }
            Self::NotText { perhaps: Some(Likeness::Encoding(encoding)), .. } => {
                return format!(
                    "say --encoding {} if it is that, and check whether names read as they should; or save the file again as CSV \
                     in UTF-8",
                    encoding.label()
                )
                .into();
            }
            Self::NotText { perhaps: Some(Likeness::Dos), .. } => {
                "save the file again as CSV in UTF-8 with the program that wrote it, or have Excel read it (Data, From \
                 Text/CSV, File Origin 850) and save it as CSV UTF-8"
            }
            Self::NotText { .. } => {
                "save the file again as CSV in UTF-8, or name its encoding with --encoding, as in --encoding windows-1252"
            }
        })
    }
}

/// What seems to have moved a row's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// A backslash before a delimiter, which other programs take for a part of the cell.
    Backslash {
        /// Position of the cell that ends with it, from 1.
        cell: usize,
    },
    /// A delimiter with a blank behind it, as in text.
    Split {
        /// Position of the cell before it, from 1.
        cell: usize,
    },
    /// Nothing that can be seen.
    Unknown,
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backslash { cell } => {
                write!(
                    f,
                    "; the backslash at the end of cell {cell} does not keep the delimiter behind it in the cell"
                )
            }
            Self::Split { cell } => {
                write!(f, "; cells {cell} and {} look like one that holds the delimiter", cell + 1)
            }
            Self::Unknown => Ok(()),
        }
    }
}

fn may_be(perhaps: Option<Likeness>) -> String {
    perhaps.map_or_else(String::new, |likeness| format!("; its bytes look like {likeness}"))
}

const fn lines(count: u32) -> &'static str {
    if count == 1 { "line" } else { "lines" }
}

/// As people call it.
pub(super) const fn delimiter_name(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "bars",
        _ => "other signs",
    }
}

/// The longest name of a column in which digits may stand, in bytes. Webex IDs are longer.
const LONGEST_NAME: usize = 64;

/// How a record compares with the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Row,
    /// Cells are missing at its end.
    Short,
    /// Empty cells too many at its end.
    Long,
    Faulty(RowFault),
    /// A header of other columns: another file begins.
    OtherHeader,
}

/// What a record must be to be a row.
#[derive(Debug)]
pub(super) struct Mold {
    width: usize,
    delimiter: u8,
    /// Its cells, in small letters.
    header: Vec<Vec<u8>>,
    /// So many bytes they have.
    length: usize,
}

impl Mold {
    pub(super) fn new(header: &Record<'_>, delimiter: u8) -> Self {
        let cells = header.each().map(<[u8]>::to_ascii_lowercase).collect();
        Self { width: header.ends.len(), delimiter, header: cells, length: header.length() }
    }

    pub(super) fn shape(&self, record: &Record<'_>, columns: &dyn ColumnNames) -> Shape {
        if record.breaks > 0
            && let Some(fault) = self.swallowed(record)
        {
            return Shape::Faulty(fault);
        }
        if (may_be_header(record) || record.length() == self.length)
            && let Some(shape) = self.header_again(record, columns)
        {
            return shape;
        }
        let found = record.ends.len();
        match found.cmp(&self.width) {
            std::cmp::Ordering::Equal => Shape::Row,
            std::cmp::Ordering::Less => self.other_delimiter(record).map_or(Shape::Short, Shape::Faulty),
            std::cmp::Ordering::Greater if record.each().skip(self.width).all(is_white) => Shape::Long,
            std::cmp::Ordering::Greater => {
                Shape::Faulty(RowFault::Ragged { found, expected: self.width, shift: shift(record) })
            }
        }
    }

    fn header_again(&self, record: &Record<'_>, columns: &dyn ColumnNames) -> Option<Shape> {
        let is_the_same = |(own, cell): (&Vec<u8>, &[u8])| own.eq_ignore_ascii_case(cell);
        if record.ends.len() == self.width && self.header.iter().zip(record.each()).all(is_the_same) {
            return Some(Shape::Faulty(RowFault::HeaderAgain));
        }
        let is_header = |cells: &[&str]| {
            cells.len() > 1
                && columns.is_header(cells)
                && cells.iter().filter(|cell| columns.is_known(cell)).count() > 1
        };
        if is_header(&record.texts()?) {
            return Some(Shape::OtherHeader);
        }
        let others = [b',', b';', b'\t'].into_iter().filter(|other| *other != self.delimiter);
        let mut taken_apart = others.filter_map(|other| taken_apart(record.raw, other));
        taken_apart
            .any(|cells| is_header(&cells.iter().map(String::as_str).collect::<Vec<_>>()))
            .then_some(Shape::OtherHeader)
    }

    fn other_delimiter(&self, record: &Record<'_>) -> Option<RowFault> {
        if record.ends.len() > 1 {
            return None;
        }
        let others = [b',', b';', b'\t'].into_iter().filter(|other| *other != self.delimiter);
        let other = others
            .filter(|other| memchr::memchr(*other, record.raw).is_some())
            .find(|other| taken_apart(record.raw, *other).is_some_and(|cells| cells.len() == self.width))?;
        Some(RowFault::OtherDelimiter { delimiter: self.delimiter, other })
    }

    /// The cell whose quotes hold rows, of a record that runs over several lines.
    fn swallowed(&self, record: &Record<'_>) -> Option<RowFault> {
        let own: Vec<&[u8]> = record.each().collect();
        let of = |cell: usize, text: &[u8]| {
            let breaks = u32::try_from(line_pieces(text).count().saturating_sub(1)).unwrap_or(u32::MAX);
            RowFault::SwallowedRows { cell: cell + 1, breaks }
        };
        for (number, cell) in own.iter().enumerate() {
            if line_pieces(cell).skip(1).any(|line| self.looks_like_a_row(line, &own)) {
                return Some(of(number, cell));
            }
        }
        // Text goes on behind a quote that closes on another line than it opened.
        let number = goes_on_behind_quote(record.raw, self.delimiter)?;
        own.get(number).map(|cell| of(number, cell))
    }

    /// Whether a line inside of a cell has the form of the record around it.
    fn looks_like_a_row(&self, line: &[u8], own: &[&[u8]]) -> bool {
        let inner: Vec<&[u8]> = line.split(|byte| *byte == self.delimiter).collect();
        if self.width < 2 || inner.len() != self.width {
            return false;
        }
        let has_address = |cell: &[u8]| {
            memchr::memchr2(b'\n', b'\r', cell).is_none() && memchr::memchr(b'@', cell).is_some()
        };
        match own.iter().position(|cell| has_address(cell)) {
            Some(position) => inner.get(position).is_some_and(|cell| has_address(cell)),
            None => {
                self.width > 3 || inner.iter().zip(own).any(|(inner, own)| inner == own && !is_white(own))
            }
        }
    }
}

/// Names of columns hold no addresses, and where digits are among them none is as long as an ID; nearly every row is
/// told from them by a glance.
fn may_be_header(record: &Record<'_>) -> bool {
    memchr::memchr(b'@', record.cells).is_none()
        && (!record.cells.iter().any(u8::is_ascii_digit)
            || record.each().all(|cell| cell.len() <= LONGEST_NAME))
}

fn taken_apart(raw: &[u8], delimiter: u8) -> Option<Vec<String>> {
    memchr::memchr(delimiter, raw)?;
    let mut records = Records::new(raw);
    records.set_delimiter(delimiter);
    let record = records.next().ok()??;
    Some(record.texts()?.into_iter().map(str::to_owned).collect())
}

fn shift(record: &Record<'_>) -> Shift {
    let cells: Vec<&[u8]> = record.each().collect();
    if let Some(cell) =
        cells.iter().take(cells.len().saturating_sub(1)).position(|cell| cell.ends_with(b"\\"))
    {
        return Shift::Backslash { cell: cell + 1 };
    }
    let split = cells.windows(2).position(|pair| match pair {
        [before, behind] => !is_white(before) && behind.starts_with(b" ") && !is_white(behind),
        _ => false,
    });
    split.map_or(Shift::Unknown, |cell| Shift::Split { cell: cell + 1 })
}

fn line_pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').flat_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.split(|byte| *byte == b'\r')
    })
}

/// The cell, counted from 0, behind whose closing quote text goes on, where the quotes hold a line end.
fn goes_on_behind_quote(raw: &[u8], delimiter: u8) -> Option<usize> {
    let (mut cell, mut rest) = (0, raw);
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let mut end = 0;
            loop {
                end += memchr::memchr(b'"', quoted.get(end..)?)?;
                if quoted.get(end + 1) != Some(&b'"') {
                    break;
                }
                end += 2;
            }
            let behind = quoted.get(end + 1..)?;
            let inside = quoted.get(..end)?;
            let closed = behind.first().is_none_or(|byte| *byte == delimiter);
            if !closed && memchr::memchr2(b'\n', b'\r', inside).is_some() {
                return Some(cell);
            }
            rest = behind;
        }
        rest = rest.get(memchr::memchr(delimiter, rest)? + 1..)?;
        cell += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::PlainColumns;

    const COLUMNS: PlainColumns = PlainColumns(&["email", "license", "operation", "note"]);

    fn shape(header: &str, row: &str) -> Shape {
        let mut head = Records::new(header.as_bytes());
        let mold = Mold::new(&head.next().unwrap().unwrap(), b',');
        let mut records = Records::new(row.as_bytes());
        records.set_delimiter(b',');
        mold.shape(&records.next().unwrap().unwrap(), &COLUMNS)
    }

    fn fault(row: &str) -> String {
        match shape("email,license,operation,note", row) {
            Shape::Faulty(fault) => fault.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn cells_may_be_missing_or_empty_at_the_end_and_nowhere_else() {
        let header = "email,license,operation,note";
        assert_eq!(shape(header, "a@example.com,M,add,x"), Shape::Row);
        assert_eq!(shape(header, "a@example.com,M"), Shape::Short);
        assert_eq!(shape(header, "a@example.com,M,add,x,, ,\u{a0}"), Shape::Long);
        for (row, expected) in [
            (
                r"a@example.com,M,add,Barney\, Smith",
                "the row has 5 cells, the header has 4; the backslash at the end of cell 4",
            ),
            (
                r"Smith\, Barney,a@example.com,M,add",
                "the row has 5 cells, the header has 4; the backslash at the end of cell 1",
            ),
            ("a@example.com,M,add,Smith, Barney", "cells 4 and 5 look like one"),
            ("a@example.com,M,add,x,y,z", "the row has 6 cells, the header has 4"),
            ("a@example.com;M;add;x", "separated by semicolons, those of the file by commas"),
            ("email,license,operation,note", "the header again"),
            ("Email,License,Operation,Note", "the header again"),
        ] {
            assert!(fault(row).contains(expected), "{row}: {}", fault(row));
        }
    }

    #[test]
    fn another_header_begins_another_file() {
        for row in ["note,email,license", "email;license;operation", "email\tlicense"] {
            assert_eq!(fault(row), "OtherHeader", "{row}");
        }
        for row in ["note 2,email,license", "note 2;email;license"] {
            assert_eq!(fault(row), "OtherHeader", "{row}");
        }
        assert!(
            matches!(shape("email,license,2sv", "Email,License,2SV"), Shape::Faulty(RowFault::HeaderAgain)),
            "digits in a name"
        );
        for row in ["email", "x,y,z,email", "license,add,x,y", "1,license,3"] {
            assert_ne!(fault(row), "OtherHeader", "{row}");
        }
    }

    #[test]
    fn a_stray_quote_that_swallows_rows_is_named() {
        for row in [
            // As it closes where another opens, with text behind it.
            "d@example.com,M,add,\"see\ne@example.com,M,add,x\nf@example.com,M,add,\"see",
            // As it closes at the end of a cell.
            "d@example.com,M,add,\"see\ne@example.com,M,add,see\"",
            // In a column before the last.
            "d@example.com,\"M,add,x\ne@example.com,\"M,add,x",
            "d@example.com,\"M,add,x\r\ne@example.com,M,add,x\r\nf@example.com,\"M,add,x",
        ] {
            assert!(fault(row).starts_with("a quote opens in cell"), "{row}: {}", fault(row));
        }
        assert!(
            fault("d@example.com,M,add,\"see\ne@example.com,M,add,x\nf\"")
                .contains("in cell 4 and closes 2 lines")
        );
    }

    #[test]
    fn a_cell_of_several_lines_is_no_stray_quote() {
        let header = "email,license,operation,note";
        for row in [
            "d@example.com,M,add,\"first, second,\nthird, fourth\"",
            "\"d@example.com\n\",M,add,x",
            "d@example.com,M,add,\"say \"\"a\nb\"\" twice\"",
            "d@example.com,M,add,\"call me, please,\nor, write, to: me\"",
        ] {
            assert_eq!(shape(header, row), Shape::Row, "{row}");
        }
        assert_eq!(shape("name,email,license", "\"Zoë\nx\",a@example.com,L"), Shape::Row);
    }

    #[test]
    fn an_inch_mark_is_a_character() {
        for row in [
            "a@example.com,M,add,has a 27\" screen",
            "a@example.com,M,add,\"27\"\" screen\"",
            "a@example.com,M,add,\"Bob\" Smith",
        ] {
            assert_eq!(shape("email,license,operation,note", row), Shape::Row, "{row}");
        }
    }
}
