//! Any bytes as an answer.
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

#[path = "../properties/answers.rs"]
mod answers;

target!(answers);
