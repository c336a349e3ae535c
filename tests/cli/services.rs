//! Columns of services: what stands in one is taken, or stops the file, and never vanishes.

use seatbatch::domain::WireForm;

use crate::files::{check, problems, told};
use crate::harness::{Desk, sandbox};

const HEADER: &str = "User ID/Email (Required),Webex Teams [Sub1],Sales Suite,Department";

#[test]
fn true_and_false_are_known_as_excel_writes_them() {
    for (yes, no) in [
        ("WAHR", "FALSCH"),
        ("VRAI", "FAUX"),
        ("Verdadero", "Falso"),
        ("VERDADEIRO", "FALSO"),
        ("WAAR", "ONWAAR"),
        ("PRAWDA", "FAŁSZ"),
        ("prawda", "fałsz"),
        ("SANT", "FALSKT"),
        ("Истина", "Ложь"),
        ("DOĞRU", "YANLIŞ"),
    ] {
        let csv = format!("{HEADER}\na@example.com,{yes},,Sales\nb@example.com,{no},,Sales\n");
        assert_eq!(problems(csv, &["--services", "add-and-remove"]), (vec![], [2, 1, 1]), "{yes} {no}");
    }
}

#[test]
fn a_service_whose_cells_are_not_understood_is_not_left_out() {
    let service = sandbox(1, WireForm::Array, &[]);
    for word in ["X", "1", "Ja", "yes", "✓", "enabled", "TRU", "2026-11-30", "N/A"] {
        for services in
            ["Webex Teams [Sub1],Messaging", "Webex Teams [Sub1],Webex Suite", "Mesaging,Messaging"]
        {
            let header = format!("email,{services},Department");
            let rows = format!(
                "a@example.com,{word},TRUE,Sales\nb@example.com,,,Sales\nc@example.com,{word},,Sales\n"
            );
            let desk = Desk::at(&service.url());
            desk.write("people.csv", format!("{header}\n{rows}"));
            let ran = desk.run(&["check", "people.csv"]).exits(1);
            for said in [
                "error: BAD_SERVICE_VALUE",
                "2 cells of a column",
                "write TRUE, FALSE or nothing",
                "--ignore ",
            ] {
                assert!(ran.stdout.contains(said), "{word} {services}: {said}: {}", ran.stdout);
            }
            if word == "X" {
                let ran = desk.run(&["apply", "people.csv", "--yes", "--on-invalid", "skip"]).exits(2);
                assert!(ran.stderr.contains("BAD_SERVICE_VALUE"), "{}", ran.stderr);
            }
        }
    }
    // All of the columns.
    let csv = "email,Webex Teams,Meetings Suite\na@example.com,X,X\nb@example.com,,X\n";
    assert_eq!(problems(csv, &[]).0, [told("BAD_SERVICE_VALUE", 2), told("BAD_SERVICE_VALUE", 2)]);
    assert_eq!(
        problems(csv, &["--ignore", "Webex Teams", "--ignore", "Meetings Suite", "--add", "M"]).1,
        [2, 2, 0]
    );
}

