//! What can be wrong with a journal, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::domain::Listing;

/// What SQLite says, in our words; none where the error is not SQLite's.
#[must_use]
pub fn cause_in_words(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    // The one is the source of the other, and both have words of their own.
    let code = match error.downcast_ref::<rusqlite::ffi::Error>() {
        Some(inner) => Some(inner.code),
        None => error.downcast_ref::<rusqlite::Error>()?.sqlite_error_code(),
    };
    Some(match code {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::ReadOnly) => "nothing can be written there",
        Some(
            ErrorCode::PermissionDenied | ErrorCode::CannotOpen | ErrorCode::AuthorizationForStatementDenied,
        ) => "it may not be opened or written by this user",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            "another program is using it"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "its content is not sound",
        Some(ErrorCode::SystemIoFailure) => "the disk cannot be read or written",
        Some(ErrorCode::OutOfMemory) => "there is not enough memory",
        Some(ErrorCode::ConstraintViolation) => "what was to be written contradicts what stands in it",
        _ => "the database did not do what it was asked",
    })
}

/// The journal cannot be used, or can no longer be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// There is no file there.
    #[error("there is no journal at {}; name it with --journal, or begin with 'seatbatch apply FILE'", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process writes to it.
    #[error("another seatbatch process is using the journal {}; wait for it, or use another journal with --journal", path.display())]
    Held {
        /// The journal.
        path: PathBuf,
    },
    /// Nobody can be kept from writing at the same time.
    #[error("files cannot be locked where the journal {} is, so two processes could send the same run; keep it on a disk of this machine and name it with --journal", path.display())]
    NoLocks {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is another machine's.
    #[error("the journal {} would lie on a network share ({kind}), where locks and what is called written cannot be relied on; keep it on a disk of this machine and name it with --journal", path.display())]
    Share {
        /// The journal.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// A hard link.
    #[error("the journal {} has a second name (a hard link), and what was written last may lie beside the other one; remove one of the names, or make a copy with 'seatbatch journal backup'", path.display())]
    TwoNames {
        /// The journal.
        path: PathBuf,
    },
    /// What was written last cannot be read without writing.
    #[error("the journal {} was not closed, and what was written last lies in {}-wal, which cannot be read where nothing may be written; copy both to a folder of your own and name the copy with --journal", path.display(), path.display())]
    Unclosed {
        /// The journal.
        path: PathBuf,
    },
    /// The file or its folder cannot be used.
    #[error("cannot open the journal {}", path.display())]
    Open {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A database of something else.
    #[error("{} is not a seatbatch journal; name another file with --journal", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later release.
    #[error("the journal {} has format {found}, and this release knows formats up to {known}; use a newer seatbatch", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known format.
        known: u32,
    },
    /// The database is damaged.
    #[error("the journal {} is damaged, or the disk it is on; keep a copy of it with its -wal file, and try 'sqlite3 {} .recover' to save what is readable", path.display(), path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The disk is full or fails.
    #[error("the journal {} cannot be written or read; nothing more was sent. Free some space or repair the disk, and run the command again", path.display())]
    Disk {
        /// The journal.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is no longer the one that was opened.
    #[error("the journal {} was moved, deleted or replaced while it was in use; nothing more was sent. Put it back, and run the command again", path.display())]
    Replaced {
        /// The journal.
        path: PathBuf,
    },
    /// No run of this number.
    #[error("the journal has no run {run}")]
    NoRun {
        /// The number asked for.
        run: u32,
    },
    /// Anything else SQLite says.
    #[error("the journal {} failed", path.display())]
    Sqlite {
        /// The journal.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// What stands in the journal is not what was written into it.
    #[error("the journal {} was altered, so nothing is sent from it: {what}; go back to an intact copy", path.display())]
    Altered {
        /// The journal.
        path: PathBuf,
        /// What was found first.
        what: String,
    },
    /// What stands in the journal is not what was put there.
    #[error("the journal {} holds {what}, which no release writes", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// What was found.
        what: String,
    },
}

impl JournalError {
    /// There is no journal here. Whoever stands in another folder than they think has to see in which.
    pub(super) fn missing(path: &Path) -> Self {
        Self::Missing { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
    }

    /// Sorts what SQLite says by what the user can do about it.
    pub(super) fn of(path: &std::path::Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match &source {
            rusqlite::Error::FromSqlConversionFailure(_, _, what) => {
                return Self::Unreadable { path, what: what.to_string() };
            }
            rusqlite::Error::InvalidColumnType(_, column, found) => {
                return Self::Unreadable { path, what: format!("in '{column}' a value of type {found}") };
            }
            rusqlite::Error::IntegralValueOutOfRange(_, number) => {
                return Self::Unreadable { path, what: format!("the number {number}") };
            }
            _ => {}
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied,
            ) => Self::Disk { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Held { path },
            _ => Self::Sqlite { path, source },
        }
    }

    /// What may show how to go on.
    #[must_use]
    pub const fn listing(&self) -> Option<Listing> {
        match self {
            Self::NoRun { .. } => Some(Listing::Runs),
            Self::Altered { .. } => Some(Listing::Alterations),
            _ => None,
        }
    }

    /// Whether the user named something that is not there, rather than something that fails.
    #[must_use]
    pub const fn is_about_usage(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::NoRun { .. })
    }
}
