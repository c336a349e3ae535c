//! What sending a file would do: shown by `plan`, and by `apply` before it asks.

mod known;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::time::Duration;

use comfy_table::Table;
use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::event::{self, Event};
use super::exit::Failure;
use super::output::{Output, fitted};
use super::words;
use crate::domain::{FailureLimit, Listing, Order, Printable, Rate, Target};
use crate::plan::{Capacity, Fit, Forecast, Foreseen, Foresight, Need, RequestCount, Stock, Waves, Why};
use crate::report::aligned;
use crate::run::{NotRead, Outlook, RunSettings};

/// Where a preview goes: `plan` was asked for it, `apply` shows it by the way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Voice {
    Asked(Output),
    Aside(Output),
}

impl Voice {
    fn line(self, text: impl Display) -> io::Result<()> {
        match self {
            Self::Asked(output) => output.print(text),
            Self::Aside(output) => {
                output.say(text);
                Ok(())
            }
        }
    }

    const fn output(self) -> Output {
        match self {
            Self::Asked(output) | Self::Aside(output) => output,
        }
    }

    fn event(self, event: &Event<'_>) {
        self.output().event(event);
    }
}

/// A file beside the organization, and what follows.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) outlook: Outlook,
    pub(super) capacities: Vec<Capacity>,
    pub(super) foresight: Foresight,
    /// How many operations would fail if each stood for itself, where the form of the requests is not known and makes a
    /// difference.
    pub(super) failures_alone: Option<usize>,
    pub(super) forecast: Forecast,
    pub(super) need: Need,
    /// Users that stay out for want of units, in the order that leaves out fewest.
    pub(super) stay_out: usize,
    /// With `--order fit`.
    pub(super) waves: Option<Waves>,
}

/// How many lines are named before the rest is counted.
const NAMED: usize = 5;

/// How many of those who fit in no wave are named before the rest is counted.
const NAMED_OUT: usize = 100;

impl Preview {
    /// Whether anything would fail.
    pub(super) fn fails(&self) -> bool {
        !self.foresight.failures.is_empty() || self.short().next().is_some()
    }

    /// Why `--only-changes` cannot be kept.
    pub(super) fn cannot_tell_changes(&self) -> Failure {
        let why = match &self.outlook.not_read {
            Some(NotRead::Refused(why)) => format!(": {}", Printable(why)),
            _ => String::new(),
        };
        Failure::usage(format!("--only-changes has to know who holds the licenses, which was not read{why}"))
    }

    /// Refuses a file that takes a license away from more users than is allowed.
    pub(super) fn refuse_removals(&self, limit: FailureLimit) -> Result<(), Failure> {
        for (stock, capacity) in self.asked() {
            let removals = capacity.may_be_given_back();
            let consumed = self.outlook.stocks.get(stock).map_or(0, |stock| stock.consumed);
            let holders = self.outlook.holders_of(stock).unwrap_or(consumed);
            if !limit.is_exceeded(removals, holders) {
                continue;
            }
            let whom = match holders.checked_sub(removals) {
                Some(0) => format!("{removals} of the {holders} who hold it (nobody is left with it)"),
                Some(1) => format!("{removals} of the {holders} who hold it (1 keeps it)"),
                Some(left) => format!("{removals} of the {holders} who hold it ({left} keep it)"),
                // A site's attendees no list tells, and not every license is in one.
                None => format!("{} (who holds it is not known)", words::amount(removals, "user", false)),
            };
            return Err(Failure::usage(format!(
                "{} would be taken away from {whom}, and --max-removals allows {limit}; nothing was sent",
                self.called(stock)
            )));
        }
        Ok(())
    }

    /// Stocks that the file asks something of.
    pub(super) fn asked(&self) -> impl Iterator<Item = (usize, &Capacity)> {
        self.capacities.iter().enumerate().filter(|(_, capacity)| capacity.adds + capacity.removes > 0)
    }

    fn short(&self) -> impl Iterator<Item = (usize, &Capacity)> {
        self.asked().filter(|(_, capacity)| capacity.fit() == Fit::No)
    }

    pub(super) fn called(&self, stock: usize) -> String {
        let label = self.outlook.labels.get(stock);
        label.map_or_else(String::new, |label| Printable(label.called()).to_string())
    }

