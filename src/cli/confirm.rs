//! The question before something is changed.

use std::io::{self, IsTerminal as _, Write as _};

use super::exit::Failure;
use super::output::Output;

/// Where nobody can be asked, nothing is sent: a script that means it says `--yes`.
pub(super) fn can_ask(output: Output) -> Result<(), Failure> {
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = if output.json { "--json asks no questions" } else { "there is no terminal to ask on" };
        return Err(Failure::usage(format!(
            "{why}, so nothing was sent; say --yes to send, or --dry-run to see what would be sent"
        )));
    }
    Ok(())
}

/// Asks, and goes on only with a yes.
pub(super) fn confirm(output: Output, question: &str) -> Result<(), Failure> {
    can_ask(output)?;
    let _ = write!(io::stderr(), "{} [y/N] ", Output::for_stderr(question));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("not confirmed; nothing was sent"))
}
