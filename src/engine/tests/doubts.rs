//! What may have been done.

use super::*;

#[test]
fn what_was_never_answered_stays_in_doubt() {
    let mut play = Play::of(settings(), standing(&[20]));
    let first = play.sent[0];
    while play.ending.is_none() {
        for batch in std::mem::take(&mut play.sent) {
            play.answer(batch, if batch == first { lost() } else { done() });
        }
        let after = play.wakes_after().unwrap_or(0.0);
        play.wait(after);
    }
    assert_eq!(play.ending, Some(Ending::Finished));
    let last = play.outcomes.iter().rfind(|(batch, ..)| *batch == first);
    assert!(matches!(last, Some((_, _, BatchChange::InDoubt(_)))), "{last:?}");
}

#[test]
fn what_was_in_doubt_and_is_refused_is_looked_up() {
    for effect in [Effect::InEffect, Effect::NotInEffect, Effect::Unknown] {
        let mut play = Play::of(settings(), standing(&[1]));
        let batch = play.sent[0];
        play.answer(batch, lost());
        play.wait(1.0);
        play.answer(batch, refused(Some("400")));
        assert_eq!((play.asked.as_slice(), &play.ending), ([batch].as_slice(), &None));
        let key = OperationKey::of_line(Line::new(2));
        let found = OperationEffect { assignment: AssignmentNo(0), key, rows: 1, effect };
        play.tell(Event::Verified { batch, finding: Finding::Known(vec![found]) });
        let (_, _, change) = play.outcomes.last().unwrap();
        match effect {
            Effect::InEffect => assert_eq!(*change, BatchChange::Done { failures: Vec::new() }),
            Effect::NotInEffect => assert_eq!(change.failed_rows(1), 1),
            Effect::Unknown => assert!(matches!(change, BatchChange::InDoubt(_))),
        }
        assert_eq!(play.ending, Some(Ending::Finished));
    }
}

#[test]
fn what_failed_in_the_middle_and_is_then_refused_is_looked_up() {
    let key = OperationKey::of_line(Line::new(2));
    let found =
        |effect| Finding::Known(vec![OperationEffect { assignment: AssignmentNo(0), key, rows: 1, effect }]);
    for (finding, failed) in [
        (found(Effect::InEffect), 0),
        (found(Effect::NotInEffect), 1),
        // It had an answer each time: where nobody can tell, the last of them counts.
        (found(Effect::Unknown), 1),
        (Finding::Unknown("no right to read".into()), 1),
    ] {
        for partial in [false, true] {
            let mut play = Play::of(settings(), standing(&[1]));
            let batch = play.sent[0];
            play.answer(batch, gateway());
            assert_eq!(play.outcomes.last().unwrap().2, BatchChange::Pending);
            play.wait(1.0);
            let refusal = Refusal { code: ErrorCode::ours("400"), message: "no".into() };
            let failure = OperationFailure { assignment: AssignmentNo(0), key, rows: 1, refusal };
            play.answer(
                batch,
                if partial {
                    Verdict::Accepted { failures: vec![failure], words: None }
                } else {
                    refused(Some("400"))
                },
            );
            assert_eq!((play.asked.as_slice(), &play.ending), ([batch].as_slice(), &None));
            play.tell(Event::Verified { batch, finding: finding.clone() });
            assert_eq!(play.outcomes.last().unwrap().2.failed_rows(1), failed, "{finding:?} {partial}");
            assert_eq!(play.ending, Some(Ending::Finished));
        }
    }
}

#[test]
fn the_halves_of_what_failed_in_the_middle_are_looked_up_as_the_whole_would_be() {
    let mut play = Play::of(Settings { batch_size: 2, ..settings() }, standing(&[2]));
    let whole = play.sent[0];
    play.answer(whole, gateway());
    play.wait(1.0);
    play.answer(whole, refused(Some("400")));
    let halves = play.sent.clone();
    assert_eq!((halves.len(), play.users_sent()), (2, vec![0, 1]));
    play.answer(halves[0], refused(Some("400")));
    play.answer(halves[1], done());
    assert_eq!((play.asked.as_slice(), &play.ending), ([halves[0]].as_slice(), &None));
}

