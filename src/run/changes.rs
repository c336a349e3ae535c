//! The least file that brings the organization to what a file asks for.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, Write};

use super::bystanders::Bystanders;
use super::outlook::Holder;
use super::{Catalog, Outlook, OutlookError};
use crate::assign::{BystanderError, CheckError, Checked, Placed, PlacedOperation, SecondReading};
use crate::domain::{AssignmentNo, FailureLimit, OperationKey, Order, Target, WireForm, address_key};
use crate::input::{InputFile, LONG_FORM};
use crate::live::PersonNamed;
use crate::plan::{Need, Stock, needed_order};
use crate::webex::LicenseUser;

/// The file taken for the whole truth about some licenses.
#[derive(Debug)]
pub struct Sync {
    /// The licenses that are called so, by name or ID; all that the file names where it is empty.
    pub scope: Vec<String>,
    /// Addresses that nothing is taken from, by their keys; `None` where nobody is protected.
    pub protected: Option<Vec<String>>,
    /// How many may lose a license.
    pub most: FailureLimit,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Changes {
    /// Rows that give.
    pub adds: u64,
    /// Rows that take away what the file takes away.
    pub removes: u64,
    /// Rows that take away from those whom the file does not list.
    pub unlisted: u64,
    /// Operations of the file that change nothing.
    pub unchanged: u64,
    /// Operations of the file of which it is not known whether they change anything; they are among the rows.
    pub unknown: u64,
    /// Holders from whom nothing is taken since the file lists them, though it asks nothing of them today: in rows that are
    /// not due yet or ask for nothing, and in empty cells.
    pub listed_only: u64,
    /// Licenses that nothing was compared of, since only rows name them that ask nothing today.
    pub only_later: Vec<String>,
    /// Holders from whom nothing is taken since they are protected.
    pub protected: u64,
    /// Holders whom the list does not name in a way that could be compared; nothing is taken from them.
    pub not_comparable: u64,
    /// The order that the changes need, in which everybody gets through or most do; none where any does.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub order_needed: Option<Order>,
}

impl Changes {
    /// All rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.adds + self.removes + self.unlisted
    }
}

/// Why there are no changes to write.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// The file or the service.
    #[error(transparent)]
    Outlook(#[from] OutlookError),
    /// The disk.
    #[error("cannot write the changes")]
    Disk(#[from] io::Error),
    /// More would lose a license than is allowed.
    #[error(
        "{name}: the file lists {}, {holders} hold{} it and {removals} would lose it, where at most {most} may \
         (--max-removals); nothing was written", users(*listed), if *holders == 1 { "s" } else { "" }
    )]
    TooMany {
        /// The license.
        name: String,
        /// Users whom the file lists for it.
        listed: u64,
        /// Users who hold it.
        holders: u64,
        /// Users who would lose it.
        removals: u64,
        /// How many may.
        most: FailureLimit,
    },
    /// Nobody knows whom the file lists.
    #[error(transparent)]
    Bystander(#[from] BystanderError),
    /// The file says nothing of a license of which it is to be the whole truth.
    #[error(
        "the file lists nobody for {name}, which {} hold{}; a file that says nothing takes nothing away",
        users(*holders), if *holders == 1 { "s" } else { "" }
    )]
    Silent {
        /// The license.
        name: String,
        /// Users who hold it.
        holders: u64,
    },
}

fn users(count: u64) -> String {
    format!("{count} user{}", if count == 1 { "" } else { "s" })
}

impl From<CheckError> for ChangesError {
    fn from(error: CheckError) -> Self {
        Self::Outlook(error.into())
    }
}

/// The rows of those whom the file does not list, until it is known that the lists were read whole.
struct Others<'s> {
    sync: &'s Sync,
    bystanders: Bystanders,
    rows: RefCell<csv::Writer<BufWriter<File>>>,
    trouble: RefCell<Option<io::Error>>,
    /// Removals by license.
    removals: RefCell<HashMap<usize, u64>>,
    protected: Cell<u64>,
    listed_only: Cell<u64>,
    not_comparable: Cell<u64>,
    /// The file's own users from whom nothing is taken: the lists call them by an address that is protected, or by
    /// none, so that it may be.
    kept: RefCell<HashSet<u32>>,
}

