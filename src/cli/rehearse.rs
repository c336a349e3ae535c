//! `seatbatch rehearse`

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use super::args;
use super::context::{Context, runtime};
use super::copy::{self, CopiedUsers};
use super::event::{Event, RehearsalSummary, Summary};
use super::exit::{Exit, Failure};
use super::telling::Telling;
use crate::assign::{CheckError, Checked, Known, SecondReading};
use crate::domain::{LicenseId, Order, OrgId, Printable, Rate, Sequence, Snapshot, Target, Wire, WireForm};
use crate::input::InputFile;
use crate::journal::{Journal, JournalError, Reader, RunRow};
use crate::plan::LicenseKind;
use crate::run::{Background, Catalog, Depth, Outlook, RunSettings, Silent, arrange, import, send};
use crate::sandbox::{Options, Organization, OrganizationState, Sandbox};

pub(super) fn run(context: &Context, args: &args::Rehearse) -> Result<Exit, Failure> {
    let file = InputFile::open(&args.file)?;
    let mut settings = RunSettings::default();
    context.adjust(&mut settings, &args.sending);
    let readings = context.readings(context.client(&settings)?, &settings);
    let runtime = runtime()?;
    let mut catalog = Catalog::new(readings, runtime.handle().clone());
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: false };
    let how = args.choosing.of(args.reading.interpretation(settings.org_id.as_deref()));
    let order = Order::from(args.choosing.order);
    let known = catalog.known_for(&file, &how)?;
    let checked = telling.check(&file, &how, order, known.clone(), &mut |_| {})??;
    super::apply::refuse_unclear(&checked)?;
    let depth = if order == Order::Fit { Depth::Holders } else { Depth::Units };
    let (mut outlook, checked) = Outlook::look(checked, &file, &mut catalog, depth)?;
    let (state, added) = runtime.block_on(copied(&catalog, &outlook, checked, &file))?;
    let before = left(&state);
    let form = if settings.wire == Wire::Object { WireForm::Object } else { WireForm::Array };
    let token = format!("{:016x}", fastrand::u64(..));
    let organization = Organization::from_state(state)?;
    let sandbox = runtime.block_on(Sandbox::start(Options::new(&token, form, organization)))?;

    let folder = tempfile::Builder::new().prefix("seatbatch-rehearsal-").tempdir()?;
    let inside = context.inside(folder.path().join("seatbatch.db"), sandbox.url(), token.into(), false);
    settings.base_url = sandbox.url();
    settings.failures = folder.path().join("failures.csv");
    settings.rate = Rate::AtMost(crate::domain::Ceiling::Unlimited);
    settings.snapshot = Snapshot::No;
    settings.concurrency = NonZeroU32::MIN;
    let inside_readings = inside.readings(inside.client(&settings)?, &settings);
    let mut checked = telling_nobody(&file, &how, order, known)?;
    settings.sequence = match order {
        // One after the other, so that who gets the last unit is no matter of chance.
        Order::File | Order::RemovesFirst => Sequence::RemovesFirst,
        Order::Fit => {
            let waves = outlook.waves()?;
            arrange(&mut outlook, &mut checked, &waves, false)?
        }
    };
    let mut journal = Journal::create(&inside.journal)?;
    let (run, _) = import(&mut journal, &file, checked, &settings, &Background::default())?;
    let (_stop, stops) = tokio::sync::mpsc::unbounded_channel();
    let sent = runtime.block_on(send(journal, run, inside_readings, &settings, &mut Silent, stops))?;
    let reader = sent.journal.reader()?;
    let row = reader.run(Some(run))?.ok_or_else(|| Failure::usage("the rehearsal has no run"))?;
    let lines = failures(&reader, &row)?;
    tell(context, &row, &lines, (&before, &left(&sandbox.state())), added)?;
    let tally = row.tally;
    Ok(if tally.done + tally.unchanged == tally.total { Exit::Done } else { Exit::Problems })
}

fn telling_nobody(
    file: &InputFile,
    how: &crate::assign::Interpretation,
    order: Order,
    known: Known,
) -> Result<Checked, CheckError> {
    crate::assign::check(file, how, order, known, &mut |_| {})
}

