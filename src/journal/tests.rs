//! What is put into the journal, and what it then says: import, writing, recovery, retry and loading together.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::domain::{
    Action, Assignment, AssignmentNo, AttemptId, AttemptOutcome, BatchChange, BatchId, Change, EmailAddress,
    ErrorCode, Intent, Item, LicenseId, Line, LocationId, OperationFailure, OperationKey, OrgId, Outcome,
    Part, PersonId, PhoneNumber, Properties, Refusal, RunId, RunState, SiteUrl, Span, Target, WireForm,
};

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

#[test]
fn an_intent_is_sending_and_an_outcome_settles_it() {
    let desk = Desk::new();
    let journal = desk.import(&users(6));
    assert!(journal.is_untouched(RUN).unwrap());
    let (journal, told) =
        write(journal, vec![vec![intent(1, 0, 1, 2), intent(2, 2, 3, 2), intent(3, 4, 4, 1)]]);
    assert_eq!(told, ["intent 1", "intent 2", "intent 3"]);
    assert_eq!(desk.states(), "sssssp");
    assert!(!journal.is_untouched(RUN).unwrap());

    let partial = BatchChange::Done { failures: vec![failure(0, 2, "X")] };
    let group = vec![
        outcome(1, (0, 1), partial, Some(2)),
        outcome(2, (2, 3), BatchChange::Failed(refusal("Y")), Some(2)),
        outcome(3, (4, 4), BatchChange::InDoubt("reset".into()), None),
    ];
    let (journal, told) = write(journal, vec![group]);
    assert_eq!(told, ["outcome 1", "outcome 2", "outcome 3"]);
    let expected = [
        (2, "failed", Some("X"), 1),
        (3, "done", None, 1),
        (4, "failed", Some("Y"), 1),
        (5, "failed", Some("Y"), 1),
        (6, "in_doubt", Some("IN_DOUBT"), 1),
        (7, "pending", None, 0),
    ];
    let expected = expected.map(|(line, state, code, attempts): (_, &str, Option<&str>, _)| {
        (line, state.to_owned(), code.map(str::to_owned), attempts)
    });
    assert_eq!(desk.operations(), expected);
    let tally = journal.run_row(RUN).unwrap().tally;
    assert_eq!(
        tally,
        Tally { total: 6, done: 1, failed: 3, pending: 1, in_doubt: 1, invalid: 0, unchanged: 0 }
    );
    assert_eq!(
        desk.texts(
            "SELECT outcome || ' ' || http_status || ' ' || retry_after_s || ' ' || tracking_id FROM attempts"
        ),
        ["accepted 207 3 T1", "rejected 207 3 T2", "in_doubt 207 3 T3"]
    );
}

#[test]
fn what_was_sending_is_in_doubt_after_a_crash() {
    let desk = Desk::new();
    let journal = desk.import(&users(6));
    let (mut journal, _) = write(
        journal,
        vec![vec![intent(1, 0, 1, 2)], vec![outcome(1, (0, 1), done(), Some(2)), intent(2, 2, 3, 2)]],
    );
    let standing = journal.recover(RUN, NOW).unwrap();
    assert_eq!(desk.states(), "ddiipp");
    assert_eq!(journal.run_row(RUN).unwrap().tally.in_doubt, 2);
    assert!(standing.accepted);
    assert_eq!((standing.next_batch, standing.next_attempt, standing.failed), (3, 3, 0));
    let lane = &standing.lanes[0];
    assert_eq!((&lane.covers, &lane.unsent), (&vec![span(0, 5)], &vec![span(4, 5)]));
    let open: Vec<_> =
        lane.open.iter().map(|open| (open.part.batch.0, open.part.span, open.in_doubt)).collect();
    assert_eq!(open, [(2, span(2, 3), true)]);
    assert_eq!(desk.texts("SELECT outcome FROM attempts ORDER BY attempt_id"), ["accepted", "in_doubt"]);

    // Doubt that is over counts no more.
    let (journal, _) =
        write(journal, vec![vec![intent(2, 2, 3, 2)], vec![outcome(2, (2, 3), done(), Some(2))]]);
    let tally = journal.run_row(RUN).unwrap().tally;
    assert_eq!((tally.in_doubt, tally.done), (0, 4));
}

