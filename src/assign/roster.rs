//! Who is in the file: addresses and person IDs, and which of them are one user.
//!
//! Addresses and IDs themselves are not kept, only 96 bits of a keyed hash of each: a million users
//! must fit in little memory. Two of five million names meet with a probability of about 10⁻¹⁶.

use std::hash::Hasher as _;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::domain::{address_key, with_id_key};

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

type UserKey = [u32; 3];

/// What an address and a person ID are known by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    email: Option<UserKey>,
    person: Option<UserKey>,
}

/// Makes of names what they are known by.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameKeys {
    seeds: (u64, u64),
}

impl NameKeys {
    pub(super) const fn new(seeds: (u64, u64)) -> Self {
        Self { seeds }
    }

    /// Of a row's user.
    pub(super) fn names(self, email: Option<&str>, person: Option<&str>) -> Names {
        Names {
            email: email.map(|email| self.email(email)),
            person: person.map(|person| self.person(person)),
        }
    }

    fn of(self, domain: u8, name: &[u8]) -> UserKey {
        let mut hasher = SipHasher13::new_with_keys(self.seeds.0, self.seeds.1);
        hasher.write(name);
        hasher.write_u8(domain);
        let hash = hasher.finish128();
        let low = hash.h2.to_le_bytes();
        let [a, b, c, d, ..] = low;
        let high = hash.h1.to_le_bytes();
        let [e, f, g, h, i, j, k, l] = high;
        [u32::from_le_bytes([e, f, g, h]), u32::from_le_bytes([i, j, k, l]), u32::from_le_bytes([a, b, c, d])]
    }

    fn email(self, email: &str) -> UserKey {
        self.of(b'@', address_key(email).as_bytes())
    }

    /// IDs are compared by what they say.
    fn person(self, person: &str) -> UserKey {
        with_id_key(person, |name| self.of(b'#', name))
    }
}

/// Keys are hashes already.
fn hash(key: UserKey) -> u64 {
    let [a, b, _] = key;
    (u64::from(b) << 32) | u64::from(a)
}

/// What a row's address and person ID lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admitted {
    /// The slot that stands for the user, as far as the file has been read.
    pub(super) user: u32,
    /// The slot of the address, or [`NONE`].
    pub(super) email: u32,
    /// The address was tied to another person ID before.
    pub(super) second_person: bool,
    /// The address had been used alone, and this row ties it to a person ID.
    pub(super) tied_late: bool,
    /// The person ID stood beside another address before.
    pub(super) second_email: bool,
}

#[derive(Debug)]
pub(super) struct Roster {
    names: NameKeys,
    /// The key of each slot.
    keys: Vec<UserKey>,
    /// Slots by their keys: five bytes an entry, where a map of keys would take seventeen.
    slots: HashTable<u32>,
    /// For an address, the slot of the person ID it is tied to; as long as the last tie needs.
    ties: Vec<u32>,
    /// For a person ID, the slot of the address it first stood beside; kept for files that give both.
    emails: Vec<u32>,
    /// An address was tied after it had been used alone.
    tied_late: bool,
    /// The last name: the rows of a user mostly follow each other.
    last: Option<(UserKey, u32)>,
}

impl Roster {
    pub(super) fn new(names: NameKeys) -> Self {
        Self {
            names,
            keys: Vec::new(),
            slots: HashTable::new(),
            ties: Vec::new(),
            emails: Vec::new(),
            tied_late: false,
            last: None,
        }
    }

    fn slot(&mut self, key: UserKey) -> (u32, bool) {
        if let Some((_, slot)) = self.last.filter(|(last, _)| *last == key) {
            return (slot, false);
        }
        let (slot, is_new) = self.slot_among_all(key);
        self.last = Some((key, slot));
        (slot, is_new)
    }

