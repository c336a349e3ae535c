//! What would fail, and why: the file, played through against what there is.

use super::rules::{LicenseKind, Rule, Situation, may_add, may_remove, whatever_is_held};
use super::seat_changes::{Holders, Mentions, SeatChange, SeatChanges, Stock, changes_nothing};
use crate::domain::{Action, Held, OperationKey, WireForm};

/// Why an operation would fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No unit is left when its turn comes.
    NoUnits,
    /// The organization has no such license.
    UnknownLicense,
    /// A documented rule.
    Rule(Rule),
    /// Another operation of the user fails, and the service does all of a user or nothing.
    Together,
}

/// An operation that would fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreseen {
    /// The user's assignment.
    pub user: u32,
    /// Which operation.
    pub key: OperationKey,
    /// Of which license.
    pub stock: u32,
    /// Why.
    pub why: Why,
}

/// What would become of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foresight {
    /// What would fail, in sending order.
    pub failures: Vec<Foreseen>,
    /// Units left afterwards, by stock.
    pub left: Vec<Option<i64>>,
    /// Users of whom something is left to be sent, though it changes nothing.
    pub nothing_new: u64,
    /// Operations that change nothing.
    pub unchanged: u64,
}

impl Foresight {
    /// How many operations would fail for want of units, those that fail with them included.
    #[must_use]
    pub fn for_want_of_units(&self) -> usize {
        self.failures.iter().filter(|failure| failure.why == Why::NoUnits).count()
    }

    /// How many users stay out for want of units.
    #[must_use]
    pub fn users_out(&self) -> usize {
        let failures = self.failures.iter().filter(|failure| failure.why == Why::NoUnits);
        let mut users: Vec<u32> = failures.map(|failure| failure.user).collect();
        // Those of one user stand together.
        users.dedup();
        users.len()
    }
}

/// What a user holds while the request is done.
struct Hands<'a> {
    changes: &'a [SeatChange],
    stocks: &'a [Stock],
    /// Of the stocks of the user's organization that matter: number, held before, held now.
    holds: Vec<(u32, Held, Held)>,
}

impl Hands<'_> {
    fn now(&self, stock: u32) -> Held {
        self.holds.iter().find(|(number, ..)| *number == stock).map_or(Held::Unknown, |(_, _, now)| *now)
    }

    fn set(&mut self, stock: u32, now: Held) {
        self.holds.iter_mut().filter(|(number, ..)| *number == stock).for_each(|slot| slot.2 = now);
    }

    fn kind(&self, stock: u32) -> LicenseKind {
        self.stocks.get(stock as usize).map_or(LicenseKind::Other, |stock| stock.kind)
    }

    /// Whether the user holds a license of this kind.
    fn any(&self, kind: LicenseKind, of: impl Fn(&(u32, Held, Held)) -> Held) -> Option<bool> {
        let mut known = true;
        for slot in self.holds.iter().filter(|(number, ..)| self.kind(*number) == kind) {
            match of(slot) {
                Held::Yes => return Some(true),
                Held::No => {}
                Held::Unknown => known = false,
            }
        }
        known.then_some(false)
    }
}

/// Plays a file through, users in this order, each with the request that it would be.
#[must_use]
pub fn foresee(
    changes: SeatChanges<'_>,
    order: Option<&[u32]>,
    stocks: &[Stock],
    holders: &impl Holders,
    form: WireForm,
) -> Foresight {
    let mut play = Playthrough::new(stocks, form);
    match order {
        None => changes.users().for_each(|user| play.user(user, holders)),
        Some(order) => order.iter().for_each(|user| play.user(changes.of(*user), holders)),
    }
    play.seen
}

pub(super) struct Playthrough<'a> {
    stocks: &'a [Stock],
    form: WireForm,
    /// Stocks by organization, for the rules.
    families: Vec<Vec<u32>>,
    pub(super) seen: Foresight,
}

impl<'a> Playthrough<'a> {
    pub(super) fn new(stocks: &'a [Stock], form: WireForm) -> Self {
        let orgs = stocks.iter().map(|stock| stock.org as usize + 1).max().unwrap_or(0);
        let mut families = vec![Vec::new(); orgs];
        for (number, stock) in (0u32..).zip(stocks) {
            if stock.kind != LicenseKind::Other
                && let Some(family) = families.get_mut(stock.org as usize)
            {
                family.push(number);
            }
        }
        let signed = |free: u64| i64::try_from(free).unwrap_or(i64::MAX);
        let left = stocks.iter().map(|stock| stock.free().map(signed)).collect();
        Self { stocks, form, families, seen: Foresight { left, ..Foresight::default() } }
    }

