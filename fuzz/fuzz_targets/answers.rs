#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../properties/answers.rs"]
mod answers;

fuzz_target!(|bytes: &[u8]| answers::holds(bytes));
