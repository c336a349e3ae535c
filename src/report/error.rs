//! What can go wrong on the way to a report.

use std::io;
use std::path::PathBuf;

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

/// Why an output cannot go where it should. Nothing has been written.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// There is no such folder.
    #[error("there is no folder {} to write {} to; make it, or name another file", folder.display(), path.display())]
    NoFolder {
        /// The output.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// It is a folder.
    #[error("{} is a folder; name a file in it", path.display())]
    Folder {
        /// The output.
        path: PathBuf,
    },
    /// It is a file that the command reads or keeps its own record in.
    #[error("{} is {what}, which nothing may take the place of; name another file", path.display())]
    Taken {
        /// The output.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Nothing can be written there.
    #[error("nothing can be written to {}; name a file elsewhere", path.display())]
    Unwritable {
        /// The output.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
