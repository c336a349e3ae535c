//! Passing faults: what is tried again, and what is given up.

use super::*;

#[test]
fn a_passing_fault_is_tried_again_after_its_wait() {
    let mut play = Play::of(settings(), standing(&[2]));
    let (first, second) = (play.sent[0], play.sent[1]);
    play.answer(second, done());
    play.answer(first, ill(None));
    assert!(play.sent.is_empty());
    let after = play.wakes_after().unwrap();
    assert_eq!(after, 0.25);
    play.wait(after - 0.01);
    assert!(play.sent.is_empty());
    play.wait(0.01);
    assert_eq!(play.sent, [first]);
    play.answer(first, done());
    assert_eq!(play.ending, Some(Ending::Finished));
}

#[test]
fn an_ill_service_is_asked_by_one_retry_at_a_time() {
    let mut play = Play::of(
        Settings { concurrency: 4, max_attempts: 1000, give_up_after: Duration::MAX, ..settings() },
        standing(&[1000]),
    );
    play.answer_all(&done());
    for _ in 0..400 {
        play.answer_all(&ill(None));
        play.wait(30.0);
        if play.sent.len() == 1 {
            break;
        }
    }
    // Retries are used up: one at a time asks, mostly one that failed before, and now and then a new one.
    assert_eq!(play.sent.len(), 1);
    let newest = |play: &Play| play.intents.iter().map(|(batch, _)| batch.0).max().unwrap();
    let (before, intents) = (newest(&play), play.intents.len());
    for _ in 0..200 {
        assert!(play.sent.len() <= 1, "more than one at a time");
        play.answer_all(&ill(None));
        play.wait(0.5);
    }
    let (anew, all) = (newest(&play) - before, play.intents.len() - intents);
    assert!((18..=21).contains(&anew), "{anew} of {all} in 100 s are new");
    assert!(all >= 100, "{all} asked in 100 s");
    while play.sent.is_empty() {
        play.wait(1.0);
    }
    // Once one gets through, others follow.
    play.answer_all(&done());
    play.wait(0.0);
    assert!(play.sent.len() > 1);
}

#[test]
fn retries_are_a_small_share_where_some_batches_always_fail() {
    let settings = Settings { max_attempts: 1000, give_up_after: Duration::MAX, ..settings() };
    let mut play = Play::of(settings, standing(&[1000]));
    let (mut through, mut retries) = (0, 0);
    let mut failed: Vec<BatchId> = Vec::new();
    while through < 400 {
        for batch in std::mem::take(&mut play.sent) {
            if batch.0.is_multiple_of(2) {
                retries += u32::from(failed.contains(&batch));
                failed.push(batch);
                play.answer(batch, ill(None));
            } else {
                through += 1;
                play.answer(batch, done());
            }
        }
        play.wait(100.0);
    }
    // 500 tokens to begin with, 14 for a retry, 1 from each that gets through.
    assert!(through > 50 && retries > 30, "{through} got through, {retries} retries");
    assert!(retries <= (500 + through) / 14 + 2, "{through} got through, {retries} retries");
}

#[test]
fn users_who_always_fail_do_not_hold_up_those_behind_them() {
    let settings = Settings { concurrency: 4, give_up_after: Duration::from_secs(600), ..settings() };
    // So many that retries are used up before anyone behind them has had a turn.
    let poisoned = 100;
    let mut play = Play::of(settings, standing(&[1 + poisoned + 200]));
    let first = play.sent[0];
    play.answer(first, done());
    let mut done_behind = 0;
    for _ in 0..12_000 {
        if play.ending.is_some() {
            break;
        }
        for batch in std::mem::take(&mut play.sent) {
            let behind = play.span_of(batch).first().0 > poisoned;
            done_behind += u32::from(behind);
            play.answer(batch, if behind { done() } else { ill(None) });
        }
        play.wait(0.05);
    }
    assert_eq!(done_behind, 200, "{:?}", play.ending);
}

#[test]
fn a_run_that_gets_nothing_through_pauses_after_its_time() {
    let mut play = Play::of(Settings { max_attempts: 1000, ..settings() }, standing(&[1000]));
    play.answer_all(&done());
    for _ in 0..59 {
        play.answer_all(&ill(None));
        assert_eq!(play.ending, None, "after {:?}", play.now);
        play.wait(1.0);
    }
    for _ in 0..8 {
        play.answer_all(&ill(None));
        play.wait(1.0);
    }
    assert_eq!(play.ending, Some(Ending::Unreachable("HTTP 503".into())));
}

