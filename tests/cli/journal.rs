//! `seatbatch journal check`, `backup` and `prune`; the file from outside: views, mode, and files that are no journals.

use crate::harness::{Desk, Ran, onboarding};
use crate::scripted::{Scripted, answer, refusing_one};

fn columns(desk: &Desk, view: &str) -> Vec<String> {
    let sql = desk.sql();
    let statement = sql.prepare(&format!("SELECT * FROM {view}")).unwrap();
    statement.column_names().map(str::to_owned).collect()
}

pub(crate) fn events(ran: &Ran) -> Vec<serde_json::Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_views_are_as_the_contract_spells_them() {
    let service = Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"A"}}]"#));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(1);
    let spelled = |text: &str| text.split(", ").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        columns(&desk, "runs"),
        spelled(
            "run_id, input_path, input_sha256, state, created_at, finished_at, total, done, failed, pending, in_doubt, invalid, unchanged, os_user, host, version"
        )
    );
    assert_eq!(
        columns(&desk, "operations"),
        spelled(
            "run_id, line, email, person_id, org_id, kind, target, operation, state, error_code, error_message, http_status, tracking_id, attempts, updated_at, item, target_name"
        )
    );
    assert_eq!(
        columns(&desk, "attempts"),
        spelled(
            "run_id, attempt_id, started_at, ended_at, assignments, http_status, retry_after_s, tracking_id, outcome"
        )
    );
    let time: String =
        desk.sql().query_row("SELECT updated_at FROM operations", [], |row| row.get(0)).unwrap();
    assert_eq!((time.len(), &time[19..20], &time[23..]), (24, ".", "Z"), "{time}");
}

#[test]
#[cfg(unix)]
fn a_run_goes_on_whatever_the_bytes_of_its_paths() {
    use std::os::unix::ffi::OsStrExt as _;
    let service = Scripted::start(|_| answer(401, ""));
    let desk = Desk::at(&service.url);
    let folder = desk.folder().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join(std::ffi::OsStr::from_bytes(b"m\xfcller.csv"));
    std::fs::write(&file, onboarding(2)).unwrap();
    let mut apply = desk.command(&["apply", "--rate", "unlimited", "--journal", "seatbatch.db"]);
    crate::harness::finish(apply.current_dir(&folder).arg(&file).spawn().unwrap()).exits(3);
    let well = Scripted::start(|_| answer(200, ""));
    let mut resume = desk.command(&["resume", "--base-url", &well.url]);
    crate::harness::finish(resume.current_dir(&folder).spawn().unwrap()).exits(0);
    let failures = folder.join(std::ffi::OsStr::from_bytes(b"m\xfcller.failures.csv"));
    assert!(failures.exists());
}

#[test]
#[cfg(unix)]
fn the_journal_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(0);
    let mode = std::fs::metadata(desk.path("seatbatch.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let service = Scripted::start(|_| answer(200, ""));
    for content in ["not a database at all, but long enough to look at it twice\n".repeat(20), String::new()]
    {
        let desk = Desk::at(&service.url);
        desk.write("seatbatch.db", &content);
        let code = if content.is_empty() { 0 } else { 4 };
        desk.apply(&onboarding(2), &[]).exits(code);
        if code == 4 {
            assert_eq!(std::fs::read_to_string(desk.path("seatbatch.db")).unwrap(), content);
        }
    }
}

#[test]
fn a_journal_that_is_replaced_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seatbatch.db");
    let victim = path.clone();
    let service = Scripted::start(move |asked| {
        if asked.number == 3 {
            std::fs::rename(&victim, victim.with_extension("gone")).unwrap();
        }
        answer(200, "")
    });
    let desk = Desk::at(&service.url);
    let more = ["--journal", path.to_str().unwrap(), "--batch-size", "1", "--concurrency", "1"];
    let ran = desk.apply(&onboarding(50), &more).exits(4);
    assert!(ran.stderr.contains("moved, deleted or replaced"), "{}", ran.stderr);
    // What had been made ready before, four batches at most, may still leave.
    assert!(service.asked().len() <= 3 + 4, "{} requests", service.asked().len());
    std::fs::rename(path.with_extension("gone"), &path).unwrap();
    desk.run(&["resume", "--journal", path.to_str().unwrap()]).exits(0);
}

