//! Tokens as people have them: what is around one is taken off, and what is none is called by its name.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, Ran, TOKEN, onboarding, sandbox};

fn with_variable(desk: &Desk, value: &str) -> Ran {
    desk.write("people.csv", onboarding(1));
    let mut command = desk.command(&["apply", "people.csv", "--json", "--yes", "--rate", "unlimited"]);
    crate::harness::finish(command.env("WEBEX_ACCESS_TOKEN", value).spawn().unwrap())
}

fn with_file(desk: &Desk, bytes: &[u8]) -> Ran {
    desk.write("token.txt", bytes);
    desk.write("people.csv", onboarding(1));
    let more = ["--json", "--yes", "--rate", "unlimited", "--token-file", "token.txt"];
    let mut command = desk.command(&[&["apply", "people.csv"], &more[..]].concat());
    crate::harness::finish(command.env_remove("WEBEX_ACCESS_TOKEN").spawn().unwrap())
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn what_stands_around_a_token_is_taken_off() {
    let service = sandbox(1, WireForm::Array, &[]);
    for value in [
        format!("\"{TOKEN}\""),
        format!("'{TOKEN}'"),
        format!("Bearer {TOKEN}"),
        format!(" {TOKEN}\r"),
        format!("\"bearer {TOKEN}\" "),
    ] {
        with_variable(&Desk::at(&service.url()), &value).exits(0);
    }
    let marked = format!("\u{feff}{TOKEN}\r\n");
    for bytes in [
        format!("{TOKEN}\r\n").into_bytes(),
        marked.clone().into_bytes(),
        utf16(&marked, u16::to_le_bytes),
        utf16(&marked, u16::to_be_bytes),
    ] {
        with_file(&Desk::at(&service.url()), &bytes).exits(0);
    }
}

#[test]
fn what_is_no_token_is_called_by_its_name_and_sent_nowhere() {
    let service = sandbox(1, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    for (value, words) in [
        ("%WEBEX_ACCESS_TOKEN%", "is %WEBEX_ACCESS_TOKEN%, a variable that was not filled in"),
        ("$TOKEN", "is $TOKEN, a variable that was not filled in"),
        ("<paste token here>", "placeholder"),
        ("{\"access_token\":\"hunter2\"}", "is JSON"),
        ("TOKEN=hunter2", "TOKEN=…"),
        ("\"\"", "is empty"),
        ("hunter2 hunter2", "one word"),
    ] {
        for ran in [with_variable(&desk, value), with_file(&desk, value.as_bytes())] {
            let ran = ran.exits(2);
            assert!(ran.stderr.contains(words), "{value}: {}", ran.stderr);
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "{}", ran.stderr);
        }
    }
    assert!(with_file(&desk, b"").exits(2).stderr.contains("is empty"));
    assert_eq!(service.requests().all().len(), 0);
    assert!(!desk.path("seatbatch.db").exists(), "a run was begun");
}
