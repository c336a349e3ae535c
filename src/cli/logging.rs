//! The log: a file, and with `--verbose` standard error.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt as _};

use super::exit::Failure;
use super::words::cause;
use crate::report::Destination;

/// Writes down what happens: to the end of a file, to standard error, or both. `SEATBATCH_LOG` chooses levels as
/// `RUST_LOG` would.
///
/// None of the `precious` files is written into, for which see [`Destination::at`].
pub(super) fn begin(
    path: Option<&Path>,
    verbose: bool,
    precious: &[(&Path, &'static str)],
) -> Result<(), Failure> {
    let file = path.map(|path| appended(path, precious)).transpose()?.map(Mutex::new);
    let writer = match (file, verbose) {
        (Some(file), true) => BoxMakeWriter::new(file.and(io::stderr)),
        (Some(file), false) => BoxMakeWriter::new(file),
        (None, true) => BoxMakeWriter::new(io::stderr),
        (None, false) => return Ok(()),
    };
    let filter =
        EnvFilter::try_from_env("SEATBATCH_LOG").unwrap_or_else(|_| EnvFilter::new("seatbatch=debug"));
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(writer).with_env_filter(filter).finish();
    // Set once a process; a second time would be a second context.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

fn appended(path: &Path, precious: &[(&Path, &'static str)]) -> Result<std::fs::File, Failure> {
    let place = Destination::at(path, precious).map_err(|error| Failure::usage_of(error.into()))?;
    if place.is_stdout() {
        return Err(Failure::usage("the log goes to a file; --verbose shows it on standard error"));
    }
    OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
        Failure::usage(format!("cannot write the log file {}: {}", path.display(), cause(&error)))
    })
}
