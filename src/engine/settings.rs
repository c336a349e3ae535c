//! What the engine is told at its start, and how it may end.

use std::fmt;
use std::time::Duration;

use crate::domain::{FailureLimit, InDoubt, OrgId, Rate, RatePer, Sequence, Wire};

/// How to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Assignments per batch in the array form; at least 1.
    pub batch_size: u32,
    /// Requests in flight; at least 1.
    pub concurrency: u32,
    /// Attempts per batch in this process before it is given up; at least 1.
    pub max_attempts: u32,
    /// Which form to send.
    pub wire: Wire,
    /// What keeps requests apart.
    pub rate: Rate,
    /// Whose requests it keeps apart.
    pub rate_per: RatePer,
    /// What may leave before what.
    pub sequence: Sequence,
    /// The longest `Retry-After` that is waited for.
    pub max_wait: Duration,
    /// How long nothing may get through before the run pauses, once something did.
    pub give_up_after: Duration,
    /// What to do with what is in doubt.
    pub in_doubt: InDoubt,
    /// So many assignments go first, and must all succeed.
    pub canary: Option<u32>,
    /// How many failed operations pause the run.
    pub max_failures: Option<FailureLimit>,
    /// How long answers are awaited after a stop.
    pub stop_grace: Duration,
    /// Operations of the run, for a share of failures.
    pub operations: u64,
    /// The user has said that everything is right: what is refused is refused.
    pub assured: bool,
    /// The run was given up before, and the user goes on: where nothing gets through once more of what has all been
    /// tried before, it is for its own sake.
    pub last_try: bool,
    /// The run paused for a 403, and the user goes on: a few users who are refused so are refused for their own sake.
    pub insisted: bool,
}

/// Why the engine came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every batch has its last outcome.
    Finished,
    /// What was asked for is sent, and there is more.
    NotAllAsked {
        /// Operations that are still to be sent.
        pending: u64,
    },
    /// It was asked to.
    Stopped,
    /// The token is not accepted, and reading it again gave no better one.
    TokenRejected,
    /// The token may not do this.
    Forbidden {
        /// In this organization, where the run has several.
        org: Option<OrgId>,
        /// The service's words, where it had any.
        words: Option<String>,
        /// What support asks for.
        tracking_id: Option<String>,
    },
    /// The service wants a longer pause than is waited for.
    LongPause {
        /// For this organization, where the run has several.
        org: Option<OrgId>,
        /// How long.
        wait: Duration,
    },
    /// Nothing gets through, for as long or as often as is borne.
    Unreachable(String),
    /// Something is in the way of every request, and does not go away by waiting.
    CutOff(String),
    /// Somebody else answers in the service's place, as this says.
    Foreign(String),
    /// The service would not say what became of what is in doubt.
    CannotVerify(String),
    /// The service would not say who holds the licenses before the first request.
    NoSnapshot(String),
    /// Not all of the users that went first succeeded.
    Canary {
        /// So many went first.
        users: u32,
    },
    /// More operations failed than the run bears.
    TooManyFailures {
        /// So many.
        failed: u64,
    },
    /// Nothing has been accepted and everything is refused without a reason.
    ProbablyWrong {
        /// The last refusal, in words.
        refusal: String,
    },
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::NotAllAsked { pending: 1 } => {
                f.write_str("one operation of the run was not asked for and is still to be sent; resume sends it")
            }
            Self::NotAllAsked { pending } => write!(
                f,
                "{pending} operations of the run were not asked for and are still to be sent; resume sends them"
            ),
            Self::Stopped => f.write_str("stopped by a signal"),
            Self::TokenRejected => f.write_str(
                "the access token is not accepted (HTTP 401); put a new one into WEBEX_ACCESS_TOKEN or the token file",
            ),
            Self::Forbidden { org, words, tracking_id } => {
                f.write_str(
                    "the access token may not change licenses (HTTP 403): it needs the scope \
                     spark-admin:people_write, from an administrator of the organization",
                )?;
                org.iter().try_for_each(|org| write!(f, " {org}"))?;
                words.iter().try_for_each(|words| write!(f, "; the service says: {words}"))?;
                tracking_id.iter().try_for_each(|id| write!(f, " (tracking ID {id})"))
            }
            Self::Foreign(reason) => write!(
                f,
                "something between here and the service answers in its place, three times in a row: {reason}. \
                 What these requests carried is in doubt; resume once nothing is in the way"
            ),
            Self::LongPause { org, wait } => {
                write!(f, "the service asks to wait {} s", wait.as_secs())?;
                org.iter().try_for_each(|org| write!(f, " for the organization {org}"))?;
                f.write_str(", longer than --max-wait; resume later, or raise --max-wait")
            }
            Self::CannotVerify(reason) => write!(
                f,
                "what is in doubt cannot be verified ({reason}), and nothing is sent again unverified; \
                 resume later, or with --in-doubt resend"
            ),
            Self::NoSnapshot(reason) => write!(
                f,
                "who holds the licenses before the run cannot be asked ({reason}), so nothing was sent; \
                 resume later, or with --snapshot no"
            ),
            Self::Canary { users } => write!(
                f,
                "the first {users} users did not all succeed; look at the failures CSV; resume then sends the others"
            ),
            Self::Unreachable(reason) => {
                write!(f, "nothing gets through to the service ({reason}); resume when it can be reached")
            }
            Self::CutOff(reason) => f.write_str(reason),
            Self::TooManyFailures { failed } => write!(
                f,
                "{failed} operations failed since the start, more than --max-failures; look at the failures CSV first"
            ),
            Self::ProbablyWrong { refusal } => write!(
                f,
                "nothing has been accepted, and the first assignments are all refused without a code ({refusal}); \
                 probably --base-url or --wire is wrong, or the service speaks another form of the API. \
                 Nothing is marked failed"
            ),
        }
    }
}

/// The first wait after a passing fault.
const FIRST: Duration = Duration::from_millis(500);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait before the next try, after `tries` of them: exponential, with full jitter from
/// `jitter` in `0.0..1.0`.
#[must_use]
pub fn backoff(tries: u32, jitter: f64) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST).mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_are_spread_over_all_of_it() {
        assert_eq!(backoff(1, 1.0), FIRST);
        assert_eq!(backoff(2, 1.0), FIRST * 2);
        assert_eq!(backoff(3, 0.5), FIRST * 2);
        assert_eq!(backoff(u32::MAX, 1.0), LONGEST);
        assert_eq!(backoff(5, 0.0), Duration::ZERO);
    }
}
