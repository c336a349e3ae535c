//! How a run is sent.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Asking;
use super::asking::seconds;
use super::number::counted;
use crate::domain::{self, FailureLimit};

/// The sending options; what is not given stays as the run had it, or has its default.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Sending")]
pub(in crate::cli) struct Sending {
    /// Users per request [default: 100].
    ///
    /// In the array form of the API.
    #[arg(value_parser = counted::<NonZeroU32>, long, value_name = "N")]
    pub(in crate::cli) batch_size: Option<NonZeroU32>,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
    /// Whose requests that is: the whole run's, or each organization's of a partner's file [default: run].
    #[arg(long, value_enum, hide_short_help = true)]
    pub(in crate::cli) rate_per: Option<RatePerArg>,
    /// Requests in flight [default: 8].
    #[arg(value_parser = counted::<NonZeroU32>, long, value_name = "N", hide_short_help = true)]
    pub(in crate::cli) concurrency: Option<NonZeroU32>,
    /// The form of the request: auto finds out which the service takes [default: auto].
    #[arg(long, value_enum, hide_short_help = true)]
    pub(in crate::cli) wire: Option<WireArg>,
    /// The failures CSV [default: beside the input].
    ///
    /// Its name is that of the input with .failures.csv behind it. One that ends in .xlsx becomes a workbook, where the input is one.
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) failures: Option<PathBuf>,
    /// Keep who held what, for undo [default: auto].
    ///
    /// auto, yes or no. So that undo reverses what the run has changed and no more; auto asks where it takes at most 100 requests, and the
    /// option alone means yes.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "yes", value_name = "WHEN", hide_possible_values = true)]
    pub(in crate::cli) snapshot: Option<SnapshotArg>,
    /// Send this many users first, then check.
    ///
    /// The run pauses unless all of them succeed.
    #[arg(value_parser = counted::<NonZeroU32>, long, value_name = "N")]
    pub(in crate::cli) canary: Option<NonZeroU32>,
    /// Pause once more operations than this have failed.
    ///
    /// A number, or a share such as 2%.
    #[arg(long, value_name = "N|P%")]
    pub(in crate::cli) max_failures: Option<FailureLimit>,
    /// Attempts per batch before it is given up [default: 8].
    #[arg(value_parser = counted::<NonZeroU32>, long, value_name = "N", hide_short_help = true)]
    pub(in crate::cli) max_attempts: Option<NonZeroU32>,
    /// What to do with what was sent and never answered [default: resend].
    #[arg(long, value_enum, hide_short_help = true)]
    pub(in crate::cli) in_doubt: Option<InDoubtArg>,
    /// Pause once nothing has got through for this long, in seconds or as 90s, 30m, 2h
    /// [default: 10m].
    #[arg(long, value_name = "TIME", value_parser = seconds, hide_short_help = true)]
    pub(in crate::cli) give_up_after: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum SnapshotArg {
    Auto,
    #[value(alias = "true")]
    Yes,
    #[value(alias = "false")]
    No,
}

impl From<SnapshotArg> for domain::Snapshot {
    fn from(snapshot: SnapshotArg) -> Self {
        match snapshot {
            SnapshotArg::Auto => Self::Auto,
            SnapshotArg::Yes => Self::Yes,
            SnapshotArg::No => Self::No,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum WireArg {
    Auto,
    Array,
    Object,
}

impl From<WireArg> for domain::Wire {
    fn from(wire: WireArg) -> Self {
        match wire {
            WireArg::Auto => Self::Auto,
            WireArg::Array => Self::Array,
            WireArg::Object => Self::Object,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum RatePerArg {
    /// All organizations share it; a refusal for the pace pauses everyone.
    Run,
    /// Each organization has it for itself, and pauses by itself.
    Org,
}

impl From<RatePerArg> for domain::RatePer {
    fn from(rate_per: RatePerArg) -> Self {
        match rate_per {
            RatePerArg::Run => Self::Run,
            RatePerArg::Org => Self::Org,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum InDoubtArg {
    /// Send the same again, which changes nothing where it was done.
    Resend,
    /// Ask the service who holds the licenses, and send only what is still to be done.
    Verify,
}

impl From<InDoubtArg> for domain::InDoubt {
    fn from(in_doubt: InDoubtArg) -> Self {
        match in_doubt {
            InDoubtArg::Resend => Self::Resend,
            InDoubtArg::Verify => Self::Verify,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Resume {
    /// The run's number [default: the newest unfinished one].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) run: Option<u32>,
    /// Ask nothing.
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) sending: Sending,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Retry {
    /// The run's number [default: the newest].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) run: Option<u32>,
    /// Only operations that failed with this code; may be repeated.
    #[arg(long)]
    pub(in crate::cli) code: Vec<String>,
    /// Ask nothing.
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) sending: Sending,
}