#[test]
fn parts_take_over_what_their_batch_has_been_through() {
    let desk = Desk::new();
    let journal = desk.import(&users(5));
    let split = BatchChange::Split { left: part(2, 0, 1), right: part(3, 2, 4), doubt: None };
    let (mut journal, _) =
        write(journal, vec![vec![intent(1, 0, 4, 5)], vec![outcome(1, (0, 4), split, None)]]);
    assert_eq!(desk.states(), "ppppp");
    assert!(desk.operations().iter().all(|(.., attempts)| *attempts == 1));
    let lane = journal.recover(RUN, NOW).unwrap().lanes.remove(0);
    assert!(lane.unsent.is_empty());
    let open: Vec<_> = lane.open.iter().map(|open| (open.part.batch.0, open.in_doubt)).collect();
    assert_eq!(open, [(2, false), (3, false)]);
    // The rows of a part are counted where it is made.
    assert_eq!(desk.texts("SELECT rows || '' FROM batch ORDER BY batch_id"), ["5", "2", "3"]);
}

#[test]
fn an_intent_given_back_is_what_it_was() {
    let desk = Desk::new();
    let journal = desk.import(&users(2));
    let (journal, _) = write(
        journal,
        vec![
            vec![intent(1, 0, 0, 1), intent(2, 1, 1, 1)],
            vec![outcome(1, (0, 0), BatchChange::InDoubt("reset".into()), None)],
            vec![intent(1, 0, 0, 1)],
            vec![
                without_request(1, (0, 0), BatchChange::Pending),
                without_request(2, (1, 1), BatchChange::Pending),
            ],
        ],
    );
    assert_eq!(desk.states(), "ip");
    assert_eq!(journal.run_row(RUN).unwrap().tally.in_doubt, 1);
    assert_eq!(desk.operations()[1].3, 0, "no request left");

    // A request that left and is to be made again is another matter.
    let (_, _) =
        write(journal, vec![vec![intent(2, 1, 1, 1)], vec![outcome(2, (1, 1), BatchChange::Pending, None)]]);
    assert_eq!((desk.states().as_str(), desk.operations()[1].3), ("ip", 1));
}

#[test]
fn every_attempt_is_told_though_a_batch_has_several() {
    let desk = Desk::new();
    let journal = desk.import(&users(3));
    let again = |batch, attempt| {
        let LogEntry::Intent { mut intent, rows, tracking_id } = intent(batch, 0, 1, 2) else { panic!() };
        intent.attempt = AttemptId(attempt);
        LogEntry::Intent { intent, rows, tracking_id }
    };
    let ended = |change, attempt| {
        let mut entry = outcome(1, (0, 1), change, None);
        let LogEntry::Outcome { report: Some(report), .. } = &mut entry else { panic!() };
        report.tracking_id = Some(format!("T{attempt}"));
        entry
    };
    let told = |desk: &Desk| {
        desk.texts(
            "SELECT attempt_id || ' ' || assignments || ' ' || coalesce(outcome, 'sending') || ' '
               || coalesce(http_status || ' ' || retry_after_s || ' ' || tracking_id || ' ' || substr(ended_at, 18), '')
             FROM attempts ORDER BY attempt_id",
        )
    };
    let groups = vec![
        vec![again(1, 1)],
        vec![ended(BatchChange::Pending, 1), again(1, 2)],
        vec![ended(BatchChange::InDoubt("reset".into()), 2)],
        vec![again(1, 3)],
    ];
    let (journal, _) = write(journal, groups);
    let first_two = ["1 2 rejected 207 3 T1 20.005Z", "2 2 in_doubt 207 3 T2 20.005Z"];
    assert_eq!(told(&desk), [first_two[0], first_two[1], "3 2 sending "]);
    // Given back, it was none.
    let (journal, _) = write(journal, vec![vec![without_request(1, (0, 1), BatchChange::Pending)]]);
    assert_eq!(told(&desk), first_two);
    let (mut journal, _) = write(journal, vec![vec![again(1, 4)]]);
    journal.recover(RUN, NOW).unwrap();
    assert_eq!(desk.texts("SELECT outcome FROM attempts WHERE attempt_id = 4"), ["in_doubt"]);
    assert_eq!(told(&desk).len(), 3);
    let counts = journal.reader().unwrap().request_counts(RUN).unwrap();
    assert_eq!(counts, (3, 2));
}