    fn hands<'w>(&self, user: &'w [SeatChange], holders: &impl Holders) -> Hands<'w>
    where
        'a: 'w,
    {
        let mut holds = Vec::with_capacity(user.len());
        if let Some(first) = user.first() {
            let org = self.stocks.get(first.stock as usize).map_or(0, |stock| stock.org as usize);
            let mut numbers: Vec<u32> = user.iter().map(|change| change.stock).collect();
            let ruled = user.iter().any(|change| {
                self.stocks.get(change.stock as usize).is_some_and(|s| s.kind != LicenseKind::Other)
            });
            if ruled {
                numbers.extend(self.families.get(org).into_iter().flatten());
            }
            numbers.sort_unstable();
            numbers.dedup();
            // Whoever is named in two ways is looked for in both.
            let named = first.named(Mentions {
                email: user.iter().any(|change| change.mentions().email),
                person: user.iter().any(|change| change.mentions().person),
                place: false,
            });
            holds.extend(numbers.into_iter().map(|number| {
                let held = holders.held(number, &named);
                (number, held, held)
            }));
        }
        Hands { changes: user, stocks: self.stocks, holds }
    }

    /// One user's request.
    pub(super) fn user(&mut self, user: &[SeatChange], holders: &impl Holders) {
        let mut hands = self.hands(user, holders);
        let before = self.seen.left.clone();
        let first_failure = self.seen.failures.len();
        let (mut nothing, mut counted) = (0, 0);
        for change in user {
            counted += 1;
            match self.operation(change, &mut hands) {
                Ok(changed) => nothing += u64::from(!changed),
                Err(why) => self.seen.failures.push(Foreseen {
                    user: change.user,
                    key: change.key(),
                    stock: change.stock,
                    why,
                }),
            }
        }
        self.seen.unchanged += nothing;
        self.seen.nothing_new += u64::from(nothing == counted && counted > 0);
        let failed = self.seen.failures.get(first_failure..).unwrap_or_default();
        // All of a user or nothing; in the object form where it names what there is not.
        let whole = match self.form {
            WireForm::Array => !failed.is_empty(),
            WireForm::Object => failed.iter().any(|failure| failure.why == Why::UnknownLicense),
        };
        if whole {
            self.seen.left = before;
            let why: Vec<(OperationKey, Why)> =
                self.seen.failures.drain(first_failure..).map(|failure| (failure.key, failure.why)).collect();
            for change in user {
                let own = why.iter().find(|(key, _)| *key == change.key()).map(|(_, why)| *why);
                // In the object form nothing is looked at beside what there is not.
                let own = own.filter(|why| self.form == WireForm::Array || *why == Why::UnknownLicense);
                let why = own.unwrap_or(Why::Together);
                self.seen.failures.push(Foreseen {
                    user: change.user,
                    key: change.key(),
                    stock: change.stock,
                    why,
                });
            }
        }
    }

    /// Does an operation; tells whether it changed anything.
    fn operation(&mut self, change: &SeatChange, hands: &mut Hands<'_>) -> Result<bool, Why> {
        let Some(stock) = self.stocks.get(change.stock as usize) else { return Ok(true) };
        if stock.site {
            return Ok(true);
        }
        if !stock.known {
            return Err(Why::UnknownLicense);
        }
        let held = hands.now(change.stock);
        if changes_nothing(change, held) {
            return Ok(false);
        }
        let rule = match (change.action, held) {
            (Action::Remove, Held::Yes) => may_remove(stock.kind),
            (Action::Add, Held::No) => self.rule(change, stock, hands),
            // It may change nothing; counted as if it did.
            _ => whatever_is_held(stock.kind, change.action, change.mentions().place),
        };
        if let Some(rule) = rule {
            return Err(Why::Rule(rule));
        }
        if let Some(Some(left)) = self.seen.left.get_mut(stock.pool(change.stock) as usize) {
            match change.action {
                Action::Add if *left <= 0 => return Err(Why::NoUnits),
                Action::Add => *left -= 1,
                Action::Remove => *left += 1,
            }
        }
        hands.set(change.stock, if change.action == Action::Add { Held::Yes } else { Held::No });
        Ok(true)
    }

    fn rule(&self, change: &SeatChange, stock: &Stock, hands: &Hands<'_>) -> Option<Rule> {
        let family = self.families.get(stock.org as usize);
        let sold = |kind| family.into_iter().flatten().any(|number| hands.kind(*number) == kind);
        let adds = |kind| {
            hands.changes.iter().any(|other| other.action == Action::Add && hands.kind(other.stock) == kind)
        };
        let situation = Situation {
            sold: &sold,
            held: &|kind| hands.any(kind, |(_, before, _)| *before),
            holds: &|kind| hands.any(kind, |(_, _, now)| *now),
            adds: &adds,
        };
        may_add(stock.kind, change.mentions().place, &situation)
    }
}
