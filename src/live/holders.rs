//! Who holds a license.

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Mutex;

use super::crowd::{People, PersonNamed};
use super::readings::{Readings, Unread};
use crate::domain::{Held, LicenseId};
use crate::webex::LicenseUser;

/// Lists that are read at the same time, as far as the pace allows.
const AT_ONCE: usize = 4;

/// Those of the people asked about who hold one license. Made of whole lists alone.
#[derive(Debug, Clone, Default)]
pub struct Roll {
    /// One bit per number.
    bits: Vec<u64>,
    /// Holders on the list.
    pub holders: u64,
    /// Holders whom the list names by no address.
    pub without_address: u64,
    /// Holders whom the list names by no person ID.
    pub without_person: u64,
}

impl Roll {
    /// Nobody, for people of numbers below `bound`.
    #[must_use]
    pub fn empty(bound: u32) -> Self {
        Self { bits: vec![0; (bound as usize).div_ceil(64)], ..Self::default() }
    }

    /// Takes in that the person of this number is a holder.
    pub fn mark(&mut self, number: u32) {
        if let Some(word) = self.bits.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// Whether the list names the person of this number.
    #[must_use]
    pub fn names(&self, number: u32) -> bool {
        self.bits.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Takes in a holder; gives back the numbers that they have among the people.
    pub(crate) fn take(&mut self, user: &LicenseUser, names: &impl People) -> [Option<u32>; 2] {
        let email = user.email.as_deref().filter(|email| !email.trim().is_empty());
        let person = Some(user.id.as_str()).filter(|id| !id.trim().is_empty());
        self.holders += 1;
        self.without_address += u64::from(email.is_none());
        self.without_person += u64::from(person.is_none());
        let numbers = names.numbers(PersonNamed { email, person });
        numbers.into_iter().flatten().for_each(|number| self.mark(number));
        numbers
    }

    /// Whether someone who was asked about by these names holds the license.
    #[must_use]
    pub fn held(&self, names: &impl People, named: PersonNamed<'_>) -> Held {
        if names.numbers(named).into_iter().flatten().any(|number| self.names(number)) {
            return Held::Yes;
        }
        let comparable = (named.email.is_some() && self.without_address == 0)
            || (named.person.is_some() && self.without_person == 0);
        if comparable { Held::No } else { Held::Unknown }
    }
}

/// Who of the people asked about holds which license, license by license.
#[derive(Debug, Clone, Default)]
pub struct Rolls(Vec<Option<Roll>>);

impl Rolls {
    /// These lists.
    #[cfg(test)]
    pub(crate) const fn new(rolls: Vec<Option<Roll>>) -> Self {
        Self(rolls)
    }

    /// The list of the license of this number, where it has been read.
    #[must_use]
    pub fn of(&self, license: usize) -> Option<&Roll> {
        self.0.get(license).and_then(Option::as_ref)
    }

    /// The list of the one license is that of the other, too.
    pub fn share(&mut self, of: usize, with: usize) {
        let roll = self.of(of).cloned();
        self.0.get_mut(with).into_iter().for_each(|slot| slot.clone_from(&roll));
    }

    /// Whether someone holds the license of this number.
    #[must_use]
    pub fn held(&self, license: usize, names: &impl People, named: PersonNamed<'_>) -> Held {
        self.of(license).map_or(Held::Unknown, |roll| roll.held(names, named))
    }
}

impl Readings {
    /// Reads the whole list of a license's holders, a page at a time.
    ///
    /// # Errors
    /// [`Unread`] where any page could not be read: nothing may then be concluded.
    pub async fn holders(
        &self,
        license: &LicenseId,
        mut each: impl FnMut(LicenseUser),
    ) -> Result<(), Unread> {
        let mut pages = self.client().holders(license);
        loop {
            let page = match self.take_page() {
                Ok(()) => self.ask(async |client| pages.next(client).await).await,
                Err(none) => Err(none),
            };
            match page {
                Ok(Some(page)) => page.into_iter().for_each(&mut each),
                Ok(None) => return Ok(()),
                Err(error) => {
                    let what = "the list of who holds the license".to_owned();
                    return Err(Unread { what, address: pages.address().to_owned(), error });
                }
            }
        }
    }

    /// Who of these people holds a license.
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn roll(&self, license: &LicenseId, names: &impl People) -> Result<Roll, Unread> {
        self.roll_telling(license, names, |_, _| {}).await
    }

    /// The same, telling every holder with their numbers.
    async fn roll_telling(
        &self,
        license: &LicenseId,
        names: &impl People,
        mut each: impl FnMut(&LicenseUser, [Option<u32>; 2]),
    ) -> Result<Roll, Unread> {
        let mut roll = Roll::empty(names.bound());
        let take = |user: LicenseUser| {
            let numbers = roll.take(&user, names);
            each(&user, numbers);
        };
        self.holders(license, take).await?;
        Ok(roll)
    }
}

/// Who of these people holds which license; of a license that is `None` nothing is asked. Several lists are
/// read at once, within the pace.
///
/// # Errors
/// The first [`Unread`].
pub async fn read_all(
    readings: &Readings,
    licenses: &[Option<LicenseId>],
    names: &impl People,
) -> Result<Rolls, Unread> {
    read_all_telling(readings, licenses, names, &|_, _, _| {}).await
}

/// What is told of a holder: the number of the license, who it is, and the user's own numbers by address and by person ID.
pub(crate) type OnHolder<'a> = dyn Fn(usize, &LicenseUser, [Option<u32>; 2]) + 'a;

/// The same, telling every holder with the number of the license and their own numbers.
///
/// # Errors
/// The first [`Unread`]: what has been told before counts for nothing.
pub async fn read_all_telling(
    readings: &Readings,
    licenses: &[Option<LicenseId>],
    names: &impl People,
    each: &OnHolder<'_>,
) -> Result<Rolls, Unread> {
    let holdings = Mutex::new(vec![None; licenses.len()]);
    let asked = licenses.iter().enumerate().filter_map(|(number, license)| Some((number, license.as_ref()?)));
    let mut reading = stream::iter(asked)
        .map(|(number, license)| {
            let holdings = &holdings;
            async move {
                let roll = readings
                    .roll_telling(license, names, |user, numbers| each(number, user, numbers))
                    .await?;
                if let Some(slot) = holdings.lock().await.get_mut(number) {
                    *slot = Some(roll);
                }
                Ok::<(), Unread>(())
            }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(read) = reading.next().await {
        read?;
    }
    drop(reading);
    Ok(Rolls(holdings.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::super::Crowd;
    use super::*;

    fn user(id: &str, email: Option<&str>) -> LicenseUser {
        LicenseUser { id: id.to_owned(), kind: None, display_name: None, email: email.map(str::to_owned) }
    }

    #[test]
    fn nothing_is_concluded_about_whom_the_list_cannot_name() {
        let mut crowd = Crowd::new((1, 2));
        let ada = PersonNamed { email: Some("ada@example.com"), person: None };
        let bob = PersonNamed { email: Some("bob@example.com"), person: Some("BOB") };
        let eve = PersonNamed { email: None, person: Some("EVE") };
        let asked = [ada, bob, eve];
        for named in asked {
            crowd.admit(named);
        }
        let mut roll = Roll::empty(crowd.bound());
        let held = |roll: &Roll| asked.map(|named| roll.held(&crowd, named));
        roll.take(&user("X", Some("x@example.com")), &crowd);
        assert_eq!(held(&roll), [Held::No; 3]);
        roll.take(&user("BOB", None), &crowd);
        assert_eq!(held(&roll), [Held::Unknown, Held::Yes, Held::No]);
        roll.take(&user("", Some("ADA@example.com")), &crowd);
        assert_eq!(held(&roll), [Held::Yes, Held::Yes, Held::Unknown]);
        assert_eq!(roll.holders, 3);
    }
}
