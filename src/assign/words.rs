//! Words of people's files, as data: `words/*.csv` and `columns/*.csv`, each word with where it comes from.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::field::Field;
pub(super) use super::spelling::{alike, folded, is_dash, is_long_dash, key};
use super::spelling::{composed, lower};
use crate::domain::Action;

impl Field {
    /// The field of this name, spelled as freely as a column's.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let sought = key(name);
        Self::ALL.iter().copied().find(|field| field.name().to_ascii_lowercase() == sought)
    }
}

/// The records of a data file of ours, without its header.
fn records(data: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    data.lines().skip(1).filter_map(|line| {
        let (first, rest) = line.split_once(',')?;
        Some((first, rest.split_once(',').map_or(rest, |(second, _)| second)))
    })
}

/// Names of columns by their keys.
static COLUMNS: LazyLock<HashMap<String, Field>> = LazyLock::new(|| {
    let named = records(include_str!("columns/synonyms.csv"));
    named.filter_map(|(field, name)| Some((key(name), Field::named(field)?))).collect()
});

/// Names of columns that mean nothing here, however near to one of ours they may be.
static INNOCENT: LazyLock<HashSet<String>> =
    LazyLock::new(|| records(include_str!("columns/innocent.csv")).map(|(name, _)| key(name)).collect());

pub(super) static ACTIONS: LazyLock<HashMap<String, Action>> = LazyLock::new(|| {
    let action = |word| if word == "remove" { Action::Remove } else { Action::Add };
    let words = records(include_str!("words/actions.csv"));
    words.map(|(meaning, word)| (lower(word), action(meaning))).collect()
});

static BOOLEANS: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    records(include_str!("words/booleans.csv")).map(|(value, word)| (word, value == "true")).collect()
});

static NOTHING: LazyLock<HashSet<String>> = LazyLock::new(|| {
    records(include_str!("words/nothing.csv")).map(|(word, _)| word.to_ascii_lowercase()).collect()
});

/// The field that a column of this name is.
pub(super) fn field(name: &str) -> Option<Field> {
    let known = |name: &str| COLUMNS.get(&key(name)).copied();
    known(name).or_else(|| known(without_bracket(name)?))
}

/// Whether the key of a user is called so by Control Hub alone, in one of its languages.
pub(super) fn is_control_hub(name: &str) -> bool {
    let key = key(name);
    ["useridemail", "benutzeridemail", "idutilisateuremail", "iddeusuariocorreo", "idutenteemail"]
        .iter()
        .any(|beginning| key.starts_with(beginning))
}

/// Whether columns are those of the user list of a meetings site, which says nothing of licenses.
pub(super) fn is_meetings_site(names: &[String]) -> bool {
    let has = |column: &str| names.iter().any(|name| key(name) == key(column));
    let columns = || records(include_str!("columns/meetings_site.csv"));
    columns().all(|(of, column)| of != "all" || has(column))
        && columns().any(|(of, column)| of == "any" && has(column))
}

/// Whether columns of this name are known to mean nothing here.
pub(super) fn is_innocent(name_key: &str) -> bool {
    INNOCENT.contains(name_key)
}

static SELECTIONS: LazyLock<HashSet<String>> =
    LazyLock::new(|| records(include_str!("columns/selections.csv")).map(|(name, _)| key(name)).collect());

/// Whether people choose rows with a column of this name, which nobody looks at here.
pub(super) fn is_selection(name: &str) -> bool {
    SELECTIONS.contains(&key(name))
}

/// The known name that is nearest to this one, if it is so near that one of them may be a slip.
pub(super) fn nearest_column(name: &str) -> Option<Field> {
    let sought = key(name);
    let length = sought.chars().count();
    let slips = match length {
        0..=4 => return None,
        5..=8 => 1,
        _ => 2,
    };
    // A column of bundles is one that was said to be: its name alone does not make it one.
    static BUNDLE: LazyLock<String> = LazyLock::new(|| key(Field::Bundle.name()));
    let near = COLUMNS.iter().map(|(known, field)| (known, *field)).chain([(&*BUNDLE, Field::Bundle)]);
    let near = near.filter(|(known, _)| known.chars().count() > 3);
    let near = near.filter_map(|(known, field)| Some((slips_between(known, &sought, slips)?, known, field)));
    near.min_by_key(|(slips, known, _)| (*slips, *known)).map(|(.., field)| field)
}

/// How many slips make one name the other, if these are not more than `most`.
fn slips_between(known: &str, name: &str, most: usize) -> Option<usize> {
    // Each makes it longer or shorter by a character at most: for most names nothing need be compared.
    let apart = known.chars().count().abs_diff(name.chars().count());
    (apart <= most).then(|| strsim::osa_distance(known, name)).filter(|slips| *slips <= most)
}

