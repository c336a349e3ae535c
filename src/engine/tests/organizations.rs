//! Organizations beside each other.

use super::*;

#[test]
fn organizations_take_turns_and_wait_for_themselves() {
    let mut play = Play::of(settings(), standing(&[50, 50]));
    let lanes =
        |play: &Play| play.sent.iter().map(|batch| play.span_of(*batch).first().0 / 50).collect::<Vec<_>>();
    assert_eq!(lanes(&play), [0, 1]);
    let throttled = fault(Some(40), true, true, "HTTP 429");
    let first = play.sent[0];
    play.answer(first, throttled);
    for _ in 0..10 {
        assert_eq!(lanes(&play), [1, 1]);
        play.answer_all(&done());
    }
    play.wait(40.0);
    play.answer_all(&done());
    // However much one has sent meanwhile: once what was ready is sent, they take turns again.
    (0..6).for_each(|_| play.answer_all(&done()));
    let before = play.intents.len();
    for _ in 0..4 {
        play.answer_all(&done());
        // The one that was refused for its pace is slower now.
        play.wait(2.0);
    }
    let anew = play.intents[before..].iter().filter(|(_, span)| span.first().0 < 50).count();
    assert!(anew >= 3, "{anew} of {}", play.intents.len() - before);
}

#[test]
fn one_organization_that_is_forbidden_holds_up_no_other() {
    let mut play = Play::of(settings(), standing(&[3, 3]));
    while play.ending.is_none() {
        for batch in std::mem::take(&mut play.sent) {
            let forbidden = play.span_of(batch).first().0 < 3;
            play.answer(batch, if forbidden { forbidden_words() } else { done() });
        }
    }
    assert_eq!(
        play.ending,
        Some(Ending::Forbidden { org: None, words: Some("no".into()), tracking_id: None })
    );
    let done = play.outcomes.iter().filter(|(_, _, change)| matches!(change, BatchChange::Done { .. }));
    assert_eq!(done.count(), 3);
}

/// Two organizations: the first is asked to wait, and nothing of the second gets through until the service is
/// ill and the leave for retries used up. Then the first one's wait is over, and its first request is refused for
/// the token's sake.
fn ill_beside_one_that_waits(second: u64) -> Play {
    let settings = Settings { give_up_after: Duration::MAX, ..settings() };
    let mut play = Play::of(settings, standing(&[30, 30]));
    let [first, other] = play.sent[..] else { panic!("{:?}", play.sent) };
    play.answer(first, fault(Some(590), true, true, "HTTP 429"));
    play.answer(other, ill(None));
    while play.now < Duration::from_secs(500) {
        play.answer_all(&ill(None));
        let after = play.wakes_after().unwrap();
        play.wait(after.min(5.0));
    }
    while play.sent.is_empty() {
        let after = play.wakes_after().unwrap();
        play.wait(after);
    }
    play.answer_all(&fault(Some(second), true, true, "HTTP 429"));
    play.wait(590.0 - play.now.as_secs_f64());
    while play.sent != [first] {
        play.wait(0.1);
    }
    play.answer(first, forbidden_words());
    play
}

#[test]
fn who_is_left_alone_is_no_reason_to_ask_nobody_else() {
    let mut play = ill_beside_one_that_waits(10_000);
    while play.sent.is_empty() {
        let after = play.wakes_after().expect("it waits for somebody who is left alone");
        assert!(play.now < Duration::from_secs(594));
        play.wait(after);
    }
    assert!(play.span_of(play.sent[0]).first().0 < 30);
}

#[test]
fn something_new_asks_an_ill_service_though_what_failed_has_to_wait() {
    let mut play = ill_beside_one_that_waits(599);
    let after = play.wakes_after().unwrap();
    assert!(play.sent.is_empty() && after <= 5.0, "{:?}, {after}", play.sent);
    play.wait(after);
    while play.sent.is_empty() {
        play.wait(play.wakes_after().filter(|after| *after < 5.0).unwrap());
    }
    assert!(play.span_of(play.sent[0]).first().0 < 30);
}

#[test]
fn what_was_throttled_of_one_that_is_left_alone_goes_before_nobody() {
    let mut play =
        Play::of(Settings { rate_per: RatePer::Run, concurrency: 4, ..settings() }, standing(&[10, 10]));
    let (kept, left): (Vec<BatchId>, Vec<BatchId>) =
        play.sent.iter().partition(|batch| play.span_of(**batch).first().0 < 10);
    play.answer(left[0], forbidden_words());
    let next = *play.sent.last().unwrap();
    play.answer(kept[0], done());
    play.answer(
        if play.span_of(next).first().0 < 10 { *play.sent.last().unwrap() } else { next },
        forbidden_words(),
    );
    play.answer(left[1], fault(None, true, true, "HTTP 429"));
    for _ in 0..100 {
        play.answer_all(&done());
        play.wait(1.0);
    }
    assert!(matches!(play.ending, Some(Ending::Forbidden { .. })), "{:?}", play.ending);
}
