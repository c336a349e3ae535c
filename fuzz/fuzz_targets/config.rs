//! Any text as a configuration.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics"
)]
#![cfg_attr(fuzzing, no_main)]

#[path = "../properties/config.rs"]
mod config;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| config::holds(bytes));

/// Without the fuzzer, every file that is named is tried.
#[cfg(not(fuzzing))]
fn main() {
    std::env::args_os().skip(1).for_each(|file| config::holds(&std::fs::read(file).expect("a file")));
}
