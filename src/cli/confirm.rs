//! The question before something is changed.

use std::io::{self, IsTerminal as _, Write as _};

use super::exit::Failure;
use super::output::Output;

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    /// Requests leave.
    Sending,
    /// Persons are forgotten.
    Forgetting,
}

impl Deed {
    /// The verb, and its participle.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Sending => ("send", "sent"),
            Self::Forgetting => ("forget", "forgotten"),
        }
    }
}

/// Where nobody can be asked, nothing is done: a script that means it says `--yes`.
pub(super) fn can_ask(output: Output, deed: Deed) -> Result<(), Failure> {
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = if output.json { "--json asks no questions" } else { "there is no terminal to ask on" };
        let (verb, done) = deed.words();
        return Err(Failure::usage(format!(
            "{why}, so nothing was {done}; say --yes to {verb}, or --dry-run to see what would be {done}"
        )));
    }
    Ok(())
}

/// Asks, and goes on only with a yes.
pub(super) fn confirm(output: Output, deed: Deed, question: &str) -> Result<(), Failure> {
    can_ask(output, deed)?;
    let _ = write!(io::stderr(), "{} [y/N] ", Output::for_stderr(question));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage(format!("not confirmed; nothing was {}", deed.words().1)))
}
