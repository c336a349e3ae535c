//! What leaves when, and what is waited for.

use super::*;

#[test]
fn three_times_as_many_are_ready_as_are_in_flight() {
    let mut play = Play::of(settings(), standing(&[100]));
    assert_eq!((play.sent.len(), play.intents.len()), (2, 8));
    play.answer_all(&done());
    assert_eq!((play.sent.len(), play.intents.len()), (2, 10));
}

#[test]
fn an_answer_is_accepted_or_partial_and_every_attempt_has_its_name() {
    let mut play = Play::of(settings(), standing(&[3]));
    while let Some(batch) = play.sent.first().copied() {
        let refusal = Refusal { code: ErrorCode::ours("X"), message: "no".into() };
        let key = OperationKey::of_line(Line::new(2));
        let failure = OperationFailure { assignment: AssignmentNo(0), key, rows: 1, refusal };
        let failures = if batch.0 == 2 { vec![failure] } else { Vec::new() };
        play.answer(batch, Verdict::Accepted { failures, words: None });
    }
    let outcomes: Vec<_> =
        play.outcomes.iter().map(|(batch, attempt, _)| (batch.0, attempt.unwrap())).collect();
    assert_eq!(play.attempts, [1, 2, 3]);
    let [all, some] = [AttemptOutcome::Accepted, AttemptOutcome::Partial];
    assert_eq!(outcomes, [(1, all), (2, some), (3, all)]);
}

#[test]
fn a_disk_that_dawdles_is_not_flooded() {
    let mut play = Play::of(settings(), standing(&[100]));
    play.dawdles = true;
    for _ in 0..10 {
        play.answer_all(&done());
    }
    // Those that were ready are sent; nothing more is committed, so nothing more can be.
    assert_eq!(play.outcomes.len(), 8);
    assert_eq!(play.intents.len(), 14);
    assert!(play.sent.is_empty());
}

#[test]
fn nothing_wakes_an_engine_that_waits_for_answers() {
    let mut play = Play::of(settings(), standing(&[100]));
    assert_eq!(play.wakes_after(), None);
    play.answer_all(&done());
    assert_eq!(play.wakes_after(), None);
}

#[test]
fn the_pace_wakes_when_the_next_request_may_leave() {
    let rate = "2/s".parse().unwrap();
    let mut play = Play::of(Settings { rate, ..settings() }, standing(&[100]));
    assert_eq!(play.sent.len(), 1);
    while play.sent.len() == 1 {
        let after = play.wakes_after().unwrap();
        play.wait(after);
    }
    assert!((0.5..0.51).contains(&play.now.as_secs_f64()), "{:?}", play.now);
    // Intents are made ready a second ahead and no more.
    assert!((3..=5).contains(&play.intents.len()), "{}", play.intents.len());
}

#[test]
fn a_pause_wakes_at_its_end() {
    let mut play = Play::of(settings(), standing(&[100]));
    let first = play.sent[0];
    play.answer(first, ill(Some(30)));
    assert_eq!(play.wakes_after(), Some(30.0));
    let others = play.sent.clone();
    play.answer_all(&done());
    assert!(play.sent.is_empty(), "sent during a pause: {others:?}");
    play.wait(29.0);
    assert!(play.sent.is_empty());
    play.wait(1.0);
    assert_eq!(play.sent.len(), 2);
}

#[test]
fn a_pause_as_long_as_is_borne_is_waited_for_and_a_longer_one_ends_the_run() {
    for (wait, borne) in [(600, true), (601, false)] {
        let mut play = Play::of(settings(), standing(&[100]));
        let first = play.sent[0];
        play.answer(first, ill(Some(wait)));
        play.answer_all(&done());
        let ending = Ending::LongPause { org: None, wait: Duration::from_secs(wait) };
        assert_eq!(play.ending, (!borne).then_some(ending));
    }
}