#[test]
fn what_was_found_in_effect_stays_in_doubt_on_disk_as_long_as_it_is_not_settled() {
    let settings = Settings { batch_size: 2, in_doubt: InDoubt::Verify, ..settings() };
    let mut play = Play::of(settings, standing(&[2]));
    let batch = play.sent[0];
    play.answer(batch, lost());
    play.wait(1.0);
    let found = [(0, Effect::InEffect), (1, Effect::NotInEffect)].map(|(number, effect)| {
        let key = OperationKey::of_line(Line::new(number + 2));
        OperationEffect { assignment: AssignmentNo(number), key, rows: 1, effect }
    });
    play.tell(Event::Verified { batch, finding: Finding::Known(found.to_vec()) });
    // A process that goes on from here knows nothing of what was found.
    play.answer(batch, ill(None));
    let (_, _, change) = play.outcomes.last().unwrap();
    assert!(matches!(change, BatchChange::InDoubt(_)), "{change:?}");
    play.wait(1.0);
    play.answer(batch, refused(Some("400")));
    // This one does, and asks nobody again.
    let right = play.sent[0];
    play.answer(right, refused(Some("400")));
    assert_eq!((play.asked.as_slice(), &play.ending), ([batch].as_slice(), &Some(Ending::Finished)));
    let settled = play.outcomes.iter().filter(|(_, _, change)| change.failed_rows(1) > 0);
    assert_eq!(settled.map(|(batch, ..)| *batch).collect::<Vec<_>>(), [right]);
    let split = play.outcomes.iter().find_map(|(_, _, change)| match change {
        BatchChange::Split { left, right, doubt } => Some((*left, *right, doubt.is_some())),
        _ => None,
    });
    let (left, in_doubt) = split.map(|(left, _, in_doubt)| (left.batch, in_doubt)).unwrap();
    assert!(in_doubt);
    assert!(play.outcomes.contains(&(left, None, BatchChange::Done { failures: Vec::new() })));
}

#[test]
fn a_part_found_in_effect_gives_its_place_to_the_part_behind_it() {
    let settings =
        Settings { wire: Wire::Auto, batch_size: 4, concurrency: 1, in_doubt: InDoubt::Verify, ..settings() };
    let mut play = Play::of(settings, ResumePoint { accepted: false, ..standing(&[4, 40]) });
    let whole = play.sent[0];
    while play.asked.is_empty() {
        play.answer_all(&lost());
        play.wait(1.0);
    }
    // All at once, when nobody is left to be sent.
    assert_eq!((play.asked.len(), play.asked[0]), (11, whole));
    for batch in play.asked.clone() {
        let span = play.span_of(batch);
        let found = (span.first().0..=span.last().0).map(|number| OperationEffect {
            assignment: AssignmentNo(number),
            key: OperationKey::of_line(Line::new(number + 2)),
            rows: 1,
            effect: if number == 1 { Effect::InEffect } else { Effect::NotInEffect },
        });
        play.tell(Event::Verified { batch, finding: Finding::Known(found.collect()) });
    }
    // Throttled as a whole; another organization finds out meanwhile that users go one by one.
    play.answer(whole, fault(Some(30), true, true, "HTTP 429"));
    while play.learned.is_empty() {
        let form = *play.forms.last().unwrap();
        play.answer_all(&if form == WireForm::Object { done() } else { refused(None) });
    }
    play.wait(30.0);
    while play.ending.is_none() {
        play.answer_all(&done());
        play.wait(1.0);
    }
    assert_eq!((play.ending, play.most_open), (Some(Ending::Finished), 4));
}

#[test]
fn the_service_is_asked_about_all_that_is_in_doubt_when_nothing_else_can_be_done() {
    let settings = Settings { in_doubt: InDoubt::Verify, ..settings() };
    let mut play = Play::of(settings, standing(&[40]));
    let mut lost_ones = Vec::new();
    while play.asked.is_empty() {
        for batch in std::mem::take(&mut play.sent) {
            let is_lost = batch.0 % 4 == 0;
            lost_ones.extend(is_lost.then_some(batch));
            play.answer(batch, if is_lost { lost() } else { done() });
        }
        play.wait(0.1);
    }
    assert_eq!((play.asked, lost_ones.len(), play.intents.len()), (lost_ones, 10, 40));
}

#[test]
fn who_holds_up_the_others_is_asked_about_while_there_is_more_to_be_sent() {
    // The first gives a license back that everybody else gets.
    let sequence = Sequence::RemovesFirst;
    let settings = Settings { in_doubt: InDoubt::Verify, sequence, ..settings() };
    let mut play = Play::giving(1, settings, standing(&[100]));
    let [first] = play.sent[..] else { panic!("{:?}", play.sent) };
    play.answer(first, lost());
    play.wait(1.0);
    assert_eq!(play.asked, [first]);
    let key = OperationKey::of_line(Line::new(2));
    let found = OperationEffect { assignment: AssignmentNo(0), key, rows: 1, effect: Effect::InEffect };
    play.tell(Event::Verified { batch: first, finding: Finding::Known(vec![found]) });
    assert_eq!(play.sent.len(), 2);
}
