//! `seatbatch resume`: going on with what is unfinished.

use crate::harness::{Desk, finish, onboarding};
use crate::scripted::{Scripted, answer};

#[test]
fn an_unfinished_run_points_to_resume_and_does_not_mind_a_changed_file() {
    let service = Scripted::start(|asked| if asked.number == 1 { answer(401, "") } else { answer(200, "") });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &[]).exits(3);
    let ran = desk.run(&["apply", "people.csv"]).exits(2);
    assert!(ran.stderr.contains("seatbatch resume 1"), "{}", ran.stderr);
    let status = desk.run(&["status"]).exits(0);
    assert!(
        status.stdout.contains("paused") && status.stdout.contains("seatbatch resume 1"),
        "{}",
        status.stdout
    );
    std::fs::remove_file(desk.path("people.csv")).unwrap();
    desk.run(&["resume"]).exits(0);
    assert_eq!(desk.count("done"), 2);
}

#[test]
fn resume_of_a_finished_run_ends_as_it_ended() {
    let service = Scripted::start(|_| answer(206, r#"[{"email":"user1@example.com","error":{"code":"X"}}]"#));
    let desk = Desk::at(&service.url);
    let ran = desk.run(&["resume"]).exits(2);
    assert!(ran.stderr.contains("no journal"), "{}", ran.stderr);
    desk.apply(&onboarding(2), &[]).exits(1);
    std::fs::remove_file(desk.path("people.failures.csv")).unwrap();
    desk.run(&["resume"]).exits(1);
    assert_eq!(desk.failures().len(), 2);
    assert_eq!(service.asked().len(), 1);
    desk.run(&["resume", "7"]).exits(2);
}

#[test]
fn a_run_goes_on_with_the_settings_it_had() {
    let service = Scripted::start(|asked| if asked.number == 2 { answer(401, "") } else { answer(200, "") });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(12), &["--batch-size", "3", "--concurrency", "1", "--failures", "f.csv"]).exits(3);
    let mut command = desk.command(&["resume"]);
    command.env_remove("SEATBATCH_BASE_URL");
    finish(command.spawn().unwrap()).exits(0);
    assert!(desk.path("f.csv").exists());
    assert_eq!(service.asked().last().unwrap().users().len(), 3);
}

#[test]
fn resume_is_the_users_word_that_all_is_right() {
    let service = Scripted::start(|_| answer(400, ""));
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(12), &["--batch-size", "1"]).exits(3);
    assert_eq!(desk.count("pending"), 12);
    desk.run(&["resume"]).exits(1);
    assert_eq!(desk.count("failed"), 12);
}