#[test]
fn a_throttled_batch_spends_no_attempt_and_leaves_before_what_was_never_sent() {
    let mut play = Play::of(Settings { give_up_after: Duration::MAX, ..settings() }, standing(&[20]));
    let (first, second) = (play.sent[0], play.sent[1]);
    play.answer(second, done());
    for _ in 0..50 {
        play.answer(first, fault(None, true, true, "HTTP 429"));
        while !play.sent.contains(&first) {
            assert_eq!(play.sent.len(), 1, "something new left before what was throttled");
            play.wait(1.0);
        }
    }
    while play.ending.is_none() {
        play.answer_all(&done());
        play.wait(1.0);
    }
    assert_eq!(play.ending, Some(Ending::Finished));
    assert!(play.outcomes.iter().all(|(_, _, change)| !matches!(change, BatchChange::Failed(_))));
}

#[test]
fn who_gets_a_license_waits_until_it_is_given_back() {
    let mut play = Play::giving(
        20,
        Settings { sequence: Sequence::RemovesFirst, concurrency: 8, batch_size: 10, ..settings() },
        standing(&[40]),
    );
    // The first twenty give back, the others get.
    let (first, second) = (play.sent[0], play.sent[1]);
    assert_eq!(play.sent.len(), 2);
    play.answer(first, done());
    assert_eq!(play.sent, [second]);
    play.answer(second, ill(None));
    assert!(play.sent.is_empty());
    play.wait(1.0);
    play.answer(second, done());
    assert_eq!(play.sent.len(), 2);
    play.answer_all(&done());
    assert_eq!(play.ending, Some(Ending::Finished));
}

#[test]
fn who_waits_for_one_license_is_not_overtaken_by_who_wants_another_of_it() {
    let asks = |number| match number {
        0 => vec![(Action::Remove, "C")],
        1 => vec![(Action::Add, "B"), (Action::Add, "C")],
        2 => vec![(Action::Add, "B")],
        _ => vec![(Action::Add, "D")],
    };
    let play = |sequence| {
        let settings = Settings { sequence, concurrency: 8, ..settings() };
        Play::asking(asks, settings, standing(&[4]))
    };
    assert_eq!(play(Sequence::Free).users_sent(), [0, 1, 2, 3]);
    // Who fits in no wave goes last, behind all waves.
    for sequence in [Sequence::RemovesFirst, Sequence::Waves(vec![1, 2])] {
        let mut play = play(sequence);
        assert_eq!(play.users_sent(), [0, 3]);
        play.answer(play.sent[0], done());
        assert_eq!(play.users_sent(), [3, 1, 2]);
    }
    // In one wave there are units for all.
    assert_eq!(play(Sequence::Waves(vec![1])).users_sent(), [0, 2, 3]);
}

#[test]
fn a_pace_that_is_found_slows_down_after_a_429() {
    let sent_in_a_minute = |verdict: &Verdict| {
        let mut play =
            Play::of(Settings { rate: "auto".parse().unwrap(), ..settings() }, standing(&[100_000]));
        let mut sent = 0;
        while play.now < Duration::from_secs(60) {
            for batch in std::mem::take(&mut play.sent) {
                sent += 1;
                play.answer(batch, if sent % 20 == 0 { verdict.clone() } else { done() });
            }
            play.wait(0.05);
        }
        sent
    };
    let unhindered = sent_in_a_minute(&done());
    let [faulty, throttled] =
        [false, true].map(|throttled| sent_in_a_minute(&fault(None, true, throttled, "no")));
    assert!(throttled < unhindered / 2, "{throttled} of {unhindered}");
    assert!(faulty > throttled * 3 / 2, "{faulty}, and {throttled} where it was the pace");
}

