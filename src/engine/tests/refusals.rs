//! Refusals, and what the service was not understood to take.

use super::*;

#[test]
fn a_403_is_the_tokens_until_another_user_is_accepted() {
    // Everybody is refused: after the second user that is clear.
    let mut play = Play::of(Settings { concurrency: 1, ..settings() }, standing(&[20]));
    play.answer_all(&forbidden_words());
    assert_eq!(play.ending, None);
    play.answer_all(&forbidden_words());
    assert!(matches!(play.ending, Some(Ending::Forbidden { .. })), "{:?}", play.ending);
    assert!(play.outcomes.iter().all(|(_, _, change)| *change == BatchChange::Pending));

    // One is refused, the others are accepted: it is for the user.
    let mut play = Play::of(Settings { batch_size: 4, ..settings() }, standing(&[20]));
    while play.ending.is_none() {
        let batch = play.sent[0];
        let span = play.span_of(batch);
        let shunned = (span.first().0..=span.last().0).contains(&1);
        play.answer(batch, if shunned { forbidden_words() } else { done() });
    }
    assert_eq!(play.ending, Some(Ending::Finished));
    let failed = play.outcomes.iter().filter(|(_, _, change)| matches!(change, BatchChange::Failed(_)));
    assert_eq!(
        failed.map(|(batch, ..)| play.span_of(*batch)).collect::<Vec<_>>(),
        [Span::new(1, 1).unwrap()]
    );

    // Ten in a row, and it is the token after all.
    let mut play = Play::of(Settings { concurrency: 1, ..settings() }, standing(&[50]));
    play.answer_all(&done());
    for _ in 0..10 {
        assert_eq!(play.ending, None);
        play.answer_all(&forbidden_words());
    }
    assert!(matches!(play.ending, Some(Ending::Forbidden { .. })), "{:?}", play.ending);
    let failed = play.outcomes.iter().filter(|(_, _, change)| matches!(change, BatchChange::Failed(_)));
    assert_eq!(failed.count(), 9);
}

#[test]
fn refusals_without_a_reason_are_held_back_until_something_is_accepted() {
    let nothing_yet = ResumePoint { accepted: false, ..standing(&[100]) };
    let mut play = Play::of(Settings { wire: Wire::Auto, ..settings() }, nothing_yet.clone());
    // One at a time, in the one form and then in the other.
    assert_eq!(play.sent.len(), 1);
    for _ in 0..4 {
        play.answer_all(&refused(None));
        assert_eq!(play.sent.len(), 1);
    }
    assert!(play.outcomes.iter().all(|(_, _, change)| *change == BatchChange::Pending));
    play.answer_all(&done());
    let failed = play.outcomes.iter().filter(|(_, _, change)| matches!(change, BatchChange::Failed(_)));
    assert_eq!(failed.count(), 2);

    let mut play = Play::of(Settings { wire: Wire::Auto, ..settings() }, nothing_yet);
    for _ in 0..20 {
        assert_eq!(play.ending, None);
        play.answer_all(&refused(None));
    }
    assert!(matches!(play.ending, Some(Ending::ProbablyWrong { .. })), "{:?}", play.ending);
}

#[test]
fn of_two_refusals_the_one_with_a_code_is_kept_and_the_first_of_equals() {
    let nothing_yet = ResumePoint { accepted: false, ..standing(&[3]) };
    for (array, object, kept) in [(Some("A"), Some("O"), "A"), (Some("A"), None, "A"), (None, Some("O"), "O")]
    {
        let mut play = Play::of(Settings { wire: Wire::Auto, ..settings() }, nothing_yet.clone());
        play.answer_all(&refused(array));
        play.answer_all(&refused(object));
        let (_, _, change) = play.outcomes.last().unwrap();
        let BatchChange::Failed(refusal) = change else { panic!("{change:?}") };
        assert_eq!(refusal.code.as_str(), kept, "{array:?} and {object:?}");
    }
}

