//! Words that say of a license that it is to go, or of somebody that they have gone, wherever in a file they stand.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::spelling::{composed, key, letters, lower};
use super::words::{ACTIONS, HINTS, action, is_license_name};
use crate::domain::Action;

/// A cell that asks for something and says hardly anything else is no longer than so many bytes.
const LONGEST_PHRASE: usize = 64;

/// So many letters are no name of a person.
const SURE: usize = 6;

/// Words by their first letter and how many letters they have, and then by a hash of all of them: cells are many, and nearly
/// none has such a word.
struct Outline {
    lengths: [u64; 256],
    hashes: HashSet<u64>,
}

impl Outline {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut outline = Self { lengths: [0; 256], hashes: HashSet::new() };
        for word in words {
            if let Some(lengths) = outline.lengths.get_mut(first(word)) {
                *lengths |= length(word.chars().count());
            }
            outline.hashes.insert(hash(word));
        }
        outline
    }

    /// Whether one of them stands in this composed text, but for one that has the same hash by chance.
    fn may_be_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return parts(text).any(|word| self.has(word));
        }
        // The same byte by byte, which is most cells there are.
        text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()).any(|word| {
            let letters = || word.iter().map(|byte| u64::from(byte.to_ascii_lowercase()));
            let first = word.first().map_or(0, u8::to_ascii_lowercase);
            self.may_be(first.into(), word.len(), || hash_of(letters()))
        })
    }

    /// Whether this composed word is among them, but for one that has the same hash by chance.
    fn has(&self, word: &str) -> bool {
        self.may_be(first(word), word.chars().count(), || hash(word))
    }

    fn may_be(&self, first: usize, letters: usize, hash: impl FnOnce() -> u64) -> bool {
        let lengths = self.lengths.get(first).copied().unwrap_or_default();
        lengths & length(letters) != 0 && self.hashes.contains(&hash())
    }
}

fn first(word: &str) -> usize {
    let first = word.chars().next().unwrap_or_default();
    let first =
        if first.is_ascii() { first.to_ascii_lowercase() } else { letters(word).next().unwrap_or_default() };
    let [first, ..] = u32::from(first).to_le_bytes();
    first.into()
}

/// The bit of so many letters, which are as many without case.
fn length(letters: usize) -> u64 {
    1 << letters.min(63)
}

/// FNV-1a, by letters rather than bytes.
fn hash(word: &str) -> u64 {
    hash_of(letters(word).map(u64::from))
}

fn hash_of(letters: impl Iterator<Item = u64>) -> u64 {
    letters.fold(0xcbf2_9ce4_8422_2325, |hash, letter| (hash ^ letter).wrapping_mul(0x0100_0000_01b3))
}

/// The longest word of each phrase for removing.
static REMOVALS: LazyLock<Outline> = LazyLock::new(|| {
    let removals = ACTIONS.iter().filter(|(_, action)| **action == Action::Remove);
    let longest = |phrase: &'static str| parts(phrase).max_by_key(|word| word.chars().count());
    Outline::of(removals.filter_map(|(phrase, _)| longest(phrase)))
});

static LEAVERS: LazyLock<Outline> = LazyLock::new(|| {
    Outline::of(HINTS.iter().filter(|(kind, _)| *kind == "leaver").map(|(_, word)| word.as_str()))
});

/// The words of a text, without what stands around them.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The same without case.
fn words(text: &str) -> impl Iterator<Item = String> {
    parts(text).map(lower)
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
    let cell = composed(cell);
    REMOVALS.may_be_in(&cell) && says_to_remove(&cell)
}

/// The same of a composed text of any length.
fn says_to_remove(cell: &str) -> bool {
    let all: Vec<String> = words(cell).collect();
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

/// Whether a cell says of somebody that they have gone.
pub(super) fn is_leaver(cell: &str) -> bool {
    LEAVERS.has(&composed(cell)) && is_of("leaver", &lower(cell))
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
