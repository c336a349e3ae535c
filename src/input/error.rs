//! What can be wrong with a file as a whole.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::sheets::WorkbookError;
use crate::domain::{Line, Printable};

/// The file cannot be read as rows. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Opening failed.
    #[error("cannot open {}", path.display())]
    Open {
        /// As the user named it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{} is {what}; name a file (save what a pipe delivers to one first: it is read more than once)", path.display())]
    NotAFile {
        /// As the user named it.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// Standard input, where the file is needed again.
    #[error(
        "standard input cannot be applied: the failures CSV is written beside the file and has its rows, and what is sent is read a second time; save it to a file first (… > people.csv), then apply that file"
    )]
    StandardInput,
    /// What came through a pipe could not be put down.
    #[error("cannot keep what came from {} in a temporary file (set TMPDIR to a folder with room)", path.display())]
    NotKept {
        /// As the user named it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading failed midway.
    #[error("cannot read {} after line {line}", path.display())]
    Read {
        /// As the user named it.
        path: PathBuf,
        /// The last line reached.
        line: Line,
        /// Why.
        source: io::Error,
    },
    /// The second reading met another file than the first.
    #[error("{} changed while it was being read; start again once nothing writes to it", path.display())]
    Changed {
        /// As the user named it.
        path: PathBuf,
    },
    /// A failures CSV with its header alone.
    #[error(
        "a failures CSV without rows: nothing had failed when it was written, and there is nothing to send again"
    )]
    NothingFailed,
    /// What it holds is no table.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl InputError {
    /// What failed before a line of the file was read.
    pub(super) fn unread(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Read { path: path.to_owned(), line: Line::new(1), source }
    }

    /// Whether the fault is in what the file says, rather than in getting at it.
    #[must_use]
    pub const fn is_about_content(&self) -> bool {
        matches!(self, Self::Content(_) | Self::NothingFailed)
    }
}

impl From<WorkbookError> for InputError {
    fn from(error: WorkbookError) -> Self {
        ContentError::from(error).into()
    }
}

/// What a file holds cannot be read as rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentError {
    /// Not a single record.
    Empty,
    /// A sheet with nothing in it.
    EmptySheet {
        /// Its name.
        sheet: String,
        /// The others that can be seen.
        others: Vec<String>,
    },
    /// A header and nothing else.
    NoRows,
    /// The header is not text.
    HeaderNotText {
        /// Where it stands.
        line: Line,
    },
    /// Not a table at all.
    OtherKind {
        /// What it is.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Four bytes a character.
    Utf32,
    /// A workbook that cannot be read.
    Workbook(WorkbookError),
    /// A sheet was asked for.
    NoSheets,
    /// More than one line at the top can be the header.
    SeveralHeaders {
        /// The first of them.
        one: Line,
        /// The second.
        other: Line,
    },
    /// Another file begins inside this one.
    SecondHeader {
        /// Where it stands.
        line: Line,
        /// Where the first stands.
        first: Line,
    },
    /// A record longer than the limit.
    TooLong {
        /// Where the record starts.
        line: Line,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file ends inside quotes.
    UnclosedQuote {
        /// Where the record starts.
        line: Line,
    },
    /// More lines than a line number can name.
    TooManyLines,
}

impl ContentError {
    /// What is said of it.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        match self {
            Self::Empty => Explanation::of(
                "the file is empty",
                "its first line must name the columns, for example: email,licenseId,operation",
            ),
            Self::EmptySheet { sheet, others } => {
                let other = others.first().map_or_else(String::new, |other| {
                    format!(" ('{}' may be meant: say --sheet)", Printable(other))
                });
                Explanation::of(
                    format!("the sheet '{}' is empty{other}", Printable(sheet)),
                    "its first line must name the columns, for example: email, licenseId, operation",
                )
            }
            Self::NoRows => Explanation::of("the file has a header and no rows", "there is nothing to do"),
            Self::HeaderNotText { line } => Explanation::of(
                "the header is not text in UTF-8 or another encoding that could be found out",
                "save the file as CSV in UTF-8, or name its encoding with --encoding, as in --encoding \
                 windows-1252",
            )
            .at(*line),
            Self::OtherKind { what, remedy } => Explanation::of(format!("the file is {what}"), *remedy),
            Self::Utf32 => {
                Explanation::of("the file is text in UTF-32, which is not read", "save it as CSV in UTF-8")
            }
            Self::Workbook(error) => error.explanation(),
            Self::NoSheets => {
                Explanation::of("the file is not a workbook and has no sheets", "leave --sheet out")
            }
            Self::SeveralHeaders { one, other } => Explanation::of(
                format!("lines {one} and {other} can both be the header, and the first line cannot"),
                "take out what stands above the right one",
            ),
            Self::SecondHeader { line, first } => Explanation::of(
                format!(
                    "this is the header of another file: two files have been put together, and \
                     what stands below has other columns or another delimiter than line {first} says"
                ),
                "take them apart",
            )
            .at(*line),
            Self::TooLong { line, limit } => Explanation::of(
                format!("the row that starts here is longer than {limit} bytes"),
                "a quote that is never closed is the usual cause",
            )
            .at(*line),
            Self::UnclosedQuote { line } => Explanation::of(
                "a quote opened in the row that starts here is never closed, so the rest of the file would \
                 be one cell",
                "close it, or double it where it belongs to the text",
            )
            .at(*line),
            Self::TooManyLines => {
                Explanation::of(format!("the file has more than {} lines", u32::MAX), "split it")
            }
        }
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explanation().fmt(f)
    }
}

impl std::error::Error for ContentError {}

impl From<WorkbookError> for ContentError {
    fn from(error: WorkbookError) -> Self {
        Self::Workbook(error)
    }
}

/// What is said of a fault, part by part: a name in the file may have any sign that could part them later.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The line that is meant; none where it is the file as a whole.
    pub line: Option<Line>,
    /// What is wrong.
    pub wrong: Cow<'static, str>,
    /// What to do about it, or what helps to find out.
    pub remedy: Cow<'static, str>,
}

impl Explanation {
    /// Of the file as a whole.
    pub(crate) fn of(wrong: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { line: None, wrong: wrong.into(), remedy: remedy.into() }
    }

    /// The same of one line.
    pub(crate) fn at(self, line: Line) -> Self {
        Self { line: Some(line), ..self }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}; {}", self.wrong, self.remedy)
    }
}
