//! Which of the shared options mean something to which command. The others are neither shown nor taken.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::Arguments;
use super::Reading;
use super::config::{Config, Configured};
use super::wording::{Called, Unparsed};

/// Options that mean something together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OptionGroup {
    /// Where the runs are kept.
    Journal,
    /// Where the API is.
    Service,
    /// Whose word is taken for it that it is the API.
    Trust,
    /// As whom the API is asked.
    Access,
    /// Whose licenses they are.
    Organization,
    /// How times are told.
    Times,
    /// What the terminal shows, and what is written down.
    Output,
}

use OptionGroup::{Access, Journal, Organization, Output, Service, Times, Trust};

impl OptionGroup {
    /// The group of a shared option.
    fn of(option: &str) -> Self {
        match option.trim_start_matches("--").replace('_', "-").as_str() {
            "journal" => Journal,
            "base-url" => Service,
            "ca-file" => Trust,
            "org-id" => Organization,
            "token-file" => Access,
            "utc" => Times,
            _ => Output,
        }
    }
}

/// What means something to a command.
fn groups(command: &str) -> &'static [OptionGroup] {
    match command {
        "apply" | "plan" | "resume" | "retry" | "verify" | "undo" => {
            &[Journal, Service, Trust, Access, Organization, Times, Output]
        }
        "demo" => &[Times, Output],
        "check" => &[Organization, Output],
        // Which of its runs a failures CSV is of, the journal knows.
        "diff" | "rehearse" => &[Journal, Service, Trust, Access, Organization, Output],
        "licenses" | "sandbox" => &[Service, Trust, Access, Organization, Output],
        "status" | "runs" | "failures" | "report" | "user" | "journal" => &[Journal, Times, Output],
        "login" => &[Service, Trust, Output],
        "logout" => &[Service, Output],
        _ => &[Output],
    }
}

/// Whether a shared option, named as clap or as the user names it, means something to a command.
pub(in crate::cli) fn means_something(command: &str, option: &str) -> bool {
    groups(command).contains(&OptionGroup::of(option))
}

/// The whole command line, each command with the shared options that mean something to it.
pub(in crate::cli) fn command() -> Command {
    let mut whole = Arguments::command();
    let shared: Vec<_> = whole.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let names: Vec<String> = whole.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let needless = shared.iter().filter(|arg| !means_something(&name, arg.get_id().as_str()));
        // One of the same name in the command itself keeps the shared one out of its help.
        let hidden: Vec<_> = needless.map(|arg| arg.clone().hide(true)).collect();
        whole = whole.mut_subcommand(name, |command| command.args(hidden));
    }
    for (name, needless) in NOT_SENDING {
        whole = whole.mut_subcommand(name, |command| {
            needless.iter().fold(command, |command, id| command.mut_arg(*id, |arg| arg.hide(true)))
        });
    }
    super::help::ordered(whole)
}

/// Sending options that mean nothing to commands that send nothing. They are taken all the same: what was typed for `apply`
/// is tried with another word in its place.
const NOT_SENDING: [(&str, &[&str]); 2] = [
    (
        "plan",
        &["failures", "snapshot", "max_failures", "max_attempts", "in_doubt", "give_up_after", "concurrency"],
    ),
    ("rehearse", &["failures", "snapshot", "in_doubt", "give_up_after", "concurrency", "rate_per"]),
];

/// Reads the command line.
///
/// # Errors
/// What is wrong with it; help and version, too.
pub(in crate::cli) fn parse(
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Arguments, Unparsed> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let mut whole = command();
    read(&mut whole, words.clone()).map_err(|error| Unparsed::of(error, &whole, &words))
}

/// What these words say of a file, and nothing else says.
pub(in crate::cli) fn reading_of(words: &[String]) -> Option<Reading> {
    let line = ["seatbatch", "check", "-"].into_iter().chain(words.iter().map(String::as_str));
    let matches = command().try_get_matches_from(line).ok()?;
    match Arguments::from_arg_matches(&matches).ok()?.command {
        super::Command::Check(check) => Some(check.reading),
        _ => None,
    }
}

