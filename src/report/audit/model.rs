//! What a run was, counted once for every format.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::progress::Timeline;
use super::{Audited, ReportOptions};
use crate::domain::{OperationState, advice};
use crate::journal::{AuditRow, Tally};
use crate::report::error::ReportError;

/// Everything that is told of a run but its operations one by one.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RunReport {
    /// The run's number.
    pub(super) run: u32,
    /// The file as the user named it.
    pub(super) input_path: String,
    /// The file's SHA-256.
    pub(super) input_sha256: String,
    /// `importing`, `running`, `paused` or `finished`.
    pub(super) state: &'static str,
    /// Why it is paused.
    pub(super) reason: Option<String>,
    /// When it began.
    pub(super) created_at: String,
    /// When it ended.
    pub(super) finished_at: Option<String>,
    /// Who began it, as the operating system calls them.
    pub(super) os_user: Option<String>,
    /// On which machine.
    pub(super) host: Option<String>,
    /// With which release of this program.
    pub(super) version: Option<String>,
    /// The form that the service understands: `array` or `object`.
    pub(super) wire: Option<String>,
    /// Where the journal's chain ends; a copy kept elsewhere holds the journal to it.
    pub(super) chain_head: Option<String>,
    /// Whether its people have been forgotten (`journal prune`): then its users, its operations by state and these facts are
    /// all that is left; what is counted beside is 0.
    pub(super) pruned: bool,
    /// Users of the file; one whose operations were retried is still one.
    pub(super) users: u64,
    /// Counts of the operations.
    #[serde(flatten)]
    pub(super) tally: Tally,
    /// Operations that give, those that cannot be sent aside.
    pub(super) adds: u64,
    /// Operations that take away, those that cannot be sent aside.
    pub(super) removes: u64,
    /// Requests made.
    pub(super) requests: u64,
    /// Of these, those that repeated an earlier one of the same batch.
    pub(super) retries: u64,
    /// How the operations of each organization stand.
    pub(super) organizations: Vec<AuditGroup>,
    /// How the operations on each license and site stand.
    pub(super) targets: Vec<AuditGroup>,
    /// Requests by what came of them.
    pub(super) attempts: serde_json::Map<String, serde_json::Value>,
    /// Operations not done, by code.
    pub(super) failures_by_code: serde_json::Map<String, serde_json::Value>,
    /// Why operations were not done, most frequent first.
    pub(super) causes: Vec<FailureCause>,
    #[serde(skip)]
    pub(super) progress: Timeline,
}

/// The operations of one organization, or on one license or site.
#[derive(Debug, Clone, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AuditGroup {
    /// `organization`, `license` or `site`.
    pub(super) kind: String,
    /// Its ID or URL; `None` for the organization of the token.
    pub(super) id: Option<String>,
    /// What it is called.
    pub(super) name: Option<String>,
    #[serde(flatten)]
    pub(super) tally: Tally,
}

impl AuditGroup {
    /// What people call it.
    pub(super) fn title(&self) -> &str {
        self.name.as_deref().or(self.id.as_deref()).unwrap_or("the token's own organization")
    }
}

/// Why operations were not done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FailureCause {
    /// The service's code, or ours.
    pub(super) code: String,
    /// How many.
    pub(super) count: u64,
    /// The words that came with it, once.
    pub(super) message: String,
    /// What to do about it.
    pub(super) remedy: Option<&'static str>,
}

/// Counts an operation.
fn count(tally: &mut Tally, state: OperationState) {
    let counter = match state {
        OperationState::Done => &mut tally.done,
        OperationState::Unchanged => &mut tally.unchanged,
        OperationState::Failed => &mut tally.failed,
        OperationState::Invalid => &mut tally.invalid,
        OperationState::InDoubt => &mut tally.in_doubt,
        OperationState::Pending | OperationState::Sending => &mut tally.pending,
    };
    *counter += 1;
    tally.total += 1;
}

/// What is counted while the operations go by.
#[derive(Debug, Default)]
pub(super) struct Counting {
    tally: Tally,
    adds: u64,
    removes: u64,
    /// In the order of the file.
    targets: Groups,
    organizations: Groups,
    causes: BTreeMap<String, (u64, String)>,
    progress: Timeline,
    /// The second of the time seen last: the rows of a batch have one time.
    second: (String, i64),
}

#[derive(Debug, Default)]
struct Groups {
    numbers: HashMap<(String, String), usize>,
    all: Vec<AuditGroup>,
    last: usize,
}

