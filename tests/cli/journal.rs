//! The journal from outside: views, mode, and files that are no journals.

use crate::harness::{Desk, onboarding};
use crate::scripted::{Scripted, answer};

fn columns(desk: &Desk, view: &str) -> Vec<String> {
    let sql = desk.sql();
    let statement = sql.prepare(&format!("SELECT * FROM {view}")).unwrap();
    statement.column_names().map(str::to_owned).collect()
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
    assert!(service.asked().len() <= 4, "{} requests", service.asked().len());
    std::fs::rename(path.with_extension("gone"), &path).unwrap();
    desk.run(&["resume", "--journal", path.to_str().unwrap()]).exits(0);
}