#[test]
fn names_given_once_are_not_given_again() {
    let desk = Desk::new();
    let journal = desk.import(&users(9));
    let split = BatchChange::Split { left: part(8, 0, 1), right: part(9, 2, 4), doubt: None };
    let (mut journal, _) =
        write(journal, vec![vec![intent(7, 0, 4, 5)], vec![outcome(7, (0, 4), split, None)]]);
    let standing = journal.recover(RUN, NOW).unwrap();
    assert_eq!((standing.next_batch, standing.next_attempt), (10, 8));
    let (mut journal, _) = write(journal, vec![vec![intent(8, 0, 1, 2)]]);
    let standing = journal.recover(RUN, NOW).unwrap();
    assert_eq!((standing.next_batch, standing.next_attempt), (10, 9));
}

#[test]
fn a_run_says_how_it_stands_and_how_it_is_to_be_sent() {
    let desk = Desk::new();
    let mut journal = desk.import(&users(1));
    journal.set_state(RUN, RunState::Paused, Some("stopped"), NOW).unwrap();
    let row = journal.run_row(RUN).unwrap();
    assert_eq!(
        (row.state, row.reason.as_deref(), row.finished_at),
        (RunState::Paused, Some("stopped"), None)
    );
    journal.set_state(RUN, RunState::Finished, None, NOW).unwrap();
    journal.set_settings(RUN, "{\"a\":1}").unwrap();
    let row = journal.run_row(RUN).unwrap();
    assert_eq!(
        (row.state, row.finished_at.as_deref()),
        (RunState::Finished, Some("2023-11-14T22:13:20.000Z"))
    );
    assert_eq!(row.settings, "{\"a\":1}");
}

