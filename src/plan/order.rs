//! Which order a file needs.

use super::foresight::{Play, Why};
use super::wishes::{Holders, Stock, Wish, Wishes, changes_nothing};
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

/// Users that stay out for want of units when everybody waits until there are units for him: those left when
/// nobody gets any further.
fn stay_out_in_waves(wishes: Wishes<'_>, stocks: &[Stock], holders: &impl Holders) -> usize {
    let mut left: Vec<Option<i64>> =
        stocks.iter().map(|stock| stock.free().map(|free| i64::try_from(free).unwrap_or(i64::MAX))).collect();
    let mut waiting: Vec<Vec<(u32, i64)>> =
        wishes.users().map(|user| needs_of(user, stocks, holders)).collect();
    loop {
        let before = waiting.len();
        waiting.retain(|needs| {
            let fits = needs.iter().all(|(stock, need)| {
                left.get(*stock as usize).copied().flatten().is_none_or(|left| *need <= 0 || *need <= left)
            });
            if fits {
                for (stock, need) in needs {
                    if let Some(Some(left)) = left.get_mut(*stock as usize) {
                        *left -= need;
                    }
                }
            }
            !fits
        });
        if waiting.is_empty() || waiting.len() == before {
            return waiting.len();
        }
    }
}

/// The units that a user needs, or gives back, by stock.
fn needs_of(user: &[Wish], stocks: &[Stock], holders: &impl Holders) -> Vec<(u32, i64)> {
    let counted = user.iter().filter(|wish| {
        let real = stocks.get(wish.stock as usize).is_some_and(|stock| stock.total.is_some());
        real && !changes_nothing(wish, holders.held(wish.stock, wish))
    });
    counted.map(|wish| (wish.stock, if wish.action == Action::Add { 1 } else { -1 })).collect()
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
    let waves = stay_out_in_waves(wishes, stocks, holders);
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
