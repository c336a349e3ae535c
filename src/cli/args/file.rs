//! The file that is read, and what is done with it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Asking, Reading, Sending};
use crate::assign::Interpretation;
use crate::domain::{self, FailureLimit, Partition};

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The file; - is standard input.
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Write a copy in which everything with one certain remedy is mended.
    #[arg(long, requires = "output")]
    pub(in crate::cli) fix: bool,
    /// Where the mended copy goes.
    #[arg(long, short, value_name = "FILE", requires = "fix")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// A file that is looked at as if it were sent.
#[derive(Debug, Args)]
pub(in crate::cli) struct FileOnTrial {
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
pub(in crate::cli) struct Rehearse {
    #[command(flatten)]
    pub(in crate::cli) trial: FileOnTrial,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// Save the plan to this file, for apply --plan to hold to.
    #[arg(long, short, value_name = "PLAN.json")]
    pub(in crate::cli) output: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) trial: FileOnTrial,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// The file; - is standard input.
    pub(in crate::cli) file: PathBuf,
    /// Where the changes go, as a file that apply takes.
    #[arg(long, short)]
    pub(in crate::cli) output: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Take away what the file does not list.
    ///
    /// The file is the whole truth about the licenses that it names: they are taken from everybody whom it does not list.
    #[arg(long)]
    pub(in crate::cli) sync: bool,
    /// With --sync: only this license, by its name or ID; may be repeated.
    #[arg(long, value_name = "LICENSE", requires = "sync")]
    pub(in crate::cli) scope: Vec<String>,
    /// With --sync: a file of addresses from whom nothing is taken.
    #[arg(long, value_name = "FILE", requires = "sync")]
    pub(in crate::cli) protect: Option<PathBuf>,
    /// With --sync: refuse to take a license from more users than this.
    ///
    /// A number, or a share of those who hold it.
    #[arg(long, value_name = "N|P%", default_value = "10%")]
    pub(in crate::cli) max_removals: FailureLimit,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// Which of a file's operations are sent, and in which order.
#[derive(Debug, Args)]
pub(in crate::cli) struct Choosing {
    /// Bad rows: stop, or skip their users [default: stop].
    ///
    /// stop sends nothing. skip sends the others; all that the file asks of the user of a row that cannot be sent is left out with it.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(in crate::cli) on_invalid: OnInvalid,
    /// file, removes-first or fit [default: file].
    ///
    /// file: as users first appear in the file. removes-first: users that give licenses back before users that get some. fit: in waves, each
    /// once the units that it needs are free or given back by an earlier one; reads units and holders first.
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, hide_default_value = true)]
    pub(in crate::cli) order: OrderArg,
    /// Send only what changes something.
    ///
    /// Asks first who holds the licenses; what is in effect already is counted as unchanged.
    #[arg(long)]
    pub(in crate::cli) only_changes: bool,
    /// Refuse a file that takes a license from more users than this.
    ///
    /// A number, or a share of those who hold it, such as 5%.
    #[arg(long, value_name = "N|P%")]
    pub(in crate::cli) max_removals: Option<FailureLimit>,
    /// Take the K-th of N parts of the file's users (of its organizations, where it names several), with a share
    /// of the pace: each part on a machine and in a journal of its own.
    #[arg(long, value_name = "K/N", hide_short_help = true)]
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
    /// Hold to a plan that 'seatbatch plan -o' has saved.
    ///
    /// Asks nothing, and refuses where the file, the settings or the licenses have changed so that the plan no longer holds.
    #[arg(long, value_name = "PLAN.json")]
    pub(in crate::cli) plan: Option<PathBuf>,
    /// Apply a file that a finished run of this journal has already applied.
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) again: bool,
    /// Send nothing: the same as plan.
    #[arg(long, short = 'n', conflicts_with = "plan")]
    pub(in crate::cli) dry_run: bool,
    /// Ask nothing.
    ///
    /// Where there is no terminal to ask on, nothing is sent without it.
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) sending: Sending,
}

impl From<Apply> for Plan {
    fn from(Apply { file, reading, choosing, sending, .. }: Apply) -> Self {
        Self { output: None, trial: FileOnTrial { file, reading, choosing, sending } }
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
