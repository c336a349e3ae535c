//! Who is asked about: addresses and person IDs, kept in little.
//!
//! A name is not kept, only 96 bits of a keyed hash of what it says, so that a million names take some 18 MB.
//! Two of five million names meet with a probability of about 10⁻¹⁶.

use std::hash::Hasher as _;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::domain::{address_key, with_id_key};

/// How a person is named: by an address, by a person ID, or by both.
#[derive(Debug, Clone, Copy, Default)]
pub struct PersonNamed<'a> {
    /// The address.
    pub email: Option<&'a str>,
    /// The person ID.
    pub person: Option<&'a str>,
}

/// People who are asked about, by numbers.
pub trait People {
    /// The numbers of those who are meant by this address and by this person ID: usually one and the same.
    fn numbers(&self, named: PersonNamed<'_>) -> [Option<u32>; 2];

    /// One more than the highest number.
    fn bound(&self) -> u32;
}

type PersonKey = [u32; 3];

/// Keys are hashes already.
fn hash(key: PersonKey) -> u64 {
    let [a, b, _] = key;
    (u64::from(b) << 32) | u64::from(a)
}

/// People, each with a number of its own. A person with an address and a person ID has two.
#[derive(Debug)]
pub struct Crowd {
    seeds: (u64, u64),
    keys: Vec<PersonKey>,
    slots: HashTable<u32>,
}

impl Crowd {
    /// Nobody yet. The seeds keep whoever writes the names from making them meet.
    #[must_use]
    pub fn new(seeds: (u64, u64)) -> Self {
        Self { seeds, keys: Vec::new(), slots: HashTable::new() }
    }

    fn key(&self, kind: u8, text: &[u8]) -> PersonKey {
        let mut hasher = SipHasher13::new_with_keys(self.seeds.0, self.seeds.1);
        hasher.write(text);
        hasher.write_u8(kind);
        let hash = hasher.finish128();
        let [e, f, g, h, i, j, k, l] = hash.h1.to_le_bytes();
        let [a, b, c, d, ..] = hash.h2.to_le_bytes();
        [u32::from_le_bytes([e, f, g, h]), u32::from_le_bytes([i, j, k, l]), u32::from_le_bytes([a, b, c, d])]
    }

    fn keys_of(&self, named: PersonNamed<'_>) -> [Option<PersonKey>; 2] {
        [
            named.email.map(|email| self.key(b'@', address_key(email).as_bytes())),
            named.person.map(|person| with_id_key(person, |id| self.key(b'#', id))),
        ]
    }

    fn slot(&mut self, key: PersonKey) -> u32 {
        // People are rows at most, and rows fit in 32 bits.
        let next = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let keys = &self.keys;
        let key_of = |slot: &u32| keys.get(*slot as usize).copied().unwrap_or_default();
        match self.slots.entry(hash(key), |slot| key_of(slot) == key, |slot| hash(key_of(slot))) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                vacant.insert(next);
                self.keys.push(key);
                next
            }
        }
    }

    /// Takes in these names; gives back their numbers.
    pub fn admit(&mut self, named: PersonNamed<'_>) -> [Option<u32>; 2] {
        let [email, person] = self.keys_of(named);
        [email.map(|key| self.slot(key)), person.map(|key| self.slot(key))]
    }
}

impl People for Crowd {
    fn numbers(&self, named: PersonNamed<'_>) -> [Option<u32>; 2] {
        let find = |key: PersonKey| {
            self.slots.find(hash(key), |slot| self.keys.get(*slot as usize) == Some(&key)).copied()
        };
        self.keys_of(named).map(|key| key.and_then(find))
    }

    fn bound(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(email: &str) -> PersonNamed<'_> {
        PersonNamed { email: Some(email), person: None }
    }

    #[test]
    fn a_name_is_found_in_any_spelling_and_as_what_it_is() {
        let mut crowd = Crowd::new((1, 2));
        let [email, person] = crowd.admit(PersonNamed {
            email: Some("Zoë@Example.com"),
            person: Some("Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYg=="),
        });
        assert_eq!(crowd.numbers(by(" zoë@example.COM ")), [email, None]);
        assert_eq!(
            crowd.numbers(PersonNamed { email: None, person: Some("Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYg") }),
            [None, person]
        );
        assert_eq!(crowd.numbers(by("UA")), [None, None]);
        assert_ne!(email, person);
        assert_eq!(crowd.bound(), 2);
        assert_eq!(crowd.admit(by("zoë@example.com")), [email, None]);
    }
}
