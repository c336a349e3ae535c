//! What each command says at its end.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::assign::Counts;
use crate::cli::mend::Mended;
use crate::journal::Tally;
use crate::run::{Changes, Verified};

/// A summary, and the exit code that the process ends with.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Closing<'a> {
    #[serde(flatten)]
    pub(in crate::cli) summary: &'a Summary,
    /// The exit code.
    pub(in crate::cli) exit: u8,
}

/// What a command says at its end.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(in crate::cli) enum Summary {
    /// `apply`, `resume`, `retry`, `status`, `demo`: how the run stands.
    Run(RunSummary),
    /// `status` of several journals: how their runs stand, read as one.
    Runs(JournalsSummary),
    /// `plan`.
    Plan(PlanSummary),
    /// `rehearse`.
    Rehearsal(RehearsalSummary),
    /// `diff`.
    Diff {
        /// Where the changes are.
        changes_csv: String,
        /// Rows written.
        rows: u64,
        #[serde(flatten)]
        changes: Changes,
    },
    /// `verify`.
    Verify {
        /// The run's number.
        run: u32,
        #[serde(flatten)]
        found: Verified,
    },
    /// `undo`.
    Undo(UndoSummary),
    /// `failures`.
    Failures {
        /// The run's number.
        run: u32,
        /// Rows written.
        rows: u64,
        /// Where they are.
        failures_csv: String,
    },
    /// `report --json`.
    Report {
        /// The runs that are reported.
        runs: Vec<u32>,
        /// The file that it was written to; null for standard output.
        report: Option<String>,
    },
    /// `user`.
    User {
        /// The person, as asked for.
        user: String,
        /// Addresses and person IDs that the journals tie to the person.
        known_as: Vec<String>,
        /// How many operations were told.
        operations: usize,
        /// Of how many runs.
        runs: usize,
    },
    /// `journal check` of one journal.
    Proof(Proved),
    /// `journal check` of several.
    Proofs {
        /// How many journals.
        journals: usize,
        /// Alterations that were found in all of them.
        alterations: usize,
    },
    /// `journal backup`.
    Backup {
        /// The copy.
        backup: String,
        /// Where its chain ends.
        head: Option<String>,
    },
    /// `journal prune`.
    Prune {
        /// Runs that were chosen.
        runs: usize,
        /// Runs whose persons were forgotten; 0 with `--dry-run`.
        pruned: usize,
    },
    /// `check`.
    Check {
        /// The file.
        file: String,
        /// What it holds.
        counts: Counts,
        /// What `--fix` mended.
        #[serde(skip_serializing_if = "Option::is_none")]
        mended: Option<Mended>,
    },
    /// `runs`.
    List {
        /// How many runs there are.
        runs: usize,
    },
    /// `version`.
    Version {
        /// Of this program.
        version: String,
    },
    /// `completions`, and `man` without a folder.
    Document {
        /// What standard output has without `--json`.
        text: String,
    },
    /// Any command that has nothing to count.
    Nothing {},
}

/// How a run stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct RunSummary {
    /// Its number in its journal.
    pub(in crate::cli) run: u32,
    /// `importing`, `running`, `paused` or `finished`.
    pub(in crate::cli) state: String,
    #[serde(flatten)]
    pub(in crate::cli) tally: Tally,
    /// Requests of the whole run, whichever process made them.
    pub(in crate::cli) requests: u64,
    /// Of these, those that repeated an earlier one of the same batch.
    pub(in crate::cli) retries: u64,
    /// Seconds from the run's beginning to its end, or to what happened last.
    pub(in crate::cli) elapsed_s: f64,
    /// Where the failures CSV is; null where it could not be written.
    pub(in crate::cli) failures_csv: Option<String>,
    /// Where the journal's chain ends: a copy kept elsewhere holds the journal to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) head: Option<String>,
}

/// How the runs of several journals stand, read as one.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct JournalsSummary {
    /// How many journals.
    pub(in crate::cli) journals: usize,
    #[serde(flatten)]
    pub(in crate::cli) tally: Tally,
    /// Requests of all of them.
    pub(in crate::cli) requests: u64,
    /// Of these, those that repeated an earlier one of the same batch.
    pub(in crate::cli) retries: u64,
}

