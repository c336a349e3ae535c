//! Asking again when a reading request meets a passing fault.

use std::time::Duration;

use crate::engine::backoff;
use crate::webex::{ReadError, TokenError};

/// How often a reading request is made before its fault is given up on.
const ATTEMPTS: u32 = 6;

/// An error that may go by.
pub trait Passing {
    /// Whether asking again later may help.
    fn is_passing(&self) -> bool;
    /// How long the service wants us to wait.
    fn retry_after(&self) -> Option<Duration>;
}

macro_rules! passing {
    ($($error:ty),+) => {$(
        impl Passing for $error {
            fn is_passing(&self) -> bool {
                <$error>::is_passing(self)
            }

            fn retry_after(&self) -> Option<Duration> {
                <$error>::retry_after(self)
            }
        }
    )+};
}

passing!(ReadError, TokenError);

/// How often something has been tried.
#[derive(Debug)]
pub(super) struct Attempts {
    tries: u32,
    most: u32,
    max_wait: Duration,
}

impl Attempts {
    pub(super) const fn new(max_wait: Duration) -> Self {
        Self { tries: 0, most: ATTEMPTS, max_wait }
    }

    /// One try more, and no long wait: for what is good to know and can be done without.
    pub(super) const fn hasty() -> Self {
        Self { tries: 0, most: 2, max_wait: Duration::from_secs(10) }
    }

    /// How long to wait after this error; `None` where it is not to be tried again. A wait that the service
    /// asks for is kept in full up to the longest one; a longer one ends the asking.
    pub(super) fn wait(&mut self, error: &impl Passing) -> Option<Duration> {
        self.tries += 1;
        let wait = error.retry_after().unwrap_or_else(|| backoff(self.tries, fastrand::f64()));
        (error.is_passing() && self.tries < self.most && wait <= self.max_wait).then_some(wait)
    }
}

/// Asks until there is an answer, an error that stays, or no attempt left.
///
/// # Errors
/// The last error.
pub async fn patiently<T, E: Passing>(
    max_wait: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut attempts = Attempts::new(max_wait);
    loop {
        let error = match ask().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(wait) = attempts.wait(&error) else { return Err(error) };
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(retry_after: Option<u64>) -> ReadError {
        ReadError::Passing { status: 429, retry_after: retry_after.map(Duration::from_secs), message: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_kept_in_full_and_the_answer_comes() {
        let begun = tokio::time::Instant::now();
        let mut left = 2;
        let result = patiently(Duration::from_secs(60), async || {
            left -= 1;
            if left == 0 { Ok(7) } else { Err(passing(Some(40))) }
        });
        assert_eq!(result.await.unwrap(), 7);
        assert_eq!(begun.elapsed().as_secs(), 40);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_that_stay_and_waits_without_end_are_given_up() {
        let mut asked = 0;
        let result = patiently(Duration::from_secs(60), async || {
            asked += 1;
            Err::<(), _>(passing(None))
        });
        assert!(result.await.is_err());
        assert_eq!(asked, ATTEMPTS);
        for error in [passing(Some(61)), ReadError::Unauthorized] {
            let (mut asked, mut error) = (0, Some(error));
            let result = patiently(Duration::from_secs(60), async || {
                asked += 1;
                Err::<(), _>(error.take().unwrap())
            });
            assert!(result.await.is_err());
            assert_eq!(asked, 1);
        }
    }
}
