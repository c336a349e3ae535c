//! What the writer puts on disk.

use super::*;

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
fn a_journal_that_was_replaced_is_written_to_no_more() {
    let desk = Desk::new();
    let journal = desk.import(&users(2));
    std::fs::rename(&desk.path, desk.path.with_extension("gone")).unwrap();
    let (_, told) = write(journal, vec![vec![intent(1, 0, 0, 1)]]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("failed: "), "{told:?}");
}
