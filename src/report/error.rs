//! What can go wrong on the way to a report.

use std::io;
use std::path::PathBuf;

use super::atomic_file::DestinationError;
use crate::journal::JournalError;

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It cannot go where it should.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whoever reads along has gone.
    #[error("cannot write the report")]
    Output(#[from] io::Error),
    /// What the journal knows of the file's layout cannot be read.
    #[error("the journal does not say how the input file was laid out")]
    Layout(#[source] serde_json::Error),
}

/// What went wrong with the output beneath a CSV writer.
pub(super) fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        Self::Output(plain(error))
    }
}
