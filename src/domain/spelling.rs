//! How people's words are compared: neither case nor the way in which an accent is stored distinguishes them.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// A text with its accents composed: macOS stores `ö` as an `o` and a mark.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// A word without case.
pub(crate) fn lower(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    letters(&composed(word)).collect()
}

/// The characters of a composed word without case.
pub(crate) fn letters(word: &str) -> impl Iterator<Item = char> {
    // Turkish has an I with a dot, whose small letter keeps the dot as a mark of its own.
    word.chars().flat_map(char::to_lowercase).filter(|c| *c != '\u{307}')
}

/// What two spellings of a column's name have in common: its letters and digits, without case.
pub(crate) fn key(name: &str) -> String {
    composed(name).chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a column of one name is called as the other says.
pub(crate) fn is_called(name: &str, other: &str) -> bool {
    key(name) == key(other)
}

/// What spellings of a name that people have given have in common: its letters and digits without case, and the signs
/// around them: `-Engineer` is how people write that somebody is to be none any more. None where there is no letter.
pub(crate) fn name_key(name: &str) -> Option<(String, Option<char>, Option<char>)> {
    let letters = key(name);
    let sign = |end: Option<char>| end.filter(|c| !c.is_alphanumeric());
    let name = name.trim();
    (!letters.is_empty()).then(|| (letters, sign(name.chars().next()), sign(name.chars().next_back())))
}

/// Whether two such names are one.
pub(crate) fn alike(one: &str, other: &str) -> bool {
    name_key(one).is_some_and(|key| Some(key) == name_key(other))
}

/// Whether a sign is a hyphen, or what programs put in its place.
pub(crate) const fn is_dash(c: char) -> bool {
    c == '-' || is_long_dash(c)
}

/// Those that stand in no name of a host.
pub(crate) const fn is_long_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What spellings of one license's name have in common: neither case nor dashes nor blanks between its words
/// distinguish them. A dash before or behind all of them does: `-Messaging` is how people write that it is to go.
pub(crate) fn folded(name: &str) -> String {
    let name = composed(name.trim());
    let mut folded = String::with_capacity(name.len());
    let mut put = |word: &str| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    };
    if name.starts_with(is_dash) {
        put("-");
    }
    name.split(|c: char| c.is_whitespace() || is_dash(c)).filter(|word| !word.is_empty()).for_each(&mut put);
    if name.ends_with(is_dash) {
        put("-");
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_between_words_does_not_distinguish_names_and_one_around_them_does() {
        assert_eq!(folded("Webex Calling – Professional"), folded(" webex calling-professional "));
        for other in ["-Messaging", "- Messaging", "\u{2212}Messaging", "Messaging -", "Messaging–"] {
            assert_ne!(folded(other), folded("Messaging"), "{other}");
        }
        assert!(alike("Sales & Marketing", "sales marketing") && alike("R+D", "rd"));
        assert!(!alike("-Engineer", "Engineer") && !alike("C++", "C") && !alike("?", "!"));
    }

    #[test]
    fn accents_are_one_however_they_are_stored() {
        assert_eq!(lower("lo\u{308}schen"), "löschen");
        assert_eq!((lower("SİL"), key("E-Posta Adresİ")), ("sil".to_owned(), "epostaadresi".to_owned()));
        assert_eq!(key("Correo electro\u{301}nico"), key("CORREO ELECTRÓNICO"));
        assert_eq!(folded("Re\u{301}unions"), folded("réunions"));
    }
}
