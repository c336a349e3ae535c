//! A file's operations, on their way into an outlook.

use std::collections::HashMap;

use super::{Label, OrgUsers, Outlook};
use crate::assign::{Checked, Placed, PlacedOperation};
use crate::domain::{AssignmentNo, OperationKey, Target};
use crate::live::Rolls;
use crate::plan::{LicenseKind, Mentions, SeatChange, Stock};

pub(super) fn seat_change(key: OperationKey, operation: &PlacedOperation, stock: u32) -> SeatChange {
    let properties = &operation.properties;
    let place = properties.phone_number.is_some()
        || (properties.extension.is_some() && properties.location.is_some());
    let mentions = Mentions { email: operation.email.is_some(), person: operation.person.is_some(), place };
    SeatChange::new(operation.assignment.0, stock, key, operation.action, mentions)
}

/// A file's operations, on their way into an outlook.
pub(super) struct Taking {
    seat_changes: Vec<SeatChange>,
    targets: Vec<Target>,
    stocks: Vec<Stock>,
    labels: Vec<Label>,
    /// By organization and target.
    numbers: HashMap<(u32, u32), u32>,
    orgs: Vec<OrgUsers>,
}

impl Taking {
    pub(super) fn new(checked: &Checked) -> Self {
        let counts = checked.counts();
        let asked = usize::try_from(counts.adds + counts.removes).unwrap_or(0);
        let mut end = 0;
        let orgs = checked.organizations().iter().map(|users| {
            end += users;
            OrgUsers { org: None, end }
        });
        let orgs: Vec<OrgUsers> = orgs.collect();
        Self {
            // Made once: growing, it would be there twice.
            seat_changes: Vec::with_capacity(asked),
            targets: checked.targets().all().to_vec(),
            stocks: Vec::new(),
            labels: Vec::new(),
            numbers: HashMap::new(),
            orgs,
        }
    }

    pub(super) fn take(&mut self, placed: &Placed) {
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
            self.stocks.push(Stock {
                org,
                same_as: None,
                kind: LicenseKind::Other,
                total: None,
                consumed: 0,
                known: true,
                site,
            });
            self.labels.push(Label { org: None, target: target.clone(), name: None });
        }
        self.seat_changes.push(seat_change(placed.key, operation, number));
    }

    pub(super) fn finish(self, _: &Checked) -> Outlook {
        let Self { mut seat_changes, stocks, mut labels, orgs, numbers, .. } = self;
        // What one user asks for stays in file order.
        if !seat_changes.is_sorted_by_key(|change| (change.user, change.key())) {
            seat_changes.sort_unstable_by_key(|change| (change.user, change.key()));
        }
        for (label, stock) in labels.iter_mut().zip(&stocks) {
            label.org = orgs.get(stock.org as usize).and_then(|org| org.org.clone());
        }
        let holdings = Rolls::default();
        let mut names = vec![(false, false); stocks.len()];
        for change in &seat_changes {
            if let Some((by_email, by_person)) = names.get_mut(change.stock as usize) {
                let by = change.mentions();
                *by_email |= by.email && !by.person;
                *by_person |= by.person && !by.email;
            }
        }
        let former = Vec::new();
        Outlook {
            names,
            seat_changes,
            stocks,
            labels,
            orgs,
            holdings,
            numbers,
            scope: None,
            former,
            not_read: None,
            no_units: None,
        }
    }
}
