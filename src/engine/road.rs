//! Those who share a pace: the whole run, or one organization of it.

use std::collections::BTreeMap;

use super::{LaneNo, Time};
use crate::domain::{BatchId, Rate};
use crate::pace::Pace;

#[derive(Debug)]
pub(super) struct Road {
    pub(super) pace: Pace,
    /// The service's own wish: nothing leaves before.
    pub(super) pause: Time,
    /// The pace gives no leave before.
    pub(super) paced_until: Time,
    /// Batches with an intent, or about to have one, and not sent.
    pub(super) ahead: u32,
    /// Throttled, and not sent since, with their lanes: they leave before what was never sent.
    pub(super) throttled: BTreeMap<BatchId, LaneNo>,
}

impl Road {
    pub(super) fn new(rate: Rate, pause: Time) -> Self {
        Self { pace: Pace::new(rate), pause, paced_until: Time::ZERO, ahead: 0, throttled: BTreeMap::new() }
    }

    /// When what is made ready now may leave, about.
    pub(super) fn leaving(&self) -> Time {
        self.pace.expected(self.ahead)
    }
}
