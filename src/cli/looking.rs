//! Looking at what sending a file would do, before it is shown.

use std::num::NonZeroU32;
use std::time::Duration;

use super::context::Context;
use super::exit::Failure;
use super::preview::Preview;
use super::words;
use crate::assign::Checked;
use crate::domain::{Order, Rate, Wire, WireForm};
use crate::input::InputFile;
use crate::journal::Reader;
use crate::plan::{
    Capacity, Manner, Need, SeatChange, Stretch, Waves, capacities, forecast, foresee, needed_order,
};
use crate::run::{Catalog, Depth, Outlook, RunSettings, Spared};

/// So many requests tell of a pace.
const TELLING: usize = 30;

/// What is to be shown of which file.
pub(super) struct Question<'a> {
    pub(super) context: &'a Context,
    pub(super) file: &'a InputFile,
    pub(super) settings: &'a RunSettings,
    pub(super) order: Order,
    pub(super) only_changes: bool,
    pub(super) depth: Depth,
}

impl Question<'_> {
    /// Looks at the organization and plays the file through.
    pub(super) fn look(
        &self,
        checked: Checked,
        catalog: &mut Catalog,
    ) -> Result<(Preview, Checked), Failure> {
        let (mut outlook, checked) = Outlook::look(checked, self.file, catalog, self.depth)?;
        let waves = (self.order == Order::Fit).then(|| outlook.waves()).transpose()?;
        let capacities = capacities(outlook.seat_changes(), &outlook.stocks, &outlook);
        let spared = if self.only_changes { outlook.drop_unchanged() } else { Spared::default() };
        let (changes, stocks) = (outlook.seat_changes(), &outlook.stocks);
        let known = known_form(self.context, self.settings);
        let form = known.unwrap_or(WireForm::Array);
        let order = waves.as_ref().map(|waves| waves.order.as_slice());
        let mut foresight = foresee(changes, order, stocks, &outlook, form);
        // Where nothing fails in one form, nothing does in the other.
        let either = known.is_none() && !foresight.failures.is_empty();
        let alone = || foresee(changes, order, stocks, &outlook, WireForm::Object).failures.len();
        let failures_alone = either.then(alone);
        foresight.unchanged += spared.operations;
        foresight.nothing_new += spared.users;
        let asks = foresight.for_want_of_units() > 0
            || (self.order == Order::File && capacities.iter().any(Capacity::leans_on_removals));
        let (need, stay_out) =
            if asks { needed_order(changes, stocks, &outlook, form) } else { (Need::Any, 0) };
        // The order that was chosen may leave out no more, without being the plainest.
        let out = foresight.users_out();
        let need = if out > 0 && stay_out >= out { Need::Short } else { need };
        let parts = self.parts(&outlook, waves.as_ref());
        let &RunSettings { rate, rate_per, wire, batch_size, .. } = self.settings;
        let (batch_size, found_period) = (batch_size.get(), self.found_period());
        let found = known.filter(|_| wire == Wire::Auto);
        let forecast = forecast(&parts, &Manner { batch_size, rate, rate_per, found_period, wire, found });
        Ok((
            Preview { outlook, capacities, foresight, failures_alone, forecast, need, stay_out, waves },
            checked,
        ))
    }

    /// Users of whom something is sent, taken apart where no request goes across.
    fn parts(&self, outlook: &Outlook, waves: Option<&Waves>) -> Vec<Stretch> {
        let changes = outlook.seat_changes();
        let mut cutting = Cutting {
            outlook,
            canary: self.settings.canary.map(NonZeroU32::get),
            sent: 0,
            parts: Vec::new(),
        };
        match waves {
            None => changes.users().for_each(|changes| cutting.take(changes, false)),
            Some(waves) => {
                let mut starts = waves.starts.iter().peekable();
                let mut begins = false;
                for (place, user) in (0..).zip(&waves.order) {
                    begins |= starts.next_if_eq(&&place).is_some();
                    let changes = changes.of(*user);
                    if !changes.is_empty() {
                        cutting.take(changes, std::mem::take(&mut begins));
                    }
                }
            }
        }
        cutting.parts
    }

    /// The time between two requests that the newest run of the journal that had to find it found the service to want. A run of
    /// few requests has found nothing.
    fn found_period(&self) -> Option<Duration> {
        let finds = |settings: &RunSettings| matches!(settings.rate, Rate::Auto(_));
        if !finds(self.settings) {
            return None;
        }
        let reader = Reader::open(&self.context.journal).ok()?;
        let runs = reader.runs().ok()?;
        let here = |settings: &str| {
            RunSettings::from_json(settings)
                .is_ok_and(|settings| settings.base_url == self.settings.base_url && finds(&settings))
        };
        let here = runs.iter().rev().filter(|run| here(&run.settings));
        let mut departures = here.filter_map(|run| reader.last_departures(run.run).ok());
        let departures = departures.find(|departures| departures.len() >= TELLING)?;
        let mut gaps: Vec<Duration> = departures
            .iter()
            .zip(departures.iter().skip(1))
            .map(|(later, earlier)| words::between(earlier, later))
            .collect();
        // A night between two of them is no pace.
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }
}

/// The form in which requests will go, where that is known: as it is asked for, or as an earlier run of the journal found the
/// service to take it.
pub(super) fn known_form(context: &Context, settings: &RunSettings) -> Option<WireForm> {
    match settings.wire {
        Wire::Object => return Some(WireForm::Object),
        Wire::Array => return Some(WireForm::Array),
        Wire::Auto => {}
    }
    let runs = Reader::open(&context.journal).ok()?.runs().ok()?;
    let here = |others: &str| {
        RunSettings::from_json(others).is_ok_and(|others| others.base_url == settings.base_url)
    };
    let found = runs.iter().rev().filter(|run| here(&run.settings)).find_map(|run| run.wire.clone())?;
    match found.as_str() {
        "array" => Some(WireForm::Array),
        "object" => Some(WireForm::Object),
        _ => None,
    }
}

/// Users on their way into parts.
struct Cutting<'a> {
    outlook: &'a Outlook,
    /// So many users go before the others.
    canary: Option<u32>,
    sent: u32,
    parts: Vec<Stretch>,
}

impl Cutting<'_> {
    /// Takes in a user; with whom a wave may begin.
    fn take(&mut self, changes: &[SeatChange], begins: bool) {
        let Some(first) = changes.first() else { return };
        let org = self.outlook.orgs.partition_point(|org| org.end <= first.user);
        let sent = self.sent;
        self.sent += 1;
        match self.parts.last_mut() {
            Some(part) if part.org == org && !begins && self.canary != Some(sent) => part.users += 1,
            _ => self.parts.push(Stretch { org, users: 1 }),
        }
    }
}
