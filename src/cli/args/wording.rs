//! What is wrong with a command line, in our words.

use std::error::Error as _;
use std::ffi::OsString;
use std::fmt;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A command line that was not understood, or that asks for help.
#[derive(Debug)]
pub(in crate::cli) enum Unparsed {
    /// Help and version, which are no error.
    Shown(clap::Error),
    /// What is wrong, and where that helps how the command is called.
    Wrong {
        /// In a sentence.
        message: String,
        /// How it is called.
        usage: Option<String>,
    },
}

impl fmt::Display for Unparsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(error) => error.fmt(f),
            Self::Wrong { message, usage: None } => f.write_str(message),
            Self::Wrong { message, usage: Some(usage) } => write!(f, "{message}\n\n{usage}"),
        }
    }
}

impl Unparsed {
    /// What clap has to say of these words.
    pub(super) fn of(error: clap::Error, whole: &Command, words: &[OsString]) -> Self {
        if !error.use_stderr() {
            return Self::Shown(error);
        }
        let called = Called::by(whole, words);
        let message = called.explained(&error);
        let is_ours = error.context().next().is_none();
        let usage = match error.kind() {
            // Who asks for nothing yet is shown what there is.
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Some(error.to_string()),
            _ if is_ours => None,
            _ => {
                let usage = called.command.clone().render_usage().to_string();
                Some(format!("{usage}\n'{} --help' says more", called.path))
            }
        };
        Self::Wrong { message, usage }
    }
}

/// The command that is called.
pub(super) struct Called<'a> {
    whole: &'a Command,
    command: Command,
    path: String,
}

impl<'a> Called<'a> {
    pub(super) fn by(whole: &'a Command, words: &[OsString]) -> Self {
        let (mut command, mut path) = (whole.clone(), "seatbatch".to_owned());
        command.build();
        for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
            // Help has no help of its own.
            if let Some(inner) = command.find_subcommand(word).filter(|_| word != "help") {
                path = format!("{path} {}", inner.get_name());
                command = inner.clone();
            }
        }
        Self { whole, command, path }
    }

    /// What an error says, without what a library says of it.
    pub(super) fn explained(&self, error: &clap::Error) -> String {
        let text = |kind| text(error.get(kind));
        let argument = bare(&text(ContextKind::InvalidArg));
        let value = text(ContextKind::InvalidValue);
        let Self { path, .. } = self;
        match error.kind() {
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                format!("'{path}' needs a command: {}", self.commands())
            }
            _ if error.context().next().is_none() => own(error),
            ErrorKind::UnknownArgument if argument.starts_with('-') => {
                let hint = match text(ContextKind::SuggestedArg) {
                    _ if self.takes_bare(&argument) => self.said_bare(&argument),
                    near if near.is_empty() => self.elsewhere(&argument),
                    near => format!(" (the nearest is {})", bare(&near)),
                };
                format!("'{path}' has no option {argument}{hint}")
            }
            ErrorKind::UnknownArgument => format!("'{argument}' is one argument too many for '{path}'"),
            ErrorKind::InvalidValue if value.is_empty() => format!("{argument} needs a value"),
            ErrorKind::InvalidValue => {
                let known = text(ContextKind::ValidValue);
                format!(
                    "{argument}: '{value}' is none of {known}{}",
                    nearest(&text(ContextKind::SuggestedValue))
                )
            }
            ErrorKind::ValueValidation => {
                let why = error.source().map_or_else(String::new, ToString::to_string);
                match why.contains(&format!("'{value}'")) {
                    true => format!("{argument}: {why}"),
                    false => format!("{argument} '{value}': {why}"),
                }
            }
            ErrorKind::MissingRequiredArgument => {
                let all: Vec<String> = argument.split(", ").map(bare).collect();
                match all.as_slice() {
                    [one] if one == "--output" => self.needs_output(),
                    [one] if one == "--older-than" => format!("'{path}' needs --older-than TIME or --keep N"),
                    all => format!("'{path}' needs {}", all.join(" and ")),
                }
            }
            ErrorKind::InvalidSubcommand => {
                let word = text(ContextKind::InvalidSubcommand);
                format!(
                    "'{path}' has no command '{word}'{}",
                    nearest(&text(ContextKind::SuggestedSubcommand))
                )
            }
            ErrorKind::ArgumentConflict => match bare(&text(ContextKind::PriorArg)) {
                other if other == argument || other.is_empty() => format!("{argument} is given twice"),
                other => format!("{argument} and {other} do not go together; leave one of them out"),
            },
            ErrorKind::TooManyValues => format!("{argument} takes no value, and '{value}' is given"),
            ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
                format!("{argument} needs a value")
            }
            ErrorKind::InvalidUtf8 => "an argument is not UTF-8 text".to_owned(),
            _ => own(error),
        }
    }

    /// Whether the command takes without an option what this one would say, as `--run 1`.
    fn takes_bare(&self, option: &str) -> bool {
        let sought = option.trim_start_matches('-');
        let is_sought = |argument: &clap::Arg| {
            argument.get_id().as_str().trim_end_matches('s').eq_ignore_ascii_case(sought)
        };
        self.command.get_positionals().any(is_sought)
    }

    fn said_bare(&self, option: &str) -> String {
        let name = option.trim_start_matches('-').to_uppercase();
        let example = if name == "RUN" { "1" } else { &name };
        format!("; {name} is said without one, as in: {} {example}", self.path)
    }

    /// A file is to be written, and nobody has said where.
    fn needs_output(&self) -> String {
        match self.command.get_name() {
            "check" => "'seatbatch check --fix' writes a mended copy and leaves the file as it is: name the copy with -o, as in \
                        --fix -o mended.csv"
                .to_owned(),
            _ => format!("'{}' needs -o FILE, the file that it writes", self.path),
        }
    }

    /// The commands that have an option.
    fn elsewhere(&self, option: &str) -> String {
        let has = |command: &&Command| {
            let mut arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
            arguments.any(|argument| argument.get_long().is_some_and(|long| format!("--{long}") == option))
        };
        let commands: Vec<&str> =
            self.whole.get_subcommands().filter(has).map(Command::get_name).take(4).collect();
        match commands.as_slice() {
            [] => String::new(),
            [one] => format!("; {one} has it"),
            [all @ .., last] => format!("; {} and {last} have it", all.join(", ")),
        }
    }

    fn commands(&self) -> String {
        let all = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        all.map(Command::get_name).filter(|name| *name != "help").collect::<Vec<_>>().join(", ")
    }
}

fn text(value: Option<&ContextValue>) -> String {
    match value {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(all)) => all.join(", "),
        _ => String::new(),
    }
}

fn nearest(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" (the nearest is '{name}')") }
}

/// An option without its value, and a value by its name.
fn bare(argument: &str) -> String {
    match argument.split_once([' ', '=']) {
        Some((option, _)) if option.starts_with("--") && !argument.contains(", ") => {
            option.trim_end_matches('[').to_owned()
        }
        _ => argument.trim_matches(['<', '>', '[', ']', '.']).to_owned(),
    }
}

/// What we have said ourselves.
fn own(error: &clap::Error) -> String {
    let said = error.to_string();
    let said = said.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more information").next().unwrap_or_default();
    said.trim_start_matches("error: ").trim_end().to_owned()
}
