use std::io::Write as _;

use super::*;
use crate::assign::row::PatternNo;
use crate::assign::{KnownLicense, LicenseNames, Placed, PlacedOperation, SecondReading, ServiceMode};
use crate::domain::LicenseId;

fn file(text: &str) -> (tempfile::NamedTempFile, InputFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let input = InputFile::open(file.path()).unwrap();
    (file, input)
}

fn checked(text: &str, order: Order) -> (Vec<(u32, &'static str)>, Checked, InputFile) {
    let (_keep, input) = file(text);
    let mut problems = Vec::new();
    let checked = check(&input, &Interpretation::default(), order, Known::nothing(), &mut |problem| {
        problems.push((problem.line.get(), problem.code.as_str()));
    });
    (problems, checked.unwrap(), input)
}

/// Assignment and the line it duplicates, of a valid row; the code of another.
type Place = Result<(u32, Option<u32>), &'static str>;

/// Every operation at the second reading.
fn second(checked: Checked, input: &InputFile) -> Vec<Placed> {
    let mut second = SecondReading::new(checked, input).unwrap();
    let mut placed = Vec::new();
    while second.next(&mut placed).unwrap().is_some() {}
    second.finish().unwrap();
    placed
}

/// Every row's line and place.
fn placed(text: &str, order: Order) -> Vec<(u32, Place)> {
    let (_, checked, input) = checked(text, order);
    let rows = second(checked, &input).into_iter();
    let place = |Placed { key, content }| {
        let content = content
            .map(|PlacedOperation { assignment, duplicate_of, .. }| {
                (assignment.0, duplicate_of.map(|key| key.line.get()))
            })
            .map_err(|row| row.problem.code.as_str());
        (key.line.get(), content)
    };
    rows.map(place).collect()
}

#[test]
fn every_problem_of_a_row_is_told() {
    let (problems, checked, _) = checked(
        "email,personId,licenseId,siteUrl,operation,phoneNumber\n\
         nobody,,,,give,555\n\
         ,,L,,,\n\
         a@example.com,,L,site.example.com,,\n\
         e@example.com,,L,,remove,\n",
        Order::File,
    );
    assert_eq!(
        problems,
        [
            (2, "BAD_EMAIL"),
            (2, "UNKNOWN_OPERATION"),
            (2, "NO_TARGET"),
            (2, "BAD_PHONE_NUMBER"),
            (3, "NO_USER"),
            (4, "TWO_TARGETS"),
            (3, "EMPTY_OPERATION"),
        ]
    );
    let counts = checked.counts();
    assert_eq!((counts.rows, counts.invalid, counts.errors, counts.removes), (4, 3, 6, 1));
}

#[test]
fn a_user_is_one_assignment_however_the_rows_name_them() {
    let text = "email,personId,licenseId\n\
        a@example.com,,L1\n\
        b@example.com,,L1\n\
        ,P,L2\n\
        A@Example.com,P,L3\n\
        a@example.com,,L4\n";
    let numbers: Vec<_> =
        placed(text, Order::File).into_iter().map(|(_, content)| content.unwrap().0).collect();
    assert_eq!(numbers, [0, 1, 0, 0, 0]);
}

#[test]
fn rules_across_rows_hold_for_users_tied_late() {
    let text = "email,personId,licenseId,operation\n\
        b@example.com,,L1,add\n\
        ,Q,L1,remove\n\
        ,P,L2,add\n\
        a@example.com,,L2,add\n\
        a@example.com,P,L3,add\n\
        b@example.com,Q,L3,add\n";
    assert_eq!(
        placed(text, Order::File),
        [
            (2, Err("ADD_AND_REMOVE")),
            (3, Err("ADD_AND_REMOVE")),
            (4, Ok((0, None))),
            (5, Ok((0, Some(4)))),
            (6, Ok((0, None))),
            (7, Err("USER_LEFT_OUT")),
        ]
    );
}

#[test]
fn an_address_with_two_person_ids_is_nobody() {
    let text = "email,personId,licenseId\n\
        a@example.com,,L1\n\
        a@example.com,P,L2\n\
        A@example.com,Q,L3\n\
        ,P,L4\n";
    let (mut problems, ..) = checked(text, Order::File);
    problems.sort_unstable();
    assert_eq!(problems, [2, 3, 4].map(|line| (line, "TWO_PERSON_IDS")));
    assert_eq!(placed(text, Order::File)[3], (5, Ok((0, None))));
}

#[test]
fn other_properties_are_a_conflict_and_other_columns_are_not() {
    let text = "email,licenseId,extension,note\n\
        a@example.com,L1,100,x\n\
        a@example.com,L1,100,y\n\
        b@example.com,L1,100,\n\
        b@example.com,L1,200,\n";
    assert_eq!(
        placed(text, Order::File),
        [
            (2, Ok((0, None))),
            (3, Ok((0, Some(2)))),
            (4, Err("CONFLICTING_PROPERTIES")),
            (5, Err("CONFLICTING_PROPERTIES")),
        ]
    );
}

#[test]
fn what_is_found_between_rows_says_where_and_is_counted() {
    let text = "email,licenseId,siteUrl,operation,extension\n\
        a@example.com,L1,,add,\n\
        a@example.com,L1,,add,\n\
        b@example.com,,meet.example.com,add,\n\
        b@example.com,,meet.example.com,add,\n\
        c@example.com,L1,,add,\n\
        c@example.com,L1,,remove,\n\
        d@example.com,L2,,add,100\n\
        d@example.com,L2,,add,200\n\
        e@example.com,L1,,remove,\n\
        e@example.com,L1,,remove,\n\
        e@example.com,L1,,remove,\n";
    let (_keep, input) = file(text);
    let mut problems = Vec::new();
    let checked = check(&input, &Interpretation::default(), Order::File, Known::nothing(), &mut |problem| {
        let Problem { line, column, value, message, .. } = problem;
        let other = message.split_whitespace().find_map(|word| word.parse::<u32>().ok());
        problems.push((line.get(), column.clone(), value.clone(), other.unwrap_or(0)));
    });
    let checked = checked.unwrap();
    problems.sort_unstable();
    let expected = [
        (3, "licenseId", "L1", 2),
        (5, "siteUrl", "meet.example.com", 4),
        (6, "operation", "add", 7),
        (7, "operation", "remove", 6),
        (8, "licenseId", "L2", 9),
        (9, "licenseId", "L2", 8),
        (11, "licenseId", "L1", 10),
        (12, "licenseId", "L1", 10),
    ];
    let expected = expected.map(|(line, column, value, other)| (line, column.into(), value.into(), other));
    assert_eq!(problems, expected);
    let Counts { rows, invalid, errors, warnings, adds, removes, assignments, .. } = checked.counts();
    assert_eq!((rows, invalid, errors, warnings, adds, removes, assignments), (11, 4, 4, 4, 4, 3, 3));
    assert_eq!(checked.organizations(), [3]);
    let demand = checked.demand().map(|(target, demand)| (target.as_str(), demand.adds, demand.removes));
    assert_eq!(demand.collect::<Vec<_>>(), [("L1", 1, 1), ("meet.example.com", 1, 0), ("L2", 0, 0)]);
}

#[test]
fn a_row_that_cannot_be_sent_keeps_what_it_asks_for_and_what_is_wrong() {
    let (_, checked, input) = checked(
        "email,personId,orgId,licenseId,siteUrl,operation,extension\n\
        c@example.com,,,L1,,add,\n\
        c@example.com,,,L1,,remove,\n\
        d@example.com,,,L2,,,100\n\
        d@example.com,,,L2,,,200\n\
        e@example.com,P,,,meet.example.com,,\n\
        e@example.com,Q,,,meet.example.com,,\n\
        f@example.com,,O1,L1,,,\n\
        f@example.com,,O2,L1,,,\n\
        g@example.com,,O1,L1,,,\n\
        ,R,O2,L2,,,\n\
        g@example.com,R,,L3,,,\n\
        nobody,,,,,,\n",
        Order::File,
    );
    let mut found = Vec::new();
    for Placed { key, content } in second(checked, &input) {
        let Err(row) = content else { continue };
        found.push(format!(
            "{} {} {}: {} '{}'",
            key.line, row.kind, row.target, row.problem.column, row.problem.value
        ));
    }
    let expected = [
        "2 license L1: operation 'add'",
        "3 license L1: operation 'remove'",
        "4 license L2: licenseId 'L2'",
        "5 license L2: licenseId 'L2'",
        "6 site meet.example.com: email 'e@example.com'",
        "7 site meet.example.com: email 'e@example.com'",
        "8 license L1: licenseId 'L1'",
        "9 license L1: orgId 'O2'",
        "10 license L1: email 'g@example.com'",
        "12 license L3: email 'g@example.com'",
        "13 license : email 'nobody'",
    ];
    assert_eq!(found, expected);
}

#[test]
fn whatever_the_properties_an_addition_is_one() {
    let rows = (100..200).map(|number| format!("user{number}@example.com,L1,{number}\n"));
    let text = format!("email,licenseId,extension\n{}", rows.collect::<String>());
    let (problems, checked, _) = checked(&text, Order::File);
    assert_eq!((problems.len(), checked.counts().adds, checked.counts().removes), (0, 100, 0));
}

#[test]
fn one_user_belongs_to_one_organization() {
    let text = "email,orgId,licenseId\na@example.com,O1,L1\na@example.com,,L2\na@example.com,O2,L3\n";
    assert_eq!(checked(text, Order::File).0, [(4, "TWO_ORGANIZATIONS")]);
}

#[test]
fn a_user_whose_names_are_tied_late_belongs_to_one_organization_too() {
    let told = |rows: &str| {
        let (mut problems, ..) = checked(&format!("email,personId,orgId,licenseId\n{rows}"), Order::File);
        problems.sort_unstable();
        problems
    };
    let contradiction = "TWO_ORGANIZATIONS";
    // The row that ties them names the other one.
    let rows = "a@example.com,,O1,L1\na@example.com,P,O2,L2\n";
    assert_eq!(told(rows), [(3, contradiction)]);
    // It names none: then the address is nobody, and the person ID says who is meant.
    let rows = "a@example.com,,O1,L1\n,P,O2,L2\na@example.com,P,,L3\n,P,,L4\n";
    assert_eq!(told(rows), [(2, contradiction), (4, contradiction)]);
    assert_eq!(told("a@example.com,,O1,L1\n,P,O1,L2\na@example.com,P,,L3\n,P,O1,L4\n"), []);
    // What was said of the address is known of the person.
    assert_eq!(told("a@example.com,,O1,L1\na@example.com,P,,L2\n,P,O2,L3\n"), [(4, contradiction)]);
}

#[test]
fn users_are_numbered_organization_by_organization() {
    let text = "email,personId,orgId,licenseId\n\
        a@example.com,,O1,L1\n\
        b@example.com,,O2,L1\n\
        c@example.com,,,L1\n\
        d@example.com,,O1,L1\n\
        e@example.com,,O2,L1\n\
        e@example.com,P,,L2\n\
        b@example.com,,,L2\n";
    let numbers: Vec<_> =
        placed(text, Order::File).into_iter().map(|(_, content)| content.unwrap().0).collect();
    assert_eq!(numbers, [1, 3, 0, 2, 4, 4, 3]);
}

#[test]
fn removes_first_orders_users_and_keeps_them_whole() {
    let text = "email,licenseId,operation\n\
        add@example.com,L1,add\n\
        swap@example.com,L1,add\n\
        swap@example.com,L2,remove\n\
        give@example.com,L1,remove\n\
        bad,L1,remove\n";
    let numbers: Vec<_> =
        placed(text, Order::RemovesFirst).into_iter().map(|(_, content)| content.map(|c| c.0)).collect();
    assert_eq!(numbers, [Ok(2), Ok(1), Ok(1), Ok(0), Err("BAD_EMAIL")]);
}

#[test]
fn an_unknown_name_is_unknown_at_both_readings() {
    let license = KnownLicense {
        id: LicenseId::parse("L1").unwrap(),
        name: "Messaging".into(),
        site: None,
        subscription: None,
        free: None,
    };
    let known = LicenseNames::taken().with(None, vec![license]);
    let rows =
        "a@example.com,,Mesaging\nb@example.com,L1,\nc@example.com,,mesaging \nd@example.com,,Mesaging\n";
    let (_keep, input) = file(&format!("email,licenseId,license\n{rows}"));
    let mut told = Vec::new();
    let checked = check(&input, &Interpretation::default(), Order::File, known.into(), &mut |problem| {
        if problem.severity() == super::super::problem::Severity::Error {
            told.push(problem.to_string());
        }
    });
    let checked = checked.unwrap();
    assert_eq!(checked.counts().invalid, 3);
    told.retain(|problem: &String| problem.starts_with("error"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("2 rows, from line 2"), "{told:?}");
    let first = second(checked, &input).remove(0);
    let problem = first.content.unwrap_err().problem;
    assert!(problem.to_string().contains("nearest is 'Messaging'"), "{problem}");
}

#[test]
fn a_file_that_changed_between_the_readings_is_refused() {
    let (keep, input) = file("email,licenseId\na@example.com,L\n");
    let checked =
        check(&input, &Interpretation::default(), Order::File, Known::nothing(), &mut |_| {}).unwrap();
    std::fs::write(keep.path(), "email,licenseId\nb@example.com,L\n").unwrap();
    let mut second = SecondReading::new(checked, &input).unwrap();
    assert!(matches!(second.next(&mut Vec::new()), Err(CheckError::Input(InputError::Changed { .. }))));
}

#[test]
fn a_cell_that_asks_for_nothing_and_changed_is_noticed_at_the_end() {
    let (keep, input) = file("email,licenseId,note\na@example.com,L,old\n");
    let check =
        || check(&input, &Interpretation::default(), Order::File, Known::nothing(), &mut |_| {}).unwrap();
    let read_again = |checked: Checked| {
        let mut second = SecondReading::new(checked, &input).unwrap();
        while second.next(&mut Vec::new()).unwrap().is_some() {}
        second.finish()
    };
    read_again(check()).unwrap();
    let checked = check();
    std::fs::write(keep.path(), "email,licenseId,note\na@example.com,L,new\n").unwrap();
    assert!(matches!(read_again(checked), Err(InputError::Changed { .. })));
}

#[test]
fn a_header_alone_is_nothing_to_do() {
    let (_keep, input) = file("email,licenseId\n");
    let result = check(&input, &Interpretation::default(), Order::File, Known::nothing(), &mut |_| {});
    assert!(matches!(result, Err(CheckError::Input(InputError::Content(ContentError::NoRows)))));
}

#[test]
fn nothing_is_sent_for_a_user_of_whom_something_cannot_be() {
    let rows = "email,orgId,licenseId,operation\n\
                a@example.com,,L1,add\na@example.com,,L1,remove\na@example.com,,L2,add\n\
                b@example.com,O1,L1,add\nb@example.com,O2,L2,add\nb@example.com,O1,L3,add\n\
                c@example.com,,L1,add\n";
    let left: Vec<_> = placed(rows, Order::File).into_iter().filter(|(_, place)| place.is_ok()).collect();
    assert_eq!(left.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [8]);
}

/// What came of a file: problems, counts, what is asked of each target, every operation at the second reading; and how
/// many patterns were kept.
fn all_that_came(text: &str, mode: ServiceMode) -> (String, usize) {
    let (_keep, input) = file(text);
    let how = Interpretation { service_mode: mode, ..Interpretation::default() };
    let mut problems = Vec::new();
    let checked = check(&input, &how, Order::File, Known::nothing(), &mut |problem| {
        problems.push((problem.line.get(), problem.code.as_str()));
    });
    let checked = checked.unwrap();
    let patterns = (0..).map_while(|number| checked.reader.pattern(PatternNo(number))).count();
    let demand: Vec<_> = checked.demand().map(|(_, demand)| demand).collect();
    let counts = checked.counts();
    (format!("{problems:?} {counts:?} {demand:?} {:?}", second(checked, &input)), patterns)
}

proptest::proptest! {
    #[test]
    fn rows_that_look_alike_are_taken_as_if_each_stood_alone(
        rows in proptest::collection::vec((0..4_u8, 0..3_u8, proptest::array::uniform4(0..9_u8)), 1..12),
        removes in proptest::bool::ANY,
    ) {
        // Two columns lead to one license, and a Calling license wants a number: then each cell is looked at by itself.
        let header = "User ID/Email (Required),personId,Messaging,Meetings,Messaging,Calling";
        let written = |quote: &str| {
            let row = |(user, person, cells): &(u8, u8, [u8; 4])| {
                let person = if *person == 0 { String::new() } else { format!("P{person}") };
                let cells = cells.map(|cell| match cell {
                    0..=3 => "TRUE",
                    4..=5 => "FALSE",
                    6 => "",
                    7 => "perhaps",
                    _ => " TRUE",
                });
                let cells = cells.map(|cell| format!("{quote}{cell}{quote}")).join(",");
                let user = if *user == 0 { "nobody".to_owned() } else { format!("u{user}@example.com") };
                format!("{user},{person},{cells}\n")
            };
            format!("{header}\n{}", rows.iter().map(row).collect::<String>())
        };
        let mode = if removes { ServiceMode::AddAndRemove } else { ServiceMode::AddOnly };
        // No two rows in quotes are compared as they stand.
        let (plain, quoted) = (all_that_came(&written(""), mode), all_that_came(&written("\""), mode));
        proptest::prop_assert_eq!(quoted.1, 0);
        proptest::prop_assert_eq!(plain.0, quoted.0);
    }
}

#[test]
fn a_pattern_is_made_of_what_depends_on_its_cells_alone() {
    let patterns =
        |header: &str, row: &str| all_that_came(&format!("{header}\n{row}\n"), ServiceMode::AddAndRemove).1;
    let header = "User ID/Email (Required),Messaging,Meetings";
    assert_eq!(patterns(header, "a@example.com,TRUE,FALSE"), 1);
    assert_eq!(patterns(header, "a@example.com,,"), 1);
    assert_eq!(patterns(header, "a@example.com,TRUE"), 0);
    assert_eq!(patterns(header, "a@example.com,TRUE, FALSE"), 0);
    assert_eq!(patterns(header, "a@example.com,TRUE,perhaps"), 0);
    assert_eq!(patterns("User ID/Email (Required),Messaging,Messaging", "a@example.com,TRUE,TRUE"), 0);
    assert_eq!(patterns("User ID/Email (Required),Messaging,orgId,Meetings", "a@example.com,TRUE,,TRUE"), 0);
    let with = "User ID/Email (Required),orgId,Extension,Messaging,Meetings";
    assert_eq!(patterns(with, "a@example.com,,,TRUE,TRUE"), 1);
    assert_eq!(patterns(with, "a@example.com,O1,,TRUE,TRUE"), 0);
    assert_eq!(patterns(with, "a@example.com,,123,TRUE,TRUE"), 0);
}

#[test]
fn of_two_lines_that_leave_a_user_out_the_first_is_told() {
    let text = "email,personId,licenseId,operation\n\
        a@example.com,,L1,perhaps\n\
        a@example.com,P,L2,\n\
        ,P,L3,perhaps\n";
    // In whatever order its two names are kept.
    for _ in 0..20 {
        let (_, checked, _) = checked(text, Order::File);
        let other = CrossRow::UserLeftOut { other: Line::new(2) };
        assert_eq!(checked.findings.iter().map(|(_, found)| *found).collect::<Vec<_>>(), [other]);
    }
}

#[test]
fn what_rows_say_holds_across_the_blocks_that_are_gathered_apart() {
    // Each user twice, far apart; one of each thousand is refused the second time.
    let users = 6_000;
    let row = |user: u32, license: &str| format!("u{user}@example.com,{license}\n");
    let first = (0..users).map(|user| row(user, "L1")).collect::<String>();
    let second = |user: u32| match user {
        user if user % 1000 == 0 => "",
        user if user % 3 == 1 => "L1",
        _ => "L2",
    };
    let again = (0..users).map(|user| row(user, second(user)));
    let text = format!("email,licenseId\n{first}{}", again.collect::<String>());
    let (problems, checked, _) = checked(&text, Order::File);
    let counts = checked.counts();
    assert_eq!((counts.rows, counts.invalid, counts.repeated), (12_000, 6, 1_998));
    assert_eq!((counts.left_out, counts.assignments, counts.adds), (6, 5_994, 12_000 - 12));
    assert_eq!(problems.iter().filter(|(_, code)| *code == "NO_TARGET").count(), 6);
}

#[test]
fn what_a_calling_license_lacks_is_told_of_a_column_that_the_file_has() {
    let id = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvNWE0ZDFjMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDBjMGRlOkJDU1REXzVlYmEwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMQ";
    let told = |header: &str, row: &str| {
        let (_keep, input) = file(&format!("{header}\n{row}\n"));
        let mut told = Vec::new();
        let how = Interpretation::default();
        check(&input, &how, Order::File, Known::nothing(), &mut |problem| {
            told.push(format!(
                "{} {} {}",
                problem.code.as_str(),
                problem.column,
                problem.message.contains("location")
            ));
        })
        .unwrap();
        told
    };
    let row = format!("a@example.com,{id}");
    assert_eq!(told("E-Mail,License ID", &row), ["INCOMPLETE_CALLING License ID false"]);
    assert_eq!(told("email,licenseId,Phone", &format!("{row},")), ["INCOMPLETE_CALLING Phone false"]);
    assert_eq!(told("email,licenseId,Ext", &format!("{row},")), ["INCOMPLETE_CALLING Ext false"]);
    assert_eq!(told("email,licenseId,Ext", &format!("{row},123")), ["INCOMPLETE_CALLING licenseId true"]);
    assert_eq!(
        told("email,licenseId,Ext,locationId", &format!("{row},123,")),
        ["INCOMPLETE_CALLING locationId true"]
    );
}
