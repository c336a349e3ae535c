//! What an assignment does to an organization, or why not.

use super::Organization;
use crate::sandbox::request::{RequestedAssignment, RequestedLicense, RequestedSite, Verb};
use crate::sandbox::rules::{Circumstances, Product, Refused, may_add, may_remove, refused};

impl Organization {
    /// Does all of it or nothing, as the array form does.
    pub(in crate::sandbox) fn apply_whole(&mut self, asked: &RequestedAssignment) -> Result<(), Refused> {
        let user = self.find(asked)?;
        let before = (self.people.row(user), self.consumed.clone());
        let result = self.apply_each(user, asked).into_iter().next();
        let Some(refusal) = result else { return Ok(()) };
        self.people.restore(user, &before.0);
        self.consumed = before.1;
        Err(refusal)
    }

    /// Whether it names a license that nobody knows: such a request is looked at no further.
    pub(in crate::sandbox) fn unknown_license(&self, asked: &RequestedAssignment) -> Option<Refused> {
        let unknown = |license: &RequestedLicense| !self.license_numbers.contains_key(&license.id);
        asked.licenses.iter().any(unknown).then(unrecognized)
    }

    /// Does what can be done, as the object form does; gives back what could not.
    pub(in crate::sandbox) fn apply_each(
        &mut self,
        user: usize,
        asked: &RequestedAssignment,
    ) -> Vec<Refused> {
        let held: Vec<usize> = self.people.licenses.of(user).collect();
        let mut refusals = Vec::new();
        for license in &asked.licenses {
            refusals.extend(self.apply_license(user, license, asked, &held).err());
        }
        for site in &asked.sites {
            refusals.extend(self.apply_site(user, site).err());
        }
        refusals
    }

    fn apply_license(
        &mut self,
        user: usize,
        request: &RequestedLicense,
        asked: &RequestedAssignment,
        held: &[usize],
    ) -> Result<(), Refused> {
        let Some(number) = self.license_numbers.get(&request.id).copied() else { return Err(unrecognized()) };
        let holds = self.people.licenses.has(user, number) || self.people.pending.has(user, number);
        match (request.verb, holds) {
            (Verb::Add, true) | (Verb::Remove, false) => Ok(()),
            (Verb::Add, false) => {
                self.may_add(user, number, request, asked, held)?;
                self.hold(user, number, true);
                Ok(())
            }
            (Verb::Remove, true) => {
                may_remove(self.kind(number))?;
                self.hold(user, number, false);
                Ok(())
            }
        }
    }

    fn kind(&self, license: usize) -> Product {
        self.kinds.get(license).copied().unwrap_or(Product::Other)
    }

    /// Whether the organization that sells this license sells one of the kind too.
    fn sells_beside(&self, license: usize, kind: Product) -> bool {
        let seller = self.sellers.get(license);
        let mut sold = self.kinds.iter().zip(&self.sellers);
        sold.any(|(other, sold_by)| *other == kind && Some(sold_by) == seller)
    }

    fn may_add(
        &self,
        user: usize,
        number: usize,
        request: &RequestedLicense,
        asked: &RequestedAssignment,
        held: &[usize],
    ) -> Result<(), Refused> {
        let Some(license) = self.licenses.get(number) else { return Err(unrecognized()) };
        let kind = self.kind(number);
        let added = |kind| {
            let adds = asked.licenses.iter().filter(|license| license.verb == Verb::Add);
            adds.filter_map(|license| self.license_numbers.get(&license.id)).any(|n| self.kind(*n) == kind)
        };
        may_add(
            kind,
            &Circumstances {
                sold: &|kind| self.sells_beside(number, kind),
                held: &|kind| held.iter().any(|number| self.kind(*number) == kind),
                holds: &|kind| self.people.licenses.of(user).any(|number| self.kind(number) == kind),
                adds: &added,
            },
        )?;
        self.is_placed(kind, request)?;
        let rival = |group: &&Vec<usize>| {
            group.contains(&number) && group.iter().any(|other| self.people.licenses.has(user, *other))
        };
        if self.exclusive.iter().any(|group| rival(&group)) {
            return refused("400413", "Only one license of an exclusive group can be held");
        }
        let left = license.total_units.filter(|total| *total >= 0).map(|total| total - self.units(number));
        if left.is_some_and(|left| left <= 0) {
            return refused("NO_UNITS_LEFT", format!("No units of '{}' are left", license.name));
        }
        Ok(())
    }

    /// Whether a Calling license comes with what it needs, at a place that is there.
    fn is_placed(&self, kind: Product, request: &RequestedLicense) -> Result<(), Refused> {
        let placed = request.extension.is_some() && request.location.is_some();
        if kind.is_calling() && request.phone_number.is_none() && !placed {
            let message = "A Calling license needs a phone number, or an extension and a location";
            return refused("400411", message);
        }
        let unknown = |location: &String| !self.locations.is_empty() && !self.locations.contains(location);
        if request.location.as_ref().is_some_and(unknown) {
            return refused("400", "Location not found");
        }
        Ok(())
    }

    fn units(&self, license: usize) -> i64 {
        self.consumed.get(license).copied().unwrap_or(0)
    }

    /// A user of another organization holds nothing before accepting it; until then it is pending.
    fn hold(&mut self, user: usize, license: usize, hold: bool) {
        let Some(units) = self.consumed.get_mut(license) else { return };
        let people = &mut self.people;
        match hold {
            true if people.external.contains(&user) => drop(people.pending.set(user, license, true)),
            true if people.licenses.set(user, license, true) => *units += 1,
            false if people.licenses.set(user, license, false) => *units -= 1,
            false => drop(people.pending.set(user, license, false)),
            true => {}
        }
    }

    fn apply_site(&mut self, user: usize, request: &RequestedSite) -> Result<(), Refused> {
        let named = |site: &String| request.url.as_ref().is_some_and(|url| site.eq_ignore_ascii_case(url));
        let site = self.sites.iter().position(named);
        let Some(site) = site else {
            return refused("400216", "Attendee site URL is not valid");
        };
        let people = &mut self.people;
        let external = people.external.contains(&user);
        let sites = if external { &mut people.pending_sites } else { &mut people.sites };
        sites.set(user, site, request.verb == Verb::Add);
        Ok(())
    }
}

fn unrecognized() -> Refused {
    Refused { code: "400000", message: "License is not recognized".to_owned() }
}
