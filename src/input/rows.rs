//! Records under a header: rows.

use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocks::Blocks;
use super::container::{Container, container_of};
use super::dialect::{Dialect, Top, rows_above};
use super::given_back::carried;
use super::hashed::{HashAtEnd, Hashed};
use super::marks::{KeptAs, Place};
use super::records::{LONGEST_RECORD, Record, RecordError, Records};
use super::remark::{Remark, RemarkCounts, RemarkKind};
use super::shape::{Mold, Shape};
use super::sheets::WorkbookError;
use super::survey::Surveyed;
use super::text::{EncodingFound, Text};
use super::title::{Title, TitleKind};
use super::workbook::{self, Workbook};
use super::{
    ColumnNames, ContentError, Encoding, FAILURE_COLUMNS, Header, InputError, Layout, ReadingOptions, Row,
    RowFault,
};

/// The rows of a file, in file order.
pub struct Rows {
    path: PathBuf,
    records: Blocks,
    layout: Layout,
    header: Header,
    columns: Arc<dyn ColumnNames>,
    mold: Mold,
    /// Whether a row that ends early is nothing to speak of: a sheet has no cells where nothing stands.
    ends_anywhere: bool,
    found: EncodingFound,
    /// Whether that was not known when the remarks were made.
    is_found_late: bool,
    remarks: Vec<Remark>,
    titles: Vec<Title>,
    tally: RemarkCounts,
    sum: HashAtEnd,
}

impl Rows {
    /// Finds out what the file is, reads its header, and begins to read ahead.
    ///
    /// # Errors
    /// [`InputError`] for a file without a usable header.
    pub fn new<R>(mut source: R, how: &ReadingOptions, path: &Path) -> Result<Self, InputError>
    where
        R: Read + Seek + Clone + Send + 'static,
    {
        let unreadable = InputError::unread(path);
        match container_of(&mut source).map_err(unreadable)? {
            Container::Text if how.sheet.is_some() => Err(ContentError::NoSheets.into()),
            Container::Text => Self::of_text(source, how, path),
            Container::Workbook => Self::of_workbook(source, how, path),
            Container::Other { what, remedy } => Err(ContentError::OtherKind { what, remedy }.into()),
        }
    }

    fn of_text<R>(source: R, how: &ReadingOptions, path: &Path) -> Result<Self, InputError>
    where
        R: Read + Seek + Clone + Send + 'static,
    {
        let unreadable = InputError::unread(path);
        let Text { decoded, found, sum } = Text::of(source, how.encoding).map_err(unreadable)??;
        let mut records = Records::new(decoded);
        let head = records.peek().map_err(|error| refused(path, error))?;
        let dialect = Dialect::of(head, how.columns.as_ref())?;
        let crlf = memchr::memchr(b'\n', head).is_some_and(|at| at > 0 && head.get(at - 1) == Some(&b'\r'));
        let (delimiter, line_end) = (dialect.delimiter, if crlf { "\r\n" } else { "\n" });
        records.set_delimiter(delimiter);
        for _ in 0..dialect.above {
            records.next().map_err(|error| refused(path, error))?;
        }
        let record = records.next().map_err(|error| refused(path, error))?.ok_or(ContentError::Empty)?;
        let (header, mut text, mold) = header_of(&record, delimiter, how)?;
        if dialect.is_named_only() {
            // Nobody would find the delimiter without the line that names it.
            text = format!("sep={}{line_end}{text}", char::from(delimiter));
        }
        let layout = Layout {
            delimiter: char::from(delimiter),
            byte_order_mark: found.get().byte_order_mark,
            crlf,
            header: text,
            apart: header.failure_columns() != FAILURE_COLUMNS,
            encoding: found.get().encoding,
            workbook: false,
        };
        Ok(Self {
            path: path.to_owned(),
            records: Blocks::new(records).map_err(unreadable)?,
            layout,
            header,
            columns: Arc::clone(&how.columns),
            mold,
            ends_anywhere: false,
            is_found_late: !found.is_known(),
            remarks: found.remark().into_iter().chain(dialect.remarks).collect(),
            titles: dialect.titles,
            found,
            tally: RemarkCounts::default(),
            sum,
        })
    }

