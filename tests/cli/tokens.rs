//! Tokens: what is taken off and what is refused, renewal, and that they are nowhere but in the request.

use std::time::Duration;

use seatbatch::domain::WireForm;

use crate::harness::{Desk, Ran, TOKEN, counts, finish, onboarding, sandbox, sandbox_with, until};
use crate::scripted::{Scripted, answer};

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

/// A run whose token comes from the sandbox's integration.
fn with_refresh_token(desk: &Desk, args: &[&str], more: &[(&str, &str)]) -> Ran {
    let mut command = desk.command(args);
    command
        .env_remove("WEBEX_ACCESS_TOKEN")
        .env("WEBEX_CLIENT_ID", "sandbox-client")
        .env("WEBEX_CLIENT_SECRET", "sandbox-secret")
        .env("WEBEX_REFRESH_TOKEN", "sandbox-refresh")
        .envs(more.iter().copied());
    finish(command.spawn().unwrap())
}

/// Whether any file of the desk, or anything that was said, has the text.
fn anywhere(desk: &Desk, said: &Ran, text: &str) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let mut files = std::fs::read_dir(desk.folder()).unwrap();
    let in_file = files.any(|entry| std::fs::read(entry.unwrap().path()).is_ok_and(|bytes| holds(&bytes)));
    in_file || said.stdout.contains(text) || said.stderr.contains(text)
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

#[test]
fn a_refresh_token_gives_an_access_token_and_another_before_it_expires() {
    let service = sandbox_with(40, WireForm::Array, &[], |options| {
        options.integration.lifetime = Some(Duration::from_secs(2));
    });
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(40));
    let args =
        ["apply", "people.csv", "--json", "--batch-size", "1", "--rate", "10/s", "--log-file", "log.txt"];
    let ran = with_refresh_token(&desk, &args, &[("SEATBATCH_LOG", "trace")]).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "retries"]), [40, 0]);
    assert!(service.tokens_given() >= 2, "{} tokens for 4 s of 2 s each", service.tokens_given());
    assert!(service.requests().all().iter().all(|request| request.status == 200));
    for secret in ["sandbox-access", "sandbox-refresh", "sandbox-secret"] {
        assert!(!anywhere(&desk, &ran, secret), "{secret} is somewhere");
    }
}

#[test]
fn a_token_that_is_revoked_in_the_middle_is_replaced_and_no_row_fails() {
    let service = sandbox(60, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(60));
    let mut command = desk.command(&["apply", "people.csv", "--json", "--batch-size", "1", "--rate", "40/s"]);
    command
        .env("WEBEX_CLIENT_ID", "sandbox-client")
        .env("WEBEX_CLIENT_SECRET", "sandbox-secret")
        .env("WEBEX_REFRESH_TOKEN", "sandbox-refresh");
    let child = command.spawn().unwrap();
    until("the run is under way", || service.requests().all().len() > 10);
    service.revoke_tokens();
    let ran = finish(child).exits(0);
    assert_eq!(counts(&ran.summary(), ["done", "failed"]), [60, 0]);
    assert!(service.tokens_given() >= 1);
    assert!(service.requests().all().iter().any(|request| request.status == 401));
}

#[test]
fn a_refresh_token_that_is_refused_sends_nothing_and_says_why() {
    let service = sandbox(2, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(2));
    let args = ["apply", "people.csv"];
    let ran = with_refresh_token(&desk, &args, &[("WEBEX_REFRESH_TOKEN", "stale-7f3a")]).exits(5);
    assert!(ran.stderr.contains("invalid_grant"), "{}", ran.stderr);
    assert!(!anywhere(&desk, &ran, "stale-7f3a"));
    assert!(service.requests().all().is_empty());
    let ran = with_refresh_token(&desk, &args, &[("WEBEX_CLIENT_SECRET", "")]).exits(2);
    assert!(ran.stderr.contains("WEBEX_CLIENT_SECRET"), "{}", ran.stderr);
}

#[test]
fn a_token_endpoint_that_is_down_pauses_the_run_and_loses_nothing() {
    let service = Scripted::start(|asked| match asked.head.split(' ').nth(1) {
        Some(path) if path.ends_with("/access_token") => answer(503, ""),
        _ => answer(401, ""),
    });
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(3));
    let mut command = desk.command(&["apply", "people.csv", "--max-wait", "1"]);
    command
        .env("WEBEX_CLIENT_ID", "id")
        .env("WEBEX_CLIENT_SECRET", "secret")
        .env("WEBEX_REFRESH_TOKEN", "refresh");
    let ran = finish(command.spawn().unwrap()).exits(3);
    assert!(ran.stderr.contains("token endpoint answered HTTP 503"), "{}", ran.stderr);
    assert_eq!(desk.count("pending"), 3);
}

#[test]
fn the_token_is_in_no_file_and_in_no_output() {
    let elsewhere = Scripted::start(|_| answer(200, ""));
    let target = elsewhere.url.clone();
    let service = Scripted::start(move |asked| match asked.number {
        1 => answer(500, TOKEN.replace("token", "t*k*n")),
        2 => (303, format!("Location: {target}\r\n"), String::new()),
        3 => (0, String::new(), String::new()),
        4 => answer(400, r#"{"message":"no","errors":[{"errorCode":"X"}]}"#),
        5 => answer(403, ""),
        _ => answer(401, ""),
    });
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(4));
    let mut told = String::new();
    for args in [&["apply", "people.csv"][..], &["resume", "--json"], &["resume"], &["status"], &["report"]] {
        let mut command = desk.command(&[args, &["--log-file", "log.txt"]].concat());
        command.env("SEATBATCH_LOG", "trace");
        let ran = finish(command.spawn().unwrap());
        told += &(ran.stdout + &ran.stderr);
    }
    assert!(service.asked().len() >= 6, "{told}");
    assert!(service.asked().iter().all(|asked| asked.token() == TOKEN));
    assert!(elsewhere.asked().is_empty());
    assert!(!told.contains(TOKEN));
    for entry in std::fs::read_dir(desk.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!found, "the token is in {}", path.display());
    }
}
