//! A checked file beside the live organization: what is asked of which licenses, and who holds them.

use std::collections::HashMap;

use super::names::Catalog;
use crate::assign::{CheckError, Checked, Placed, PlacedOperation, SecondReading};
use crate::domain::{Action, AssignmentNo, LicenseId, OperationKey, OrgId, Target};
use crate::input::InputFile;
use crate::live::{Holdings, Named, Names, Roll, Unread, read_all_telling};
use crate::plan::{Held, Holders, Kind, Stock, Wish, Wishes};
use crate::webex::{License, LicenseUser, ReadError};

/// How much of the organization is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Licenses and units: one request an organization.
    Units,
    /// Who holds what, too, where that takes so many requests at most.
    HoldersWithin(u64),
    /// Who holds what, whatever it takes.
    Holders,
}

/// Why nobody was asked who holds the licenses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRead {
    /// It was not wanted.
    NotWanted,
    /// It takes so many requests.
    TooMany(u64),
    /// The token may not read it, or not whole.
    Refused(String),
}

/// What is told of a holder, with what is known so far.
type OnHolderOf<'a, T> = dyn Fn(&T, usize, &LicenseUser, [Option<u32>; 2]) + 'a;

/// What a stock is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its organization, where the file or an option names it.
    pub org: Option<OrgId>,
    /// The license or site.
    pub target: Target,
    /// What the organization calls the license.
    pub name: Option<String>,
}

impl Label {
    /// What people call it.
    #[must_use]
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.target.as_str())
    }
}

/// An organization of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgUsers {
    /// Which; `None` for that of `--org-id` or of the token.
    pub org: Option<OrgId>,
    /// One more than its last assignment.
    pub end: u32,
}

/// A file beside the organization.
#[derive(Debug)]
pub struct Outlook {
    /// What is asked, sorted by user.
    wishes: Vec<Wish>,
    /// Of what.
    pub stocks: Vec<Stock>,
    /// What each stock is called.
    pub labels: Vec<Label>,
    /// The organizations of the file, in sending order.
    pub orgs: Vec<OrgUsers>,
    /// Who holds what, as far as it was read.
    holdings: Holdings,
    /// The stock of each organization's target.
    numbers: HashMap<(u32, u32), u32>,
    /// By stock: whether some of its users are named by addresses alone, and some by person IDs alone.
    names: Vec<(bool, bool)>,
    /// By assignment, the number it had when the file was looked at; empty where that is the same.
    former: Vec<u32>,
    /// Why it was not read.
    pub not_read: Option<NotRead>,
    /// Why not even the units were read.
    pub no_units: Option<String>,
}

/// The file's users, as holders are looked up.
struct People<'c>(&'c Checked);

impl Names for People<'_> {
    fn numbers(&self, named: Named<'_>) -> [Option<u32>; 2] {
        let number = |email: Option<&str>, person: Option<&str>| {
            (email.is_some() || person.is_some()).then(|| self.0.assignment_of(email, person)).flatten()
        };
        [number(named.email, None), number(None, named.person)]
            .map(|found| found.map(|AssignmentNo(number)| number))
    }

    fn bound(&self) -> u32 {
        self.0.counts().assignments
    }
}

impl Holders for Outlook {
    fn held(&self, stock: u32, wish: &Wish) -> Held {
        let Some(roll) = self.holdings.of(stock as usize) else { return Held::Unknown };
        if roll.names(wish.user) {
            return Held::Yes;
        }
        let comparable =
            (wish.by_email && roll.without_address == 0) || (wish.by_person && roll.without_person == 0);
        if comparable { Held::No } else { Held::Unknown }
    }
}

/// Why there is no outlook.
#[derive(Debug, thiserror::Error)]
pub enum OutlookError {
    /// The file.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The service.
    #[error(transparent)]
    Unread(#[from] Unread),
}

impl Outlook {
    /// What is asked.
    #[must_use]
    pub fn wishes(&self) -> Wishes<'_> {
        Wishes::sorted(&self.wishes)
    }

