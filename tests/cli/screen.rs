//! What is seen on a terminal: the program runs in one of a given width, and an emulator looks at it.
#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use seatbatch::domain::WireForm;

use crate::harness::{Desk, TOKEN, license, onboarding, sandbox};

/// A program in a terminal.
struct Screen {
    pty: Pty,
    child: Child,
    bytes: Receiver<Vec<u8>>,
    emulator: vt100::Parser,
    raw: String,
}

/// What was left when the program had ended.
struct Seen {
    code: i32,
    /// All that was written.
    raw: String,
    /// All that can be read, with what has scrolled away.
    text: String,
}

/// Enough rows that nothing scrolls away.
const ROWS: u16 = 200;

impl Screen {
    fn start(desk: &Desk, columns: u16, args: &[&str]) -> Self {
        Self::start_with(desk, columns, args, &[("TERM", "xterm-256color")])
    }

    fn start_with(desk: &Desk, columns: u16, args: &[&str], more: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, columns)).unwrap();
        // Ctrl-C throws away what has been written and not yet read, and may do so after the program has answered it.
        let mut modes = tcgetattr(&pty).unwrap();
        modes.local_modes |= LocalModes::NOFLSH;
        tcsetattr(&pty, OptionalActions::Now, &modes).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_seatbatch"))
            .args(args)
            .current_dir(desk.folder())
            .env_clear()
            .env("TMPDIR", desk.folder())
            .env("WEBEX_ACCESS_TOKEN", TOKEN)
            .env("SEATBATCH_BASE_URL", desk.url())
            .envs(more.iter().copied());
        let child = command.spawn(pts).unwrap();
        let (sender, bytes) = channel();
        let mut reading = std::fs::File::from(pty.as_fd().try_clone_to_owned().unwrap());
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            // The end of a terminal is an error.
            while let Ok(read @ 1..) = reading.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let emulator = vt100::Parser::new(ROWS.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self { pty, child, bytes, emulator, raw: String::new() }
    }

    fn see(&mut self) -> bool {
        match self.bytes.recv_timeout(Duration::from_secs(60)) {
            Ok(bytes) => {
                self.emulator.process(&bytes);
                self.raw.push_str(&String::from_utf8_lossy(&bytes));
                true
            }
            Err(_) => false,
        }
    }

    /// Looks until this stands on the screen.
    #[track_caller]
    fn until(&mut self, words: &str) {
        while !self.emulator.screen().contents().contains(words) {
            assert!(self.see(), "'{words}' was never seen:\n{}", self.emulator.screen().contents());
        }
    }

    fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).unwrap();
    }

    fn end(mut self) -> Seen {
        while self.see() {}
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Seen { code, raw: self.raw, text: self.emulator.screen().contents() }
    }
}

/// Lines as they were written, without colours. What moved the cursor is no line.
fn lines(raw: &str) -> Vec<String> {
    let plain = strip(raw);
    plain.split("\r\n").map(|line| line.rsplit('\r').next().unwrap_or_default().to_owned()).collect()
}

