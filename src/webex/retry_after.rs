//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

/// The wait where the service asks for one in words that nobody understands: `rand(30),add(30)` has been
/// seen.
const UNREADABLE: Duration = Duration::from_secs(30);

/// A wait without end: more seconds than fit.
const ENDLESS: Duration = Duration::from_secs(u32::MAX as u64);

/// How long the service wants us to wait: seconds, also with a fraction, or a date. A date counts from the
/// answer's own `Date`, since the two clocks may differ; from `now` where there is none. `None` for what
/// asks for no wait: nothing, a negative number, a date in the past.
#[must_use]
pub fn parse(retry_after: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = retry_after.trim();
    if text.is_empty() {
        return None;
    }
    if let Some(seconds) = seconds(text) {
        // What does not fit is a wait without end, not garbage.
        let wait = || Duration::try_from_secs_f64(seconds).unwrap_or(ENDLESS).min(ENDLESS);
        return (seconds >= 0.0).then(wait);
    }
    let Ok(until) = httpdate::parse_http_date(text) else { return Some(UNREADABLE) };
    let from = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    until.duration_since(from).ok().filter(|wait| !wait.is_zero())
}

/// Digits, with a fraction or a minus sign; not the words and exponents that a number may have elsewhere.
fn seconds(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: Option<&str> = Some("Sun, 06 Nov 1994 08:49:37 GMT");

    fn read(text: &str) -> Option<f64> {
        parse(text, DATE, SystemTime::UNIX_EPOCH).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(read(" 7 "), Some(7.0));
        assert_eq!(read("0"), Some(0.0));
        assert_eq!(read("1.5"), Some(1.5));
        assert_eq!(read("0.25"), Some(0.25));
        assert_eq!(read("315360000"), Some(315_360_000.0));
        assert_eq!(read(&"9".repeat(30)), Some(f64::from(u32::MAX)));
        assert_eq!(read(&"9".repeat(400)), Some(f64::from(u32::MAX)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30.0));
        let from_now = parse("Thu, 01 Jan 1970 00:01:00 GMT", None, SystemTime::UNIX_EPOCH);
        assert_eq!(from_now, Some(Duration::from_secs(60)));
    }

    #[test]
    fn what_asks_for_no_wait_is_none() {
        for text in ["", "  ", "-1", "-1.5", "Sun, 06 Nov 1994 08:00:00 GMT", "Wed, 21 Oct 1970 07:28:00 GMT"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_nobody_understands_is_half_a_minute() {
        for text in [
            "rand(30),add(30)",
            "soon",
            "2 seconds",
            "1, 1",
            "PT2S",
            "1.2.3",
            ".",
            "+5",
            "1e3",
            "inf",
            "NaN",
            "٣",
            "-",
        ] {
            assert_eq!(read(text), Some(30.0), "{text}");
        }
    }
}
