//! Options that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The journal where none is named.
pub(in crate::cli) const DEFAULT_JOURNAL: &str = "seatbatch.db";

const JOURNAL: &str = "Journal";
const SERVICE: &str = "Service";
const OUTPUT: &str = "Output";

#[derive(Debug, Args)]
pub(in crate::cli) struct Shared {
    /// The SQLite file that holds every run.
    ///
    /// What only reads takes several, or a pattern.
    #[arg(
        long,
        global = true,
        env = "SEATBATCH_JOURNAL",
        hide_env_values = true,
        default_value = DEFAULT_JOURNAL,
        value_name = "PATH",
        help_heading = JOURNAL
    )]
    pub(in crate::cli) journal: Vec<PathBuf>,
    /// Where the API is.
    ///
    /// Over https, or on this machine; the public service where it is not said.
    #[arg(long, global = true, env = "SEATBATCH_BASE_URL", hide_env_values = true, value_name = "URL", help_heading = SERVICE)]
    pub(in crate::cli) base_url: Option<String>,
    /// The organization of rows that name none.
    #[arg(long, global = true, value_name = "ID", help_heading = SERVICE)]
    pub(in crate::cli) org_id: Option<String>,
    /// A file with the access token.
    ///
    /// It is read again when the token is no longer accepted.
    #[arg(long, global = true, value_name = "PATH", help_heading = SERVICE)]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// Certificates in PEM that are trusted beside the system's: those of a company's inspection.
    #[arg(long, global = true, value_name = "PEM", help_heading = SERVICE, hide_short_help = true)]
    pub(in crate::cli) ca_file: Option<PathBuf>,
    /// Print one JSON object per line, and nothing else.
    ///
    /// On standard output; messages for people stay on standard error.
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(in crate::cli) json: bool,
    /// Say nothing when all goes well.
    ///
    /// Why it does not is always said.
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub(in crate::cli) quiet: bool,
    /// Say on standard error what goes into the log, too.
    #[arg(long, short, global = true, help_heading = OUTPUT, hide_short_help = true)]
    pub(in crate::cli) verbose: bool,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = OUTPUT, hide_possible_values = true, hide_short_help = true)]
    pub(in crate::cli) color: Color,
    /// Tell times in UTC rather than in this machine's zone.
    #[arg(long, global = true, help_heading = OUTPUT, hide_short_help = true)]
    pub(in crate::cli) utc: bool,
    /// The configuration [default: seatbatch.toml here, then in the user's configuration folder].
    #[arg(long, global = true, value_name = "PATH", help_heading = OUTPUT, hide_short_help = true)]
    pub(in crate::cli) config: Option<PathBuf>,
    /// A profile of the configuration.
    #[arg(long, global = true, value_name = "NAME", help_heading = OUTPUT)]
    pub(in crate::cli) profile: Option<String>,
    /// Write what happens to this file, one line per event.
    #[arg(long, global = true, value_name = "PATH", help_heading = OUTPUT, hide_short_help = true)]
    pub(in crate::cli) log_file: Option<PathBuf>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(in crate::cli) enum Color {
    /// Where the terminal has them, and `NO_COLOR` is unset.
    #[default]
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}