impl Groups {
    fn of(&mut self, kind: &str, id: Option<&str>, name: Option<&str>) -> Option<&mut Tally> {
        let is = |group: &AuditGroup| group.kind == kind && group.id.as_deref() == id;
        if !self.all.get(self.last).is_some_and(is) {
            let key = (kind.to_owned(), id.unwrap_or_default().to_owned());
            let next = self.all.len();
            self.last = *self.numbers.entry(key).or_insert(next);
            if self.last == next {
                let owned = |text: Option<&str>| text.map(str::to_owned);
                let tally = Tally::default();
                self.all.push(AuditGroup { kind: kind.to_owned(), id: owned(id), name: owned(name), tally });
            }
        }
        self.all.get_mut(self.last).map(|group| &mut group.tally)
    }
}

impl Counting {
    pub(super) fn row(&mut self, row: &AuditRow<'_>) {
        count(&mut self.tally, row.state);
        if row.state != OperationState::Invalid {
            // What such a row says was never understood.
            *(if row.operation == "remove" { &mut self.removes } else { &mut self.adds }) += 1;
        }
        if let Some(tally) = self.targets.of(row.kind, Some(row.target), row.target_name) {
            count(tally, row.state);
        }
        if let Some(tally) = self.organizations.of("organization", row.org_id, None) {
            count(tally, row.state);
        }
        if let Some(code) = row.error_code {
            match self.causes.get_mut(code) {
                Some((count, _)) => *count += 1,
                None => {
                    let message = row.error_message.unwrap_or_default().to_owned();
                    self.causes.insert(code.to_owned(), (1, message));
                }
            }
        }
        if matches!(row.state, OperationState::Done | OperationState::Failed) {
            let second = self.second(row.updated_at);
            self.progress.settle(second, row.state == OperationState::Done);
        }
    }

    fn second(&mut self, time: &str) -> i64 {
        if self.second.0 != time {
            let parsed = time.parse::<Timestamp>().map_or(0, Timestamp::as_second);
            self.second = (time.to_owned(), parsed);
        }
        self.second.1
    }

    /// The report of the run whose operations have gone by.
    pub(super) fn report(
        mut self,
        audited: &Audited<'_>,
        telling: &ReportOptions<'_>,
    ) -> Result<RunReport, ReportError> {
        let Audited { reader, run } = audited;
        reader.attempts(run.run, |attempt| -> Result<(), ReportError> {
            self.progress.attempt(&attempt);
            Ok(())
        })?;
        let mut causes: Vec<FailureCause> = self
            .causes
            .into_iter()
            .map(|(code, (count, message))| FailureCause {
                remedy: advice(&code).map(|known| known.remedy),
                code,
                count,
                message,
            })
            .collect();
        causes.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.code.cmp(&other.code)));
        let (requests, retries) = reader.request_counts(run.run)?;
        let attempts = reader.attempt_outcomes(run.run)?;
        Ok(RunReport {
            run: run.run.0,
            input_path: run.input_name().into_owned(),
            input_sha256: run.input_sha256.clone(),
            state: run.state.as_str(),
            reason: run.reason.clone(),
            created_at: run.created_at.clone(),
            finished_at: run.finished_at.clone(),
            os_user: run.os_user.clone(),
            host: run.host.clone(),
            version: run.version.clone(),
            wire: run.wire.clone(),
            chain_head: reader.head()?.map(|head| head.as_str().to_owned()),
            pruned: run.is_pruned,
            users: if telling.user.is_some() { (self.tally.total > 0).into() } else { run.users.into() },
            // Of those who have been forgotten, the counts are kept.
            tally: if run.is_pruned && telling.user.is_none() { run.tally } else { self.tally },
            adds: self.adds,
            removes: self.removes,
            requests,
            retries,
            organizations: self.organizations.all,
            targets: self.targets.all,
            attempts: attempts.into_iter().map(|(name, count)| (name, count.into())).collect(),
            failures_by_code: causes.iter().map(|cause| (cause.code.clone(), cause.count.into())).collect(),
            causes,
            progress: self.progress,
        })
    }
}

/// The report of a run, its operations counted and not told.
pub(super) fn counted(audited: &Audited<'_>, telling: &ReportOptions<'_>) -> Result<RunReport, ReportError> {
    let mut counting = Counting::default();
    audited.reader.audit(audited.run.run, telling.user, |row| -> Result<(), ReportError> {
        counting.row(row);
        Ok(())
    })?;
    counting.report(audited, telling)
}