/// The known name of one of these fields that is most alike, for a column that is missing.
pub(super) fn most_alike(name: &str, wanted: &[Field]) -> f64 {
    let sought = key(name);
    let likenesses = COLUMNS.iter().filter(|(_, field)| wanted.contains(field));
    likenesses.map(|(known, _)| strsim::jaro_winkler(known, &sought)).fold(0.0, f64::max)
}

/// The operation that a word asks for. An empty cell asks for what the API does without a word.
pub(super) fn action(cell: &str) -> Option<Action> {
    match cell {
        "" | "add" => Some(Action::Add),
        "remove" => Some(Action::Remove),
        other if other.len() <= LONGEST_WORD => ACTIONS.get(&lower(other)).copied(),
        _ => None,
    }
}

/// Bytes of a longest word, so that long cells are not looked at in full.
const LONGEST_WORD: usize = 32;

/// What else people's words tell: the state that somebody is in, days, what is given and taken.
pub(super) static HINTS: LazyLock<HashSet<(&'static str, String)>> = LazyLock::new(|| {
    let hints = records(include_str!("words/hints.csv"));
    let is_of_cells = |kind| ["leaver", "no"].contains(&kind);
    hints.map(|(kind, word)| (kind, if is_of_cells(kind) { lower(word) } else { key(word) })).collect()
});

/// Whether a column of this name says in which state somebody is.
pub(super) fn is_status(name: &str) -> bool {
    let name = key(name);
    HINTS.iter().any(|(kind, word)| *kind == "status" && name.contains(word.as_str()))
}

/// Whether a column of this name has the day on which somebody goes.
pub(super) fn is_last_day(name: &str) -> bool {
    HINTS.contains(&("last day", key(name)))
}

/// Whether a column of this name has the day on which somebody begins.
pub(super) fn is_first_day(name: &str) -> bool {
    HINTS.contains(&("first day", key(name)))
}

/// Whether a column is called after those who have gone, as `Leaver` or `Has left`.
pub(super) fn names_leavers(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        HINTS
            .iter()
            .filter(|(kind, _)| ["leaver", "gone"].contains(kind))
            .map(|(_, word)| key(word))
            .collect()
    });
    NAMES.contains(&key(name))
}

/// Whether a column is called after those who have not gone, as `Active` or `Account enabled`.
pub(super) fn names_those_there(name: &str) -> bool {
    HINTS.contains(&("there", key(name)))
}

/// What a cell of a column of yes and no says, ticks among it.
pub(super) fn yes_or_no(cell: &str) -> Option<bool> {
    boolean(cell).or_else(|| is_mark(cell).then(|| !HINTS.contains(&("no", lower(cell)))))
}

/// Whether a column's name speaks of licenses, as `Second license` does.
pub(super) fn names_object(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric()).map(key).any(|word| HINTS.contains(&("object", word)))
}

/// What a cell of a column of services says, as spreadsheets write it in several languages.
pub(super) fn boolean(cell: &str) -> Option<bool> {
    match cell {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        other if other.len() <= LONGEST_WORD => {
            BOOLEANS.get(composed(other).to_uppercase().as_str()).copied()
        }
        _ => None,
    }
}

static MARKS: LazyLock<HashSet<String>> =
    LazyLock::new(|| records(include_str!("words/marks.csv")).map(|(word, _)| lower(word)).collect());

/// Whether people tick cells of a list with this, or cross them.
pub(super) fn is_mark(cell: &str) -> bool {
    cell.len() <= LONGEST_WORD && MARKS.contains(&lower(cell))
}

static LICENSES: LazyLock<HashSet<String>> =
    LazyLock::new(|| records(include_str!("words/licenses.csv")).map(|(name, _)| folded(name)).collect());

/// Services as Control Hub calls them, and the licenses that the API has for them.
static SERVICES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    records(include_str!("columns/services.csv")).map(|(header, license)| (folded(header), license)).collect()
});

/// What stands in brackets behind a column's name and is no subscription; whether the name says the same without it.
static BRACKETS: LazyLock<HashMap<String, bool>> = LazyLock::new(|| {
    let words = records(include_str!("columns/brackets.csv"));
    words.map(|(kind, word)| (folded(word), kind == "plain")).collect()
});

/// Whether words in brackets say how a column is filled in, rather than what it is of.
pub(super) fn is_bracket(text: &str) -> bool {
    BRACKETS.contains_key(&folded(text))
}

