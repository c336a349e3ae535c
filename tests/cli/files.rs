//! Files as people have them: what is taken as it is, and what is told instead.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use crate::harness::{Desk, Ran, counts};
use crate::scripted::{Scripted, answer};

pub(crate) fn desk() -> Desk {
    Desk::at("http://127.0.0.1:9")
}

/// What `check` says of a file of these bytes.
pub(crate) fn check(content: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    let desk = desk();
    desk.write("people.csv", content);
    desk.run(&[&["check", "people.csv"], more].concat())
}

/// The problems of a file, as their codes and lines, and what is asked for.
pub(crate) fn problems(content: impl AsRef<[u8]>, more: &[&str]) -> (Vec<(String, u64)>, [u64; 3]) {
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

pub(crate) fn told(code: &str, line: u64) -> (String, u64) {
    (code.to_owned(), line)
}

/// A workbook with two sheets, the second of which asks for the opposite.
pub(crate) fn workbook() -> Vec<u8> {
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
    let expected = vec![told("SHORT_ROWS", 2), told("LONG_ROWS", 4), told("EMPTY_OPERATION", 2)];
    assert_eq!(problems(csv, &[]), (expected, [3, 2, 1]));
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
fn a_second_header_is_told_with_digits_in_it_and_under_other_names() {
    let header = "First Name,User ID/Email (Required),Messaging [Sub121331]\n";
    let csv = format!("{header}A,a@example.com,TRUE\n{header}B,b@example.com,TRUE\n");
    assert_eq!(problems(csv, &[]), (vec![told("HEADER_AGAIN", 3)], [3, 2, 0]));
    let ran =
        check("email,license,floor 2\na@example.com,M,x\nfloor 2,Mail,Licence\nx,b@example.com,M\n", &[]);
    assert!(ran.stderr.contains("line 3: this is the header of another file"), "{}", ran.stderr);
    let people = "email,name\na@example.com,A\nE-Mail-Adresse,Name\nb@example.com,B\n";
    assert_eq!(problems(people, &["--remove", "M"]), (vec![told("HEADER_AGAIN", 3)], [3, 0, 2]));
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
fn a_row_whose_cells_have_moved_is_told_and_not_taken() {
    let header = "email,license,operation,phoneNumber,extension,locationId\n";
    for (row, said) in [
        ("user1@example.com,add,,,", "an operation stands where a license should be named"),
        ("Ada,user1@example.com,Messaging,add,,", "an e-mail address stands where a license should be named"),
    ] {
        let ran = check(format!("{header}{row}\n"), &[]).exits(1);
        assert!(ran.stdout.contains(said) && ran.stdout.contains("SHIFTED_CELL"), "{}", ran.stdout);
        let ids = header.replace("license", "licenseId");
        assert!(check(format!("{ids}{row}\n"), &[]).exits(1).stdout.contains("SHIFTED_CELL"));
    }
}

#[test]
fn a_column_that_chooses_rows_is_said_to_choose_none() {
    let csv = "selected,email,license,operation\nx,a@example.com,M,add\nno,b@example.com,M,add\n";
    let ran = check(csv, &[]).exits(0);
    assert!(ran.stdout.contains("every row is taken, whatever stands in it"), "{}", ran.stdout);
    let ran = check(csv, &["--ignore", "selected"]).exits(0);
    assert!(!ran.stdout.contains("SELECTION_IGNORED"), "{}", ran.stdout);
}

#[test]
fn old_encodings_are_named_as_what_they_look_like() {
    let text = "Name;E-Mail;License\nJ\u{fc}rgen M\u{fc}ller;a@example.com;Messaging\nZo\u{eb} Gr\u{f6}\u{df}e;b@example.com;Messaging\n";
    let dos: Vec<u8> = text
        .chars()
        .map(|c| match c {
            '\u{fc}' => 0x81,
            '\u{eb}' => 0x89,
            '\u{f6}' => 0x94,
            '\u{df}' => 0xe1,
            other => u8::try_from(other).unwrap(),
        })
        .collect();
    let desk = Desk::alone();
    desk.write("people.csv", dos);
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("MS-DOS text (code page 850 or 437)"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("Shift_JIS") && !ran.stdout.contains("windows-1252"), "{}", ran.stdout);
    let macintosh: seatbatch::input::Encoding = "macintosh".parse().unwrap();
    desk.write("people.csv", macintosh.encode(text));
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(ran.stdout.contains("--encoding macintosh"), "{}", ran.stdout);
}

#[test]
fn rows_that_were_appended_in_another_encoding_are_told_as_that() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let rows = "b@example.com,Messaging,\r\nc@example.com,Messaging,\r\n";
    let desk = Desk::alone();
    // Where the last line has no end, the rest would be a part of its note.
    for first in
        ["\u{feff}email,license,note\r\n", "\u{feff}email,license,note\r\na@example.com,Messaging,new"]
    {
        desk.write("people.csv", [wide(first), rows.into()].concat());
        let ran = desk.run(&["check", "people.csv"]).exits(1);
        assert!(ran.stdout.contains("was written with one byte per character"), "{first}: {}", ran.stdout);
        assert!(!ran.stdout.contains("BAD_EMAIL"), "{}", ran.stdout);
    }
    desk.write(
        "people.csv",
        [b"email,license,note\r\na@example.com,Messaging,\r\n", wide(rows).as_slice()].concat(),
    );
    let ran = desk.run(&["check", "people.csv"]).exits(1);
    assert!(
        ran.stdout.contains("NUL_BYTE") && ran.stdout.contains("PowerShell"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}
