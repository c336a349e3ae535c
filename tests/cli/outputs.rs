//! Files that commands write take the place of nothing that somebody may miss, and are tried before anything is sent.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, onboarding, sandbox};
use crate::scripted::{Scripted, answer};

/// Refuses user 1, every time.
fn refusing_one() -> Scripted {
    Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"A","message":"no"}}]"#))
}

fn read(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn where_the_failures_go_is_tried_before_anything_is_sent() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    std::fs::create_dir(desk.path("folder")).unwrap();
    for (path, words) in [
        ("nowhere/f.csv", "no folder"),
        ("folder", "is a folder"),
        ("people.csv", "the input file"),
        // There is no journal yet, and it may not have this name either.
        ("seatbatch.db", "the journal"),
        ("./folder/../people.csv", "the input file"),
    ] {
        let ran = desk.apply(&onboarding(2), &["--failures", path]).exits(2);
        assert!(ran.stderr.contains(words), "{path}: {}", ran.stderr);
    }
    assert!(service.asked().is_empty());
    assert!(!desk.path("seatbatch.db").exists());
    assert_eq!(read(&desk, "people.csv"), onboarding(2));
}

#[test]
fn no_output_takes_the_place_of_the_journal_or_the_input() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    let done = || desk.count("done");
    for path in ["seatbatch.db", "./seatbatch.db"] {
        for command in [&["failures", "-o", path][..], &["undo", "-o", path], &["report", "-o", path]] {
            let ran = desk.run(command).exits(2);
            assert!(ran.stderr.contains("the journal"), "{}", ran.stderr);
        }
        desk.run(&["retry", "--failures", path, "--yes"]).exits(2);
        assert_eq!(done(), 2);
    }
    for command in ["undo", "failures", "report"] {
        let ran = desk.run(&[command, "-o", "people.csv"]).exits(2);
        assert!(ran.stderr.contains("the input file"), "{}", ran.stderr);
    }
    assert_eq!(read(&desk, "people.csv"), onboarding(3));
    // Another journal is a database all the same.
    let other = ["failures", "-o", "seatbatch.db", "--journal", "copy.db"];
    std::fs::copy(desk.path("seatbatch.db"), desk.path("copy.db")).unwrap();
    desk.run(&other).exits(2);
}

#[test]
fn what_seatbatch_did_not_write_or_somebody_changed_is_kept() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.write("people.failures.csv", "my notes\n");
    let ran = desk.apply(&onboarding(3), &[]).exits(1);
    assert!(ran.stderr.contains("kept as"), "{}", ran.stderr);
    assert_eq!(read(&desk, "people.failures.csv.bak"), "my notes\n");
    // What was written by us for the same run may go.
    let ran = desk.run(&["retry", "--yes"]).exits(1);
    assert!(!ran.stderr.contains("kept as"), "{}", ran.stderr);
    assert!(!desk.path("people.failures.csv.bak2").exists());
    // Mended by somebody, it stays.
    let mended = read(&desk, "people.failures.csv").replace("user1", "user9");
    desk.write("people.failures.csv", &mended);
    let ran = desk.run(&["resume"]).exits(1);
    assert!(ran.stderr.contains("people.failures.csv.bak2"), "{}", ran.stderr);
    assert_eq!(read(&desk, "people.failures.csv.bak2"), mended);
    assert!(read(&desk, "people.failures.csv").contains("user1"));
}

#[test]
fn rows_of_another_run_are_kept() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    let first = read(&desk, "people.failures.csv");
    desk.write("people.txt", onboarding(2));
    let ran = desk.run(&["apply", "people.txt", "--rate", "unlimited"]).exits(1);
    assert!(ran.stderr.contains("kept as"), "{}", ran.stderr);
    assert_eq!(read(&desk, "people.failures.csv.bak"), first);
    // With the header alone there is nothing to miss.
    let well = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&well.url);
    desk.apply(&onboarding(3), &[]).exits(0);
    let ran = desk.apply(&onboarding(4), &[]).exits(0);
    assert!(!ran.stderr.contains("kept as"), "{}", ran.stderr);
}

