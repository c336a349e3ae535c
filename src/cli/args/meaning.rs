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
        // Which of its runs a failures CSV is of, the journal knows.
        "check" => &[Journal, Organization, Output],
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

/// Sending options that mean nothing to commands that send nothing. They are neither shown nor taken: whoever says one expects
/// something of it. A configuration may say them for other commands.
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
    let is_given = |id: &&&str| given.value_source(id) == Some(ValueSource::CommandLine);
    let long = |id: &str| format!("--{}", id.replace('_', "-"));
    if name == "sandbox"
        && !given.get_flag("from_live")
        && let Some(id) = ["rate", "timeout", "max_wait"].iter().find(is_given)
    {
        let text = format!(
            "{} is for reading the live organization, with --from-live; the sandbox's own limit is --rate-limit",
            long(id)
        );
        return Err(whole.error(ErrorKind::MissingRequiredArgument, text));
    }
    if name == "diff" && !given.get_flag("sync") && is_given(&&"max_removals") {
        let text =
            "--max-removals is for --sync: without it nothing is taken that the file does not ask to take";
        return Err(whole.error(ErrorKind::MissingRequiredArgument, text));
    }
    let not_sending = NOT_SENDING.iter().filter(|(command, _)| *command == name).flat_map(|(_, ids)| *ids);
    if let Some(id) = not_sending.into_iter().find(is_given) {
        let text =
            format!("{} means nothing to 'seatbatch {name}', which sends nothing; leave it out", long(id));
        return Err(whole.error(ErrorKind::UnknownArgument, text));
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

    /// A word that an option may take.
    fn value_of(arg: &clap::Arg) -> Option<String> {
        let takes_value =
            arg.get_action().takes_values() && arg.get_num_args().is_none_or(|n| n.min_values() > 0);
        let possible = arg.get_possible_values();
        let word = match arg.get_long().unwrap_or_default() {
            "rate-per" => "org",
            "max-failures" => "2%",
            "failures" => "f.csv",
            _ => possible.first().map_or("5", |value| value.get_name()),
        };
        takes_value.then(|| word.to_owned())
    }

    #[test]
    fn an_option_that_help_does_not_show_is_refused_by_every_command() {
        let mut whole = command();
        whole.build();
        let mut refused = Vec::new();
        for command in whole.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            let mut called = vec!["seatbatch".to_owned(), name.to_owned()];
            match name {
                "check" | "plan" | "rehearse" | "apply" => called.push("a.csv".to_owned()),
                "diff" => called.extend(["a.csv", "-o", "b.csv"].map(str::to_owned)),
                "undo" => called.extend(["-o", "b.csv"].map(str::to_owned)),
                "user" => called.push("a@example.com".to_owned()),
                "journal" => called.push("check".to_owned()),
                "licenses" => called.push("list".to_owned()),
                "completions" => called.push("bash".to_owned()),
                _ => {}
            }
            parse(&called).unwrap_or_else(|error| panic!("{called:?}: {error}"));
            for arg in command.get_arguments().filter(|arg| arg.is_hide_set()) {
                let Some(long) = arg.get_long() else { continue };
                let more = [Some(format!("--{long}")), value_of(arg)].into_iter().flatten();
                let line: Vec<String> = called.iter().cloned().chain(more).collect();
                let error = parse(&line).err().unwrap_or_else(|| panic!("{line:?} is taken")).to_string();
                assert!(
                    error.starts_with(&format!("--{long} means nothing to 'seatbatch {name}'")),
                    "{error}"
                );
                refused.push(line);
            }
        }
        assert!(refused.len() > 60, "{refused:?}");
    }

    #[test]
    fn a_configuration_may_say_what_means_nothing_to_another_command() {
        let text = "max-failures = \"2%\"\nconcurrency = 4\n";
        assert_eq!(try_config(text, None), Ok(()));
        let error = parse(["seatbatch", "diff", "a.csv", "-o", "b.csv", "--max-removals", "3"]).unwrap_err();
        assert!(error.to_string().contains("is for --sync"), "{error}");
        let error = parse(["seatbatch", "apply", "a.csv", "-n", "--plan", "p.json"]).unwrap_err();
        assert!(error.to_string().contains("do not go together"), "{error}");
    }
}
