//! What a file's user should hear of how it was read: nothing about it is done without a word.

use std::collections::BTreeSet;

use super::sheets::Sheets;
use super::survey::How;
use super::{Encoding, Header};
use crate::domain::{Line, Printable};

/// One of them, where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The line it is about, or the first of several.
    pub line: Line,
    /// What.
    pub kind: RemarkKind,
}

/// What is remarked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemarkKind {
    /// The encoding was found by what fits.
    ReadAs(Encoding),
    /// A byte order mark goes before what was asked for.
    MarkAgainst {
        /// What the mark says.
        mark: Encoding,
        /// What was asked for.
        asked: Encoding,
    },
    /// Something else was asked for, and all of it would be UTF-8.
    Utf8Against(Encoding),
    /// A line that names the delimiter.
    DelimiterLine(char),
    /// A line that PowerShell writes above the header.
    TypeLine,
    /// Rows above the header.
    RowsAbove {
        /// The last line of them.
        last: Line,
    },
    /// A workbook of several sheets.
    Sheet {
        /// The one that is read.
        name: String,
        /// Whether that is hidden.
        is_hidden: bool,
        /// The others that can be seen.
        others: Vec<String>,
        /// The others that cannot.
        hidden: Vec<String>,
    },
    /// Columns that the sheet does not show.
    HiddenColumns(Vec<String>),
    /// Rows without anything in them.
    BlankRows(u64),
    /// Rows that the sheet does not show.
    HiddenRows(u64),
    /// Rows that end early.
    ShortRows(u64),
    /// Rows that go on after the last column, with nothing in it.
    LongRows(u64),
}

impl RemarkKind {
    /// Whether it is told as something to look into, rather than to know.
    #[must_use]
    pub const fn is_warning(&self) -> bool {
        !matches!(
            self,
            Self::DelimiterLine(_)
                | Self::TypeLine
                | Self::RowsAbove { .. }
                | Self::Sheet { .. }
                | Self::MarkAgainst { .. }
        )
    }

