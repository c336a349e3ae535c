//! Waves of users: nobody is in one before the units that he needs are free, or given back by an earlier one.

use std::collections::HashMap;

use super::seat_changes::{Holders, SeatChange, SeatChanges, Stock, changes_nothing};
use crate::domain::Action;

/// Users in waves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waves {
    /// All users, organization by organization and wave by wave; who fits in none goes last in his organization.
    pub order: Vec<u32>,
    /// Where in `order` each wave but the first begins.
    pub starts: Vec<u32>,
    /// Who fits in no wave.
    pub out: Vec<u32>,
}

/// What some users need of each stock, or give back.
type Needs = Vec<(u32, i64)>;

/// Units left by stock; `None` where there is no end of them.
type Left = Vec<Option<i64>>;

/// The users of one organization: who needs the same is of one class.
struct Party<'a> {
    classes: &'a [Needs],
    /// Each with his class, in sending order.
    users: &'a [(u32, u32)],
    left: &'a Left,
}

/// So often a user is looked at, all in all, where he is looked at one by one.
const LOOKS: usize = 20_000_000;

/// Makes waves.
///
/// Several orders are tried and the one that leaves out fewest is taken: first by what users need, which takes few
/// waves, then user by user, in file order and with those first who only give back.
#[must_use]
pub fn waves(changes: SeatChanges<'_>, stocks: &[Stock], holders: &impl Holders) -> Waves {
    let mut numbers: HashMap<Needs, u32> = HashMap::new();
    let mut classes: Vec<Needs> = Vec::new();
    // Made once, since there may be a million: growing, they would be there twice.
    let mut users: Vec<(u32, u32)> = Vec::with_capacity(changes.users().count());
    let mut orgs: Vec<(u32, usize)> = Vec::new();
    for user in changes.users() {
        let Some(first) = user.first() else { continue };
        let needs = needs_of(user, stocks, holders);
        let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
        let class = *numbers.entry(needs).or_insert_with_key(|needs| {
            classes.push(needs.clone());
            next
        });
        let org = stocks.get(first.stock as usize).map_or(0, |stock| stock.org);
        if orgs.last().is_none_or(|(last, _)| *last != org) {
            orgs.push((org, users.len()));
        }
        users.push((first.user, class));
    }
    let signed = |free: u64| i64::try_from(free).unwrap_or(i64::MAX);
    let mut left: Left = stocks.iter().map(|stock| stock.free().map(signed)).collect();
    let mut waves = Waves { order: Vec::with_capacity(users.len()), ..Waves::default() };
    let ends = orgs.iter().skip(1).map(|(_, begin)| *begin).chain([users.len()]);
    for ((_, begin), end) in orgs.iter().zip(ends) {
        let users = users.get(*begin..end).unwrap_or_default();
        left = Party { classes: &classes, users, left: &left }.into_waves(&mut waves);
    }
    waves
}

/// The units that a user needs, or gives back, by stock.
fn needs_of(user: &[SeatChange], stocks: &[Stock], holders: &impl Holders) -> Needs {
    let stock = |change: &SeatChange| stocks.get(change.stock as usize);
    // Who asks for what the organization has not fails whole, and gives nothing back.
    let fails = user.iter().any(|change| stock(change).is_some_and(|stock| !stock.known));
    let counted = user.iter().filter(|change| {
        let scarce = stock(change).is_some_and(|stock| stock.total.is_some());
        let gives = change.action == Action::Remove;
        scarce && !(fails && gives) && !changes_nothing(change, holders.held(change.stock, change))
    });
    let pool = |change: &SeatChange| stock(change).map_or(change.stock, |stock| stock.pool(change.stock));
    let mut needs: Needs =
        counted.map(|change| (pool(change), if change.action == Action::Add { 1 } else { -1 })).collect();
    needs.sort_unstable();
    needs
}

/// Whether these units are left.
fn fits(needs: &Needs, left: &Left) -> bool {
    needs.iter().all(|(stock, need)| *need <= 0 || at(left, *stock).is_none_or(|left| *need <= left))
}

fn at(left: &Left, stock: u32) -> Option<i64> {
    left.get(stock as usize).copied().flatten()
}

fn take(left: &mut Left, stock: u32, units: i64) {
    if let Some(Some(left)) = left.get_mut(stock as usize) {
        *left = left.saturating_sub(units);
    }
}

