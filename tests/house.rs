//! The rules of the house: arrows between the rooms go down, and the pure rooms are pure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
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
    ("journal", &["reqwest", "tokio", "std::env", "fastrand", "SystemTime", "println!"]),
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

/// Every source file of a room, without its tests and comments.
fn sources(room: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            sources.push((path.display().to_string(), lines.join("\n")));
        }
    }
    sources
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
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders: BTreeSet<String> = std::fs::read_dir(source)
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