#[test]
fn a_journal_is_proved_and_held_to_a_head_that_was_kept() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    let summary = desk.apply(&onboarding(3), &[]).exits(1).summary();
    let head = summary["head"].as_str().unwrap().to_owned();
    let check = desk.run(&["journal", "check"]).exits(0);
    assert!(check.stdout.starts_with("head "), "{}", check.stdout);
    desk.run(&["retry", "--yes"]).exits(1);
    desk.run(&["journal", "check", "--head", &head]).exits(0);
    desk.run(&["journal", "check", "--head", "9-0123456789abcdef0123456789abcdef"]).exits(1);
    desk.sql().execute_batch("UPDATE assignment SET email = 'eve@example.com' WHERE assignment = 2").unwrap();
    let ran = desk.run(&["journal", "check", "--json"]).exits(1);
    let found = events(&ran);
    assert_eq!(found[0]["event"], "alteration");
    assert!(found[0]["what"].as_str().unwrap().contains("operations of run 1"), "{}", found[0]);
    assert_eq!(found.last().unwrap()["event"], "summary");
}

/// An index that is gone only makes a search slow; still it was not we who took it away.
#[test]
fn what_is_gone_or_slipped_in_beside_the_rows_is_noticed() {
    let service = Scripted::start(|_| answer(200, ""));
    for (edit, said) in [
        ("DROP INDEX assignment_email", "the index 'assignment_email' is gone"),
        ("DROP INDEX invalid_row_person", "the index 'invalid_row_person' is gone"),
        ("DROP VIEW attempts", "the view 'attempts' is gone"),
        (
            "DROP INDEX row_name_email; CREATE INDEX row_name_email ON row_name (email)",
            "the definition of the index 'row_name_email' was altered",
        ),
        ("CREATE TABLE notes (text)", "the table 'notes' was slipped in"),
    ] {
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(2), &[]).exits(0);
        desk.sql().execute_batch(edit).unwrap();
        let ran = desk.run(&["journal", "check"]).exits(1);
        assert!(ran.stderr.contains(said), "{edit}: {}", ran.stderr);
    }
}