/// In which round a class goes: who only gives back, or needs nothing; who exchanges; who only gets.
fn round(needs: &Needs) -> u8 {
    match (needs.iter().any(|(_, need)| *need < 0), needs.iter().any(|(_, need)| *need > 0)) {
        (_, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
    }
}

impl Party<'_> {
    fn needs(&self, class: u32) -> &Needs {
        const NOTHING: &Needs = &Vec::new();
        self.classes.get(class as usize).unwrap_or(NOTHING)
    }

    /// Adds this organization's waves to the others'; gives back the units that are surely left.
    fn into_waves(self, waves: &mut Waves) -> Left {
        let mut best = self.by_class();
        if best.len() < self.users.len() {
            let mut gives_first = self.users.to_vec();
            gives_first.sort_by_key(|(_, class)| round(self.needs(*class)));
            for order in [self.users, &gives_first] {
                let one_by_one = self.one_by_one(order);
                if one_by_one.len() > best.len() {
                    best = one_by_one;
                }
            }
        }
        let here = |waves: &Waves| u32::try_from(waves.order.len()).unwrap_or(u32::MAX);
        let first = here(waves);
        waves.starts.extend((first > 0).then_some(first));
        // One place where waves are made: whatever the order, nobody is in one whose units are not there.
        let (mut left, mut given) = (self.left.clone(), Vec::new());
        let first_in = waves.order.len();
        for (user, class) in best {
            let needs = self.needs(class);
            if !fits(needs, &left) {
                given.drain(..).for_each(|(stock, need)| take(&mut left, stock, need));
                waves.starts.push(here(waves));
            }
            if !fits(needs, &left) {
                continue;
            }
            for (stock, need) in needs {
                if *need > 0 { take(&mut left, *stock, *need) } else { given.push((*stock, *need)) }
            }
            waves.order.push(user);
        }
        let out = self.others(waves.order.get(first_in..).unwrap_or_default());
        if !out.is_empty() && here(waves) > first {
            waves.starts.push(here(waves));
        }
        waves.starts.dedup();
        waves.order.extend(&out);
        waves.out.extend(out);
        left
    }

    /// Those who are not among these, in sending order.
    fn others(&self, these: &[u32]) -> Vec<u32> {
        if these.len() == self.users.len() {
            return Vec::new();
        }
        let mut these = these.to_vec();
        these.sort_unstable();
        let users = self.users.iter().map(|(user, _)| *user);
        users.filter(|user| these.binary_search(user).is_err()).collect()
    }

    /// As many of each class as fit, again and again; who only gets waits until nobody exchanges any more.
    fn by_class(&self) -> Vec<(u32, u32)> {
        let mut waiting: HashMap<u32, std::collections::VecDeque<u32>> = HashMap::new();
        let mut classes: Vec<u32> = Vec::new();
        for (user, class) in self.users {
            let queue = waiting.entry(*class).or_default();
            if queue.is_empty() {
                classes.push(*class);
            }
            queue.push_back(*user);
        }
        classes.sort_by_key(|class| round(self.needs(*class)));
        let (exchanging, getting): (Vec<u32>, Vec<u32>) =
            classes.into_iter().partition(|class| round(self.needs(*class)) < 2);
        let (mut left, mut order) = (self.left.clone(), Vec::with_capacity(self.users.len()));
        for classes in [exchanging, getting] {
            loop {
                let before = order.len();
                let mut given: HashMap<u32, i64> = HashMap::new();
                for class in &classes {
                    let Some(queue) = waiting.get_mut(class) else { continue };
                    let needs = self.needs(*class);
                    let scarcest = needs.iter().filter(|(_, need)| *need > 0).filter_map(|(stock, need)| {
                        at(&left, *stock).map(|left| usize::try_from(left / need).unwrap_or(0))
                    });
                    let count = scarcest.min().unwrap_or(usize::MAX).min(queue.len());
                    let users = i64::try_from(count).unwrap_or(i64::MAX);
                    for (stock, need) in needs {
                        let units = need.saturating_mul(users);
                        if units > 0 {
                            take(&mut left, *stock, units)
                        } else {
                            *given.entry(*stock).or_default() += units
                        }
                    }
                    order.extend(queue.drain(..count).map(|user| (user, *class)));
                }
                given.into_iter().for_each(|(stock, units)| take(&mut left, stock, units));
                if order.len() == before {
                    break;
                }
            }
        }
        order
    }

    /// Each as soon as there are units for him, again and again in this order.
    fn one_by_one(&self, users: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let (mut left, mut order) = (self.left.clone(), Vec::with_capacity(users.len()));
        let (mut waiting, mut looks) = (users.to_vec(), 0);
        while looks <= LOOKS {
            looks += waiting.len();
            let before = waiting.len();
            waiting.retain(|(user, class)| {
                let needs = self.needs(*class);
                let goes = fits(needs, &left);
                if goes {
                    needs.iter().for_each(|(stock, need)| take(&mut left, *stock, *need));
                    order.push((*user, *class));
                }
                !goes
            });
            if waiting.len() == before {
                break;
            }
        }
        order
    }
}

#[cfg(test)]
#[path = "waves_tests.rs"]
mod tests;