    /// Takes in that the file's assignments are numbered anew: by number, the one that each had before.
    pub(super) fn renumbered(&mut self, former: Vec<u32>) {
        self.former = former;
    }

    /// Whether an operation is known to change nothing.
    #[must_use]
    pub fn is_unchanged(&self, wish: &Wish) -> bool {
        let held = self.held(wish.stock, wish);
        matches!((wish.action, held), (Action::Add, Held::Yes) | (Action::Remove, Held::No))
    }

    /// Whether an operation of the file is known to change nothing.
    #[must_use]
    pub fn changes_nothing(&self, key: OperationKey, operation: &PlacedOperation) -> bool {
        let stock = self.stock_of(operation);
        stock.is_some_and(|stock| self.is_unchanged(&self.wish(key, operation, stock)))
    }

    /// Whether it is not known if an operation of the file changes anything.
    #[must_use]
    pub fn is_unknown(&self, key: OperationKey, operation: &PlacedOperation) -> bool {
        let stock = self.stock_of(operation);
        stock.is_some_and(|stock| self.held(stock, &self.wish(key, operation, stock)) == Held::Unknown)
    }

    fn wish(&self, key: OperationKey, operation: &PlacedOperation, stock: u32) -> Wish {
        let wish = wish(key, operation, stock);
        let former = self.former.get(wish.user as usize).copied();
        Wish { user: former.unwrap_or(wish.user), ..wish }
    }

    fn stock_of(&self, operation: &PlacedOperation) -> Option<u32> {
        let AssignmentNo(user) = operation.assignment;
        let org = u32::try_from(self.orgs.partition_point(|org| org.end <= user)).unwrap_or(u32::MAX);
        self.numbers.get(&(org, operation.target.0)).copied()
    }

    /// What an operation is about, and the user's organization where the file names it.
    #[must_use]
    pub fn label_of(&self, operation: &PlacedOperation) -> Option<(&Label, &str)> {
        let label = self.labels.get(self.stock_of(operation)? as usize)?;
        Some((label, label.org.as_ref().map_or("", OrgId::as_str)))
    }

    /// Whether the file asks anything of the stock of this number.
    #[must_use]
    pub fn is_asked(&self, stock: usize) -> bool {
        self.numbers.values().any(|number| *number as usize == stock)
    }

    /// Whether some users of this stock are named by addresses alone, and whether some by person IDs alone.
    #[must_use]
    pub fn names_of(&self, stock: usize) -> (bool, bool) {
        self.names.get(stock).copied().unwrap_or((false, false))
    }

    /// How many users the file lists for a stock, and from how many of its holders it takes it away.
    #[must_use]
    pub fn listed(&self, stock: usize) -> (u64, u64) {
        let of_stock = self.wishes.iter().filter(|wish| wish.stock as usize == stock);
        of_stock.fold((0, 0), |(listed, taken), wish| {
            let takes = wish.action == Action::Remove && self.held(wish.stock, wish) != Held::No;
            (listed + 1, taken + u64::from(takes))
        })
    }

    /// Whether it was read who holds the stock of this number.
    #[must_use]
    pub fn is_read(&self, stock: usize) -> bool {
        self.holdings.of(stock).is_some()
    }

    /// How many hold the license of this stock, where it was read.
    #[must_use]
    pub fn holders_of(&self, stock: usize) -> Option<u64> {
        self.holdings.of(stock).map(|roll| roll.holders)
    }

    /// Looks at the organizations that a checked file is about. The file is read once more.
    ///
    /// # Errors
    /// [`OutlookError`]; that the token may not read something is none.
    pub fn look(
        checked: Checked,
        file: &InputFile,
        catalog: &mut Catalog,
        depth: Depth,
    ) -> Result<(Self, Checked), OutlookError> {
        let (mut outlook, checked) = Self::begin(checked, file, catalog)?;
        outlook.read_holders(catalog, &checked, depth, &|_, _, _, _| {})?;
        Ok((outlook, checked))
    }

