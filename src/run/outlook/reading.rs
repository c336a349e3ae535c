//! What there is, read for an outlook: licenses, units, holders.

use std::collections::{BTreeSet, HashMap};

use super::{Depth, FileUsers, Label, NotRead, OnHolderOf, OrgUsers, Outlook, OutlookError};
use crate::assign::Checked;
use crate::domain::{IdKey, LicenseId, OrgId, Target};
use crate::live::{LicenseMatch, Rolls, Unread, read_all_telling};
use crate::plan::{LicenseKind, Stock};
use crate::run::names::Catalog;
use crate::webex::{License, LicenseUser, ReadError};

impl Outlook {
    pub(super) fn read_units(&mut self, catalog: &mut Catalog) -> Result<(), Unread> {
        for (number, OrgUsers { org, .. }) in (0u32..).zip(self.orgs.clone()) {
            let licenses = match catalog.licenses(org.as_ref()) {
                Ok(licenses) => licenses,
                Err(unread) if unread.error.is_about_rights() => {
                    self.no_units = Some(unread.to_string());
                    continue;
                }
                Err(Unread { error: ReadError::NotFound, .. }) if org.is_some() => {
                    let of_org = self.stocks.iter_mut().filter(|stock| stock.org == number && !stock.site);
                    of_org.for_each(|stock| stock.known = false);
                    let org = org.as_ref().map_or("", OrgId::as_str);
                    self.no_units = Some(format!("the service knows no organization {org}"));
                    continue;
                }
                Err(unread) => return Err(unread),
            };
            let mut stocked = vec![false; licenses.all().len()];
            for (stock, label) in self.stocks.iter_mut().zip(&mut self.labels) {
                if stock.org != number || stock.site {
                    continue;
                }
                let found = licenses.by_id(label.target.as_str());
                stock.known = found.is_some();
                let Some(license) = found else { continue };
                label.name = Some(license.name.clone());
                fill(stock, license);
                let place = licenses.all().iter().position(|other| std::ptr::eq(other, license));
                place
                    .and_then(|place| stocked.get_mut(place))
                    .into_iter()
                    .for_each(|stocked| *stocked = true);
            }
            self.add_companions(number, org.as_ref(), licenses.all(), &stocked);
        }
        Ok(())
    }

    /// Licenses that the file does not name and that a rule looks at.
    fn add_companions(&mut self, number: u32, org: Option<&OrgId>, licenses: &[License], stocked: &[bool]) {
        let asked: Vec<LicenseKind> = self
            .stocks
            .iter()
            .filter(|stock| stock.org == number && stock.known)
            .map(|stock| stock.kind)
            .collect();
        for (license, stocked) in licenses.iter().zip(stocked) {
            let kind = LicenseKind::of(&license.name);
            let has_a_say = asked.iter().any(|asked| asked.companions().contains(&kind));
            if let (true, false, Some(id)) = (has_a_say, *stocked, license.license_id()) {
                self.add(number, org, license, id);
            }
        }
    }

    /// Takes in a license that the file does not ask for; gives back its number.
    fn add(&mut self, number: u32, org: Option<&OrgId>, license: &License, id: LicenseId) -> usize {
        let mut stock = Stock {
            org: number,
            same_as: None,
            kind: LicenseKind::Other,
            total: None,
            consumed: 0,
            known: true,
            site: false,
        };
        fill(&mut stock, license);
        self.stocks.push(stock);
        let (org, name) = (org.cloned(), Some(license.name.clone()));
        self.labels.push(Label { org, target: Target::License(id), name });
        self.labels.len() - 1
    }

