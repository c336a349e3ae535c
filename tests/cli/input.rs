//! Files good and bad.

use crate::harness::{Desk, counts, onboarding};
use crate::scripted::{Scripted, answer};

/// A desk whose service fails the test when it is spoken to.
fn silent_desk() -> (Scripted, Desk) {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    (service, desk)
}

#[test]
fn bad_files_get_a_clear_error_and_leave_nothing_behind() {
    let huge = [b"email,licenseId\na@example.com,\"".as_slice(), &vec![b'x'; 100 << 20]].concat();
    let cases: [(&str, &[u8], &str); 10] = [
        ("empty", b"", "the file is empty"),
        ("header only", b"email,licenseId\n", "no rows"),
        ("no user column", b"name,licenseId\nx,y\n", "'email' or 'personId'"),
        ("no target column", b"email,operation\na@example.com,add\n", "'licenseId', 'license' or 'siteUrl'"),
        ("duplicate header", b"email,licenseId,E-Mail\na@example.com,L,x\n", "columns 1 and 3"),
        ("long row", b"email,licenseId\na@example.com,L,extra\n", "RAGGED_ROW"),
        ("NUL", b"email,licenseId\na@example.com,L\0\n", "NUL_BYTE"),
        ("not UTF-8", b"email,licenseId,x\na@example.com,L,\xc3\xa9\nb@example.com,L,\xff\n", "INVALID_UTF8"),
        ("open quote", b"email,licenseId\na@example.com,\"L\nb@example.com,L\n", "never closed"),
        ("100 MB cell", &huge, "longer than"),
    ];
    for (name, content, expected) in cases {
        let (service, desk) = silent_desk();
        desk.write("people.csv", content);
        let ran = desk.run(&["apply", "people.csv"]).exits(2);
        assert!(ran.stderr.contains(expected), "{name}: {}", ran.stderr);
        assert!(service.asked().is_empty(), "{name}: something was sent");
        let left: Vec<_> =
            std::fs::read_dir(desk.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["people.csv"], "{name}");
    }
}

#[test]
fn what_is_no_readable_file_says_so() {
    let (_service, desk) = silent_desk();
    std::fs::create_dir(desk.path("folder")).unwrap();
    for (file, expected) in [("folder", "is a folder"), ("missing.csv", "cannot open missing.csv")] {
        for command in ["apply", "check"] {
            let ran = desk.run(&[command, file]).exits(2);
            assert!(ran.stderr.contains(expected), "{}", ran.stderr);
        }
    }
}