    fn is_calling(&self, stock: usize) -> bool {
        self.outlook.stocks.get(stock).is_some_and(|stock| stock.kind.is_calling())
    }

    fn calling_removals(&self) -> u64 {
        let removed = self.asked().filter(|(stock, _)| self.is_calling(*stock));
        removed.map(|(_, capacity)| capacity.may_be_given_back()).sum()
    }

    /// Tells it all.
    pub(super) fn tell(
        &self,
        voice: Voice,
        context: &Context,
        settings: &RunSettings,
        file: &Path,
    ) -> io::Result<()> {
        self.events(voice);
        voice.line(format_args!("service: {}", settings.base_url))?;
        voice.line(format_args!("organization: {}", self.organizations(settings)))?;
        if self.asked().next().is_some() {
            voice.line(fitted(self.table(voice.output())))?;
            voice.line("")?;
        }
        self.tell_in_effect(voice)?;
        self.tell_unread(voice, context, settings, file)?;
        let calling = self.calling_removals();
        if calling > 0 {
            voice.line(format_args!(
                "attention: {} {} taken away, and numbers, extensions and settings with {}, which undo cannot fully bring \
                 back",
                voice.output().amount(calling, "Calling license"),
                if calling == 1 { "is" } else { "are" },
                if calling == 1 { "it" } else { "them" }
            ))?;
        }
        self.tell_emptied(voice)?;
        let nothing = self.foresight.nothing_new;
        if nothing > 0 {
            voice.line(format_args!("nothing new for {}", voice.output().amount(nothing, "user")))?;
        }
        voice.line(self.duration(settings.rate, voice.output()))
    }

    fn organizations(&self, settings: &RunSettings) -> String {
        let own = settings.org_id.as_deref().unwrap_or("the token's own");
        let orgs = self.outlook.orgs.iter().scan(0, |from, org| {
            let users = org.end - *from;
            *from = org.end;
            Some((org, users))
        });
        let named: Vec<&str> = orgs
            .filter(|(_, users)| *users > 0)
            .map(|(org, _)| org.org.as_ref().map_or(own, |org| org.as_str()))
            .collect();
        match named.as_slice() {
            [] => own.to_owned(),
            [one] => Printable(one).to_string(),
            several => format!("{} of them", several.len()),
        }
    }

    /// Licenses that nobody would be left with.
    fn tell_emptied(&self, voice: Voice) -> io::Result<()> {
        for (stock, capacity) in self.asked() {
            let holders = self.outlook.holders_of(stock).filter(|holders| *holders > 0);
            if holders.is_some_and(|holders| capacity.adds == 0 && capacity.given_back() >= holders) {
                voice.line(format_args!("attention: nobody is left with {}", self.called(stock)))?;
            }
        }
        Ok(())
    }

    fn table(&self, output: Output) -> Table {
        let several = self.outlook.orgs.len() > 1;
        let mut header = vec!["license or site"];
        header.extend(several.then_some("organization"));
        let named = header.len();
        header.extend(["units", "used", "left", "add", "held", "remove", "not held", "after", "fits"]);
        let count = header.len();
        let mut table = aligned(header, named..count - 1);
        for (stock, capacity) in self.asked() {
            let (Some(label), Some(there)) = (self.outlook.labels.get(stock), self.outlook.stocks.get(stock))
            else {
                continue;
            };
            let known = self.outlook.is_read(stock);
            let if_known = |count: u64| if known { output.number(count) } else { "?".to_owned() };
            let number =
                |number: Option<u64>| number.map_or_else(String::new, |number| output.number(number));
            let signed = |count: i64| {
                format!("{}{}", if count < 0 { "-" } else { "" }, output.number(count.unsigned_abs()))
            };
            let used =
                (!there.site && there.known && self.outlook.no_units.is_none()).then_some(there.consumed);
            let mut row = vec![self.called(stock)];
            let org = || label.org.as_ref().map_or_else(|| "the token's own".to_owned(), ToString::to_string);
            row.extend(several.then(org));
            row.extend([
                number(there.total),
                number(used),
                number(capacity.free),
                output.number(capacity.adds),
                if_known(capacity.adds_held),
                output.number(capacity.removes),
                if_known(capacity.removes_not_held),
                capacity.free_after.map_or_else(String::new, signed),
                fits(capacity, there).to_owned(),
            ]);
            table.add_row(row);
        }
        table
    }

