//! How the service is asked, by whatever command.

use std::num::NonZeroU32;

use clap::Args;

use super::Sending;
use super::number::counted;
use crate::domain::Rate;

/// The options of every command that talks to the service.
#[derive(Debug, Clone, Args, Default)]
pub(in crate::cli) struct Asking {
    /// Highest rate of requests [default: auto:300/min].
    ///
    /// N/s, N/min, N/h or unlimited; auto:300/min finds the service's limit by itself and never goes above 300 a minute, auto
    /// knows no ceiling.
    #[arg(long)]
    pub(in crate::cli) rate: Option<Rate>,
    /// Seconds one request may take [default: 60].
    #[arg(value_parser = counted::<NonZeroU32>, long, value_name = "SECONDS", hide_short_help = true)]
    pub(in crate::cli) timeout: Option<NonZeroU32>,
    /// The longest Retry-After that is waited for, in seconds or as 90s, 30m, 2h; a longer one
    /// pauses the run, or ends what only reads [default: 1h].
    #[arg(long, value_name = "TIME", value_parser = seconds, hide_short_help = true)]
    pub(in crate::cli) max_wait: Option<u32>,
}

impl Asking {
    /// The same where nothing is said of sending.
    pub(in crate::cli) fn only(&self) -> Sending {
        Sending { asking: self.clone(), ..Sending::default() }
    }
}

/// Reads a time as whole seconds: a bare number, or one with a unit.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let wrong = |_| format!("'{text}' is not a time: write seconds, or 90s, 30m, 2h");
    let parsed = text.parse().or_else(|_| {
        let duration: jiff::SignedDuration = text.parse().map_err(|_| ())?;
        u32::try_from(duration.as_secs()).map_err(|_| ())
    });
    parsed.map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_seconds_or_says_its_unit() {
        let read: Vec<_> = ["0", "90", "90s", "30m", "2h", "1h 30m"]
            .into_iter()
            .map(|text| seconds(text).unwrap())
            .collect();
        assert_eq!(read, [0, 90, 90, 1800, 7200, 5400]);
        for text in ["", "-5", "-5s", "soon", "9999999999"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn whoever_talks_to_the_service_is_told_how() {
        use crate::cli::args::parse;
        let how = ["--rate", "60/min", "--timeout", "9", "--max-wait", "30m"];
        for words in [
            "plan people.csv",
            "diff people.csv -o changes.csv",
            "rehearse people.csv",
            "apply people.csv",
            "resume",
            "retry",
            "verify",
            "undo -o undo.csv --live",
            "licenses list",
            "licenses show Messaging --users",
        ] {
            let line = ["seatbatch"].into_iter().chain(words.split(' ')).chain(how);
            assert!(parse(line).is_ok(), "{words}");
        }
    }
}
