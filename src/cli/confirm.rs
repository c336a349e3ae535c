//! The question before something is changed, asked on a terminal only.

use std::io::{self, IsTerminal as _, Write as _};

use super::output::Output;

/// Whether to go on. Where nobody can answer, the command itself is the answer.
pub(super) fn confirmed(output: Output, question: &str) -> bool {
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return true;
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
