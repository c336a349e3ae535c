//! Files as people have them: what is taken as it is, and what is told instead.

use calamine::{Reader as _, Xlsx};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use seatbatch::domain::WireForm;

use crate::harness::{Desk, Ran, counts, sandbox};

fn desk() -> Desk {
    Desk::at("http://127.0.0.1:9")
}

/// What `check` says of a file of these bytes.
fn check(content: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    let desk = desk();
    desk.write("people.csv", content);
    desk.run(&[&["check", "people.csv"], more].concat())
}

/// The problems of a file, as their codes and lines, and what is asked for.
fn problems(content: impl AsRef<[u8]>, more: &[&str]) -> (Vec<(String, u64)>, [u64; 3]) {
    let ran = check(content, &[&["--json"], more].concat());
    let mut found = Vec::new();
    for line in ran.stdout.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if event["event"] == "problem" {
            found.push((event["code"].as_str().unwrap().to_owned(), event["line"].as_u64().unwrap()));
        }
    }
    assert!(ran.summary()["counts"].is_object(), "{} {}", ran.stdout, ran.stderr);
    (found, counts(&ran.summary()["counts"], ["rows", "adds", "removes"]))
}

fn told(code: &str, line: u64) -> (String, u64) {
    (code.to_owned(), line)
}

#[test]
fn blank_rows_are_skipped_and_counted_once() {
    let csv = "email,license,operation,phoneNumber\r\na@example.com,M,add,\r\n,,,\r\n , ,,\r\n\u{a0},,,\r\n\
               b@example.com,M,remove,\r\n,,,\r\n";
    let ran = check(csv, &[]).exits(0);
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("4 blank rows were skipped"), "{}", ran.stdout);
    assert_eq!(problems(csv, &[]), (vec![told("BLANK_ROWS", 3)], [2, 1, 1]));
}

#[test]
fn cells_missing_or_empty_at_the_end_are_no_fault() {
    let csv =
        "email,license,operation,note\na@example.com,M\nb@example.com,M,remove\nc@example.com,M,add,,,\n";
    assert_eq!(problems(csv, &[]), (vec![told("SHORT_ROWS", 2), told("LONG_ROWS", 4)], [3, 2, 1]));
    let header = "email,license,operation,\na@example.com,M,add\nb@example.com,M,add,\n";
    assert_eq!(problems(header, &[]).1, [2, 2, 0]);
}

#[test]
fn what_shifted_a_row_is_named() {
    for (row, expected) in [
        (r"a@example.com,M,add,Barney\, Smith", "the backslash at the end of cell 4"),
        (r"Smith\, Barney,a@example.com,M,add", "the backslash at the end of cell 1"),
        ("a@example.com,M,add,Smith, Barney", "cells 4 and 5 look like one that holds the delimiter"),
        ("a@example.com;M;add;x", "separated by semicolons, those of the file by commas"),
    ] {
        let ran =
            check(format!("email,license,operation,name\n{row}\nb@example.com,M,add,x\n"), &[]).exits(1);
        assert!(ran.stdout.contains(expected), "{row}: {}", ran.stdout);
    }
}

#[test]
fn rows_that_a_stray_quote_swallows_are_not_lost() {
    let mut csv = "email,license,operation,note\n".to_owned();
    for user in 1..=12 {
        let note = if user == 4 || user == 8 { "\"see ticket" } else { "n" };
        csv.push_str(&format!("user{user}@example.com,M,add,{note}\n"));
    }
    let ran = check(&csv, &[]).exits(1);
    assert!(ran.stdout.contains("a quote opens in cell 4 and closes 4 lines further down"), "{}", ran.stdout);
    assert_eq!(problems(&csv, &[]).0, [told("STRAY_QUOTE", 5)]);
    let inches = "email,license,note\na@example.com,M,has a 27\" screen\nb@example.com,M,\"27\"\" screen\"\n\
                  c@example.com,M,\"Bob\" Smith\nd@example.com,M,\"two\nlines, here\"\n";
    assert_eq!(problems(inches, &[]), (vec![], [4, 4, 0]));
}

