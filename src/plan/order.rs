//! Which order a file needs.

use super::foresight::{Play, Why};
use super::waves::waves;
use super::wishes::{Holders, Stock, Wish, Wishes};
use crate::domain::{Action, WireForm};

/// The order in which users get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Any.
    Any,
    /// Those who give back first.
    RemovesFirst,
    /// Waves that wait for units.
    Fit,
    /// None: so many users stay out in whatever order, and fewest in this one.
    Short,
}

/// The users in the order of `--order removes-first`: who only gives back, who exchanges, who only gets. Within
/// each as in `order`.
#[must_use]
pub fn sequence(wishes: Wishes<'_>) -> Vec<u32> {
    let mut users: Vec<(u8, u32)> =
        wishes.users().filter_map(|user| Some((round(user), user.first()?.user))).collect();
    users.sort_by_key(|(round, _)| *round);
    users.into_iter().map(|(_, user)| user).collect()
}

fn round(user: &[Wish]) -> u8 {
    let any = |action| user.iter().any(|wish| wish.action == action);
    match (any(Action::Remove), any(Action::Add)) {
        (true, false) => 0,
        (true, true) => 1,
        _ => 2,
    }
}

/// Which order the file needs, of those in which fewest users stay out for want of units.
#[must_use]
pub fn needed_order(
    wishes: Wishes<'_>,
    stocks: &[Stock],
    holders: &impl Holders,
    form: WireForm,
) -> (Need, usize) {
    let out = |order: Option<&[u32]>| {
        let mut play = Play::new(stocks, form);
        match order {
            None => wishes.users().for_each(|user| play.user(user, holders)),
            Some(order) => order.iter().for_each(|user| play.user(wishes.of(*user), holders)),
        }
        let mut users: Vec<u32> = play
            .seen
            .failures
            .iter()
            .filter(|failure| failure.why == Why::NoUnits)
            .map(|failure| failure.user)
            .collect();
        users.dedup();
        users.len()
    };
    let file = out(None);
    if file == 0 {
        return (Need::Any, 0);
    }
    let removes_first = out(Some(&sequence(wishes)));
    if removes_first == 0 {
        return (Need::RemovesFirst, 0);
    }
    let waves = waves(wishes, stocks, holders).out.len();
    if waves == 0 {
        return (Need::Fit, 0);
    }
    let least = file.min(removes_first).min(waves);
    // The plainest order that leaves out fewest; none is proposed that does not help.
    let need = if least == file {
        Need::Short
    } else if least == removes_first {
        Need::RemovesFirst
    } else {
        Need::Fit
    };
    (need, least)
}