    /// Licenses that are named beside the file, each in every organization of the file that has it.
    pub(super) fn add_scope(&mut self, catalog: &mut Catalog, scope: &[String]) -> Result<(), OutlookError> {
        if scope.is_empty() {
            return Ok(());
        }
        let mut numbers = BTreeSet::new();
        for called in scope {
            let wrong = |what: String| Err(OutlookError::Scope { called: called.clone(), what });
            let mut found = false;
            for (number, OrgUsers { org, .. }) in (0u32..).zip(self.orgs.clone()) {
                let license = match catalog.licenses(org.as_ref())?.find(called) {
                    LicenseMatch::Nothing(_) => continue,
                    LicenseMatch::One(license) => license,
                    LicenseMatch::Several(which) => {
                        let which: Vec<String> = which.into_iter().map(License::told_apart).collect();
                        return wrong(format!("several licenses have that name: {}", which.join(", ")));
                    }
                };
                let Some(id) = license.license_id() else {
                    return wrong("the license has no ID".to_owned());
                };
                let is_it = |(stock, label): (&Stock, &Label)| {
                    stock.org == number
                        && matches!(&label.target, Target::License(other) if other.key() == id.key())
                };
                let there = self.stocks.iter().zip(&self.labels).position(is_it);
                numbers.insert(there.unwrap_or_else(|| self.add(number, org.as_ref(), license, id)));
                found = true;
            }
            if !found {
                return wrong(match self.orgs.len() {
                    0 | 1 => "the organization has no such license".to_owned(),
                    _ => "no organization of the file has such a license".to_owned(),
                });
            }
        }
        self.scope = Some(numbers);
        Ok(())
    }

    /// Finds licenses of one organization that the file calls by two names.
    pub(super) fn find_same(&mut self) {
        let mut first: HashMap<IdKey, u32> = HashMap::new();
        for ((number, stock), label) in (0..).zip(&mut self.stocks).zip(&self.labels) {
            let Target::License(id) = &label.target else { continue };
            if stock.known {
                let first = *first.entry(id.key()).or_insert(number);
                stock.same_as = (first != number).then_some(first);
            }
        }
    }

    /// Takes in who holds what.
    pub(in crate::run) fn take_holders(&mut self, mut holdings: Rolls) {
        let same =
            self.stocks.iter().enumerate().filter_map(|(number, stock)| Some((number, stock.same_as?)));
        same.for_each(|(number, same)| holdings.share(same as usize, number));
        self.holdings = holdings;
    }

    pub(super) fn read_holders(
        &mut self,
        catalog: &Catalog,
        checked: &Checked,
        depth: Depth,
        each: &OnHolderOf<'_, Self>,
    ) -> Result<(), Unread> {
        let wanted = |(stock, label): (&Stock, &Label)| match &label.target {
            Target::License(id) if stock.known && stock.same_as.is_none() => Some(id.clone()),
            _ => None,
        };
        let licenses: Vec<Option<LicenseId>> = self.stocks.iter().zip(&self.labels).map(wanted).collect();
        let pages = |(stock, license): (&Stock, &Option<LicenseId>)| {
            license
                .as_ref()
                .map_or(0, |_| stock.consumed.div_ceil(u64::from(crate::webex::PAGE_OF_USERS)).max(1))
        };
        let requests: u64 = self.stocks.iter().zip(&licenses).map(pages).sum();
        self.not_read = match depth {
            Depth::Units => Some(NotRead::NotWanted),
            Depth::HoldersWithin(most) if requests > most => Some(NotRead::TooMany(requests)),
            Depth::HoldersWithin(_) | Depth::Holders => None,
        };
        if self.not_read.is_some() {
            return Ok(());
        }
        let tell =
            |stock: usize, user: &LicenseUser, numbers: [Option<u32>; 2]| each(self, stock, user, numbers);
        let people = FileUsers(checked);
        let readings = match depth {
            Depth::HoldersWithin(most) => &catalog.readings().at_most(most),
            Depth::Units | Depth::Holders => catalog.readings(),
        };
        let reading = read_all_telling(readings, &licenses, &people, &tell);
        match catalog.wait(reading) {
            Ok(holdings) => self.take_holders(holdings),
            Err(Unread { error: ReadError::OutOfRequests, .. }) if let Depth::HoldersWithin(most) = depth => {
                self.not_read = Some(NotRead::MoreThan(most));
            }
            Err(unread) if unread.error.is_about_rights() => {
                self.not_read = Some(NotRead::Refused(unread.to_string()));
            }
            Err(unread) => return Err(unread),
        }
        Ok(())
    }
}

fn fill(stock: &mut Stock, license: &License) {
    stock.known = true;
    stock.kind = LicenseKind::of(&license.name);
    stock.total = license.total_units.and_then(|total| u64::try_from(total).ok());
    stock.consumed = license.consumed_units.and_then(|units| u64::try_from(units).ok()).unwrap_or(0);
}