#[test]
fn pauses_are_kept_and_only_grow() {
    let desk = Desk::new();
    let rows: Vec<_> =
        (0..4).map(|assignment| FileRow { assignment, org: assignment / 2, ..FileRow::default() }).collect();
    let journal = desk.import(&rows);
    let org = OrgId::parse("O1").unwrap();
    let records = vec![
        LogEntry::PausedUntil(NOW + 5_000),
        LogEntry::PausedUntil(NOW + 2_000),
        LogEntry::OrgPausedUntil(Some(org.clone()), NOW + 9_000),
        LogEntry::OrgPausedUntil(Some(org), NOW + 1_000),
        LogEntry::OrgPausedUntil(None, NOW + 500),
    ];
    let (mut journal, told) = write(journal, vec![records]);
    assert!(told.is_empty());
    let standing = journal.recover(RUN, NOW + 1_000).unwrap();
    assert_eq!(standing.pause, Duration::from_secs(4));
    let pauses: Vec<_> = standing.lanes.iter().map(|lane| (lane.org.is_some(), lane.pause)).collect();
    assert_eq!(pauses, [(false, Duration::ZERO), (true, Duration::from_secs(8))]);
    let later = journal.recover(RUN, NOW + 60_000).unwrap();
    assert_eq!((later.pause, later.lanes[1].pause), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn the_form_that_was_learned_is_known_after_a_crash() {
    for form in [WireForm::Array, WireForm::Object] {
        let desk = Desk::new();
        let journal = desk.import(&users(1));
        let mut learning = outcome(1, (0, 0), done(), Some(1));
        let LogEntry::Outcome { outcome, .. } = &mut learning else { panic!() };
        outcome.learned = Some(form);
        let (mut journal, _) = write(journal, vec![vec![intent(1, 0, 0, 1)], vec![learning]]);
        assert_eq!(journal.recover(RUN, NOW).unwrap().wire, Some(form));
    }
}

#[test]
fn a_journal_that_was_replaced_is_written_to_no_more() {
    let desk = Desk::new();
    let journal = desk.import(&users(2));
    std::fs::rename(&desk.path, desk.path.with_extension("gone")).unwrap();
    let (_, told) = write(journal, vec![vec![intent(1, 0, 0, 1)]]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("failed: "), "{told:?}");
}

#[test]
fn a_run_that_was_never_sealed_is_cleared_away() {
    let desk = Desk::new();
    let mut journal = Journal::create(&desk.path).unwrap();
    let mut importer = journal.import(&new(), 0).unwrap();
    importer.invalid(&invalid(2)).unwrap();
    drop(importer);
    assert_eq!(desk.texts("SELECT state FROM runs"), ["importing"]);
    drop(journal);
    let journal = desk.import(&users(1));
    assert_eq!(desk.texts("SELECT state FROM runs"), ["running"]);
    assert_eq!(journal.run_row(RUN).unwrap().tally.invalid, 0);
    assert_eq!(desk.states(), "p");
}

#[test]
fn failed_rows_come_back_with_their_own_bytes() {
    let desk = Desk::new();
    let mut journal = Journal::create(&desk.path).unwrap();
    let mut importer = journal.import(&new(), 0).unwrap();
    let mut packer = Packer::default();
    for line in [2, 3] {
        assert!(packer.push(Line::new(line), format!("row on line {line}").as_bytes()).is_none());
        importer.invalid(&invalid(line)).unwrap();
    }
    importer.cells(&packer.close().unwrap()).unwrap();
    let (_, totals) = importer.seal().unwrap();
    assert_eq!((totals.total, totals.invalid), (2, 2));
    let mut found = Vec::new();
    let each = |row: FailedRow<'_>| {
        found.push((row.key.line.get(), String::from_utf8(row.cells.to_vec()).unwrap(), row.code));
        Ok::<_, JournalError>(())
    };
    journal.reader().unwrap().failures(RUN, each).unwrap();
    let row = |line| (line, format!("row on line {line}"), "BAD_EMAIL".to_owned());
    assert_eq!(found, [row(2), row(3)]);
}

#[test]
fn retried_operations_go_behind_all_others() {
    let desk = Desk::new();
    let rows: Vec<_> =
        (0..6).map(|assignment| FileRow { assignment, org: assignment / 3, ..FileRow::default() }).collect();
    let journal = desk.import(&rows);
    let partial = BatchChange::Done { failures: vec![failure(0, 2, "X"), failure(2, 4, "Y")] };
    let (mut journal, _) = write(
        journal,
        vec![
            vec![intent(1, 0, 2, 3), intent(2, 3, 5, 3)],
            vec![
                outcome(1, (0, 2), partial, Some(3)),
                outcome(2, (3, 5), BatchChange::Failed(refusal("X")), Some(3)),
            ],
        ],
    );
    journal.set_state(RUN, RunState::Finished, None, NOW).unwrap();
    let selected = journal.retry(RUN, &["X".to_owned()], NOW).unwrap();
    assert_eq!(selected, Selected { operations: 4, assignments: 4, first: 6 });
    assert_eq!(desk.states(), "pdfppp");
    assert_eq!(desk.operations()[0].3, 1, "earlier attempts stay");
    let row = journal.run_row(RUN).unwrap();
    assert_eq!((row.state, row.users), (RunState::Paused, 6));
    assert_eq!((row.tally.done, row.tally.failed, row.tally.pending), (1, 1, 4));
    let standing = journal.recover(RUN, NOW).unwrap();
    let unsent: Vec<_> = standing.lanes.iter().map(|lane| lane.unsent.clone()).collect();
    assert_eq!(unsent, [vec![span(6, 6)], vec![span(7, 9)]]);
    // What moved is found where it is now, and nowhere else.
    let mut loader = journal.reader().unwrap().loader(RUN);
    let lines = |assignments: Vec<Assignment>| -> Vec<u32> {
        assignments.iter().flat_map(|a| &a.operations).map(|operation| operation.key.line.get()).collect()
    };
    assert_eq!(lines(loader.load(span(6, 9)).unwrap()), [2, 5, 6, 7]);
    assert_eq!(lines(loader.load(span(0, 5)).unwrap()), [3, 4]);
    // Nothing else failed with that code.
    assert_eq!(
        journal.retry(RUN, &["Z".to_owned()], NOW).unwrap(),
        Selected { operations: 0, assignments: 0, first: 0 }
    );
    assert_eq!(journal.retry(RUN, &[], NOW).unwrap(), Selected { operations: 1, assignments: 1, first: 10 });
}

#[test]
fn what_is_in_doubt_stays_so_when_it_is_put_back() {
    let desk = Desk::new();
    let journal = desk.import(&users(6));
    let doubt = || BatchChange::InDoubt("reset".into());
    let outcomes = vec![
        outcome(1, (0, 1), BatchChange::Failed(refusal("X")), Some(2)),
        outcome(2, (2, 3), doubt(), None),
        outcome(3, (4, 5), doubt(), None),
    ];
    let (mut journal, _) =
        write(journal, vec![vec![intent(1, 0, 1, 2), intent(2, 2, 3, 2), intent(3, 4, 5, 2)], outcomes]);
    let selected = journal.retry(RUN, &[], NOW).unwrap();
    assert_eq!(selected, Selected { operations: 6, assignments: 6, first: 6 });
    assert_eq!(desk.states(), "ppiiii");
    let tally = journal.run_row(RUN).unwrap().tally;
    assert_eq!((tally.in_doubt, tally.failed, tally.pending), (4, 0, 2));
    let mut standing = journal.recover(RUN, NOW).unwrap();
    let lane = standing.lanes.remove(0);
    let open: Vec<_> =
        lane.open.iter().map(|open| (open.part.batch.0, open.part.span, open.in_doubt)).collect();
    assert_eq!(open, [(4, span(6, 7), true), (5, span(8, 9), true)]);
    assert_eq!((lane.unsent, standing.next_batch), (vec![span(10, 11)], 6));
}

#[test]
fn assignments_are_loaded_as_they_were_imported() {
    let desk = Desk::new();
    let mut journal = Journal::create(&desk.path).unwrap();
    let email = EmailAddress::parse("a@example.com").unwrap();
    let (person, org) = (PersonId::parse("P").unwrap(), OrgId::parse("O").unwrap());
    let properties = Properties {
        location: Some(LocationId::parse("LOC").unwrap()),
        phone_number: Some(PhoneNumber::parse("+14085550100").unwrap()),
        extension: Some("77".into()),
    };
    let license = LicenseId::parse("L1").unwrap();
    let site = SiteUrl::parse("meet.example.com").unwrap();
    let mut importer = journal.import(&new(), 1).unwrap();
    let license_target = importer.target(&Target::License(license.clone())).unwrap();
    let site_target = importer.target(&Target::Site(site.clone())).unwrap();
    let plain = Properties::default();
    let first = PlannedOperation {
        key: key(2),
        assignment: AssignmentNo(0),
        email: Some(&email),
        person: None,
        org: None,
        target: license_target,
        action: Action::Add,
        properties: &properties,
        duplicate_of: None,
        unchanged: false,
    };
    // The second row names the person and the organization too.
    let second = PlannedOperation {
        key: key(3),
        person: Some(&person),
        org: Some(&org),
        target: site_target,
        action: Action::Remove,
        properties: &plain,
        ..first
    };
    let third = PlannedOperation { key: key(4), duplicate_of: Some(key(2)), ..first };
    importer.operations(&[first, second, third]).unwrap();
    importer.seal().unwrap();

    let loaded = journal.reader().unwrap().loader(RUN).load(span(0, 0)).unwrap().remove(0);
    assert_eq!(
        (loaded.user.email(), loaded.user.person(), loaded.org),
        (Some(&email), Some(&person), Some(org))
    );
    let operations: Vec<_> =
        loaded.operations.into_iter().map(|op| (op.key.line.get(), op.action, op.change, op.rows)).collect();
    let expected = [
        (2, Action::Add, Change::License(license, properties), 2),
        (3, Action::Remove, Change::Site(site), 1),
    ];
    assert_eq!(operations, expected);
}

#[test]
fn reading_ahead_gives_what_reading_alone_gives() {
    let desk = Desk::new();
    let journal = desk.import(&users(2000));
    let fresh = || journal.reader().unwrap().loader(RUN);
    let numbers = |assignments: Vec<Assignment>| assignments.iter().map(|a| a.number.0).collect::<Vec<_>>();
    let mut loader = fresh();
    let spans = [(0, 99), (100, 199), (200, 899), (900, 900), (500, 510), (511, 511), (1990, 1999)];
    for (first, last) in spans {
        let expected: Vec<u32> = (first..=last).collect();
        assert_eq!(numbers(loader.load(span(first, last)).unwrap()), expected);
        assert_eq!(numbers(fresh().load(span(first, last)).unwrap()), expected);
    }
}

#[test]
fn damage_is_named_when_it_is_read() {
    for (damage, words) in [
        ("DELETE FROM assignment", "operations of an assignment 0 that is not there"),
        ("DELETE FROM term", "term 1, which is not there"),
        ("UPDATE assignment SET email = NULL", "an assignment 0 without a user"),
        ("UPDATE assignment SET email = 'nobody'", "an assignment 0 without a user"),
        ("UPDATE term SET kind = 'location'", "the target Location"),
        ("UPDATE term SET text = ''", "the ID is empty"),
        ("UPDATE operation SET phone_number = '12'", "a phone number that is not an E.164 number"),
        ("UPDATE operation SET location_id = target_id", "the location License"),
        ("UPDATE assignment SET org_id = 1", "the organization License"),
    ] {
        let desk = Desk::new();
        let journal = desk.import(&users(1));
        rusqlite::Connection::open(&desk.path).unwrap().execute_batch(damage).unwrap();
        let error = journal.reader().unwrap().loader(RUN).load(span(0, 0)).unwrap_err();
        assert!(matches!(error, JournalError::Unreadable { .. }), "{damage}: {error:?}");
        assert!(error.to_string().contains(words), "{damage}: {error}");
    }
}

/// What work on a connection costs, in hundreds of steps of SQLite's machine: the same on every computer.
fn cost<T>(
    on: &mut T,
    connection: fn(&mut T) -> &mut rusqlite::Connection,
    work: impl FnOnce(&mut T),
) -> u32 {
    let steps = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&steps);
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection(on).progress_handler(100, Some(count)).unwrap();
    work(on);
    connection(on).progress_handler(0, None::<fn() -> bool>).unwrap();
    steps.load(Ordering::Relaxed)
}

