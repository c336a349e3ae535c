//! What goes to standard output and standard error.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

/// Who reads along.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// A program: one JSON object a line on standard output.
    pub(super) json: bool,
    /// Nobody, but for errors.
    pub(super) quiet: bool,
}

impl Output {
    pub(super) const fn plain() -> Self {
        Self { json: false, quiet: false }
    }

    /// A message for people, on standard error.
    pub(super) fn say(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// What was asked for, for people, on standard output.
    pub(super) fn print(&self, text: impl std::fmt::Display) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(io::stdout(), "{text}")
    }

    /// An event for programs.
    pub(super) fn event(&self, event: &impl Serialize) {
        if self.json
            && let Ok(line) = serde_json::to_string(event)
        {
            // Standard output is locked line by line, so that lines stay whole.
            let _ = writeln!(io::stdout(), "{line}");
        }
    }

    /// An error, for both, with the exit code that it leads to.
    pub(super) fn error(&self, text: &str, code: u8) {
        let _ = writeln!(io::stderr(), "error: {text}");
        self.event(&json!({"event": "error", "message": text, "exit": code}));
    }
}
