//! Which assignment is whose: users in sending order, organization by organization.
//!
//! Users are known by the slots that the roster gave them. Knows nothing of rows.

use std::collections::HashMap;

use super::roster::{NONE, Roster};
use crate::domain::{AssignmentNo, Order, OrgId, with_id_key};

/// The number of each user's assignment.
#[derive(Debug)]
pub(super) struct SendingOrder {
    numbers: Numbers,
    /// Users of each organization, in sending order.
    organizations: Vec<u32>,
}

#[derive(Debug)]
enum Numbers {
    /// The slots themselves: each stands for a user of whom something is asked, and they go in that order. So
    /// it is in most files, and then nothing is kept. (Of an address that is tied to a person ID nothing is asked.)
    Slots,
    /// By slot; `NONE` where a slot stands for nobody of whom something is asked.
    Each(Vec<u32>),
}

impl SendingOrder {
    /// Numbers the users that something is asked for, by their classes. They come in sending order: organization
    /// by organization, since no request may be about two of them, and within each as the order has it.
    pub(super) fn new(roster: &Roster, orgs: Organizations, classes: &[Class], order: Order) -> Self {
        let several = orgs.count() > 1;
        let place = |user: u32| {
            let class = classes.get(user as usize).copied().unwrap_or_default();
            let org = if several { orgs.of(user) as usize } else { 0 };
            Some(org * ROUNDS + class.round(order)?)
        };
        let slots = u32::try_from(classes.len()).unwrap_or(NONE);
        if slots > 0 && place(0).is_some() && (1..slots).all(|slot| place(slot) == place(0)) {
            return Self { numbers: Numbers::Slots, organizations: vec![slots] };
        }
        // Slots were given out in the order of first appearance, and the first slot of a user may be
        // that of an address that was tied later.
        let users = || (0..slots).map(|slot| roster.canonical(slot));
        let mut numbers = vec![NONE; classes.len()];
        let mut sizes = vec![0; orgs.count() * ROUNDS];
        for user in users() {
            let Some(number) = numbers.get_mut(user as usize).filter(|number| **number == NONE) else {
                continue;
            };
            if let Some(size) = place(user).and_then(|place| sizes.get_mut(place)) {
                *size += 1;
                *number = COUNTED;
            }
        }
        let organizations = sizes.chunks(ROUNDS).map(|rounds| rounds.iter().sum()).filter(|users| *users > 0);
        let organizations = organizations.collect();
        let mut next: Vec<u32> = Vec::with_capacity(sizes.len());
        let mut total = 0;
        for size in sizes {
            next.push(total);
            total += size;
        }
        for user in users() {
            let counted = numbers.get_mut(user as usize).filter(|number| **number == COUNTED);
            let next = place(user).and_then(|place| next.get_mut(place));
            if let (Some(number), Some(next)) = (counted, next) {
                *number = *next;
                *next += 1;
            }
        }
        Self { numbers: Numbers::Each(numbers), organizations }
    }

    /// Numbers the assignments anew: each organization's in another order, which names them by their numbers until
    /// now. `false`, and nothing is done, where it does not name them all.
    pub(super) fn rearrange(&mut self, order: &[u32]) -> bool {
        let mut anew = vec![NONE; order.len()];
        for (number, former) in (0u32..).zip(order) {
            anew.get_mut(*former as usize).into_iter().for_each(|slot| *slot = number);
        }
        if order.len() != self.assignments() as usize || anew.contains(&NONE) {
            return false;
        }
        match &mut self.numbers {
            Numbers::Slots => self.numbers = Numbers::Each(anew),
            Numbers::Each(numbers) => {
                for number in numbers {
                    *number = anew.get(*number as usize).copied().unwrap_or(NONE);
                }
            }
        }
        true
    }

    /// The assignment of the user with this slot.
    pub(super) fn of(&self, slot: u32) -> Option<AssignmentNo> {
        let number = match &self.numbers {
            Numbers::Slots => slot,
            Numbers::Each(numbers) => numbers.get(slot as usize).copied().filter(|number| *number != NONE)?,
        };
        Some(AssignmentNo(number))
    }

    /// How many users of each organization have an assignment, in sending order.
    pub(super) fn organizations(&self) -> &[u32] {
        &self.organizations
    }

    /// How many assignments there are.
    pub(super) fn assignments(&self) -> u32 {
        self.organizations.iter().sum()
    }
}

/// Rounds in which an organization's users go.
const ROUNDS: usize = 3;

/// Has an assignment whose number is not known yet.
const COUNTED: u32 = NONE - 1;

/// Which kinds of operations a user has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Class {
    pub(super) adds: bool,
    pub(super) removes: bool,
}

impl Class {
    /// In which round a user goes; `None` for one of whom nothing is asked.
    const fn round(self, order: Order) -> Option<usize> {
        match (order, self.removes, self.adds) {
            (_, false, false) => None,
            (Order::File | Order::Fit, ..) | (Order::RemovesFirst, true, false) => Some(0),
            (Order::RemovesFirst, true, true) => Some(1),
            (Order::RemovesFirst, false, true) => Some(2),
        }
    }
}

/// The organizations of the file, and which user belongs to which.
#[derive(Debug, Default)]
pub(super) struct Organizations {
    known: HashMap<OrgId, u32>,
    /// By slot, as far as rows have named one: the organization's number, from 1; 0 for none.
    of_slot: Vec<u32>,
}

