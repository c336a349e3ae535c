//! Whether anything gets through to the service.

use super::Time;
use std::time::Duration;

/// So many passing faults in a row, and the service is ill.
const ILL: u32 = 10;

/// So many at least before the run is given up for the time that nothing has got through.
const LEAST_FAULTS: u32 = 3;

/// So many answers in a row that are not the API's, with nothing accepted in between, are somebody in the way.
const FOREIGN: u32 = 3;

/// While nothing gets through, so many batches at most are split to find out whether it is for a user of theirs.
const PROBES: u32 = 16;

#[derive(Debug, Default)]
pub(super) struct Health {
    /// Answers that were not passing faults.
    through: u64,
    /// Passing faults since then, and when they began.
    faults: u32,
    since: Time,
    /// The service has asked for a wait since then.
    excused: bool,
    /// Answers that were not the API's since something was accepted.
    foreign: u32,
    /// Batches that were split since something got through, to see whether a part does.
    probes: u32,
}

impl Health {
    pub(super) const fn through(&self) -> u64 {
        self.through
    }

    pub(super) const fn got_through(&mut self) {
        self.through += 1;
        (self.faults, self.probes, self.excused) = (0, 0, false);
    }

    pub(super) const fn accepted(&mut self) {
        self.foreign = 0;
    }

    pub(super) const fn fault(&mut self, now: Time) {
        if self.faults == 0 {
            self.since = now;
        }
        self.faults += 1;
    }

    /// A wait that was asked for is not a time in which nothing got through. But a service that lets nothing
    /// through after it, and asks for another, and another, is not waited for without end.
    pub(super) fn excuse(&mut self, now: Time, until: Time) {
        if !std::mem::replace(&mut self.excused, true) || now < self.since {
            self.since = self.since.max(until);
        }
    }

    /// Whether somebody else answers in the service's place.
    pub(super) const fn is_foreign(&mut self) -> bool {
        self.foreign += 1;
        self.foreign >= FOREIGN
    }

    pub(super) const fn is_ill(&self) -> bool {
        self.faults >= ILL
    }

    /// Nothing has got through for as long as the user bears.
    pub(super) fn is_given_up(&self, now: Time, after: Duration) -> bool {
        self.faults >= LEAST_FAULTS && now.saturating_sub(self.since) >= after
    }

    /// Whether one more batch may be split to find out whether a part of it gets through.
    pub(super) const fn may_probe(&mut self) -> bool {
        self.probes += 1;
        self.probes <= PROBES
    }
}