#[test]
fn a_journal_that_litestream_copies_goes_on() {
    let service = Scripted::start(|_| answer(200, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(0);
    let theirs = "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                  CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)";
    desk.sql().execute_batch(theirs).unwrap();
    desk.apply(&onboarding(3), &[]).exits(0);
    desk.run(&["journal", "check"]).exits(0);
}

#[test]
fn nothing_is_sent_from_a_journal_that_was_altered() {
    for edit in [
        "UPDATE assignment SET email = 'eve@example.com' WHERE assignment = 2",
        "UPDATE operation SET removes = 1 WHERE line = 3",
        "UPDATE term SET text = text || 'x'",
        "UPDATE run SET settings = replace(settings, 'array', 'object')",
        "DELETE FROM batch",
        "UPDATE run SET state = 'paused', reason = 'x'",
    ] {
        let service = Scripted::start(|_| answer(401, ""));
        let desk = Desk::at(&service.url);
        desk.apply(&onboarding(5), &["--wire", "array"]).exits(3);
        desk.sql().execute_batch(edit).unwrap();
        let well = Scripted::start(|_| answer(200, ""));
        let ran = desk.run(&["resume", "--base-url", &well.url, "--yes"]).exits(4);
        assert!(ran.stderr.contains("was altered"), "{edit}: {}", ran.stderr);
        let check = "everything that is wrong with it is listed by: seatbatch journal check --journal ";
        assert!(ran.stderr.contains(check), "{edit}: {}", ran.stderr);
        assert!(well.asked().is_empty(), "{edit}");
    }
}

#[test]
fn a_copy_is_whole_and_takes_no_files_place() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    desk.run(&["journal", "backup", "copy.db"]).exits(0);
    desk.run(&["journal", "check", "--journal", "copy.db"]).exits(0);
    let report =
        |journal: &str| desk.run(&["report", "--format", "csv", "--journal", journal]).exits(0).stdout;
    assert_eq!(report("copy.db"), report("seatbatch.db"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(desk.path("copy.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    for path in ["copy.db", "people.csv", "nowhere/copy.db"] {
        let ran = desk.run(&["journal", "backup", path]);
        assert!([2, 4].contains(&ran.code), "{path}: {}", ran.stderr);
    }
    assert_eq!(std::fs::read_to_string(desk.path("people.csv")).unwrap(), onboarding(3));
}

#[test]
fn old_runs_are_forgotten_and_the_rest_stays_proved() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    let head = desk.apply(&onboarding(4), &[]).exits(1).summary()["head"].as_str().unwrap().to_owned();
    let plan = desk.run(&["journal", "prune", "--keep", "1", "--dry-run"]).exits(0);
    assert!(plan.stderr.contains("Run 1 of people.csv: 3 users"), "{}", plan.stderr);
    assert_eq!(desk.count("done"), 5);
    desk.run(&["journal", "prune", "--keep", "1"]).exits(2);
    // Which runs are to go has to be said: neither a look nor consent says it.
    for more in [&[][..], &["--yes"], &["--dry-run"], &["--dry-run", "--yes", "--keep", "1"]] {
        let ran = desk.run(&[&["journal", "prune"], more].concat()).exits(2);
        let both = more.contains(&"--keep");
        assert!(both || ran.stderr.contains("needs --older-than TIME or --keep N"), "{}", ran.stderr);
    }
    assert_eq!(desk.count("done"), 5);
    desk.run(&["journal", "prune", "--older-than", "400d", "--yes"]).exits(0);
    assert_eq!(desk.count("done"), 5);
    desk.run(&["journal", "prune", "--keep", "1", "--yes"]).exits(0);
    assert_eq!(desk.count("done"), 3);
    let (done, failed): (u32, u32) = desk
        .sql()
        .query_row("SELECT done, failed FROM runs WHERE run_id = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((done, failed), (2, 1));
    desk.run(&["journal", "check", "--head", &head]).exits(0);
    // What nobody knows any more is not compared, reversed or sent again, and no file is written without its rows.
    for (command, more) in [
        ("resume", &[][..]),
        ("retry", &["--yes"]),
        ("verify", &[]),
        ("undo", &["-o", "undo.csv"]),
        ("failures", &["-o", "again.csv"]),
    ] {
        let ran = desk.run(&[&[command, "1"], more].concat()).exits(2);
        assert!(ran.stderr.contains("the people of run 1 have been forgotten"), "{command}: {}", ran.stderr);
    }
    assert!(!desk.path("undo.csv").exists() && !desk.path("again.csv").exists());
    // Its counts are left, in every form.
    let text = desk.run(&["report", "1"]).exits(0).stdout;
    for part in
        ["3 operations of 3 users", "its people, with what was asked", "done        2", "failed      1"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = desk.run(&["report", "1", "2", "--format", "json"]).exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let run = &json["runs"][0];
    assert_eq!(
        (run["pruned"].as_bool(), run["done"].as_u64(), run["total"].as_u64()),
        (Some(true), Some(2), Some(3))
    );
    assert_eq!(json["runs"][1]["pruned"], false);
    let page = desk.run(&["report", "1", "--format", "html"]).exits(0).stdout;
    assert!(
        page.contains("3 operations of 3 users") && page.contains("its people, with what was asked"),
        "{page}"
    );
    desk.sql().execute_batch("UPDATE run SET done = 3, failed = 0 WHERE run_id = 1").unwrap();
    desk.run(&["journal", "check"]).exits(1);
}
