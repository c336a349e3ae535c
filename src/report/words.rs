//! Numbers and times as people read them, wherever they read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A count with its noun: "1 user", "2,000 users".
pub(crate) fn amount(count: u64, noun: &str, grouped: bool) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(count, grouped))
}

/// A number, with thousands separators where `grouped`.
pub(crate) fn number(count: u64, grouped: bool) -> String {
    let digits = count.to_string();
    if !grouped {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time from a journal (RFC 3339, UTC), as the clock on the wall has it, with its offset.
pub(crate) fn time(rfc3339: &str, utc: bool) -> String {
    rfc3339.parse::<Timestamp>().map_or_else(|_| rfc3339.to_owned(), |time| moment(time, utc))
}

/// The same of a time that is known already.
pub(crate) fn moment(time: Timestamp, utc: bool) -> String {
    if utc {
        return time.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    }
    time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_for_people_alone() {
        let texts = [0, 999, 1000, 999_999, 1_000_000].map(|count| number(count, true));
        assert_eq!(texts, ["0", "999", "1,000", "999,999", "1,000,000"]);
        assert_eq!(number(1_000_000, false), "1000000");
        assert_eq!(amount(1, "user", true), "1 user");
        assert_eq!(amount(0, "user", true), "0 users");
        assert_eq!(amount(1200, "row", true), "1,200 rows");
    }

    #[test]
    fn times_say_their_zone() {
        assert_eq!(time("2026-11-25T19:51:37.123Z", true), "2026-11-25 19:51:37Z");
        assert_eq!(time("soon", true), "soon");
        assert!(time("2026-11-25T19:51:37.123Z", false).contains(['+', '-']));
    }
}
