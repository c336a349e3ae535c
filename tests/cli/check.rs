//! `seatbatch check`: every problem of a file, and the one thing to change.

use crate::files::{desk, problems, told, workbook};
use crate::harness::{Desk, silent_desk};

#[test]
fn standard_input_is_checked_and_not_applied() {
    let desk = desk();
    let piped = |args: &[&str], text: &str| {
        let mut child = desk.command(args).stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        crate::harness::finish(child)
    };
    let csv = "email,license\na@example.com,M\nnobody,M\n";
    let ran = piped(&["check", "-"], csv).exits(1);
    assert!(
        ran.stdout.contains("line 3") && ran.stdout.contains("    nobody,M\n    ^^^^^^\n"),
        "{}",
        ran.stdout
    );
    piped(&["check", "/dev/stdin"], "email,license\na@example.com,M\n").exits(0);
    let ran = piped(&["check", "-"], "").exits(1);
    assert!(ran.stderr.contains("the file is empty"), "{}", ran.stderr);
    let ran = desk.run(&["apply", "-"]).exits(2);
    assert!(ran.stderr.contains("save it to a file first"), "{}", ran.stderr);
    let left: Vec<_> = std::fs::read_dir(desk.folder()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn problems_are_grouped_marked_and_all_of_them_in_a_file() {
    let desk = desk();
    let mut csv = "email,license,operation\n".to_owned();
    (0..500).for_each(|row| csv.push_str(&format!("user{row}@example.com,\"M\",gi\u{200b}ve\n")));
    desk.write("people.csv", &csv);
    let ran = desk.run(&["check", "people.csv", "--problems", "all.csv"]).exits(1);
    insta::assert_snapshot!(ran.stdout, @r#"
    error: UNKNOWN_OPERATION, 500 times
      line 2, column operation, value 'gi\u{200b}ve': not an operation
        user0@example.com,"M",gi\u{200b}ve
                              ^^^^^^^^^^^^
      line 3, column operation, value 'gi\u{200b}ve': not an operation
        user1@example.com,"M",gi\u{200b}ve
                              ^^^^^^^^^^^^
      line 4, column operation, value 'gi\u{200b}ve': not an operation
        user2@example.com,"M",gi\u{200b}ve
                              ^^^^^^^^^^^^
      and 497 more
      in all: 'gi\u{200b}ve' 500 times
      => write add or remove, or leave it empty for add
    500 rows for 0 users: 0 to add, 0 to remove, 500 that cannot be sent
    "#);
    let all = std::fs::read_to_string(desk.path("all.csv")).unwrap();
    assert_eq!(all.lines().count(), 501);
    assert_eq!(all.lines().next(), Some("severity,code,line,column,value,problem,remedy,fix"));
    // Made anew, not kept beside.
    desk.run(&["check", "people.csv", "--problems", "all.csv"]).exits(1);
    assert_eq!(std::fs::read_dir(desk.folder()).unwrap().count(), 2);
    let json = desk.run(&["check", "people.csv", "--json"]).exits(1);
    assert_eq!(json.stdout.lines().count(), 502);
    assert!(
        json.stdout
            .contains(r#"{"event":"problems","code":"UNKNOWN_OPERATION","severity":"error","count":500}"#)
    );
    // Why it does not go well is said in any case.
    let quiet = desk.run(&["check", "people.csv", "--quiet"]).exits(1);
    assert!(
        quiet.stdout.is_empty() && quiet.stderr.contains("UNKNOWN_OPERATION, 500 times"),
        "{}",
        quiet.stderr
    );
}

#[test]
fn what_cannot_be_seen_around_a_cell_is_left_out_counted_and_mended() {
    let text = "email;license;operation;note\r\n a@example.com\u{a0};M;\u{200b}remove ; x \r\n;;;\r\nb@example.com;M;add;\"y;z\"\r\n\
                nobody;M;add;\r\n";
    let (found, asked) = problems(text, &[]);
    assert_eq!(asked, [3, 1, 1]);
    assert_eq!(found, [told("BAD_EMAIL", 5), told("BLANK_ROWS", 3), told("PADDED_CELLS", 2)]);
    for encoding in [seatbatch::input::Encoding::UTF_8, seatbatch::input::Encoding::UTF_16LE] {
        let desk = desk();
        let mark = encoding.byte_order_mark();
        desk.write("people.csv", [mark, &encoding.encode(text)].concat());
        let ran = desk.run(&["check", "people.csv", "--fix", "-o", "mended.csv"]).exits(1);
        assert!(
            ran.stderr.contains(
                "2 cells mended; 3 rows written to mended.csv; 1 error is left for you to correct by hand"
            ),
            "{}",
            ran.stderr
        );
        let mended = "email;license;operation;note\r\na@example.com;M;remove; x \r\nb@example.com;M;add;\"y;z\"\r\n\
                      nobody;M;add;\r\n";
        let expected = [mark, &encoding.encode(mended)].concat();
        assert_eq!(std::fs::read(desk.path("mended.csv")).unwrap(), expected, "{encoding}");
        // There is nothing left to mend.
        let again = desk.run(&["check", "mended.csv", "--fix", "-o", "again.csv"]).exits(1);
        assert!(again.stderr.contains("0 cells mended"), "{}", again.stderr);
        assert_eq!(std::fs::read(desk.path("again.csv")).unwrap(), expected);
        desk.run(&["check", "people.csv", "--fix", "-o", "people.csv"]).exits(2);
    }
    let desk = desk();
    desk.write("people.xlsx", workbook());
    desk.run(&["check", "people.xlsx", "--fix", "-o", "people.csv"]).exits(1);
    let written = std::fs::read_to_string(desk.path("people.csv")).unwrap();
    let expected = "\u{feff}Work Email,License,Operation,Extension,Due,Done\r\n\
                    a@example.com,M,add,0413,2026-03-31,TRUE\r\nnobody,M,,,,\r\n";
    assert_eq!(written, expected);
}

#[test]
fn what_a_row_is_about_is_not_mended_away() {
    let desk = Desk::alone();
    let config = "[bundles.engineer]\nlicenses = [\"L1\"]\nsites = [\"https://a.example.com/x\"]\n";
    desk.write("seatbatch.toml", config);
    let rows = [
        ("email,licenseId", "a@example.com,N/A"),
        ("email,license", "a@example.com,-"),
        ("email,license", "a@example.com,Messaging; N/A"),
        ("email,siteUrl", "a@example.com,NULL"),
        ("email,Team", "a@example.com,N/A"),
        ("email,Team", "a@example.com,engineer"),
        ("email,personId,licenseId", "N/A,N/A,L1"),
        ("personId,licenseId", "0,L1"),
        ("email,licenseId,operation", "a@example.com,L1,N/A"),
    ];
    for (header, row) in rows {
        desk.write("people.csv", format!("{header}\n{row}\n"));
        let map: &[&str] = if header.ends_with("Team") { &["--map", "bundle=Team"] } else { &[] };
        desk.run(&[&["check", "people.csv", "--fix", "-o", "mended.csv"], map].concat()).exits(1);
        let mended = std::fs::read_to_string(desk.path("mended.csv")).unwrap();
        assert_eq!(mended, format!("{header}\n{row}\n"));
    }
    // Where something else says it, nothing is what is meant.
    desk.write("people.csv", "email,personId,licenseId\na@example.com,N/A,L1\n");
    desk.run(&["check", "people.csv", "--fix", "-o", "mended.csv"]).exits(0);
    let mended = std::fs::read_to_string(desk.path("mended.csv")).unwrap();
    assert_eq!(mended, "email,personId,licenseId\na@example.com,,L1\n");
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
      => split it into two rows
    error: ADD_AND_REMOVE, 2 times
      line 4, column operation, value 'add': line 5 asks for the opposite for the same user and target
        b@example.com,L1,add,,
                         ^^^
      line 5, column operation, value 'remove': line 4 asks for the opposite for the same user and target
        b@example.com,L1,remove,,
                         ^^^^^^
      => keep one of them; for a change of properties, use two files
    warning: EMPTY_OPERATION
      line 6, column operation, value '': 3 cells are empty (lines 6, 7, 8), so they are read as add, in a file that also removes
        c@example.com,L1,,,
                         ^
      => write remove where that is meant, and add where it is not
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
fn names_are_resolved_and_unknown_ones_are_named_with_the_nearest() {
    let service = crate::harness::sandbox(3, seatbatch::domain::WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let ran = desk.apply("email,license\nuser1@example.com,Mesaging\n", &[]).exits(2);
    assert!(ran.stderr.contains("the nearest is 'Messaging'"), "{}", ran.stderr);
    desk.apply("email,license\nuser1@example.com,messaging\n", &[]).exits(0);
    assert_eq!(service.user("user1@example.com").unwrap().licenses, [crate::harness::license("Messaging")]);
}

#[test]
fn a_mended_copy_keeps_rows_that_end_early_as_they_are() {
    let desk = Desk::at("http://127.0.0.1:9");
    let csv = "email,license,operation,note\n a@example.com,M\nb@example.com,M,remove,x\nc@example.com,M,add\nd@example.com,M,add,,,\n";
    desk.write("people.csv", csv);
    let ran = desk.run(&["check", "people.csv", "--fix", "-o", "mended.csv"]).exits(0);
    assert!(
        ran.stderr.contains("2 rows that end before the last column are left as they are"),
        "{}",
        ran.stderr
    );
    let mended = std::fs::read_to_string(desk.path("mended.csv")).unwrap();
    let expected = "email,license,operation,note\na@example.com,M\nb@example.com,M,remove,x\nc@example.com,M,add\nd@example.com,M,add,\n";
    assert_eq!(mended, expected);
    // What they may have lost is still asked about.
    let ran = desk.run(&["check", "mended.csv"]).exits(0);
    assert!(ran.stdout.contains("2 rows end before the last column"), "{}", ran.stdout);
}

#[test]
fn a_file_of_which_nothing_is_taken_has_a_problem_like_any_other() {
    for (csv, code, line) in [
        ("", "EMPTY_FILE", 1),
        ("email,license\n", "EMPTY_FILE", 1),
        ("who,what\na,b\n", "MISSING_COLUMN", 1),
        ("email,E-Mail,license\na@example.com,,M\n", "TWO_COLUMNS", 1),
        ("email,licenseId\na@example.com,L1\nlicenseId;email\nL1;b@example.com\n", "SECOND_HEADER", 3),
        ("email,license\na@example.com,\"M\n", "UNCLOSED_QUOTE", 2),
        ("a@example.com,L1\nemail,licenseId\nb@example.com,L1\n", "HEADER_AMONG_ROWS", 1),
        ("email;licenseId;note;a@example.com;L1;\nb@example.com;L1\n", "HEADER_AMONG_ROWS", 1),
        ("<html><body>log in</body></html>", "NOT_A_TABLE", 1),
    ] {
        let (service, desk) = silent_desk();
        desk.write("people.csv", csv);
        for args in [&["check"][..], &["plan"], &["rehearse"], &["diff", "-o", "changes.csv"], &["apply"]] {
            desk.write("all.csv", "severity,code,line,column,value,problem,remedy,fix\nold,OLD,9,,,,,\n");
            let ran = desk.run(&[args, &["people.csv", "--json", "--problems", "all.csv"]].concat());
            assert!(matches!(ran.code, 1 | 2), "{args:?} {csv}: {}", ran.stderr);
            let first: serde_json::Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
            assert_eq!(
                (first["event"].as_str(), first["code"].as_str()),
                (Some("problem"), Some(code)),
                "{args:?}"
            );
            assert_eq!(first["line"], line, "{csv}");
            let all = std::fs::read_to_string(desk.path("all.csv")).unwrap();
            assert!(
                all.contains(&format!("\nerror,{code},{line},row,")) && !all.contains("OLD"),
                "{args:?}: {all}"
            );
            assert_eq!(ran.stderr.matches("error: ").count(), 1, "said once: {}", ran.stderr);
        }
        assert!(service.asked().is_empty());
    }
}
