//! What `--json` prints: each event with its fields. `docs/schema/events.json` and the tables of `docs/json.md` are
//! made of these types and their comments, and every line that a test sees is held to them.
//!
//! Owns the form of what programs read; knows nothing of when it is told.

#[cfg(test)]
mod schema;
mod summary;

use std::borrow::Cow;

use serde::Serialize;

pub(super) use self::summary::{
    Closing, JournalsSummary, PlanSummary, Proved, RehearsalSummary, RunSummary, Summary, UndoSummary,
};
use crate::assign::{Problem, ProblemCode, Severity};
use crate::journal::{OperationRow, OrgTally, Tally};
use crate::plan::Fit;
use crate::webex::{License, LicenseUser};

/// One line of `--json`. Fields are added, never renamed. Times are RFC 3339 in UTC; a path is as the user named it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    /// `apply`, `resume`, `retry`: a run begins to be sent.
    Started {
        /// The run's number in its journal.
        run: u32,
        /// Operations of the run.
        total: u64,
        /// Of these, those that were done before.
        done: u64,
    },
    /// `apply`, `resume`, `retry` and `status --watch`, every 10 s: how the run stands.
    Progress(ProgressEvent<'a>),
    /// `apply`, `resume`, `retry`: an operation failed, and that is on disk.
    Failure {
        /// The row's line.
        line: u32,
        /// Which operation of its row, from 1.
        item: u32,
        /// The service's code, or ours.
        code: &'a str,
        /// The service's words.
        message: &'a str,
    },
    /// `apply`, `resume`, `retry`: something is tried again; told once until something gets through.
    TryingAgain {
        /// What is in the way.
        reason: &'a str,
    },
    /// `apply`, `resume`, `retry`: the service asks everyone to wait.
    Throttled {
        /// Seconds to wait.
        wait_s: f64,
    },
    /// `apply`, `resume`, `retry`: something worth knowing.
    Notice {
        /// It, in words.
        message: &'a str,
    },
    /// `apply`, `resume`, `retry`: a signal came, and no new request leaves.
    Stopping {
        /// Answers that are awaited.
        in_flight: usize,
    },
    /// Any command: it ends with an error; a `summary` follows.
    Error {
        /// What happened and what to do about it.
        message: &'a str,
        /// The exit code.
        exit: u8,
    },
    /// `check`, `plan`, `apply`, `diff`, `rehearse`: something is wrong with the file, or worth knowing of it.
    Problem {
        /// How much it matters.
        severity: Severity,
        #[serde(flatten)]
        problem: &'a Problem,
    },
    /// `check`, `plan`, `apply`, `diff`, `rehearse`: how many problems of one kind there were.
    Problems {
        /// Which kind.
        #[cfg_attr(test, schemars(with = "String"))]
        code: ProblemCode,
        /// How much it matters.
        severity: Severity,
        /// How many.
        count: u64,
    },
    /// `plan`, `apply`: a license or site, what the file asks of it and what there is.
    Need(NeedEvent<'a>),
    /// `plan`, `apply`, `rehearse`: an operation that would fail.
    Foreseen {
        /// The row's line.
        line: u32,
        /// Which operation of its row, from 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        item: Option<u16>,
        /// The license's ID or the site's URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<&'a str>,
        /// The license's name.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        /// The code that it would fail with.
        code: &'a str,
        /// Why, in words.
        message: &'a str,
    },
    /// `sandbox`: it can be talked to.
    Listening {
        /// Its base URL.
        url: &'a str,
    },
    /// `runs`: a run of a journal.
    Run(Run<'a>),
    /// `status` of a run of several organizations: how the operations of one stand.
    Organization {
        /// It.
        organization: &'a OrgTally,
    },
    /// `licenses`: a license, in the service's own fields.
    License(&'a License),
    /// `licenses show --users`: a holder, in the service's own fields.
    User(&'a LicenseUser),
    /// `journal check`: something that is not as it was committed.
    Alteration {
        /// The journal.
        journal: Cow<'a, str>,
        /// The link of the chain that is broken, or that wrote last what was altered.
        link: Option<i64>,
        /// What is wrong, in words.
        what: &'a str,
    },
    /// `journal check`: what was proved of one journal.
    Journal(Proved),
    /// `journal prune`: a run whose persons are forgotten, or would be.
    Prune {
        /// The run's number.
        run: u32,
        /// Its users.
        users: u32,
        /// Its operations.
        operations: u64,
    },
    /// `user`: an operation of the person, oldest first.
    Operation {
        /// The journal, where several are read.
        #[serde(skip_serializing_if = "Option::is_none")]
        journal: Option<&'a str>,
        /// The operation, as the view `operations` has it.
        operation: &'a OperationRow,
        /// The file that asked for it.
        input_path: Cow<'a, str>,
        /// When its run began.
        created_at: &'a str,
        /// Who began the run, as the operating system calls them.
        os_user: Option<&'a str>,
        /// On which machine.
        host: Option<&'a str>,
        /// With which release of this program.
        version: Option<&'a str>,
    },
    /// `verify`: an operation that the organization does not show as the journal says.
    Drift {
        /// The operation, as the view `operations` has it.
        operation: &'a OperationRow,
        /// What was found instead.
        found: &'a str,
    },
    /// `login`: what to open and to type.
    DeviceCode {
        /// The page to open.
        address: &'a str,
        /// The code to type there.
        user_code: &'a str,
    },
    /// `login`: it is kept.
    Login {
        /// For which service.
        base_url: &'a str,
        /// Where.
        kept_in: &'a str,
    },
    /// The last line of every command.
    Summary(Closing<'a>),
}

/// How a run stands while it is sent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ProgressEvent<'a> {
    /// Operations of the run.
    pub(super) total: u64,
    /// Those that are done.
    pub(super) done: u64,
    /// Those that were in effect before.
    pub(super) unchanged: u64,
    /// Those that failed.
    pub(super) failed: u64,
    /// Requests of this process; of the whole run for `status`.
    pub(super) requests: u64,
    /// Operations a second, lately.
    pub(super) per_second: Option<f64>,
    /// Requests per minute, lately.
    pub(super) per_minute: Option<f64>,
    /// Seconds until the end, as far as can be told.
    pub(super) eta_s: Option<u64>,
    /// Seconds that the service still wants everyone to wait.
    pub(super) throttled_s: Option<u64>,
    /// What is tried again at the moment.
    pub(super) trying_again: Option<&'a str>,
}

/// A license or site, what a file asks of it and what there is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NeedEvent<'a> {
    /// The license's ID or the site's URL.
    pub(super) target: &'a str,
    /// The license's name.
    pub(super) name: Option<&'a str>,
    /// The organization, where the file names one.
    pub(super) org_id: Option<&'a str>,
    /// Operations that give it.
    pub(super) adds: u64,
    /// Of these, those of users who hold it already.
    pub(super) adds_held: u64,
    /// Operations that take it away.
    pub(super) removes: u64,
    /// Of these, those of users who do not hold it.
    pub(super) removes_not_held: u64,
    /// Operations of users of whom it is not known whether they hold it.
    pub(super) unknown: u64,
    /// Units that the organization has; null where there is no end of them.
    pub(super) total: Option<u64>,
    /// Units in use.
    pub(super) consumed: Option<u64>,
    /// Units left; null where there is no end of them.
    pub(super) left: Option<u64>,
    /// Units left when all is done; below zero where units are missing.
    pub(super) left_after: Option<i64>,
    /// Whether it fits.
    pub(super) fit: Fit,
    /// Whether the organization has it. Sites cannot be looked up.
    pub(super) known: bool,
    /// Removals that take number, extension and settings along.
    pub(super) calling_removals: u64,
}

/// A run of a journal.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Run<'a> {
    /// Its number.
    pub(super) run: u32,
    /// Its journal, where several are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) journal: Option<Cow<'a, str>>,
    /// The file as the user named it.
    pub(super) input_path: Cow<'a, str>,
    /// The file's SHA-256.
    pub(super) input_sha256: &'a str,
    /// `importing`, `running`, `paused` or `finished`.
    pub(super) state: &'a str,
    /// Whether its process died.
    pub(super) interrupted: bool,
    /// When it began.
    pub(super) created_at: &'a str,
    /// When it ended.
    pub(super) finished_at: Option<&'a str>,
    /// How its operations stand.
    pub(super) operations: Tally,
}
