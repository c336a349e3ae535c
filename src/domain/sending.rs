//! How a run is to be sent: the words of the sending options.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The shape of the body of `PATCH /licenses/users`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireForm {
    /// An array of assignments, as the specification has it.
    Array,
    /// One assignment, one user per request, as the live reference has it.
    Object,
}

impl fmt::Display for WireForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "array",
            Self::Object => "object",
        })
    }
}

/// `--wire`: which form to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// Begin with the array form and find out.
    #[default]
    Auto,
    /// The array form only.
    Array,
    /// The object form only.
    Object,
}

impl From<WireForm> for Wire {
    /// This form only.
    fn from(form: WireForm) -> Self {
        match form {
            WireForm::Array => Self::Array,
            WireForm::Object => Self::Object,
        }
    }
}

/// `--order`: how assignments are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As users first appear in the file.
    #[default]
    File,
    /// Users that only give licenses back first, then those that swap, then those that only get.
    RemovesFirst,
    /// Waves that wait for units; numbered anew once the units are known, until then as the file has them.
    Fit,
}

/// What may leave before what, beside the numbers of assignments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequence {
    /// Whatever has the lower number is begun first, and waits for nothing.
    #[default]
    Free,
    /// Who gets a license waits for everyone before who gives it back, whatever order the numbers have.
    RemovesFirst,
    /// The same between waves alone, of which these are the first assignments.
    Waves(Vec<u32>),
}

/// `--rate-per`: whose ceiling the rate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RatePer {
    /// The whole run's: a refusal for the pace is everyone's.
    #[default]
    Run,
    /// Each organization's: a refusal for the pace is its own.
    Org,
}

/// `--in-doubt`: what to do with what was sent and never answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InDoubt {
    /// Send the same again: adding what is held and removing what is not change nothing.
    #[default]
    Resend,
    /// Ask the service first.
    Verify,
}

/// `--snapshot`: whether it is kept who held what before the first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "StoredSnapshot", rename_all = "lowercase")]
pub enum Snapshot {
    /// Where it takes few requests and the token may read it.
    #[default]
    Auto,
    /// Nothing is sent without it.
    Yes,
    /// Not at all.
    No,
}

/// As runs of earlier releases have it, too: a yes or a no.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredSnapshot {
    Flag(bool),
    Word(SnapshotWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SnapshotWord {
    Auto,
    Yes,
    No,
}

impl From<StoredSnapshot> for Snapshot {
    fn from(stored: StoredSnapshot) -> Self {
        match stored {
            StoredSnapshot::Flag(true) | StoredSnapshot::Word(SnapshotWord::Yes) => Self::Yes,
            StoredSnapshot::Flag(false) | StoredSnapshot::Word(SnapshotWord::No) => Self::No,
            StoredSnapshot::Word(SnapshotWord::Auto) => Self::Auto,
        }
    }
}

/// `--rate`: what keeps requests apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rate {
    /// The pace finds the service's limit by itself, and never goes above this ceiling.
    Auto(Ceiling),
    /// A pace that the user knows to be right; refusals alone slow it down.
    AtMost(Ceiling),
}

impl Rate {
    /// What it never goes above.
    #[must_use]
    pub const fn ceiling(self) -> Ceiling {
        match self {
            Self::Auto(ceiling) | Self::AtMost(ceiling) => ceiling,
        }
    }

    /// The least time between two requests; `None` without a ceiling.
    #[must_use]
    pub fn period(self) -> Option<Duration> {
        self.ceiling().period()
    }
}

impl Default for Rate {
    /// Admins report that the service holds less for long than the figure its pages name.
    fn default() -> Self {
        Self::Auto(Ceiling::default())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto(Ceiling::Unlimited) => f.write_str("auto"),
            Self::Auto(ceiling) => write!(f, "auto:{ceiling}"),
            Self::AtMost(ceiling) => ceiling.fmt(f),
        }
    }
}

impl FromStr for Rate {
    type Err = CeilingError;

    fn from_str(text: &str) -> Result<Self, CeilingError> {
        let text = text.trim();
        let (word, ceiling) = text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest)));
        match (word.trim().eq_ignore_ascii_case("auto"), ceiling) {
            (true, None) => Ok(Self::Auto(Ceiling::Unlimited)),
            (true, Some(ceiling)) => {
                let ceiling = ceiling.trim().parse();
                ceiling.map(Self::Auto).map_err(|_: CeilingError| CeilingError(text.to_owned()))
            }
            (false, _) => text.parse().map(Self::AtMost),
        }
    }
}

impl TryFrom<String> for Rate {
    type Error = CeilingError;

    fn try_from(text: String) -> Result<Self, CeilingError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

/// The most requests in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceiling {
    /// No limit of ours.
    Unlimited,
    /// So many requests a second, minute or hour.
    Per {
        /// How many.
        requests: NonZeroU32,
        /// In which time.
        unit: Unit,
    },
}

