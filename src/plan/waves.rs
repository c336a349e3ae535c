//! Waves of users: nobody is in one before the units that they need are free, or given back by an earlier one.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::seat_changes::{Holders, SeatChange, SeatChanges, Stock, changes_nothing};
use crate::domain::Action;

/// Users in waves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waves {
    /// All users, organization by organization and wave by wave; who fits in none goes last in the organization.
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
    /// The number of the first user; the others' follow.
    first: u32,
    /// The class of each, or [`NOBODY`].
    class_of: &'a [u32],
    left: &'a Left,
}

/// The class of a number whose user is asked nothing of.
const NOBODY: u32 = u32::MAX;

/// So often a user is looked at, all in all, where users are looked at one by one.
const LOOKS: usize = 20_000_000;

/// Makes waves.
///
/// Several orders are tried and the one that leaves out fewest is taken: first by what users need, which takes few
/// waves, then user by user, in file order and with those first who only give back.
#[must_use]
pub fn waves(changes: SeatChanges<'_>, stocks: &[Stock], holders: &impl Holders) -> Waves {
    let mut numbers: HashMap<Needs, u32> = HashMap::new();
    let mut classes: Vec<Needs> = Vec::new();
    // Four bytes a user, since there may be a million.
    let bound = changes.all().last().map_or(0, |last| last.user as usize + 1);
    let mut class_of = vec![NOBODY; bound];
    let mut orgs: Vec<(u32, u32)> = Vec::new();
    for user in changes.users() {
        let Some(first) = user.first() else { continue };
        let needs = needs_of(user, stocks, holders);
        let next = u32::try_from(classes.len()).unwrap_or(NOBODY);
        let class = *numbers.entry(needs).or_insert_with_key(|needs| {
            classes.push(needs.clone());
            next
        });
        let org = stocks.get(first.stock as usize).map_or(0, |stock| stock.org);
        if orgs.last().is_none_or(|(last, _)| *last != org) {
            orgs.push((org, first.user));
        }
        class_of.get_mut(first.user as usize).into_iter().for_each(|slot| *slot = class);
    }
    drop(numbers);
    let signed = |free: u64| i64::try_from(free).unwrap_or(i64::MAX);
    let mut left: Left = stocks.iter().map(|stock| stock.free().map(signed)).collect();
    let mut waves = Waves::default();
    let ends = orgs.iter().skip(1).map(|(_, begin)| *begin as usize).chain([bound]);
    for ((_, first), end) in orgs.iter().zip(ends) {
        let class_of = class_of.get(*first as usize..end).unwrap_or_default();
        left = Party { classes: &classes, first: *first, class_of, left: &left }.into_waves(&mut waves);
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

    fn place(&self, user: u32) -> usize {
        user.wrapping_sub(self.first) as usize
    }

    fn class(&self, user: u32) -> u32 {
        self.class_of.get(self.place(user)).copied().unwrap_or(NOBODY)
    }

    /// Each with a class, in sending order.
    fn users(&self) -> impl Iterator<Item = (u32, u32)> {
        (self.first..).zip(self.class_of.iter().copied()).filter(|(_, class)| *class != NOBODY)
    }

    /// Adds this organization's waves to the others'; gives back the units that are surely left.
    fn into_waves(self, waves: &mut Waves) -> Left {
        let users = self.users().count();
        let mut best = self.by_class();
        if best.len() < users {
            let in_order = || self.users().map(|(user, _)| user).collect::<Vec<u32>>();
            let mut gives_first = in_order();
            gives_first.sort_by_key(|user| round(self.needs(self.class(*user))));
            for order in [in_order(), gives_first] {
                let one_by_one = self.one_by_one(order);
                if one_by_one.len() > best.len() {
                    best = one_by_one;
                }
            }
        }
        let first = waves.order.len();
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        waves.starts.extend((first > 0).then_some(number(first)));
        // One place where waves are made: whatever the order, nobody is in one whose units are not there.
        let (mut left, mut given) = (self.left.clone(), Vec::new());
        let mut here = first;
        best.retain(|user| {
            let needs = self.needs(self.class(*user));
            if !fits(needs, &left) {
                given.drain(..).for_each(|(stock, need)| take(&mut left, stock, need));
                waves.starts.push(number(here));
            }
            let goes = fits(needs, &left);
            if goes {
                for (stock, need) in needs {
                    if *need > 0 { take(&mut left, *stock, *need) } else { given.push((*stock, *need)) }
                }
                here += 1;
            }
            goes
        });
        let out = self.others(&best);
        if !out.is_empty() && here > first {
            waves.starts.push(number(here));
        }
        waves.starts.dedup();
        if waves.order.is_empty() {
            waves.order = best;
        } else {
            waves.order.append(&mut best);
        }
        waves.order.extend(&out);
        waves.out.extend(out);
        left
    }

    /// Those who are not among these, in sending order.
    fn others(&self, these: &[u32]) -> Vec<u32> {
        let mut is_among = vec![false; self.class_of.len()];
        for user in these {
            is_among.get_mut(self.place(*user)).into_iter().for_each(|among| *among = true);
        }
        let users = self.users().map(|(user, _)| user);
        users.filter(|user| !is_among.get(self.place(*user)).is_some_and(|among| *among)).collect()
    }

    /// As many of each class as fit, again and again; who only gets waits until nobody exchanges any more.
    fn by_class(&self) -> Vec<u32> {
        let mut waiting: HashMap<u32, usize> = HashMap::new();
        let mut classes: Vec<u32> = Vec::new();
        for (_, class) in self.users() {
            *waiting.entry(class).or_insert_with(|| {
                classes.push(class);
                0
            }) += 1;
        }
        classes.sort_by_key(|class| round(self.needs(*class)));
        let (exchanging, getting): (Vec<u32>, Vec<u32>) =
            classes.into_iter().partition(|class| round(self.needs(*class)) < 2);
        let mut left = self.left.clone();
        let mut turns = Turns::default();
        for classes in [exchanging, getting] {
            loop {
                let before = turns.users;
                let mut given: HashMap<u32, i64> = HashMap::new();
                for class in &classes {
                    let Some(waiting) = waiting.get_mut(class) else { continue };
                    let needs = self.needs(*class);
                    let scarcest = needs.iter().filter(|(_, need)| *need > 0).filter_map(|(stock, need)| {
                        at(&left, *stock).map(|left| usize::try_from(left / need).unwrap_or(0))
                    });
                    let count = scarcest.min().unwrap_or(usize::MAX).min(*waiting);
                    let users = i64::try_from(count).unwrap_or(i64::MAX);
                    for (stock, need) in needs {
                        let units = need.saturating_mul(users);
                        if units > 0 {
                            take(&mut left, *stock, units)
                        } else {
                            *given.entry(*stock).or_default() += units
                        }
                    }
                    *waiting -= count;
                    turns.give(*class, count);
                }
                given.into_iter().for_each(|(stock, units)| take(&mut left, stock, units));
                if turns.users == before {
                    break;
                }
            }
        }
        turns.of(self.users())
    }

    /// Each as soon as there are units for them, again and again in this order.
    fn one_by_one(&self, mut waiting: Vec<u32>) -> Vec<u32> {
        let (mut left, mut order, mut looks) = (self.left.clone(), Vec::new(), 0);
        while looks <= LOOKS {
            looks += waiting.len();
            let before = waiting.len();
            waiting.retain(|user| {
                let needs = self.needs(self.class(*user));
                let goes = fits(needs, &left);
                if goes {
                    needs.iter().for_each(|(stock, need)| take(&mut left, *stock, *need));
                    order.push(*user);
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

/// Whose turn it is, class by class: so many of one, then so many of another.
#[derive(Default)]
struct Turns {
    /// The places of each class, as stretches that follow each other.
    of_class: HashMap<u32, VecDeque<Range<u32>>>,
    users: usize,
}

impl Turns {
    fn give(&mut self, class: u32, count: usize) {
        let place = |users: usize| u32::try_from(users).unwrap_or(u32::MAX);
        let places = place(self.users)..place(self.users + count);
        self.users += count;
        if !places.is_empty() {
            self.of_class.entry(class).or_default().push_back(places);
        }
    }

    /// The users in this order, each class's as they come; who is behind the last turn of a class is not among them.
    fn of(mut self, users: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
        let mut order = vec![0; self.users];
        for (user, class) in users {
            let Some(places) = self.of_class.get_mut(&class) else { continue };
            let Some(place) = places.front_mut().and_then(Iterator::next) else { continue };
            if places.front().is_some_and(Range::is_empty) {
                places.pop_front();
            }
            order.get_mut(place as usize).into_iter().for_each(|slot| *slot = user);
        }
        order
    }
}

#[cfg(test)]
#[path = "waves_tests.rs"]
mod tests;
