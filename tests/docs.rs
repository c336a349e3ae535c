//! The pages agree with the program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use seatbatch::domain::CODES;

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

#[test]
fn the_page_of_error_codes_has_every_code_as_the_source_has_it() {
    let page = page("guides/exit-codes.md");
    let rows: Vec<&str> =
        page.lines().filter(|line| line.ends_with("| yes |") || line.ends_with("| no |")).collect();
    let right: Vec<String> = CODES
        .iter()
        .map(|known| {
            let passes = if known.may_pass { "yes" } else { "no" };
            format!("| `{}` | {} | {} | {passes} |", known.code, known.meaning, known.remedy)
        })
        .collect();
    assert_eq!(rows, right);
}

/// Every page of the project, with its name.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/guides", "docs/decisions"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push((path.display().to_string(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_place_in_the_source_that_a_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for (page, text) in pages() {
        let quoted = text.split('`').skip(1).step_by(2);
        for place in quoted.filter(|text| {
            ["src/", "tests/", "fuzz/", "examples/"].iter().any(|folder| text.starts_with(folder))
        }) {
            let place = place.split_whitespace().next().unwrap();
            if !place.contains(['*', '{']) && !root.join(place).exists() {
                missing.push(format!("{page}: {place}"));
            }
        }
    }
    assert!(missing.is_empty(), "moved or gone: {missing:#?}");
}

#[test]
fn every_type_that_a_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for (page, text) in pages() {
        for name in text.split('`').skip(1).step_by(2) {
            let Some((room, item)) = name.split_once("::") else { continue };
            let folder = root.join("src").join(room);
            if !folder.join("mod.rs").exists() || !item.chars().all(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let face = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
            let words: Vec<&str> = face.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if !words.contains(&item) {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "moved or gone: {missing:#?}");
}
