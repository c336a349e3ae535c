//! The delimiter, and which line is the header.

use super::ContentError;
use super::header::ColumnNames;
use super::records::{Record, Records, is_white};
use super::remark::{Remark, RemarkKind};
use super::title::{Title, TitleKind};
use crate::domain::Line;

/// The header is one of so many lines at the top.
const TOP: u32 = 10;
/// So many characters of a title are looked at.
const LONGEST_TITLE: usize = 200;
/// The last of equals wins, so the most likely one comes last.
const DELIMITERS: [u8; 3] = [b'\t', b';', b','];

/// How a text is taken apart.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// So many records stand above the header.
    pub(super) above: usize,
    pub(super) remarks: Vec<Remark>,
    /// What stands there.
    pub(super) titles: Vec<Title>,
}

impl Dialect {
    /// Finds it in the first bytes of a text.
    ///
    /// # Errors
    /// [`ContentError::Empty`]; [`ContentError::SeveralHeaders`] where more than one line below the first can be
    /// the header.
    pub(super) fn of(head: &[u8], columns: &dyn ColumnNames) -> Result<Self, ContentError> {
        let preamble = Preamble::of(head);
        let delimiters = preamble.delimiter.as_ref().map_or(&DELIMITERS[..], std::slice::from_ref);
        let mut top = Top::new(columns);
        for delimiter in delimiters {
            let mut records = Records::new(head);
            records.set_delimiter(*delimiter);
            let mut number = 0;
            // What is cut off at the end of the head is not at the top.
            while let Ok(Some(record)) = records.next() {
                if number >= preamble.records && !top.see(&record, number, *delimiter) {
                    break;
                }
                number += 1;
            }
        }
        let header = top.header()?;
        let mut remarks = preamble.remarks;
        remarks.extend(rows_above(preamble.records, header.line));
        let titles = top.titles(&header);
        Ok(Self { delimiter: header.delimiter, above: header.number, remarks, titles })
    }
}

impl Dialect {
    /// Whether nothing but a line of the file tells the delimiter.
    pub(super) fn is_named_only(&self) -> bool {
        !DELIMITERS.contains(&self.delimiter)
    }
}

/// Says that something stands between the lines that go before every header and the header.
pub(super) fn rows_above(preamble: usize, header: Line) -> Option<Remark> {
    let first = u32::try_from(preamble).unwrap_or(0) + 1;
    let last = Line::new(header.get() - 1);
    (header.get() > first).then(|| Remark { line: Line::new(first), kind: RemarkKind::RowsAbove { last } })
}

/// Records at the top of a file, any of which may be the header.
pub(super) struct Top<'c> {
    columns: &'c dyn ColumnNames,
    seen: Vec<Candidate>,
    /// What stands there under each delimiter.
    texts: Vec<(u8, Line, Vec<String>)>,
}

/// A record at the top, as one delimiter shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) line: Line,
    /// How many records stand above it.
    pub(super) number: usize,
    delimiter: u8,
    cells: usize,
    /// How many of them are names of columns.
    known: usize,
    /// How many of those names have none of the other delimiters in them.
    clean: usize,
    is_header: bool,
}

impl<'c> Top<'c> {
    pub(super) fn new(columns: &'c dyn ColumnNames) -> Self {
        Self { columns, seen: Vec::new(), texts: Vec::new() }
    }

    /// Looks at a record; `false` where no more need be shown.
    pub(super) fn see(&mut self, record: &Record<'_>, number: usize, delimiter: u8) -> bool {
        let line = record.line;
        let is_first = self.seen.iter().all(|candidate| candidate.delimiter != delimiter);
        if line.get() > TOP && !is_first {
            return false;
        }
        let cells = record.texts();
        let is_text = cells.is_some();
        let cells = cells.unwrap_or_default();
        // Under another delimiter, what a blank row is made of is its text.
        let is_blank =
            is_text && cells.iter().all(|cell| is_white(cell.trim_matches([',', ';', '\t']).as_bytes()));
        if !is_blank {
            let known = || cells.iter().filter(|cell| self.columns.is_known(cell));
            let clean = known().filter(|cell| !cell.contains([',', ';', '\t'])).count();
            let known = known().count();
            let is_header = known > 0 && self.columns.is_header(&cells);
            let count = cells.len();
            self.seen.push(Candidate { line, number, delimiter, cells: count, known, clean, is_header });
            let cells = cells.iter().map(|cell| cell.chars().take(LONGEST_TITLE).collect());
            self.texts.push((delimiter, line, cells.collect()));
        }
        true
    }

