//! What a journal is asked for.

use std::path::PathBuf;
use std::str::FromStr;

use super::Asking;
use super::number::counted;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    /// The run's number [default: the newest].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) run: Option<u32>,
    /// Show it until the run ends or pauses.
    #[arg(long, short)]
    pub(in crate::cli) watch: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Failures {
    /// The run's number [default: the newest].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) run: Option<u32>,
    /// Where the failures CSV goes [default: where the run puts it].
    #[arg(long, short)]
    pub(in crate::cli) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Report {
    /// The runs' numbers [default: the newest].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) runs: Vec<u32>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) format: ReportFormat,
    /// Where it goes; - for standard output [default: -].
    #[arg(long, short)]
    pub(in crate::cli) output: Option<PathBuf>,
    /// All runs that were at work then or later: a day, or a time with its offset.
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) since: Option<Moment>,
    /// All runs that were begun before then.
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) until: Option<Moment>,
    /// Only the operations of this user, by address or person ID; of all runs, where none is named.
    #[arg(long, value_name = "USER")]
    pub(in crate::cli) user: Option<String>,
}

/// A point in time on the command line.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Moment(String);

impl Moment {
    /// As the journal writes times, so that texts compare as times do.
    pub(in crate::cli) fn rfc3339(&self) -> &str {
        &self.0
    }
}

impl FromStr for Moment {
    type Err = String;

    /// A day begins at midnight of this machine's zone.
    fn from_str(text: &str) -> Result<Self, String> {
        let system = jiff::tz::TimeZone::system;
        let time = text
            .parse::<jiff::Timestamp>()
            .or_else(|_| {
                text.parse::<jiff::civil::DateTime>()
                    .and_then(|time| Ok(time.to_zoned_datetime(system())?.timestamp()))
            })
            .or_else(|_| {
                text.parse::<jiff::civil::Date>()
                    .and_then(|day| Ok(day.to_zoned_datetime(system())?.timestamp()))
            });
        let wrong =
            |_| "write a day, as in 2026-11-30, or a time, as in 2026-11-30T18:00:00+01:00".to_owned();
        Ok(Self(format!("{:.3}", time.map_err(wrong)?)))
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    #[default]
    Text,
    /// One line per operation.
    Csv,
    /// One document.
    Json,
    /// One page.
    Html,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The run's number [default: the newest].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) run: Option<u32>,
    /// Where the differences go, as CSV [default: standard output].
    #[arg(long, short)]
    pub(in crate::cli) output: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Undo {
    /// The run's number [default: the newest].
    #[arg(value_parser = counted::<u32>)]
    pub(in crate::cli) run: Option<u32>,
    /// Where the reversing CSV goes.
    #[arg(long, short)]
    pub(in crate::cli) output: PathBuf,
    /// Ask who holds the licenses now, and leave alone, and list, what somebody has changed since.
    #[arg(long)]
    pub(in crate::cli) live: bool,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}