    fn slot_among_all(&mut self, key: UserKey) -> (u32, bool) {
        // Slots are rows at most, and rows fit in 32 bits.
        let next = u32::try_from(self.keys.len()).unwrap_or(NONE);
        let keys = &self.keys;
        let key_of = |slot: &u32| keys.get(*slot as usize).copied().unwrap_or_default();
        match self.slots.entry(hash(key), |slot| key_of(slot) == key, |slot| hash(key_of(slot))) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(vacant) => {
                vacant.insert(next);
                self.keys.push(key);
                (next, true)
            }
        }
    }

    /// Takes in a row's user; at least one of the two is given.
    pub(super) fn admit(&mut self, Names { email, person }: Names) -> Admitted {
        let email = email.map(|email| self.slot(email));
        let person = person.map(|person| self.slot(person).0);
        let Some((email, fresh)) = email else {
            let user = person.unwrap_or(NONE);
            return Admitted {
                user,
                email: NONE,
                second_person: false,
                tied_late: false,
                second_email: false,
            };
        };
        let Some(person) = person else {
            let user = self.canonical(email);
            return Admitted { user, email, second_person: false, tied_late: false, second_email: false };
        };
        let tied = self.tie(email);
        let tied_late = tied == NONE && !fresh;
        if tied == NONE {
            self.set_tie(email, person);
            self.tied_late |= tied_late;
        }
        let second_email = self.first_email(person, email) != email;
        Admitted {
            user: person,
            email,
            second_person: tied != NONE && tied != person,
            tied_late,
            second_email,
        }
    }

    /// The slot of the address beside which a person ID stood first.
    fn first_email(&mut self, person: u32, email: u32) -> u32 {
        let index = person as usize;
        if self.emails.len() <= index {
            self.emails.resize(index + 1, NONE);
        }
        let Some(first) = self.emails.get_mut(index) else { return email };
        if *first == NONE {
            *first = email;
        }
        *first
    }

    fn tie(&self, slot: u32) -> u32 {
        self.ties.get(slot as usize).copied().unwrap_or(NONE)
    }

    fn set_tie(&mut self, slot: u32, person: u32) {
        let index = slot as usize;
        if self.ties.len() <= index {
            self.ties.resize(index + 1, NONE);
        }
        self.ties.get_mut(index).into_iter().for_each(|tie| *tie = person);
    }

    /// The slot that a row's user has, if the user is known.
    pub(super) fn find(&self, email: Option<&str>, person: Option<&str>) -> Option<u32> {
        let key = match (email, person) {
            (_, Some(person)) => self.names.person(person),
            (Some(email), None) => self.names.email(email),
            (None, None) => return None,
        };
        let known = self.slots.find(hash(key), |slot| self.keys.get(*slot as usize) == Some(&key))?;
        Some(self.canonical(*known))
    }

    /// The slot that stands for the user of this slot.
    pub(super) fn canonical(&self, slot: u32) -> u32 {
        match self.tie(slot) {
            NONE => slot,
            person => person,
        }
    }

    pub(super) const fn is_tied_late(&self) -> bool {
        self.tied_late
    }

    /// A hash of the user alone, the same on every machine where the seeds are: of the address, where the file gives
    /// one, else of the person ID.
    pub(super) fn hash_of_user(&self, slot: u32) -> u64 {
        let user = self.canonical(slot);
        let email = self.emails.get(user as usize).copied().filter(|email| *email != NONE);
        hash(self.keys.get(email.unwrap_or(user) as usize).copied().unwrap_or_default())
    }

    /// The same of the name of something else.
    pub(super) fn hash_of_name(&self, name: &[u8]) -> u64 {
        hash(self.names.of(b'o', name))
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        Roster::new(NameKeys::new((1, 2)))
    }

    fn admitted(roster: &mut Roster, email: Option<&str>, person: Option<&str>) -> Admitted {
        roster.admit(roster.names.names(email, person))
    }

    #[test]
    fn one_person_id_in_several_spellings_is_one_user() {
        let mut roster = roster();
        let unpadded = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xZjJl";
        let other_cluster = "Y2lzY29zcGFyazovL2V1L1BFT1BMRS8xZjJl";
        let first = admitted(&mut roster, None, Some(unpadded)).user;
        assert_eq!(admitted(&mut roster, None, Some(other_cluster)).user, first);
        assert!(!admitted(&mut roster, Some("a@b\u{fc}cher.example"), Some(unpadded)).second_person);
        assert!(!admitted(&mut roster, Some("A@xn--bcher-kva.example"), Some(other_cluster)).second_person);
    }

    #[test]
    fn case_does_not_distinguish_addresses() {
        let mut roster = roster();
        let first = admitted(&mut roster, Some("Zoë@example.com"), None);
        assert_eq!(admitted(&mut roster, Some("zoË@EXAMPLE.com"), None).user, first.user);
        assert_ne!(admitted(&mut roster, Some("zoe@example.com"), None).user, first.user);
    }

    #[test]
    fn a_row_with_both_ties_them_for_the_whole_file() {
        let mut roster = roster();
        let by_email = admitted(&mut roster, Some("a@example.com"), None);
        let by_person = admitted(&mut roster, None, Some("P"));
        assert_ne!(by_email.user, by_person.user);
        assert!(!roster.is_tied_late());
        let both = admitted(&mut roster, Some("a@example.com"), Some("P"));
        assert!(roster.is_tied_late() && !both.second_person);
        assert_eq!(roster.canonical(by_email.user), by_person.user);
        assert_eq!(roster.find(Some("a@example.com"), None), Some(by_person.user));
        assert_eq!(roster.find(None, Some("P")), Some(by_person.user));
        assert_eq!(roster.find(None, Some("Q")), None);
    }

    #[test]
    fn a_second_person_of_one_address_is_told() {
        let mut roster = roster();
        assert!(!admitted(&mut roster, Some("a@example.com"), Some("P")).second_person);
        assert!(!roster.is_tied_late());
        assert!(admitted(&mut roster, Some("A@example.com"), Some("Q")).second_person);
        let other = admitted(&mut roster, Some("b@example.com"), Some("P"));
        assert!(!other.second_person && other.second_email);
    }

    #[test]
    fn an_address_and_a_person_of_one_spelling_are_two() {
        let mut roster = roster();
        assert_ne!(admitted(&mut roster, Some("x"), None).user, admitted(&mut roster, None, Some("x")).user);
    }
}
