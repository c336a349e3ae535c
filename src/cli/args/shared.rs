//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;

/// The journal where none is named.
pub(in crate::cli) const DEFAULT_JOURNAL: &str = "seatbatch.db";

#[derive(Debug, Args)]
pub(in crate::cli) struct Shared {
    /// The journal: the SQLite file that holds every run.
    #[arg(
        long,
        global = true,
        env = "SEATBATCH_JOURNAL",
        default_value = DEFAULT_JOURNAL,
        value_name = "PATH"
    )]
    pub(in crate::cli) journal: PathBuf,
    /// Where the API is, over https or on this machine [default: the public service].
    #[arg(long, global = true, env = "SEATBATCH_BASE_URL", value_name = "URL")]
    pub(in crate::cli) base_url: Option<String>,
    /// The organization of rows that name none.
    #[arg(long, global = true, value_name = "ID")]
    pub(in crate::cli) org_id: Option<String>,
    /// A file with the access token; read again when the token is no longer accepted.
    #[arg(long, global = true, value_name = "PATH")]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// One JSON object a line on standard output, and nothing else there.
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub(in crate::cli) quiet: bool,
    /// Write what happens to this file, a line an event.
    #[arg(long, global = true, value_name = "PATH")]
    pub(in crate::cli) log_file: Option<PathBuf>,
}
