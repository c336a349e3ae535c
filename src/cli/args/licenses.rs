//! The organization's licenses.

use super::Asking;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct Licenses {
    #[command(subcommand)]
    pub(in crate::cli) what: LicensesCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LicensesCommand {
    /// All licenses with their units.
    List {
        /// The form of the list.
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
        /// Show IDs in the table, too.
        #[arg(long)]
        ids: bool,
        #[command(flatten)]
        asking: Asking,
    },
    /// One license.
    Show {
        /// The license's name or ID.
        license: String,
        /// List the users that hold it.
        #[arg(long)]
        users: bool,
        /// The form of the list.
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
        /// Show IDs in the table, too.
        #[arg(long)]
        ids: bool,
        #[command(flatten)]
        asking: Asking,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ListFormat {
    #[default]
    Table,
    Csv,
    /// One JSON object a line.
    Json,
}

impl LicensesCommand {
    /// How the service is asked.
    pub(in crate::cli) const fn asking(&self) -> &Asking {
        match self {
            Self::List { asking, .. } | Self::Show { asking, .. } => asking,
        }
    }
}
