//! The journal: one SQLite file that holds every run, the single source of truth.
//!
//! Owns the schema, who may write, what is committed when, recovery and every query. Alone knows
//! SQL. Knows nothing of HTTP, of input files or of what follows from an answer: it is told.

mod abreast;
mod audit;
mod blocks;
mod cells;
mod chain;
mod definitions;
#[cfg(test)]
mod definitions_tests;
mod encoding;
mod error;
mod failed;
mod import;
mod insert;
mod keep;
mod load;
mod lock;
mod open;
mod outputs;
mod parts;
mod pending;
mod people;
mod person;
mod place;
mod planned;
mod proof;
#[cfg(test)]
mod proof_tests;
mod query;
mod reasons;
mod recover;
mod retry;
mod reversal;
mod runs;
mod sums;
#[cfg(test)]
mod tests;
mod users;
mod word;
mod writer;

pub use audit::{AttemptRow, AuditRow};
pub use cells::{CellBlock, Packer};
pub use error::{JournalError, cause_in_words};
pub use failed::FailedRow;
pub use import::Importer;
pub use keep::{Prunable, Retention};
pub use load::Loader;
pub use open::{Journal, Reader, is_held};
pub use outputs::WrittenFile;
pub use parts::RowPart;
pub use person::PersonNames;
pub use planned::{AskedWords, InvalidOperation, NewRun, Origin, PlannedOperation, StoredTarget, Totals};
pub use proof::{Alteration, Head, Proof};
pub use query::{OperationRow, OrgTally};
pub use reasons::{Reason, RecentRequests};
pub use retry::Selected;
pub use reversal::{CallingPlace, NeedNone, Reversal};
pub use runs::{RunRow, Tally};
pub use writer::{AttemptReport, Commit, Committed, LogEntry, Writer};

/// Milliseconds since 1970, UTC.
fn unix_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