    /// What was seen, in a sentence without its end.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::ReadAs(encoding) => format!("the file is read as {encoding}, as its bytes suggest"),
            Self::MarkAgainst { mark, asked } => {
                format!(
                    "the file begins with the byte order mark of {mark}, so it is read as that and not as {asked}"
                )
            }
            Self::Utf8Against(asked) => {
                format!("the file is read as {asked}, as asked, though all of it is valid UTF-8")
            }
            Self::DelimiterLine(delimiter) => {
                let delimiter = match delimiter {
                    '\t' => "a tab".to_owned(),
                    other => format!("'{}'", Printable(&other.to_string())),
                };
                format!("this line names the delimiter, {delimiter}, and is not a row")
            }
            Self::TypeLine => "this line is PowerShell's, not a row".to_owned(),
            Self::RowsAbove { last } if last.get() > 1 => {
                format!("what stands above the header was skipped, down to line {last}")
            }
            Self::RowsAbove { .. } => "what stands above the header was skipped".to_owned(),
            Self::Sheet { name, is_hidden, others, hidden } => {
                let state = if *is_hidden { ", which is hidden, is read" } else { " is read" };
                let others = others.iter().map(|name| format!("'{}'", Printable(name)));
                let hidden = hidden.iter().map(|name| format!("'{}' (hidden)", Printable(name)));
                let others: Vec<String> = others.chain(hidden).collect();
                let rest = if others.is_empty() {
                    String::new()
                } else {
                    format!("; not read: {}", others.join(", "))
                };
                format!("the sheet '{}'{state}{rest}", Printable(name))
            }
            Self::HiddenColumns(names) => {
                let listed: Vec<String> = names.iter().map(|name| format!("'{}'", Printable(name))).collect();
                let (columns, are) = if names.len() == 1 { ("column", "is") } else { ("columns", "are") };
                format!(
                    "the {columns} {} {are} hidden in the sheet, and {are} taken like the others",
                    listed.join(", ")
                )
            }
            Self::BlankRows(1) => "a blank row was skipped".to_owned(),
            Self::BlankRows(count) => format!("{count} blank rows were skipped, this is the first"),
            Self::HiddenRows(1) => {
                "this row is hidden in the sheet, by a filter perhaps, and is taken like the others"
                    .to_owned()
            }
            Self::HiddenRows(count) => format!(
                "{count} rows are hidden in the sheet, by a filter perhaps, and are taken like the others; this is the first"
            ),
            Self::ShortRows(1) => {
                "this row ends before the last column; what is missing counts as empty".to_owned()
            }
            Self::ShortRows(count) => format!(
                "{count} rows end before the last column, this is the first; what is missing counts as empty"
            ),
            Self::LongRows(1) => {
                "this row goes on after the last column; what stands there is empty and was left out"
                    .to_owned()
            }
            Self::LongRows(count) => format!(
                "{count} rows go on after the last column, this is the first; what stands there is empty and was left out"
            ),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::ReadAs(_) => "where accented letters come out wrong, name the right one with --encoding",
            Self::MarkAgainst { .. } => "leave --encoding out",
            Self::Utf8Against(_) => "leave --encoding out, unless accented letters look right with it",
            Self::Sheet { .. } => "--sheet names another",
            Self::HiddenColumns(_) => {
                "show the columns in Excel and look at what is in them, or leave one out with --ignore"
            }
            Self::HiddenRows(_) => {
                "if only the rows that can be seen are meant, copy them into a sheet of their own"
            }
            Self::ShortRows(_) => "check whether such a row was cut off",
            _ => "nothing needs to be done",
        }
    }

    /// Where there is more than the one sheet that a user sees.
    pub(super) fn of_sheets(sheets: Sheets) -> Option<Self> {
        let Sheets { chosen, is_hidden, others, hidden, .. } = sheets;
        let is_all_there_is = others.is_empty() && hidden.is_empty() && !is_hidden;
        (!is_all_there_is).then_some(Self::Sheet { name: chosen, is_hidden, others, hidden })
    }

    /// Where columns with a name are not shown.
    pub(super) fn of_hidden_columns(header: &Header, hidden: &BTreeSet<u32>) -> Option<Self> {
        let names = hidden.iter().filter_map(|column| header.names().get(*column as usize));
        let names: Vec<String> = names.filter(|name| !name.is_empty()).cloned().collect();
        (!names.is_empty()).then_some(Self::HiddenColumns(names))
    }

    pub(super) fn of_encoding(encoding: Encoding, how: How) -> Option<Self> {
        match how {
            How::Guessed => Some(Self::ReadAs(encoding)),
            How::MarkAgainst(asked) => Some(Self::MarkAgainst { mark: encoding, asked }),
            How::Utf8Against(asked) => Some(Self::Utf8Against(asked)),
            How::Known | How::Unfit { .. } => None,
        }
    }
}

/// What is counted while rows are read.
#[derive(Debug, Default)]
pub(super) struct RemarkCounts {
    blank: Counted,
    hidden: Counted,
    short: Counted,
    long: Counted,
}

#[derive(Debug, Default)]
struct Counted(Option<(Line, u64)>);

impl Counted {
    fn add(&mut self, line: Line) {
        self.0.get_or_insert((line, 0)).1 += 1;
    }
}

impl RemarkCounts {
    pub(super) fn blank(&mut self, line: Line) {
        self.blank.add(line);
    }

    pub(super) fn hidden(&mut self, line: Line) {
        self.hidden.add(line);
    }

    pub(super) fn short(&mut self, line: Line) {
        self.short.add(line);
    }

    pub(super) fn long(&mut self, line: Line) {
        self.long.add(line);
    }

    pub(super) fn remarks(&self) -> Vec<Remark> {
        let all = [
            self.blank.0.map(|(line, count)| (line, RemarkKind::BlankRows(count))),
            self.hidden.0.map(|(line, count)| (line, RemarkKind::HiddenRows(count))),
            self.short.0.map(|(line, count)| (line, RemarkKind::ShortRows(count))),
            self.long.0.map(|(line, count)| (line, RemarkKind::LongRows(count))),
        ];
        let mut remarks: Vec<Remark> =
            all.into_iter().flatten().map(|(line, kind)| Remark { line, kind }).collect();
        remarks.sort_by_key(|remark| remark.line);
        remarks
    }
}
