//! What can be wrong with a file as a whole.

use std::io;
use std::path::PathBuf;

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
    /// Not a single record.
    #[error(
        "the file is empty; its first line must name the columns, for example: email,licenseId,operation"
    )]
    Empty,
    /// A sheet with nothing in it.
    #[error(
        "the sheet '{}' is empty{}; its first line must name the columns, for example: email, licenseId, operation",
        Printable(sheet),
        others.first().map_or_else(String::new, |other| format!(" ('{}' may be meant: say --sheet)", Printable(other)))
    )]
    EmptySheet {
        /// Its name.
        sheet: String,
        /// The others that can be seen.
        others: Vec<String>,
    },
    /// A header and nothing else.
    #[error("the file has a header and no rows; there is nothing to do")]
    NoRows,
    /// A failures CSV with its header alone.
    #[error(
        "a failures CSV without rows: nothing had failed when it was written, and there is nothing to send again"
    )]
    NothingFailed,
    /// The header is not text.
    #[error(
        "line {line}: the header is not text in UTF-8 or another encoding that could be found out; save the file as CSV in UTF-8, or name its encoding with --encoding, as in --encoding windows-1252"
    )]
    HeaderNotText {
        /// Where it stands.
        line: Line,
    },
    /// Not a table at all.
    #[error("the file is {what}; {remedy}")]
    OtherKind {
        /// What it is.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Four bytes a character.
    #[error("the file is text in UTF-32, which is not read; save it as CSV in UTF-8")]
    Utf32,
    /// A workbook that cannot be read.
    #[error(transparent)]
    Workbook(#[from] WorkbookError),
    /// A sheet was asked for.
    #[error("the file is not a workbook and has no sheets; leave --sheet out")]
    NoSheets,
    /// More than one line at the top can be the header.
    #[error(
        "lines {one} and {other} can both be the header, and the first line cannot; take out what stands above the right one"
    )]
    SeveralHeaders {
        /// The first of them.
        one: Line,
        /// The second.
        other: Line,
    },
    /// Another file begins inside this one.
    #[error(
        "line {line}: this is the header of another file: two files have been put together, and what stands below has other columns or another delimiter than line {first} says; take them apart"
    )]
    SecondHeader {
        /// Where it stands.
        line: Line,
        /// Where the first stands.
        first: Line,
    },
    /// A record longer than the limit.
    #[error(
        "line {line}: the row that starts here is longer than {limit} bytes; a quote that is never closed is the usual cause"
    )]
    TooLong {
        /// Where the record starts.
        line: Line,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file ends inside quotes.
    #[error(
        "line {line}: a quote opened in the row that starts here is never closed, so the rest of the file would be one cell; close it, or double it where it belongs to the text"
    )]
    UnclosedQuote {
        /// Where the record starts.
        line: Line,
    },
    /// More lines than a line number can name.
    #[error("the file has more than {} lines; split it", u32::MAX)]
    TooManyLines,
    /// The second reading met another file than the first.
    #[error("{} changed while it was being read; start again once nothing writes to it", path.display())]
    Changed {
        /// As the user named it.
        path: PathBuf,
    },
}

impl InputError {
    /// Whether the fault is in what the file says, rather than in getting at it.
    #[must_use]
    pub const fn is_about_content(&self) -> bool {
        !matches!(
            self,
            Self::Open { .. }
                | Self::NotAFile { .. }
                | Self::StandardInput
                | Self::NotKept { .. }
                | Self::Read { .. }
                | Self::Changed { .. }
        )
    }
}
