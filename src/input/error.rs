//! What can be wrong with a file as a whole, and with a row as a row of cells.

use std::io;
use std::path::PathBuf;

use crate::domain::Line;

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
    #[error("{} is {what}; name a CSV file (save what a pipe delivers to a file first: it is read more than once)", path.display())]
    NotAFile {
        /// As the user named it.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
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
    /// A header and nothing else.
    #[error("the file has a header and no rows; there is nothing to do")]
    NoRows,
    /// The header is not text.
    #[error(
        "line 1: the header is not UTF-8 text; save the file as CSV in UTF-8, or name its encoding with --encoding windows-1252"
    )]
    HeaderNotText,
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
    #[error("{} changed while it was being read; let it rest and start again", path.display())]
    Changed {
        /// As the user named it.
        path: PathBuf,
    },
}

impl InputError {
    /// Whether the fault is in what the file says, rather than in getting at it.
    #[must_use]
    pub const fn is_about_content(&self) -> bool {
        !matches!(self, Self::Open { .. } | Self::NotAFile { .. } | Self::Read { .. } | Self::Changed { .. })
    }
}

/// Why a row's cells cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// More or fewer cells than the header.
    #[error("the row has {found} cells, the header has {expected}")]
    Ragged {
        /// Cells in the row.
        found: usize,
        /// Cells in the header.
        expected: usize,
    },
    /// A zero byte, the mark of a damaged or binary file.
    #[error("cell {cell} holds a NUL byte")]
    Nul {
        /// Position of the cell, from 1.
        cell: usize,
    },
    /// Bytes that are no text.
    #[error("cell {cell} is not UTF-8 text")]
    NotText {
        /// Position of the cell, from 1.
        cell: usize,
    },
}
