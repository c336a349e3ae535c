//! Any text as the headers of an answer.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics"
)]
#![cfg_attr(fuzzing, no_main)]

#[path = "../properties/headers.rs"]
mod headers;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|text: &str| headers::holds(text));

/// Without the fuzzer, every file that is named is tried.
#[cfg(not(fuzzing))]
fn main() {
    std::env::args_os()
        .skip(1)
        .for_each(|file| headers::holds(&std::fs::read_to_string(file).expect("a file")));
}
