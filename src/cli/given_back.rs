//! A failures CSV that is given back means what it meant before: the options that say how its file is taken are kept with
//! the run and hold for it again, since a row that was removed by `--set operation=remove` must not be added the next time.

use std::ops::Deref;

use super::args::{self, Command, Reading};
use super::context::{Context, absolute, shell_word, shell_words};
use super::exit::Failure;
use crate::input::InputFile;
use crate::journal::{JournalError, Reader, RunRow};
use crate::run::RunSettings;

/// How a file is to be taken: as it was said or, for the failures CSV of a run of this journal of which nothing was said, as
/// that run's file was.
///
/// # Errors
/// Where it looks like a run's failures CSV, and the journal does not say that it is.
pub(super) fn reading<'a>(
    context: &Context,
    file: &InputFile,
    said: &'a Reading,
) -> Result<HowTaken<'a>, Failure> {
    Ok(kept(context, file, said)?.map_or(HowTaken::Said(said), |kept| HowTaken::Kept(Box::new(kept))))
}

/// How a file is to be taken.
#[derive(Debug)]
pub(super) enum HowTaken<'a> {
    /// As it was said.
    Said(&'a Reading),
    /// As the file was of whose run it has the failures.
    Kept(Box<Reading>),
}

impl Deref for HowTaken<'_> {
    type Target = Reading;

    fn deref(&self) -> &Reading {
        match self {
            Self::Said(reading) => reading,
            Self::Kept(reading) => reading,
        }
    }
}

fn kept(context: &Context, file: &InputFile, said: &Reading) -> Result<Option<Reading>, Failure> {
    if !said.words().is_empty() {
        return Ok(None);
    }
    let Ok(rows) = file.rows(&said.interpretation(None).reading()) else { return Ok(None) };
    if rows.header().state().is_none() {
        return Ok(None);
    }
    let reader = match Reader::open(&context.journal) {
        Ok(reader) => reader,
        Err(JournalError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let written = reader.written_file(&absolute(file.path().to_owned()))?.and_then(|written| written.run);
    if let Some(run) = written.map(|run| reader.run(Some(run))).transpose()?.flatten() {
        let words = words_of(&run);
        let Some(reading) = parsed(&words) else { return Ok(None) };
        let run = run.run;
        let shown = shell_words(&words);
        context.output.say(format_args!("the failures of run {run}, taken as its file was, with {shown}"));
        return Ok(Some(reading));
    }
    match like(&reader, rows.names())? {
        None => Ok(None),
        Some(run) => {
            let words = shell_words(&words_of(&run));
            let name = shell_word(&file.path().to_string_lossy());
            let apply = context.command(format_args!("apply {name} {words}"));
            Err(Failure::usage(format!(
                "{} looks like the failures of run {}, whose file was taken with {words}; without them its rows mean something else. \
                 Say how they are to be taken; as they were: {apply}",
                file.path().display(),
                run.run
            )))
        }
    }
}

/// The newest run whose file had these columns and was taken with options.
fn like(reader: &Reader, names: &[String]) -> Result<Option<RunRow>, Failure> {
    let same = |run: &RunRow| {
        let Ok(layout) = serde_json::from_str::<crate::input::Layout>(&run.layout) else { return false };
        let own = layout.names();
        !own.is_empty() && own.iter().all(|name| names.contains(name))
    };
    let runs = reader.runs()?;
    Ok(runs.into_iter().rev().find(same).filter(|run| !words_of(run).is_empty()))
}

fn words_of(run: &RunRow) -> Vec<String> {
    RunSettings::from_json(&run.settings).map(|settings| settings.taken_with).unwrap_or_default()
}

/// What these words say of a file; none where they say nothing.
fn parsed(words: &[String]) -> Option<Reading> {
    if words.is_empty() {
        return None;
    }
    let line = ["seatbatch", "check", "-"].map(str::to_owned).into_iter().chain(words.iter().cloned());
    match args::parse(line).ok()?.command {
        Command::Check(check) => Some(check.reading),
        _ => None,
    }
}
