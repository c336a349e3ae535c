//! What a seed makes: users and what is asked for them, settings, a service with its moods.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use seatbatch::domain::{
    Action, Assignment, AssignmentNo, Change, EmailAddress, InDoubt, LicenseId, Line, Operation,
    OperationKey, OrgId, Properties, Rate, RatePer, Sequence, Span, User, Wire, WireForm,
};
use seatbatch::engine::Settings;

use crate::service::{Moods, Service};

/// One organization mostly, or several, each with a stretch of the users.
pub(super) fn organizations(dice: &mut fastrand::Rng, users: u32) -> Vec<(Span, Option<OrgId>)> {
    let count = if dice.bool() { 1 } else { dice.u32(1..5).min(users) };
    let mut ends: BTreeSet<u32> = (1..count).map(|_| dice.u32(1..users)).collect();
    ends.insert(users);
    let mut first = 0;
    let spans = ends.into_iter().enumerate().map(|(number, end)| {
        let span = Span::new(first, end - 1).unwrap();
        first = end;
        (span, (number > 0).then(|| OrgId::parse(&format!("O{number}")).unwrap()))
    });
    spans.collect()
}

pub(super) fn assignment(number: u32, dice: &mut fastrand::Rng) -> Assignment {
    let operations = (0..dice.u32(1..4)).map(|index| Operation {
        key: OperationKey::of_line(Line::new(number * 4 + index + 2)),
        action: if dice.bool() { Action::Add } else { Action::Remove },
        change: Change::License(LicenseId::parse(&format!("L{index}")).unwrap(), Properties::default()),
        rows: 1,
    });
    Assignment {
        number: AssignmentNo(number),
        user: User::Email(EmailAddress::parse(&format!("user{number}@example.com")).unwrap()),
        org: None,
        operations: operations.collect(),
    }
}

pub(super) fn settings(dice: &mut fastrand::Rng, assignments: &[Assignment]) -> Settings {
    let users = u32::try_from(assignments.len()).unwrap();
    let sequence = match dice.u32(..4) {
        0 => Sequence::RemovesFirst,
        1 => {
            let starts: BTreeSet<u32> = (0..dice.u32(1..6)).map(|_| dice.u32(..users)).collect();
            Sequence::Waves(starts.into_iter().collect())
        }
        _ => Sequence::Free,
    };
    let rates = ["unlimited", "300/min", "5/s", "50/s", "1000/h", "200/s", "auto", "auto:300/min"];
    let rate: Rate = rates[dice.usize(..rates.len())].parse().unwrap();
    Settings {
        batch_size: dice.u32(1..30),
        concurrency: dice.u32(1..10),
        max_attempts: dice.u32(2..9),
        wire: [Wire::Auto, Wire::Auto, Wire::Array, Wire::Object][dice.usize(..4)],
        rate,
        max_wait: Duration::from_secs(dice.u64(5..4000)),
        give_up_after: Duration::from_secs([0, 60, 600][dice.usize(..3)]),
        in_doubt: [InDoubt::Resend, InDoubt::Resend, InDoubt::Verify][dice.usize(..3)],
        canary: (dice.u32(..6) == 0).then(|| dice.u32(1..40)),
        max_failures: (dice.u32(..6) == 0).then(|| "10".parse().unwrap()),
        stop_grace: Duration::from_secs(10),
        operations: assignments.iter().map(Assignment::rows).sum(),
        rate_per: if dice.bool() { RatePer::Run } else { RatePer::Org },
        sequence,
        assured: false,
        last_try: false,
        insisted: false,
    }
}

pub(super) fn service(dice: &mut fastrand::Rng, assignments: &[Assignment], wire: Wire) -> Service {
    let form = match wire {
        Wire::Object => WireForm::Object,
        Wire::Array => WireForm::Array,
        Wire::Auto => [WireForm::Array, WireForm::Object][dice.usize(..2)],
    };
    let mut mood = || if dice.bool() { 0 } else { dice.u32(..250) };
    let moods = Moods {
        drop_before: mood(),
        drop_after: mood(),
        status: mood(),
        throttle: mood(),
        garbage: mood(),
        odd: mood(),
        reject: mood(),
    };
    let user = |assignment: &Assignment| assignment.user.email().unwrap().as_str().to_owned();
    let some = |dice: &mut fastrand::Rng| -> Vec<String> {
        let share = if dice.u32(..4) == 0 { 500 } else { 50 };
        assignments.iter().filter(|_| dice.u32(..1000) < share).map(user).collect()
    };
    // In the object form a refusal is silent and found by comparison, which a removal may not show.
    let refused = if form == WireForm::Array { some(dice) } else { Vec::new() };
    let poison = some(dice).into_iter().map(|user| (user, if dice.bool() { Some("400000") } else { None }));
    let poison: HashMap<_, _> = poison.collect();
    let few = |dice: &mut fastrand::Rng| -> HashSet<String> {
        if dice.u32(..3) > 0 {
            return HashSet::new();
        }
        assignments.iter().filter(|_| dice.u32(..30) == 0).map(user).collect()
    };
    let (shunned, cursed) = (few(dice), few(dice));
    Service {
        form,
        shunned,
        cursed,
        away: false,
        picky: dice.u32(..3) == 0,
        secret: (dice.u32(..4) == 0).then(|| "L2".to_owned()),
        unsaid: HashSet::new(),
        moods,
        refused: refused.into_iter().map(|user| (user, "400411")).collect(),
        poison,
        held: HashMap::new(),
        token: 0,
        deaf: dice.u32(..20) == 0,
        closed: None,
    }
}
