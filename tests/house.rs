//! The rules of the house: arrows between the rooms go down, and the pure rooms are pure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every room and the rooms it may know.
const ROOMS: [(&str, &[&str]); 13] = [
    ("domain", &[]),
    ("pace", &["domain"]),
    ("engine", &["domain", "pace"]),
    ("input", &["domain"]),
    ("webex", &["domain"]),
    ("journal", &["domain"]),
    ("live", &["domain", "engine", "pace", "webex"]),
    ("plan", &["domain"]),
    ("assign", &["domain", "input"]),
    ("report", &["domain", "input", "journal"]),
    ("sandbox", &["domain", "webex"]),
    ("run", &["assign", "domain", "engine", "input", "journal", "live", "plan", "webex"]),
    (
        "cli",
        &[
            "assign", "domain", "engine", "input", "journal", "live", "plan", "report", "run", "sandbox",
            "webex",
        ],
    ),
];

/// Words that have no place in a room, beside its tests.
const ABSENT: [(&str, &[&str]); 13] = [
    (
        "domain",
        &[
            "std::fs",
            "std::net",
            "std::thread",
            "std::env",
            "tokio",
            "SystemTime",
            "Instant",
            "fastrand",
            "rusqlite",
            "reqwest",
        ],
    ),
    (
        "pace",
        &[
            "std::fs",
            "std::net",
            "std::thread",
            "std::env",
            "tokio",
            "SystemTime",
            "Instant",
            "fastrand",
            "sleep(",
        ],
    ),
    (
        "engine",
        &[
            "std::fs",
            "std::net",
            "std::thread",
            "std::env",
            "tokio",
            "SystemTime",
            "Instant",
            "fastrand",
            "rusqlite",
            "reqwest",
            "sleep(",
        ],
    ),
    ("input", &["std::net", "std::env", "tokio", "rusqlite", "reqwest", "SystemTime"]),
    ("assign", &["std::net", "std::env", "tokio", "rusqlite", "reqwest", "SystemTime"]),
    ("webex", &["rusqlite", "std::env", "fastrand", "sleep(", "println!"]),
    // The clock is not absent: each link of the chain says when it was made.
    ("journal", &["reqwest", "tokio", "std::env", "fastrand", "println!"]),
    ("live", &["rusqlite", "std::env", "std::fs", "println!"]),
    (
        "plan",
        &[
            "std::fs",
            "std::net",
            "std::env",
            "tokio",
            "SystemTime",
            "Instant",
            "fastrand",
            "rusqlite",
            "reqwest",
        ],
    ),
    ("report", &["reqwest", "tokio", "std::env", "rusqlite", "fastrand"]),
    ("sandbox", &["rusqlite", "std::env", "println!"]),
    ("run", &["rusqlite", "std::env", "clap", "println!", "SELECT "]),
    ("cli", &["rusqlite", "SELECT ", "reqwest::"]),
];

/// Files that may be longer than 500 lines, their tests aside, and why.
const LONG_FILES: [(&str, &str); 0] = [];

/// Names that several types have, and why.
const SHARED_NAMES: [(&str, &str); 6] = [
    ("Event", "the engine's are what happened to a run, cli's are lines of --json"),
    ("Licenses", "a command's arguments are named for it, and written args::Licenses"),
    ("Login", "as Licenses"),
    ("Sandbox", "as Licenses"),
    ("Time", "pace and engine each measure from their own beginning"),
    ("User", "as Licenses"),
];

/// Functions that may be longer than 70 lines, and why.
const LONG_FUNCTIONS: [(&str, &str, &str); 1] =
    [("src/engine/machine/answers.rs", "answered", "one match over what an answer can mean")];

/// Lines of a file, without its tests.
const LONGEST_FILE: usize = 500;

