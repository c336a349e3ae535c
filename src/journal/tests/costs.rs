//! What a question costs, in steps of the virtual machine.

use super::*;

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
