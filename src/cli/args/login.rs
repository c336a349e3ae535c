//! The login.

use clap::{Args, ValueEnum};

/// The integration's ID and secret come from WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET.
#[derive(Debug, Args)]
pub(in crate::cli) struct Login {
    /// Where the login is kept: auto takes the keyring where there is one.
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) store: Store,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Store {
    #[default]
    Auto,
    /// The system's keyring.
    Keyring,
    /// A file that its owner alone can read.
    File,
}
