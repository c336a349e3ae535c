//! A checked file beside the live organization: what is asked of which licenses, and who holds them.

mod reading;
mod taking;

use std::collections::{BTreeSet, HashMap};

use self::taking::{Taking, seat_change};
use super::holders::effect_of;
use super::names::Catalog;
use crate::assign::{CheckError, Checked, PlacedOperation, SecondReading};
use crate::domain::{Action, AssignmentNo, Held, OperationKey, OrgId, Target};
use crate::engine::Effect;
use crate::input::InputFile;
use crate::live::{People, PersonNamed, Roll, Rolls, Unread};
use crate::plan::{Holders, SeatChange, SeatChanges, Stock};
use crate::webex::LicenseUser;

/// How much of the organization is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Licenses and units: one request per organization.
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
    /// It turned out to take more requests than this.
    MoreThan(u64),
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

/// What is not sent, since it changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spared {
    /// Operations.
    pub operations: u64,
    /// Users of whom nothing else is asked.
    pub users: u64,
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
    seat_changes: Vec<SeatChange>,
    /// Of what.
    pub stocks: Vec<Stock>,
    /// What each stock is called.
    pub labels: Vec<Label>,
    /// The organizations of the file, in sending order.
    pub orgs: Vec<OrgUsers>,
    /// Who holds what, as far as it was read.
    holdings: Rolls,
    /// The stock of each organization's target.
    numbers: HashMap<(u32, u32), u32>,
    /// By stock: whether some of its users are named by addresses alone, and some by person IDs alone.
    names: Vec<(bool, bool)>,
    /// Stocks of which the file is the whole truth, where that is not what it asks for.
    scope: Option<BTreeSet<usize>>,
    /// By assignment, the number it had when the file was looked at; empty where that is the same.
    former: Vec<u32>,
    /// Why it was not read.
    pub not_read: Option<NotRead>,
    /// Why not even the units were read.
    pub no_units: Option<String>,
}

/// A holder of a license, beside the file.
pub(super) struct Holder<'a> {
    /// The number of the license.
    pub(super) stock: usize,
    /// As the list names the user.
    pub(super) user: &'a LicenseUser,
    /// The user's assignments, by address and by person ID.
    pub(super) numbers: [Option<u32>; 2],
    /// Whether the file lists the user for the license.
    pub(super) is_listed: bool,
}

/// Whom the file lists for which stock.
pub(super) struct UsersListed(Vec<Roll>);

impl UsersListed {
    pub(super) fn of(outlook: &Outlook, users: u32) -> Self {
        let mut listed: Vec<Roll> = Vec::new();
        listed.resize_with(outlook.stocks.len(), || Roll::empty(users));
        for change in &outlook.seat_changes {
            let stock = outlook.one_of(change.stock as usize);
            listed.get_mut(stock).into_iter().for_each(|roll| roll.mark(change.user));
        }
        Self(listed)
    }

    pub(super) fn holder<'a>(
        &self,
        stock: usize,
        user: &'a LicenseUser,
        numbers: [Option<u32>; 2],
    ) -> Holder<'a> {
        let lists = |number| self.0.get(stock).is_some_and(|roll| roll.names(number));
        Holder { stock, user, numbers, is_listed: numbers.into_iter().flatten().any(lists) }
    }
}

/// The file's users, as holders are looked up.
pub(super) struct FileUsers<'c>(pub(super) &'c Checked);

