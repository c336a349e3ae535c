//! What stops a run early: canaries and too many failures.

use super::*;

#[test]
fn nobody_goes_before_the_canary_and_nobody_after_one_that_failed() {
    let canary = || Play::of(Settings { canary: Some(3), batch_size: 2, ..settings() }, standing(&[50]));
    let mut play = canary();
    let spans = |play: &Play| {
        play.intents.iter().map(|(_, span)| (span.first().0, span.last().0)).collect::<Vec<_>>()
    };
    assert_eq!(spans(&play), [(0, 1), (2, 2)]);
    assert_eq!(play.wakes_after(), None);
    play.answer_all(&done());
    assert_eq!(spans(&play)[2..4], [(3, 4), (5, 6)]);

    let mut play = canary();
    let lone = play.sent[1];
    play.answer(lone, refused(Some("400411")));
    let first = play.sent[0];
    play.answer(first, done());
    assert_eq!(play.ending, Some(Ending::Canary { users: 3 }));
    assert_eq!(play.intents.len(), 2);
}

#[test]
fn a_canary_that_stays_in_doubt_did_not_succeed() {
    let settings = Settings { canary: Some(1), max_attempts: 2, ..settings() };
    let mut play = Play::of(settings, standing(&[50]));
    for _ in 0..2 {
        play.answer_all(&Verdict::InDoubt("no answer".into()));
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    assert_eq!(play.ending, Some(Ending::Canary { users: 1 }));
    assert_eq!(play.intents.len(), 2);
}

#[test]
fn a_canary_with_a_passing_fault_waits_for_it_alone() {
    let mut play = Play::of(Settings { canary: Some(1), ..settings() }, standing(&[50]));
    let first = play.sent[0];
    play.answer(first, ill(None));
    assert_eq!(play.wakes_after(), Some(0.25));
    assert_eq!(play.intents.len(), 1);
    play.wait(0.25);
    assert_eq!(play.sent, [first]);
}

#[test]
fn too_many_failures_pause_a_run_that_has_more_to_do() {
    let max_failures = Some("2".parse::<FailureLimit>().unwrap());
    let mut play = Play::of(Settings { max_failures, ..settings() }, standing(&[100]));
    for _ in 0..3 {
        assert_eq!(play.ending, None);
        let first = play.sent[0];
        play.answer(first, refused(Some("X")));
    }
    play.answer_all(&done());
    assert_eq!(play.ending, Some(Ending::TooManyFailures { failed: 3 }));

    let mut play = Play::of(Settings { max_failures, ..settings() }, standing(&[3]));
    while play.ending.is_none() {
        play.answer_all(&refused(Some("X")));
    }
    assert_eq!(play.ending, Some(Ending::Finished));
}

#[test]
fn too_many_failures_pause_a_run_whose_last_batch_is_to_be_sent_again() {
    let max_failures = Some("2".parse::<FailureLimit>().unwrap());
    let mut play = Play::of(Settings { max_failures, ..settings() }, standing(&[4]));
    for _ in 0..3 {
        let first = play.sent[0];
        play.answer(first, refused(Some("X")));
    }
    assert_eq!((play.sent.len(), &play.ending), (1, &None));
    // It has to be sent again.
    play.answer_all(&ill(None));
    assert_eq!(play.ending, Some(Ending::TooManyFailures { failed: 3 }));
}
