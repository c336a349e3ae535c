//! What a run tells while it is under way.

use std::time::Duration;

use crate::domain::RunId;

/// Where a run stands. What is counted here is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Operations of the run.
    pub total: u64,
    /// Operations done.
    pub done: u64,
    /// Operations that were in effect already.
    pub unchanged: u64,
    /// Operations failed, rows that cannot be sent not included.
    pub failed: u64,
    /// Rows that cannot be sent.
    pub invalid: u64,
    /// Requests made by this process.
    pub requests: u64,
}

/// An operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedOperation<'a> {
    /// The line of its row.
    pub line: u32,
    /// Which of its row's operations it is.
    pub item: u32,
    /// The code of the failure.
    pub code: &'a str,
    /// The words that came with it.
    pub message: &'a str,
}

/// Somebody who watches a run. Nobody who watches can change it.
pub trait Observer {
    /// Sending begins.
    fn started(&mut self, _run: RunId, _progress: &Progress) {}
    /// Something was settled, or a request left.
    fn progress(&mut self, _progress: &Progress) {}
    /// An operation failed, and that is on disk.
    fn failed(&mut self, _failure: &FailedOperation<'_>) {}
    /// A request is sent again, for this reason.
    fn trying_again(&mut self, _why: &str) {}
    /// The service wants everyone to wait so long.
    fn throttled(&mut self, _wait: Duration) {}
    /// A stop was asked for; so many requests are awaited.
    fn stopping(&mut self, _in_flight: usize) {}
    /// Something that the user may want to know.
    fn notice(&mut self, _message: &str) {}
    /// Sending is over.
    fn ended(&mut self) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}