    /// What stands above the header.
    pub(super) fn titles(&self, header: &Candidate) -> Vec<Title> {
        let all = self.texts.iter().filter(|(delimiter, ..)| *delimiter == header.delimiter);
        let above = all.filter(|(_, line, _)| *line < header.line);
        above
            .map(|(_, line, cells)| Title { kind: TitleKind::Above, line: *line, cells: cells.clone() })
            .collect()
    }

    /// The one that is the header, or was most likely meant to be: what it lacks is told by whoever knows what
    /// columns mean.
    ///
    /// # Errors
    /// [`ContentError::Empty`], [`ContentError::SeveralHeaders`].
    pub(super) fn header(&self) -> Result<Candidate, ContentError> {
        let first = self.seen.iter().map(|candidate| candidate.line).min().ok_or(ContentError::Empty)?;
        let mut headers: Vec<Line> = self
            .seen
            .iter()
            .filter(|candidate| candidate.is_header)
            .map(|candidate| candidate.line)
            .collect();
        headers.sort_unstable();
        headers.dedup();
        let line = match headers.as_slice() {
            [line] => *line,
            [line, ..] if *line == first => *line,
            [one, other, ..] => return Err(ContentError::SeveralHeaders { one: *one, other: *other }),
            [] => {
                let nearest = self.seen.iter().max_by_key(|candidate| candidate.known);
                nearest.filter(|nearest| nearest.known > 1).map_or(first, |nearest| nearest.line)
            }
        };
        let of_line = self.seen.iter().filter(|candidate| candidate.line == line);
        let best = of_line.max_by_key(|candidate| {
            // Where no name is known the most columns are the likeliest, so that what is missing can be told of them.
            let columns = if candidate.known == 0 { candidate.cells } else { 0 };
            (candidate.is_header, candidate.known, candidate.clean, columns)
        });
        best.copied().ok_or(ContentError::Empty)
    }
}

/// Lines that programs write above every header.
#[derive(Debug, Default)]
struct Preamble {
    records: usize,
    delimiter: Option<u8>,
    remarks: Vec<Remark>,
}

impl Preamble {
    fn of(head: &[u8]) -> Self {
        let mut preamble = Self::default();
        let lines = head.split(|byte| matches!(byte, b'\n')).take(2);
        for line in lines {
            let line = String::from_utf8_lossy(line.get(..line.len().min(256)).unwrap_or_default());
            let line = line.split('\r').next().unwrap_or_default();
            let kind = if let Some(delimiter) = delimiter_named(line).filter(|_| preamble.records == 0) {
                preamble.delimiter = Some(delimiter);
                RemarkKind::DelimiterLine(char::from(delimiter))
            } else if line.trim_start_matches('"').starts_with("#TYPE ") {
                RemarkKind::TypeLine
            } else {
                break;
            };
            preamble.records += 1;
            let line = Line::new(u32::try_from(preamble.records).unwrap_or(1));
            preamble.remarks.push(Remark { line, kind });
        }
        preamble
    }
}

