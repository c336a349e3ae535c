//! Records under a header: rows.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::blocks::Blocks;
use super::encoding::Decoded;
use super::hashed::{Hashed, Sum};
use super::records::{LONGEST_RECORD, Record, RecordError, Records};
use super::{ColumnNames, Header, InputError, Reading, RowFault};
use crate::domain::Line;

/// What a file that is written for the same reader must share with the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The delimiter: a comma, a semicolon or a tab.
    pub delimiter: char,
    /// Whether it began with a byte order mark.
    pub byte_order_mark: bool,
    /// Whether its lines end with CR LF.
    pub crlf: bool,
    /// The header line's own bytes, without what an earlier failures CSV added.
    pub header: String,
}

/// The rows of a file, in file order.
pub struct Rows {
    path: PathBuf,
    records: Blocks,
    layout: Layout,
    header: Header,
    sum: Sum,
}

impl Rows {
    /// Reads encoding, delimiter and header, and begins to read ahead.
    ///
    /// # Errors
    /// [`InputError`] for a file without a usable header.
    pub fn new<R>(source: R, how: &Reading, path: &Path) -> Result<Self, InputError>
    where
        R: Read + Send + 'static,
    {
        let unreadable = |source| InputError::Read { path: path.to_owned(), line: Line::new(1), source };
        let (source, sum) = Hashed::new(source);
        let (decoded, byte_order_mark) = Decoded::new(source, how.encoding).map_err(unreadable)?;
        let mut records = Records::new(decoded);
        let head = records.peek().map_err(|error| refused(path, error))?;
        let delimiter = delimiter_of(head, how.columns.as_ref());
        let crlf = memchr::memchr(b'\n', head).is_some_and(|at| at > 0 && head.get(at - 1) == Some(&b'\r'));
        records.set_delimiter(delimiter);
        let record = records.next().map_err(|error| refused(path, error))?.ok_or(InputError::Empty)?;
        let cells = texts(record).ok_or(InputError::HeaderNotText)?;
        let header = Header::new(record.line, &cells);
        let raw = carried(record, &cells, &header, delimiter);
        let text = String::from_utf8(raw.into_owned()).map_err(|_| InputError::HeaderNotText)?;
        let layout = Layout { delimiter: char::from(delimiter), byte_order_mark, crlf, header: text };
        let records = Blocks::new(records).map_err(unreadable)?;
        Ok(Self { path: path.to_owned(), records, layout, header, sum })
    }

    /// What the failures CSV takes over.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The columns' names as the file spells them, without what an earlier failures CSV added.
    #[must_use]
    pub fn names(&self) -> &[String] {
        let all = self.header.names();
        all.get(..self.header.carried()).unwrap_or(all)
    }

    /// The names of the columns.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The SHA-256 of the file's bytes, in lower-case hexadecimal digits, once there is no next row.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        self.sum.get()
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// [`InputError`] where the file cannot be read on.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row borrows the reader: it lends, it does not iterate"
    )]
    pub fn next(&mut self) -> Result<Option<Row<'_>>, InputError> {
        // The delimiter came out of a byte.
        let delimiter = self.layout.delimiter as u8;
        let record = self.records.next().map_err(|error| refused(&self.path, error))?;
        Ok(record.map(|record| Row { record, header: &self.header, delimiter, text: text_of(record) }))
    }
}

/// A row of the file.
#[derive(Debug)]
pub struct Row<'a> {
    record: Record<'a>,
    header: &'a Header,
    delimiter: u8,
    /// All cells, where they are text.
    text: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// The line it starts on.
    #[must_use]
    pub const fn line(&self) -> Line {
        self.record.line
    }

    /// Why its cells cannot be trusted, if they cannot.
    #[must_use]
    pub fn fault(&self) -> Option<RowFault> {
        let (found, expected) = (self.record.ends.len(), self.header.width());
        if found != expected {
            return Some(RowFault::Ragged { found, expected });
        }
        if self.text.is_none() {
            return Some(RowFault::NotText {
                cell: self.first_cell(|cell| std::str::from_utf8(cell).is_err()),
            });
        }
        memchr::memchr(0, self.record.cells)
            .map(|_| RowFault::Nul { cell: self.first_cell(|cell| memchr::memchr(0, cell).is_some()) })
    }

    /// The trimmed text of a cell, counted from 0; empty where there is none.
    #[must_use]
    pub fn at(&self, position: usize) -> &'a str {
        self.untrimmed(position).trim()
    }

    /// The text of a cell with everything that stands in it; empty where there is none.
    #[must_use]
    pub fn untrimmed(&self, position: usize) -> &'a str {
        let Some(text) = self.text else { return "" };
        let from =
            position.checked_sub(1).map_or(0, |before| self.record.ends.get(before).copied().unwrap_or(0));
        let to = self.record.ends.get(position).copied().unwrap_or(from);
        text.get(from..to).unwrap_or_default()
    }

    /// The row's own bytes for the failures CSV: as many cells as the header carries, so that the
    /// columns added behind them stand under their names.
    #[must_use]
    pub fn carried(&self) -> Cow<'a, [u8]> {
        let shortened = self.header.carried() < self.header.width();
        let cells = if shortened { texts(self.record).unwrap_or_default() } else { Vec::new() };
        carried(self.record, &cells, self.header, self.delimiter)
    }

    fn first_cell(&self, wrong: impl Fn(&[u8]) -> bool) -> usize {
        bytes(self.record).position(wrong).map_or(0, |position| position + 1)
    }
}

