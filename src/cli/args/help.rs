//! Help: commands in groups, and examples behind each.

use clap::Command;

/// The commands, as somebody looks for them.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Look first", &["check", "plan", "diff", "rehearse"]),
    ("Send", &["apply", "resume", "retry"]),
    ("See what came of it", &["status", "runs", "failures", "report", "user"]),
    ("Prove and take back", &["verify", "undo", "journal"]),
    ("The service", &["licenses", "login", "logout"]),
    ("Try without an account", &["demo", "sandbox"]),
];

/// Where the commands stand that are in no group.
const OTHERS: &str = "This program";

/// Commands that somebody may type, for each command. A test reads each of them.
const EXAMPLES: [(&str, &[&str]); 23] = [
    (
        "check",
        &[
            "seatbatch check people.csv",
            "seatbatch check people.csv --map email=\"Work Mail\" --set operation=remove",
            "seatbatch check people.csv --json",
        ],
    ),
    ("plan", &["seatbatch plan people.csv", "seatbatch plan people.csv --rate 120/min --batch-size 50"]),
    (
        "apply",
        &[
            "seatbatch apply people.csv",
            "seatbatch apply people.csv --dry-run",
            "seatbatch apply people.csv --yes --canary 20 --max-failures 2%",
            "seatbatch apply moves.csv --order removes-first --snapshot",
        ],
    ),
    ("resume", &["seatbatch resume", "seatbatch resume 3 --rate 120/min"]),
    ("retry", &["seatbatch retry", "seatbatch retry 3 --code IN_DOUBT --in-doubt verify"]),
    ("status", &["seatbatch status", "seatbatch status 3 --watch"]),
    ("runs", &["seatbatch runs", "seatbatch runs --utc"]),
    (
        "failures",
        &["seatbatch failures", "seatbatch failures 3 -o people.failures.csv", "seatbatch failures -o -"],
    ),
    (
        "report",
        &[
            "seatbatch report",
            "seatbatch report 1 2 3 --format html -o report.html",
            "seatbatch report --format csv -o -",
        ],
    ),
    ("verify", &["seatbatch verify", "seatbatch verify 3 -o drift.csv"]),
    ("undo", &["seatbatch undo -o undo.csv", "seatbatch undo 3 -o undo.csv"]),
    (
        "licenses",
        &[
            "seatbatch licenses list",
            "seatbatch licenses list --format csv",
            "seatbatch licenses show Messaging --users",
        ],
    ),
    ("login", &["seatbatch login", "seatbatch login --store file"]),
    ("logout", &["seatbatch logout"]),
    (
        "sandbox",
        &[
            "seatbatch sandbox",
            "seatbatch sandbox --people leavers.csv --holding Messaging",
            "seatbatch sandbox --listen 127.0.0.1:8080 --users 5000 --rate-limit 300/min",
            "seatbatch sandbox --fault status=503,chance=0.05",
        ],
    ),
    ("demo", &["seatbatch demo", "seatbatch demo people.csv"]),
    ("completions", &["seatbatch completions bash", "seatbatch completions zsh"]),
    ("man", &["seatbatch man", "seatbatch man -o /usr/local/share/man/man1"]),
    ("version", &["seatbatch version"]),
    ("diff", &["seatbatch diff people.csv -o changes.csv"]),
    ("rehearse", &["seatbatch rehearse people.csv"]),
    ("user", &["seatbatch user somebody@example.com"]),
    ("journal", &["seatbatch journal check", "seatbatch journal backup copy.db"]),
];

/// The most columns that help takes.
pub(super) const WIDEST: usize = 100;

/// The command line with its help in order.
pub(super) fn ordered(mut whole: Command) -> Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}\nOptions:\n{{options}}\n\n\
         'seatbatch COMMAND --help' says more, with examples.\nseatbatch demo needs no account.\n",
        commands(&whole)
    );
    let examples: Vec<(&str, String)> = EXAMPLES
        .iter()
        .map(|(name, lines)| (*name, format!("Examples:\n  {}", lines.join("\n  "))))
        .collect();
    for (name, text) in examples {
        if whole.find_subcommand(name).is_some() {
            whole = whole.mut_subcommand(name, |command| command.after_help(text));
        }
    }
    whole.help_template(template)
}

fn commands(whole: &Command) -> String {
    let line = |command: &Command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let about = about
            .split_once("; ")
            .map_or(about.as_str(), |(first, _)| first)
            .trim_end_matches('.')
            .to_owned();
        format!("  {:<12} {}\n", command.get_name(), hanging(&about))
    };
    let mut text = String::new();
    for (title, names) in GROUPS {
        let known: Vec<String> =
            names.iter().filter_map(|name| whole.find_subcommand(name)).map(line).collect();
        if !known.is_empty() {
            text += &format!("{title}:\n{}\n", known.concat());
        }
    }
    let grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let others: Vec<String> = whole
        .get_subcommands()
        .filter(|command| !grouped(command.get_name()) && !command.is_hide_set())
        .map(line)
        .collect();
    text + &format!("{OTHERS}:\n{}", others.concat())
}

/// A description broken where help ends, its lines below each other. The template is not broken by clap.
fn hanging(about: &str) -> String {
    let room = width().saturating_sub(INDENT).max(20);
    textwrap::wrap(about, room).join(&format!("\n{:INDENT$}", ""))
}

/// Where a command's description begins.
const INDENT: usize = 15;

/// As clap has it: the terminal's width, or COLUMNS, and never above what reads well.
fn width() -> usize {
    let named = || std::env::var("COLUMNS").ok()?.parse().ok();
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.or_else(named).unwrap_or(WIDEST).min(WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{command, parse};

    #[test]
    fn every_example_is_understood() {
        let whole = command();
        let there = EXAMPLES.iter().filter(|(name, _)| whole.find_subcommand(name).is_some());
        for line in there.flat_map(|(_, lines)| *lines) {
            let words: Vec<String> = line.split_whitespace().map(|word| word.replace('"', "")).collect();
            // A quoted blank has been split; it is joined again.
            let joined = words.join(" ").replace("Work Mail", "Work\u{a0}Mail");
            let result = parse(joined.split(' ').map(|word| word.replace('\u{a0}', " ")));
            assert!(
                result.is_ok(),
                "{line}: {}",
                result.err().map(|error| error.to_string()).unwrap_or_default()
            );
        }
    }

    #[test]
    fn every_command_has_an_example() {
        // Whoever adds a command adds one, and takes it out of here.
        const WITHOUT: [&str; 0] = [];
        for name in command().get_subcommands().map(Command::get_name) {
            let has = EXAMPLES.iter().any(|(command, _)| *command == name);
            assert!(has || WITHOUT.contains(&name), "{name}");
        }
    }
}
