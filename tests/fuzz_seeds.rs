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
