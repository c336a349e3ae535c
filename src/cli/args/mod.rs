//! What the user can say, as clap reads it: one file a group of options.

mod asking;
mod config;
mod file;
mod help;
mod journal;
mod licenses;
mod login;
mod meaning;
mod number;
mod program;
mod reading;
mod record;
mod sandbox;
mod sending;
mod shared;
mod wording;

use std::path::Path;

use clap::{Parser, Subcommand};

use crate::report::Destination;

pub(super) use asking::Asking;
pub(super) use config::Configured;
pub(super) use file::{Apply, Check, Choosing, Diff, OnInvalid, Plan, Rehearse};
pub(super) use journal::{JournalCommand, Journals, Prune, User};
pub(super) use licenses::{Licenses, LicensesCommand, ListFormat};
pub(super) use login::{Login, Store};
pub(super) use meaning::{command, means_something, parse, reading_of, try_config};
pub(super) use program::{Completions, Man};
pub(super) use reading::Reading;
pub(super) use record::{Failures, Report, ReportFormat, Status, Undo, Verify};
pub(super) use sandbox::{Demo, Sandbox};
pub(super) use sending::{Resume, Retry, Sending};
pub(super) use shared::Shared;
pub(super) use wording::Unparsed;

/// Change the Webex licenses of many people from one CSV file, and lose nothing on the way.
///
/// The access token comes from WEBEX_ACCESS_TOKEN or --token-file, never from an argument.
/// Exit codes: 0 done, 1 finished with failures, 2 wrong usage or input, 3 paused and resumable,
/// 4 the journal or the disk failed, 5 the service could not be asked and there is no run to resume.
#[derive(Debug, Parser)]
#[command(version, max_term_width = help::WIDEST)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Validate a file and report every problem; talks to nobody.
    #[command(visible_alias = "validate")]
    Check(Check),
    /// Say what apply would do and how long it would take; changes nothing.
    ///
    /// Checks the file, resolves its license names, and compares it with the units that are left.
    Plan(Plan),
    /// Write the least file that brings the organization to what a file asks for.
    Diff(Diff),
    /// Copy licenses, units and holders that a file touches into a sandbox in memory, apply the file there,
    /// and show what would fail; changes nothing.
    Rehearse(Rehearse),
    /// Import a file as a new run, send it, write the failures CSV: the main job.
    Apply(Apply),
    /// Go on with an unfinished run after a crash, a stop or a new token.
    Resume(Resume),
    /// Put failed operations back to pending and send them again.
    Retry(Retry),
    /// Where a run stands; works while another process is applying.
    Status(Status),
    /// All runs of the journal.
    Runs,
    /// Write the failures CSV again from the journal.
    Failures(Failures),
    /// The audit report.
    Report(Report),
    /// Compare what a run has done with what users hold now.
    Verify(Verify),
    /// Write a CSV whose operations reverse what a run has done.
    Undo(Undo),
    /// Everything that the journal knows about one person, over all runs, oldest first.
    User(User),
    /// Prove that the journal is whole and untouched, copy it, or forget old runs.
    Journal(Journals),
    /// The organization's licenses.
    Licenses(Licenses),
    /// Let this program in, in a browser, and keep the login for later runs.
    Login(Login),
    /// Forget the login.
    Logout,
    /// A local simulator of the Webex Licenses API.
    Sandbox(Sandbox),
    /// Apply a sample file to a sandbox inside the process; no account needed.
    Demo(Demo),
    /// Completions for a shell.
    Completions(Completions),
    /// Manual pages.
    Man(Man),
    /// The version of this program.
    Version,
}

impl Command {
    /// Whether what it writes into a file goes to standard output, where people read what else it has to say.
    pub(super) fn writes_to_stdout(&self) -> bool {
        let outputs = match self {
            Self::Check(args) => [args.output.as_deref(), args.reading.problems.as_deref()],
            Self::Plan(args) => [args.output.as_deref(), args.trial.reading.problems.as_deref()],
            Self::Rehearse(args) => [None, args.trial.reading.problems.as_deref()],
            Self::Apply(args) => [None, args.reading.problems.as_deref()],
            _ => [None, None],
        };
        outputs.into_iter().flatten().any(Destination::names_stdout)
    }

    /// Whether it makes another file of the one that it reads.
    pub(super) const fn makes_a_file(&self) -> bool {
        match self {
            Self::Check(args) => args.output.is_some(),
            Self::Plan(args) => args.output.is_some(),
            Self::Diff(_) => true,
            _ => false,
        }
    }

    /// The file that the command reads, where it reads one.
    pub(super) fn input(&self) -> Option<&Path> {
        match self {
            Self::Check(args) => Some(&args.file),
            Self::Plan(args) => Some(&args.trial.file),
            Self::Rehearse(args) => Some(&args.trial.file),
            Self::Apply(args) => Some(&args.file),
            Self::Diff(args) => Some(&args.file),
            _ => None,
        }
    }

    /// How the command was told to take its file, where it takes one.
    fn reading_mut(&mut self) -> Option<&mut Reading> {
        match self {
            Self::Check(args) => Some(&mut args.reading),
            Self::Plan(args) => Some(&mut args.trial.reading),
            Self::Rehearse(args) => Some(&mut args.trial.reading),
            Self::Apply(args) => Some(&mut args.reading),
            Self::Diff(args) => Some(&mut args.reading),
            _ => None,
        }
    }
}
