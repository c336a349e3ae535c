//! Foreign text on its way to a terminal.

use std::fmt;

/// Shows a text with its control characters escaped and its length bounded, so that neither a
/// server nor a cell can move the cursor, recolor the screen or flood it.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

/// Longest text shown, in characters.
const LONGEST: usize = 300;

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for (shown, character) in self.0.chars().enumerate() {
            if shown == LONGEST {
                return f.write_char('…');
            }
            let blank = character.is_whitespace() && character != ' ';
            if blank || character.is_control() || is_invisible(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Characters that reorder or hide the text around them.
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(Printable("a\u{1b}[31mb\0").to_string(), "a\\u{1b}[31mb\\u{0}");
        assert_eq!(Printable("Zoë – ok").to_string(), "Zoë – ok");
        assert_eq!(Printable("a\u{202e}b").to_string(), "a\\u{202e}b");
        assert_eq!(Printable("a\u{a0}b c").to_string(), "a\\u{a0}b c");
    }

    #[test]
    fn long_text_ends() {
        assert_eq!(Printable(&"x".repeat(1000)).to_string().chars().count(), LONGEST + 1);
    }
}
