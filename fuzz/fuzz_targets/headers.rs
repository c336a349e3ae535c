#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../properties/headers.rs"]
mod headers;

fuzz_target!(|text: &str| headers::holds(text));
