//! A failures CSV that is given back means what it meant before: the options that say how its file is taken are kept with
//! the run and hold for it again, since a row that was removed by `--set operation=remove` must not be added the next time.
//! So does what is not said again where something else is, by a configuration perhaps.

use std::ops::Deref;
use std::path::Path;

use super::args::{self, Command, Reading};
use super::context::{Context, absolute};
use super::exit::Failure;
use super::shell::{shell_word, shell_words};
use crate::input::{Header, InputFile, LONG_FORM, Layout};
use crate::journal::{JournalError, Reader, RunRow};
use crate::run::RunSettings;

/// How a file is to be taken: as it was said and, for the failures CSV of a run of this journal, as that run's file was where
/// nothing was said.
///
/// # Errors
/// Where it looks like a run's failures CSV, and the journal does not say that it is.
pub(super) fn reading<'a>(
    context: &Context,
    file: &InputFile,
    said: &'a Reading,
) -> Result<HowTaken<'a>, Failure> {
    let by_hand = by_hand(context, file, said);
    let kept = kept(context, file, by_hand.as_ref().unwrap_or(said))?;
    Ok(kept.or(by_hand).map_or(HowTaken::Said(said), |kept| HowTaken::Kept(Box::new(kept))))
}

/// The same where there is no journal.
pub(super) fn reading_alone<'a>(context: &Context, file: &InputFile, said: &'a Reading) -> HowTaken<'a> {
    by_hand(context, file, said).map_or(HowTaken::Said(said), |by_hand| HowTaken::Kept(Box::new(by_hand)))
}

/// A file in the form that `undo` and `diff` write says itself what each row asks. What a configuration says of people's files
/// is not meant for it: `remove-all` would take from everybody whom `undo` gives something back.
fn by_hand(context: &Context, file: &InputFile, said: &Reading) -> Option<Reading> {
    let (words, hand) = (said.words(), &said.configured.said_by_hand);
    if said.configured.path.is_none() || words == *hand {
        return None;
    }
    let rows = file.rows(&said.interpretation(None).reading()).ok()?;
    let is_ours = rows.names().iter().map(String::as_str).take(LONG_FORM.len()).eq(LONG_FORM);
    let reading = args::reading_of(hand).filter(|_| is_ours)?;
    let left_out: Vec<String> = options(&words)
        .filter(|option| !options(hand).any(|said| said == *option))
        .flatten()
        .cloned()
        .collect();
    let path = said.configured.path.as_deref().map(Path::display)?;
    context.output.say(format_args!(
        "{} is in the form that undo and diff write, so {path} does not say how it is taken: {} is left out",
        file.path().display(),
        shell_words(&left_out)
    ));
    Some(Reading {
        encoding: said.encoding,
        sheet: said.sheet.clone(),
        problems: said.problems.clone(),
        configured: said.configured.clone(),
        ..reading
    })
}

/// How a file is to be taken.
#[derive(Debug)]
pub(super) enum HowTaken<'a> {
    /// As it was said.
    Said(&'a Reading),
    /// As the file was of whose run it has the failures, but for what was said.
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
    let Ok(rows) = file.rows(&said.interpretation(None).reading()) else { return Ok(None) };
    let reader = match Reader::open(&context.journal) {
        Ok(reader) => reader,
        Err(JournalError::Missing { .. }) => return Ok(None),
        // What has no trace of a failures CSV needs no journal to be taken.
        Err(_) if !rows.header().is_given_back() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let words = context.taken_with(said);
    if let Some(run) = run_of(&reader, file, rows.header())? {
        let forgotten = forgotten(&words_of(&run), &words);
        if forgotten.is_empty() {
            return Ok(None);
        }
        let all = [forgotten.clone(), said.words()].concat();
        let reading = parsed(&all).ok_or_else(|| {
            Failure::usage(format!(
                "{} has failures of run {}, whose file was taken with {}, and that cannot be said again; say how its rows are \
                 to be taken",
                file.path().display(),
                run.run,
                shell_words(&forgotten)
            ))
        })?;
        let (run, shown) = (run.run, shell_words(&forgotten));
        context.output.say(format_args!("the failures of run {run}, taken as its file was, with {shown}"));
        return Ok(Some(Reading { encoding: said.encoding, sheet: said.sheet.clone(), ..reading }));
    }
    if !rows.header().is_given_back() {
        return Ok(None);
    }
    let Some(run) = like(&reader, rows.names())? else { return Ok(None) };
    let forgotten = forgotten(&words_of(&run), &words);
    if forgotten.is_empty() {
        return Ok(None);
    }
    let shown = shell_words(&forgotten);
    let name = shell_word(&file.path().to_string_lossy());
    let apply = context.command(format_args!("apply {name} {}", shell_words(&[forgotten, words].concat())));
    Err(Failure::usage(format!(
        "{} looks like the failures of run {}, whose file was taken with {shown}; without them its rows mean something else. \
         Say how they are to be taken; as they were: {apply}",
        file.path().display(),
        run.run
    )))
}

/// The run whose failures CSV was written to where this file is, if that is what stands there still.
fn run_of(reader: &Reader, file: &InputFile, header: &Header) -> Result<Option<RunRow>, Failure> {
    let written = reader.written_file(&absolute(file.path().to_owned()))?.and_then(|written| written.run);
    let Some(run) = written.map(|run| reader.run(Some(run))).transpose()?.flatten() else { return Ok(None) };
    // Somebody may have taken our columns out.
    let is_as_it_was = || layout_of(&run).is_some_and(|layout| layout.names() == header.names());
    Ok((header.is_given_back() || is_as_it_was()).then_some(run))
}

/// What a run's file was taken with and nobody has said now, whatever they said instead.
fn forgotten(before: &[String], now: &[String]) -> Vec<String> {
    let said: Vec<String> = options(now).map(subject).collect();
    options(before).filter(|option| !said.contains(&subject(option))).flatten().cloned().collect()
}

/// Words of a command line, an option and its value together.
fn options(words: &[String]) -> impl Iterator<Item = &[String]> {
    words.chunk_by(|_, next| !next.starts_with("--"))
}

/// What an option is about: of two that are about the same, the later one is meant.
fn subject(option: &[String]) -> String {
    let (name, value) = (option.first().map_or("", String::as_str), option.get(1).map_or("", String::as_str));
    match name {
        "--map" | "--set" => format!("{name} {}", value.split_once('=').map_or(value, |(field, _)| field)),
        "--ignore" => format!("{name} {value}"),
        // Together they say what is asked of every user.
        "--add" | "--remove" | "--replace" | "--remove-all" => "what is asked".to_owned(),
        name => name.to_owned(),
    }
}

/// The newest run whose file had these columns and was taken with options.
fn like(reader: &Reader, names: &[String]) -> Result<Option<RunRow>, Failure> {
    let same = |run: &RunRow| {
        let own = layout_of(run).map(|layout| layout.names()).unwrap_or_default();
        !own.is_empty() && own.iter().all(|name| names.contains(name))
    };
    let runs = reader.runs()?;
    Ok(runs.into_iter().rev().find(same).filter(|run| !words_of(run).is_empty()))
}

fn layout_of(run: &RunRow) -> Option<Layout> {
    serde_json::from_str(&run.layout).ok()
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
