//! The hot steps, one by one. `cargo bench --bench steps`; `-- --test` runs each once.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use seatbatch::assign::{Interpretation, Known, check};
use seatbatch::domain::{
    Action, Answer, Assignment, AssignmentNo, Body, Change, EmailAddress, HttpAnswer, LicenseId, Line,
    Operation, OperationKey, Order, Properties, User, WireForm,
};
use seatbatch::engine::judge;
use seatbatch::input::InputFile;
use seatbatch::pace::Pace;
use seatbatch::webex::wire::{answer_body, request_body};

fn main() {
    // For benches/rivals.py: the loop over one file as a whole process.
    if let Some(file) = std::env::var_os("CSV_LOOP") {
        let mut reader = csv::Reader::from_path(file).unwrap();
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).unwrap() {}
        return;
    }
    // For benches/files.py: calamine's loop over the first sheet of a workbook.
    if let Some(file) = std::env::var_os("XLSX_LOOP") {
        let mut book: calamine::Xlsx<_> = calamine::open_workbook(file).unwrap();
        let name = calamine::Reader::sheet_names(&book).swap_remove(0);
        let mut cells = book.worksheet_cells_reader(&name).unwrap();
        while cells.next_cell().unwrap().is_some() {}
        return;
    }
    divan::main();
}

const LICENSE: &str = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvNWE0ZDFjMDAtMDAwMC00MDAwLTgwMDA6TVNfNWViYTAwMDA";

fn text(rows: u32) -> String {
    let mut text = "email,licenseId,operation,note\n".to_owned();
    for row in 0..rows {
        writeln!(text, "user{}@example.com,{LICENSE}{},add,employee number {row:08}", row / 2, row % 2)
            .unwrap();
    }
    text
}

fn file(rows: u32) -> (tempfile::NamedTempFile, InputFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text(rows).as_bytes()).unwrap();
    let input = InputFile::open(file.path()).unwrap();
    (file, input)
}

fn assignments(users: u32) -> Vec<Assignment> {
    let operation = |line| Operation {
        key: OperationKey::of_line(Line::new(line)),
        action: Action::Add,
        change: Change::License(LicenseId::parse(LICENSE).unwrap(), Properties::default()),
        rows: 1,
    };
    (0..users)
        .map(|number| Assignment {
            number: AssignmentNo(number),
            user: User::Email(EmailAddress::parse(&format!("user{number}@example.com")).unwrap()),
            org: None,
            operations: vec![operation(number * 2 + 2), operation(number * 2 + 3)],
        })
        .collect()
}

/// What there is to beat: a loop over the records that does nothing.
#[divan::bench(args = [10_000, 100_000])]
fn csv_loop(bencher: Bencher<'_, '_>, rows: u32) {
    let text = text(rows);
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut record = csv::ByteRecord::new();
        let mut count = 0;
        while reader.read_byte_record(&mut record).unwrap() {
            count += 1;
        }
        count
    });
}

#[divan::bench(args = [10_000, 100_000])]
fn check_file(bencher: Bencher<'_, '_>, rows: u32) {
    let (_keep, input) = file(rows);
    bencher.counter(ItemsCount::new(rows)).bench(|| {
        check(&input, &Interpretation::default(), Order::File, Known::nothing(), &mut |_| {})
            .unwrap()
            .counts()
    });
}

#[divan::bench(args = [1, 100])]
fn encode_request(bencher: Bencher<'_, '_>, users: u32) {
    let assignments = assignments(users);
    bencher.counter(ItemsCount::new(users)).bench(|| request_body(WireForm::Array, None, &assignments));
}

#[divan::bench(args = [1, 100])]
fn judge_a_206(bencher: Bencher<'_, '_>, users: u32) {
    let assignments = assignments(users);
    let text = r#"[{"email":"user0@example.com","error":{"code":"400411","message":"no number"}}]"#;
    bencher.counter(ItemsCount::new(users)).bench(|| {
        let body: Body = answer_body(WireForm::Array, 206, None, text.as_bytes());
        let answer = Answer::Http(HttpAnswer::new(206, body));
        judge(WireForm::Array, None, &assignments, &answer)
    });
}

#[divan::bench]
fn pace_a_request(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| Pace::new("300/min".parse().unwrap())).bench_local_values(|mut pace| {
        let mut now = Duration::ZERO;
        for _ in 0..100 {
            if let Err(until) = pace.take(now) {
                now = until;
            }
        }
        pace
    });
}
