//! The file that is read, and what is done with it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Reading, Sending};
use crate::assign::Interpretation;
use crate::domain::{self, FailureLimit, Partition};

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The file; - is standard input.
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Write a copy in which everything is mended that has one certain remedy.
    #[arg(long, requires = "output")]
    pub(in crate::cli) fix: bool,
    /// Where the mended copy goes.
    #[arg(long, short, value_name = "FILE", requires = "fix")]
    pub(in crate::cli) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rehearse {
    /// The file; - is standard input.
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) choosing: Choosing,
    #[command(flatten)]
    pub(in crate::cli) sending: Sending,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// The file; - is standard input.
    pub(in crate::cli) file: PathBuf,
    /// Save the plan to this file, for apply --plan to hold to.
    #[arg(long, short, value_name = "PLAN.json")]
    pub(in crate::cli) output: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) choosing: Choosing,
    #[command(flatten)]
    pub(in crate::cli) sending: Sending,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// The file.
    pub(in crate::cli) file: PathBuf,
    /// Where the changes go, as a file that apply takes.
    #[arg(long, short)]
    pub(in crate::cli) output: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Take the file for the whole truth about the licenses that it names: take these away from everybody
    /// whom it does not list.
    #[arg(long)]
    pub(in crate::cli) sync: bool,
    /// With --sync: only this license, by its name or ID; may be repeated.
    #[arg(long, value_name = "LICENSE", requires = "sync")]
    pub(in crate::cli) scope: Vec<String>,
    /// With --sync: a file of addresses from whom nothing is taken.
    #[arg(long, value_name = "FILE", requires = "sync")]
    pub(in crate::cli) protect: Option<PathBuf>,
    /// With --sync: refuse to take a license from more users than this: a number, or a share of those who
    /// hold it.
    #[arg(long, value_name = "N|P%", default_value = "10%")]
    pub(in crate::cli) max_removals: FailureLimit,
}

/// Which of a file's operations are sent, and in which order.
#[derive(Debug, Args)]
pub(in crate::cli) struct Choosing {
    /// What to do about rows that cannot be sent: send nothing, or send the others.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) on_invalid: OnInvalid,
    /// In which order users are sent.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) order: OrderArg,
    /// Ask who holds the licenses first, and send only what changes something.
    #[arg(long)]
    pub(in crate::cli) only_changes: bool,
    /// Refuse a file that takes a license away from more users than this: a number, or a share of those
    /// who hold it, such as 5%.
    #[arg(long, value_name = "N|P%")]
    pub(in crate::cli) max_removals: Option<FailureLimit>,
    /// Take the K-th of N parts of the file's users (of its organizations, where it names several), with a share
    /// of the pace: each part on a machine and in a journal of its own.
    #[arg(long, value_name = "K/N")]
    pub(in crate::cli) partition: Option<Partition>,
}

impl Choosing {
    /// How the file is taken, where a part of it is.
    pub(in crate::cli) fn of(&self, whole: Interpretation) -> Interpretation {
        Interpretation { partition: self.partition, ..whole }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Apply {
    /// The file.
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) choosing: Choosing,
    /// Hold to a plan that 'seatbatch plan -o' has saved: ask nothing, and refuse where the file, the
    /// settings or the licenses have changed so that it no longer holds.
    #[arg(long, value_name = "PLAN.json")]
    pub(in crate::cli) plan: Option<PathBuf>,
    /// Apply a file that a finished run of this journal has already applied.
    #[arg(long)]
    pub(in crate::cli) again: bool,
    /// Send nothing: the same as plan.
    #[arg(long, short = 'n')]
    pub(in crate::cli) dry_run: bool,
    /// Ask nothing. Where there is no terminal to ask on, nothing is sent without it.
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) sending: Sending,
}

impl From<Apply> for Plan {
    fn from(Apply { file, reading, choosing, sending, .. }: Apply) -> Self {
        Self { file, output: None, reading, choosing, sending }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnInvalid {
    #[default]
    Stop,
    Skip,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum OrderArg {
    /// As users first appear in the file.
    #[default]
    File,
    /// Users that give licenses back before users that get some.
    RemovesFirst,
    /// In waves, each once the units that it needs are free or given back by an earlier one: reads units
    /// and holders first.
    Fit,
}

impl From<OrderArg> for domain::Order {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::File => Self::File,
            OrderArg::RemovesFirst => Self::RemovesFirst,
            OrderArg::Fit => Self::Fit,
        }
    }
}
