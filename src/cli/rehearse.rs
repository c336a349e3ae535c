//! `seatbatch rehearse`

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::path::Path;

use super::args::{self, OnInvalid};
use super::check::described;
use super::context::Context;
use super::event::{Event, RehearsalSummary, Summary};
use super::exit::{Exit, Failure};
use super::given_back;
use super::looking::known_form;
use super::output::Output;
use super::telling::Telling;
use crate::domain::{
    IdKey, Order, OrgId, Printable, Rate, RunId, Sequence, Snapshot, Target, Wire, WireForm,
};
use crate::input::InputFile;
use crate::journal::{Journal, JournalError, Reader, RunRow};
use crate::plan::LicenseKind;
use crate::run::{Background, Catalog, Depth, NotRead, Outlook, RunSettings, Silent, arrange, import, send};
use crate::sandbox::{Nameless, Options, Organization, Sandbox};
use crate::webex::License;

pub(super) fn run(context: &Context, args: &args::Rehearse) -> Result<Exit, Failure> {
    let args = &args.trial;
    let file = InputFile::take(&args.file)?;
    let settings = RunSettings { partition: args.choosing.partition, ..RunSettings::default() };
    let mut settings = context.of_a_new_run(settings, &args.sending);
    let readings = context.readings(context.client(&settings)?, &settings);
    let runtime = context.runtime()?;
    let mut catalog = Catalog::new(readings, runtime.handle().clone());
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: false };
    let reading = given_back::reading(context, &file, &args.reading)?;
    let how = args.choosing.of(reading.interpretation(settings.org_id.as_deref()));
    let order = Order::from(args.choosing.order);
    let known = telling.first_look(&file, catalog.known_for(&file, &how))?.map_err(Failure::found)?;
    let checked = telling.check(&file, &how, order, known, &mut |_| {})?.map_err(Failure::found)?;
    reading.refuse_unknown(context, &file, &checked.counts())?;
    super::apply::refuse_unclear(&checked)?;
    let (output, counts) = (context.output, checked.counts());
    output.print(format_args!("{}: {}", args.file.display(), described(output, &counts)))?;
    let (mut outlook, mut checked) = Outlook::look(checked, &file, &mut catalog, Depth::Holders)?;
    refuse_unread(&outlook)?;
    let unknown = outlook.unknown();
    let only_changes = args.choosing.only_changes;
    let waves = (order == Order::Fit).then(|| outlook.waves()).transpose()?;
    if !(only_changes && waves.is_some()) {
        // They take as much room as the copy does that comes next.
        outlook.forget_changes();
    }
    let copy = LicensesCopied::of(&mut catalog, &outlook)?;
    let users = checked.counts().assignments;

    let folder = tempfile::Builder::new().prefix("seatbatch-rehearsal-").tempdir()?;
    settings = confined(settings, folder.path());
    settings.sequence = match waves {
        None => Sequence::RemovesFirst,
        Some(waves) => arrange(&mut outlook, &mut checked, waves, only_changes)?,
    };
    outlook.forget_changes();
    let path = folder.path().join("seatbatch.db");
    let mut journal = Journal::create(&path)?;
    let background =
        Background { outlook: only_changes.then_some(&outlook), only_changes, ..Background::default() };
    let (run, _) = import(&mut journal, &file, checked, &mut settings, &background)?;

    let (organization, strangers) = copy.with_users(&journal.reader()?, run, &outlook, users)?;
    drop(outlook);
    let before = left(&organization.licenses());
    let known = known_form(context, &settings);
    let form = known.unwrap_or(WireForm::Array);
    settings.wire = Wire::from(form);
    let token = format!("{:016x}", fastrand::u64(..));
    let sandbox = runtime.block_on(Sandbox::start(Options::new(&token, form, organization)))?;
    settings.base_url = sandbox.url();
    let inside = context.inside(path, sandbox.url(), token.into(), false);
    let readings = inside.readings(inside.client(&settings)?, &settings);
    let (_stop, stops) = tokio::sync::mpsc::unbounded_channel();
    let sent = runtime.block_on(send(journal, run, readings, &settings, &mut Silent, stops))?;
    let reader = sent.journal.reader()?;
    let row = reader.run(Some(run))?.ok_or_else(|| Failure::usage("the rehearsal has no run"))?;
    let lines = failures(&reader, &row)?;
    let stops = args.choosing.on_invalid == OnInvalid::Stop;
    let after = left(&sandbox.state().licenses);
    // Where each user has one operation, the forms come to the same.
    let either_form = known.is_none() && row.tally.total > u64::from(users);
    let told = RehearsalNotes { before, after, strangers, unknown, stops, either_form };
    tell(context, &row, &lines, &told)?;
    let tally = row.tally;
    Ok(if tally.done + tally.unchanged == tally.total { Exit::Done } else { Exit::Problems })
}

