//! The users of an organization, by number: who they are, and what each holds.

use std::collections::{HashMap, HashSet};
use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// A bit for each user and each of so many things.
#[derive(Debug, Clone, Default)]
pub(super) struct Matrix {
    /// Bytes a user.
    width: usize,
    /// As far as any was set.
    bits: Vec<u8>,
}

impl Matrix {
    fn new(things: usize) -> Self {
        Self { width: things.div_ceil(8), bits: Vec::new() }
    }

    fn place(&self, user: usize, thing: usize) -> usize {
        user * self.width + thing / 8
    }

    pub(super) fn has(&self, user: usize, thing: usize) -> bool {
        let byte = self.bits.get(self.place(user, thing)).copied().unwrap_or(0);
        byte >> (thing % 8) & 1 == 1
    }

    /// Sets a bit; gives back whether it was another before.
    pub(super) fn set(&mut self, user: usize, thing: usize, on: bool) -> bool {
        let place = self.place(user, thing);
        if thing / 8 >= self.width || self.has(user, thing) == on {
            return false;
        }
        if self.bits.len() <= place {
            self.bits.resize((user + 1) * self.width, 0);
        }
        self.bits.get_mut(place).into_iter().for_each(|byte| *byte ^= 1 << (thing % 8));
        true
    }

    /// What a user has, lowest first.
    pub(super) fn of(&self, user: usize) -> impl Iterator<Item = usize> {
        let bytes = self.bits.get(user * self.width..(user + 1) * self.width).unwrap_or_default();
        bytes.iter().enumerate().flat_map(|(number, byte)| {
            (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| number * 8 + bit)
        })
    }

    /// What a user has, to be given back.
    fn row(&self, user: usize) -> Vec<u8> {
        self.bits.get(user * self.width..(user + 1) * self.width).unwrap_or_default().to_vec()
    }

    fn restore(&mut self, user: usize, row: &[u8]) {
        let Some(bytes) = self.bits.get_mut(user * self.width..(user + 1) * self.width) else { return };
        bytes.fill(0);
        bytes.iter_mut().zip(row).for_each(|(byte, before)| *byte = *before);
    }
}

/// What users are called.
#[derive(Debug)]
enum MemberNames {
    /// Address and person ID of each.
    Listed {
        users: Vec<(String, String)>,
        by_email: HashMap<String, usize>,
        by_person: HashMap<String, usize>,
    },
    /// What the names of each come to in 96 bits, and the user's number: sorted.
    Digests { seeds: (u64, u64), digests: Vec<[u32; 4]> },
}

/// Users and what they hold.
#[derive(Debug)]
pub(super) struct Members {
    names: MemberNames,
    pub(super) licenses: Matrix,
    pub(super) sites: Matrix,
    /// What has yet to be accepted.
    pub(super) pending: Matrix,
    pub(super) pending_sites: Matrix,
    /// Users of another organization.
    pub(super) external: HashSet<usize>,
}

/// Holdings of one user, to be given back.
pub(super) struct RowBefore([Vec<u8>; 4]);

fn digest(seeds: (u64, u64), kind: u8, name: &str) -> [u32; 3] {
    let mut hasher = SipHasher13::new_with_keys(seeds.0, seeds.1);
    hasher.write(name.as_bytes());
    hasher.write_u8(kind);
    let hash = hasher.finish128();
    let [a, b, c, d, e, f, g, h] = hash.h1.to_le_bytes();
    let [i, j, k, l, ..] = hash.h2.to_le_bytes();
    [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_le_bytes)
}

impl Members {
    fn new(names: MemberNames, licenses: usize, sites: usize) -> Self {
        Self {
            names,
            licenses: Matrix::new(licenses),
            sites: Matrix::new(sites),
            pending: Matrix::new(licenses),
            pending_sites: Matrix::new(sites),
            external: HashSet::new(),
        }
    }

    /// Users of these addresses and person IDs, who hold nothing yet.
    pub(super) fn listed(users: Vec<(String, String)>, licenses: usize, sites: usize) -> Self {
        let by_email = users.iter().enumerate().map(|(n, (email, _))| (email.to_lowercase(), n)).collect();
        let by_person = users.iter().enumerate().map(|(n, (_, person))| (person.clone(), n)).collect();
        Self::new(MemberNames::Listed { users, by_email, by_person }, licenses, sites)
    }

    /// Of those who are listed by name, how many there are; nobody, where names are not kept.
    pub(super) const fn count(&self) -> usize {
        match &self.names {
            MemberNames::Listed { users, .. } => users.len(),
            MemberNames::Digests { .. } => 0,
        }
    }

    pub(super) const fn has_names(&self) -> bool {
        matches!(self.names, MemberNames::Listed { .. })
    }

    pub(super) fn by_email(&self, email: &str) -> Option<usize> {
        let email = email.to_lowercase();
        match &self.names {
            MemberNames::Listed { by_email, .. } => by_email.get(&email).copied(),
            MemberNames::Digests { .. } => self.by_digest(b'@', &email),
        }
    }