fn read(whole: &mut Command, mut words: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let mut matches = whole.try_get_matches_from_mut(words.clone())?;
    refuse_meaningless(whole, &matches)?;
    // A configuration may say for all files how their days are written.
    let dates_are_said = leaf(whole, &matches).1.try_contains_id("date_format").unwrap_or(false);
    let Some(config) = configuration(whole, &matches)? else {
        let mut arguments = Arguments::from_arg_matches(&matches)?;
        refuse_contradictions(whole, dates_are_said, &mut arguments)?;
        return Ok(arguments);
    };
    let mut by_hand = Arguments::from_arg_matches(&matches)?;
    let by_hand = by_hand.command.reading_mut().map(|reading| reading.words()).unwrap_or_default();
    let (command, given) = leaf(whole, &matches);
    let more = config.words(command, given).map_err(|fault| usage(whole, fault))?;
    if !more.is_empty() {
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        words.splice(end..end, more);
        let read = whole.try_get_matches_from_mut(words.clone());
        matches = read.map_err(|error| {
            let said = Called::by(whole, &words).explained(&error);
            usage(whole, config.fault(said.trim_start_matches("--")))
        })?;
    }
    let mut arguments = Arguments::from_arg_matches(&matches)?;
    refuse_contradictions(whole, dates_are_said, &mut arguments)?;
    if let Some(reading) = arguments.command.reading_mut() {
        reading.configured = Configured { said_by_hand: by_hand, ..config.configured };
    }
    Ok(arguments)
}

/// Refuses options that do not go together, which is known once the configuration has had its say.
fn refuse_contradictions(
    whole: &Command,
    dates_are_said: bool,
    arguments: &mut Arguments,
) -> Result<(), clap::Error> {
    let Some(reading) = arguments.command.reading_mut() else { return Ok(()) };
    reading.contradiction(dates_are_said).map_or(Ok(()), |fault| Err(usage(whole, fault)))
}

/// The configuration that the command line means.
fn configuration(whole: &mut Command, matches: &ArgMatches) -> Result<Option<Config>, clap::Error> {
    let named = matches.get_one::<PathBuf>("config");
    let profile = matches.get_one::<String>("profile");
    let found = Config::find(whole, named.map(PathBuf::as_path), profile.map(String::as_str));
    found.map_err(|fault| usage(whole, fault))
}

/// Reads a text as a configuration.
pub(in crate::cli) fn try_config(text: &str, profile: Option<&str>) -> Result<(), String> {
    static WHOLE: std::sync::LazyLock<Command> = std::sync::LazyLock::new(Arguments::command);
    Config::of(&WHOLE, text, profile, Path::new("seatbatch.toml")).map(drop)
}

fn usage(whole: &Command, text: String) -> clap::Error {
    whole.clone().error(ErrorKind::ValueValidation, text)
}

/// The innermost command that is called, and what was given to it.
fn leaf<'a>(mut command: &'a Command, mut given: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, matches)) = given.subcommand() {
        let Some(inner) = command.find_subcommand(name) else { break };
        (command, given) = (inner, matches);
    }
    (command, given)
}

fn refuse_meaningless(whole: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((name, given)) = matches.subcommand() else { return Ok(()) };
    if name == "sandbox" && !given.get_flag("from_live") {
        let is_given = |id: &&&str| given.value_source(id) == Some(ValueSource::CommandLine);
        if let Some(id) = ["rate", "timeout", "max_wait"].iter().find(is_given) {
            let text = format!(
                "--{} is for reading the live organization, with --from-live; the sandbox's own limit is --rate-limit",
                id.replace('_', "-")
            );
            return Err(whole.error(ErrorKind::MissingRequiredArgument, text));
        }
    }
    let meaningless = whole.get_arguments().find_map(|arg| {
        let id = arg.get_id().as_str();
        let is_shared = arg.is_global_set() && !means_something(name, id);
        let is_given = is_shared && given.value_source(id) == Some(ValueSource::CommandLine);
        is_given.then(|| arg.get_long().unwrap_or_default().to_owned())
    });
    match meaningless {
        None => Ok(()),
        Some(option) => {
            let text = format!("--{option} means nothing to 'seatbatch {name}'; leave it out");
            Err(whole.error(ErrorKind::UnknownArgument, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        command().debug_assert();
    }

    #[test]
    fn a_command_shows_what_means_something_to_it() {
        let help = |name: &str| {
            let mut whole = command();
            whole.build();
            whole.find_subcommand_mut(name).unwrap().render_long_help().to_string()
        };
        assert!(help("apply").contains("--journal") && help("apply").contains("--token-file"));
        assert!(!help("login").contains("--journal") && help("login").contains("--base-url"));
        assert!(!help("check").contains("--base-url") && help("check").contains("--json"));
        assert!(!help("status").contains("--token-file") && help("status").contains("--journal"));
    }

    #[test]
    fn what_means_nothing_is_refused_before_and_behind_the_command() {
        for words in
            [&["seatbatch", "--journal", "j.db", "login"][..], &["seatbatch", "login", "--journal", "j.db"]]
        {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains("--journal means nothing to 'seatbatch login'"), "{error}");
        }
        let taken = parse(["seatbatch", "--journal", "j.db", "status"]).unwrap();
        assert_eq!(taken.shared.journal, [std::path::PathBuf::from("j.db")]);
        let taken = parse(["seatbatch", "licenses", "list", "--base-url", "u"]).unwrap();
        assert_eq!(taken.shared.base_url.as_deref(), Some("u"));
    }
}
