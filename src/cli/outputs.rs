//! Files that commands write: tried before anything is done, and in the place of nothing that somebody may miss.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::exit::Failure;
use super::output::Output;
use crate::domain::RunId;
use crate::journal::{Journal, Reader, WrittenFile, is_held};
use crate::report::{Destination, ReportError};
use crate::run::unix_millis;

/// Tries where an output is to go. It is neither the journal nor the input.
pub(super) fn destination(
    context: &Context,
    path: &Path,
    input: Option<&Path>,
) -> Result<Destination, Failure> {
    let mut precious = vec![(context.journal.as_path(), "the journal")];
    let beside: Vec<PathBuf> = ["-wal", "-shm"].iter().map(|end| lengthened(&context.journal, end)).collect();
    precious.extend(beside.iter().map(|path| (path.as_path(), "a part of the journal")));
    precious.extend(input.map(|input| (input, "the input file")));
    let destination = Destination::at(path, &precious).map_err(|error| Failure::usage_of(error.into()))?;
    if destination.is_stdout() {
        refuse_json_beside(context.output)?;
    }
    Ok(destination)
}

/// Standard output has one thing alone.
pub(super) fn refuse_json_beside(output: Output) -> Result<(), Failure> {
    match output.json {
        true => Err(Failure::usage("standard output has the JSON; name a file for the other output")),
        false => Ok(()),
    }
}

/// What people call an output.
pub(super) fn place(path: &Path) -> String {
    if Destination::names_stdout(path) { "standard output".to_owned() } else { path.display().to_string() }
}

fn lengthened(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A file that was written, to be kept in mind.
#[must_use]
#[derive(Debug)]
pub(super) struct FileWritten<T> {
    pub(super) content: T,
    file: Option<(PathBuf, WrittenFile)>,
}

/// Writes an output. A file that is there already may go if we wrote it, nobody has changed it since, and it has rows
/// of the same run or none; any other is kept beside it, which is said.
pub(super) fn put<T>(
    context: &Context,
    reader: &Reader,
    destination: &Destination,
    run: Option<RunId>,
    rows: impl FnOnce(&T) -> u64,
    write: impl FnOnce(&mut dyn Write) -> Result<T, ReportError>,
) -> Result<FileWritten<T>, ReportError> {
    let known = match destination {
        Destination::File(path) => reader.written_file(&absolute(path))?,
        Destination::Stdout | Destination::Through(_) => None,
    };
    let there = destination.sum();
    let replaces =
        known.is_some_and(|known| Some(known.sum) == there && (known.run == run || known.rows == 0));
    let whole = destination.write(replaces, write)?;
    if let (Some(kept), Some(path)) = (&whole.kept, &whole.path) {
        context.output.insist(format_args!(
            "{} was there already; it is kept as {}",
            path.display(),
            kept.display()
        ));
    }
    let file = whole.path.zip(whole.sum);
    let file =
        file.map(|(path, sum)| (absolute(&path), WrittenFile { run, rows: rows(&whole.content), sum }));
    Ok(FileWritten { content: whole.content, file })
}

impl<T> FileWritten<T> {
    /// Keeps it in mind in a journal that is open for writing.
    pub(super) fn keep(self, journal: &mut Journal) -> T {
        if let Some((path, file)) = &self.file
            && let Err(error) = journal.keep_written_file(path, file, unix_millis())
        {
            // The worst that comes of it is a copy more.
            tracing::warn!(%error, "it could not be recorded what was written");
        }
        self.content
    }

    /// Keeps it in mind where nobody writes to the journal.
    pub(super) fn keep_aside(self, context: &Context) -> T {
        if self.file.is_none() || is_held(&context.journal) {
            return self.content;
        }
        match Journal::open(&context.journal) {
            Ok(mut journal) => self.keep(&mut journal),
            Err(_) => self.content,
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    path.parent()
        .and_then(|folder| {
            if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.canonicalize().ok()
        })
        .zip(path.file_name())
        .map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}