/// The organizations of the file with everybody who holds one of its licenses, and the file's own users; how
/// many of these hold none of them.
async fn copied(
    catalog: &Catalog,
    outlook: &Outlook,
    checked: Checked,
    file: &InputFile,
) -> Result<(OrganizationState, usize), Failure> {
    let mut people = CopiedUsers::default();
    let (mut licenses, mut customers) = (Vec::new(), Vec::new());
    let labels = || {
        outlook.labels.iter().filter_map(|label| match &label.target {
            Target::License(id) => Some(id),
            Target::Site(_) => None,
        })
    };
    let wanted = |id: &LicenseId| labels().any(|label| label.key() == id.key());
    let own = catalog.readings().client().org();
    let orgs: BTreeSet<Option<OrgId>> = outlook.orgs.iter().map(|org| org.org.clone()).collect();
    for org in &orgs {
        licenses.extend(copy::take(catalog.readings(), org.as_ref(), &wanted, &mut people).await?);
        customers.extend(org.as_ref().or(own).map(|org| org.as_str().to_owned()));
    }
    let holders = people.count();
    let mut second = SecondReading::new(checked, file)?;
    let mut placed = Vec::new();
    while second.next(&mut placed)?.is_some() {
        for operation in placed.drain(..).filter_map(|placed| placed.content.ok()) {
            let email = operation.email.as_ref().map(|email| email.as_str());
            people.meet(email, operation.person.as_ref().map(|person| person.as_str()));
        }
    }
    let added = people.count() - holders;
    let sites = outlook.labels.iter().filter_map(|label| match &label.target {
        Target::Site(url) => Some(url.as_str().to_owned()),
        Target::License(_) => None,
    });
    let listed = licenses.iter().filter_map(|license| license.site_url.clone());
    let sites: BTreeSet<String> = sites.chain(listed).collect();
    // A license that the token sees in two organizations is one.
    let mut seen = BTreeSet::new();
    licenses.retain(|license| seen.insert(license.id.clone()));
    Ok((copy::state(licenses, sites.into_iter().collect(), customers, people), added))
}

/// Units left, by license name.
fn left(state: &OrganizationState) -> BTreeMap<String, Option<i64>> {
    let held =
        |id: &str| state.users.iter().filter(|user| user.licenses.iter().any(|held| held == id)).count();
    let left = state.licenses.iter().map(|license| {
        let total = license.total_units.filter(|total| *total >= 0);
        let left = total.map(|total| total - i64::try_from(held(&license.id)).unwrap_or(i64::MAX));
        (license.name.clone(), left)
    });
    left.collect()
}

/// What would fail: the lines by code and words.
type FailingLines = BTreeMap<(String, String), Vec<u32>>;

fn failures(reader: &Reader, row: &RunRow) -> Result<FailingLines, Failure> {
    let mut lines = FailingLines::new();
    reader.operations(row.run, |operation| {
        if let Some(code) = operation.error_code {
            let message = operation.error_message.unwrap_or_default();
            lines.entry((code, message)).or_default().push(operation.line);
        }
        Ok::<(), JournalError>(())
    })?;
    Ok(lines)
}

/// Units that are free, by license.
type Free = BTreeMap<String, Option<i64>>;

/// So many lines of a kind are named.
const NAMED: usize = 5;

fn tell(
    context: &Context,
    row: &RunRow,
    lines: &FailingLines,
    (before, after): (&Free, &Free),
    added: usize,
) -> Result<(), Failure> {
    let output = context.output;
    let tally = row.tally;
    for ((code, message), lines) in lines {
        for line in lines {
            let (item, target, name) = (None, None, None);
            output.event(&Event::Foreseen { line: *line, item, target, name, code, message });
        }
        let shown: Vec<String> = lines.iter().take(NAMED).map(u32::to_string).collect();
        let more = lines.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        output.print(format_args!(
            "{} would fail with {}: {} (line {}{more})",
            output.amount(lines.len() as u64, "operation"),
            Printable(code),
            Printable(message),
            shown.join(", ")
        ))?;
    }
    for (name, left) in after {
        if let (Some(left), Some(Some(before))) = (left, before.get(name))
            && left != before
        {
            output
                .print(format_args!("{}: {before} units left before, {left} afterwards", Printable(name)))?;
        }
    }
    output.print(format_args!(
        "Rehearsed in a copy: {} of {} would be done",
        output.number(tally.done + tally.unchanged),
        output.amount(tally.total, "operation"),
    ))?;
    if added > 0 {
        output.print(format_args!(
            "{} of the file hold none of its licenses: whether they are in the organization cannot be known, and they \
             were taken to be",
            output.amount(added as u64, "user")
        ))?;
    }
    output.print("What the service does beyond what is documented cannot be rehearsed")?;
    let calling = after.keys().any(|name| LicenseKind::of(name).is_calling());
    output.conclude(Summary::Rehearsal(RehearsalSummary {
        total: tally.total,
        would_be_done: tally.done + tally.unchanged,
        would_fail: tally.failed + tally.in_doubt + tally.pending,
        invalid: tally.invalid,
        users_taken_to_be_there: added,
        left_after: after.clone(),
        calling,
    }));
    Ok(())
}
