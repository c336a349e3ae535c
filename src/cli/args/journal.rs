//! The options of `journal` and `user`.

use std::path::PathBuf;

use super::number::whole;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(in crate::cli) struct Journals {
    #[command(subcommand)]
    pub(in crate::cli) command: JournalCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum JournalCommand {
    /// Prove that nothing was altered, removed or slipped in, and print the head of the chain.
    Check {
        /// A head that was kept elsewhere: the journal must be its continuation.
        #[arg(long)]
        head: Option<String>,
    },
    /// Copy the journal, whole, also while it is in use.
    Backup {
        /// Where the copy goes; there must be nothing yet.
        path: PathBuf,
    },
    /// Forget the persons of old runs; their counts stay, and the chain stays provable.
    Prune(Prune),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Prune {
    #[command(flatten)]
    pub(in crate::cli) old: OldRuns,
    /// Only say what would be forgotten.
    #[arg(long, short = 'n', conflicts_with = "yes")]
    pub(in crate::cli) dry_run: bool,
    /// Ask nothing.
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

/// Which runs are old. A group of their own: consent alone must not choose every run.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct OldRuns {
    /// Runs that ended longer ago, as in 400d or 12w.
    #[arg(long, value_name = "TIME", value_parser = days)]
    pub(in crate::cli) older_than: Option<u32>,
    /// All but this many of the newest.
    #[arg(value_parser = whole::<usize>, long, value_name = "N")]
    pub(in crate::cli) keep: Option<usize>,
}

fn days(text: &str) -> Result<u32, String> {
    let wrong = || "write days, weeks or years, as in 400d, 12w or 2y".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "d" => 1,
        "w" => 7,
        "y" => 365,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

#[derive(Debug, Args)]
pub(in crate::cli) struct User {
    /// The person: an address or a person ID.
    #[arg(value_name = "ADDRESS|PERSON_ID")]
    pub(in crate::cli) name: String,
}