/// So many users, each in a batch of their own; the first one's was sent, and the others' failed.
fn mostly_failed(desk: &Desk, count: u32) -> Journal {
    let journal = desk.import(&users(count));
    let all = || (0..count).map(|user| (user + 1, user, user));
    let intents = all().map(|(batch, first, last)| intent(batch, first, last, 1)).collect();
    let failed =
        |(batch, first, last)| outcome(batch, (first, last), BatchChange::Failed(refusal("X")), Some(1));
    write(journal, vec![intents, all().skip(1).map(failed).collect()]).0
}

#[test]
fn recovery_costs_what_is_open_and_retrying_what_is_retried() {
    fn connection(journal: &mut Journal) -> &mut rusqlite::Connection {
        &mut journal.connection
    }
    let costs = [300, 600].map(|count| {
        let desk = Desk::new();
        let mut journal = mostly_failed(&desk, count);
        let recovery = cost(&mut journal, connection, |journal| drop(journal.recover(RUN, NOW).unwrap()));
        let retry = cost(&mut journal, connection, |journal| {
            let selected = journal.retry(RUN, &["X".to_owned()], NOW).unwrap();
            assert_eq!(selected.operations, u64::from(count) - 1);
        });
        (recovery, retry)
    });
    let [(recovery, retry), (recovery_of_twice, retry_of_twice)] = costs;
    // The chain is followed; beside that it costs what is open.
    assert!(recovery_of_twice < recovery * 5 / 2, "{costs:?}");
    assert!(retry_of_twice < retry * 5 / 2, "{costs:?}");
}