#[test]
fn the_summary_comes_though_the_failures_cannot_be_written() {
    let desk = Desk::alone();
    let folder = desk.path("out");
    std::fs::create_dir(&folder).unwrap();
    let gone = folder.clone();
    let service = Scripted::start(move |_| {
        let _ = std::fs::remove_dir(&gone);
        answer(206, r#"[{"email":"user1@example.com","error":{"code":"A","message":"no"}}]"#)
    });
    let args = ["--failures", "out/f.csv", "--base-url", &service.url];
    let ran = desk.apply(&onboarding(3), &args).exits(4);
    let summary = ran.summary();
    assert_eq!((summary["event"].as_str(), summary["done"].as_u64()), (Some("summary"), Some(2)));
    assert!(ran.stderr.contains("failures 1 -o"), "{}", ran.stderr);
    desk.run(&["failures", "-o", "f.csv"]).exits(0);
    assert!(read(&desk, "f.csv").contains("user1@example.com"));
}

#[cfg(unix)]
#[test]
fn links_devices_and_standard_output_are_what_they_are() {
    use std::os::unix::fs::FileTypeExt as _;
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    std::fs::create_dir(desk.path("real")).unwrap();
    std::os::unix::fs::symlink("real/f.csv", desk.path("link.csv")).unwrap();
    desk.apply(&onboarding(3), &["--failures", "link.csv"]).exits(1);
    assert!(desk.path("link.csv").is_symlink());
    assert!(read(&desk, "real/f.csv").contains("user1@example.com"));
    desk.run(&["failures", "-o", "/dev/null"]).exits(0);
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    for path in ["-", "/dev/stdout"] {
        let ran = desk.run(&["failures", "-o", path]).exits(0);
        assert_eq!(ran.stdout, read(&desk, "real/f.csv"));
    }
    assert!(!desk.path("-").exists());
}

#[test]
fn a_failures_csv_that_cannot_be_written_does_not_take_the_place_of_the_summary() {
    let service = sandbox(6, WireForm::Array, &["refuse=400411,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    std::fs::create_dir(desk.path("people.failures.csv")).unwrap();
    let ran = desk.apply(&onboarding(6), &[]);
    assert_eq!(ran.summary()["event"], "summary");
    if ran.code != 2 {
        assert_eq!((ran.code, &ran.summary()["failed"]), (4, &1.into()), "{}", ran.stderr);
        assert!(ran.stderr.contains("seatbatch failures 1 -o OTHER.csv"), "{}", ran.stderr);
    }
}

#[test]
fn a_dash_is_standard_output() {
    let service = sandbox(6, WireForm::Array, &["refuse=400411,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(6), &[]).exits(1);
    for args in [["failures", "-o", "-"], ["report", "-o", "-"], ["undo", "-o", "-"]] {
        let ran = desk.run(&args);
        assert!(
            ran.code <= 1 && ran.stdout.contains("user") || ran.stdout.contains("Run 1"),
            "{args:?}: {}",
            ran.stdout
        );
    }
    assert!(!desk.path("-").exists());
}

/// What only standard output has to say is not said where it cannot be written.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_no_success() {
    use crate::harness::finish;
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    for args in [
        &["check", "people.csv"][..],
        &["check", "people.csv", "--json"],
        &["runs", "--json"],
        &["status"],
        &["version"],
        &["completions", "bash"],
        &["report", "--format", "csv"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = finish(desk.command(args).stdout(full).spawn().unwrap()).exits(4);
        assert!(ran.stderr.contains("the disk is full"), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn standard_output_has_a_file_alone_where_it_has_one() {
    let service = sandbox(3, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(3), &[]).exits(0);
    let ran = desk.run(&["check", "people.csv", "--fix", "-o", "-"]).exits(0);
    assert_eq!(ran.stdout, onboarding(3));
    assert!(ran.stderr.contains("3 rows written to standard output"), "{}", ran.stderr);
    let ran = desk.run(&["plan", "people.csv", "-o", "-"]).exits(0);
    serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap();
    assert!(ran.stderr.contains("fits"), "{}", ran.stderr);
    desk.write("bad.csv", "email,license\na,M\n");
    for output in ["-", "/dev/stdout"] {
        let ran = desk.run(&["check", "bad.csv", "--problems", output]).exits(1);
        assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    }
    let copy = desk.command(&["journal", "backup", "-"]).output().unwrap();
    assert!(copy.status.success() && copy.stdout.starts_with(b"SQLite format 3"));
    assert!(!desk.path("-").exists());
    let man = desk.run(&["man", "-o", "-"]).exits(0).stdout;
    assert_eq!(man, desk.run(&["man"]).exits(0).stdout);
    for args in [&["man", "--json"][..], &["completions", "bash", "--json"]] {
        let ran = desk.run(args).exits(0);
        assert_eq!(ran.stdout.lines().count(), 1);
        assert!(ran.summary()["text"].as_str().unwrap().contains("seatbatch"));
    }
}

#[test]
fn the_log_goes_into_no_file_that_is_read() {
    let service = sandbox(1, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(1), &[]).exits(0);
    for (log, args) in [
        ("people.csv", &["check", "people.csv"][..]),
        ("./people.csv", &["plan", "people.csv"]),
        ("seatbatch.db", &["runs"]),
        ("seatbatch.db", &["check", "people.csv"]),
        ("-", &["check", "people.csv"]),
    ] {
        desk.run(&[args, &["--log-file", log]].concat()).exits(2);
    }
    assert_eq!(read(&desk, "people.csv"), onboarding(1));
    desk.run(&["runs"]).exits(0);
}
