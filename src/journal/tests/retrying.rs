//! What is put back to be sent again.

use super::*;

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