/// The record's bytes; re-written without the last columns where those are not carried, padded
/// where cells are missing.
fn carried<'a>(record: Record<'a>, cells: &[&str], header: &Header, delimiter: u8) -> Cow<'a, [u8]> {
    if header.carried() < header.width() && cells.len() >= header.carried() {
        let mut writer =
            csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
        // Writing to memory cannot fail.
        let _ = writer.write_record(cells.iter().take(header.carried()));
        let mut line = writer.into_inner().unwrap_or_default();
        line.pop();
        return Cow::Owned(line);
    }
    let missing = header.carried().saturating_sub(record.ends.len());
    if missing == 0 {
        return Cow::Borrowed(record.raw);
    }
    let mut line = record.raw.to_vec();
    line.resize(line.len() + missing, delimiter);
    Cow::Owned(line)
}

fn bytes(record: Record<'_>) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    record.ends.iter().map(move |end| {
        let cell = record.cells.get(from..*end).unwrap_or_default();
        from = *end;
        cell
    })
}

fn texts(record: Record<'_>) -> Option<Vec<&str>> {
    bytes(record).map(|cell| std::str::from_utf8(cell).ok()).collect()
}

/// The cells as one text. Two halves of a character in two cells make no text either.
fn text_of(record: Record<'_>) -> Option<&str> {
    let text = std::str::from_utf8(record.cells).ok()?;
    (text.is_ascii() || record.ends.iter().all(|end| text.is_char_boundary(*end))).then_some(text)
}

/// The delimiter under which the first line names the most known columns; a comma where none does.
fn delimiter_of(head: &[u8], columns: &dyn ColumnNames) -> u8 {
    let line =
        head.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty()).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let known =
        |delimiter: u8| line.split(char::from(delimiter)).filter(|cell| columns.is_known(cell)).count();
    // The last of equals wins, so the most likely one comes last.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| known(*delimiter)).unwrap_or(b',')
}

fn refused(path: &Path, error: RecordError) -> InputError {
    match error {
        RecordError::Read(line, source) => InputError::Read { path: path.to_owned(), line, source },
        RecordError::TooLong(line) => InputError::TooLong { line, limit: LONGEST_RECORD },
        RecordError::Unclosed(line) => InputError::UnclosedQuote { line },
        RecordError::TooManyLines => InputError::TooManyLines,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::PlainColumns;

    fn rows(text: &'static [u8]) -> Result<Rows, InputError> {
        let names = &["email", "E-Mail", "licenseId", "license id"];
        let how = Reading { columns: Arc::new(PlainColumns(names)), ..Reading::default() };
        Rows::new(text, &how, Path::new("people.csv"))
    }

    #[test]
    fn the_delimiter_is_the_one_that_names_columns() {
        for (text, delimiter) in [
            ("email,licenseId\n", ','),
            ("email;licenseId\n", ';'),
            ("email\tlicenseId\n", '\t'),
            ("\"Name; first, last\";\"E-Mail\";license id\n", ';'),
        ] {
            assert_eq!(rows(text.as_bytes()).unwrap().layout().delimiter, delimiter, "{text}");
        }
    }

    #[test]
    fn cells_are_trimmed_and_found_by_name() {
        let mut rows = rows(b"Name,E-Mail,License ID\r\nAda, ada@example.com ,\"L,1\"\r\n").unwrap();
        assert!(rows.layout().crlf);
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row.at(1), "ada@example.com");
        assert_eq!(row.at(2), "L,1");
        assert_eq!(row.at(3), "");
        assert_eq!(row.carried().as_ref(), b"Ada, ada@example.com ,\"L,1\"");
    }

    #[test]
    fn faults_name_the_cell() {
        let mut rows = rows(b"email,licenseId,x\na,b\na,b\0,c\na,b,\xff\n\xc3,\xa9,c\na,b,c\n").unwrap();
        let mut faults = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            faults.push(row.fault());
        }
        assert_eq!(
            faults,
            [
                Some(RowFault::Ragged { found: 2, expected: 3 }),
                Some(RowFault::Nul { cell: 2 }),
                Some(RowFault::NotText { cell: 3 }),
                Some(RowFault::NotText { cell: 1 }),
                None
            ]
        );
    }

    #[test]
    fn a_short_row_is_padded_when_it_is_given_back() {
        let mut rows = rows(b"email;licenseId;x\na;b\n").unwrap();
        assert_eq!(rows.next().unwrap().unwrap().carried().as_ref(), b"a;b;");
    }

    #[test]
    fn what_an_earlier_failures_csv_added_is_left_out() {
        let text = b"email,licenseId,line,state,error_code,error_message,http_status,tracking_id,attempts\n\
            a@example.com,\"L,1\",7,failed,X,\"m\",400,t,1\n";
        let mut rows = rows(text).unwrap();
        assert_eq!(rows.layout().header, "email,licenseId");
        assert_eq!(rows.next().unwrap().unwrap().carried().as_ref(), b"a@example.com,\"L,1\"");
    }

    #[test]
    fn an_empty_file_is_not_a_file_without_columns() {
        assert!(matches!(rows(b""), Err(InputError::Empty)));
        assert!(matches!(rows(b"\xef\xbb\xbf\n"), Err(InputError::Empty)));
        assert!(matches!(rows(b"\xff\xffemail,licenseId"), Err(InputError::HeaderNotText)));
    }
}
