//! A failures CSV that is given back means what it meant before: the options that say how its file is taken are kept with
//! the run and hold for it again, since a row that was removed by `--set operation=remove` must not be added the next time.
//! So does what is not said again where something else is, by a configuration perhaps.

use std::ops::Deref;
use std::path::Path;

use super::args::{self, Command, Reading};
use super::context::{Context, absolute};
use super::exit::Failure;
use super::shell::{shell_word, shell_words};
use crate::assign::Counts;
use crate::domain::spelling::is_called;
use crate::input::{InputFile, LONG_FORM, Layout};
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
    Ok(match kept(context, file, by_hand.as_ref().unwrap_or(said))? {
        TakenBefore::Known(Some(kept)) => HowTaken::Kept(kept),
        _ if by_hand.is_some() => {
            by_hand.map_or(HowTaken::Said(said), |by_hand| HowTaken::Kept(Box::new(by_hand)))
        }
        TakenBefore::Known(None) => HowTaken::Said(said),
        TakenBefore::Unknown => HowTaken::Unknown(said),
    })
}

/// A file in the form that `undo` and `diff` write says itself what each row asks. What a configuration says of people's files
/// is not meant for it: `remove-all` would take from everybody whom `undo` gives something back.
fn by_hand(context: &Context, file: &InputFile, said: &Reading) -> Option<Reading> {
    let (words, hand) = (said.words(), &said.configured.said_by_hand);
    if said.configured.path.is_none() || words == *hand {
        return None;
    }
    let rows = file.rows(&said.interpretation(None).reading()).ok()?;
    let reading = args::reading_of(hand).filter(|_| is_in_our_form(rows.names()))?;
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

/// Whether a file has the form that `undo` and `diff` write.
fn is_in_our_form(names: &[String]) -> bool {
    names.iter().map(String::as_str).take(LONG_FORM.len()).eq(LONG_FORM)
}

/// How a file is to be taken.
#[derive(Debug)]
pub(super) enum HowTaken<'a> {
    /// As it was said.
    Said(&'a Reading),
    /// As the file was of whose run it has the failures, but for what was said.
    Kept(Box<Reading>),
    /// As it was said; it is a failures CSV, and no journal says of which run.
    Unknown(&'a Reading),
}

impl HowTaken<'_> {
    /// Refuses a failures CSV of whose run nothing is known and of whose rows nothing says whether they add or remove: they
    /// may have been removals by an option.
    pub(super) fn refuse_unknown(
        &self,
        context: &Context,
        file: &InputFile,
        counts: &Counts,
    ) -> Result<(), Failure> {
        if !matches!(self, Self::Unknown(_)) || !counts.adds_by_default {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} is a failures CSV, and its run is in no journal at hand (looked in {}), so nobody can say whether its rows were to \
             be added or removed. Name the run's journal with --journal, or say --set operation=add or --set operation=remove",
            file.path().display(),
            context.journal.display()
        )))
    }
}

/// What is known of the run whose failures a file has.
enum TakenBefore {
    /// How its file was taken, where that is not how this one is taken now anyway; or that there is no such run.
    Known(Option<Box<Reading>>),
    /// There must be one, and nothing is known of it.
    Unknown,
}

impl Deref for HowTaken<'_> {
    type Target = Reading;

    fn deref(&self) -> &Reading {
        match self {
            Self::Said(reading) | Self::Unknown(reading) => reading,
            Self::Kept(reading) => reading,
        }
    }
}

fn kept(context: &Context, file: &InputFile, said: &Reading) -> Result<TakenBefore, Failure> {
    let may_be_given_back = file.may_be_given_back()?;
    let reader = match Reader::open(&context.journal) {
        Ok(reader) => Some(reader),
        Err(JournalError::Missing { .. }) => None,
        // What has no trace of a failures CSV needs no journal to be taken.
        Err(_) if !may_be_given_back => None,
        Err(error) => return Err(error.into()),
    };
    let run = reader.as_ref().map(|reader| run_of(reader, file)).transpose()?.flatten();
    if run.is_none() && !may_be_given_back {
        return Ok(TakenBefore::Known(None));
    }
    let Ok(rows) = file.rows(&said.interpretation(None).reading()) else {
        return Ok(TakenBefore::Known(None));
    };
    let is_given_back = rows.header().is_given_back();
    // Somebody may have taken our columns out.
    // What undo writes of a run is no file of its failures.
    let is_as_it_was = |run: &RunRow| {
        let names = rows.names();
        layout_of(run).is_some_and(|layout| layout.names() == names)
            || (has_columns_of(names, run) && !is_in_our_form(names))
    };
    let words = context.taken_with(said);
    if let Some(run) = run.filter(|run| is_given_back || is_as_it_was(run)) {
        let forgotten = forgotten(&words_of(&run), &words);
        if forgotten.is_empty() {
            return Ok(TakenBefore::Known(None));
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
        let reading = Reading { encoding: said.encoding, sheet: said.sheet.clone(), ..reading };
        return Ok(TakenBefore::Known(Some(Box::new(reading))));
    }
    if !is_given_back && !rows.header().has_trace() {
        return Ok(TakenBefore::Known(None));
    }
    let run = reader.map(|reader| like(&reader, rows.names())).transpose()?.flatten();
    let Some(run) = run else {
        return Ok(if is_given_back { TakenBefore::Unknown } else { TakenBefore::Known(None) });
    };
    let forgotten = forgotten(&words_of(&run), &words);
    if forgotten.is_empty() {
        return Ok(TakenBefore::Known(None));
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

/// The run whose failures CSV was written to where this file is.
fn run_of(reader: &Reader, file: &InputFile) -> Result<Option<RunRow>, Failure> {
    let written = reader.written_file(&absolute(file.path().to_owned()))?.and_then(|written| written.run);
    Ok(written.map(|run| reader.run(Some(run))).transpose()?.flatten())
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

/// The newest run whose file had these columns.
fn like(reader: &Reader, names: &[String]) -> Result<Option<RunRow>, Failure> {
    let runs = reader.runs()?;
    Ok(runs.into_iter().rev().find(|run| has_columns_of(names, run)))
}

/// Whether all columns of a run's file are there, wherever somebody has moved them.
fn has_columns_of(names: &[String], run: &RunRow) -> bool {
    let own = layout_of(run).map(|layout| layout.names()).unwrap_or_default();
    let mut named = own.iter().filter(|name| name.contains(char::is_alphanumeric)).peekable();
    named.peek().is_some() && named.all(|own| names.iter().any(|name| is_called(name, own)))
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
