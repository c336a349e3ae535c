//! Lines for a terminal: prose is broken between words, and what is meant to be copied is left whole.

use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

/// What a proposed command begins with; it runs to the end of its line.
const COMMAND: &str = ": seatbatch ";

/// A text in lines no wider than so many columns. A command stays whole, on a line of its own where it does not fit; so
/// does a word that is too long.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| one(line, columns)).collect();
    lines.join("\n")
}

fn one(line: &str, columns: usize) -> String {
    if display_width(line) <= columns {
        return line.to_owned();
    }
    let indent: String = line.chars().take_while(|sign| *sign == ' ').collect();
    let further = format!("{indent}  ");
    let (prose, command) = match line.find(COMMAND) {
        Some(at) => line.split_at(at + 1),
        None => (line, ""),
    };
    let how = Options::new(columns)
        .subsequent_indent(&further)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    let mut text = textwrap::fill(prose, how);
    if !command.is_empty() {
        let last = text.rsplit('\n').next().map_or(0, display_width);
        let fits = last + display_width(command) <= columns;
        text.push_str(if fits { command } else { "\n" });
        if !fits {
            text.push_str(&further);
            text.push_str(command.trim_start());
        }
    }
    text
}

/// A text cut to so many columns, with a sign that there was more.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for sign in text.chars() {
        if display_width(&short) + display_width(sign.encode_utf8(&mut [0; 4])) + 1 > columns {
            break;
        }
        short.push(sign);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_between_words_and_set_in() {
        let text = "  => give phoneNumber, or extension and location\nshort";
        assert_eq!(wrapped(text, 24), "  => give phoneNumber,\n    or extension and\n    location\nshort");
        let styled = "\u{1b}[31merror:\u{1b}[0m one two three";
        assert_eq!(wrapped(styled, 12), "\u{1b}[31merror:\u{1b}[0m one\n  two three");
    }

    #[test]
    fn a_command_can_be_copied_whole() {
        let text = "Go on with: seatbatch resume 1 --journal /tmp/a/journal.db";
        assert_eq!(wrapped(text, 40), "Go on with:\n  seatbatch resume 1 --journal /tmp/a/journal.db");
        let text = "What may succeed on a second try is sent again with: seatbatch retry 1";
        let right = "What may succeed on a second try is\n  sent again with: seatbatch retry 1";
        assert_eq!(wrapped(text, 36), right);
        assert_eq!(
            wrapped("Written to /a/path/that/is/longer/than/that", 20),
            "Written to\n  /a/path/that/is/longer/than/that"
        );
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!((cut("abcdef", 6), cut("abcdefg", 6)), ("abcdef".to_owned(), "abcde…".to_owned()));
    }
}
