//! Which order a file needs.

use super::capacity::{Capacity, capacities};
use super::foresight::Playthrough;
use super::seat_changes::{Holders, SeatChange, SeatChanges, Stock};
use super::waves::waves;
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
pub fn sequence(changes: SeatChanges<'_>) -> Vec<u32> {
    // Three times through rather than sorted, since there may be a million.
    let of_round = |wanted| changes.users().filter(move |user| round(user) == wanted);
    (0..ROUNDS).flat_map(of_round).filter_map(|user| Some(user.first()?.user)).collect()
}

/// Rounds in which users go.
const ROUNDS: u8 = 3;

fn round(user: &[SeatChange]) -> u8 {
    let any = |action| user.iter().any(|change| change.action == action);
    match (any(Action::Remove), any(Action::Add)) {
        (true, false) => 0,
        (true, true) => 1,
        _ => 2,
    }
}

/// The file, to be played through in several orders.
struct Trial<'a, H> {
    changes: SeatChanges<'a>,
    stocks: &'a [Stock],
    holders: &'a H,
    form: WireForm,
}

impl<H: Holders> Trial<'_, H> {
    /// How many users stay out for want of units.
    fn out(&self, order: Option<&[u32]>) -> usize {
        let mut play = Playthrough::new(self.stocks, self.form);
        match order {
            None => self.changes.users().for_each(|user| play.user(user, self.holders)),
            Some(order) => order.iter().for_each(|user| play.user(self.changes.of(*user), self.holders)),
        }
        play.seen.users_out()
    }

    fn removes_first(&self) -> usize {
        self.out(Some(&sequence(self.changes)))
    }

    fn fit(&self) -> usize {
        self.out(Some(&waves(self.changes, self.stocks, self.holders).order))
    }

    /// Whether somebody may need a unit that another gives back.
    fn leans(&self) -> bool {
        capacities(self.changes, self.stocks, self.holders).iter().any(Capacity::leans_on_removals)
    }
}

/// Which order the file needs, of those in which fewest users stay out for want of units, and how many these are.
/// Since requests overlap, the file's own order is not enough where units must have been given back.
#[must_use]
pub fn needed_order(
    changes: SeatChanges<'_>,
    stocks: &[Stock],
    holders: &impl Holders,
    form: WireForm,
) -> (Need, usize) {
    let trial = Trial { changes, stocks, holders, form };
    let file = trial.out(None);
    if file == 0 && !trial.leans() {
        return (Need::Any, 0);
    }
    let removes_first = trial.removes_first();
    if removes_first == 0 {
        return (Need::RemovesFirst, 0);
    }
    let fit = trial.fit();
    if fit == 0 {
        return (Need::Fit, 0);
    }
    let least = file.min(removes_first).min(fit);
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
