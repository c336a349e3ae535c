//! What an answer can mean: all that the machine knows of answers.

use std::time::Duration;

use crate::domain::{ErrorCode, OperationFailure, Refusal, Unconnected};

/// A 4xx for the request as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The status code.
    pub status: u16,
    /// The service's code, where it gave one.
    pub code: Option<ErrorCode>,
    /// The service's words, or ours where it had none.
    pub message: String,
    /// What support asks for.
    pub tracking_id: Option<String>,
}

impl Rejection {
    /// What a lone assignment fails with.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let code = self.code.clone().unwrap_or_else(|| ErrorCode::from_status(self.status));
        Refusal { code, message: self.message.clone() }
    }
}

/// An answer that is not the API's: a gateway's, a company's proxy's, a sign-in page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The status code.
    pub status: u16,
    /// What it was and whose it seems to be, in words, for whoever reads why the run pauses.
    pub reason: String,
}

/// Whether what was sent may have been done, though no success was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayBeDone {
    /// Surely not: it was not sent, or sent back as it came.
    No,
    /// Something failed in the middle of it, or behind a gateway. It counts as not done, and who is refused when it
    /// is sent again may be refused for having it.
    Perhaps,
    /// It was sent and never answered: in doubt.
    InDoubt,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The service took the batch; these operations of it failed.
    Accepted {
        /// The operations that failed.
        failures: Vec<OperationFailure>,
        /// What the service said of operations that are done all the same.
        words: Option<String>,
    },
    /// The service refused the batch.
    Rejected(Rejection),
    /// A passing fault.
    SendAgain {
        /// How long the service wants everyone to wait.
        retry_after: Option<Duration>,
        /// Whether the operations may have been done all the same.
        done: MayBeDone,
        /// Whether the service answered at all.
        answered: bool,
        /// Whether it refused for the pace (429).
        throttled: bool,
        /// What happened, in words.
        reason: String,
    },
    /// Surely not sent: something is in the way of every request.
    CutOff(Unconnected),
    /// Whether the operations were done is unknown, for this reason.
    InDoubt(String),
    /// The answer is not the API's. In doubt, and where it goes on the run is held up by somebody.
    Foreign(Foreign),
    /// The token was not accepted.
    Unauthorized,
    /// Refused with 403: the token may not do this, or not with this user.
    Forbidden(Rejection),
}
