//! `check --fix`: what the copy says of itself is so, and it means what the file meant.

use crate::harness::{Desk, Ran};

fn fixed(csv: &str, more: &[&str]) -> (Ran, String, Ran) {
    let desk = Desk::alone();
    desk.write("people.csv", csv);
    let ran = desk.run(&[&["check", "people.csv", "--fix", "-o", "fixed.csv"], more].concat());
    let text = std::fs::read_to_string(desk.path("fixed.csv")).unwrap();
    let again = desk.run(&[&["check", "fixed.csv"], more].concat());
    (ran, text, again)
}

#[test]
fn cells_of_services_are_mended_like_others() {
    let header = "First Name,User ID/Email (Required),Messaging,Meetings Suite (Suspended),Room\n";
    let (ran, text, again) = fixed(&format!("{header}A,a@example.com, TRUE ,TRUE, red \n"), &[]);
    assert_eq!(text, format!("{header}A,a@example.com,TRUE,, red \n"));
    assert!(ran.stderr.contains("2 cells mended"), "{}", ran.stderr);
    assert!(ran.stdout.contains("PADDED_CELLS"), "{}", ran.stdout);
    assert_eq!((ran.code, again.code), (0, 0), "{}", again.stdout);
}

#[test]
fn a_header_that_stands_there_once_more_is_taken_out() {
    let header = "email,license,address 2\n";
    let (ran, text, again) =
        fixed(&format!("{header}a@example.com,M,x\n{header}b@example.com,M,x\n{header}"), &[]);
    assert_eq!(text, format!("{header}a@example.com,M,x\nb@example.com,M,x\n"));
    assert!(ran.stderr.contains("2 headers in the middle of the file are taken out"), "{}", ran.stderr);
    assert_eq!((ran.code, again.code), (0, 0), "{}", again.stdout);
}

#[test]
fn a_failures_csv_stays_one() {
    let header = "email,license,line,state,error_code,error_message,http_status,tracking_id,attempts\n";
    let row = "a@example.com,M,2,\"failed; not again: add X\",E,no,400,T,1\n";
    let (_, text, _) = fixed(&format!("{header}mailto:{row}"), &[]);
    assert_eq!(text.lines().next(), header.lines().next());
    assert!(text.contains("not again: add X") && !text.contains("mailto"), "{text}");
}