#[test]
fn what_programs_write_above_the_header_is_skipped_and_said() {
    let powershell = "#TYPE System.Management.Automation.PSCustomObject\r\n\"email\",\"license\",\"operation\"\r\n\
                      \"a@example.com\",\"M\",\"remove\"\r\n";
    assert_eq!(problems(powershell, &[]), (vec![told("LINES_SKIPPED", 1)], [1, 0, 1]));
    for csv in [
        "sep=;\r\nemail;license;operation\r\na@example.com;M;remove\r\n",
        "\u{feff}\"sep=;\"\r\nemail;license;operation\r\na@example.com;M;remove\r\n",
        "sep=|\r\nemail|license|operation\r\na@example.com|M|remove\r\n",
    ] {
        assert_eq!(problems(csv, &[]), (vec![told("LINES_SKIPPED", 1)], [1, 0, 1]), "{csv}");
    }
    let title = "Leavers of March\n\n,,\nE-Mail,License,Operation\na@example.com,M,remove\nnobody,M,remove\n";
    assert_eq!(problems(title, &[]).0, [told("LINES_SKIPPED", 1), told("BAD_EMAIL", 6)]);
}

#[test]
fn two_files_put_together_are_told() {
    let again = "email,license\na@example.com,M\nemail,license\nb@example.com,M\n";
    assert_eq!(problems(again, &[]), (vec![told("HEADER_AGAIN", 4 - 1)], [3, 2, 0]));
    for second in ["license,email,operation\nM,b@example.com,remove\n", "email;license\nb@example.com;M\n"] {
        let ran = check(format!("email,license\na@example.com,M\n{second}"), &[]).exits(1);
        assert!(ran.stderr.contains("line 3: this is the header of another file"), "{}", ran.stderr);
    }
}

#[test]
fn columns_without_a_meaning_may_share_a_name() {
    let csv = "email,license,operation,note,note,,\na@example.com,M,add,a,b,,\n";
    assert_eq!(problems(csv, &[]), (vec![], [1, 1, 0]));
    let ran = check("email,license,E-Mail\na@example.com,M,b@example.com\n", &[]).exits(1);
    assert!(ran.stderr.contains("columns 1 and 3"), "{}", ran.stderr);
}

#[test]
fn the_encoding_is_found_out_and_said() {
    let text = "email,license,name\r\no'brien@example.com,M,Zoë O’Brien €\r\nb@example.com,M,Jürgen\r\n";
    let old = seatbatch::input::Encoding::WINDOWS_1252.encode(text);
    let ran = check(&old, &[]).exits(0);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("read as Windows-1252") && said.contains("--encoding"), "{said}");
    assert_eq!(problems(&old, &["--encoding", "windows-1252"]), (vec![], [2, 2, 0]));
    for encoding in [seatbatch::input::Encoding::UTF_16LE, seatbatch::input::Encoding::UTF_16BE] {
        let bytes = encoding.encode(text);
        assert_eq!(problems(&bytes, &[]), (vec![told("READ_AS", 1)], [2, 2, 0]));
        assert_eq!(problems(&bytes, &["--encoding", &encoding.label()]), (vec![], [2, 2, 0]));
        assert_eq!(problems([encoding.byte_order_mark(), &bytes].concat(), &[]), (vec![], [2, 2, 0]));
    }
    let wide: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
    for marked in [vec![], b"\xff\xfe\0\0".to_vec()] {
        let ran = check([marked, wide.clone()].concat(), &[]).exits(1);
        assert!(ran.stderr.contains("UTF-32"), "{}", ran.stderr);
    }
}

#[test]
fn text_that_fits_no_encoding_is_an_error_where_it_stands() {
    let mixed = b"email,license,name\na@example.com,M,J\xc3\xbcrgen\nb@example.com,M,J\xfcrgen\n";
    let ran = check(mixed, &[]).exits(1);
    assert!(
        ran.stdout.contains("line 3")
            && ran.stdout.contains("cell 3 is not UTF-8 text, from its character 2 on"),
        "{}",
        ran.stdout
    );
    // As an old Macintosh wrote it.
    let macintosh = b"email,license,name\ra@example.com,M,J\x9frgen\rb@example.com,M,Zo\x91\r";
    assert_eq!(problems(macintosh, &[]).0, [told("INVALID_UTF8", 2), told("INVALID_UTF8", 3)]);
    assert_eq!(problems(macintosh, &["--encoding", "macintosh"]), (vec![], [2, 2, 0]));
    let ran = check("email,license\na@example.com,M\n", &["--encoding", "klingon"]).exits(2);
    assert!(ran.stderr.contains("windows-1252"), "{}", ran.stderr);
}

