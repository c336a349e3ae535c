//! `seatbatch login` and `logout`.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, finish, onboarding, sandbox};

/// What a browser would do.
fn open_page(address: &str) {
    use std::io::{Read as _, Write as _};
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("You have agreed"), "{text}");
}

#[test]
fn login_lets_the_program_in_and_later_runs_use_it() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let here = desk.folder().to_str().unwrap().to_owned();
    let command = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env_remove("WEBEX_ACCESS_TOKEN").env("HOME", &here).env("XDG_CONFIG_HOME", &here);
        command
    };
    let mut login = command(&["login", "--store", "file", "--json"]);
    login.env("WEBEX_CLIENT_ID", "sandbox-client").env("WEBEX_CLIENT_SECRET", "sandbox-secret");
    let mut child = login.spawn().unwrap();
    let mut told = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut told).unwrap();
    let code: serde_json::Value = serde_json::from_str(&told).unwrap();
    let page = code["address"].as_str().unwrap().replace("http://", "");
    open_page(&page);
    finish(child).exits(0);
    let kept = desk.path("seatbatch").join("logins.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
    desk.write("people.csv", onboarding(3));
    let ran = finish(command(&["apply", "people.csv", "--json"]).spawn().unwrap()).exits(0);
    assert_eq!(ran.summary()["done"], 3);
    finish(command(&["logout"]).spawn().unwrap()).exits(0);
    let ran = finish(command(&["resume"]).spawn().unwrap());
    assert!(!std::fs::read_to_string(&kept).unwrap().contains("sandbox-refresh"), "{}", ran.stderr);
}