/// What `apply` would do.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct PlanSummary {
    /// The file.
    pub(in crate::cli) file: String,
    /// What it holds.
    pub(in crate::cli) counts: Counts,
    /// Requests, in the form that is expected.
    pub(in crate::cli) requests: u64,
    /// Requests in the array form.
    pub(in crate::cli) requests_array: Option<u64>,
    /// Requests in the object form.
    pub(in crate::cli) requests_object: Option<u64>,
    /// Organizations in the file.
    pub(in crate::cli) organizations: usize,
    /// The least time in seconds.
    pub(in crate::cli) least_s: Option<f64>,
    /// Operations that would fail; in the array form, where nobody knows yet which one the service takes.
    pub(in crate::cli) would_fail: usize,
    /// Operations that would fail in the object form, where nobody knows yet and some would; null else.
    pub(in crate::cli) would_fail_object: Option<usize>,
    /// Operations that change nothing.
    pub(in crate::cli) unchanged: u64,
    /// Users of whom nothing new is asked.
    pub(in crate::cli) users_nothing_new: u64,
    /// The order that the file needs, as `--order` has it; null where any does, or none helps.
    pub(in crate::cli) order_needed: Option<String>,
    /// Whether it was read who holds the licenses.
    pub(in crate::cli) holders_read: bool,
}

/// What came of a rehearsal.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct RehearsalSummary {
    /// Operations of the file.
    pub(in crate::cli) total: u64,
    /// Those that would be done, or are in effect already.
    pub(in crate::cli) would_be_done: u64,
    /// Those that would not.
    pub(in crate::cli) would_fail: u64,
    /// Those that cannot be sent.
    pub(in crate::cli) invalid: u64,
    /// Users who hold none of the file's licenses, and were taken to be in the organization.
    pub(in crate::cli) users_taken_to_be_there: u64,
    /// Operations of which the lists do not say whether they change anything.
    pub(in crate::cli) unknown: u64,
    /// Units left afterwards, by the license's name; null where there is no end of them.
    pub(in crate::cli) left_after: BTreeMap<String, Option<i64>>,
    /// Whether Calling licenses are among them.
    pub(in crate::cli) calling: bool,
}

/// What `undo` wrote.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct UndoSummary {
    /// The run's number.
    pub(in crate::cli) run: u32,
    /// Rows written.
    pub(in crate::cli) rows: u64,
    /// Where they are.
    pub(in crate::cli) undo_csv: String,
    /// Rows that take away what the run gave.
    pub(in crate::cli) removes: u64,
    /// Rows that give back what the run took.
    pub(in crate::cli) adds: u64,
    /// Rows of which it is not known whether the run changed anything.
    pub(in crate::cli) not_known: u64,
    /// Operations that somebody has changed since, or of which the lists cannot say: not among the rows.
    pub(in crate::cli) left_alone: u64,
    /// Lines that a person has to complete: Calling licenses whose properties the journal does not have.
    pub(in crate::cli) to_complete: Vec<u64>,
    /// Operations in doubt: not among the rows.
    pub(in crate::cli) in_doubt: u64,
    /// Operations that are done and repeat another one of the file: not among the rows.
    pub(in crate::cli) repeated: u64,
    /// Operations that are done and were in effect before the run: not among the rows.
    pub(in crate::cli) in_effect_before: u64,
}

/// What was proved of a journal.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Proved {
    /// The journal.
    pub(in crate::cli) journal: String,
    /// Links of its chain.
    pub(in crate::cli) links: u64,
    /// Alterations that were found.
    pub(in crate::cli) alterations: usize,
    /// Where its chain ends; null where there is no chain.
    pub(in crate::cli) head: Option<String>,
    /// Runs that an earlier release made: proved from their migration on.
    pub(in crate::cli) migrated_runs: Vec<u32>,
    /// Runs whose persons were forgotten.
    pub(in crate::cli) pruned_runs: Vec<u32>,
}