#[test]
fn a_report_costs_what_it_is_long_and_a_status_nothing() {
    type Ask = fn(&mut Reader);
    let long: [(&str, Ask); 6] = [
        ("operations", |reader| reader.operations(RUN, |_| Ok::<_, JournalError>(())).unwrap()),
        ("reversals", |reader| reader.reversals(RUN, |_| Ok::<_, JournalError>(())).unwrap()),
        ("failure codes", |reader| drop(reader.failure_codes(RUN).unwrap())),
        ("organizations", |reader| drop(reader.organizations(RUN).unwrap())),
        ("attempts", |reader| drop(reader.attempt_outcomes(RUN).unwrap())),
        ("requests", |reader| assert_eq!(reader.request_counts(RUN).unwrap().1, 0)),
    ];
    let ask = |count, ask: Ask| {
        let desk = Desk::new();
        let journal = mostly_failed(&desk, count);
        cost(&mut journal.reader().unwrap(), |reader| &mut reader.connection, ask)
    };
    for (what, question) in long {
        let [once, twice] = [300, 600].map(|count| ask(count, question));
        assert!(twice < once * 5 / 2, "{what}: {once}, {twice}");
    }
    let status: Ask = |reader| drop(reader.run(Some(RUN)).unwrap());
    assert_eq!(ask(300, status), ask(600, status));
}

