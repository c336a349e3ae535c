//! Signals, and what was in flight.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, finish, onboarding, sandbox, sandbox_with, until};
use crate::scripted::{Gate, Scripted, answer};

fn signalled(signal: &str, pid: u32) {
    let status = std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_signal_lets_the_answers_come_home_and_pauses() {
    for signal in ["-INT", "-TERM"] {
        let service = sandbox_with(200, WireForm::Array, &[], |options| {
            options.latency = std::time::Duration::from_millis(100);
        });
        let desk = Desk::at(&service.url());
        desk.write("people.csv", onboarding(200));
        let child = desk
            .command(&[
                "apply",
                "people.csv",
                "--json",
                "--rate",
                "unlimited",
                "--batch-size",
                "2",
                "--concurrency",
                "2",
            ])
            .spawn()
            .unwrap();
        until("requests come", || service.requests().all().len() > 6);
        signalled(signal, child.id());
        let ran = finish(child).exits(3);
        let summary = ran.summary();
        assert!(ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
        assert_eq!((desk.count("sending"), desk.count("in_doubt")), (0, 0), "{signal}");
        assert_eq!(summary["state"], "paused");
        assert_eq!(u64::from(desk.count("done")), summary["done"].as_u64().unwrap());
        assert!(desk.path("people.failures.csv").exists());
        let asked = service.requests().all();
        assert_eq!(
            asked.iter().filter(|request| request.status == 200).count() * 2,
            desk.count("done") as usize
        );
        desk.run(&["resume"]).exits(0);
        assert_eq!(desk.count("done"), 200);
        let mut users: Vec<String> =
            service.requests().all().into_iter().flat_map(|request| request.users).collect();
        users.sort();
        users.dedup();
        assert_eq!(users.len(), 200);
    }
}

#[test]
fn a_second_signal_stops_at_once_and_loses_nothing() {
    let service = sandbox(20, WireForm::Array, &["delay=20000,times=1"]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(20));
    let child = desk.command(&["apply", "people.csv"]).spawn().unwrap();
    until("a request comes", || !service.requests().all().is_empty());
    signalled("-INT", child.id());
    signalled("-TERM", child.id());
    let begun = std::time::Instant::now();
    finish(child).exits(3);
    assert!(begun.elapsed().as_secs() < 9, "it waited for the answer");
    let status = desk.run(&["status"]).exits(0);
    assert!(
        status.stdout.contains("interrupted") && status.stdout.contains("seatbatch resume 1"),
        "{}",
        status.stdout
    );
    assert_eq!(desk.count("sending"), 20);
    desk.run(&["resume"]).exits(0);
    assert_eq!(desk.count("done"), 20);
}

#[test]
fn an_intent_given_back_leaves_what_was_in_doubt_in_doubt() {
    let service = Scripted::start(|asked| match asked.number {
        1 => (0, String::new(), String::new()),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(5));
    let child = desk.command(&["apply", "people.csv", "--rate", "1/min"]).spawn().unwrap();
    until("it is about to be sent again", || {
        !service.asked().is_empty() && desk.count("sending") == 5 && {
            let attempts: u32 =
                desk.sql().query_row("SELECT max(attempts) FROM operations", [], |row| row.get(0)).unwrap();
            attempts == 1
        }
    });
    signalled("-INT", child.id());
    finish(child).exits(3);
    assert_eq!((desk.count("in_doubt"), service.asked().len()), (5, 1));
    desk.run(&["resume", "--rate", "unlimited"]).exits(0);
    assert_eq!(desk.count("done"), 5);
}

/// The binary behind a shell's words, with the desk's environment.
fn behind(desk: &Desk, words: &str, args: &[&str]) -> std::process::Command {
    let mut shell = std::process::Command::new("/bin/sh");
    let script = format!("{words} exec \"$0\" \"$@\"");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_seatbatch")]).args(args).current_dir(desk.folder());
    for (name, value) in desk.as_typed(&[]).get_envs() {
        shell.env(name, value.unwrap());
    }
    shell
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    shell
}

#[test]
fn who_is_started_with_nohup_survives_a_hang_up_and_another_pauses() {
    for (words, code) in [("trap '' HUP;", 0), ("", 3)] {
        let gate = Gate::default();
        let service = Scripted::behind(&gate);
        let desk = Desk::at(&service.url);
        // So many that they are not all sent before the signal has been heard.
        let users = 2000;
        desk.write("people.csv", onboarding(users));
        let args =
            ["apply", "people.csv", "--yes", "--snapshot", "no", "--rate", "unlimited", "--batch-size", "5"];
        let child = behind(&desk, words, &[&args[..], &["--concurrency", "1"]].concat()).spawn().unwrap();
        until("a request comes", || !service.asked().is_empty());
        signalled("-HUP", child.id());
        gate.open();
        finish(child).exits(code);
        assert_eq!((desk.count("failed"), desk.count("in_doubt")), (0, 0));
        assert_eq!(desk.count("done") == users, code == 0, "{words}");
    }
}

/// A signal that comes while the token is still awaited: long before anything is sent.
#[test]
fn a_signal_early_in_resume_or_retry_sends_nothing_and_kills_nobody() {
    for command in ["resume", "retry"] {
        let service = Scripted::start(|asked| answer(if asked.number == 2 { 400 } else { 200 }, ""));
        let desk = Desk::at(&service.url);
        let more = ["--batch-size", "1", "--concurrency", "1", "--max-failures", "0"];
        desk.apply(&onboarding(5), &more).exits(3);
        let asked = service.asked().len();
        let fifo = desk.path("token");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let args = [command, "--yes", "--token-file", "token"];
        let child = behind(&desk, "unset WEBEX_ACCESS_TOKEN;", &args).spawn().unwrap();
        // It opens the token file for reading: so says the other end, which waits for that.
        let mut other_end = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        signalled("-TERM", child.id());
        std::io::Write::write_all(&mut other_end, crate::harness::TOKEN.as_bytes()).unwrap();
        drop(other_end);
        finish(child).exits(3);
        assert_eq!((desk.count("done"), service.asked().len()), (1, asked), "{command}");
        desk.run(&["resume", "--max-failures", "9"]);
        assert_eq!(desk.count("done") + desk.count("failed"), 5);
    }
}

#[test]
fn a_token_through_a_pipe_is_read_once_and_an_empty_one_moves_nothing() {
    let service = Scripted::start(|asked| answer(if asked.number < 3 { 400 } else { 200 }, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(1), &[]).exits(1);
    let before = desk.states();
    let through = |text: &str| {
        let fifo = desk.path("token");
        let _ = std::fs::remove_file(&fifo);
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let args = ["retry", "--yes", "--token-file", "token"];
        let child = behind(&desk, "unset WEBEX_ACCESS_TOKEN;", &args).spawn().unwrap();
        std::fs::write(&fifo, text).unwrap();
        finish(child)
    };
    let ran = through("");
    assert!(ran.code != 0 && ran.stderr.contains("token"), "{}: {}", ran.code, ran.stderr);
    assert_eq!(desk.states(), before);
    through(crate::harness::TOKEN).exits(0);
    assert_eq!(desk.count("done"), 1);
}