#[test]
fn a_fault_while_everything_is_throttled_says_nothing_of_the_pace() {
    let settings = Settings { rate: "auto".parse().unwrap(), give_up_after: Duration::MAX, ..settings() };
    let mut play = Play::of(settings, standing(&[1000]));
    // Until one request at a time tries whether anything gets through.
    for _ in 0..200 {
        play.answer_all(&fault(None, true, true, "HTTP 429"));
        play.wait(0.1);
    }
    let mut faults = 0;
    for _ in 0..200 {
        if let Some(trying) = play.sent.first().copied().filter(|_| faults < 3) {
            faults += 1;
            play.answer(trying, ill(None));
        }
        play.wait(0.1);
        assert!(play.sent.len() <= 1, "after {faults} faults");
    }
    assert_eq!((faults, play.sent.len()), (3, 1));
    play.answer_all(&done());
    (0..200).for_each(|_| play.wait(0.1));
    assert_eq!(play.sent.len(), 2);
}

#[test]
fn a_stop_awaits_answers_for_its_grace_and_leaves_the_rest_in_doubt() {
    let mut play = Play::of(settings(), standing(&[100]));
    let (first, second) = (play.sent[0], play.sent[1]);
    play.tell(Event::StopAsked);
    assert_eq!(play.wakes_after(), Some(10.0));
    // What was ready is given back.
    let given_back = |(_, attempt, change): &&(_, Option<AttemptOutcome>, BatchChange)| {
        attempt.is_none() && *change == BatchChange::Pending
    };
    assert_eq!(play.outcomes.iter().filter(given_back).count(), 6);
    play.answer(first, done());
    assert_eq!(play.ending, None);
    play.dawdles = true;
    play.wait(10.0);
    let (batch, attempt, change) = play.outcomes.last().unwrap();
    assert_eq!((*batch, *attempt), (second, Some(AttemptOutcome::InDoubt)));
    assert!(matches!(change, BatchChange::InDoubt(_)));
    assert_eq!((play.wakes_after(), &play.ending), (None, &None));
    play.tell(Event::OutcomeCommitted(second));
    assert_eq!(play.ending, Some(Ending::Stopped));
}

#[test]
fn a_throttled_batch_that_is_sent_one_by_one_leaves_before_what_was_never_sent() {
    let nothing_yet = ResumePoint { accepted: false, ..standing(&[8, 1]) };
    let settings = Settings { wire: Wire::Auto, batch_size: 4, ..settings() };
    let mut play = Play::of(settings, nothing_yet);
    let [whole] = play.sent[..] else { panic!("{:?}", play.sent) };
    play.answer(whole, fault(Some(30), true, true, "HTTP 429"));
    let [other] = play.sent[..] else { panic!("{:?}", play.sent) };
    play.answer(other, refused(None));
    play.answer(other, done());
    assert_eq!(play.learned, [WireForm::Object]);
    play.wait(30.0);
    for user in 0..8 {
        while play.sent.is_empty() {
            play.wait(1.0);
        }
        let firsts: Vec<u32> = play.sent.iter().map(|batch| play.span_of(*batch).first().0).collect();
        assert!(firsts.contains(&user), "{user}: {firsts:?}");
        assert!(user > 2 || firsts.len() == 1, "{firsts:?}");
        let batch = play.sent[0];
        play.answer(batch, done());
    }
    assert_eq!(play.ending, Some(Ending::Finished));
}

#[test]
fn a_throttled_batch_that_was_ready_in_the_other_form_keeps_its_place() {
    let nothing_yet = ResumePoint { accepted: false, ..standing(&[8, 1]) };
    let settings = Settings { wire: Wire::Auto, batch_size: 4, concurrency: 1, ..settings() };
    let mut play = Play::of(settings, nothing_yet);
    let whole = play.sent[0];
    play.answer(whole, fault(Some(1), true, true, "HTTP 429"));
    let other = play.sent[0];
    play.answer(other, refused(None));
    // It is made ready as an array, while the other organization finds out that users go one by one.
    play.wait(1.0);
    play.answer(other, done());
    assert_eq!(play.learned, [WireForm::Object]);
    let mut users = Vec::new();
    while play.ending.is_none() {
        users.extend(play.sent.iter().map(|batch| play.span_of(*batch).first().0));
        play.answer_all(&done());
        play.wait(1.0);
    }
    assert_eq!(users, [0, 1, 2, 3, 4, 5, 6, 7]);
}