    /// Requests, time and end; both forms until one is known.
    fn duration(&self, rate: Rate, output: Output) -> String {
        let one = |requests: RequestCount| {
            if requests.all == 0 {
                return "nothing would be sent".to_owned();
            }
            let amount = output.amount(requests.all, "request");
            let Some(time) = self.forecast.time(requests) else {
                return format!("{amount}, as fast as the service answers");
            };
            let end = end(time, output).map_or_else(String::new, |end| format!(": until {end}"));
            match self.forecast.period.filter(|_| self.forecast.is_found) {
                Some(period) => {
                    let pace = 60.0 / period.as_secs_f64().max(f64::MIN_POSITIVE);
                    format!(
                        "{amount} at {pace:.0}/min, which an earlier run found, about {}{end}",
                        words::duration(time)
                    )
                }
                None => format!("{amount} at {rate}, at least {}{end}", words::duration(time)),
            }
        };
        match (self.forecast.array, self.forecast.object) {
            (Some(array), Some(object)) if array.all != object.all => {
                format!("{}\nif the service takes one user per request: {}", one(array), one(object))
            }
            _ => one(self.forecast.requests()),
        }
    }

    /// What would fail, by cause, and what helps.
    pub(super) fn tell_problems(&self, voice: Voice, order: Order) -> io::Result<()> {
        for failure in &self.foresight.failures {
            let (code, message) = &self.words(failure);
            let label = self.outlook.labels.get(failure.stock as usize);
            voice.event(&Event::Foreseen {
                line: failure.key.line.get(),
                item: Some(failure.key.item.get()),
                target: label.map(|label| label.target.as_str()),
                name: label.and_then(|label| label.name.as_deref()),
                code,
                message,
            });
        }
        for ((stock, code), cause) in self.by_cause() {
            let ForeseenCause { message: why, count, lines } = cause;
            let output = voice.output();
            voice.line(format_args!(
                "problem: {} on {} would fail ({}): {why} ({code})",
                output.amount(count as u64, "operation"),
                self.called(stock),
                output.lines(lines.iter().map(|line| line.get()), count),
            ))?;
        }
        self.tell_other_form(voice)?;
        for (stock, capacity) in self.short() {
            let (needed, free) = (capacity.needed(), capacity.free.unwrap_or(0));
            let missing = capacity.missing();
            let output = voice.output();
            let [needed, free, given] =
                [needed, free, capacity.may_be_given_back()].map(|n| output.number(n));
            voice.line(format_args!(
                "problem: {} is {} short: {needed} wanted, {free} left, {given} given back by the file",
                self.called(stock),
                output.amount(missing, "unit"),
            ))?;
        }
        self.tell_out(voice)?;
        if self.foresight.for_want_of_units() == 0 && matches!(voice, Voice::Aside(_)) {
            // What is sent from here waits by itself.
            return Ok(());
        }
        match (self.need, order) {
            (Need::RemovesFirst, Order::File | Order::Fit) => voice.line(self.advice("removes-first")),
            (Need::Fit, Order::File | Order::RemovesFirst) => voice.line(self.advice("fit")),
            _ => Ok(()),
        }
    }

    /// What would fail in the other form of the requests, where nobody knows which one it will be.
    fn tell_other_form(&self, voice: Voice) -> io::Result<()> {
        let together = self.foresight.failures.len();
        if let Some(alone) = self.failures_alone.filter(|alone| *alone != together) {
            let output = voice.output();
            voice.line(format_args!(
                "if the service takes one user per request: {} would fail rather than {}, since each stands for itself, and what \
                 else is asked of these users would be done",
                output.amount(alone as u64, "operation"),
                output.number(together as u64),
            ))?;
        }
        Ok(())
    }