fn strip(raw: &str) -> String {
    let mut plain = String::new();
    let mut signs = raw.chars();
    while let Some(sign) = signs.next() {
        if sign == '\u{1b}' {
            // CSI … final byte.
            for sign in signs.by_ref().skip(1) {
                if sign.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            plain.push(sign);
        }
    }
    plain
}

/// Nothing is wider than the terminal but what is meant to be copied.
#[track_caller]
fn fits(seen: &Seen, columns: usize) {
    for line in lines(&seen.raw).iter().filter(|line| !line.contains("[y/N]")) {
        let wide = line.chars().count() > columns;
        // A command, a path, a hash or an ID.
        let is_to_copy =
            line.contains("seatbatch ") || line.split(' ').any(|word| word.len() >= columns.min(60));
        assert!(!wide || is_to_copy, "wider than {columns}: {line}");
    }
}

#[test]
fn a_run_is_seen_while_it_goes_on_and_nothing_is_wider_than_the_terminal() {
    let faults = ["refuse=400411,user=user2@example.com", "status=429,retry-after=3,times=1,from=4"];
    for columns in [40, 80, 200] {
        let service = sandbox(30, WireForm::Array, &faults);
        let desk = Desk::at(&service.url());
        desk.write("people.csv", onboarding(30));
        let args = ["apply", "people.csv", "--batch-size", "2", "--rate", "5/s"];
        let mut screen = Screen::start(&desk, columns, &args);
        screen.until("[y/N]");
        screen.press("y\r");
        screen.until("of 30 done");
        if columns >= 80 {
            screen.until("throttled");
        }
        let seen = screen.end();
        assert_eq!(seen.code, 1, "{}", seen.text);
        let words: Vec<&str> = seen.text.split_whitespace().collect();
        assert!(words.join(" ").contains("29 of 30 operations done, 1 failed"), "{}", seen.text);
        fits(&seen, columns.into());
    }
}

#[test]
fn no_is_no_ctrl_c_is_no_at_a_question_and_a_pause_later() {
    let service = sandbox(60, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(60));
    let args = ["apply", "people.csv", "--batch-size", "1", "--rate", "5/s"];
    for (key, words) in [("\r", "not confirmed; nothing was sent"), ("\u{3}", "nothing was sent")] {
        let mut screen = Screen::start(&desk, 80, &args);
        screen.until("[y/N]");
        screen.press(key);
        let seen = screen.end();
        assert_eq!((seen.code, desk.path("seatbatch.db").exists()), (2, false), "{}", seen.text);
        assert!(seen.text.contains(words), "{}", seen.text);
    }
    let mut screen = Screen::start(&desk, 80, &args);
    screen.until("[y/N]");
    screen.press("y\r");
    screen.until("of 60 done");
    screen.press("\u{3}");
    let seen = screen.end();
    assert_eq!(seen.code, 3, "{}", seen.text);
    assert!(seen.text.contains("Paused: ") && seen.text.contains("seatbatch resume 1"), "{}", seen.text);
    fits(&seen, 80);
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted_or_not_known() {
    let service = sandbox(4, WireForm::Array, &["refuse=400411,user=user2@example.com"]);
    let colour = "\u{1b}[31m";
    for (more, wanted, escapes) in [
        (&[("TERM", "xterm-256color")][..], true, true),
        (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], false, true),
        (&[("TERM", "dumb")], false, false),
    ] {
        let desk = Desk::at(&service.url());
        desk.write("people.csv", onboarding(4));
        let args = ["apply", "people.csv", "--yes", "--again", "--snapshot", "no", "--rate", "unlimited"];
        let seen = Screen::start_with(&desk, 80, &args, more).end();
        assert_eq!(seen.code, 1, "{}", seen.text);
        let coloured = ["\u{1b}[31m", "\u{1b}[1m\u{1b}[31m", "\u{1b}[1;31m"];
        assert_eq!(
            coloured.iter().any(|code| seen.raw.contains(code)),
            wanted,
            "{more:?} {colour}: {:?}",
            seen.raw
        );
        assert!(escapes || !seen.raw.contains('\u{1b}'), "{more:?}: {:?}", seen.raw);
    }
}

#[test]
fn tables_and_problems_fit() {
    let service = sandbox(4, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    let id = license("Messaging");
    desk.write(
        "people.csv",
        format!("email,licenseId,operation\nuser1@example.com,{id},add\nuser2@example.com,{id},give\n"),
    );
    desk.write("good.csv", onboarding(4));
    desk.run(&["apply", "good.csv", "--rate", "unlimited"]).exits(0);
    for columns in [60, 80, 200] {
        for (args, code) in [
            (&["check", "people.csv"][..], 1),
            (&["plan", "good.csv"], 0),
            (&["licenses", "list"], 0),
            (&["licenses", "list", "--ids"], 0),
            (&["licenses", "show", "Messaging", "--users"], 0),
            (&["status"], 0),
            (&["runs"], 0),
            (&["report"], 0),
            (&["user", "user1@example.com"], 0),
            (&["journal", "check"], 0),
            (&["verify"], 0),
            (&["undo", "-o", "undo.csv"], 0),
        ] {
            let seen = Screen::start(&desk, columns, args).end();
            assert_eq!(seen.code, code, "{args:?}: {}", seen.text);
            fits(&seen, columns.into());
        }
    }
}

#[test]
fn what_was_not_read_is_read_by_a_command_that_names_the_file_and_how_it_is_taken() {
    use crate::scripted::{Scripted, answer};
    let id = license("Messaging");
    let held = serde_json::json!({"id": id, "name": "Messaging", "totalUnits": 2_000_000, "consumedUnits": 1_000_000});
    let service = Scripted::start(move |_| answer(200, serde_json::json!({ "items": [held] }).to_string()));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(2));
    let mut screen = Screen::start(&desk, 200, &["apply", "people.csv", "--set", "operation=remove"]);
    screen.until("[y/N]");
    screen.press("n\r");
    let seen = screen.end();
    let line = lines(&seen.raw).into_iter().find(|line| line.contains("seatbatch plan"));
    let line = line.unwrap_or_else(|| panic!("{}", seen.text));
    for said in ["plan people.csv", "--set 'operation=remove'", "--base-url", "--journal"] {
        assert!(line.contains(said), "{said}: {line}");
    }
}
