//! A few users who go first, and must all succeed.

use crate::domain::ResumePoint;

#[derive(Debug)]
pub(super) struct Canary {
    /// Assignments below this one go first.
    end: Option<u32>,
    users: u32,
    /// Operations of theirs failed or stay in doubt.
    failed: bool,
}

impl Canary {
    /// So many users go first, unless somebody after them was sent already.
    pub(super) fn new(users: Option<u32>, from: &ResumePoint) -> Self {
        let end = users.map(|users| from.first.saturating_add(users));
        let end = end.filter(|end| !from.lanes.iter().any(|lane| lane.is_sent_from(*end)));
        Self { end, users: users.unwrap_or(0), failed: from.failed > 0 }
    }

    pub(super) const fn waits_for(&self) -> Option<u32> {
        self.end
    }

    /// Only assignments below this one may go.
    pub(super) fn end(&self) -> u32 {
        self.end.unwrap_or(u32::MAX)
    }

    pub(super) const fn users(&self) -> u32 {
        self.users
    }

    pub(super) const fn fail(&mut self) {
        self.failed |= self.end.is_some();
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    pub(super) const fn end_it(&mut self) {
        self.end = None;
    }
}
