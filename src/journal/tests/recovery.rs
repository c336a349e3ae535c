//! After a crash, and where something is damaged.

use super::*;

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
