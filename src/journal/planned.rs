//! What is to be taken in: a run, its operations, and the rows that cannot be sent.

use std::path::Path;

use crate::domain::{Action, AssignmentNo, EmailAddress, OperationKey, OrgId, PersonId, Properties};

/// A run about to be imported.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// The file as the user named it.
    pub input_path: &'a Path,
    /// Its SHA-256 in hexadecimal digits.
    pub input_sha256: &'a str,
    /// What the failures CSV takes over, as JSON.
    pub layout: &'a str,
    /// How the run is to be sent, as JSON.
    pub settings: &'a str,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Whose doing it is.
    pub origin: Origin<'a>,
}

/// Who begins a run, from where and with which release, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// The operating system's name of the user.
    pub os_user: Option<&'a str>,
    /// The machine's name.
    pub host: Option<&'a str>,
    /// The release of this program.
    pub version: Option<&'a str>,
}

/// A license or site that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredTarget(pub(super) i64);

/// An operation with its place.
#[derive(Debug)]
pub struct PlannedOperation<'a> {
    /// Its name.
    pub key: OperationKey,
    /// The user's assignment.
    pub assignment: AssignmentNo,
    /// The user, as far as the row names it.
    pub email: Option<&'a EmailAddress>,
    /// The user, as far as the row names it.
    pub person: Option<&'a PersonId>,
    /// The user's organization.
    pub org: Option<&'a OrgId>,
    /// What is added or removed.
    pub target: StoredTarget,
    /// Which of the two.
    pub action: Action,
    /// With what.
    pub properties: &'a Properties,
    /// The same operation that is sent instead.
    pub duplicate_of: Option<OperationKey>,
    /// By which of the words that [`Importer::asked`](super::Importer::asked) keeps, where its row asks for several.
    pub asked: Option<u32>,
    /// It is in effect already, and is not to be sent. Operations that are the same are in effect, or not, together.
    pub unchanged: bool,
}

/// By which words rows ask for one of their several operations.
#[derive(Debug, Clone, Copy)]
pub struct AskedWords<'a> {
    /// Their number within the run.
    pub number: u32,
    /// The place among the row's own cells; none where an option asks.
    pub cell: Option<u32>,
    /// The entry of the cell, or the option; none where the cell asks for one thing.
    pub text: Option<&'a str>,
    /// What an earlier failures CSV says need not be asked of the row again.
    pub not_again: Option<&'a str>,
}

/// A row that cannot be sent.
#[derive(Debug)]
#[expect(missing_docs, reason = "the cells as they stand, and the contract's words")]
pub struct InvalidOperation<'a> {
    pub key: OperationKey,
    pub email: &'a str,
    pub person: &'a str,
    pub org: &'a str,
    pub kind: &'a str,
    pub target: &'a str,
    pub operation: &'a str,
    pub code: &'a str,
    pub message: &'a str,
}

/// What was imported, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Users that something is asked for.
    pub assignments: u32,
    /// Operations.
    pub total: u64,
    /// Rows that cannot be sent.
    pub invalid: u64,
    /// Rows that need not be sent.
    pub unchanged: u64,
}