#[test]
fn what_is_unchanged_is_kept_and_never_sent() {
    let desk = Desk::new();
    // Users 0 and 2 are as they should be; of user 1 one of two operations is.
    let row = |assignment, org, unchanged| FileRow { assignment, org, unchanged, ..FileRow::default() };
    let rows = [
        row(0, 0, true),
        row(1, 0, false),
        row(1, 0, true),
        row(2, 1, true),
        row(3, 1, false),
        row(2, 1, true),
    ];
    let mut journal = desk.import(&rows);
    assert_eq!(desk.states(), "upuupu");
    let row = journal.run_row(RUN).unwrap();
    assert_eq!((row.users, row.tally.total, row.tally.unchanged, row.tally.pending), (4, 6, 4, 2));
    let standing = journal.recover(RUN, NOW).unwrap();
    let unsent: Vec<_> = standing.lanes.iter().flat_map(|lane| lane.unsent.clone()).collect();
    assert_eq!(unsent, [span(4, 4), span(5, 5)], "only those of whom something is sent, side by side");
    let loaded = journal.reader().unwrap().loader(RUN).load(span(4, 5)).unwrap();
    let lines: Vec<Vec<u32>> = loaded
        .iter()
        .map(|a| a.operations.iter().map(|operation| operation.key.line.get()).collect())
        .collect();
    assert_eq!(lines, [[3], [6]]);
    let split = BatchChange::Split { left: part(2, 4, 4), right: part(3, 5, 5), doubt: None };
    let (mut journal, _) = write(
        journal,
        vec![
            vec![intent(1, 4, 5, 2)],
            vec![outcome(1, (4, 5), split, None), intent(2, 4, 4, 1), intent(3, 5, 5, 1)],
            vec![
                outcome(2, (4, 4), BatchChange::Failed(refusal("X")), Some(1)),
                outcome(3, (5, 5), done(), Some(1)),
            ],
        ],
    );
    assert_eq!(desk.texts("SELECT rows || '' FROM batch ORDER BY batch_id"), ["2", "1", "1"]);
    assert_eq!(desk.states(), "ufuudu");
    let tally = journal.run_row(RUN).unwrap().tally;
    assert_eq!((tally.done, tally.failed, tally.unchanged, tally.pending), (1, 1, 4, 0));
    let selected = journal.retry(RUN, &[], NOW).unwrap();
    assert_eq!((selected.operations, selected.assignments), (1, 1));
    assert_eq!(desk.states(), "upuudu");
}

#[test]
fn a_run_of_which_nothing_changes_has_nothing_to_send() {
    let desk = Desk::new();
    let row = FileRow { unchanged: true, ..FileRow::default() };
    let mut journal = desk.import(&[row]);
    let standing = journal.recover(RUN, NOW).unwrap();
    assert!(standing.lanes.is_empty());
    assert_eq!(journal.run_row(RUN).unwrap().tally.pending, 0);
}

