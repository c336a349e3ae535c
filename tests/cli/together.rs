//! The rows of one user are sent together or not at all, though one of them cannot be read.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, license, sandbox};
use crate::workbooks::Book;

/// Applies a file with the first two users' good rows and something in between: who holds anything afterwards.
fn holders(content: &[u8]) -> Vec<String> {
    let service = sandbox(6, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", content);
    desk.run(&["apply", "people.csv", "--yes", "--on-invalid", "skip"]).exits(1);
    let users = service.state().users.into_iter().filter(|user| !user.licenses.is_empty());
    users.map(|user| user.email).collect()
}

#[test]
fn a_row_that_cannot_be_read_leaves_out_the_whole_user() {
    let cases: [(&str, &[u8]); 14] = [
        ("ragged", b"user1@example.com,{S},add,x,y"),
        ("shifted to the right", b"x,user1@example.com,{S},add,,"),
        ("a backslash", br"user1@example.com,{S},add,Smith\, Ada"),
        ("other delimiter", b"user1@example.com;{S};add;x"),
        ("a zero byte", b"user1@example.com,{S}\0,add,x"),
        ("a zero byte in the address", b"user1\0@example.com,{S},add,x"),
        ("no text", b"user1@example.com,{S},add,J\xfcrgen \xc3\xbc"),
        ("swallowed", b"user1@example.com,{S},add,\"x\nuser6@example.com,{S},add,\"y"),
        ("a blank in the address", b"us er1@example.com,{S},add,x"),
        ("a sign before it", b"#user1@example.com,{S},add,x"),
        ("a typographic sign", "\u{201c}user1@example.com\u{201d},{S},add,x".as_bytes()),
        ("two signs", b"user1@@example.com,{S},add,x"),
        ("two addresses", b"user1@example.com; user6@example.com,{S},add,x"),
        ("something before it", b"User One <user1@example.com>,{S},add,x"),
    ];
    for (name, row) in cases {
        let mut file = b"email,licenseId,operation,note\n".to_vec();
        for line in [
            &b"user1@example.com,{M},add,a"[..],
            b"user2@example.com,{M},add,b",
            row,
            b"user1@example.com,{E},add,c",
        ] {
            file.extend_from_slice(line);
            file.push(b'\n');
        }
        for (mark, license) in
            [("{M}", license("Messaging")), ("{S}", license("Meetings Suite")), ("{E}", license("Events"))]
        {
            while let Some(at) = file.windows(mark.len()).position(|window| window == mark.as_bytes()) {
                file.splice(at..at + mark.len(), license.bytes());
            }
        }
        assert_eq!(holders(&file), ["user2@example.com"], "{name}");
    }
}

#[test]
fn a_row_whose_address_is_merged_into_the_one_above_is_of_the_same_user() {
    let [messaging, meetings] = ["Messaging", "Meetings Suite"].map(license);
    let mut book = Book::of(&[
        &["email", "licenseId"],
        &["user1@example.com", &messaging],
        &["user2@example.com", &messaging],
        &["", &meetings],
    ]);
    book.sheet.push_str("<mergeCells><mergeCell ref=\"A3:A4\"/></mergeCells>");
    assert_eq!(holders(&book.bytes()), ["user1@example.com"]);
}

#[test]
fn what_could_not_be_read_is_given_back_with_the_rows_of_its_user() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let [messaging, meetings] = ["Messaging", "Meetings Suite"].map(license);
    let rows = format!(
        "user1@example.com,{messaging},x\nuser1@example.com,{meetings},y,z,z\nuser2@example.com,{messaging},x\n"
    );
    desk.write("people.csv", format!("email,licenseId,note\n{rows}"));
    let ran = desk
        .run(&["apply", "people.csv", "--yes", "--on-invalid", "skip", "--failures", "left.csv"])
        .exits(1);
    assert!(ran.stderr.contains("1 of "), "{}", ran.stderr);
    let left = std::fs::read_to_string(desk.path("left.csv")).unwrap();
    let codes: Vec<bool> =
        ["USER_LEFT_OUT", "RAGGED_ROW"].map(|code| left.matches(code).count() == 1).to_vec();
    assert_eq!((codes, left.lines().count()), (vec![true, true], 3), "{left}");
    // Of several machines one has both.
    for part in ["1/2", "2/2"] {
        desk.run(&[
            "apply",
            "people.csv",
            "--yes",
            "--on-invalid",
            "skip",
            "--partition",
            part,
            "--journal",
            &format!("{}.db", &part[..1]),
            "--failures",
            &format!("{}.csv", &part[..1]),
        ]);
    }
    let parts = ["1.csv", "2.csv"].map(|name| std::fs::read_to_string(desk.path(name)).unwrap_or_default());
    assert!(
        parts.iter().any(|part| part.contains("USER_LEFT_OUT") && part.contains("RAGGED_ROW")),
        "{parts:?}"
    );
}

#[test]
fn a_row_without_a_name_below_a_users_own_may_be_the_same_users() {
    let [messaging, meetings] = ["Messaging", "Meetings Suite"].map(license);
    let rows = format!("user1@example.com,{messaging}\nuser2@example.com,{messaging}\n,{meetings}\n");
    assert_eq!(holders(format!("email,licenseId\n{rows}").as_bytes()), ["user1@example.com"]);
    // A sum at the end asks for nothing.
    let rows = format!("user1@example.com,{messaging},1\nuser2@example.com,{messaging},1\n,,2\n");
    assert_eq!(
        holders(format!("email,licenseId,count\n{rows}").as_bytes()),
        ["user1@example.com", "user2@example.com"]
    );
}