/// A column's name without words behind it, in brackets, that change nothing of what it means.
fn without_bracket(name: &str) -> Option<&str> {
    let name = name.trim_end();
    let (before, inside) = name
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('))
        .or_else(|| name.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')))?;
    BRACKETS.get(&folded(inside)).is_some_and(|plain| *plain).then_some(before)
}

fn service_names() -> impl Iterator<Item = &'static String> {
    LICENSES.iter().chain(SERVICES.keys())
}

/// Whether a service or a license is called so, but for a slip.
pub(super) fn is_nearly_service(name: &str) -> bool {
    let name = folded(name);
    let slips = match name.chars().count() {
        0..=5 => 0,
        6..=9 => 1,
        _ => 2,
    };
    service_names().any(|known| slips_between(known, &name, slips).is_some())
}

/// Whether a name begins as that of a service does, or as a product's of Webex.
pub(super) fn begins_as_service(name: &str) -> bool {
    let name = folded(name);
    let begins = |with: &str| name.strip_prefix(with).is_some_and(|rest| rest.starts_with(' '));
    begins("webex") || begins("cisco webex") || service_names().any(|known| begins(known))
}

/// Whether this is known as the name of a license.
pub(super) fn is_license_name(cell: &str) -> bool {
    cell.len() <= 64 && !cell.starts_with("Y2lz") && LICENSES.contains(&folded(cell))
}

/// Whether a license of this name is one of Webex Calling, which takes a number.
pub(super) fn is_calling(name: &str) -> bool {
    let name = folded(name);
    name.contains("calling") && !name.contains("attendant") && !name.contains("experience")
}

/// What the API calls a service that Control Hub calls so.
pub(super) fn license_of_service(header: &str) -> Option<&'static str> {
    SERVICES.get(&folded(header)).copied()
}

/// Whether a cell holds a word that stands for nothing.
pub(super) fn is_nothing(cell: &str) -> bool {
    // Most cells are longer than any of them, and none is looked up.
    !cell.is_empty() && cell.len() <= 9 && NOTHING.contains(&cell.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_data_means_something() {
        for (field, name) in records(include_str!("columns/synonyms.csv")) {
            assert!(Field::named(field).is_some(), "{field},{name}");
            assert_eq!(super::field(name), Field::named(field), "{name} stands for two fields");
        }
        for (name, _) in records(include_str!("columns/innocent.csv")) {
            assert_eq!(super::field(name), None, "{name} is both");
        }
        assert_eq!(license_of_service("Webex Calling VAR  Basic"), Some("Webex Calling - Standard"));
        assert!(is_license_name("webex calling – professional") && !is_license_name("L1"));
        for (name, _) in records(include_str!("columns/selections.csv")) {
            assert!(super::field(name).is_none() && nearest_column(name).is_none(), "{name} is both");
        }
        for (word, _) in records(include_str!("words/nothing.csv")) {
            assert!(is_nothing(word), "{word}");
        }
        assert!(ACTIONS.keys().all(|word| word.len() <= LONGEST_WORD));
    }

    #[test]
    fn a_slip_is_near_and_an_innocent_name_is_not() {
        assert_eq!(nearest_column("opertion"), Some(Field::Operation));
        assert_eq!(nearest_column("emial"), Some(Field::Email));
        assert_eq!(nearest_column("Extention"), Some(Field::Extension));
        for name in
            ["Change Date", "Department", "last day", "Employee Number", "note", "Display Name", "Start Date"]
        {
            assert_eq!(nearest_column(name), None, "{name}");
        }
    }

    #[test]
    fn columns_that_mean_going_are_known() {
        assert!(is_status("Employment Status") && is_status("Aktiv?") && !is_status("Department"));
        assert!(is_last_day("Letzter Tag") && is_last_day("last_day") && !is_last_day("Start Date"));
    }

    #[test]
    fn operations_are_understood_in_several_languages() {
        assert_eq!(action(""), Some(Action::Add));
        assert_eq!(action("Entfernen"), Some(Action::Remove));
        assert_eq!(action("AÑADIR"), Some(Action::Add));
        assert_eq!(action("maybe"), None);
        assert_eq!((boolean("wahr"), boolean("Faux"), boolean("yes")), (Some(true), Some(false), None));
        for (value, word) in records(include_str!("words/booleans.csv")) {
            for word in [word.to_owned(), word.to_lowercase()] {
                assert_eq!(boolean(&word), Some(value == "true"), "{word}");
                assert!(!is_mark(&word) && action(&word).is_none(), "{word} is both");
            }
        }
        assert!(is_mark("X") && is_mark("✓") && is_mark("Ja") && !is_mark("Sales") && !is_mark(""));
    }
}
