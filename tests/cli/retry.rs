//! `seatbatch retry`: what failed is sent again, and nothing else.

use seatbatch::domain::WireForm;

use crate::harness::{Desk, counts, onboarding, sandbox};
use crate::scripted::{Scripted, answer};

#[test]
fn retry_sends_failed_operations_again_by_code() {
    let service = Scripted::start(|asked| match asked.number {
        1 => answer(
            206,
            r#"[{"email":"user1@example.com","error":{"code":"A"}},{"email":"user2@example.com","error":{"code":"B"}}]"#,
        ),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(4), &[]).exits(1);
    desk.run(&["retry", "--code", "B"]).exits(1);
    assert_eq!(service.asked()[1].users(), ["user2@example.com"]);
    assert_eq!(desk.states()[0].2.as_deref(), Some("A"));
    let summary = desk.run(&["retry", "--json"]).exits(0).summary();
    assert_eq!(counts(&summary, ["done", "failed"]), [4, 0]);
    assert_eq!(service.asked().len(), 3);
    desk.run(&["retry"]).exits(0);
    assert_eq!(service.asked().len(), 3, "nothing is left to send");
}

#[test]
fn retry_asks_about_what_is_in_doubt_before_it_sends_that_again() {
    for (fault, sent_again) in [("drop=after,times=1", 0), ("drop=before,times=1", 1)] {
        let service = sandbox(5, WireForm::Array, &[fault]);
        let desk = Desk::at(&service.url());
        let ran = desk.apply(&onboarding(5), &["--max-attempts", "1"]).exits(1);
        assert_eq!(counts(&ran.summary(), ["done", "failed", "in_doubt"]), [0, 0, 5]);
        let before = service.requests().all().len();
        let ran = desk.run(&["retry", "--yes", "--json", "--in-doubt", "verify"]).exits(0);
        assert_eq!(counts(&ran.summary(), ["done", "in_doubt", "pending"]), [5, 0, 0]);
        assert_eq!(service.requests().all().len(), before + sent_again, "{fault}");
        desk.run(&["journal", "check"]).exits(0);
    }
}

#[test]
fn what_is_in_doubt_is_taken_up_by_retry() {
    let service = Scripted::start(|asked| if asked.number <= 2 { answer(206, "?") } else { answer(200, "") });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(2), &["--max-attempts", "2"]).exits(1);
    let summary = desk.run(&["retry", "--json"]).exits(0).summary();
    assert_eq!(counts(&summary, ["done", "in_doubt"]), [2, 0]);
    let attempts: u32 =
        desk.sql().query_row("SELECT max(attempts) FROM operations", [], |row| row.get(0)).unwrap();
    assert_eq!(attempts, 3);
}

#[test]
fn retry_sends_what_it_was_asked_to_and_nothing_else() {
    let service = Scripted::start(|asked| match asked.number {
        1 => answer(206, r#"[{"email":"user1@example.com","error":{"code":"X","message":"no"}}]"#),
        2 => answer(401, ""),
        _ => answer(200, ""),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(6), &["--batch-size", "3", "--concurrency", "1"]).exits(3);
    assert_eq!((desk.count("failed"), desk.count("pending")), (1, 3));
    let ran = desk.run(&["retry", "1", "--code", "X"]).exits(3);
    assert!(ran.stderr.contains("3 operations of the run were not asked for"), "{}", ran.stderr);
    assert_eq!((desk.count("done"), desk.count("pending")), (3, 3));
    assert_eq!(service.asked().last().unwrap().users(), ["user1@example.com"]);
    desk.run(&["resume", "1"]).exits(0);
    assert_eq!(desk.count("done"), 6);
}

#[test]
fn retry_of_a_code_that_nothing_failed_with_says_which_there_are() {
    let service = sandbox(3, WireForm::Array, &["refuse=400411,user=user2@example.com"]);
    let desk = Desk::at(&service.url());
    desk.apply(&onboarding(3), &[]).exits(1);
    let ran = desk.run(&["retry", "--code", "999"]).exits(2);
    assert!(ran.stderr.contains("failed with 999; the codes there are: 400411 (1)"), "{}", ran.stderr);
}

#[test]
fn what_was_done_keeps_its_time() {
    let service = Scripted::start(|asked| match asked.number {
        1 => answer(206, r#"[{"email":"user1@example.com","error":{"code":"A"}}]"#),
        _ => answer(400, r#"{"errorCode":"B"}"#),
    });
    let desk = Desk::at(&service.url);
    desk.apply(&onboarding(4), &[]).exits(1);
    let times = || -> Vec<String> {
        let sql = desk.sql();
        let mut rows =
            sql.prepare("SELECT updated_at FROM operations WHERE state = 'done' ORDER BY line").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let before = times();
    desk.run(&["retry"]).exits(1);
    assert_eq!((before.len(), times()), (3, before));
}
