//! The journal: one SQLite file that holds every run, the single source of truth.
//!
//! Owns the schema, who may write, what is committed when, recovery and every query. Alone knows
//! SQL. Knows nothing of HTTP, of input files or of what follows from an answer: it is told.

mod audit;
mod cells;
mod error;
mod import;
mod insert;
mod load;
mod lock;
mod open;
mod outputs;
mod place;
mod query;
mod reasons;
mod recover;
mod retry;
#[cfg(test)]
mod tests;
mod users;
mod word;
mod writer;

pub use audit::{AttemptRow, AuditRow};
pub use cells::{Block, Packer};
pub use error::JournalError;
pub use import::{Importer, InvalidOperation, NewRun, Origin, PlannedOperation, StoredTarget, Totals};
pub use load::Loader;
pub use open::{Journal, Reader, is_held};
pub use outputs::WrittenFile;
pub use query::{FailedRow, OperationRow, OrgTally, RunRow, Tally};
pub use reasons::{Pace, Reason};
pub use retry::Selected;
pub use writer::{AttemptReport, Commit, Committed, Intent, Outcome, Record, Writer};
