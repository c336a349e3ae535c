//! Answers that mean harm: bounded memory, bounded time, nothing raw on a terminal.

#[cfg(target_os = "linux")]
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::net::{TcpListener, TcpStream};

use crate::harness::{Desk, onboarding};
use crate::scripted::{Scripted, answer};

/// A service that writes its answers byte by byte as it likes.
#[cfg(target_os = "linux")]
fn raw(script: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let script = std::sync::Arc::new(script);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let script = std::sync::Arc::clone(&script);
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let lower = head.to_lowercase();
                let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length = length.map_or(0, |length| length.trim().parse().unwrap());
                let mut body = vec![0; length];
                if reader.read_exact(&mut body).is_ok() {
                    // Whoever has heard enough hangs up.
                    let _ = script(&mut stream);
                }
            });
        }
    });
    url
}

/// The exit code of a run, and the most memory it has had, in KiB.
#[cfg(target_os = "linux")]
fn peak_of(desk: &Desk, args: &[&str]) -> (i32, u64) {
    let mut child = desk.command(args).spawn().unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Ok(text) = std::fs::read_to_string(&path) {
            let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let high = high.and_then(|high| high.trim().strip_suffix(" kB")?.parse().ok());
            peak = peak.max(high.unwrap_or(0));
        }
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), peak);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
const SENDING: [&str; 9] =
    ["apply", "people.csv", "--rate", "unlimited", "--max-attempts", "2", "--timeout", "4", "--quiet"];

#[test]
#[cfg(target_os = "linux")]
fn endless_bodies_and_headers_take_neither_memory_nor_time() {
    type Script = fn(&mut TcpStream) -> std::io::Result<()>;
    let scripts: [(&str, Script); 5] = [
        ("a body of a gigabyte", |stream| {
            stream.write_all(b"HTTP/1.1 206 X\r\nContent-Length: 1000000000\r\n\r\n")?;
            (0..1000).try_for_each(|_| stream.write_all(&[b' '; 1_000_000]))
        }),
        ("a body without end", |stream| {
            stream.write_all(b"HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            loop {
                stream.write_all(b"10000\r\n")?;
                stream.write_all(&[b'x'; 0x10000])?;
                stream.write_all(b"\r\n")?;
            }
        }),
        ("headers without end", |stream| {
            stream.write_all(b"HTTP/1.1 200 X\r\n")?;
            loop {
                stream.write_all(b"X-More: of the same, and then some more of the same\r\n")?;
            }
        }),
        ("a header line without end", |stream| {
            stream.write_all(b"HTTP/1.1 200 X\r\nX-More: ")?;
            loop {
                stream.write_all(&[b'x'; 4096])?;
            }
        }),
        ("a byte now and then", |stream| {
            stream.write_all(b"HTTP/1.1 206 X\r\nContent-Length: 1000000\r\n\r\n")?;
            loop {
                stream.write_all(b" ")?;
                std::thread::park_timeout(std::time::Duration::from_millis(300));
            }
        }),
    ];
    for (name, script) in scripts {
        let desk = Desk::at(&raw(script));
        desk.write("people.csv", onboarding(1));
        let (code, peak) = peak_of(&desk, &SENDING);
        assert!(matches!(code, 1 | 3), "{name}: exit {code}");
        assert!(peak < 128 * 1024, "{name}: {peak} KiB");
        assert_eq!(desk.count("done"), 0, "{name}");
    }
}

#[test]
fn a_compressed_bomb_is_not_unpacked() {
    let service =
        Scripted::start(|_| (206, "Content-Encoding: gzip\r\n".to_owned(), "\u{1f}bomb".repeat(1000)));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(1), &["--max-attempts", "2"]).exits(1);
    assert_eq!(desk.count("in_doubt"), 1);
}

#[test]
fn json_nested_deeply_is_unreadable_and_no_more() {
    for (status, deep) in [(206, "[".repeat(100_000)), (400, "{\"errors\":[".repeat(100_000))] {
        let service = Scripted::start(move |_| answer(status, deep.clone()));
        let desk = Desk::at(&service.url);
        let ran = desk.apply(&onboarding(1), &["--max-attempts", "2", "--wire", "array"]);
        assert!(matches!(ran.code, 1 | 3) && !ran.stderr.contains("panicked"), "{} {}", ran.code, ran.stderr);
    }
}

#[test]
fn control_characters_of_the_service_reach_no_terminal() {
    let body = r#"[{"email":"user1@example.com","error":{"code":"\u001b[2J\u0000","message":"a\u0000b\u001b]0;x\u0007\u009b31m"}}]"#;
    let service = Scripted::start(move |_| (206, "X-A: b\r\n".to_owned(), body.to_owned()));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(2));
    for args in
        [&["apply", "people.csv"][..], &["status"], &["report"], &["report", "--format", "html"], &["runs"]]
    {
        let ran = desk.run(args);
        let told = ran.stdout + &ran.stderr;
        let raw = told.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(raw, None, "{args:?}: {told:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_command_line_shows_no_token() {
    let service = crate::harness::sandbox(2, seatbatch::domain::WireForm::Array, &["delay=3000,times=1"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(2));
    let mut child = desk.command(&["apply", "people.csv"]).spawn().unwrap();
    crate::harness::until("a request comes", || !service.requests().all().is_empty());
    let line = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let token = crate::harness::TOKEN.as_bytes();
    assert!(!line.windows(token.len()).any(|window| window == token));
    child.kill().unwrap();
    child.wait().unwrap();
}