#[test]
fn a_batch_that_alone_fails_is_given_up() {
    let mut play = Play::of(settings(), standing(&[50]));
    let poisoned = play.sent[0];
    while play.ending.is_none() {
        for batch in std::mem::take(&mut play.sent) {
            play.answer(batch, if batch == poisoned { ill(None) } else { done() });
        }
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    assert_eq!(play.ending, Some(Ending::Finished));
    let (_, _, last) = play.outcomes.iter().rfind(|(batch, ..)| *batch == poisoned).unwrap();
    let BatchChange::Failed(refusal) = last else { panic!("{last:?}") };
    assert_eq!(refusal.code.as_str(), "RETRIES_EXHAUSTED");
    assert_eq!(refusal.message, "given up after 5 attempts; the last: HTTP 503");
}

#[test]
fn one_who_always_fails_takes_nobody_along() {
    let mut play = Play::of(Settings { batch_size: 16, ..settings() }, standing(&[16]));
    while play.ending.is_none() {
        for batch in std::mem::take(&mut play.sent) {
            let span = play.span_of(batch);
            let cursed = (span.first().0..=span.last().0).contains(&5);
            play.answer(batch, if cursed { ill(None) } else { done() });
        }
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    assert_eq!(play.ending, Some(Ending::Finished));
    let failed: Vec<_> = play
        .outcomes
        .iter()
        .filter(|(_, _, change)| matches!(change, BatchChange::Failed(_)))
        .map(|(batch, ..)| play.span_of(*batch))
        .collect();
    assert_eq!(failed, [Span::new(5, 5).unwrap()]);
}

#[test]
fn an_outage_in_the_middle_fails_nobody_however_often_all_were_tried() {
    let mut play = Play::of(settings(), standing(&[12]));
    play.answer_all(&done());
    while play.ending.is_none() {
        play.answer_all(&ill(None));
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    assert_eq!(play.ending, Some(Ending::Unreachable("HTTP 503".into())));
    assert!(play.now >= Duration::from_secs(60));
    assert!(!play.outcomes.iter().any(|(_, _, change)| matches!(change, BatchChange::Failed(_))));
}

#[test]
fn who_never_gets_through_where_others_do_fails_for_it_unless_it_may_have_been_done() {
    for (at_first, is_failed) in [(ill(None), true), (lost(), false)] {
        let mut play = Play::of(Settings { max_attempts: 3, ..settings() }, standing(&[20]));
        let unlucky = play.sent[0];
        play.answer(unlucky, at_first);
        while play.ending.is_none() {
            for batch in std::mem::take(&mut play.sent) {
                play.answer(batch, if batch == unlucky { ill(None) } else { done() });
            }
            play.wait(1.0);
        }
        assert_eq!(play.ending, Some(Ending::Finished));
        let (.., change) = play.outcomes.iter().rfind(|(batch, ..)| *batch == unlucky).unwrap();
        match change {
            BatchChange::Failed(refusal) if is_failed => {
                assert_eq!(refusal.code.as_str(), "RETRIES_EXHAUSTED")
            }
            BatchChange::InDoubt(_) if !is_failed => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn three_answers_in_a_row_that_are_not_the_services_pause_the_run() {
    let foreign = || Verdict::Foreign(Foreign { status: 302, reason: "a redirect".into() });
    let mut play = Play::of(settings(), standing(&[20]));
    for _ in 0..3 {
        let [first, second] = [play.sent[0], play.sent[1]];
        play.answer(first, foreign());
        play.answer(second, done());
        assert_eq!(play.ending, None);
    }
    play.answer_all(&foreign());
    play.wait(60.0);
    play.answer_all(&foreign());
    play.answer_all(&foreign());
    assert_eq!(play.ending, Some(Ending::Foreign("a redirect".into())));
}

#[test]
fn a_service_that_takes_nothing_is_unreachable_and_fails_nobody() {
    let settings = Settings { max_attempts: 2, ..settings() };
    let mut play = Play::of(settings.clone(), standing(&[50]));
    while play.ending.is_none() {
        play.answer_all(&ill(None));
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    assert_eq!(play.ending, Some(Ending::Unreachable("HTTP 503".into())));
    assert!((60..180).contains(&play.now.as_secs()), "after its time: {:?}", play.now);
    assert!(!play.outcomes.iter().any(|(_, _, change)| matches!(change, BatchChange::Failed(_))));

    // One batch is left, of a run of which much was accepted: where the service answers, it is the batch.
    for answered in [true, false] {
        let mut play = Play::of(settings.clone(), standing(&[1]));
        let fault = fault(None, answered, false, "no");
        while play.ending.is_none() {
            play.answer_all(&fault);
            let after = play.wakes_after().unwrap_or(0.0);
            play.wait(after);
        }
        let failed = play.outcomes.iter().any(|(_, _, change)| matches!(change, BatchChange::Failed(_)));
        let ending = if answered { Ending::Finished } else { Ending::Unreachable("no".into()) };
        assert_eq!((failed, play.ending), (answered, Some(ending)));
    }
}

#[test]
fn a_service_that_asks_for_one_wait_after_another_is_given_up() {
    // The first wait is kept however long it is; those after it count as time in which nothing got through.
    for (wait, refusals) in [(1, 62), (30, 4), (45, 4), (600, 3)] {
        for throttled in [true, false] {
            let mut play = Play::of(Settings { max_attempts: 1000, ..settings() }, standing(&[1]));
            let mut told = 0;
            while play.ending.is_none() {
                told += u64::from(!play.sent.is_empty());
                play.answer_all(&fault(Some(wait), true, throttled, "no"));
                let after = play.wakes_after().unwrap_or(0.0);
                play.wait(after);
            }
            let after = told.saturating_sub(1) * wait;
            assert_eq!(
                (told, &play.ending),
                (refusals, &Some(Ending::Unreachable("no".into()))),
                "{after} s"
            );
        }
    }
}

#[test]
fn a_wait_that_a_reading_is_told_is_everyones_and_a_longer_one_than_is_borne_ends_the_run() {
    for (wait, borne) in [(600, true), (601, false)] {
        let mut play = Play::of(settings(), standing(&[100]));
        let retry_after = Some(Duration::from_secs(wait));
        play.tell(Event::ReadAnswered { throttled: true, retry_after });
        play.answer_all(&done());
        assert!(play.sent.is_empty(), "sent during a pause");
        let ending = Ending::LongPause { org: None, wait: Duration::from_secs(wait) };
        assert_eq!(play.ending, (!borne).then_some(ending));
    }
}

/// Where a run stands of which so many users are left, each alone, and some of them were never tried.
fn left_alone(users: u32, untried: u32) -> ResumePoint {
    let mut point = standing(&[users]);
    let open = (0..users).map(|number| OpenBatch {
        part: Part { batch: BatchId(number + 1), span: Span::new(number, number).unwrap() },
        in_doubt: false,
        may_have_passed: false,
        tried: number >= untried,
    });
    (point.lanes[0].open, point.lanes[0].unsent) = (open.collect(), Vec::new());
    ResumePoint { next_batch: users + 1, ..point }
}

/// How it ends where everybody is always answered 500.
fn always_faulty(last_try: bool, untried: u32) -> Play {
    let mut play = Play::of(Settings { last_try, ..settings() }, left_alone(20, untried));
    while play.ending.is_none() {
        play.answer_all(&ill(None));
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    play
}

#[test]
fn whoever_goes_on_with_users_who_always_fail_comes_to_an_end() {
    let pauses = Some(Ending::Unreachable("HTTP 503".into()));
    // It may be an outage, until somebody has waited for its end.
    let play = always_faulty(false, 0);
    assert_eq!(play.ending, pauses);
    let play = always_faulty(true, 0);
    assert_eq!(play.ending, Some(Ending::Finished));
    let failed = play.outcomes.iter().filter(|(_, _, change)| change.failed_rows(1) > 0);
    assert_eq!(failed.count(), 20);
}

#[test]
fn who_was_never_tried_goes_first_after_an_outage_and_nobody_fails_before() {
    let mut play = Play::of(Settings { last_try: true, ..settings() }, left_alone(20, 4));
    let first: Vec<u32> = play.intents.iter().take(4).map(|(_, span)| span.first().0).collect();
    assert_eq!(first, [0, 1, 2, 3]);
    // A minute is too short to try them all.
    let mut waiting = Play::of(Settings { last_try: true, ..settings() }, left_alone(200, 150));
    for play in [&mut play, &mut waiting] {
        while play.ending.is_none() {
            play.answer_all(&ill(None));
            play.wait(1.0);
        }
    }
    assert_eq!(play.ending, Some(Ending::Finished));
    assert_eq!(waiting.ending, Some(Ending::Unreachable("HTTP 503".into())));
    assert!(waiting.outcomes.iter().all(|(_, _, change)| change.failed_rows(1) == 0));
}