    /// Names who fits in no wave.
    pub(super) fn tell_out(&self, voice: Voice) -> io::Result<()> {
        let Some(waves) = self.waves.as_ref().filter(|waves| !waves.out.is_empty()) else { return Ok(()) };
        let changes = self.outlook.seat_changes();
        let lines = waves
            .out
            .iter()
            .take(NAMED_OUT)
            .filter_map(|user| changes.of(*user).first().map(|change| change.key().line.get()));
        let (output, out) = (voice.output(), waves.out.len());
        let goes = if out == 1 { "fits in no wave and goes" } else { "fit in no wave and go" };
        voice.line(format_args!(
            "there are not enough units: {} {goes} last ({})",
            output.amount(out as u64, "user"),
            output.lines(lines, out)
        ))
    }

    fn advice(&self, order: &str) -> String {
        match self.stay_out {
            0 if self.foresight.for_want_of_units() == 0 => format!(
                "some need units that others give back before them: --order {order} keeps them apart, where requests \
                 overlap"
            ),
            0 => format!("everybody gets through with --order {order}"),
            1 => format!("with --order {order} only one user stays out"),
            out => format!("with --order {order} {out} users stay out"),
        }
    }

    fn by_cause(&self) -> BTreeMap<(usize, &'static str), ForeseenCause> {
        let mut causes: BTreeMap<_, ForeseenCause> = BTreeMap::new();
        for failure in &self.foresight.failures {
            let (code, message) = self.words(failure);
            let new = || ForeseenCause { message, count: 0, lines: Vec::new() };
            let cause = causes.entry((failure.stock as usize, code)).or_insert_with(new);
            cause.count += 1;
            if cause.lines.len() < NAMED {
                cause.lines.push(failure.key.line);
            }
        }
        causes
    }

    pub(super) fn words(&self, failure: &Foreseen) -> (&'static str, String) {
        match failure.why {
            Why::NoUnits => ("NO_UNITS", "no unit is left when their turn comes".to_owned()),
            Why::UnknownLicense => (
                "400000",
                format!(
                    "the organization has no license {}; {}",
                    self.called(failure.stock as usize),
                    Listing::Licenses
                ),
            ),
            Why::Rule(rule) => (rule.code(), rule.text().to_owned()),
            Why::Together => {
                ("TOGETHER", "another operation of the user fails, and a user gets all or nothing".to_owned())
            }
        }
    }

    fn events(&self, voice: Voice) {
        for (stock, capacity) in self.asked() {
            let (Some(label), Some(there)) = (self.outlook.labels.get(stock), self.outlook.stocks.get(stock))
            else {
                continue;
            };
            let is_license = matches!(label.target, Target::License(_));
            voice.event(&Event::Need(event::NeedEvent {
                target: label.target.as_str(),
                name: label.name.as_deref(),
                org_id: label.org.as_ref().map(|org| org.as_str()),
                adds: capacity.adds,
                adds_held: capacity.adds_held,
                removes: capacity.removes,
                removes_not_held: capacity.removes_not_held,
                unknown: capacity.adds_unknown + capacity.removes_unknown,
                total: there.total,
                consumed: (is_license && there.known).then_some(there.consumed),
                left: capacity.free,
                left_after: capacity.free_after,
                fit: capacity.fit(),
                known: there.known,
                calling_removals: if self.is_calling(stock) { capacity.may_be_given_back() } else { 0 },
            }));
        }
    }

    /// The order that the file needs, in the option's words; `None` where any does, or none helps.
    pub(super) const fn order_needed(&self) -> Option<&'static str> {
        match self.need {
            Need::RemovesFirst => Some("removes-first"),
            Need::Fit => Some("fit"),
            Need::Any | Need::Short => None,
        }
    }
}

struct ForeseenCause {
    message: String,
    count: usize,
    /// The first of them.
    lines: Vec<crate::domain::Line>,
}

/// Whether what is asked of a license fits, in a word.
fn fits(capacity: &Capacity, there: &Stock) -> &'static str {
    match capacity.fit() {
        _ if !there.known => "not there",
        _ if capacity.free.is_none() => "",
        Fit::Yes => "yes",
        Fit::GivenBackFirst => "removes first",
        Fit::No => "no",
    }
}

/// The time on the clock when so much has passed.
fn end(time: Duration, output: Output) -> Option<String> {
    let then = Timestamp::now().checked_add(SignedDuration::try_from(time).ok()?).ok()?;
    Some(words::moment(then, output.utc))
}