/// Lines of a function, from its signature to its closing brace.
const LONGEST_FUNCTION: usize = 70;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below a folder, however deep, with its path from the root.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().display().to_string().replace('\\', "/");
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The code of the program, file by file, without its tests.
fn code(folder: &str) -> Vec<(String, String)> {
    let mut sources = files(&root().join(folder));
    sources.retain(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/"));
    for (_, text) in &mut sources {
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        text.truncate(end);
    }
    sources
}

/// The same of a room, without comments.
fn sources(room: &str) -> Vec<(String, String)> {
    let mut sources = code(&format!("src/{room}"));
    for (_, text) in &mut sources {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        *text = lines.join("\n");
    }
    sources
}

#[test]
fn rooms_are_read_to_their_last_corner() {
    let names: Vec<String> = sources("engine").into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name.starts_with("src/engine/machine/")), "{names:?}");
}

#[test]
fn arrows_go_down() {
    for (room, allowed) in ROOMS {
        for (path, code) in sources(room) {
            for (other, _) in ROOMS {
                let knows =
                    code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};"));
                assert!(
                    !knows || other == room || allowed.contains(&other),
                    "{path}: {room} must not know {other}"
                );
            }
        }
    }
}

#[test]
fn every_folder_is_a_room_with_a_floor_below_it() {
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("src"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(folders, known);
    for (index, (room, allowed)) in ROOMS.iter().enumerate() {
        let below: Vec<&str> = ROOMS.iter().take(index).map(|(room, _)| *room).collect();
        assert!(
            allowed.iter().all(|other| below.contains(other)),
            "{room} knows a room that is not below it"
        );
    }
}

/// The table of rooms in ARCHITECTURE.md: each room, and what it says that it uses.
fn drawn() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("| room | owns | uses |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells.get(1).unwrap().trim_matches('`').to_owned(), (*cells.get(3).unwrap()).to_owned())
    })
    .collect()
}

#[test]
fn the_table_of_the_rooms_is_the_one_that_is_kept() {
    let drawn = drawn();
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    assert_eq!(drawn.iter().map(|(room, _)| room.as_str()).collect::<Vec<_>>(), rooms);
    for ((room, uses), (_, allowed)) in drawn.iter().zip(ROOMS) {
        let words: Vec<String> =
            without_brackets(uses).split(", ").map(|word| word.trim().to_owned()).collect();
        let said: BTreeSet<&str> = match words.first().map(String::as_str) {
            Some("nothing") => BTreeSet::new(),
            Some("all") => rooms.iter().copied().filter(|other| other != room).collect(),
            Some(first) if first.starts_with("all but ") => {
                let but: Vec<&str> = words.iter().map(|word| word.trim_start_matches("all but ")).collect();
                rooms.iter().copied().filter(|other| other != room && !but.contains(other)).collect()
            }
            _ => words.iter().map(String::as_str).collect(),
        };
        // A room need not use all that it may; what it uses must be said.
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert!(
            allowed.is_subset(&said),
            "{room}: ARCHITECTURE.md says it uses {said:?}, and it uses {allowed:?}"
        );
        let all = uses.starts_with("all");
        assert!(all || said == allowed, "{room}: ARCHITECTURE.md says {said:?}, and {allowed:?} is allowed");
    }
}

/// The floors as ARCHITECTURE.md draws them, each room with the number of its own, from the top.
fn floors() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let drawing = text.split("```text\nmain\n").nth(1).unwrap().split("```").next().unwrap();
    let rooms: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut floors = BTreeMap::new();
    for (floor, line) in drawing.lines().enumerate() {
        // What a floor is for stands behind its rooms.
        let names = line.split_whitespace().take_while(|word| rooms.contains(word));
        floors.extend(names.map(|name| (name.to_owned(), floor)));
    }
    floors
}

#[test]
fn arrows_go_down_from_floor_to_floor_as_they_are_drawn() {
    let floors = floors();
    assert_eq!(floors.len(), ROOMS.len(), "{floors:?}");
    for (room, allowed) in ROOMS {
        for other in allowed {
            assert!(floors[room] < floors[*other], "{room} is drawn no higher than {other}");
        }
    }
}

