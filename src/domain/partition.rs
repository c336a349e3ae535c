//! `--partition`: which part of a file's users is taken.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Ceiling, Rate, Unit};

/// The K-th of N parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition {
    /// From 1.
    part: NonZeroU32,
    of: NonZeroU32,
}

/// The text is no part of a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a part: write K/N, the K-th of N parts, as in 1/8")]
pub struct PartitionError(String);

impl Partition {
    /// Whether what has this hash belongs to this part: to exactly one of all of them it does.
    #[must_use]
    pub fn takes(self, hash: u64) -> bool {
        hash % u64::from(self.of.get()) == u64::from(self.part.get() - 1)
    }

    /// Whether it is the first part, which takes what is nobody's.
    #[must_use]
    pub fn is_first(self) -> bool {
        self.part == NonZeroU32::MIN
    }

    /// The part's share of a pace. What is left of a division is nobody's, so that all parts together keep the pace.
    #[must_use]
    pub fn share_of(self, rate: Rate) -> Rate {
        match rate {
            Rate::Auto(ceiling) => Rate::Auto(self.share_of_ceiling(ceiling)),
            Rate::AtMost(ceiling) => Rate::AtMost(self.share_of_ceiling(ceiling)),
        }
    }

    fn share_of_ceiling(self, ceiling: Ceiling) -> Ceiling {
        let Ceiling::Per { requests, unit } = ceiling else { return ceiling };
        // In the longest unit, the smallest share is still told apart.
        let an_hour: u64 = match unit {
            Unit::Second => 3600,
            Unit::Minute => 60,
            Unit::Hour => 1,
        };
        let parts = u64::from(self.of.get());
        let (whole, rest) = (u64::from(requests.get()) / parts, u64::from(requests.get()) % parts);
        let (share, unit) = match rest {
            0 => (whole, unit),
            _ => (u64::from(requests.get()) * an_hour / parts, Unit::Hour),
        };
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        Ceiling::Per { requests: NonZeroU32::new(share).unwrap_or(NonZeroU32::MIN), unit }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        let number = |text: &str| text.trim().parse::<NonZeroU32>().ok();
        let read = text.split_once('/').and_then(|(part, of)| Some((number(part)?, number(of)?)));
        match read {
            Some((part, of)) if part <= of => Ok(Self { part, of }),
            _ => Err(PartitionError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Partition {
    type Error = PartitionError;

    fn try_from(text: String) -> Result<Self, PartitionError> {
        text.parse()
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_so_many() {
        for text in ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", ""] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
        let parts: Vec<Partition> = ["1/3", "2 / 3", "3/3"].map(|text| text.parse().unwrap()).into();
        for hash in [0, 1, 2, 3, u64::MAX] {
            assert_eq!(parts.iter().filter(|part| part.takes(hash)).count(), 1);
        }
    }

    #[test]
    fn the_shares_of_all_parts_are_never_more_than_the_pace() {
        for (parts, rate, share) in [
            ("1/3", "auto:300/min", "auto:100/min"),
            ("2/8", "300/min", "2250/h"),
            ("1/3", "5/s", "6000/h"),
            ("1/1", "5/s", "5/s"),
            ("1/7", "2000/h", "285/h"),
            ("1/9", "2/h", "1/h"),
            ("1/3", "unlimited", "unlimited"),
            ("1/3", "auto", "auto"),
        ] {
            let partition: Partition = parts.parse().unwrap();
            assert_eq!(partition.share_of(rate.parse().unwrap()).to_string(), share, "{rate}");
        }
    }
}