#[test]
fn a_column_of_ticks_may_be_a_service_and_one_of_words_is_none() {
    let with = |cells: [&str; 3]| {
        let rows: String = cells.iter().map(|cell| format!("a@example.com,TRUE,{cell},Sales\n")).collect();
        problems(format!("{HEADER}\n{rows}"), &[]).0.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    for cells in [["x", "", "x"], ["1", "0", "1"], ["", "ja", "nein"]] {
        assert!(with(cells).contains(&"UNCLEAR_COLUMN".to_owned()), "{cells:?}");
    }
    for cells in [["Ada", "x", ""], ["12", "1", "7"], ["", "", ""]] {
        assert!(!with(cells).contains(&"UNCLEAR_COLUMN".to_owned()), "{cells:?}");
    }
    // What is watched in every other file is watched in this one too.
    let csv = "User ID/Email (Required),Webex Teams,Change,Extention\na@example.com,TRUE,remove,2001\n";
    assert_eq!(problems(csv, &[]).0, [told("UNCLEAR_COLUMN", 2), told("UNCLEAR_COLUMN", 1)]);
}

#[test]
fn services_beside_something_else_that_asks_are_told() {
    let rows = "a@example.com,TRUE,Messaging\nb@example.com,FALSE,Messaging\n";
    let beside = format!("email,Meetings Suite,license\n{rows}");
    let all = format!("User ID/Email (Required),Sales Suite,Title\n{rows}");
    let options: [(&str, &[&str], &str); 5] = [
        (&beside, &[], "the column 'license' says"),
        (&all, &["--add", "M"], "--add asks"),
        (&all, &["--remove", "M"], "--remove asks"),
        (&all, &["--replace", "M=N"], "--replace"),
        (&all, &["--remove-all"], "--remove-all asks"),
    ];
    for (csv, more, said) in options {
        let ran = check(csv, more).exits(1);
        assert!(
            ran.stdout.contains("UNCLEAR_COLUMN") && ran.stdout.contains(said),
            "{more:?}: {}",
            ran.stdout
        );
        assert!(ran.stdout.contains("--services ignore"), "{}", ran.stdout);
        assert_eq!(problems(csv, &[more, &["--services", "ignore"]].concat()).0, [], "{more:?}");
    }
    // What other people keep beside says nothing of a service.
    let csv = "email,license,VIP,Meetings\na@example.com,M,TRUE,12\n";
    assert_eq!(problems(csv, &[]), (vec![], [1, 1, 0]));
}

#[test]
fn a_file_of_people_in_which_no_column_is_a_service_asks_for_nothing() {
    for csv in [
        "User ID/Email (Required),Nickname\na@example.com,Al\n",
        "First Name [Required],Email Address [Required],Status [READ ONLY]\nAda,a@example.com,Active\n",
    ] {
        let ran = check(csv, &[]).exits(1);
        assert!(ran.stderr.contains("--add LICENSE"), "{}", ran.stderr);
    }
}

#[test]
fn the_list_of_a_meetings_site_is_named() {
    let header = "UserID\tActive\tFirstName\tLastName\tUserName\tEmail\tHostPrivilege\tMeetingType\tTimeZone";
    let text = format!("{header}\r\n101\tY\tAda\tLovelace\tada\ta@example.com\tHOST\t\"3,9\"\t4\r\n");
    let bytes: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let ran = check(&bytes, &[]).exits(1);
    assert!(ran.stderr.contains("looks like the user list of a Webex meetings site"), "{}", ran.stderr);
    // As a list of people it serves.
    assert_eq!(problems(&bytes, &["--add", "M"]).1, [1, 1, 0]);
}

#[test]
fn nobody_is_host_and_attendee_of_one_site() {
    let header = "User ID/Email (Required),Meet.webex.com - WebEx Enterprise Edition [Sub1],meet.webex.com\u{2013}Attendee,other.webex.com - Attendee";
    let rows = "a@example.com,TRUE,TRUE,\nb@example.com,TRUE,FALSE,TRUE\nc@example.com,,TRUE,TRUE\n";
    assert_eq!(problems(format!("{header}\n{rows}"), &[]), (vec![told("TWO_ACCOUNT_TYPES", 2)], [3, 4, 0]));
}

#[test]
fn operations_beside_services_alone_are_told() {
    let csv = "User ID/Email (Required),Action,Webex Teams\na@example.com,remove,TRUE\n";
    let ran = check(csv, &[]).exits(1);
    for said in ["the column 'Action' says what to do", "'Webex Teams'", "--ignore Action"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    assert_eq!(problems(csv, &["--ignore", "Action"]).1, [1, 1, 0]);
    let ran = check("email,Messaging\na@example.com,TRUE\n", &["--set", "operation=remove"]).exits(1);
    assert!(ran.stderr.contains("--set operation says what to do"), "{}", ran.stderr);
}

#[test]
fn a_service_that_the_organization_alone_knows_is_not_left_out() {
    let state = serde_json::json!({
        "licenses": [
            {"id": "S", "name": "Sales Suite", "totalUnits": 5},
            {"id": "M", "name": "Messaging", "totalUnits": 5},
        ],
        "sites": [],
        "users": [{"email": "a@example.com", "licenses": []}],
    });
    let service = crate::harness::organization(state, WireForm::Array);
    let desk = Desk::at(&service.url());
    desk.write(
        "users.csv",
        "User ID/Email (Required),Messaging,Sales Suite\na@example.com,TRUE,from May on\n",
    );
    // Nobody who has not asked can know.
    desk.run(&["check", "users.csv"]).exits(0);
    let ran = desk.run(&["apply", "users.csv", "--yes"]).exits(2);
    assert!(ran.stderr.contains("BAD_SERVICE_VALUE") && ran.stderr.contains("Sales Suite"), "{}", ran.stderr);
    assert!(service.user("a@example.com").unwrap().licenses.is_empty());
}
