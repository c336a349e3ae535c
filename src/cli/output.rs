//! What goes to standard output and standard error.
//!
//! Each message is written at once, so that nothing of another thread or process comes in between. Colour is
//! taken out again where the stream has none (`anstream`).

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table};

use super::event::{Closing, Event, Summary};
use super::words;
use super::wrap::wrapped;
use crate::assign::Severity;

/// How an error begins, and what a person should look at first.
const WRONG: Style = AnsiColor::Red.on_default().bold();
const NOTABLE: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// What the last event will say: it waits for the exit code, and for whatever is told before it.
static SUMMARY: Mutex<Option<Summary>> = Mutex::new(None);

/// Why standard output could not be written to, where it could not: what nobody read is not done.
static UNWRITTEN: Mutex<Option<String>> = Mutex::new(None);

/// Keeps in mind that standard output could not be written to. Whoever closes a pipe has seen enough.
pub(super) fn noted<T>(written: io::Result<T>) -> io::Result<T> {
    if let Err(error) = &written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let mut unwritten = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.get_or_insert_with(|| format!("cannot write to standard output: {}", words::cause(error)));
    }
    written
}

/// Why standard output could not be written to.
pub(super) fn unwritten() -> Option<String> {
    UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Who reads along.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Output {
    /// A program: one JSON object per line on standard output.
    pub(super) json: bool,
    /// Nobody, unless something goes wrong.
    pub(super) quiet: bool,
    /// Times are told in UTC.
    pub(super) utc: bool,
    /// Standard output has a file: what was asked for goes to standard error, too.
    pub(super) aside: bool,
}

impl Output {
    pub(super) const fn plain() -> Self {
        Self { json: false, quiet: false, utc: false, aside: false }
    }

    /// A message for people, on standard error.
    pub(super) fn say(&self, text: impl Display) {
        if !self.quiet {
            self.insist(text);
        }
    }

    /// Why it did not go well: said to those who want to hear nothing else, too.
    pub(super) fn insist(&self, text: impl Display) {
        to_stderr(&format!("{}\n", Self::for_stderr(&text.to_string())));
    }

    /// A message as it stands on standard error: no wider than a terminal there.
    pub(super) fn for_stderr(text: &str) -> String {
        columns(&io::stderr()).map_or_else(|| text.to_owned(), |columns| wrapped(text, columns))
    }

    /// What was asked for, for people, on standard output.
    pub(super) fn print(&self, text: impl Display) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        if self.aside {
            self.insist(text);
            return Ok(());
        }
        let text = text.to_string();
        let text = columns(&io::stdout()).map_or(text.clone(), |columns| wrapped(&text, columns));
        // Written as one, also where standard output is not buffered by the line.
        noted(anstream::stdout().write_all(format!("{text}\n").as_bytes()))
    }

    /// An event for programs.
    pub(super) fn event(&self, event: &Event<'_>) {
        if self.json
            && let Ok(line) = serde_json::to_string(event)
        {
            // Standard output is locked line by line, so that lines stay whole.
            let _ = noted(writeln!(io::stdout(), "{line}"));
        }
    }

    /// How severe a problem is, as it begins.
    pub(super) fn severity(severity: Severity) -> String {
        let style = match severity {
            Severity::Error => WRONG,
            Severity::Warning => NOTABLE,
            Severity::Note => Style::new(),
        };
        styled(style, format!("{}:", severity.as_str())).to_string()
    }

    /// What the command has to say at its end.
    pub(super) fn conclude(&self, summary: Summary) {
        *SUMMARY.lock().unwrap_or_else(PoisonError::into_inner) = Some(summary);
    }

    /// The last event.
    pub(super) fn close(&self, exit: u8) {
        let summary = SUMMARY.lock().unwrap_or_else(PoisonError::into_inner).take();
        let summary = summary.unwrap_or(Summary::Nothing {});
        self.event(&Event::Summary(Closing { summary: &summary, exit }));
    }

    /// An error, for people.
    pub(super) fn error(&self, text: &str) {
        self.insist(format_args!("{} {text}", styled(WRONG, "error:")));
    }

    /// A count with its noun, as in "1 user" or "2,000 users" on a terminal.
    pub(super) fn amount(&self, count: u64, noun: &str) -> String {
        words::amount(count, noun, Self::is_grouped())
    }

    /// A number, with thousands separators on a terminal.
    pub(super) fn number(&self, count: u64) -> String {
        words::number(count, Self::is_grouped())
    }

    /// The same for one that is written down already, and may be below 0.
    pub(super) fn grouped(number: &str) -> String {
        let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
        let grouped = digits.parse().map(|count| words::number(count, Self::is_grouped()));
        grouped.map_or_else(|_| number.to_owned(), |grouped| format!("{sign}{grouped}"))
    }

    /// The lines that something is about, `count` of them, of which these are named.
    pub(super) fn lines(&self, named: impl Iterator<Item = u32>, count: usize) -> String {
        let named: Vec<String> = named.map(|line| line.to_string()).collect();
        let noun = if count == 1 { "line" } else { "lines" };
        match count.saturating_sub(named.len()) {
            0 => format!("{noun} {}", named.join(", ")),
            more => format!("{noun} {} and {} more", named.join(", "), self.number(more as u64)),
        }
    }

    /// A time from a journal, as the clock on the wall has it.
    pub(super) fn time(&self, rfc3339: &str) -> String {
        words::time(rfc3339, self.utc)
    }

    /// Whether a person looks at this.
    fn is_grouped() -> bool {
        io::stderr().is_terminal() && io::stdout().is_terminal()
    }
}

/// A table no wider than the terminal; where there is none, as wide as it comes.
pub(super) fn fitted(mut table: Table) -> String {
    if let Some(columns) = any_columns() {
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    table.trim_fmt()
}

/// How wide the terminal is, if anything goes to one.
pub(super) fn any_columns() -> Option<usize> {
    columns(&io::stdout()).or_else(|| columns(&io::stderr()))
}

/// How wide a stream is, where it is a terminal.
#[cfg(unix)]
pub(super) fn columns(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let is_terminal = stream.is_terminal();
    let (terminal_size::Width(columns), _) =
        terminal_size::terminal_size_of(stream).filter(|_| is_terminal)?;
    Some(columns.into())
}

/// How wide a stream is, where it is a terminal.
#[cfg(windows)]
pub(super) fn columns(stream: &(impl IsTerminal + std::os::windows::io::AsHandle)) -> Option<usize> {
    let is_terminal = stream.is_terminal();
    let (terminal_size::Width(columns), _) =
        terminal_size::terminal_size_of(stream).filter(|_| is_terminal)?;
    Some(columns.into())
}

/// A word that stands out where the terminal has colours.
pub(super) fn bad(word: impl Display) -> String {
    styled(WRONG, word)
}

/// The same for what is worth a look.
pub(super) fn notable(word: impl Display) -> String {
    styled(NOTABLE, word)
}

/// The same for what went well.
pub(super) fn good(word: impl Display) -> String {
    styled(GOOD, word)
}

fn styled(style: Style, word: impl Display) -> String {
    format!("{style}{word}{style:#}")
}

fn to_stderr(text: &str) {
    // A closed pipe is no error.
    let _ = anstream::stderr().write_all(text.as_bytes());
}