    pub(super) fn by_person(&self, person: &str) -> Option<usize> {
        match &self.names {
            MemberNames::Listed { by_person, .. } => by_person.get(person).copied(),
            MemberNames::Digests { .. } => self.by_digest(b'#', person),
        }
    }

    fn by_digest(&self, kind: u8, name: &str) -> Option<usize> {
        let MemberNames::Digests { seeds, digests } = &self.names else { return None };
        let sought = digest(*seeds, kind, name);
        let place = digests.binary_search_by_key(&sought, |[a, b, c, _]| [*a, *b, *c]).ok()?;
        digests.get(place).map(|[.., user]| *user as usize)
    }

    /// Address and person ID of a user; empty where names are not kept.
    pub(super) fn names(&self, user: usize) -> (&str, &str) {
        match &self.names {
            MemberNames::Listed { users, .. } => {
                users.get(user).map_or(("", ""), |(email, person)| (email, person))
            }
            MemberNames::Digests { .. } => ("", ""),
        }
    }

    pub(super) fn row(&self, user: usize) -> RowBefore {
        RowBefore(
            [&self.licenses, &self.sites, &self.pending, &self.pending_sites].map(|matrix| matrix.row(user)),
        )
    }

    pub(super) fn restore(&mut self, user: usize, RowBefore(rows): &RowBefore) {
        let matrices = [&mut self.licenses, &mut self.sites, &mut self.pending, &mut self.pending_sites];
        matrices.into_iter().zip(rows).for_each(|(matrix, row)| matrix.restore(user, row));
    }
}

/// Users whose names are not kept, for an organization of a great many of whom nobody asks for a list: 16 bytes a
/// name, and a bit for each license that a user may hold.
#[derive(Debug)]
pub struct Nameless {
    seeds: (u64, u64),
    digests: Vec<[u32; 4]>,
    licenses: Matrix,
}

impl Nameless {
    /// Nobody yet, of an organization of so many users and licenses. The seeds keep whoever writes the names from making two
    /// of them meet.
    #[must_use]
    pub fn new(seeds: (u64, u64), users: u32, licenses: usize) -> Self {
        let users = usize::try_from(users).unwrap_or(0);
        let mut held = Matrix::new(licenses);
        // Made once: growing, they would be there twice.
        held.bits.reserve_exact(users * held.width);
        Self { seeds, digests: Vec::with_capacity(users), licenses: held }
    }

    /// The user of this number has this address.
    pub fn email(&mut self, user: u32, email: &str) {
        self.take(b'@', &email.to_lowercase(), user);
    }

    /// The user of this number has this person ID.
    pub fn person(&mut self, user: u32, person: &str) {
        self.take(b'#', person, user);
    }

    fn take(&mut self, kind: u8, name: &str, user: u32) {
        let [a, b, c] = digest(self.seeds, kind, name);
        // Rows of one user mostly follow each other.
        if self.digests.last() != Some(&[a, b, c, user]) {
            self.digests.push([a, b, c, user]);
        }
    }

    /// The user of this number holds the license of this place.
    pub fn holds(&mut self, user: u32, license: usize) {
        self.licenses.set(user as usize, license, true);
    }

    /// How many users hold the license of this place.
    #[must_use]
    pub fn holders(&self, license: usize) -> usize {
        let users = self.licenses.bits.len().checked_div(self.licenses.width).unwrap_or(0);
        (0..users).filter(|user| self.licenses.has(*user, license)).count()
    }

    pub(super) fn into_members(mut self, licenses: usize, sites: usize) -> Members {
        self.digests.sort_unstable();
        self.digests.dedup();
        self.digests.shrink_to_fit();
        let names = MemberNames::Digests { seeds: self.seeds, digests: self.digests };
        Members { licenses: self.licenses, ..Members::new(names, licenses, sites) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_and_given_back() {
        let mut matrix = Matrix::new(70);
        assert!(matrix.set(3, 69, true) && !matrix.set(3, 69, true) && matrix.set(3, 0, true));
        assert_eq!(matrix.of(3).collect::<Vec<_>>(), [0, 69]);
        let row = matrix.row(3);
        assert!(matrix.set(3, 0, false) && !matrix.set(9, 0, false) && !matrix.set(3, 200, true));
        matrix.restore(3, &row);
        assert_eq!((matrix.of(3).count(), matrix.of(2).count(), matrix.of(9).count()), (2, 0, 0));
    }

    #[test]
    fn users_without_names_are_found_by_what_they_are_called() {
        let mut nameless = Nameless::new((1, 2), 2, 3);
        nameless.email(0, "Ada@example.com");
        nameless.email(1, "bob@example.com");
        nameless.person(1, "BOB");
        nameless.holds(1, 2);
        assert_eq!((nameless.holders(2), nameless.holders(0)), (1, 0));
        let people = nameless.into_members(3, 0);
        assert_eq!(people.by_email("ada@EXAMPLE.com"), Some(0));
        assert_eq!((people.by_person("BOB"), people.by_person("bob@example.com")), (Some(1), None));
        assert!(people.licenses.has(1, 2));
    }
}
