//! The engine played by hand: what the laws of the simulation leave open.

use std::time::Duration;

use super::{
    Effect, Ending, Engine, Event, Finding, Foreign, Instruction, OperationEffect, Rejection, Settings,
    Verdict,
};
use crate::domain::{
    Action, Assignment, AssignmentNo, AttemptOutcome, BatchChange, BatchId, Change, EmailAddress, ErrorCode,
    FailureLimit, InDoubt, Intent, LaneResumePoint, LicenseId, Line, Operation, OperationFailure,
    OperationKey, OrgId, Outcome, Properties, RatePer, Refusal, ResumePoint, Sequence, Span, User, Wire,
    WireForm,
};

/// An engine whose disk is at once done with everything, unless it is told to dawdle.
struct Play {
    engine: Engine,
    now: Duration,
    dawdles: bool,
    events: u32,
    intents: Vec<(BatchId, Span)>,
    attempts: Vec<u32>,
    forms: Vec<WireForm>,
    learned: Vec<WireForm>,
    sent: Vec<BatchId>,
    outcomes: Vec<(BatchId, Option<AttemptOutcome>, BatchChange)>,
    /// How often it wants the token read again.
    token_reads: u32,
    /// Batches that it wants to be asked about.
    asked: Vec<BatchId>,
    /// Users below this one give a license back, all others get it.
    gives: u32,
    ending: Option<Ending>,
}

fn settings() -> Settings {
    Settings {
        batch_size: 1,
        concurrency: 2,
        max_attempts: 5,
        wire: Wire::Array,
        rate: "unlimited".parse().unwrap(),
        max_wait: Duration::from_secs(600),
        give_up_after: Duration::from_secs(60),
        in_doubt: InDoubt::Resend,
        canary: None,
        max_failures: None,
        stop_grace: Duration::from_secs(10),
        operations: 1000,
        rate_per: RatePer::Org,
        sequence: Sequence::Free,
        assured: false,
    }
}

/// So many users of each organization, of whom none has been sent, though something was accepted before.
fn standing(users: &[u32]) -> ResumePoint {
    let mut first = 0;
    let lanes = users.iter().enumerate().map(|(number, users)| {
        let span = Span::new(first, first + users - 1).unwrap();
        first += users;
        let org = (number > 0).then(|| OrgId::parse(&format!("O{number}")).unwrap());
        LaneResumePoint { org, covers: vec![span], unsent: vec![span], ..LaneResumePoint::default() }
    });
    ResumePoint {
        lanes: lanes.collect(),
        pause: Duration::ZERO,
        next_batch: 1,
        next_attempt: 1,
        accepted: true,
        failed: 0,
        first: 0,
        wire: None,
    }
}

impl Play {
    fn of(settings: Settings, standing: ResumePoint) -> Self {
        Self::giving(0, settings, standing)
    }

    fn giving(gives: u32, settings: Settings, standing: ResumePoint) -> Self {
        let mut play = Self {
            engine: Engine::new(settings, standing),
            now: Duration::ZERO,
            dawdles: false,
            events: 0,
            intents: Vec::new(),
            attempts: Vec::new(),
            forms: Vec::new(),
            learned: Vec::new(),
            sent: Vec::new(),
            outcomes: Vec::new(),
            token_reads: 0,
            asked: Vec::new(),
            gives,
            ending: None,
        };
        play.tell(Event::TimePassed);
        play
    }

