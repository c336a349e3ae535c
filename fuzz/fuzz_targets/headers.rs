//! Any text as `Retry-After`, `Date` and `Link`: no panic, and a wait or a page out of the text itself.
#![no_main]

use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use seatbatch::webex::{next_page, parse_retry_after};

fuzz_target!(|text: &str| {
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let _ = parse_retry_after(first, Some(second).filter(|date| !date.is_empty()), now);
    if let Some(url) = next_page(text) {
        assert!(text.contains(url) && !url.contains('>'));
    }
});