#[test]
fn check_reports_every_problem_with_line_column_value_and_remedy() {
    let (_service, desk) = silent_desk();
    let person = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xMjM";
    desk.write(
        "people.csv",
        format!(
            "email,licenseId,operation,phoneNumber,siteUrl\n\
             nobody,L1,add,,\n\
             a@example.com,{person},give,5550100,\n\
             b@example.com,L1,add,,\n\
             b@example.com,L1,remove,,\n\
             c@example.com,L1,,,\n\
             C@example.com,L1,,,\n\
             d@example.com,L1,,,meet.example.com\n"
        ),
    );
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    insta::assert_snapshot!(ran.stdout, @r#"
    error: BAD_EMAIL
      line 2, column email, value 'nobody': not an e-mail address: it has no @
        nobody,L1,add,,
        ^^^^^^
      => write the bare address, as in user@example.com
    error: UNKNOWN_OPERATION
      line 3, column operation, value 'give': not an operation
        a@example.com,Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xMjM,give,5550100,
                                                          ^^^^
      => write add or remove, or leave it empty for add
    error: WRONG_ID_KIND
      line 3, column licenseId, value 'Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xMjM': this is the ID of a person (PEOPLE), not of a license (LICENSE)
        a@example.com,Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xMjM,give,5550100,
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      => copy the ID that belongs in this column
    error: BAD_PHONE_NUMBER
      line 3, column phoneNumber, value '5550100': not an E.164 number: a plus sign, then 2 to 15 digits that do not begin with 0
        a@example.com,Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xMjM,give,5550100,
                                                               ^^^^^^^
      => write it as +14085550100; spreadsheets drop the plus sign unless the cell is text
    error: TWO_TARGETS
      line 8, column siteUrl, value 'meet.example.com': the row names a license and a site
        d@example.com,L1,,,meet.example.com
                           ^^^^^^^^^^^^^^^^
      => make two rows of it
    error: ADD_AND_REMOVE, 2 times
      line 4, column operation, value 'add': line 5 asks for the opposite for the same user and target
        b@example.com,L1,add,,
                         ^^^
      line 5, column operation, value 'remove': line 4 asks for the opposite for the same user and target
        b@example.com,L1,remove,,
                         ^^^^^^
      => keep one of them; for a change of properties, use two files
    warning: DUPLICATE
      line 7, column licenseId, value 'L1': the same operation stands on line 6
        C@example.com,L1,,,
                      ^^
      => it is sent once, and both rows share the outcome
    7 rows for 1 user: 2 to add, 0 to remove, 5 that cannot be sent; 1 repeated
    "#);
    let json = desk.run(&["check", "people.csv", "--json"]).exits(1);
    let first: serde_json::Value = serde_json::from_str(json.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((first["line"].as_u64(), first["code"].as_str()), (Some(2), Some("BAD_EMAIL")));
    assert_eq!(json.summary()["event"], "summary");
    assert!(!desk.path("seatbatch.db").exists());
}

#[test]
fn invalid_rows_stop_the_run_or_are_skipped() {
    let (service, desk) = silent_desk();
    let csv = "email,licenseId,note\nnobody,L1,x\na@example.com,L1,\"y, z\"\n";
    let ran = desk.apply(csv, &[]).exits(2);
    assert!(ran.stderr.contains("--on-invalid skip") && service.asked().is_empty(), "{}", ran.stderr);
    let summary = desk.apply(csv, &["--on-invalid", "skip"]).exits(1).summary();
    assert_eq!(counts(&summary, ["done", "invalid", "total"]), [1, 1, 2]);
    assert_eq!(desk.states()[0], (2, "invalid".into(), Some("BAD_EMAIL".into())));
    assert_eq!(desk.failures()[1][..6], ["nobody", "L1", "x", "2", "invalid", "BAD_EMAIL"]);
}

#[test]
fn every_dialect_and_encoding_comes_to_the_same() {
    let text = "E-Mail;License ID;Name\r\na@example.com;L1;\"Zoë;\r\nx\"\r\nb@example.com;L1;é\r\n";
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let old: Vec<u8> = text.chars().map(|c| u32::from(c) as u8).collect();
    let marked = format!("\u{feff}{text}");
    let bare = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let (little, big) = (bare(u16::to_le_bytes), bare(u16::to_be_bytes));
    let cases: [(&[u8], &[&str]); 8] = [
        (text.as_bytes(), &[]),
        (marked.as_bytes(), &[]),
        (&wide, &[]),
        (&little, &[]),
        (&big, &[]),
        (&old, &[]),
        (&old, &["--encoding", "windows-1252"]),
        (&text.replace(';', "\t").replace("\"Zoë\t", "\"Zoë;").into_bytes(), &[]),
    ];
    for (content, more) in cases {
        let service = Scripted::start(|_| {
            answer(206, r#"[{"email":"a@example.com","error":{"code":"X","message":"no"}}]"#)
        });
        let desk = Desk::at(&service.url);
        desk.write("people.csv", content);
        desk.run(&[&["apply", "people.csv"], more].concat()).exits(1);
        let bytes = std::fs::read(desk.path("people.failures.csv")).unwrap();
        // In the encoding of the file, with a mark where that had one.
        assert_eq!(bytes.get(..8), content.get(..8));
        let written = if content == old {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        } else if content == big {
            let pairs = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            String::from_utf16(&pairs.collect::<Vec<_>>()).unwrap()
        } else if content == little || content == wide {
            let pairs = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            String::from_utf16(&pairs.collect::<Vec<_>>()).unwrap()
        } else {
            String::from_utf8(bytes).unwrap()
        };
        let lines: Vec<&str> = written.trim_start_matches('\u{feff}').split("\r\n").collect();
        let expected =
            format!("a@example.com{0}L1{0}\"Zoë;", if content.contains(&b'\t') { '\t' } else { ';' });
        assert_eq!(lines[1], expected);
        assert!(lines[2].starts_with("x\"") && lines[2].contains("failed"), "{written}");
    }
}

#[test]
fn the_failures_csv_is_taken_as_it_is_again_and_again() {
    let service = Scripted::start(|_| {
        answer(206, r#"[{"email":"user2@example.com","error":{"code":"X","message":"no, \"never\""}}]"#)
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    let first = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
    desk.run(&["apply", "people.failures.csv"]).exits(1);
    let second = std::fs::read_to_string(desk.path("people.failures.failures.csv")).unwrap();
    assert_eq!(second.lines().next(), first.lines().next());
    assert_eq!(second.lines().count(), 2);
    desk.run(&["apply", "people.failures.failures.csv"]).exits(1);
}

#[test]
fn names_are_resolved_and_unknown_ones_are_named_with_the_nearest() {
    let service = crate::harness::sandbox(3, seatbatch::domain::WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply("email,license\nuser1@example.com,Mesaging\n", &[]).exits(2);
    assert!(ran.stderr.contains("the nearest is 'Messaging'"), "{}", ran.stderr);
    desk.apply("email,license\nuser1@example.com,messaging\n", &[]).exits(0);
    assert_eq!(service.user("user1@example.com").unwrap().licenses, [crate::harness::license("Messaging")]);
}
