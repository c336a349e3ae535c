//! Numbers, times and states as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::OperationState;

/// A number, with thousands separators where `grouped`.
pub(super) fn number(count: u64, grouped: bool) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if grouped && place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 user", "2,000 users".
pub(super) fn amount(count: u64, noun: &str, grouped: bool) -> String {
    format!("{} {noun}{}", number(count, grouped), if count == 1 { "" } else { "s" })
}

/// A time of the journal, as the clock on the wall has it, with its offset.
pub(super) fn time(rfc3339: &str, utc: bool) -> String {
    let Ok(time) = rfc3339.parse::<Timestamp>() else { return rfc3339.to_owned() };
    if utc {
        return time.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    }
    time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// What a state is called by people.
pub(super) const fn state(state: OperationState) -> &'static str {
    match state {
        OperationState::Done => "done",
        OperationState::Unchanged => "unchanged",
        OperationState::Failed => "failed",
        OperationState::Invalid => "invalid",
        OperationState::InDoubt => "in doubt",
        OperationState::Sending => "being sent",
        OperationState::Pending => "pending",
    }
}

/// What an attempt's outcome is called by people.
pub(super) fn outcome(word: &str) -> &str {
    match word {
        "send_again" => "to be sent again",
        "in_doubt" => "in doubt",
        "unauthorized" => "token not accepted",
        "forbidden" => "not allowed",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(
            (number(1_234_567, true), number(1_234_567, false)),
            ("1,234,567".into(), "1234567".into())
        );
        assert_eq!(
            (amount(1, "user", true), amount(2000, "user", true)),
            ("1 user".into(), "2,000 users".into())
        );
        assert_eq!(time("2026-11-25T19:51:37.123Z", true), "2026-11-25 19:51:37Z");
        assert_eq!(time("soon", true), "soon");
    }
}