/// The same, for what stays in a folder of its own.
fn confined(settings: RunSettings, folder: &Path) -> RunSettings {
    RunSettings {
        failures: folder.join("failures.csv"),
        rate: Rate::AtMost(crate::domain::Ceiling::Unlimited),
        snapshot: Snapshot::No,
        // One after the other, so that who gets the last unit is no matter of chance.
        concurrency: NonZeroU32::MIN,
        ..settings
    }
}

/// What nobody could read cannot be copied.
fn refuse_unread(outlook: &Outlook) -> Result<(), Failure> {
    let why = match (&outlook.no_units, &outlook.not_read) {
        (Some(why), _) | (None, Some(NotRead::Refused(why))) => why,
        _ => return Ok(()),
    };
    Err(Failure::not_asked(format!("nothing was rehearsed: {}", Printable(why))))
}

/// The licenses of the file's organizations as those of one.
struct LicensesCopied {
    /// With the number of the organization that sells each.
    licenses: Vec<(License, usize)>,
    places: HashMap<IdKey, usize>,
    customers: Vec<String>,
}

impl LicensesCopied {
    fn of(catalog: &mut Catalog, outlook: &Outlook) -> Result<Self, Failure> {
        let (mut licenses, mut customers) = (Vec::new(), Vec::<String>::new());
        let mut places: HashMap<IdKey, usize> = HashMap::new();
        // First that of the rows that name none: their answers are about the organization of the first license.
        let mut orgs: Vec<Option<&OrgId>> = outlook.orgs.iter().map(|org| org.org.as_ref()).collect();
        orgs.sort_by_key(Option::is_some);
        for (seller, org) in orgs.into_iter().enumerate() {
            let own = catalog.readings().client().org().cloned();
            for license in catalog.licenses(org)?.all() {
                // A license that the token sees in two organizations is one.
                places.entry(IdKey::of(&license.id)).or_insert_with(|| {
                    licenses.push((license.clone(), seller));
                    licenses.len() - 1
                });
            }
            customers.extend(org.or(own.as_ref()).map(|org| org.as_str().to_owned()));
        }
        Ok(Self { licenses, places, customers })
    }

    /// An organization with as many units left, and the run's users with what they hold, as their requests will name them; how many
    /// of these hold nothing of what the file asks. They are read from the journal: while it is filled, the file's own users take
    /// as much room.
    fn with_users(
        mut self,
        reader: &Reader,
        run: RunId,
        outlook: &Outlook,
        users: u32,
    ) -> Result<(Organization, u64), Failure> {
        let read = outlook.labels.iter().enumerate().filter(|(stock, _)| outlook.is_read(*stock));
        let held: Vec<(usize, usize)> = read
            .filter_map(|(stock, label)| match &label.target {
                Target::License(id) => Some((stock, *self.places.get(&id.key())?)),
                Target::Site(_) => None,
            })
            .collect();
        let mut people = Nameless::new((fastrand::u64(..), fastrand::u64(..)), users, self.licenses.len());
        let mut strangers = 0;
        reader.users(run, users, |user, email, person| {
            email.into_iter().for_each(|email| people.email(user, email));
            person.into_iter().for_each(|person| people.person(user, person));
            let holds = |(stock, _): &&(usize, usize)| outlook.holds(*stock, outlook.number_before(user));
            let mut is_stranger = true;
            for (_, place) in held.iter().filter(holds) {
                people.holds(user, *place);
                is_stranger = false;
            }
            strangers += u64::from(is_stranger);
        })?;
        for (place, (license, _)) in self.licenses.iter_mut().enumerate() {
            // The sandbox counts the units of its own users: as many are to be left as there are.
            let held = i64::try_from(people.holders(place)).unwrap_or(i64::MAX);
            license.total_units = license.units_left().map_or(license.total_units, |left| Some(held + left));
        }
        let sites = outlook.labels.iter().filter_map(|label| match &label.target {
            Target::Site(url) => Some(url.as_str().to_owned()),
            Target::License(_) => None,
        });
        let listed = self.licenses.iter().filter_map(|(license, _)| license.site_url.clone());
        let sites: BTreeSet<String> = sites.chain(listed).collect();
        let sites = sites.into_iter().collect();
        Ok((Organization::nameless(self.licenses, sites, self.customers, people), strangers))
    }
}

/// Units that are free, by license: its name, and what tells it apart where several have one name.
type Free = BTreeMap<String, Option<i64>>;

fn left(licenses: &[License]) -> Free {
    let left = licenses.iter().map(|license| {
        let namesakes = licenses.iter().filter(|other| other.name == license.name).count();
        let name = match namesakes {
            1 => license.name.clone(),
            _ => format!("{}, {}", license.name, license.told_apart()),
        };
        let total = license.total_units.filter(|total| *total >= 0);
        (name, total.map(|total| total - license.consumed_units.unwrap_or(0)))
    });
    left.collect()
}

