//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

/// How long the service wants us to wait. A date counts from the answer's own `Date`, since the
/// two clocks may differ; from `now` where there is none. `None` for what makes no sense.
#[must_use]
pub fn parse(retry_after: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = retry_after.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit is a wait without end, not garbage.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let from = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now = SystemTime::UNIX_EPOCH;
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = |text| parse(text, date, now).map(|wait| wait.as_secs());
        assert_eq!(seconds(" 7 "), Some(7));
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("315360000"), Some(315_360_000));
        assert_eq!(seconds("99999999999999999999999"), Some(u64::from(u32::MAX)));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(parse("Thu, 01 Jan 1970 00:01:00 GMT", None, now), Some(Duration::from_secs(60)));
    }

    #[test]
    fn garbage_is_no_wait() {
        for text in ["", "-5", "1.5", "soon", "1 s", "٣"] {
            assert_eq!(parse(text, None, SystemTime::UNIX_EPOCH), None, "{text}");
        }
    }
}
