//! What was asked of the sandbox.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// A `PATCH /licenses/users`.
#[derive(Debug, Clone, Serialize)]
pub struct RequestLog {
    /// When it came, since the start.
    #[serde(rename = "at_ms", serialize_with = "millis")]
    pub at: Duration,
    /// The users it carried, by address or person ID.
    pub users: Vec<String>,
    /// The organization it was about, where it named one.
    pub org: Option<String>,
    /// Whether it was about several, which no batch may be.
    pub mixes_organizations: bool,
    /// What was answered; 0 where the connection was closed instead.
    pub status: u16,
}

fn millis<S: serde::Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
}

/// Every `PATCH` in the order of arrival.
#[derive(Debug)]
pub struct Requests {
    begun: Instant,
    all: Mutex<Vec<RequestLog>>,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), all: Mutex::new(Vec::new()) }
    }

    /// Notes an arrival; gives back its number, from 1.
    pub(super) fn arrived(&self) -> u64 {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(RequestLog {
            at: self.begun.elapsed(),
            users: Vec::new(),
            org: None,
            mixes_organizations: false,
            status: 0,
        });
        all.len() as u64
    }

    pub(super) fn note(&self, number: u64, change: impl FnOnce(&mut RequestLog)) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = usize::try_from(number).ok().and_then(|number| all.get_mut(number.checked_sub(1)?));
        if let Some(entry) = entry {
            change(entry);
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<RequestLog> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