    /// The same, telling every holder whom the file does not name for the license that he holds.
    ///
    /// # Errors
    /// [`OutlookError`]: what has been told before counts for nothing.
    pub fn look_for_others(
        checked: Checked,
        file: &InputFile,
        catalog: &mut Catalog,
        scope: &[LicenseId],
        each: &dyn Fn(&Self, usize, &LicenseUser),
    ) -> Result<(Self, Checked), OutlookError> {
        let (mut outlook, checked) = Self::begin(checked, file, catalog)?;
        outlook.add_scope(catalog, scope)?;
        let mut listed: Vec<Roll> = Vec::new();
        listed.resize_with(outlook.stocks.len(), || Roll::empty(checked.counts().assignments));
        for wish in &outlook.wishes {
            listed.get_mut(wish.stock as usize).into_iter().for_each(|roll| roll.mark(wish.user));
        }
        let other = |outlook: &Self, stock: usize, user: &LicenseUser, numbers: [Option<u32>; 2]| {
            let is_listed = |number| listed.get(stock).is_some_and(|roll| roll.names(number));
            if !numbers.into_iter().flatten().any(is_listed) {
                each(outlook, stock, user);
            }
        };
        outlook.read_holders(catalog, &checked, Depth::Holders, &other)?;
        Ok((outlook, checked))
    }

    /// Licenses of the scope that the file asks nothing of.
    fn add_scope(&mut self, catalog: &mut Catalog, scope: &[LicenseId]) -> Result<(), Unread> {
        for id in scope {
            if self.labels.iter().any(|label| label.target.as_str() == id.as_str()) {
                continue;
            }
            let mut stock =
                Stock { org: 0, kind: Kind::Other, total: None, consumed: 0, known: true, site: false };
            let license = catalog.licenses(None)?.by_id(id.as_str());
            let name = license.map(|license| license.name.clone());
            license.into_iter().for_each(|license| fill(&mut stock, license));
            self.stocks.push(stock);
            self.labels.push(Label { org: None, target: Target::License(id.clone()), name });
        }
        Ok(())
    }

    /// What the file asks, and what there is.
    fn begin(
        checked: Checked,
        file: &InputFile,
        catalog: &mut Catalog,
    ) -> Result<(Self, Checked), OutlookError> {
        let mut taking = Taking::new(&checked);
        let mut second = SecondReading::new(checked, file)?;
        let mut placed = Vec::new();
        while second.next(&mut placed)?.is_some() {
            placed.drain(..).for_each(|placed| taking.take(&placed));
        }
        let checked = second.finish().map_err(CheckError::from)?;
        let mut outlook = taking.finish(&checked);
        outlook.read_units(catalog)?;
        Ok((outlook, checked))
    }

    fn read_units(&mut self, catalog: &mut Catalog) -> Result<(), Unread> {
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
        let asked: Vec<Kind> = self
            .stocks
            .iter()
            .filter(|stock| stock.org == number && stock.known)
            .map(|stock| stock.kind)
            .collect();
        for (license, stocked) in licenses.iter().zip(stocked) {
            let kind = Kind::of(&license.name);
            let has_a_say = asked.iter().any(|asked| asked.companions().contains(&kind));
            if let (true, false, Some(id)) = (has_a_say, *stocked, license.license_id()) {
                let mut stock =
                    Stock { org: number, kind, total: None, consumed: 0, known: true, site: false };
                fill(&mut stock, license);
                self.stocks.push(stock);
                let (org, name) = (org.cloned(), Some(license.name.clone()));
                self.labels.push(Label { org, target: Target::License(id), name });
            }
        }
    }