/// The delimiter of a line `sep=;`, which Excel reads and some programs write, also in quotes, also with
/// delimiters behind it.
fn delimiter_named(line: &str) -> Option<u8> {
    let line = line.trim_matches(['"', ' ']);
    let (word, rest) = line.split_at_checked(4)?;
    let delimiter = if rest.starts_with("\\t") { b'\t' } else { rest.bytes().next()? };
    let rest = rest.trim_matches(['"', ' ', '\\', 't', char::from(delimiter)]);
    let sound = delimiter == b'\t' || (delimiter.is_ascii_punctuation() && delimiter != b'"');
    (word.eq_ignore_ascii_case("sep=") && sound && rest.is_empty()).then_some(delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::PlainColumns;

    const COLUMNS: PlainColumns =
        PlainColumns(&["email", "E-Mail", "licenseId", "license id", "license", "operation"]);

    fn dialect(text: &str) -> (u8, usize, Vec<RemarkKind>) {
        let Dialect { delimiter, above, remarks, .. } = Dialect::of(text.as_bytes(), &COLUMNS).unwrap();
        (delimiter, above, remarks.into_iter().map(|remark| remark.kind).collect())
    }

    #[test]
    fn the_delimiter_is_the_one_that_names_columns() {
        for (text, delimiter) in [
            ("email,licenseId\n", b','),
            ("email;licenseId\n", b';'),
            ("email\tlicenseId\n", b'\t'),
            ("\"Name; first, last\";\"E-Mail\";license id\n", b';'),
            ("name,x\n", b','),
            ("name;x\n", b';'),
            ("name, first\tx\ty\n", b'\t'),
            // A column without a name, as of row numbers, before the only one that is known.
            (";email\n", b';'),
            ("\temail\t\n", b'\t'),
        ] {
            assert_eq!(dialect(text), (delimiter, 0, vec![]), "{text}");
        }
    }

    #[test]
    fn a_line_that_names_the_delimiter_counts() {
        for (line, delimiter) in
            [("sep=;", b';'), ("SEP=;;", b';'), ("\"sep=,\"", b','), ("sep=\t", b'\t'), ("sep=|", b'|')]
        {
            let named = char::from(delimiter);
            let text = format!("{line}\r\nemail{named}licenseId\r\n");
            assert_eq!(dialect(&text), (delimiter, 1, vec![RemarkKind::DelimiterLine(named)]), "{line}");
        }
        for line in ["sep=", "sep=a", "sep=,x", "separator,email", "sep=\""] {
            assert_eq!(delimiter_named(line), None, "{line}");
        }
    }

    #[test]
    fn what_stands_above_the_header_is_skipped_and_said() {
        let text = "#TYPE System.Object\r\n\"email\",\"license\"\r\n";
        assert_eq!(dialect(text), (b',', 1, vec![RemarkKind::TypeLine]));
        let text = "People of March, by department\n\n;;\nemail;license;note\na@example.com;L;\n";
        assert_eq!(dialect(text), (b';', 2, vec![RemarkKind::RowsAbove { last: Line::new(3) }]));
        let text = "\n\nemail,license\n";
        assert_eq!(dialect(text), (b',', 0, vec![RemarkKind::RowsAbove { last: Line::new(2) }]));
    }

    #[test]
    fn the_header_is_guessed_only_where_one_line_alone_can_be_it() {
        let twice = "Title\nemail,license\nemail,license\n";
        let error = Dialect::of(twice.as_bytes(), &COLUMNS).unwrap_err();
        assert!(
            matches!(error, ContentError::SeveralHeaders { one, other } if (one.get(), other.get()) == (2, 3))
        );
        // The first line is the header where it can be.
        assert_eq!(dialect("email,license\nemail,license\n").1, 0);
        // Too far down.
        let text = format!("{}email,license\n", "x\n".repeat(10));
        assert_eq!(dialect(&text).1, 0);
        // Nothing can be it: what comes nearest is told to lack something.
        assert_eq!(
            dialect("Title\nemail;operation;note\nx;y;z\n"),
            (b';', 1, vec![RemarkKind::RowsAbove { last: Line::new(1) }])
        );
    }

    #[test]
    fn no_record_is_no_header() {
        for text in ["", "\n\r\n", ",,,\n", "sep=;\n"] {
            assert!(matches!(Dialect::of(text.as_bytes(), &COLUMNS), Err(ContentError::Empty)), "{text}");
        }
    }
}
