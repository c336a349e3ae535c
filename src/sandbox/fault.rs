//! Faults on request.

use std::str::FromStr;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mishap {
    /// Another status, before anything is done.
    Status { status: u16, retry_after: Option<String>, code: Option<String> },
    /// The answer comes later.
    Delay { millis: u64 },
    /// The connection closes before anything is done.
    DropBefore,
    /// The connection closes after it is done.
    DropAfter,
    /// It is done, and the body of the answer is nonsense.
    Garbage,
    /// It is done, and the body of the answer breaks off.
    Cut,
    /// The user's part is refused with this code.
    Refuse { code: String },
    /// The user's part is answered as done and is not.
    Ignore,
}

/// A fault and when it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub(super) effect: Mishap,
    /// Only for requests that carry this user.
    pub(super) user: Option<String>,
    /// Only for requests about this organization.
    pub(super) org: Option<String>,
    /// From this request on, counted from 1.
    pub(super) from: u64,
    /// So often at most.
    pub(super) times: u64,
    /// With this probability.
    pub(super) chance: f64,
}

/// The text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a fault: write for example status=503,chance=0.05 or drop=after,user=user7@example.com,times=1"
)]
pub struct FaultError(String);

impl Fault {
    fn of(effect: Mishap) -> Self {
        Self { effect, user: None, org: None, from: 1, times: u64::MAX, chance: 1.0 }
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match (key, &mut self.effect) {
            ("user", _) => self.user = Some(value.to_lowercase()),
            ("org", _) => self.org = Some(value.to_owned()),
            ("from", _) => self.from = value.parse().ok()?,
            ("times", _) => self.times = value.parse().ok()?,
            ("chance", _) => {
                self.chance = value.parse().ok().filter(|chance| (0.0..=1.0).contains(chance))?
            }
            ("retry-after", Mishap::Status { retry_after, .. }) => *retry_after = Some(value.to_owned()),
            ("code", Mishap::Status { code, .. }) => *code = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }
}

fn effect(text: &str) -> Option<Mishap> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    Some(match (name, value) {
        ("status", status) => {
            let status = status.parse().ok().filter(|status| (200..=599).contains(status))?;
            Mishap::Status { status, retry_after: None, code: None }
        }
        ("delay", millis) => Mishap::Delay { millis: millis.parse().ok()? },
        ("drop", "before") => Mishap::DropBefore,
        ("drop", "after") => Mishap::DropAfter,
        ("garbage", "") => Mishap::Garbage,
        ("cut", "") => Mishap::Cut,
        ("refuse", code) if !code.is_empty() => Mishap::Refuse { code: code.to_owned() },
        ("ignore", "") => Mishap::Ignore,
        _ => return None,
    })
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = || FaultError(text.to_owned());
        let mut parts = text.split(',');
        let mut fault = Self::of(parts.next().and_then(effect).ok_or_else(wrong)?);
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            fault.set(key, value).ok_or_else(wrong)?;
        }
        Ok(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read() {
        let fault: Fault =
            "status=429,retry-after=2,user=A@example.com,org=O1,from=3,times=1,chance=0.5".parse().unwrap();
        assert_eq!(fault.effect, Mishap::Status { status: 429, retry_after: Some("2".into()), code: None });
        assert_eq!(fault.org.as_deref(), Some("O1"));
        assert_eq!((fault.user.as_deref(), fault.from, fault.times), (Some("a@example.com"), 3, 1));
        for text in ["drop=before", "drop=after", "garbage", "cut", "ignore", "refuse=X", "delay=5"] {
            assert!(text.parse::<Fault>().is_ok(), "{text}");
        }
        for text in [
            "",
            "status=abc",
            "status=99",
            "drop",
            "drop=never",
            "garbage,retry-after=1",
            "cut,chance=2",
            "delay=1,x",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