    fn read_holders(
        &mut self,
        catalog: &Catalog,
        checked: &Checked,
        depth: Depth,
        each: &OnHolderOf<'_, Self>,
    ) -> Result<(), Unread> {
        let wanted = |(stock, label): (&Stock, &Label)| match &label.target {
            Target::License(id) if stock.known => Some(id.clone()),
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
        let people = People(checked);
        let reading = read_all_telling(catalog.readings(), &licenses, &people, &tell);
        match catalog.wait(reading) {
            Ok(holdings) => self.holdings = holdings,
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
    stock.kind = Kind::of(&license.name);
    stock.total = license.total_units.and_then(|total| u64::try_from(total).ok());
    stock.consumed = license.consumed_units.and_then(|units| u64::try_from(units).ok()).unwrap_or(0);
}

fn wish(key: OperationKey, operation: &PlacedOperation, stock: u32) -> Wish {
    let properties = &operation.properties;
    Wish {
        user: operation.assignment.0,
        stock,
        key,
        action: operation.action,
        placed: properties.phone_number.is_some()
            || (properties.extension.is_some() && properties.location.is_some()),
        by_email: operation.email.is_some(),
        by_person: operation.person.is_some(),
    }
}

/// A file's operations, on their way into an outlook.
struct Taking {
    wishes: Vec<Wish>,
    targets: Vec<Target>,
    stocks: Vec<Stock>,
    labels: Vec<Label>,
    /// By organization and target.
    numbers: HashMap<(u32, u32), u32>,
    orgs: Vec<OrgUsers>,
}

impl Taking {
    fn new(checked: &Checked) -> Self {
        let mut end = 0;
        let orgs = checked.organizations().iter().map(|users| {
            end += users;
            OrgUsers { org: None, end }
        });
        let orgs: Vec<OrgUsers> = orgs.collect();
        Self {
            wishes: Vec::new(),
            targets: checked.targets().all().to_vec(),
            stocks: Vec::new(),
            labels: Vec::new(),
            numbers: HashMap::new(),
            orgs,
        }
    }

    fn take(&mut self, placed: &Placed) {
        let Ok(operation) = &placed.content else { return };
        let AssignmentNo(user) = operation.assignment;
        let place = self.orgs.partition_point(|org| org.end <= user);
        let Some(of_user) = self.orgs.get_mut(place) else { return };
        if of_user.org.is_none() {
            of_user.org.clone_from(&operation.org);
        }
        if operation.duplicate_of.is_some() {
            return;
        }
        let org = u32::try_from(place).unwrap_or(u32::MAX);
        let next = u32::try_from(self.stocks.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry((org, operation.target.0)).or_insert(next);
        if number == next {
            let Some(target) = self.targets.get(operation.target.0 as usize) else { return };
            let site = matches!(target, Target::Site(_));
            self.stocks.push(Stock { org, kind: Kind::Other, total: None, consumed: 0, known: true, site });
            self.labels.push(Label { org: None, target: target.clone(), name: None });
        }
        self.wishes.push(wish(placed.key, operation, number));
    }

    fn finish(self, _: &Checked) -> Outlook {
        let Self { mut wishes, stocks, mut labels, orgs, numbers, .. } = self;
        if !wishes.is_sorted_by_key(|wish| wish.user) {
            // A stable sort: what one user asks for stays in file order.
            wishes.sort_by_key(|wish| wish.user);
        }
        for (label, stock) in labels.iter_mut().zip(&stocks) {
            label.org = orgs.get(stock.org as usize).and_then(|org| org.org.clone());
        }
        let holdings = Holdings::default();
        let mut names = vec![(false, false); stocks.len()];
        for wish in &wishes {
            if let Some((by_email, by_person)) = names.get_mut(wish.stock as usize) {
                *by_email |= wish.by_email && !wish.by_person;
                *by_person |= wish.by_person && !wish.by_email;
            }
        }
        let former = Vec::new();
        Outlook {
            names,
            wishes,
            stocks,
            labels,
            orgs,
            holdings,
            numbers,
            former,
            not_read: None,
            no_units: None,
        }
    }
}
