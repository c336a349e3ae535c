//! Any text as the headers of an answer.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics"
)]
#![cfg_attr(fuzzing, no_main)]

#[path = "../target.rs"]
#[macro_use]
mod target;

#[path = "../properties/headers.rs"]
mod headers;

target!(headers, &str, std::fs::read_to_string);