#[test]
fn every_row_keeps_the_name_it_calls_its_user() {
    let desk = Desk::new();
    let mut journal = Journal::create(&desk.path).unwrap();
    let [ada, upper, other] = ["ada@example.com", "Ada@Example.com", "ada@old.example.com"]
        .map(|text| EmailAddress::parse(text).unwrap());
    let person = PersonId::parse("P").unwrap();
    let properties = Properties::default();
    let mut importer = journal.import(&new(), 1).unwrap();
    let target = importer.target(&Target::License(LicenseId::parse("L1").unwrap())).unwrap();
    importer.name(target, "Messaging").unwrap();
    let planned = |line, email, person| PlannedOperation {
        key: key(line),
        assignment: AssignmentNo(0),
        email,
        person,
        org: None,
        target,
        action: Action::Add,
        properties: &properties,
        duplicate_of: None,
        unchanged: false,
    };
    let second_item = |line| OperationKey::new(Line::new(line), Item::new(2));
    let planned = [
        planned(2, Some(&ada), None),
        planned(3, Some(&upper), None),
        planned(4, None, Some(&person)),
        PlannedOperation { key: second_item(4), ..planned(4, Some(&other), Some(&person)) },
    ];
    importer.operations(&planned).unwrap();
    importer.seal().unwrap();
    let sql =
        "SELECT line || '.' || item || ' ' || email || ' ' || person_id || ' ' || target_name || ' ' || state
               FROM operations ORDER BY line, item";
    let said = |state| {
        ["2.1 ada@example.com", "3.1 Ada@Example.com", "4.1 ada@example.com", "4.2 ada@old.example.com"]
            .map(|name| format!("{name} P Messaging {state}"))
    };
    assert_eq!(desk.texts(sql), said("pending"));
    // They keep it when they move.
    let failed = outcome(1, (0, 0), BatchChange::Failed(refusal("X")), Some(4));
    let (mut journal, _) = write(journal, vec![vec![intent(1, 0, 0, 4)], vec![failed]]);
    assert_eq!(desk.texts(sql), said("failed"));
    journal.retry(RUN, &[], NOW).unwrap();
    assert_eq!(desk.texts(sql), said("pending"));
}

#[test]
fn a_person_is_found_without_looking_at_the_others() {
    fn connection(reader: &mut Reader) -> &mut rusqlite::Connection {
        &mut reader.connection
    }
    let ask = |count: u32, sql: &str| {
        let desk = Desk::new();
        let journal = desk.import(&users(count));
        let mut found = 0;
        let cost = cost(&mut journal.reader().unwrap(), connection, |reader| {
            found = reader.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        });
        (cost, found)
    };
    for (sql, expected) in [
        ("SELECT count(*) FROM operations WHERE email = 'USER17@example.com'", 1),
        ("SELECT count(*) FROM operations WHERE run_id = 1 AND email = 'user17@example.com'", 1),
        ("SELECT count(*) FROM operations WHERE person_id = 'nobody'", 0),
    ] {
        let [once, twice] = [300, 600].map(|count| ask(count, sql));
        assert_eq!((once.1, twice.1), (expected, expected), "{sql}");
        assert!(twice.0 <= once.0 + 1, "{sql}: {once:?}, {twice:?}");
    }
}

#[test]
fn words_that_no_release_writes_are_not_taken_for_others() {
    for (damage, words) in [
        ("PRAGMA ignore_check_constraints = ON; UPDATE run SET state = 'asleep'", "the run state 'asleep'"),
        ("UPDATE run SET wire = 'parcel'", "a row of 'run' was altered"),
        ("PRAGMA ignore_check_constraints = ON; UPDATE term SET kind = 'boat'", "a term that is a 'boat'"),
    ] {
        let desk = Desk::new();
        let mut journal = desk.import(&users(1));
        rusqlite::Connection::open(&desk.path).unwrap().execute_batch(damage).unwrap();
        let read = journal
            .run_row(RUN)
            .map(drop)
            .and_then(|()| journal.reader()?.loader(RUN).load(span(0, 0)).map(drop))
            .and_then(|()| journal.recover(RUN, NOW).map(drop));
        let error = read.unwrap_err();
        let is_named = matches!(error, JournalError::Unreadable { .. } | JournalError::Altered { .. });
        assert!(is_named, "{damage}: {error:?}");
        assert!(error.to_string().contains(words), "{damage}: {error}");
    }
}

#[test]
fn who_began_a_run_is_kept() {
    let desk = Desk::new();
    let row = desk.import(&users(1)).run_row(RUN).unwrap();
    let origin = [row.os_user, row.host, row.version].map(Option::unwrap);
    assert_eq!(origin, ["ada", "desk", "1.2.3"]);
    assert_eq!(desk.texts("SELECT os_user || ' ' || host || ' ' || version FROM runs"), ["ada desk 1.2.3"]);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_comes_back() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new();
    let mut journal = Journal::create(&desk.path).unwrap();
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9.csv"));
    let importer = journal.import(&NewRun { input_path: path, ..new() }, 0).unwrap();
    importer.seal().unwrap();
    assert_eq!(journal.run_row(RUN).unwrap().input_path, path);
}
