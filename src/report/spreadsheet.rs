//! Server text on its way into a spreadsheet.

use std::borrow::Cow;

/// The text without control characters, and with an apostrophe before it where a spreadsheet would
/// take it for a formula.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    let plain: Cow<'_, str> = if text.chars().any(char::is_control) {
        text.replace(char::is_control, " ").into()
    } else {
        text.into()
    };
    // A tab or a carriage return that began it is a blank by now; what follows may still be a formula.
    match plain.trim_start().starts_with(['=', '+', '-', '@']) {
        true => format!("'{plain}").into(),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_other_text_is_not() {
        for formula in ["=1+1", "+1", "-1", "@x", "\t=1", "\r@x", " =1"] {
            assert!(defused(formula).starts_with('\''), "{formula:?}");
        }
        for text in ["", "license not recognized", "a=b", "1-2"] {
            assert_eq!(defused(text), text);
        }
        assert_eq!(defused("a\r\nb\u{1b}[31m\0"), "a  b [31m ");
    }
}