    fn of_workbook<R>(source: R, how: &ReadingOptions, path: &Path) -> Result<Self, InputError>
    where
        R: Read + Seek + Clone + Send + 'static,
    {
        let unreadable = InputError::unread(path);
        let (mut source, sum) = Hashed::new(source);
        io::copy(&mut source, &mut io::sink()).map_err(unreadable)?;
        let workbook = Workbook::open(source.into_inner(), how.sheet.as_deref())?;
        let (sheets, hidden) = (workbook.sheets().clone(), workbook.hidden_columns());
        let mut records = Blocks::apart(move |sink| workbook.read(&sink)).map_err(unreadable)?;

        let mut top = Top::new(how.columns.as_ref());
        for (number, record) in records.ahead().map_err(|error| refused(path, error))?.enumerate() {
            if !top.see(&record, number, workbook::DELIMITER) {
                break;
            }
        }
        let empty = |error| match error {
            ContentError::Empty => {
                ContentError::EmptySheet { sheet: sheets.chosen.clone(), others: sheets.others.clone() }
            }
            other => other,
        };
        let found = top.header().map_err(empty)?;
        for _ in 0..=found.number {
            records.advance().map_err(|error| refused(path, error))?;
        }
        let record = records.current().ok_or(ContentError::Empty)?;
        if let Some((column, _)) = record.stored.iter().find(|(_, stored)| *stored == KeptAs::Unworked) {
            let cell = Place::of(record.line, *column as usize);
            return Err(WorkbookError::Unworked { cell: cell.to_string() }.into());
        }
        let (header, text, mold) = header_of(&record, workbook::DELIMITER, how)?;
        let name = Title { kind: TitleKind::Sheet, line: header.line(), cells: vec![sheets.chosen.clone()] };
        let titles = top.titles(&found).into_iter().chain([name]).collect();
        let said = [RemarkKind::of_sheets(sheets), RemarkKind::of_hidden_columns(&header, &hidden)];
        let said = said.into_iter().flatten().map(|kind| Remark { line: header.line(), kind });
        // As Excel itself would write it as CSV.
        let layout = Layout {
            delimiter: char::from(workbook::DELIMITER),
            byte_order_mark: true,
            crlf: true,
            header: text,
            apart: header.failure_columns() != FAILURE_COLUMNS,
            encoding: Encoding::UTF_8,
            workbook: true,
        };
        let remarks = said.chain(rows_above(0, header.line())).collect();
        Ok(Self {
            path: path.to_owned(),
            records,
            layout,
            header,
            columns: Arc::clone(&how.columns),
            mold,
            ends_anywhere: true,
            is_found_late: false,
            found: EncodingFound::known(Surveyed::ASCII),
            remarks,
            titles,
            tally: RemarkCounts::default(),
            sum,
        })
    }

    /// What the failures CSV takes over. How the text is encoded is known at the end of the file, if not before.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout { encoding: self.found.get().encoding, ..self.layout.clone() }
    }

    /// The columns' names as the file spells them, without what an earlier failures CSV added.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.header.names()
    }

    /// The names of the columns.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What was seen before the first row that the user should hear of.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// What the file says of itself beside its table.
    #[must_use]
    pub fn titles(&self) -> &[Title] {
        &self.titles
    }

    /// What was counted in the rows so far.
    #[must_use]
    pub fn counted(&self) -> Vec<Remark> {
        let late = self.found.remark().filter(|_| self.is_found_late);
        late.into_iter().chain(self.tally.remarks()).collect()
    }

    /// The SHA-256 of the file's bytes, in lower-case hexadecimal digits, once there is no next row.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        self.sum.get()
    }

    /// The next row that is not blank; `None` at the end of the file.
    ///
    /// # Errors
    /// [`InputError`] where the file cannot be read on.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row borrows the reader: it lends, it does not iterate"
    )]
    pub fn next(&mut self) -> Result<Option<Row<'_>>, InputError> {
        let fault = loop {
            if !self.records.advance().map_err(|error| refused(&self.path, error))? {
                return Ok(None);
            }
            let Some(record) = self.records.current() else { return Ok(None) };
            if record.is_blank() {
                self.tally.blank(record.line);
                continue;
            }
            if record.is_hidden {
                self.tally.hidden(record.line);
            }
            match self.mold.shape(&record, self.columns.as_ref()) {
                Shape::Row => break None,
                Shape::Short if self.ends_anywhere => break None,
                Shape::Short => self.tally.short(record.line),
                Shape::Long => self.tally.long(record.line),
                Shape::Faulty(fault) => break Some(fault),
                Shape::OtherHeader => {
                    return Err(
                        ContentError::SecondHeader { line: record.line, first: self.header.line() }.into()
                    );
                }
            }
            break None;
        };
        Ok(self.records.current().map(|record| self.row(record, fault)))
    }

    fn row<'a>(&'a self, record: Record<'a>, fault: Option<RowFault>) -> Row<'a> {
        // The delimiter came out of a byte.
        let delimiter = self.layout.delimiter as u8;
        Row::new(record, &self.header, delimiter, fault, self.found.get())
    }
}

