//! `seatbatch plan`

use super::args::{self, OnInvalid};
use super::check::described;
use super::context::Context;
use super::event::{PlanSummary, Summary};
use super::exit::{Exit, Failure};
use super::given_back;
use super::looking::Question;
use super::outputs::destination;
use super::preview::Voice;
use super::saved_plan::SavedPlan;
use super::telling::Telling;
use crate::domain::Order;
use crate::input::InputFile;
use crate::run::{Catalog, Depth, RunSettings, operations_sha256};

pub(super) fn run(
    context: &Context,
    args::Plan { output: saved, trial: args }: &args::Plan,
) -> Result<Exit, Failure> {
    let output = context.output;
    let file = InputFile::take(&args.file)?;
    let settings = RunSettings { partition: args.choosing.partition, ..RunSettings::default() };
    let settings = context.of_a_new_run(settings, &args.sending);
    let client = context.client(&settings)?;
    let runtime = context.runtime()?;
    let mut catalog = Catalog::new(context.readings(client, &settings), runtime.handle().clone());
    let order = Order::from(args.choosing.order);
    let telling = Telling { context, all: args.reading.problems.as_deref(), asked: true };
    let reading = given_back::reading(context, &file, &args.reading)?;
    let how = args.choosing.of(reading.interpretation(settings.org_id.as_deref()));
    let known = telling.first_look(&file, catalog.known_for(&file, &how))?.map_err(Failure::found)?;
    let checked = telling.check(&file, &how, order, known, &mut |_| {})?.map_err(Failure::found)?;
    reading.refuse_unknown(context, &file, &checked.counts())?;
    let only_changes = args.choosing.only_changes;
    let question =
        Question { context, file: &file, settings: &settings, order, only_changes, depth: Depth::Holders };
    let (preview, checked) = question.look(checked, &mut catalog)?;
    let (counts, organizations) = (checked.counts(), checked.organizations().len());
    let voice = Voice::Asked(output);
    output.print(format_args!("{}: {}", args.file.display(), described(output, &counts)))?;
    preview.tell(voice, context, &settings, &args.file)?;
    preview.tell_problems(voice, order)?;
    let refused = args.choosing.max_removals.and_then(|limit| preview.refuse_removals(limit).err());
    if let Some(refused) = &refused {
        output.print(format_args!("problem: {}", refused.message()))?;
    }
    if let Some(path) = saved {
        let destination = destination(context, path, Some(file.path()))?;
        let (sum, checked) = operations_sha256(checked, &file)?;
        let plan = SavedPlan::of(&preview, (&checked, sum), &settings, &args.choosing);
        if let Some(kept) = plan.save(&destination)? {
            output.insist(format_args!(
                "{} was there already; it is kept as {}",
                path.display(),
                kept.display()
            ));
        }
    }
    let forecast = preview.forecast;
    let least_s = forecast.time(forecast.requests()).map(|time| time.as_secs_f64().round());
    output.conclude(Summary::Plan(PlanSummary {
        file: args.file.display().to_string(),
        counts,
        requests: forecast.requests().all,
        requests_array: forecast.array.map(|requests| requests.all),
        requests_object: forecast.object.map(|requests| requests.all),
        organizations,
        least_s,
        would_fail: preview.foresight.failures.len(),
        would_fail_object: preview.failures_alone,
        unchanged: preview.foresight.unchanged,
        users_nothing_new: preview.foresight.nothing_new,
        order_needed: preview.order_needed().map(str::to_owned),
        holders_read: preview.outlook.not_read.is_none(),
    }));
    let invalid = counts.errors > 0 && args.choosing.on_invalid == OnInvalid::Stop || counts.invalid > 0;
    Ok(if invalid || refused.is_some() || preview.fails() { Exit::Problems } else { Exit::Done })
}
