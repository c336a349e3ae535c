//! The log file.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::exit::Failure;

/// Appends what happens to a file. `SEATBATCH_LOG` chooses levels as `RUST_LOG` would.
pub(super) fn to_file(path: &Path) -> Result<(), Failure> {
    let file =
        OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
            Failure::usage(format!("cannot write the log file {}: {error}", path.display()))
        })?;
    let filter =
        EnvFilter::try_from_env("SEATBATCH_LOG").unwrap_or_else(|_| EnvFilter::new("seatbatch=debug"));
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .with_env_filter(filter)
        .finish();
    // Set once a process; a second time would be a second context.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
