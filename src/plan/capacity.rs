//! Units: what there is, what is asked, what is left.

use super::seat_changes::{Holders, SeatChanges, Stock, changes_nothing};
use crate::domain::{Action, Held};

/// Whether what is asked of a license fits into its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// In any order.
    Yes,
    /// If units are given back before they are given out.
    GivenBackFirst,
    /// In no order.
    No,
}

/// What is asked of one license or site, in operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Capacity {
    /// Operations that give it.
    pub adds: u64,
    /// Of these, those of users who hold it already.
    pub adds_held: u64,
    /// Of these, those of users of whom it is not known.
    pub adds_unknown: u64,
    /// Operations that take it away.
    pub removes: u64,
    /// Of these, those of users who do not hold it.
    pub removes_not_held: u64,
    /// Of these, those of users of whom it is not known.
    pub removes_unknown: u64,
    /// Units left before; `None` where there is no end of them.
    pub free: Option<u64>,
    /// Units that are needed, and that may be given back, where the file calls the same license's organization
    /// otherwise.
    #[serde(skip)]
    pub elsewhere: (u64, u64),
    /// Units left afterwards, if all is done; below zero where units are missing.
    pub free_after: Option<i64>,
}

impl Capacity {
    /// Units that are needed, counting what changes nothing as nothing.
    #[must_use]
    pub const fn needed(&self) -> u64 {
        self.adds - self.adds_held
    }

    /// Units that are surely given back.
    #[must_use]
    pub const fn given_back(&self) -> u64 {
        self.removes - self.removes_not_held - self.removes_unknown
    }

    /// Units that may be given back: where it is not known whether a user holds the license, the user may.
    #[must_use]
    pub const fn may_be_given_back(&self) -> u64 {
        self.removes - self.removes_not_held
    }

    /// Units that are needed, and that may be given back, whatever the file calls the license's organization.
    const fn needed_and_given_back(&self) -> (u64, u64) {
        let (needed, given) = self.elsewhere;
        (self.needed() + needed, self.may_be_given_back() + given)
    }

    /// Whether it fits.
    #[must_use]
    pub fn fit(&self) -> Fit {
        let (needed, given) = self.needed_and_given_back();
        match self.free {
            Some(free) if needed > free + given => Fit::No,
            Some(free) if needed > free => Fit::GivenBackFirst,
            _ => Fit::Yes,
        }
    }

    /// Whether somebody may need a unit that another gives back.
    #[must_use]
    pub fn leans_on_removals(&self) -> bool {
        let (needed, given) = self.needed_and_given_back();
        given > 0 && self.free.is_some_and(|free| needed > free)
    }

    /// Units that are missing, whatever the order.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let (needed, given) = self.needed_and_given_back();
        self.free.map_or(0, |free| needed.saturating_sub(free + given))
    }

    /// Whether anything of it had to be counted as it stands in the file.
    #[must_use]
    pub const fn is_gross(&self) -> bool {
        self.adds_unknown + self.removes_unknown > 0
    }
}

/// What is asked of each stock.
#[must_use]
pub fn capacities(changes: SeatChanges<'_>, stocks: &[Stock], holders: &impl Holders) -> Vec<Capacity> {
    let mut capacities: Vec<Capacity> =
        stocks.iter().map(|stock| Capacity { free: stock.free(), ..Capacity::default() }).collect();
    for change in changes.all() {
        let Some(capacity) = capacities.get_mut(change.stock as usize) else { continue };
        let held = holders.held(change.stock, change);
        let (none, unknown) = (u64::from(changes_nothing(change, held)), u64::from(held == Held::Unknown));
        match change.action {
            Action::Add => {
                capacity.adds += 1;
                capacity.adds_held += none;
                capacity.adds_unknown += unknown;
            }
            Action::Remove => {
                capacity.removes += 1;
                capacity.removes_not_held += none;
                capacity.removes_unknown += unknown;
            }
        }
    }
    share(&mut capacities, stocks);
    for capacity in &mut capacities {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (needed, given) = capacity.needed_and_given_back();
        capacity.free_after = capacity.free.map(|free| signed(free) + signed(given) - signed(needed));
    }
    capacities
}

/// Tells those that share units what is asked of the others.
fn share(capacities: &mut [Capacity], stocks: &[Stock]) {
    if stocks.iter().all(|stock| stock.same_as.is_none()) {
        return;
    }
    let pools: Vec<u32> = (0..).zip(stocks).map(|(number, stock)| stock.pool(number)).collect();
    let mut totals = vec![(0, 0); stocks.len()];
    for (pool, capacity) in pools.iter().zip(capacities.iter()) {
        if let Some((needed, given)) = totals.get_mut(*pool as usize) {
            *needed += capacity.needed();
            *given += capacity.may_be_given_back();
        }
    }
    for (pool, capacity) in pools.iter().zip(capacities) {
        let (needed, given) = totals.get(*pool as usize).copied().unwrap_or_default();
        capacity.elsewhere = (needed - capacity.needed(), given - capacity.may_be_given_back());
    }
}
