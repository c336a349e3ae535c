//! What the journal knows of a person, and the proof of it: `user`, `journal check`, `backup`, `prune`.

use crate::harness::{Desk, Ran, onboarding};
use crate::scripted::{Scripted, answer};

fn refusing_one() -> Scripted {
    Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"A","message":"no"}}]"#))
}

fn events(ran: &Ran) -> Vec<serde_json::Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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
    desk.run(&["journal", "prune"]).exits(2);
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
    desk.sql().execute_batch("UPDATE run SET done = 3, failed = 0 WHERE run_id = 1").unwrap();
    desk.run(&["journal", "check"]).exits(1);
}

#[test]
fn a_persons_timeline_has_every_run_oldest_first() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &[]).exits(1);
    desk.apply(&onboarding(2), &[]).exits(1);
    let ran = desk.run(&["user", "USER1@example.com", "--json"]).exits(0);
    let found = events(&ran);
    let runs: Vec<_> =
        found[..2].iter().map(|event| event["operation"]["run_id"].as_u64().unwrap()).collect();
    assert_eq!(runs, [1, 2]);
    assert_eq!(
        (found[0]["operation"]["state"].as_str(), found[0]["os_user"].is_string()),
        (Some("failed"), true)
    );
    let summary = found.last().unwrap();
    assert_eq!((summary["operations"].as_u64(), summary["runs"].as_u64()), (Some(2), Some(2)));
    let text = desk.run(&["user", "user1@example.com"]).exits(0).stdout;
    assert!(text.contains("Run 1: people.csv") && text.contains("failed, A: no (line 2"), "{text}");
    let nobody = desk.run(&["user", "nobody@example.com"]).exits(0).stdout;
    assert!(nobody.contains("Nothing is known"), "{nobody}");
}

#[test]
fn several_journals_are_read_as_one() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(3), &["--journal", "part-1.db", "--failures", "1.csv"]).exits(1);
    desk.apply(&onboarding(2), &["--journal", "part-2.db", "--failures", "2.csv"]).exits(1);
    for journals in [&["--journal", "part-1.db", "--journal", "part-2.db"][..], &["--journal", "part-*.db"]] {
        let both = |command: &[&str]| desk.run(&[command, journals].concat()).exits(0);
        let runs = events(&both(&["runs", "--json"]));
        assert_eq!(runs.last().unwrap()["runs"], 2);
        let user = events(&both(&["user", "user1@example.com", "--json"]));
        assert_eq!(user.last().unwrap()["operations"], 2);
        assert_eq!(both(&["report", "--format", "csv"]).stdout.lines().count(), 6);
        both(&["status"]);
        both(&["journal", "check"]);
        desk.run(&[&["resume"], journals].concat()).exits(2);
    }
    desk.run(&["runs", "--journal", "nothing-*.db"]).exits(2);
}

#[test]
fn a_failures_csv_is_taken_as_it_is_also_with_its_columns_moved() {
    let service = refusing_one();
    let desk = Desk::at(&service.url);
    let rows = onboarding(3);
    let own = rows.lines().enumerate().map(|(n, line)| match n {
        0 => format!("state,{line},\"note\"\n"),
        _ => format!("NW,{line},\"a \"\"b\"\"\"\n"),
    });
    desk.apply(&own.collect::<String>(), &[]).exits(1);
    let first = std::fs::read_to_string(desk.path("people.failures.csv")).unwrap();
    let (header, row) = first.trim_end().split_once('\n').unwrap();
    assert!(header.starts_with("state,email,licenseId,\"note\",seatbatch_line,seatbatch_state,"), "{header}");
    assert!(
        row.starts_with("NW,user1@example.com,") && row.contains(",\"a \"\"b\"\"\",2,failed,A,no,"),
        "{row}"
    );
    // Columns to the front, and one more: what is the user's own stays.
    let moved: String = first
        .trim_end()
        .lines()
        .enumerate()
        .map(|(n, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            let (own, added) = cells.split_at(4);
            let comment = if n == 0 { "my comment" } else { "seen" };
            format!("{},{},{comment}\n", added.join(","), own.join(","))
        })
        .collect();
    desk.write("again.csv", moved);
    desk.run(&["apply", "again.csv", "--rate", "unlimited"]).exits(1);
    let second = std::fs::read_to_string(desk.path("again.failures.csv")).unwrap();
    let (header, row) = second.trim_end().split_once('\n').unwrap();
    assert!(header.starts_with("state,email,licenseId,\"note\",my comment,seatbatch_line,"), "{header}");
    assert!(row.contains(",\"a \"\"b\"\"\",seen,2,failed,A,no,"), "{row}");
}