/// What would fail: the lines by code and words.
type FailingLines = BTreeMap<(String, String), Vec<u32>>;

fn failures(reader: &Reader, row: &RunRow) -> Result<FailingLines, Failure> {
    let mut lines = FailingLines::new();
    reader.operations(row.run, |operation| {
        // What cannot be sent at all does not fail.
        if let Some(code) = operation.error_code.filter(|_| operation.state != "invalid") {
            let message = operation.error_message.unwrap_or_default();
            lines.entry((code, message)).or_default().push(operation.line);
        }
        Ok::<(), JournalError>(())
    })?;
    Ok(lines)
}

/// What is told beside the failures.
struct RehearsalNotes {
    before: Free,
    after: Free,
    /// Users who hold nothing of what the file asks.
    strangers: u64,
    /// Operations of which it is not known whether they change anything.
    unknown: u64,
    /// Whether rows that cannot be sent stop the file.
    stops: bool,
    /// Whether the service may take the other form of requests, and something else come of it.
    either_form: bool,
}

/// Says what is not sent at all.
fn tell_left_out(output: Output, invalid: u64, stops: bool) -> std::io::Result<()> {
    let (are, whose) = match invalid {
        0 => return Ok(()),
        1 => ("is", "its user"),
        _ => ("are", "their users"),
    };
    let operations = output.amount(invalid, "operation");
    let left_out = format!("{operations} {are} left out, since a row of {whose} cannot be sent");
    output.print(if stops {
        format!(
            "problem: {left_out}; apply stops there and sends nothing, unless it is told --on-invalid skip"
        )
    } else {
        left_out
    })
}

/// Says what was taken to be so.
fn tell_assumed(output: Output, told: &RehearsalNotes, fails: bool) -> std::io::Result<()> {
    let RehearsalNotes { strangers, unknown, either_form, .. } = told;
    if *either_form && fails {
        output.print(
            "It was rehearsed with several users per request, where a user gets all or nothing; --wire object rehearses \
             one user per request, where each operation stands for itself",
        )?;
    }
    if *strangers > 0 {
        output.print(format_args!(
            "{} of the file {} none of what it asks for: whether they are in the organization cannot be known, and they \
             were assumed to be",
            output.amount(*strangers, "user"),
            if *strangers == 1 { "holds" } else { "hold" }
        ))?;
    }
    if *unknown > 0 {
        output.print(format_args!(
            "Of {} the lists do not say whether they change anything: their users were assumed not to hold the licenses",
            output.amount(*unknown, "operation")
        ))?;
    }
    Ok(())
}

/// So many lines of a kind are named.
const NAMED: usize = 5;

fn tell(context: &Context, row: &RunRow, lines: &FailingLines, told: &RehearsalNotes) -> Result<(), Failure> {
    let output = context.output;
    let RehearsalNotes { before, after, strangers, unknown, stops, .. } = told;
    let tally = row.tally;
    for ((code, message), lines) in lines {
        for line in lines {
            let (item, target, name) = (None, None, None);
            output.event(&Event::Foreseen { line: *line, item, target, name, code, message });
        }
        // A row may ask for several.
        let mut rows = lines.clone();
        rows.dedup();
        output.print(format_args!(
            "problem: {} would fail ({}): {} ({})",
            output.amount(lines.len() as u64, "operation"),
            output.lines(rows.iter().take(NAMED).copied(), rows.len()),
            Printable(message),
            Printable(code)
        ))?;
    }
    for (name, left) in after {
        if let (Some(left), Some(Some(before))) = (left, before.get(name))
            && left != before
        {
            let units = if *before == 1 { "unit" } else { "units" };
            output.print(format_args!(
                "{}: {before} {units} left before, {left} afterwards",
                Printable(name)
            ))?;
        }
    }
    tell_left_out(output, tally.invalid, *stops)?;
    output.print(format_args!(
        "Rehearsed in a copy: {} of {} would be done",
        output.number(tally.done + tally.unchanged),
        output.amount(tally.total - tally.invalid, "operation"),
    ))?;
    tell_assumed(output, told, !lines.is_empty())?;
    output.print("What the service does beyond what is documented cannot be rehearsed")?;
    let calling = after.keys().any(|name| LicenseKind::of(name).is_calling());
    output.conclude(Summary::Rehearsal(RehearsalSummary {
        total: tally.total,
        would_be_done: tally.done + tally.unchanged,
        would_fail: tally.failed + tally.in_doubt + tally.pending,
        invalid: tally.invalid,
        users_taken_to_be_there: *strangers,
        unknown: *unknown,
        left_after: after.clone(),
        calling,
    }));
    Ok(())
}
