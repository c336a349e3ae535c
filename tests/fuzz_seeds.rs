//! What the fuzzers look for, on the files and answers that they begin with.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

#[path = "../fuzz/properties/answers.rs"]
mod answers;
#[cfg(feature = "cli")]
#[path = "../fuzz/properties/config.rs"]
mod config;
#[path = "../fuzz/properties/headers.rs"]
mod headers;
#[path = "../fuzz/properties/rows.rs"]
mod rows;
#[path = "../fuzz/properties/sheets.rs"]
mod sheets;
#[path = "../fuzz/properties/wide.rs"]
mod wide;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn the_seeds_of_every_target_hold() {
    let (rows, answers, headers) = (seeds("rows"), seeds("answers"), seeds("headers"));
    assert!(rows.len() > 5 && answers.len() > 5 && headers.len() > 5);
    seeds("sheets").iter().for_each(|bytes| sheets::holds(bytes));
    seeds("wide").iter().for_each(|bytes| wide::holds(bytes));
    #[cfg(feature = "cli")]
    seeds("config").iter().for_each(|bytes| config::holds(bytes));
    rows.iter().for_each(|bytes| rows::holds(bytes));
    answers.iter().for_each(|bytes| answers::holds(bytes));
    headers.iter().for_each(|bytes| headers::holds(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn seeds_cut_anywhere_hold_too() {
    for bytes in seeds("rows") {
        (0..bytes.len()).for_each(|end| rows::holds(&bytes[..end]));
    }
    for bytes in seeds("sheets") {
        (0..bytes.len()).for_each(|end| sheets::holds(&bytes[..end]));
    }
    for bytes in seeds("answers") {
        (0..bytes.len()).for_each(|end| answers::holds(&bytes[..end]));
    }
}

/// Pieces that make inputs odd where they are put in.
const ODD: [&[u8]; 14] = [
    b"\"",
    b",",
    b"\r",
    b"\n",
    b"\0",
    b"\xff",
    b"<c>",
    b"</c>",
    b"<f/>",
    b"&amp;",
    b" r=\"ZZ99999\"",
    b"[",
    b"=",
    b"\xe2\x80\x93",
];

/// One of a few ways to spoil an input.
fn spoil(bytes: &mut Vec<u8>, chance: &mut fastrand::Rng) {
    let at = chance.usize(..=bytes.len());
    let end = (at + chance.usize(..24)).min(bytes.len());
    match chance.u8(..5) {
        0 => drop(bytes.splice(at..end, [])),
        1 => {
            let part = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, part));
        }
        2 => drop(bytes.splice(at..at, ODD[chance.usize(..ODD.len())].iter().copied())),
        3 if at < bytes.len() => bytes[at] = chance.u8(..),
        _ => bytes.truncate(at),
    }
}

#[test]
fn seeds_spoiled_in_many_ways_hold() {
    // FUZZ_ROUNDS=100000 looks for longer.
    let rounds = std::env::var("FUZZ_ROUNDS").map_or(40, |rounds| rounds.parse().unwrap());
    type Property = fn(&[u8]);
    let headers: Property = |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            headers::holds(text);
        }
    };
    let mut targets: Vec<(&str, Property)> = vec![
        ("rows", rows::holds),
        ("answers", answers::holds),
        ("headers", headers),
        ("sheets", sheets::holds),
        ("wide", wide::holds),
    ];
    #[cfg(feature = "cli")]
    targets.push(("config", config::holds));
    let only = std::env::var("FUZZ_TARGET").ok();
    let seed = std::env::var("FUZZ_SEED").map_or(0, |seed| seed.parse().unwrap());
    for (name, holds) in targets.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
    {
        let mut chance = fastrand::Rng::with_seed(seed);
        let kept = seeds(name);
        for round in 0..rounds {
            for first in &kept {
                let mut bytes = first.clone();
                (0..chance.usize(1..6)).for_each(|_| spoil(&mut bytes, &mut chance));
                let held = std::panic::catch_unwind(|| holds(&bytes));
                assert!(
                    held.is_ok(),
                    "{name}, round {round}, seed {seed}: {:?}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }
}