impl<'s> Others<'s> {
    fn new(sync: &'s Sync, bystanders: Bystanders) -> io::Result<Self> {
        Ok(Self {
            sync,
            bystanders,
            rows: RefCell::new(csv::Writer::from_writer(BufWriter::new(tempfile::tempfile()?))),
            trouble: RefCell::default(),
            removals: RefCell::default(),
            protected: Cell::new(0),
            listed_only: Cell::new(0),
            not_comparable: Cell::new(0),
            kept: RefCell::default(),
        })
    }

    /// Takes in a holder.
    fn meet(&self, outlook: &Outlook, holder: &Holder<'_>) {
        let email = holder.user.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        if self.sync.protected.is_some() && (email.is_none() || self.is_protected(email)) {
            self.kept.borrow_mut().extend(holder.numbers.into_iter().flatten());
        }
        if !holder.is_listed {
            self.take(outlook, holder.stock, holder.user);
        }
    }

    /// Takes a holder's license away, unless it cannot be known that the file does not list them.
    fn take(&self, outlook: &Outlook, stock: usize, user: &LicenseUser) {
        if !outlook.is_in_scope(stock) {
            return;
        }
        let email = user.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let person = Some(user.id.as_str()).filter(|id| !id.is_empty());
        let Some(label) = outlook.labels.get(stock) else { return };
        if self.bystanders.has(&label.target, PersonNamed { email, person }) {
            self.listed_only.set(self.listed_only.get() + 1);
            return;
        }
        let names = [outlook.names_of(stock), self.bystanders.names_of(&label.target)];
        let (by_email, by_person) = (names.iter().any(|names| names.0), names.iter().any(|names| names.1));
        let comparable = (email.is_some() || !by_email) && (person.is_some() || !by_person);
        if !comparable || (email.is_none() && (person.is_none() || self.sync.protected.is_some())) {
            self.not_comparable.set(self.not_comparable.get() + 1);
            return;
        }
        if self.is_protected(email) {
            self.protected.set(self.protected.get() + 1);
            return;
        }
        let org = label.org.as_ref().map_or("", |org| org.as_str());
        let (email, person) = (email.unwrap_or_default(), person.unwrap_or_default());
        let record = [email, person, org, label.target.as_str(), "", "", "remove", "", "", ""];
        match self.rows.borrow_mut().write_record(record) {
            Ok(()) => *self.removals.borrow_mut().entry(stock).or_default() += 1,
            Err(error) => {
                self.trouble.borrow_mut().get_or_insert(error.into());
            }
        }
    }

    fn is_protected(&self, email: Option<&str>) -> bool {
        let protected = self.sync.protected.as_ref().zip(email);
        protected.is_some_and(|(all, email)| {
            all.binary_search_by(|one| one.as_str().cmp(&address_key(email))).is_ok()
        })
    }
}

/// Writes the changes to a file of the machine's own; they are to be copied to where they belong.
///
/// # Errors
/// [`ChangesError`]: nothing counts then.
pub fn changes(
    mut checked: Checked,
    file: &InputFile,
    catalog: &mut Catalog,
    sync: Option<&Sync>,
    output: &mut dyn Write,
) -> Result<Changes, ChangesError> {
    let Some(sync) = sync else {
        let (outlook, checked) = Outlook::look(checked, file, catalog, super::Depth::Holders)?;
        let (found, _) = rows_of_file(checked, file, &outlook, &|_, _| false, output)?;
        return Ok(Changes { order_needed: order_needed(&outlook, &HashMap::new()), ..found });
    };
    let others = Others::new(sync, Bystanders::of(&mut checked, file)?)?;
    let meet = |outlook: &Outlook, holder: &Holder<'_>| others.meet(outlook, holder);
    let (outlook, checked) = Outlook::look_for_others(checked, file, catalog, &sync.scope, &meet)?;
    let only_later = only_later(&outlook, &others, catalog)?;
    let found = synchronized(checked, file, &outlook, others, output)?;
    Ok(Changes { only_later, ..found })
}

