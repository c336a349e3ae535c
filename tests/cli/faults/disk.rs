//! Disks that fill up, journals that are damaged.

use std::collections::BTreeSet;
use std::process::Stdio;

use rusqlite::Connection;
use seatbatch::domain::WireForm;

use crate::harness::{Desk, Ran, finish, onboarding, sandbox};
use crate::scripted::{Scripted, answer};

/// Runs the binary by way of another program, which is told to run it.
fn by_way_of(way: &[&str], desk: &Desk, args: &[&str]) -> Ran {
    let plain = desk.command(args);
    let (program, first) = way.split_first().unwrap();
    let mut command = std::process::Command::new(program);
    command
        .args(first)
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(desk.folder())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    finish(command.spawn().unwrap())
}

/// Where no file may grow beyond so many blocks of 512 bytes: to a process that does not mind the signal,
/// that is a disk without room.
fn with_room_for(desk: &Desk, blocks: u32, args: &[&str]) -> Ran {
    by_way_of(&["sh", "-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks.to_string()], desk, args)
}

/// As a user to whom permissions apply: to the superuser of a container they do not.
#[cfg(target_os = "linux")]
pub(crate) fn as_a_mere_user(desk: &Desk, args: &[&str]) -> Ran {
    use std::os::unix::fs::MetadataExt as _;
    match std::fs::metadata(desk.folder()).unwrap().uid() {
        0 => by_way_of(&["setpriv", "--bounding-set=-dac_override,-dac_read_search"], desk, args),
        _ => desk.run(args),
    }
}

/// Users of operations that were sent, as far as the journal knows.
fn known_to_be_sent(desk: &Desk) -> BTreeSet<String> {
    let Ok(sql) = Connection::open(desk.path("seatbatch.db")) else { return BTreeSet::new() };
    let statement = sql.prepare("SELECT email FROM operations WHERE state <> 'pending' OR attempts > 0");
    let Ok(mut statement) = statement else { return BTreeSet::new() };
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// A run on a disk that fails somewhere, and whether the run broke. What was sent is in the journal, and the run
/// goes on once the disk is well again.
fn breaks(on_the_disk: impl FnOnce(&Desk, &[&str]) -> Ran, fault: &str) -> bool {
    let service = sandbox(40, WireForm::Array, &[]);
    let desk = Desk::at(&service.url());
    desk.write("people.csv", onboarding(40));
    let args = ["apply", "people.csv", "--json", "--rate", "unlimited", "--batch-size", "2"];
    let ran = on_the_disk(&desk, &args);
    let sent: BTreeSet<String> =
        service.requests().all().into_iter().flat_map(|request| request.users).collect();
    let known = known_to_be_sent(&desk);
    assert!(sent.is_subset(&known), "{fault}: sent and not in the journal");
    assert!(matches!(ran.code, 0 | 4), "{fault}: exit {}: {}", ran.code, ran.stderr);
    if ran.code == 4 {
        assert!(!ran.stderr.contains("panicked"), "{fault}: {}", ran.stderr);
        // Our words, not the database's, and a command that finds the journal.
        assert!(!ran.stderr.contains("Error code"), "{fault}: {}", ran.stderr);
        let proposes = |line: &str| line.contains("go on with: seatbatch resume");
        let bare = |line: &&str| proposes(line) && !line.contains("--journal");
        assert_eq!(ran.stderr.lines().find(bare), None, "{fault}: {}", ran.stderr);
        if ran.stderr.lines().any(proposes) {
            let summary = ran.summary();
            assert_eq!((&summary["run"], &summary["total"]), (&1.into(), &40.into()), "{fault}: {summary}");
        }
        // It may have broken before there was a run, or after the run's end.
        let status = desk.run(&["status"]).stdout;
        if !status.contains("finished") {
            desk.run(if status.contains("resume") { &["resume"] } else { &args }).exits(0);
        }
    }
    assert_eq!(desk.count("done"), 40, "{fault}");
    ran.code == 4
}

#[test]
fn a_disk_that_is_full_at_any_write_stops_everything_and_loses_nothing() {
    // From no room at all to more than is needed: the journal of this run has some 100 KiB.
    let room = (0..600).step_by(5);
    let (broken, whole): (Vec<u32>, Vec<u32>) = room.partition(|blocks| {
        breaks(|desk, args| with_room_for(desk, *blocks, args), &format!("room for {blocks} blocks"))
    });
    assert!(broken.len() > 20 && whole.len() > 3, "broken: {broken:?}, whole: {whole:?}");
}

/// Runs through which nothing breaks, in a row: then no later call is made, or none that matters.
const WHOLE: u32 = 15;

#[test]
#[ignore = "needs strace, and a minute"]
fn a_disk_that_fails_at_any_call_stops_everything_and_loses_nothing() {
    let calls = [
        ("pwrite64", "ENOSPC"),
        ("pwrite64", "EIO"),
        ("pread64", "EIO"),
        ("fsync,fdatasync", "EIO"),
        ("ftruncate", "EIO"),
    ];
    // Side by side: each waits for its disk most of the time.
    std::thread::scope(|side| {
        // That one alone, or from that one on.
        let faults = calls.iter().flat_map(|(call, error)| ["", "+"].map(|more| (*call, *error, more)));
        let runs: Vec<_> =
            faults.map(|(call, error, more)| side.spawn(move || fails_at_each(call, error, more))).collect();
        for told in runs {
            println!("{}", told.join().unwrap());
        }
    });
}

/// Fails the first call of a kind, then the second, until nothing breaks any more. Gives back what to tell.
fn fails_at_each(call: &str, error: &str, more: &str) -> String {
    let (mut number, mut broken, mut whole) = (0, 0, 0);
    while whole < WHOLE {
        number += 1;
        // Each thread's calls are counted for themselves.
        let fault = format!("inject={call}:error={error}:when={number}{more}");
        let failing = |desk: &Desk, args: &[&str]| {
            let journal = desk.path("seatbatch.db").display().to_string();
            let (wal, shm) = (format!("{journal}-wal"), format!("{journal}-shm"));
            let rollback = format!("{journal}-journal");
            let mut way = vec!["strace", "-f", "-o", "/dev/null", "-e", &fault];
            for path in [&journal, &wal, &shm, &rollback] {
                way.extend(["-P", path]);
            }
            by_way_of(&way, desk, args)
        };
        if breaks(failing, &fault) {
            (broken, whole) = (broken + 1, 0);
        } else {
            whole += 1;
        }
    }
    assert!(broken > 0, "{call} {error}{more}");
    format!("{call} fails with {error}{more}: {broken} of {number} runs broke")
}

/// A finished run of many users, for damage.
fn finished() -> Desk {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3000), &[]).exits(0);
    desk
}

#[test]
fn a_truncated_journal_is_named_as_damaged_and_never_panics() {
    let desk = finished();
    let path = desk.path("seatbatch.db");
    let whole = std::fs::read(&path).unwrap();
    for keep in [whole.len() / 2, 8192, 4096, 1000, 100, 1] {
        std::fs::write(&path, &whole[..keep]).unwrap();
        for args in [&["resume"][..], &["report", "--format", "csv"], &["status"], &["retry"]] {
            let ran = desk.run(args);
            assert!(matches!(ran.code, 0..=4) && !ran.stderr.contains("panicked"), "{keep}: {}", ran.stderr);
            if keep > 1000 && args[0] == "report" {
                assert_eq!(ran.code, 4, "{keep}: {}", ran.stderr);
                assert!(
                    ran.stderr.contains(".recover") || ran.stderr.contains("integrity"),
                    "{}",
                    ran.stderr
                );
            }
        }
    }
}

#[test]
fn a_flipped_bit_never_panics() {
    let desk = finished();
    let path = desk.path("seatbatch.db");
    let whole = std::fs::read(&path).unwrap();
    let mut dice = fastrand::Rng::with_seed(5);
    for _ in 0..60 {
        let mut bytes = whole.clone();
        let at = dice.usize(..bytes.len());
        bytes[at] ^= 1 << dice.u8(..8);
        std::fs::write(&path, &bytes).unwrap();
        for args in [&["report", "--format", "csv"][..], &["resume"]] {
            let ran = desk.run(args);
            assert!(matches!(ran.code, 0..=4), "bit in byte {at}: exit {}", ran.code);
            assert!(!ran.stderr.contains("panicked"), "bit in byte {at}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_journal_that_cannot_be_there_is_named() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    let ran = desk.apply(&onboarding(2), &["--journal", "nowhere/j.db"]).exits(4);
    assert!(ran.stderr.contains("nowhere/j.db"), "{}", ran.stderr);
    let ran = desk.apply(&onboarding(2), &["--journal", "."]).exits(4);
    assert!(ran.stderr.contains(". is not a seatbatch journal"), "{}", ran.stderr);
    assert!(service.asked().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_to_is_named_and_nothing_is_sent() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    // The first token is refused, so that the run pauses.
    let service = Scripted::start(|asked| answer(if asked.number == 1 { 401 } else { 200 }, ""));
    let desk = Desk::at(&service.url);
    desk.write("people.csv", onboarding(3));
    let folder = desk.path("kept");
    std::fs::create_dir(&folder).unwrap();
    let allow = |mode| set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    let refused = |command: &[&str]| {
        allow(0o555);
        let ran = as_a_mere_user(&desk, &[&["--journal", "kept/j.db"], command].concat()).exits(4);
        let why = ["may not be opened or written", "nothing can be written there"]
            .iter()
            .any(|word| ran.stderr.contains(word));
        assert!(ran.stderr.contains("the journal kept/j.db") && why, "{}", ran.stderr);
        allow(0o755);
    };
    let apply = ["apply", "people.csv", "--yes"];

    refused(&apply);
    assert!(service.asked().is_empty());
    desk.run(&[&["--journal", "kept/j.db"], &apply[..]].concat()).exits(3);
    assert_eq!(service.asked().len(), 1);
    refused(&["resume"]);
    assert_eq!(service.asked().len(), 1);
    as_a_mere_user(&desk, &["--journal", "kept/j.db", "resume"]).exits(0);
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn a_journal_on_which_another_program_holds_a_lock_is_left_alone() {
    let desk = finished();
    let sql = desk.sql();
    sql.execute_batch("BEGIN IMMEDIATE; UPDATE run SET state = 'paused'").unwrap();
    // Readers do not mind.
    desk.run(&["status"]).exits(0);
    let ran = desk.run(&["apply", "people.csv", "--again"]).exits(4);
    assert!(ran.stderr.contains("using the journal"), "{}", ran.stderr);
    sql.execute_batch("ROLLBACK").unwrap();
    desk.run(&["apply", "people.csv", "--again"]).exits(0);
}