#[test]
fn every_arrow_that_may_be_is() {
    for (room, allowed) in ROOMS {
        let all: String = sources(room).into_iter().map(|(_, code)| code).collect();
        for other in allowed {
            let knows =
                all.contains(&format!("crate::{other}::")) || all.contains(&format!("crate::{other};"));
            assert!(knows, "{room} does not use {other}: take it out of the table");
        }
    }
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0;
    text.chars()
        .filter(|character| {
            depth += i32::from(*character == '(');
            let outside = depth == 0;
            depth -= i32::from(*character == ')');
            outside
        })
        .collect()
}

#[test]
fn what_a_room_must_not_know_is_absent() {
    for (room, words) in ABSENT {
        for (path, code) in sources(room) {
            for word in words {
                assert!(!code.contains(word), "{path}: '{word}' has no place in {room}");
            }
        }
    }
}

#[test]
fn long_files_have_a_reason() {
    let long: Vec<String> = code("src")
        .into_iter()
        .filter(|(_, text)| text.lines().count() > LONGEST_FILE)
        .map(|(name, _)| name)
        .collect();
    let excused: Vec<&str> = LONG_FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        long, excused,
        "take them apart, or say in LONG_FILES why not; take out those that are short again"
    );
}

#[test]
fn one_file_maps_errors_to_exit_codes() {
    for (path, text) in code("src/cli") {
        let maps = text.contains("for Failure") || text.contains("Failure { exit");
        assert!(!maps || path == "src/cli/exit.rs", "{path} maps an error to an exit code");
    }
}

/// The types that a file defines, beside those of its functions and tests.
fn types(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.strip_prefix("pub").unwrap_or(line).trim_start();
        let line =
            if line.starts_with('(') { line.split_once(") ").map_or(line, |(_, rest)| rest) } else { line };
        let kinds = ["struct ", "enum ", "trait ", "type "];
        let named = kinds.into_iter().find_map(|kind| line.strip_prefix(kind));
        found.extend(
            named.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
        );
    }
    found
}

#[test]
fn two_types_have_two_names() {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in code("src") {
        let top: Vec<&str> = text.lines().filter(|line| !line.starts_with([' ', '/'])).collect();
        types(&top.join("\n")).into_iter().for_each(|name| files.entry(name).or_default().push(path.clone()));
    }
    let shared: Vec<(&String, &Vec<String>)> = files.iter().filter(|(_, files)| files.len() > 1).collect();
    let names: Vec<&str> = shared.iter().map(|(name, _)| name.as_str()).collect();
    let excused: Vec<&str> = SHARED_NAMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, excused, "{shared:#?}");
}

/// Functions with their length. The code is formatted, so that a function ends at the brace below its `fn`.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some((before, after)) = line.split_once("fn ") else { continue };
        let mut words = before.split_whitespace().filter(|word| !word.starts_with("pub("));
        if !words.all(|word| ["pub", "const", "async", "in", "crate::cli)"].contains(&word)) {
            continue;
        }
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let end = format!("{indent}}}");
        let length = lines.iter().skip(number).position(|line| *line == end);
        found.extend(length.map(|length| (name, length + 1)));
    }
    found
}

#[test]
fn long_functions_have_a_reason() {
    let mut long = Vec::new();
    for (path, text) in code("src") {
        let found = functions(&text).into_iter().filter(|(_, length)| *length > LONGEST_FUNCTION);
        long.extend(found.map(|(name, _)| (path.clone(), name)));
    }
    long.retain(|(path, name)| {
        !LONG_FUNCTIONS.iter().any(|(file, function, _)| path == file && name == function)
    });
    assert!(long.is_empty(), "take them apart, or say in LONG_FUNCTIONS why not: {long:?}");
}

#[test]
fn functions_are_measured() {
    let text = "fn a() {\n    1\n}\n\nimpl X {\n    pub(super) const fn b(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n}\n";
    assert_eq!(functions(text), [("a".to_owned(), 3), ("b".to_owned(), 5)]);
}
