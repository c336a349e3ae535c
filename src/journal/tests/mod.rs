//! What is put into the journal, and what it then says: import, writing, recovery, retry and loading together.

mod costs;
mod importing;
mod recovery;
mod retrying;
mod writing;

use super::*;
use crate::domain::{
    Action, Assignment, AssignmentNo, AttemptId, AttemptOutcome, BatchChange, BatchId, Change, EmailAddress,
    ErrorCode, Intent, Item, LicenseId, Line, LocationId, OperationFailure, OperationKey, OrgId, Outcome,
    Part, PersonId, PhoneNumber, Properties, Refusal, RunId, RunState, SiteUrl, Span, Target, WireForm,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A row of the file: the user's assignment, the organization's number, the line that it repeats.
#[derive(Clone, Copy, Default)]
pub(super) struct FileRow {
    pub(super) assignment: u32,
    pub(super) org: u32,
    pub(super) repeats: Option<u32>,
    pub(super) unchanged: bool,
}

fn users(count: u32) -> Vec<FileRow> {
    (0..count).map(|assignment| FileRow { assignment, ..FileRow::default() }).collect()
}

pub(super) struct Desk {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

pub(super) const RUN: RunId = RunId(1);

/// A moment, in milliseconds since 1970.
pub(super) const NOW: i64 = 1_700_000_000_000;

pub(super) fn new() -> NewRun<'static> {
    let origin = Origin { os_user: Some("ada"), host: Some("desk"), version: Some("1.2.3") };
    NewRun {
        input_path: std::path::Path::new("people.csv"),
        input_sha256: "abc",
        layout: "{}",
        settings: "{}",
        created_at: NOW,
        origin,
    }
}

pub(super) fn key(line: u32) -> OperationKey {
    OperationKey::of_line(Line::new(line))
}

/// A row that cannot be sent.
pub(super) fn invalid(line: u32) -> InvalidOperation<'static> {
    InvalidOperation {
        key: key(line),
        email: "nobody",
        person: "",
        org: "",
        kind: "license",
        target: "",
        operation: "",
        code: "BAD_EMAIL",
        message: "no",
    }
}

impl Desk {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("j.db"), _folder: folder }
    }

    /// Imports rows; the first is on line 2.
    pub(super) fn import(&self, rows: &[FileRow]) -> Journal {
        let mut journal = Journal::create(&self.path).unwrap();
        let assignments = rows.iter().map(|row| row.assignment + 1).max().unwrap_or(0);
        let mut importer = journal.import(&new(), assignments).unwrap();
        let license = LicenseId::parse("L1").unwrap();
        let target = importer.target(&Target::License(license)).unwrap();
        let named = |row: &FileRow| {
            let email = EmailAddress::parse(&format!("user{}@example.com", row.assignment)).unwrap();
            (email, OrgId::parse(&format!("O{}", row.org)).unwrap())
        };
        let users: Vec<_> = rows.iter().map(named).collect();
        let properties = Properties::default();
        let planned = (2..).zip(rows).zip(&users).map(|((line, row), (email, org))| PlannedOperation {
            key: key(line),
            assignment: AssignmentNo(row.assignment),
            email: Some(email),
            person: None,
            org: (row.org > 0).then_some(org),
            target,
            action: Action::Add,
            properties: &properties,
            duplicate_of: row.repeats.map(key),
            asked: None,
            unchanged: row.unchanged,
        });
        importer.operations(&planned.collect::<Vec<_>>()).unwrap();
        importer.seal().unwrap();
        journal
    }

    /// State, code, HTTP status and attempts of each operation, by line.
    fn operations(&self) -> Vec<(u32, String, Option<String>, u32)> {
        let mut found = Vec::new();
        let reader = Reader::open(&self.path).unwrap();
        let each = |row: OperationRow| {
            found.push((row.line, row.state, row.error_code, row.attempts));
            Ok::<_, JournalError>(())
        };
        reader.operations(RUN, each).unwrap();
        found
    }

    fn states(&self) -> String {
        let letters = self.operations().into_iter().map(|(_, state, ..)| state.chars().next().unwrap());
        letters.collect()
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let db = rusqlite::Connection::open(&self.path).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

pub(super) fn span(first: u32, last: u32) -> Span {
    Span::new(first, last).unwrap()
}

pub(super) fn part(batch: u32, first: u32, last: u32) -> Part {
    Part { batch: BatchId(batch), span: span(first, last) }
}

pub(super) fn intent(batch: u32, first: u32, last: u32, rows: u64) -> LogEntry {
    let (batch, attempt) = (BatchId(batch), AttemptId(batch));
    let intent = Intent { batch, span: span(first, last), attempt, wire: WireForm::Array };
    LogEntry::Intent { intent, rows, tracking_id: format!("ours-{}", batch.0) }
}

/// An outcome of the attempt with the batch's own number.
pub(super) fn outcome(
    batch: u32,
    (first, last): (u32, u32),
    change: BatchChange,
    sent_rows: Option<u64>,
) -> LogEntry {
    let attempt = match change {
        BatchChange::Done { .. } => AttemptOutcome::Accepted,
        BatchChange::InDoubt(_) => AttemptOutcome::InDoubt,
        _ => AttemptOutcome::Rejected,
    };
    let report = AttemptReport {
        attempt: AttemptId(batch),
        started_at: NOW,
        ended_at: NOW + 5,
        http_status: Some(207),
        retry_after_s: Some(3),
        tracking_id: Some(format!("T{batch}")),
        message: None,
    };
    let outcome = Outcome {
        batch: BatchId(batch),
        span: span(first, last),
        attempt: Some(attempt),
        change,
        learned: None,
        rows: sent_rows.unwrap_or_default(),
    };
    LogEntry::Outcome { outcome: Box::new(outcome), report: Some(report), had_intent: sent_rows.is_some() }
}

/// What the engine does without a request: a split, an intent given back.
fn without_request(batch: u32, (first, last): (u32, u32), change: BatchChange) -> LogEntry {
    let (batch, span) = (BatchId(batch), span(first, last));
    let outcome = Outcome { batch, span, attempt: None, change, learned: None, rows: 0 };
    LogEntry::Outcome { outcome: Box::new(outcome), report: None, had_intent: false }
}

pub(super) fn done() -> BatchChange {
    BatchChange::Done { failures: Vec::new() }
}

pub(super) fn refusal(code: &'static str) -> Refusal {
    Refusal { code: ErrorCode::ours(code), message: "no".into() }
}

pub(super) fn failure(assignment: u32, line: u32, code: &'static str) -> OperationFailure {
    OperationFailure { assignment: AssignmentNo(assignment), key: key(line), rows: 1, refusal: refusal(code) }
}

/// Writes groups of records; gives back what was committed, in words.
pub(super) fn write(journal: Journal, groups: Vec<Vec<LogEntry>>) -> (Journal, Vec<String>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let mut writer = Writer::start(journal, RUN, move |commits| {
        let words = commits.into_iter().map(|commit| match commit {
            Commit::Intent(intent) => format!("intent {}", intent.get().batch.0),
            Commit::Outcome(batch) => format!("outcome {}", batch.0),
            Commit::Failed(error) => format!("failed: {error}"),
        });
        telling.lock().unwrap().extend(words);
    });
    for group in groups {
        group.into_iter().for_each(|record| writer.gather(NOW, record));
        writer.submit();
    }
    let journal = writer.close();
    let told = std::mem::take(&mut *told.lock().unwrap());
    (journal, told)
}
