//! Any markup as a sheet.
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

#[path = "../properties/sheets.rs"]
mod sheets;

target!(sheets);
