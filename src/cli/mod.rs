//! The command line: one file per command.
//!
//! Arguments are turned once into settings; nothing below knows flags. Alone knows clap, the
//! environment, the terminal and exit codes.

mod apply;
mod args;
mod check;
mod conclusion;
mod confirm;
mod context;
mod copy;
mod credentials;
mod demo;
mod diff;
mod event;
mod exit;
mod failures;
mod given_back;
mod journal;
mod licenses;
mod logging;
mod login;
mod logins;
mod looking;
mod mend;
mod network;
mod output;
mod outputs;
mod plan;
mod preview;
mod problem_text;
mod program;
mod progress;
mod rehearse;
mod report;
mod resume;
mod runs;
mod sandbox;
mod saved_plan;
mod seeded;
mod sending;
mod shell;
mod signals;
mod status;
mod telling;
mod undo;
mod user;
mod verify;
mod words;
mod wrap;

use std::path::Path;
use std::process::ExitCode;

use args::Command;
use context::Context;
use exit::{Exit, Failure};
use output::Output;

/// Reads a text as a configuration.
pub(crate) fn try_config(text: &str, profile: Option<&str>) -> Result<(), String> {
    args::try_config(text, profile)
}

/// Runs the program with the process's arguments.
#[must_use]
pub(crate) fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _steps = fail::FailScenario::setup();
    let arguments = match args::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(args::Unparsed::Shown(text)) => {
            // A broken pipe is no error either.
            let _ = text.print();
            return Exit::Done.into();
        }
        Err(wrong) => {
            exit::tell_usage(&wrong.to_string(), asked_output());
            return Exit::Usage.into();
        }
    };
    let context = match Context::new(arguments.shared, &arguments.command) {
        Ok(context) => context,
        Err(failure) => return exit::report(&failure, None, asked_output()),
    };
    let output = context.output;
    // Who waits for a file must know that it does not come.
    let input = arguments.command.input().filter(|_| !arguments.command.makes_a_file()).map(Path::to_owned);
    match dispatch(&context, arguments.command) {
        Ok(exit) => {
            output.close(exit as u8);
            exit::unless_unwritten(exit, output).into()
        }
        Err(failure) => match input.zip(failure.nothing_to_do()) {
            Some((input, why)) => {
                output.say(format_args!("{}: {why}", input.display()));
                output.close(Exit::Done as u8);
                exit::unless_unwritten(Exit::Done, output).into()
            }
            None => exit::report(&failure, Some(&context), output),
        },
    }
}

/// Who reads along, where the arguments could not be understood.
fn asked_output() -> Output {
    let mut options = std::env::args_os().take_while(|argument| argument != "--");
    Output { json: options.any(|argument| argument == "--json"), ..Output::plain() }
}

fn dispatch(context: &Context, command: Command) -> Result<Exit, Failure> {
    let reads_several = matches!(
        command,
        Command::Status(_) | Command::Runs | Command::Report(_) | Command::User(_) | Command::Journal(_)
    );
    if !reads_several {
        context.only_one_journal()?;
    }
    match command {
        Command::Check(args) => check::run(context, &args),
        Command::Plan(args) => plan::run(context, &args),
        Command::Diff(args) => diff::run(context, &args),
        Command::Rehearse(args) => rehearse::run(context, &args),
        Command::Apply(args) => apply::run(context, args),
        Command::Resume(args) => resume::run(context, &args),
        Command::Retry(args) => resume::retry(context, &args),
        Command::Status(args) => status::run(context, &args),
        Command::Runs => runs::run(context),
        Command::Failures(args) => failures::run(context, &args),
        Command::Report(args) => report::run(context, &args),
        Command::Verify(args) => verify::run(context, &args),
        Command::Undo(args) => undo::run(context, &args),
        Command::User(args) => user::run(context, &args),
        Command::Journal(args) => journal::run(context, &args),
        Command::Licenses(args) => licenses::run(context, &args),
        Command::Login(args) => login::run(context, &args),
        Command::Logout => login::forget(context),
        Command::Sandbox(args) => sandbox::run(context, args),
        Command::Demo(args) => demo::run(context, &args),
        Command::Completions(args) => program::completions(context, &args),
        Command::Man(args) => program::man(context, &args),
        Command::Version => program::version(context),
    }
}
