//! One writer by whatever name, and readers that are in nobody's way.

use std::collections::BTreeMap;

use crate::harness::{Desk, finish, onboarding, until};
use crate::scripted::{Gate, Scripted, answer};

fn times_sent(service: &Scripted) -> BTreeMap<String, u32> {
    let mut times = BTreeMap::new();
    for user in service.asked().iter().flat_map(|asked| asked.users()) {
        *times.entry(user).or_default() += 1;
    }
    times
}

#[cfg(unix)]
#[test]
fn no_name_of_a_journal_and_no_file_beside_it_lets_a_second_process_send() {
    let gate = Gate::default();
    let service = Scripted::behind(&gate);
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(20));
    let apply = ["apply", "people.csv", "--batch-size", "1", "--rate", "unlimited", "--concurrency", "2"];
    let child = desk.command(&apply).spawn().unwrap();
    until("a request comes", || !service.asked().is_empty());
    std::os::unix::fs::symlink("seatbatch.db", desk.path("link.db")).unwrap();
    std::os::unix::fs::symlink(desk.folder(), desk.path("here")).unwrap();
    std::fs::hard_link(desk.path("seatbatch.db"), desk.path("hard.db")).unwrap();
    let _ = std::fs::remove_file(desk.path("seatbatch.db.lock"));
    for name in ["seatbatch.db", "link.db", "hard.db", "here/seatbatch.db", "./here/link.db"] {
        for command in ["resume", "retry"] {
            let ran = desk.run(&[command, "--journal", name, "--yes"]).exits(4);
            assert!(ran.stderr.contains("another seatbatch process"), "{name}: {}", ran.stderr);
        }
    }
    std::fs::remove_file(desk.path("hard.db")).unwrap();
    gate.open();
    finish(child).exits(0);
    assert_eq!(times_sent(&service).len(), 20);
    assert!(times_sent(&service).values().all(|times| *times == 1));
    assert_eq!(desk.count("done"), 20);
}

#[test]
fn a_file_started_twice_at_once_is_applied_once() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(30));
    let args = ["apply", "people.csv", "--batch-size", "10", "--rate", "unlimited"];
    let all: Vec<_> = (0..6).map(|_| desk.command(&args).spawn().unwrap()).collect();
    let codes: Vec<i32> = all.into_iter().map(|child| finish(child).code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [0, 2, 4].contains(code)), "{codes:?}");
    assert!(times_sent(&service).values().all(|times| *times == 1));
    assert_eq!(desk.count("done"), 30);
}

#[cfg(unix)]
#[test]
fn a_database_of_something_else_is_not_touched_at_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::alone();
    desk.write("people.csv", onboarding(1));
    let other = desk.path("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o644)).unwrap();
    let before = std::fs::read(&other).unwrap();
    let apply = ["apply", "people.csv", "--journal", "other.db"];
    for args in [&["resume", "--journal", "other.db"][..], &["status", "--journal", "other.db"], &apply] {
        let ran = desk.run(args).exits(4);
        assert!(ran.stderr.contains("not a seatbatch journal"), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read(&other).unwrap(), before);
    assert_eq!(std::fs::metadata(&other).unwrap().permissions().mode() & 0o777, 0o644);
    let names = std::fs::read_dir(desk.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["other.db", "people.csv"]);
}

#[test]
fn a_new_journal_is_told_of_once() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    let first = desk.apply(&onboarding(1), &[]).exits(0);
    assert!(first.stderr.contains("new journal"), "{}", first.stderr);
    let second = desk.apply(&onboarding(2), &[]).exits(0);
    assert!(!second.stderr.contains("new journal"), "{}", second.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_finished_journal_is_read_where_nothing_may_be_written() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(0);
    let kept = desk.path("kept");
    std::fs::create_dir(&kept).unwrap();
    std::fs::rename(desk.path("seatbatch.db"), kept.join("j.db")).unwrap();
    set_permissions(kept.join("j.db"), Permissions::from_mode(0o400)).unwrap();
    set_permissions(&kept, Permissions::from_mode(0o555)).unwrap();
    for command in [&["status"][..], &["runs"], &["report"], &["report", "--format", "csv"]] {
        let ran =
            crate::faults::disk::as_a_mere_user(&desk, &[command, &["--journal", "kept/j.db"]].concat());
        ran.exits(0);
    }
    set_permissions(&kept, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_second_writer_is_refused_at_once_and_readers_are_not() {
    let gate = Gate::default();
    let service = Scripted::behind(&gate);
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(20));
    desk.write("other.csv", onboarding(2));
    let child = desk.command(&["apply", "people.csv"]).spawn().unwrap();
    until("a request comes", || !service.asked().is_empty());
    for args in [&["apply", "other.csv"][..], &["resume"], &["retry"]] {
        let ran = desk.run(args).exits(4);
        assert!(ran.stderr.contains("another seatbatch process"), "{}", ran.stderr);
    }
    let status = desk.run(&["status"]).exits(0);
    assert!(status.stdout.contains("running\n"), "{}", status.stdout);
    desk.run(&["runs"]).exits(0);
    desk.run(&["report"]).exits(0);
    desk.run(&["failures", "-o", "f.csv"]).exits(0);
    gate.open();
    finish(child).exits(0);
}