/// The header in a record, its text without what an earlier failures CSV added, and what it makes of rows.
fn header_of(
    record: &Record<'_>,
    delimiter: u8,
    how: &ReadingOptions,
) -> Result<(Header, String, Mold), ContentError> {
    let unreadable = || ContentError::HeaderNotText { line: record.line };
    let cells = record.texts().ok_or_else(unreadable)?;
    let header = match how.carry_all {
        true => Header::carrying_all(record.line, &cells),
        false => Header::new(record.line, &cells),
    };
    let raw = carried(*record, &header, delimiter);
    let text = String::from_utf8(raw.into_owned()).map_err(|_| unreadable())?;
    Ok((header, text, Mold::new(record, delimiter)))
}

fn refused(path: &Path, error: RecordError) -> InputError {
    match error {
        RecordError::Read(line, source) => InputError::Read { path: path.to_owned(), line, source },
        RecordError::TooLong(line) => ContentError::TooLong { line, limit: LONGEST_RECORD }.into(),
        RecordError::Unclosed(line) => ContentError::UnclosedQuote { line }.into(),
        RecordError::TooManyLines => ContentError::TooManyLines.into(),
        RecordError::Workbook(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::PlainColumns;

    fn rows(text: &'static [u8]) -> Result<Rows, InputError> {
        let names = &["email", "E-Mail", "licenseId", "license id"];
        let how = ReadingOptions { columns: Arc::new(PlainColumns(names)), ..ReadingOptions::default() };
        Rows::new(io::Cursor::new(text), &how, Path::new("people.csv"))
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
        let mut rows = rows("email,licenseId,é\na,b,c,d\na,b\0,c\n".as_bytes()).unwrap();
        let fault = |rows: &mut Rows| rows.next().unwrap().unwrap().fault();
        assert!(matches!(fault(&mut rows), Some(RowFault::Ragged { found: 4, expected: 3, .. })));
        assert_eq!(fault(&mut rows), Some(RowFault::Nul { cell: 2 }));
        let text = b"email,licenseId,\xc3\xa9\na,b,x\xff\n\xc3,\xa9,c\na,b,c\n";
        let mut rows = self::rows(text).unwrap();
        let (encoding, perhaps) = (Encoding::UTF_8, None);
        for place in [Some((3, 2)), Some((1, 1)), None] {
            let expected =
                place.map(|(cell, character)| RowFault::NotText { cell, character, encoding, perhaps });
            assert_eq!(fault(&mut rows), expected);
        }
    }

    #[test]
    fn blank_rows_are_no_rows_and_counted() {
        let mut rows = rows(b"email;licenseId\n;\na;b\n ; \n\n;;\nc\nd;e;;\n").unwrap();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            assert_eq!(row.fault(), None);
            lines.push((row.line().get(), String::from_utf8(row.carried().into_owned()).unwrap()));
        }
        assert_eq!(lines, [(3, "a;b".into()), (7, "c;".into()), (8, "d;e".into())]);
        let counted: Vec<_> =
            rows.counted().into_iter().map(|remark| (remark.line.get(), remark.kind)).collect();
        let expected =
            [(2, RemarkKind::BlankRows(3)), (7, RemarkKind::ShortRows(1)), (8, RemarkKind::LongRows(1))];
        assert_eq!(counted, expected);
    }

    #[test]
    fn a_short_row_is_padded_when_it_is_given_back() {
        let mut rows = rows(b"email;licenseId;x\na;b\n").unwrap();
        assert_eq!(rows.next().unwrap().unwrap().carried().as_ref(), b"a;b;");
    }

    #[test]
    fn cells_stay_as_they_stand_where_columns_between_them_are_left_out() {
        let text = b"state,email,line,error_code,error_message,http_status,licenseId,tracking_id,attempts\n\
            failed,\"a@example.com\",7,X,\"m, \"\"n\"\"\",400,\"L,\"\"1\"\"\",t,1\n";
        let mut rows = rows(text).unwrap();
        assert_eq!(rows.layout().header, "email,licenseId");
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row.carried().as_ref(), b"\"a@example.com\",\"L,\"\"1\"\"\"");
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
        assert!(matches!(rows(b""), Err(InputError::Content(ContentError::Empty))));
        assert!(matches!(rows(b"\xef\xbb\xbf\n"), Err(InputError::Content(ContentError::Empty))));
        assert!(matches!(
            rows(b"\xc3\xa9\xffemail,licenseId"),
            Err(InputError::Content(ContentError::HeaderNotText { .. }))
        ));
    }
}