impl People for FileUsers<'_> {
    fn numbers(&self, named: PersonNamed<'_>) -> [Option<u32>; 2] {
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
    fn held(&self, stock: u32, change: &SeatChange) -> Held {
        let Some(roll) = self.holdings.of(stock as usize) else { return Held::Unknown };
        if roll.names(change.user) {
            return Held::Yes;
        }
        let by = change.mentions();
        let comparable = (by.email && roll.without_address == 0) || (by.person && roll.without_person == 0);
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
    /// A license that is named beside the file.
    #[error("--scope {called}: {what}", called = crate::domain::Printable(called))]
    Scope {
        /// What it is called.
        called: String,
        /// Why it is none.
        what: String,
    },
}

impl Outlook {
    /// What is asked.
    #[must_use]
    pub fn seat_changes(&self) -> SeatChanges<'_> {
        SeatChanges::sorted(&self.seat_changes)
    }

    /// Takes in that the file's assignments are numbered anew: by number, the one that each had before.
    pub(super) fn renumbered(&mut self, former: Vec<u32>) {
        self.former = former;
    }

    /// The number that the user of this assignment had when the file was looked at.
    #[must_use]
    pub fn number_before(&self, user: u32) -> u32 {
        self.former.get(user as usize).copied().unwrap_or(user)
    }

    /// Forgets the operations that are known to change nothing: they are not sent.
    pub fn drop_unchanged(&mut self) -> Spared {
        let mut changes = std::mem::take(&mut self.seat_changes);
        let before = (changes.len(), SeatChanges::sorted(&changes).users().count());
        changes.retain(|change| !self.is_unchanged(change));
        self.seat_changes = changes;
        let after = (self.seat_changes.len(), self.seat_changes().users().count());
        Spared { operations: (before.0 - after.0) as u64, users: (before.1 - after.1) as u64 }
    }

    /// Whether an operation is known to change nothing.
    #[must_use]
    pub fn is_unchanged(&self, change: &SeatChange) -> bool {
        let held = self.held(change.stock, change);
        held.is_as_asked(change.action) == Some(true)
    }

    /// Whether an operation of the file is in effect already: that it is known to change nothing, to change something, or
    /// neither; `None` for what the outlook knows nothing of.
    #[must_use]
    pub fn is_in_effect(&self, key: OperationKey, operation: &PlacedOperation) -> Option<Effect> {
        let stock = self.stock_of(operation)?;
        let held = self.held(stock, &self.seat_change(key, operation, stock));
        Some(effect_of(operation.action, held))
    }

    /// Whether an operation of the file is known to change nothing.
    #[must_use]
    pub fn changes_nothing(&self, key: OperationKey, operation: &PlacedOperation) -> bool {
        self.is_in_effect(key, operation) == Some(Effect::InEffect)
    }

    /// Whether it is not known if an operation of the file changes anything.
    #[must_use]
    pub fn is_unknown(&self, key: OperationKey, operation: &PlacedOperation) -> bool {
        self.is_in_effect(key, operation) == Some(Effect::Unknown)
    }

    /// Whether an operation is about something whose holders a list tells.
    #[must_use]
    pub fn has_list(&self, operation: &PlacedOperation) -> bool {
        self.stock_of(operation).is_some_and(|stock| self.is_read(stock as usize))
    }

    fn seat_change(&self, key: OperationKey, operation: &PlacedOperation, stock: u32) -> SeatChange {
        let mut change = seat_change(key, operation, stock);
        change.user = self.number_before(change.user);
        change
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

    /// Whether the file is the whole truth about the stock of this number, where it is that about any.
    #[must_use]
    pub fn is_in_scope(&self, stock: usize) -> bool {
        let license = self.labels.get(stock).is_some_and(|label| matches!(label.target, Target::License(_)));
        license && self.scope.as_ref().map_or_else(|| self.is_asked(stock), |scope| scope.contains(&stock))
    }

    /// The number of the stock whose units and holders are those of this one: another only where the file calls
    /// one organization by two names.
    #[must_use]
    pub fn one_of(&self, stock: usize) -> usize {
        let same = self.stocks.get(stock).and_then(|stock| stock.same_as);
        same.map_or(stock, |same| same as usize)
    }

    /// Whether some users of this stock are named by addresses alone, and whether some by person IDs alone.
    #[must_use]
    pub fn names_of(&self, stock: usize) -> (bool, bool) {
        self.names.get(stock).copied().unwrap_or((false, false))
    }

    /// How many users the file lists for a stock, and from how many of its holders it takes it away.
    #[must_use]
    pub fn listed(&self, stock: usize) -> (u64, u64) {
        let of_stock = self.seat_changes.iter().filter(|change| self.one_of(change.stock as usize) == stock);
        of_stock.fold((0, 0), |(listed, taken), change| {
            let takes = change.action == Action::Remove && self.held(change.stock, change) != Held::No;
            (listed + 1, taken + u64::from(takes))
        })
    }

    /// Whether the user of this assignment is known to hold the stock of this number.
    #[must_use]
    pub fn holds(&self, stock: usize, user: u32) -> bool {
        self.holdings.of(stock).is_some_and(|roll| roll.names(user))
    }

    /// How many operations it is not known of whether they change anything.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        let licenses =
            self.seat_changes.iter().filter(|change| self.is_read(self.one_of(change.stock as usize)));
        licenses.filter(|change| self.held(change.stock, change) == Held::Unknown).count() as u64
    }

    /// Forgets what is asked, which takes room, once only who holds what is still wanted.
    pub fn forget_changes(&mut self) {
        self.seat_changes = Vec::new();
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

    /// The same, telling every holder.
    ///
    /// # Errors
    /// [`OutlookError`]: what has been told before counts for nothing.
    pub(super) fn look_for_others(
        checked: Checked,
        file: &InputFile,
        catalog: &mut Catalog,
        scope: &[String],
        each: &dyn Fn(&Self, &Holder<'_>),
    ) -> Result<(Self, Checked), OutlookError> {
        let (mut outlook, checked) = Self::begin(checked, file, catalog)?;
        outlook.add_scope(catalog, scope)?;
        outlook.find_same();
        let listed = UsersListed::of(&outlook, checked.counts().assignments);
        let tell = |outlook: &Self, stock: usize, user: &LicenseUser, numbers: [Option<u32>; 2]| {
            each(outlook, &listed.holder(stock, user, numbers));
        };
        outlook.read_holders(catalog, &checked, Depth::Holders, &tell)?;
        Ok((outlook, checked))
    }

    /// What the file asks, and what there is.
    fn begin(
        checked: Checked,
        file: &InputFile,
        catalog: &mut Catalog,
    ) -> Result<(Self, Checked), OutlookError> {
        let (mut outlook, checked) = Self::of_file(checked, file)?;
        outlook.read_units(catalog)?;
        outlook.find_same();
        Ok((outlook, checked))
    }

    /// What the file asks.
    pub(super) fn of_file(checked: Checked, file: &InputFile) -> Result<(Self, Checked), OutlookError> {
        let mut taking = Taking::new(&checked);
        let mut second = SecondReading::new(checked, file)?;
        let mut placed = Vec::new();
        while second.next(&mut placed)?.is_some() {
            placed.drain(..).for_each(|placed| taking.take(&placed));
        }
        let checked = second.finish().map_err(CheckError::from)?;
        let outlook = taking.finish(&checked);
        Ok((outlook, checked))
    }
}
