//! Workbooks whose cells are not what they seem.

use std::io::Write as _;

use seatbatch::domain::WireForm;
use zip::write::SimpleFileOptions;

use crate::harness::{Desk, Ran, license, sandbox};

/// A workbook of one sheet, by its markup.
pub(crate) struct Book {
    pub(crate) sheet: String,
    pub(crate) properties: &'static str,
    pub(crate) calculation: &'static str,
    pub(crate) texts: Option<Vec<u8>>,
}

impl Book {
    /// With rows of cells. A cell that begins with `<` is markup, everything else a text.
    pub(crate) fn of(rows: &[&[&str]]) -> Self {
        let mut sheet = "<sheetData>".to_owned();
        for (row, cells) in (1..).zip(rows) {
            sheet.push_str(&format!("<row r=\"{row}\">"));
            for (column, cell) in (b'A'..).zip(*cells) {
                let place = format!("{}{row}", char::from(column));
                match cell.strip_prefix('<') {
                    Some(rest) => sheet.push_str(&format!("<c r=\"{place}\"{rest}")),
                    None if cell.is_empty() => {}
                    None => sheet
                        .push_str(&format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>")),
                }
            }
            sheet.push_str("</row>");
        }
        Self { sheet: sheet + "</sheetData>", properties: "", calculation: "", texts: None }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let relations = |id: &str, kind: &str, target: &str| {
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                     <Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
            )
        };
        let parts = [
            ("_rels/.rels", relations("r1", "officeDocument", "xl/workbook.xml")),
            ("xl/_rels/workbook.xml.rels", relations("r1", "worksheet", "worksheets/sheet1.xml")),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\">{}<sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"r1\"/></sheets>{}</workbook>",
                    self.properties, self.calculation
                ),
            ),
            ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\">{}</worksheet>", self.sheet)),
        ];
        let how = SimpleFileOptions::default();
        for (name, content) in parts {
            archive.start_file(name, how).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        if let Some(texts) = &self.texts {
            archive.start_file("xl/sharedStrings.xml", how).unwrap();
            archive.write_all(texts).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn check(&self, more: &[&str]) -> Ran {
        let desk = Desk::at("http://127.0.0.1:9");
        desk.write("people.xlsx", self.bytes());
        desk.run(&[&["check", "people.xlsx"], more].concat())
    }
}

const HEADER: &[&str] = &["email", "license", "operation", "note"];
/// As openpyxl writes a formula.
const UNWORKED: &str = "<><f>IF(D2=1,\"remove\",\"\")</f><v></v></c>";

#[test]
fn a_formula_that_nobody_has_worked_out_is_no_empty_cell() {
    for unworked in [
        UNWORKED,
        "<><f>IF(D2=1,\"remove\",\"\")</f></c>",
        "<><f>IF(D2=1,\"remove\",\"\")</f><v/></c>",
        "< t=\"str\"><f>IF(D2=1,\"remove\",\"\")</f></c>",
        "< s=\"0\"><f t=\"shared\" ref=\"C2:C3\" si=\"0\">D2</f></c>",
    ] {
        let book =
            Book::of(&[HEADER, &["a@example.com", "M", unworked, "1"], &["b@example.com", "M", "add"]]);
        let ran = book.check(&[]).exits(1);
        for said in [
            "error: FORMULA_WITHOUT_VALUE\n",
            "line 2, column operation",
            "the formula in C2",
            "open the workbook in Excel and save it",
        ] {
            assert!(ran.stdout.contains(said), "{unworked}: {said}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("--ignore"), "{}", ran.stdout);
    }
    // A formula that says nothing, and has said so, is an empty cell; one that says something is that.
    for (worked, adds) in
        [("< t=\"str\"><f>D2</f><v></v></c>", 2), ("< t=\"str\"><f>D2</f><v>remove</v></c>", 1)]
    {
        let book = Book::of(&[HEADER, &["a@example.com", "M", worked, "1"], &["b@example.com", "M", "add"]]);
        let ran = book.check(&[]).exits(0);
        assert!(ran.stdout.contains(&format!("{adds} to add, {} to remove", 2 - adds)), "{}", ran.stdout);
    }
}

#[test]
fn no_formula_is_trusted_where_its_program_left_it_to_excel() {
    // As XlsxWriter writes one: 0, whatever it would be.
    let worked = "< t=\"str\"><f>D2</f><v>add</v></c>";
    let mut book = Book::of(&[HEADER, &["a@example.com", "M", worked, "1"]]);
    book.check(&[]).exits(0);
    book.calculation = "<calcPr calcId=\"124519\" fullCalcOnLoad=\"1\"/>";
    assert!(book.check(&[]).exits(1).stdout.contains("FORMULA_WITHOUT_VALUE"));
}

#[test]
fn what_a_formula_would_fill_is_unknown_with_it() {
    let array = "<><f t=\"array\" ref=\"C2:C4\">D2:D4</f></c>";
    let first: &[&str] = &["a@example.com", "M", array];
    let rows = [HEADER, first, &["b@example.com", "M"], &["c@example.com", "M"], &["d@example.com", "M"]];
    let ran = Book::of(&rows).check(&[]).exits(1);
    assert!(ran.stdout.contains("FORMULA_WITHOUT_VALUE, 3 times"), "{}", ran.stdout);
}

#[test]
fn a_column_that_is_not_known_may_be_the_one_that_says_remove() {
    let header: &[&str] = &["email", "license", "Change"];
    let book = Book::of(&[header, &["a@example.com", "M", UNWORKED]]);
    let ran = book.check(&[]).exits(1);
    assert!(
        ran.stdout.contains("FORMULA_WITHOUT_VALUE") && ran.stdout.contains("--ignore Change"),
        "{}",
        ran.stdout
    );
    book.check(&["--ignore", "change"]).exits(0);
    let whole: &[&str] = &[UNWORKED, UNWORKED, UNWORKED];
    let ran = Book::of(&[header, whole]).check(&[]).exits(1);
    assert!(ran.stdout.contains("FORMULA_WITHOUT_VALUE"), "a row of formulas is not blank: {}", ran.stdout);
    let ran =
        Book::of(&[&["email", "license", UNWORKED], &["a@example.com", "M", "remove"]]).check(&[]).exits(1);
    assert!(ran.stderr.contains("that in cell C1"), "{}", ran.stderr);
    let due = Book::of(&[&["email", "Last Day"], &["a@example.com", UNWORKED]]);
    let ran = due.check(&["--remove", "M", "--due", "Last Day"]).exits(1);
    assert!(ran.stdout.contains("FORMULA_WITHOUT_VALUE"), "{}", ran.stdout);
}

#[test]
fn a_cell_that_is_merged_into_another_is_not_empty() {
    let mut book = Book::of(&[
        &["email", "license", "operation", "Team"],
        &["a@example.com", "M", "remove", "Berlin"],
        &["b@example.com", "M", "</>"],
        &["c@example.com", "M", "add"],
    ]);
    book.sheet.push_str("<mergeCells><mergeCell ref=\"D2:D4\"/></mergeCells>");
    book.check(&[]).exits(0);
    book.sheet = book.sheet.replace("D2:D4\"/>", "D2:D4\"/><mergeCell ref=\"C2:C3\"/>");
    let ran = book.check(&[]).exits(1);
    for said in
        ["error: MERGED_CELLS\n", "line 3, column operation", "C3 is merged into C2:C3", "Unmerge Cells"]
    {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn a_merged_cell_beside_the_services_keeps_no_row_from_being_taken() {
    let mut book = Book::of(&[
        &["User ID/Email (Required)", "Messaging", "Bench", "Plan"],
        &["a@example.com", "TRUE", "Berlin", "TRUE"],
        &["b@example.com", "TRUE", "</>", "TRUE"],
    ]);
    book.sheet.push_str("<mergeCells><mergeCell ref=\"C2:C3\"/></mergeCells>");
    let ran = book.check(&[]).exits(0);
    assert!(ran.stdout.contains("2 rows for 2 users: 4 to add"), "{}", ran.stdout);
    // Of a service by its name, and by what stands there.
    for column in ["B", "D"] {
        book.sheet =
            book.sheet.replace("C2:C3\"/>", &format!("C2:C3\"/><mergeCell ref=\"{column}2:{column}3\"/>"));
        let ran = book.check(&[]).exits(1);
        assert!(ran.stdout.contains(&format!("{column}3 is merged into")), "{}", ran.stdout);
    }
}

#[test]
fn an_empty_sheet_is_named_with_the_one_that_may_be_meant() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().set_name("Cover").unwrap();
    workbook.add_worksheet().set_name("Data").unwrap().write(0, 0, "email").unwrap();
    let desk = Desk::at("http://127.0.0.1:9");
    desk.write("people.xlsx", workbook.save_to_buffer().unwrap());
    let ran = desk.run(&["check", "people.xlsx"]).exits(1);
    assert!(ran.stderr.contains("the sheet 'Cover' is empty ('Data' may be meant"), "{}", ran.stderr);
}

#[test]
fn a_sheet_that_names_nobody_is_named_with_the_one_that_may_be_meant() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().set_name("About").unwrap().write(0, 0, "Leavers of March").unwrap();
    workbook.add_worksheet().set_name("The data").unwrap().write(0, 0, "email").unwrap();
    let desk = Desk::alone();
    workbook.save(desk.path("people.xlsx")).unwrap();
    let ran = desk.run(&["check", "people.xlsx", "--remove-all"]).exits(1);
    let said = "The sheet 'About' is read: if another is meant, say which one, as in --sheet \"The data\"";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn rows_that_the_sheet_does_not_show_are_counted() {
    let mut book =
        Book::of(&[HEADER, &["a@example.com", "M"], &["b@example.com", "M"], &["c@example.com", "M"]]);
    book.sheet = book
        .sheet
        .replace("<row r=\"3\"", "<row r=\"3\" hidden=\"1\"")
        .replace("<row r=\"4\"", "<row r=\"4\" hidden=\"true\"");
    let ran = book.check(&[]).exits(0);
    assert!(
        ran.stdout.contains("2 rows are hidden in the sheet") && ran.stdout.contains("3 to add"),
        "{}",
        ran.stdout
    );
}

#[test]
fn ids_that_excel_has_made_numbers_dates_or_booleans_are_errors() {
    for (cell, said) in [
        ("<><v>123456789012345678</v></c>", "a number, so that"),
        ("< t=\"b\"><v>1</v></c>", "TRUE or FALSE"),
        ("< t=\"d\"><v>2026-03-31</v></c>", "a date"),
        ("< t=\"e\"><v>#N/A</v></c>", "means that there is nothing"),
    ] {
        for header in ["licenseId", "personId", "orgId", "locationId"] {
            let target = if header == "licenseId" { "note" } else { "licenseId" };
            let head: &[&str] = &["email", header, target, "extension"];
            let calling = license("Webex Calling - Professional");
            let book = Book::of(&[head, &["a@example.com", cell, &calling, "2001"]]);
            let ran = book.check(&[]).exits(1);
            assert!(
                ran.stdout.contains(said) && ran.stdout.contains(&format!("column {header}")),
                "{header}: {}",
                ran.stdout
            );
        }
    }
    for made in ["2001.0", "1.40856E+10", "TRUE"] {
        let desk = Desk::at("http://127.0.0.1:9");
        desk.write("people.csv", format!("email,licenseId\na@example.com,{made}\n"));
        assert!(desk.run(&["check", "people.csv"]).exits(1).stdout.contains("NOT_TEXT"), "{made}");
    }
}

#[test]
fn cells_of_kinds_that_are_not_known_are_named() {
    for cell in ["< t=\"e\"><v>#SPILL!</v></c>", "< t=\"richValue\"><v>1</v></c>"] {
        let book = Book::of(&[HEADER, &["a@example.com", "M", "add", cell]]);
        let ran = book.check(&[]).exits(1);
        assert!(ran.stderr.contains("cell D2 of the workbook"), "{}", ran.stderr);
    }
}

#[test]
fn what_a_sheet_has_spoiled_does_not_look_sound_in_a_file_of_text() {
    let service = sandbox(4, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let calling = license("Webex Calling - Professional");
    let mut book = Book::of(&[
        &["email", "licenseId", "operation", "extension", "personId"],
        &["user1@example.com", &license("Messaging"), UNWORKED],
        &["user2@example.com", &calling, "add", "<><v>413</v></c>"],
        &["user3@example.com", &license("Messaging"), "add", "", "<><v>7</v></c>"],
        &["user4@example.com", &license("Messaging"), "add"],
        &["user5@example.com", &license("Messaging")],
    ]);
    book.sheet.push_str("<mergeCells><mergeCell ref=\"C5:C6\"/></mergeCells>");
    desk.write("people.xlsx", book.bytes());
    desk.run(&["apply", "people.xlsx", "--on-invalid", "skip", "--failures", "left.csv"]).exits(1);
    let left = std::fs::read_to_string(desk.path("left.csv")).unwrap();
    for marked in ["#FORMULA!", "#NUMBER! 413", "#NUMBER! 7", "#MERGED!"] {
        assert!(left.contains(marked), "{marked}: {left}");
    }
    let ran = desk.run(&["check", "left.csv"]).exits(1);
    assert!(ran.stdout.contains("4 that cannot be sent"), "{}", ran.stdout);
    desk.run(&["check", "people.xlsx", "--fix", "-o", "mended.csv"]).exits(1);
    let ran = desk.run(&["check", "mended.csv"]).exits(1);
    assert!(ran.stdout.contains("4 that cannot be sent"), "{}", ran.stdout);
}

#[test]
fn a_workbook_that_would_fill_memory_is_refused() {
    let mut book = Book::of(&[HEADER, &["a@example.com", "M"]]);
    let cells = "<c t=\"n\"><v>1</v></c>".repeat(1 << 20);
    book.sheet = book.sheet.replace("</sheetData>", &format!("<row>{cells}</row></sheetData>"));
    let bomb = book.bytes();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let desk = Desk::at("http://127.0.0.1:9");
    desk.write("people.xlsx", bomb);
    let ran = desk.run(&["check", "people.xlsx"]).exits(1);
    assert!(ran.stderr.contains("unpacks to far more than"), "{}", ran.stderr);
    for texts in [
        "<sst uniqueCount=\"99999999999999\"></sst>".to_owned(),
        format!("<sst><si><t>{}</t></si></sst>", " ".repeat(1 << 21)),
        format!("<sst>{}</sst>", "<a>".repeat(1000)),
    ] {
        let mut book = Book::of(&[HEADER, &["a@example.com", "M"]]);
        book.texts = Some(texts.into_bytes());
        let ran = book.check(&[]).exits(1);
        assert!(ran.stderr.contains("unpacks to far more than"), "{}", ran.stderr);
    }
}

#[test]
fn days_of_a_sheet_are_read_again_from_the_failures_csv_under_the_same_format() {
    let service = sandbox(1, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let day = "< t=\"d\"><v>2026-03-31</v></c>";
    let rows: [&[&str]; 4] = [
        &["email", "Last Day"],
        &["user1@example.com", "31.03.2026"],
        &["nobody@example.com", day],
        &["nobody2@example.com", "31.03.2026"],
    ];
    desk.write("people.xlsx", Book::of(&rows).bytes());
    let options = [
        "--add",
        "Messaging",
        "--due",
        "Last Day",
        "--date-format",
        "%d.%m.%Y",
        "--yes",
        "--failures",
        "left.csv",
    ];
    desk.run(&[&["apply", "people.xlsx"], &options[..]].concat()).exits(1);
    let left = std::fs::read_to_string(desk.path("left.csv")).unwrap();
    assert!(left.contains("2026-03-31") && left.contains("31.03.2026"), "{left}");
    let ran = desk.run(&[&["check", "left.csv"], &options[..6]].concat()).exits(0);
    assert!(ran.stdout.contains("2 to add"), "{}", ran.stdout);
}

#[test]
fn what_a_workbook_hides_is_said() {
    let book = |states: [&str; 3], columns: &[u16]| {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        for (name, state) in ["Old", "People", "Notes"].into_iter().zip(states) {
            let sheet = workbook.add_worksheet().set_name(name).unwrap();
            for (column, cell) in ["email", "license", "operation", "note"].into_iter().enumerate() {
                sheet.write(0, column as u16, cell).unwrap();
            }
            for (column, cell) in ["a@example.com", "M", "remove"].into_iter().enumerate() {
                sheet.write(1, column as u16, cell).unwrap();
            }
            columns.iter().for_each(|column| _ = sheet.set_column_hidden(*column).unwrap());
            match state {
                "hidden" => _ = sheet.set_hidden(true),
                "very" => _ = sheet.set_very_hidden(true),
                _ => _ = sheet.set_active(true),
            }
        }
        workbook.save_to_buffer().unwrap()
    };
    let check = |bytes: Vec<u8>, more: &[&str]| {
        let desk = Desk::at("http://127.0.0.1:9");
        desk.write("people.xlsx", bytes);
        desk.run(&[&["check", "people.xlsx"], more].concat())
    };
    for (states, more, said) in [
        (["hidden", "", "hidden"], &[][..], "'People' is read; not read: 'Old' (hidden), 'Notes' (hidden)"),
        (["very", "", ""], &[], "'People' is read; not read: 'Notes', 'Old' (hidden)"),
        (
            ["", "", "very"],
            &["--sheet", "notes"],
            "'Notes', which is hidden, is read; not read: 'Old', 'People'",
        ),
    ] {
        let ran = check(book(states, &[]), more).exits(0);
        assert!(ran.stdout.contains(said) && ran.stdout.contains("OTHER_SHEETS"), "{said}: {}", ran.stdout);
    }
    let mut all = book(["hidden", "hidden", ""], &[]);
    all = rewritten(&all, "xl/workbook.xml", |markup| {
        markup.replace("<sheet name=\"Notes\"", "<sheet state=\"veryHidden\" name=\"Notes\"")
    });
    let ran = check(all, &[]).exits(1);
    assert!(
        ran.stderr.contains("every sheet of the workbook is hidden ('Old', 'People', 'Notes')"),
        "{}",
        ran.stderr
    );
    let ran = check(book(["hidden", "", "very"], &[2, 7]), &[]).exits(0);
    assert!(
        ran.stdout.contains("HIDDEN_COLUMNS")
            && ran.stdout.contains("the column 'operation' is hidden in the sheet, and is taken"),
        "{}",
        ran.stdout
    );
}

/// A workbook with other markup in one of its parts.
fn rewritten(bytes: &[u8], part: &str, with: impl Fn(&str) -> String) -> Vec<u8> {
    let mut old = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut new = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for number in 0..old.len() {
        let mut entry = old.by_index(number).unwrap();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).unwrap();
        let name = entry.name().unwrap().into_owned();
        new.start_file(&name, SimpleFileOptions::default()).unwrap();
        let content = if name == part { with(&content) } else { content };
        new.write_all(content.as_bytes()).unwrap();
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn a_plain_number_is_no_day_where_days_are_counted_from_1904() {
    // 44894 is the 2026-11-30 there and the 2022-11-29 everywhere else.
    let mut book = Book::of(&[&["email", "Last Day"], &["a@example.com", "<><v>44894</v></c>"]]);
    let options = ["--remove-all", "--due", "Last Day"];
    book.check(&options).exits(0);
    book.properties = "<workbookPr date1904=\"1\"/>";
    let ran = book.check(&options).exits(1);
    assert!(
        ran.stdout.contains("NOT_TEXT") && ran.stdout.contains("counts days from 1904"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_cell_that_says_twice_where_it_stands_or_what_it_is_is_damaged() {
    let book = || Book::of(&[HEADER, &["a@example.com", "M", "remove"]]);
    for (once, twice) in [
        ("<c r=\"C2\" ", "<c r=\"C2\" r=\"inlineStr\" "),
        ("<c r=\"C2\" ", "<c r=\"C2\" r=\"D2\" "),
        ("<c r=\"C2\" ", "<c r=\"C2\" t=\"e\" "),
        ("<row r=\"2\"", "<row r=\"2\" r=\"3\""),
        ("<row r=\"2\"", "<row odd r=\"inlineStr\""),
    ] {
        let mut book = book();
        assert!(book.sheet.contains(once));
        book.sheet = book.sheet.replace(once, twice);
        let ran = book.check(&[]).exits(1);
        assert!(ran.stderr.contains("the workbook is damaged"), "{twice}: {}", ran.stderr);
    }
}

/// Cells that would be passed over, a removal among them.
#[test]
fn a_cell_that_cannot_be_placed_stops_the_file() {
    let rows: [&[&str]; 2] = [&["email", "license", ""], &["a@example.com", "M", ""]];
    let with = |header: &str, row: &str| {
        let mut book = Book::of(&rows);
        let cell = |text: &str, place: &str| {
            format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c></row>")
        };
        let (first, rest) = book.sheet.split_once("</row>").unwrap();
        let second = rest.strip_suffix("</row></sheetData>").unwrap();
        book.sheet =
            format!("{first}{}{second}{}</sheetData>", cell("operation", header), cell("remove", row));
        book
    };
    let ran = with("C1", "C2").check(&[]).exits(0);
    assert!(ran.stdout.contains("0 to add, 1 to remove"), "{}", ran.stdout);
    let ran = with("XFD1", "XFD2").check(&[]).exits(1);
    assert!(ran.stderr.contains("cell XFD1 of the workbook stands beyond"), "{}", ran.stderr);
    // Two cells in one place.
    for book in [with("C1", "B2"), with("B1", "C2")] {
        let ran = book.check(&[]).exits(1);
        assert!(ran.stderr.contains("the workbook is damaged"), "{}", ran.stderr);
    }
    let mut book = Book::of(&[HEADER, &["a@example.com", "M"], &["b@example.com", "M"]]);
    book.sheet = book.sheet.replace("r=\"3\"", "r=\"2\"").replace("A3\"", "A2\"").replace("B3\"", "B2\"");
    book.check(&[]).exits(1);
}
