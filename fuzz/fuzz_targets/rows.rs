#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../properties/rows.rs"]
mod rows;

fuzz_target!(|bytes: &[u8]| rows::holds(bytes));