impl Organizations {
    /// Takes in that a row names a user's organization; `false` where another was named before.
    pub(super) fn admit(&mut self, user: u32, org: &OrgId) -> bool {
        let next = u32::try_from(self.known.len() + 1).unwrap_or(NONE);
        let number = match self.known.get(org) {
            Some(number) => *number,
            None => *self.known.entry(org.clone()).or_insert(next),
        };
        self.claim(user, number)
    }

    /// Takes in that an address and a person ID are one user: what was said of the address holds for the person.
    /// `false` where another organization was named for the person.
    pub(super) fn tie(&mut self, email: u32, person: u32) -> bool {
        let number = self.of_slot.get_mut(email as usize).map(std::mem::take).unwrap_or_default();
        number == 0 || self.claim(person, number)
    }

    fn claim(&mut self, user: u32, number: u32) -> bool {
        let index = user as usize;
        if self.of_slot.len() <= index {
            self.of_slot.resize(index + 1, 0);
        }
        let Some(slot) = self.of_slot.get_mut(index) else { return true };
        if *slot == 0 {
            *slot = number;
        }
        *slot == number
    }

    /// Hashes of the organizations' names by their numbers, where the file names several.
    pub(super) fn hashes(&self, hash: impl Fn(&[u8]) -> u64) -> Option<Vec<u64>> {
        if self.known.len() < 2 {
            return None;
        }
        let mut hashes = vec![hash(b""); self.count()];
        for (org, number) in &self.known {
            let found = with_id_key(org.as_str(), &hash);
            hashes.get_mut(*number as usize).into_iter().for_each(|hash| *hash = found);
        }
        Some(hashes)
    }

    /// The number of a user's organization.
    pub(super) fn of(&self, user: u32) -> u32 {
        self.of_slot.get(user as usize).copied().unwrap_or(0)
    }

    /// Those that the file names, and that of everyone else.
    fn count(&self) -> usize {
        self.known.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assign::roster::NameKeys;

    const KEYS: NameKeys = NameKeys::new((1, 2));
    const ADDS: Class = Class { adds: true, removes: false };
    const REMOVES: Class = Class { adds: false, removes: true };
    const NOTHING: Class = Class { adds: false, removes: false };

    fn roster() -> Roster {
        let mut roster = Roster::new(KEYS);
        for name in ["a", "b", "c"] {
            roster.admit(KEYS.names(Some(&format!("{name}@example.com")), None));
        }
        roster
    }

    fn numbers(roster: &Roster, orgs: Organizations, classes: &[Class], order: Order) -> Vec<Option<u32>> {
        let sending_order = SendingOrder::new(roster, orgs, classes, order);
        let slots = 0..u32::try_from(classes.len()).unwrap();
        let numbers: Vec<_> = slots.map(|slot| sending_order.of(slot).map(|number| number.0)).collect();
        assert_eq!(sending_order.assignments() as usize, numbers.iter().flatten().count());
        assert_eq!(sending_order.organizations().iter().sum::<u32>(), sending_order.assignments());
        numbers
    }

    #[test]
    fn users_are_numbered_as_they_come() {
        let kept = |classes: &[Class], order| {
            let sending_order = SendingOrder::new(&roster(), Organizations::default(), classes, order);
            matches!(sending_order.numbers, Numbers::Each(_))
        };
        for (classes, order) in [([ADDS; 3], Order::RemovesFirst), ([ADDS, REMOVES, ADDS], Order::File)] {
            assert!(!kept(&classes, order));
            let found = numbers(&roster(), Organizations::default(), &classes, order);
            assert_eq!(found, [Some(0), Some(1), Some(2)]);
        }
        assert!(kept(&[ADDS, REMOVES, ADDS], Order::RemovesFirst));
        assert!(kept(&[NOTHING; 3], Order::File));
    }

    #[test]
    fn who_is_left_out_or_put_off_shifts_the_others() {
        let file = |classes: &[Class]| numbers(&roster(), Organizations::default(), classes, Order::File);
        assert_eq!(file(&[ADDS, NOTHING, ADDS]), [Some(0), None, Some(1)]);
        assert_eq!(file(&[NOTHING, ADDS, ADDS]), [None, Some(0), Some(1)]);
        let removes_first = [ADDS, REMOVES, ADDS];
        let numbers = |orgs| numbers(&roster(), orgs, &removes_first, Order::RemovesFirst);
        assert_eq!(numbers(Organizations::default()), [Some(1), Some(0), Some(2)]);
        // Those of no organization that is named go first.
        let mut orgs = Organizations::default();
        assert!(orgs.admit(0, &OrgId::parse("O").unwrap()));
        assert_eq!(numbers(orgs), [Some(2), Some(0), Some(1)]);
        let mut orgs = Organizations::default();
        assert!(orgs.admit(0, &OrgId::parse("O").unwrap()));
        let sending_order = SendingOrder::new(&roster(), orgs, &removes_first, Order::RemovesFirst);
        assert_eq!(sending_order.organizations(), [2, 1]);
    }

    #[test]
    fn two_names_of_one_user_have_one_number() {
        let mut roster = roster();
        let person = roster.admit(KEYS.names(None, Some("P"))).user;
        roster.admit(KEYS.names(Some("a@example.com"), Some("P")));
        let classes = [NOTHING, ADDS, ADDS, ADDS];
        let found = numbers(&roster, Organizations::default(), &classes, Order::File);
        assert_eq!(found, [None, Some(1), Some(2), Some(0)]);
        assert_eq!(roster.canonical(0), person);
    }
}
