//! Any text as `Retry-After`, `Date` and `Link`: no panic, and a wait or a page out of the text itself.

use std::time::{Duration, SystemTime};

use seatbatch::webex::{next_page, parse_retry_after};

pub(crate) fn holds(text: &str) {
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let _ = parse_retry_after(first, Some(second).filter(|date| !date.is_empty()), now);
    if let Ok(Some(url)) = next_page(text) {
        assert!(text.contains(url) && !url.contains('>'));
    }
}
