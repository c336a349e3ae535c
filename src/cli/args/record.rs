//! What a journal is asked for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    /// The run's number [default: the newest].
    pub(in crate::cli) run: Option<u32>,
    /// Show it until the run ends or pauses.
    #[arg(long, short)]
    pub(in crate::cli) watch: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Failures {
    /// The run's number [default: the newest].
    pub(in crate::cli) run: Option<u32>,
    /// Where the failures CSV goes [default: where the run puts it].
    #[arg(long, short)]
    pub(in crate::cli) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Report {
    /// The runs' numbers [default: the newest].
    pub(in crate::cli) runs: Vec<u32>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) format: ReportFormat,
    /// Where it goes [default: standard output].
    #[arg(long, short)]
    pub(in crate::cli) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    #[default]
    Text,
    /// A line an operation.
    Csv,
    /// One document.
    Json,
    /// One page.
    Html,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The run's number [default: the newest].
    pub(in crate::cli) run: Option<u32>,
    /// Where the differences go, as CSV [default: standard output].
    #[arg(long, short)]
    pub(in crate::cli) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Undo {
    /// The run's number [default: the newest].
    pub(in crate::cli) run: Option<u32>,
    /// Where the reversing CSV goes.
    #[arg(long, short)]
    pub(in crate::cli) output: PathBuf,
}
