//! A token as people have it: quoted, with a mark in front, in UTF-16, behind the word `Bearer`.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use secrecy::SecretString;

/// Why a text is no token. Never shows the text: it may hold one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFlaw {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// JSON, as the token endpoint answers it.
    #[error("is JSON; keep the value of \"access_token\" alone, without the rest")]
    Json,
    /// A line of a settings file.
    #[error("is a line of the form {0}=…; keep what stands behind the equals sign alone")]
    Assignment(String),
    /// A variable that nobody filled in.
    #[error("is {0}, a variable that was not filled in; set it to the token where it is used")]
    Unexpanded(String),
    /// Words that stand for a token.
    #[error("is a placeholder in brackets; put the token in its place")]
    Placeholder,
    /// More than one word.
    #[error("has blanks or line ends inside; a token is one word")]
    Blanks,
    /// Characters that cannot travel in a header.
    #[error("has characters that no token has")]
    Characters,
}

/// The bare token in the bytes of a file.
///
/// # Errors
/// [`TokenFlaw`].
pub(super) fn token_in_bytes(bytes: &[u8]) -> Result<SecretString, TokenFlaw> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, bytes.get(mark..).unwrap_or_default()),
        None => (guessed(bytes), bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
    token_in(&text.ok_or(TokenFlaw::Characters)?)
}

/// A token has no NUL, and ASCII in UTF-16 has one in every other place.
fn guessed(bytes: &[u8]) -> &'static Encoding {
    match bytes {
        [0, character, ..] if *character != 0 => UTF_16BE,
        [character, 0, ..] if *character != 0 => UTF_16LE,
        _ => UTF_8,
    }
}

/// The bare token in a text: quotes, blanks, marks and a leading `Bearer` are no part of it.
///
/// # Errors
/// [`TokenFlaw`].
pub fn token_in(text: &str) -> Result<SecretString, TokenFlaw> {
    let bare = bare(text);
    if bare.is_empty() {
        return Err(TokenFlaw::Empty);
    }
    if let Some(flaw) = placeholder(bare) {
        return Err(flaw);
    }
    if bare.starts_with(['{', '[']) {
        return Err(TokenFlaw::Json);
    }
    if let Some(name) = assigned_name(bare) {
        return Err(TokenFlaw::Assignment(name.to_owned()));
    }
    if bare.contains(char::is_whitespace) {
        return Err(TokenFlaw::Blanks);
    }
    if !bare.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenFlaw::Characters);
    }
    Ok(SecretString::from(bare.to_owned()))
}

fn bare(text: &str) -> &str {
    let around = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»')
            || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\0')
    };
    let mut bare = text.trim_matches(around);
    loop {
        let lesser = ["authorization:", "bearer"].iter().find_map(|word| {
            let rest = bare.get(word.len()..).filter(|_| bare.as_bytes().get(..word.len()).is_some())?;
            let leads = bare.get(..word.len())?.eq_ignore_ascii_case(word);
            // A token may begin with these letters; the word ends with a blank, or is all there is.
            let ends = word.ends_with(':') || rest.is_empty() || rest.starts_with(char::is_whitespace);
            (leads && ends).then(|| rest.trim_matches(around))
        });
        match lesser {
            Some(rest) => bare = rest,
            None => return bare,
        }
    }
}

/// What shells and instructions leave where a token should be.
fn placeholder(bare: &str) -> Option<TokenFlaw> {
    let between = |open: &str, close: &str| bare.strip_prefix(open)?.strip_suffix(close);
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.'))
    };
    let shell = [between("%", "%"), between("!", "!"), between("${", "}"), bare.strip_prefix('$')];
    if shell.into_iter().flatten().any(is_name) {
        return Some(TokenFlaw::Unexpanded(bare.to_owned()));
    }
    let bracketed =
        between("<", ">").is_some() || between("{{", "}}").is_some() || between("$(", ")").is_some();
    bracketed.then_some(TokenFlaw::Placeholder)
}

