//! Names of our own for requests, known before they leave: support finds by them even what was never
//! answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::HeaderName;

use crate::domain::AttemptId;

/// The header that carries the name, both ways.
pub(super) const TRACKING_ID: HeaderName = HeaderName::from_static("trackingid");

/// Set in the number of a request that is no attempt of a run.
const READ: u64 = 1 << 47;

/// Gives each request of a process a name that no other request has.
#[derive(Debug, Clone)]
pub struct TrackingIds {
    beginning: Arc<str>,
    reads: Arc<AtomicU64>,
}

impl TrackingIds {
    /// `random` tells this process from every other.
    #[must_use]
    pub fn new(random: u128) -> Self {
        let part = |shift: u32, mask: u128| (random >> shift) & mask;
        let (a, b, c, d) = (part(0, 0xffff_ffff), part(32, 0xffff), part(48, 0xffff), part(64, 0xffff));
        let beginning = format!("seatbatch-{a:08x}-{b:04x}-{c:04x}-{d:04x}-").into();
        Self { beginning, reads: Arc::new(AtomicU64::new(0)) }
    }

    /// The name of an attempt, which is made once.
    #[must_use]
    pub fn of_attempt(&self, attempt: AttemptId) -> String {
        self.name(attempt.0.into())
    }

    /// The name of the next request that is no attempt.
    pub(super) fn next_read(&self) -> String {
        self.name(READ | self.reads.fetch_add(1, Ordering::Relaxed))
    }

    fn name(&self, number: u64) -> String {
        format!("{}{number:012x}", self.beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_name_of_its_own() {
        let ids = TrackingIds::new(0x1111_2222_3333_4444_5555_6666);
        assert_eq!(ids.of_attempt(AttemptId(17)), "seatbatch-55556666-4444-3333-2222-000000000011");
        assert_eq!(ids.next_read(), "seatbatch-55556666-4444-3333-2222-800000000000");
        assert_eq!(ids.clone().next_read(), "seatbatch-55556666-4444-3333-2222-800000000001");
        assert_ne!(
            TrackingIds::new(1).of_attempt(AttemptId(1)),
            TrackingIds::new(2).of_attempt(AttemptId(1))
        );
    }
}