/// The licenses that the file names for another day alone: of them it is not the whole truth today. Where the scope is
/// said, it is known what is left out.
fn only_later(
    outlook: &Outlook,
    others: &Others<'_>,
    catalog: &mut Catalog,
) -> Result<Vec<String>, ChangesError> {
    if !others.sync.scope.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for id in others.bystanders.licenses() {
        let is_it = |target: &Target| matches!(target, Target::License(of) if of.key() == id.key());
        if outlook.labels.iter().any(|label| is_it(&label.target)) {
            continue;
        }
        let licenses = catalog.licenses(None).map_err(OutlookError::from)?;
        let name = licenses.by_id(id.as_str()).map_or_else(|| id.as_str(), |license| license.name.as_str());
        found.push(name.to_owned());
    }
    Ok(found)
}

/// The changes of a file that is the whole truth, once all lists have been read.
fn synchronized(
    checked: Checked,
    file: &InputFile,
    outlook: &Outlook,
    others: Others<'_>,
    output: &mut dyn Write,
) -> Result<Changes, ChangesError> {
    if let Some(trouble) = others.trouble.take() {
        return Err(trouble.into());
    }
    guard(&others, outlook)?;
    let protected = |key: OperationKey, operation: &PlacedOperation| {
        let AssignmentNo(user) = operation.assignment;
        if others.sync.protected.is_some() && operation.email.is_none() && outlook.is_unknown(key, operation)
        {
            // A list may have them by a protected address alone.
            return true;
        }
        let by_email =
            operation.email.as_ref().is_some_and(|email| others.is_protected(Some(email.as_str())));
        by_email || others.kept.borrow().contains(&user)
    };
    let (mut found, own) = rows_of_file(checked, file, outlook, &protected, output)?;
    found.protected += others.protected.get();
    found.listed_only = others.listed_only.get();
    found.not_comparable = others.not_comparable.get();
    found.unlisted = others.removals.borrow().values().sum();
    found.order_needed = order_needed(outlook, &others.removals.borrow());
    copy(others.rows.into_inner(), own, output)?;
    Ok(found)
}

/// The order that the changes need, where `others` whom the file does not list give back so many units, too: their
/// rows stand last.
fn order_needed(outlook: &Outlook, others: &HashMap<usize, u64>) -> Option<Order> {
    let in_order = |stocks: &[Stock]| needed_order(outlook.seat_changes(), stocks, outlook, WireForm::Array);
    let (_, before) = match in_order(&outlook.stocks) {
        (Need::Any, _) => return None,
        found => found,
    };
    let mut stocks = outlook.stocks.clone();
    for (stock, units) in others {
        let of = stocks.get_mut(*stock).into_iter();
        of.for_each(|stock| stock.consumed = stock.consumed.saturating_sub(*units));
    }
    match in_order(&stocks) {
        (Need::Any | Need::RemovesFirst, _) => Some(Order::RemovesFirst),
        (Need::Fit, _) => Some(Order::Fit),
        (Need::Short, after) => (after < before).then_some(Order::RemovesFirst),
    }
}