/// The unit of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }
}

/// The text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a rate: write auto:300/min, 300/min, 5/s, 2000/h, auto or unlimited")]
pub struct CeilingError(String);

impl Default for Ceiling {
    /// 300 a minute, the figure the service's pages commonly name.
    fn default() -> Self {
        Self::Per { requests: NonZeroU32::MIN.saturating_add(299), unit: Unit::Minute }
    }
}

impl Ceiling {
    /// The time between two requests; `None` without a limit.
    #[must_use]
    pub fn period(self) -> Option<Duration> {
        match self {
            Self::Unlimited => None,
            Self::Per { requests, unit } => Some(Duration::from_secs(unit.seconds()) / requests.get()),
        }
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Per { requests, unit } => write!(f, "{requests}/{}", unit.word()),
        }
    }
}

impl FromStr for Ceiling {
    type Err = CeilingError;

    fn from_str(text: &str) -> Result<Self, CeilingError> {
        let wrong = || CeilingError(text.to_owned());
        if text.eq_ignore_ascii_case("unlimited") {
            return Ok(Self::Unlimited);
        }
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let requests: NonZeroU32 = count.trim().parse().map_err(|_| wrong())?;
        let unit = match unit.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => Unit::Second,
            "m" | "min" | "minute" => Unit::Minute,
            "h" | "hour" => Unit::Hour,
            _ => return Err(wrong()),
        };
        // A nanosecond is the finest period a pacer can keep.
        let rate = Self::Per { requests, unit };
        rate.period().filter(|period| !period.is_zero()).map(|_| rate).ok_or_else(wrong)
    }
}

/// `--max-failures`: how many failed operations a run bears before it pauses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FailureLimit {
    /// So many operations.
    Count(u64),
    /// So many in a hundred of the run's operations.
    Percent(f64),
}

/// The text is no limit on failures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a limit on failures: write a number such as 50, or a share such as 2%")]
pub struct FailureLimitError(String);

impl FailureLimit {
    /// Whether `failed` of `total` operations are more than the run bears.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of operations stay far below 2^52")]
    pub fn is_exceeded(self, failed: u64, total: u64) -> bool {
        match self {
            Self::Count(most) => failed > most,
            Self::Percent(share) => failed as f64 > total as f64 * share / 100.0,
        }
    }
}

impl fmt::Display for FailureLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => most.fmt(f),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl FromStr for FailureLimit {
    type Err = FailureLimitError;

    fn from_str(text: &str) -> Result<Self, FailureLimitError> {
        let wrong = || FailureLimitError(text.to_owned());
        let Some(share) = text.strip_suffix('%') else {
            return text.parse().map(Self::Count).map_err(|_| wrong());
        };
        let share: f64 = share.trim().parse().map_err(|_| wrong())?;
        (0.0..=100.0).contains(&share).then_some(Self::Percent(share)).ok_or_else(wrong)
    }
}

impl TryFrom<String> for FailureLimit {
    type Error = FailureLimitError;

    fn try_from(text: String) -> Result<Self, FailureLimitError> {
        text.parse()
    }
}

impl From<FailureLimit> for String {
    fn from(limit: FailureLimit) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written_back() {
        for (text, period) in [("300/min", 200), ("5/s", 200), ("3600/h", 1000), ("60/m", 1000)] {
            let rate: Ceiling = text.parse().unwrap();
            assert_eq!(rate.period(), Some(Duration::from_millis(period)), "{text}");
            assert_eq!(rate.to_string().parse::<Ceiling>().unwrap(), rate);
        }
        assert_eq!("Unlimited".parse::<Ceiling>().unwrap().period(), None);
        assert_eq!(Rate::default().to_string(), "auto:300/min");
        for text in ["auto", "auto:5/s", "auto:300/min", "unlimited", "5/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rate_says_what_would_be() {
        for text in ["", "300", "0/min", "-1/s", "1.5/s", "5/day", "/s", "5/", "auto:", "auto:5", "5/s:auto"]
        {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(&format!("'{text}' is not a rate: write auto:300/min")), "{error}");
        }
    }

    #[test]
    fn a_limit_on_failures_is_exceeded_above_it() {
        let count: FailureLimit = "5".parse().unwrap();
        assert!(!count.is_exceeded(5, 10) && count.is_exceeded(6, 10));
        let share: FailureLimit = "2.5%".parse().unwrap();
        assert!(!share.is_exceeded(25, 1000) && share.is_exceeded(26, 1000));
        for text in ["", "%", "101%", "-1", "-1%", "NaN%"] {
            assert!(text.parse::<FailureLimit>().is_err(), "{text}");
        }
    }
}