/// The name in `NAME=value`, `export NAME=value`, `set NAME=value` or `$env:NAME = "value"`.
fn assigned_name(bare: &str) -> Option<&str> {
    let (left, value) = bare.split_once('=')?;
    // Padding of base64 is no assignment.
    if value.bytes().all(|byte| byte == b'=') {
        return None;
    }
    let name = left.trim().rsplit(|c: char| c.is_whitespace() || c == ':').next()?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')).then_some(name)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(text: &str) -> Result<String, TokenFlaw> {
        token_in(text).map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn what_stands_around_a_token_is_taken_off() {
        for text in [
            "abc-1_2.3",
            "\"abc-1_2.3\"",
            "'abc-1_2.3'",
            " abc-1_2.3\r\n",
            "Bearer abc-1_2.3",
            "\"bearer  abc-1_2.3\"",
            "Authorization: Bearer 'abc-1_2.3'",
            "\u{feff}“abc-1_2.3”\u{a0}",
        ] {
            assert_eq!(read(text).unwrap(), "abc-1_2.3", "{text}");
        }
        assert_eq!(read("bearerabc").unwrap(), "bearerabc");
        assert_eq!(read("Y2lzY28=").unwrap(), "Y2lzY28=");
        assert_eq!(read("Y2lzY2==").unwrap(), "Y2lzY2==");
    }

    #[test]
    fn files_of_every_editor_are_read() {
        let utf16 =
            |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for bytes in [
            b"abc\r\n".to_vec(),
            "\u{feff}abc\r\n".into(),
            utf16("\u{feff}abc\r\n", u16::to_le_bytes),
            utf16("\u{feff}abc\r\n", u16::to_be_bytes),
            utf16("abc", u16::to_le_bytes),
            utf16("abc", u16::to_be_bytes),
        ] {
            assert_eq!(token_in_bytes(&bytes).unwrap().expose_secret(), "abc", "{bytes:?}");
        }
        assert_eq!(token_in_bytes(b"ab\xff").unwrap_err(), TokenFlaw::Characters);
        assert_eq!(token_in_bytes(b"").unwrap_err(), TokenFlaw::Empty);
    }

    #[test]
    fn what_is_no_token_is_called_by_its_name() {
        let unexpanded = |text: &str| TokenFlaw::Unexpanded(text.to_owned());
        let assignment = |name: &str| TokenFlaw::Assignment(name.to_owned());
        for (text, flaw) in [
            ("", TokenFlaw::Empty),
            (" \"\" ", TokenFlaw::Empty),
            ("Bearer ", TokenFlaw::Empty),
            (r#"{"access_token":"abc"}"#, TokenFlaw::Json),
            ("WEBEX_ACCESS_TOKEN=abc", assignment("WEBEX_ACCESS_TOKEN")),
            ("export WEBEX_ACCESS_TOKEN=\"abc\"", assignment("WEBEX_ACCESS_TOKEN")),
            ("$env:WEBEX_ACCESS_TOKEN = 'abc'", assignment("WEBEX_ACCESS_TOKEN")),
            ("%WEBEX_ACCESS_TOKEN%", unexpanded("%WEBEX_ACCESS_TOKEN%")),
            ("$WEBEX_ACCESS_TOKEN", unexpanded("$WEBEX_ACCESS_TOKEN")),
            ("Bearer ${TOKEN}", unexpanded("${TOKEN}")),
            ("$env:TOKEN", unexpanded("$env:TOKEN")),
            ("<paste token here>", TokenFlaw::Placeholder),
            ("{{ token }}", TokenFlaw::Placeholder),
            ("$(cat token.txt)", TokenFlaw::Placeholder),
            ("a b", TokenFlaw::Blanks),
            ("first\nsecond", TokenFlaw::Blanks),
            ("a\u{7f}b", TokenFlaw::Characters),
            ("tökén", TokenFlaw::Characters),
        ] {
            assert_eq!(read(text), Err(flaw), "{text}");
        }
    }
}