#[test]
fn lines_are_counted_as_an_editor_shows_them() {
    let mixed = "email,license\nbad,M\r\nbad,M\rbad,M\n\r\nbad,M\r\r\n\"bad\n\",M";
    let expected: Vec<_> = [2, 3, 4, 6, 8].map(|line| told("BAD_EMAIL", line)).to_vec();
    let mut found = problems(mixed, &[]).0;
    found.retain(|(code, _)| code == "BAD_EMAIL");
    assert_eq!(found, expected);
}

#[test]
fn files_that_are_no_tables_are_named() {
    for (bytes, expected) in [
        (&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....."[..], ".xls"),
        (b"PK\x03\x04.....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
        (b"PK\x03\x04.....people.csv", "ZIP archive"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"<!DOCTYPE html><html><title>Sign in</title>", "a web page"),
        (b"PK\x03\x04.....xl/workbook.xml", "damaged"),
    ] {
        let ran = check(bytes, &[]).exits(1);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

/// A workbook with two sheets, the second of which asks for the opposite.
fn workbook() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("People").unwrap();
    sheet.write(0, 0, "Leavers of March").unwrap();
    for (column, name) in
        ["Work Email", "License", "Operation", "Extension", "Due", "Done"].iter().enumerate()
    {
        sheet.write(2, column as u16, *name).unwrap();
    }
    sheet.write(3, 0, "a@example.com").unwrap();
    sheet.write(3, 1, "M").unwrap();
    sheet.write(3, 2, "add").unwrap();
    sheet.write_with_format(3, 3, 413, &Format::new().set_num_format("0000")).unwrap();
    let date = ExcelDateTime::parse_from_str("2026-03-31").unwrap();
    sheet.write_with_format(3, 4, &date, &Format::new().set_num_format("dd.mm.yyyy")).unwrap();
    sheet.write(3, 5, true).unwrap();
    sheet.write(4, 0, "nobody").unwrap();
    sheet.write(4, 1, "M").unwrap();
    let other = workbook.add_worksheet().set_name("Removals").unwrap();
    for (column, name) in ["email", "license", "operation"].iter().enumerate() {
        other.write(0, column as u16, *name).unwrap();
    }
    for (column, cell) in ["b@example.com", "M", "remove"].iter().enumerate() {
        other.write(1, column as u16, *cell).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_is_read_as_it_is() {
    let (found, counts) = problems(workbook(), &[]);
    let others = [told("OTHER_SHEETS", 3), told("LINES_SKIPPED", 1)];
    assert_eq!(found[..2], others);
    assert_eq!(found[2], told("BAD_EMAIL", 5));
    assert_eq!(counts, [2, 1, 0]);
    assert_eq!(problems(workbook(), &["--sheet", "removals"]).1, [1, 0, 1]);
    let ran = check(workbook(), &["--sheet", "Nobody"]).exits(1);
    assert!(ran.stderr.contains("'People', 'Removals'"), "{}", ran.stderr);
}

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
            .contains(r#"{"code":"UNKNOWN_OPERATION","count":500,"event":"problems","severity":"error"}"#)
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
            ran.stderr.contains("2 cells mended; 3 rows written to mended.csv; 1 error left"),
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
fn what_a_workbook_asked_for_in_vain_comes_back_as_a_workbook() {
    let sandbox = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&sandbox.url());
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = [
        ["E-Mail", "License", "Note"],
        ["user1@example.com", "Messaging", ""],
        ["nobody@example.com", "Messaging", "a, \"b\""],
    ];
    for (row, cells) in (0..).zip(rows) {
        sheet.write_row(row, 0, cells).unwrap();
    }
    desk.write("people.xlsx", book.save_to_buffer().unwrap());
    desk.run(&["apply", "people.xlsx", "--failures", "failed.XLSX", "--rate", "unlimited"]).exits(1);
    let mut back: Xlsx<_> = calamine::open_workbook(desk.path("failed.XLSX")).unwrap();
    let range = back.worksheet_range_at(0).unwrap().unwrap();
    let cells: Vec<Vec<String>> =
        range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(cells[0][..5], ["E-Mail", "License", "Note", "line", "state"]);
    assert_eq!(cells[1][..5], ["nobody@example.com", "Messaging", "a, \"b\"", "3", "failed"]);
    assert_eq!(cells.len(), 2);
    // It is taken as it is.
    desk.run(&["apply", "failed.XLSX", "--json", "--rate", "unlimited", "--failures", "again.csv"]).exits(1);
    assert!(
        std::fs::read_to_string(desk.path("again.csv"))
            .unwrap()
            .contains("nobody@example.com,Messaging,\"a, ")
    );
}
