//! Words that say of a license that it is to go, or of somebody that he has gone, wherever in a file they stand.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::spelling::{composed, key, lower};
use super::words::{ACTIONS, HINTS, LONGEST_WORD, action, is_license_name};
use crate::domain::Action;

/// A cell that asks for something and says hardly anything else is no longer than so many bytes.
const LONGEST_PHRASE: usize = 64;

/// So many letters are no name of a person.
const SURE: usize = 6;

/// Words by their first byte and their length: most cells are not looked up.
struct Outline([u64; 256]);

impl Outline {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut lengths = [0; 256];
        for word in words.filter(|word| word.len() <= LONGEST_WORD) {
            let first = word.bytes().next().unwrap_or_default();
            for first in [first, first.to_ascii_uppercase()] {
                if let Some(lengths) = lengths.get_mut(usize::from(first)) {
                    *lengths |= 1_u64 << word.len();
                }
            }
        }
        Self(lengths)
    }

    /// Whether a word of ASCII may be among them; of others the same letter has several bytes.
    fn may_be(&self, word: &str) -> bool {
        let first = word.bytes().next().unwrap_or_default();
        let lengths = self.0.get(usize::from(first)).copied().unwrap_or_default();
        word.len() <= LONGEST_WORD && lengths & (1_u64 << word.len()) != 0
    }
}

/// The longest word of each phrase for removing.
static REMOVALS: LazyLock<Outline> = LazyLock::new(|| {
    let removals = ACTIONS.iter().filter(|(_, action)| **action == Action::Remove);
    Outline::of(removals.filter_map(|(phrase, _)| phrase.split(' ').max_by_key(|word| word.len())))
});

static LEAVERS: LazyLock<Outline> = LazyLock::new(|| {
    Outline::of(HINTS.iter().filter(|(kind, _)| *kind == "leaver").map(|(_, word)| word.as_str()))
});

/// The words of a text, without case and without what stands around them.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(lower)
}

fn is_of(kind: &'static str, word: &str) -> bool {
    HINTS.contains(&(kind, word.to_owned()))
}

/// Whether a cell says to remove, and hardly anything else: `Entfernen`, `Please remove!`, `Remove license`, `remove
/// Messaging`. What a longer remark means, nobody knows.
pub(super) fn is_removal(cell: &str) -> bool {
    if cell.len() > LONGEST_PHRASE {
        return false;
    }
    let mut parts = cell.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
    (!cell.is_ascii() || parts.any(|word| REMOVALS.may_be(word))) && says_to_remove(cell)
}

fn says_to_remove(cell: &str) -> bool {
    let all: Vec<String> = words(&composed(cell)).collect();
    let is_filler = |word: &String| is_of("object", word) || is_of("filler", word);
    let rest: Vec<&str> = all.iter().filter(|word| !is_filler(word)).map(String::as_str).collect();
    let is_sure =
        |phrase: &str| phrase.chars().count() >= SURE || rest.len() < all.len() || !phrase.is_ascii();
    let whole = [all.join(" "), rest.join(" ")];
    if whole.iter().any(|phrase| action(phrase) == Some(Action::Remove) && is_sure(phrase)) {
        return true;
    }
    // What is left beside the word may be the license that it is about.
    (0..all.len()).any(|at| {
        let others =
            || all.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, word)| word.as_str());
        let removes = all.get(at).is_some_and(|word| action(word) == Some(Action::Remove));
        removes && is_license_name(&others().collect::<Vec<_>>().join(" "))
    })
}

/// Whether a title speaks of removing, or of those who leave.
pub(super) fn speaks_of_going(title: &str) -> bool {
    let title = composed(title);
    let is_removal = |word: &String| word.chars().count() >= SURE && action(word) == Some(Action::Remove);
    let is_leaver = |word: &String| is_of("going", word);
    let is_short = title.len() <= LONGEST_PHRASE;
    (is_short && says_to_remove(&title)) || words(&title).any(|word| is_removal(&word) || is_leaver(&word))
}

/// Whether a cell says of somebody that he has gone.
pub(super) fn is_leaver(cell: &str) -> bool {
    (!cell.is_ascii() || LEAVERS.may_be(cell)) && is_of("leaver", &lower(cell))
}

/// Whether a column is called as an operation is, as `to be removed` or `Remove license`.
pub(super) fn names_action(name: &str) -> bool {
    named_action(name).is_some()
}

/// The operation that a column is called after.
pub(super) fn named_action(name: &str) -> Option<Action> {
    static NAMES: LazyLock<HashMap<String, Action>> =
        LazyLock::new(|| ACTIONS.iter().map(|(word, action)| (key(word), *action)).collect());
    if ["+/-", "-/+", "±"].contains(&name.replace(' ', "").as_str()) {
        return Some(Action::Add);
    }
    let all: Vec<String> = words(&composed(name)).collect();
    let without = |kinds: &[&'static str]| -> String {
        all.iter().filter(|word| !kinds.iter().any(|kind| is_of(kind, word))).map(|word| key(word)).collect()
    };
    [without(&["object"]), without(&["object", "filler"])].iter().find_map(|name| NAMES.get(name).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_says_to_remove_is_known_with_what_stands_around_the_word() {
        for cell in [
            "Entfernen",
            "À supprimer",
            "to remove",
            "remove.",
            "Remove!",
            "(remove)",
            "'remove",
            "REMOVE;",
            "Remove license",
            "please remove license",
            "Remove the seat",
            "Lizenz entfernen",
            "Remove Messaging",
            "drop license",
            "lo\u{308}schen",
            "SİL license",
            "KALDIR",
            "УДАЛИТЬ",
            "ELIMINAR",
            "Löschen!",
            "remove Webex Calling - Professional",
            "take away",
            "削除",
        ] {
            assert!(is_removal(cell), "{cell}");
        }
        for cell in [
            "Del",
            "",
            "add",
            "Do not remove",
            "nicht entfernen",
            "Drop",
            "Rem",
            "Removed from the building in 2019",
            "Sales",
            "Müller",
            "Sil",
            "remove old phone",
            "license",
            "Messaging",
        ] {
            assert!(!is_removal(cell), "{cell}");
        }
    }

    #[test]
    fn a_title_that_speaks_of_going_is_known() {
        for title in [
            "To be removed",
            "Removals October",
            "Leavers October 2026",
            "Lizenzen entziehen",
            "REMOVE",
            "Remove (IT)",
        ] {
            assert!(speaks_of_going(title), "{title}");
        }
        for title in ["New hires October", "Webex licenses", "Sheet1", "Tabelle1", "", "Del Mar office"] {
            assert!(!speaks_of_going(title), "{title}");
        }
    }

    #[test]
    fn a_column_that_is_called_as_an_operation_is_known() {
        for name in [
            "Delete",
            "to be removed",
            "Remove license",
            "License ID to remove",
            "licenseId to remove",
            "entfernen",
        ] {
            assert_eq!(named_action(name), Some(Action::Remove), "{name}");
        }
        for name in ["License to add", "+ / -"] {
            assert_eq!(named_action(name), Some(Action::Add), "{name}");
        }
        for name in
            ["Department", "Notes", "Date added", "Removed by", "license", "Title", "", "License ID", "Name"]
        {
            assert_eq!(named_action(name), None, "{name}");
        }
        assert!(is_leaver("Ausgeschieden") && is_leaver("LEFT") && !is_leaver("active"));
    }
}
