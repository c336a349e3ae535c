//! What is taken in, and read back as it came.

use super::*;

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
        asked: None,
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
        asked: None,
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

#[test]
fn blocks_sum_up_to_what_is_stored_in_whatever_order_rows_come() {
    let row = |assignment, org, unchanged| FileRow { assignment, org, unchanged, ..FileRow::default() };
    let shapes: [(&str, Vec<FileRow>); 5] = [
        ("in order", users(700)),
        ("backwards", (0..700).rev().map(|number| row(number, 0, false)).collect()),
        ("twice", users(700).into_iter().chain(users(700)).collect()),
        ("named late", users(700).into_iter().chain((0..700).map(|number| row(number, 1, false))).collect()),
        ("unchanged", (0..700).map(|number| row(number, 0, number % 3 == 0)).collect()),
    ];
    for (shape, rows) in shapes {
        let desk = Desk::new();
        desk.import(&rows);
        let reader = Reader::open(&desk.path).unwrap();
        let mut blocks = reader.connection.prepare("SELECT number, sum FROM block ORDER BY number").unwrap();
        let kept: Vec<(u32, [u8; 32])> = blocks
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(kept.len() >= 3, "{shape}");
        for (number, sum) in kept {
            assert_eq!(blocks::sum(&reader.connection, RUN.0, number).unwrap(), sum, "{shape}: {number}");
        }
    }
}
