//! Numbers, times and durations as people read them.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A count with its noun: "1 user", "2,000 users".
pub(super) fn amount(count: u64, noun: &str, grouped: bool) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(count, grouped))
}

/// A number, with thousands separators where `grouped`.
pub(super) fn number(count: u64, grouped: bool) -> String {
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

/// A time that something took, or will take.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..100 => format!("{seconds} s"),
        100..6000 => two(seconds / 60, "min", seconds % 60, "s"),
        6000..172_800 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// A time from a journal (RFC 3339, UTC), as the clock on the wall has it, with its offset.
pub(super) fn time(rfc3339: &str, utc: bool) -> String {
    rfc3339.parse::<Timestamp>().map_or_else(|_| rfc3339.to_owned(), |time| moment(time, utc))
}

/// The same of a time that is known already.
pub(super) fn moment(time: Timestamp, utc: bool) -> String {
    if utc {
        return time.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    }
    time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Between two times from a journal.
pub(super) fn between(from: &str, to: &str) -> Duration {
    let parsed = (from.parse::<Timestamp>(), to.parse::<Timestamp>());
    let (Ok(from), Ok(to)) = parsed else { return Duration::ZERO };
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Why the operating system did not do something.
pub(super) fn cause(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder",
        io::ErrorKind::PermissionDenied => "it may not be opened or written by this user",
        io::ErrorKind::AlreadyExists => "there is one of this name already",
        io::ErrorKind::IsADirectory => "it is a folder",
        io::ErrorKind::NotADirectory => "what should be a folder is a file",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full",
        io::ErrorKind::ReadOnlyFilesystem => "nothing can be written on this disk",
        io::ErrorKind::FileTooLarge => "the file is too large for this disk",
        io::ErrorKind::InvalidFilename => "a file cannot have this name",
        io::ErrorKind::ResourceBusy | io::ErrorKind::ExecutableFileBusy => "another program is using it",
        io::ErrorKind::AddrInUse => "another program listens at this address",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        io::ErrorKind::ConnectionRefused => "nothing listens there",
        io::ErrorKind::TimedOut => "no answer came in time",
        io::ErrorKind::InvalidData => "it is not text that can be read",
        io::ErrorKind::UnexpectedEof => "it ends too early",
        io::ErrorKind::OutOfMemory => "there is not enough memory",
        // Ours have words of their own.
        _ if error.raw_os_error().is_none() => return error.to_string(),
        _ => "",
    };
    match (words, error.raw_os_error()) {
        ("", Some(number)) => format!("the system refused (error {number})"),
        (words, _) => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_in_our_words() {
        let system = |number| cause(&io::Error::from_raw_os_error(number));
        assert_eq!([2, 28].map(system), ["there is no such file or folder", "the disk is full"]);
        assert_eq!(
            cause(&io::Error::other("its symbolic links lead in a circle")),
            "its symbolic links lead in a circle"
        );
        assert!(!system(71).contains("os error"), "{}", system(71));
    }

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
    fn durations_have_two_units_at_most() {
        let texts =
            [0, 9, 99, 100, 3600, 5999, 7260, 172_800, 180_000].map(|s| duration(Duration::from_secs(s)));
        let right =
            ["0.0 s", "9.0 s", "99 s", "1 min 40 s", "60 min", "99 min 59 s", "2 h 1 min", "2 d", "2 d 2 h"];
        assert_eq!(texts, right);
    }

    #[test]
    fn times_say_their_zone() {
        assert_eq!(time("2026-11-25T19:51:37.123Z", true), "2026-11-25 19:51:37Z");
        assert_eq!(time("soon", true), "soon");
        assert!(time("2026-11-25T19:51:37.123Z", false).contains(['+', '-']));
        assert_eq!(
            between("2026-11-25T19:51:37.000Z", "2026-11-25T19:51:38.500Z"),
            Duration::from_millis(1500)
        );
        assert_eq!(between("2026-11-25T19:51:37Z", "2026-11-25T19:51:36Z"), Duration::ZERO);
    }
}