    fn tell(&mut self, event: Event) {
        self.events += 1;
        assert!(self.events < 100_000, "it goes on forever");
        self.engine.handle(self.now, 0.5, event);
        while let Some(instruction) = self.engine.next_instruction() {
            match instruction {
                Instruction::CommitIntent(Intent { batch, span, attempt, wire }) => {
                    self.intents.push((batch, span));
                    self.attempts.push(attempt.0);
                    self.forms.push(wire);
                    self.engine.load(
                        batch,
                        (span.first().0..=span.last().0)
                            .map(|number| assignment(number, self.gives))
                            .collect(),
                    );
                    if !self.dawdles {
                        self.engine.handle(self.now, 0.5, Event::IntentCommitted(batch));
                    }
                }
                Instruction::Send { batch } => self.sent.push(batch),
                Instruction::CommitOutcome(Outcome { batch, attempt, change, learned, .. }) => {
                    self.learned.extend(learned);
                    self.outcomes.push((batch, attempt, change));
                    if !self.dawdles {
                        self.engine.handle(self.now, 0.5, Event::OutcomeCommitted(batch));
                    }
                }
                Instruction::Finish(ending) => self.ending = Some(ending),
                Instruction::ReadToken => self.token_reads += 1,
                Instruction::Verify { batch, .. } => self.asked.push(batch),
                Instruction::Read | Instruction::Pause { .. } | Instruction::Block { .. } => {}
            }
        }
    }

    fn answer(&mut self, batch: BatchId, verdict: Verdict) {
        self.sent.retain(|sent| *sent != batch);
        self.tell(Event::Answered { batch, verdict });
    }

    /// Answers whatever is in flight, in the order in which it left.
    fn answer_all(&mut self, verdict: &Verdict) {
        for batch in std::mem::take(&mut self.sent) {
            self.answer(batch, verdict.clone());
        }
    }

    fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
        self.tell(Event::TimePassed);
    }

    fn wakes_after(&self) -> Option<f64> {
        self.engine.next_wakeup().map(|at| (at - self.now).as_secs_f64())
    }

    fn span_of(&self, batch: BatchId) -> Span {
        self.intents.iter().rev().find(|(id, _)| *id == batch).unwrap().1
    }
}

/// One operation for one user.
fn assignment(number: u32, gives: u32) -> Assignment {
    let action = if number < gives { Action::Remove } else { Action::Add };
    let change = Change::License(LicenseId::parse("L").unwrap(), Properties::default());
    let operation = Operation { key: OperationKey::of_line(Line::new(number + 2)), action, change, rows: 1 };
    let user = User::Email(EmailAddress::parse(&format!("user{number}@example.com")).unwrap());
    Assignment { number: AssignmentNo(number), user, org: None, operations: vec![operation] }
}

fn done() -> Verdict {
    Verdict::Accepted { failures: Vec::new(), words: None }
}

/// A passing fault.
fn fault(retry_after: Option<u64>, answered: bool, throttled: bool, reason: &str) -> Verdict {
    Verdict::SendAgain {
        retry_after: retry_after.map(Duration::from_secs),
        in_doubt: false,
        answered,
        throttled,
        reason: reason.into(),
    }
}

/// An answer that never came.
fn lost() -> Verdict {
    Verdict::SendAgain {
        retry_after: None,
        in_doubt: true,
        answered: false,
        throttled: false,
        reason: "reset".into(),
    }
}

fn ill(retry_after: Option<u64>) -> Verdict {
    fault(retry_after, true, false, "HTTP 503")
}

fn forbidden_words() -> Verdict {
    Verdict::Forbidden(Rejection { status: 403, code: None, message: "no".into(), tracking_id: None })
}

fn refused(code: Option<&'static str>) -> Verdict {
    let code = code.map(ErrorCode::ours);
    Verdict::Rejected(Rejection { status: 400, code, message: "no".into(), tracking_id: None })
}

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
fn three_answers_in_a_row_that_are_not_the_services_pause_the_run() {
    let foreign = || Verdict::Foreign(Foreign { status: 302, reason: "a redirect".into() });
    let mut play = Play::of(settings(), standing(&[20]));
    for _ in 0..3 {
        let [first, second] = [play.sent[0], play.sent[1]];
        play.answer(first, foreign());
        assert_eq!(play.ending, None);
        play.answer(second, done());
    }
    play.answer_all(&foreign());
    play.wait(60.0);
    play.answer_all(&foreign());
    play.answer_all(&foreign());
    assert_eq!(play.ending, Some(Ending::Foreign("a redirect".into())));
}

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