/// Refuses to take a license from more than may lose it.
fn guard(others: &Others<'_>, outlook: &Outlook) -> Result<(), ChangesError> {
    let (most, unlisted) = (others.sync.most, others.removals.borrow());
    for (stock, label) in outlook.labels.iter().enumerate() {
        let holders = outlook.holders_of(stock).unwrap_or(0);
        if !outlook.is_in_scope(stock) || outlook.one_of(stock) != stock || holders == 0 {
            continue;
        }
        let (listed, taken) = outlook.listed(stock);
        let listed = listed + others.bystanders.listed(&label.target) as u64;
        let name = label.called().to_owned();
        if listed == 0 {
            return Err(ChangesError::Silent { name, holders });
        }
        let removals = unlisted.get(&stock).copied().unwrap_or(0) + taken;
        if most.is_exceeded(removals, holders) {
            return Err(ChangesError::TooMany { name, listed, holders, removals, most });
        }
    }
    Ok(())
}

/// The rows of the file that change something, its own columns carried along. Returns how many these are, too.
fn rows_of_file(
    checked: Checked,
    file: &InputFile,
    outlook: &Outlook,
    is_protected: &dyn Fn(OperationKey, &PlacedOperation) -> bool,
    output: &mut dyn Write,
) -> Result<(Changes, usize), ChangesError> {
    let mut found = Changes::default();
    let mut writer = csv::Writer::from_writer(output);
    let mut second = SecondReading::new(checked, file)?;
    let own = second.own_columns();
    let names = own.iter().map(|(_, name)| name.as_str());
    writer.write_record(LONG_FORM.into_iter().chain(names)).map_err(io::Error::from)?;
    let mut placed = Vec::new();
    while let Some(entry) = second.next(&mut placed)? {
        for Placed { key, content } in placed.drain(..) {
            let Ok(operation) = &content else { continue };
            if operation.duplicate_of.is_some() || !found.takes(outlook, key, operation, is_protected) {
                continue;
            }
            let Some((label, org)) = outlook.label_of(operation) else { continue };
            let cells = cells(operation, &label.target, org);
            let carried = own.iter().map(|(position, _)| entry.row.untrimmed(*position));
            writer.write_record(cells.into_iter().chain(carried)).map_err(io::Error::from)?;
        }
    }
    second.finish().map_err(CheckError::from)?;
    writer.flush()?;
    drop(writer);
    Ok((found, own.len()))
}

impl Changes {
    /// Counts an operation of the file; whether it is among the changes.
    fn takes(
        &mut self,
        outlook: &Outlook,
        key: OperationKey,
        operation: &PlacedOperation,
        is_protected: &dyn Fn(OperationKey, &PlacedOperation) -> bool,
    ) -> bool {
        if outlook.changes_nothing(key, operation) {
            self.unchanged += 1;
            return false;
        }
        let removes = operation.action == crate::domain::Action::Remove;
        if removes && is_protected(key, operation) {
            self.protected += 1;
            return false;
        }
        self.unknown += u64::from(outlook.is_unknown(key, operation));
        let count = if removes { &mut self.removes } else { &mut self.adds };
        *count += 1;
        true
    }
}

fn cells<'a>(operation: &'a PlacedOperation, target: &'a Target, org: &'a str) -> [&'a str; LONG_FORM.len()] {
    let (license, site, account) = match target {
        Target::License(id) => (id.as_str(), "", ""),
        Target::Site(url) => ("", url.as_str(), "attendee"),
    };
    let properties = &operation.properties;
    [
        operation.email.as_ref().map_or("", |email| email.as_str()),
        operation.person.as_ref().map_or("", |person| person.as_str()),
        org,
        license,
        site,
        account,
        operation.action.as_str(),
        properties.phone_number.as_ref().map_or("", |number| number.as_str()),
        properties.extension.as_deref().unwrap_or_default(),
        properties.location.as_ref().map_or("", |location| location.as_str()),
    ]
}

/// Copies the rows that were put aside, with empty cells for the file's own columns.
fn copy(rows: csv::Writer<BufWriter<File>>, own: usize, output: &mut dyn Write) -> io::Result<()> {
    let buffer = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    let mut aside = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
    aside.rewind()?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(BufReader::new(aside));
    let mut writer = csv::Writer::from_writer(output);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        writer.write_record(record.iter().chain(std::iter::repeat_n("", own)))?;
    }
    writer.flush()
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
