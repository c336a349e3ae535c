//! A plan that was saved, and whether it still holds.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::{Choosing, OnInvalid};
use super::exit::Failure;
use super::preview::Preview;
use super::words::{self, cause};
use crate::assign::Checked;
use crate::domain::{Order, Printable};
use crate::report::{Destination, ReportError};
use crate::run::RunSettings;

/// The form of the file.
const VERSION: u32 = 1;

/// What `plan -o` saves and `apply --plan` holds to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SavedPlan {
    version: u32,
    input_sha256: String,
    /// The SHA-256 of all that is asked of whom, whatever said so.
    operations_sha256: String,
    settings: PlannedSettings,
    /// Whether it was read who holds the licenses.
    pub(super) holders_read: bool,
    licenses: Vec<SavedLicense>,
    would_fail: Vec<SavedFailure>,
    requests_array: Option<u64>,
    requests_object: Option<u64>,
    least_s: Option<f64>,
}

/// The settings that a plan depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PlannedSettings {
    base_url: String,
    org_id: Option<String>,
    batch_size: u32,
    wire: String,
    order: String,
    on_invalid: String,
    only_changes: bool,
    #[serde(default)]
    partition: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SavedLicense {
    target: String,
    name: Option<String>,
    org_id: Option<String>,
    adds: u64,
    adds_held: u64,
    removes: u64,
    removes_not_held: u64,
    left: Option<u64>,
    left_after: Option<i64>,
    known: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SavedFailure {
    line: u32,
    item: u16,
    target: String,
    code: String,
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl SavedPlan {
    /// The plan of a file as the organization is now.
    pub(super) fn of(
        preview: &Preview,
        (checked, operations_sha256): (&Checked, String),
        settings: &RunSettings,
        choosing: &Choosing,
    ) -> Self {
        let on_invalid = if choosing.on_invalid == OnInvalid::Stop { "stop" } else { "skip" };
        let licenses = preview.asked().filter_map(|(stock, capacity)| {
            let label = preview.outlook.labels.get(stock)?;
            Some(SavedLicense {
                target: label.target.as_str().to_owned(),
                name: label.name.clone(),
                org_id: label.org.as_ref().map(|org| org.as_str().to_owned()),
                adds: capacity.adds,
                adds_held: capacity.adds_held,
                removes: capacity.removes,
                removes_not_held: capacity.removes_not_held,
                left: capacity.free,
                left_after: capacity.free_after,
                known: preview.outlook.stocks.get(stock).is_some_and(|stock| stock.known),
            })
        });
        let failures = preview.foresight.failures.iter().map(|failure| SavedFailure {
            line: failure.key.line.get(),
            item: failure.key.item.get(),
            target: preview.called(failure.stock as usize),
            code: preview.words(failure).0.to_owned(),
        });
        let mut would_fail: Vec<SavedFailure> = failures.collect();
        would_fail.sort_unstable();
        let forecast = preview.forecast;
        Self {
            version: VERSION,
            input_sha256: checked.sha256().to_owned(),
            operations_sha256,
            settings: PlannedSettings {
                base_url: settings.base_url.clone(),
                org_id: settings.org_id.clone(),
                batch_size: settings.batch_size.get(),
                wire: word(&settings.wire),
                order: word(&Order::from(choosing.order)),
                on_invalid: on_invalid.to_owned(),
                only_changes: choosing.only_changes,
                partition: choosing.partition.map(String::from),
            },
            holders_read: preview.outlook.not_read.is_none(),
            licenses: licenses.collect(),
            would_fail,
            requests_array: forecast.array.map(|requests| requests.all),
            requests_object: forecast.object.map(|requests| requests.all),
            least_s: forecast.time(forecast.requests()).map(|time| time.as_secs_f64()),
        }
    }

    /// Reads a saved plan.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("the plan {shown} cannot be read: {}", cause(&error))))?;
        let plan: Self = serde_json::from_str(&text).map_err(|_| {
            Failure::usage(format!("{shown} is not a plan that 'seatbatch plan -o' has written"))
        })?;
        if plan.version != VERSION {
            return Err(Failure::usage(format!("{shown} was made by another release; make it again")));
        }
        Ok(plan)
    }

    /// Writes it.
    pub(super) fn save(&self, destination: &Destination) -> Result<Option<std::path::PathBuf>, ReportError> {
        let whole = destination.write(false, |output| {
            serde_json::to_writer_pretty(&mut *output, self).map_err(io::Error::from)?;
            Ok(writeln!(output)?)
        })?;
        Ok(whole.kept)
    }

    /// Refuses to go on where what would be done `now` is not what was planned.
    pub(super) fn hold(&self, now: &Self) -> Result<(), Failure> {
        let differences = self.differences(now);
        if differences.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the plan no longer holds, so nothing was sent:\n  {}\nmake it again with 'seatbatch plan'",
            differences.join("\n  ")
        )))
    }

    fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.input_sha256 != now.input_sha256 {
            found.push("the file has changed since".to_owned());
            return found;
        }
        if self.operations_sha256 != now.operations_sha256 {
            found.push(
                "the same file asks for something else now: an option that says what its rows mean, the configuration, the day, or what the \
                 organization calls its licenses and who holds them has changed"
                    .to_owned(),
            );
        }
        let mut differ = |what: &str, then: &str, now: &str| {
            if then != now {
                found.push(format!("{what} was {} and is {} now", Printable(then), Printable(now)));
            }
        };
        let (then_set, now_set) = (&self.settings, &now.settings);
        differ("the base URL", &then_set.base_url, &now_set.base_url);
        let org = |org: &Option<String>| org.clone().unwrap_or_else(|| "the token's own".to_owned());
        differ("the organization", &org(&then_set.org_id), &org(&now_set.org_id));
        differ("--batch-size", &then_set.batch_size.to_string(), &now_set.batch_size.to_string());
        differ("--wire", &then_set.wire, &now_set.wire);
        differ("--order", &then_set.order, &now_set.order);
        differ("--on-invalid", &then_set.on_invalid, &now_set.on_invalid);
        differ("--only-changes", &then_set.only_changes.to_string(), &now_set.only_changes.to_string());
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "the whole file".to_owned());
        differ("--partition", &part(&then_set.partition), &part(&now_set.partition));
        if self.would_fail != now.would_fail {
            self.licenses_that_differ(now, &mut found);
            let amount = |plan: &Self| words::amount(plan.would_fail.len() as u64, "operation", false);
            found.push(if self.would_fail.len() == now.would_fail.len() {
                format!("{} would fail, as many as then, but others", amount(now))
            } else {
                format!("{} would have failed then, {} now", amount(self), amount(now))
            });
        }
        found
    }

    /// Units that changed, where that makes another outcome.
    fn licenses_that_differ(&self, now: &Self, found: &mut Vec<String>) {
        let units = |left: Option<u64>| {
            let left = left.map(|left| format!("{} left", words::amount(left, "unit", false)));
            left.unwrap_or_else(|| "unlimited units".to_owned())
        };
        for then in &self.licenses {
            let same = |other: &&SavedLicense| (&other.target, &other.org_id) == (&then.target, &then.org_id);
            let Some(now) = now.licenses.iter().find(same) else { continue };
            let name = Printable(then.name.as_deref().unwrap_or(&then.target));
            if then.known != now.known {
                let there = if now.known { "is there now" } else { "is not there any more" };
                found.push(format!("{name} {there}"));
            }
            let (then_net, now_net) =
                ((then.adds_held, then.removes_not_held), (now.adds_held, now.removes_not_held));
            if then.left != now.left || then_net != now_net {
                found.push(format!(
                    "{name}: {} then, {} now; {} of the file's users held it then, {} now",
                    units(then.left),
                    units(now.left),
                    then.adds_held + then.removes - then.removes_not_held,
                    now.adds_held + now.removes - now.removes_not_held,
                ));
            }
        }
    }
}
