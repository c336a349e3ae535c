//! The token is nowhere but in the request.

use crate::harness::{Desk, TOKEN, finish, onboarding};
use crate::scripted::{Scripted, answer};

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