#[test]
fn a_refused_batch_is_split_until_one_is_alone() {
    let mut play = Play::of(Settings { batch_size: 4, concurrency: 1, ..settings() }, standing(&[4]));
    let mut sizes = Vec::new();
    while let Some(batch) = play.sent.first().copied() {
        let span = play.span_of(batch);
        sizes.push(span.len());
        let poisoned = span.first().0 <= 2 && span.last().0 >= 2;
        play.answer(batch, if poisoned { refused(Some("X")) } else { done() });
    }
    assert_eq!(sizes, [4, 2, 2, 1, 1]);
    assert_eq!(play.ending, Some(Ending::Finished));
}

#[test]
fn a_token_that_worked_is_read_again_when_it_is_refused_and_one_that_never_did_is_not() {
    for works in [true, false] {
        let mut play = Play::of(settings(), standing(&[100]));
        play.answer_all(&Verdict::Unauthorized);
        assert_eq!((play.token_reads, play.sent.len()), (1, 0));
        play.tell(Event::TokenRead { changed: true });
        assert_eq!(play.sent.len(), 2);
        if works {
            play.answer_all(&ill(None));
            play.wait(1.0);
        }
        play.answer_all(&Verdict::Unauthorized);
        let ending = (!works).then_some(Ending::TokenRejected);
        assert_eq!((play.token_reads, &play.ending), (if works { 2 } else { 1 }, &ending));
    }
}

#[test]
fn the_form_that_is_understood_is_learned_once() {
    let nothing_yet = ResumePoint { accepted: false, ..standing(&[10]) };
    let mut play = Play::of(Settings { wire: Wire::Auto, ..settings() }, nothing_yet);
    while let Some(batch) = play.sent.first().copied() {
        let sent = play.intents.iter().rposition(|(id, _)| *id == batch).unwrap();
        let understood = play.forms[sent] == WireForm::Object;
        play.answer(batch, if understood { done() } else { refused(None) });
    }
    let Play { learned, forms, .. } = play;
    assert_eq!(learned, [WireForm::Object]);
    assert_eq!(forms[..2], [WireForm::Array, WireForm::Object]);
    assert!(forms[2..].iter().all(|form| *form == WireForm::Object));
}

#[test]
fn what_left_before_the_form_was_learned_was_refused_for_its_form() {
    let nothing_yet = ResumePoint { accepted: false, ..standing(&[1, 1]) };
    let mut play = Play::of(Settings { wire: Wire::Auto, ..settings() }, nothing_yet);
    let first = play.sent[0];
    play.answer(first, refused(None));
    play.answer(first, fault(Some(1), true, true, "HTTP 429"));
    let second = play.sent[0];
    // What was throttled comes back beside what is in flight.
    play.wait(1.0);
    assert_eq!(play.forms, [WireForm::Array, WireForm::Object, WireForm::Array, WireForm::Object]);
    play.answer(first, done());
    play.answer(second, refused(None));
    assert_eq!((play.sent.as_slice(), play.forms.last()), ([second].as_slice(), Some(&WireForm::Object)));
    play.answer(second, done());
    assert_eq!(play.ending, Some(Ending::Finished));
    assert!(play.outcomes.iter().all(|(_, _, change)| change.failed_rows(1) == 0));
}

#[test]
fn whoever_goes_on_after_a_403_has_few_users_refused_for_their_own_sake_and_ten_for_the_tokens() {
    for (users, insisted, finished) in
        [(1, false, false), (1, true, true), (9, true, true), (10, true, false), (9, false, false)]
    {
        let settings = Settings { insisted, batch_size: 3, ..settings() };
        let mut play = Play::of(settings, standing(&[users]));
        while play.ending.is_none() {
            play.answer_all(&forbidden_words());
            play.wait(1.0);
        }
        let failed: u64 = play.outcomes.iter().map(|(_, _, change)| change.failed_rows(1)).sum();
        let case = format!("{users} users, {insisted}: {:?}", play.ending);
        assert_eq!(play.ending == Some(Ending::Finished), finished, "{case}");
        assert_eq!(failed, if finished { u64::from(users) } else { 0 }, "{case}");
    }
}
