//! Durations, and why the system did not do something, as people read them; numbers and times as the reports have them.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

pub(super) use crate::report::{amount, moment, number, time};

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
    fn durations_have_two_units_at_most() {
        let texts =
            [0, 9, 99, 100, 3600, 5999, 7260, 172_800, 180_000].map(|s| duration(Duration::from_secs(s)));
        let right =
            ["0.0 s", "9.0 s", "99 s", "1 min 40 s", "60 min", "99 min 59 s", "2 h 1 min", "2 d", "2 d 2 h"];
        assert_eq!(texts, right);
    }

    #[test]
    fn what_lies_between_two_times_is_never_less_than_nothing() {
        assert_eq!(
            between("2026-11-25T19:51:37.000Z", "2026-11-25T19:51:38.500Z"),
            Duration::from_millis(1500)
        );
        assert_eq!(between("2026-11-25T19:51:37Z", "2026-11-25T19:51:36Z"), Duration::ZERO);
    }
}
