//! Retries must not multiply load when the service is ill.

/// Tokens to begin with, and the most there are.
const FULL: u32 = 500;
/// What a retry takes. It comes back when the retry succeeds.
const RETRY: u32 = 14;
/// What a success gives.
const SUCCESS: u32 = 1;

/// A bucket of tokens for retries after passing faults: each takes more than a success gives, so
/// that in a long illness retries are a small share of what is sent. The figures are those of the
/// retry policies of large cloud SDKs.
///
/// A refusal for the pace (429) needs none: there the pace does the slowing down.
#[derive(Debug)]
pub(super) struct RetryBudget {
    tokens: u32,
}

impl RetryBudget {
    pub(super) const fn new() -> Self {
        Self { tokens: FULL }
    }

    /// Whether a retry may be made. Where nothing else is under way one may always: it finds out
    /// whether the service is well again.
    pub(super) const fn allows(&self, alone: bool) -> bool {
        alone || self.tokens >= RETRY
    }

    /// A retry is made.
    pub(super) const fn spend(&mut self) {
        self.tokens = self.tokens.saturating_sub(RETRY);
    }

    /// A request got through.
    pub(super) fn earn(&mut self, retry: bool) {
        let back = if retry { RETRY } else { 0 };
        self.tokens = (self.tokens + SUCCESS + back).min(FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_an_illness_retries_run_out_and_successes_bring_them_back() {
        let mut budget = RetryBudget::new();
        let mut made = 0;
        while budget.allows(false) {
            budget.spend();
            made += 1;
        }
        assert_eq!(made, 35);
        assert!(budget.allows(true));
        (0..RETRY).for_each(|_| budget.earn(false));
        assert!(budget.allows(false));
    }

    #[test]
    fn a_retry_that_succeeds_costs_nothing() {
        let mut budget = RetryBudget::new();
        for _ in 0..1000 {
            assert!(budget.allows(false));
            budget.spend();
            budget.earn(true);
        }
    }
}
