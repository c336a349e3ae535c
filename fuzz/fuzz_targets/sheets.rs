//! Any markup as a sheet.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics"
)]
#![cfg_attr(fuzzing, no_main)]

#[path = "../properties/sheets.rs"]
mod sheets;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sheets::holds(bytes));

/// Without the fuzzer, every file that is named is tried.
#[cfg(not(fuzzing))]
fn main() {
    std::env::args_os().skip(1).for_each(|file| sheets::holds(&std::fs::read(file).expect("a file")));
}
