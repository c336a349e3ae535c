//! What a 401 leads to.

/// Names a token without holding it: it counts how often the token was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(u32);

/// What to do about a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unauthorized {
    /// The request left with an older token; send it again.
    Stale,
    /// Read the token again.
    Renew,
    /// The token is being read again already.
    Renewing,
    /// It has been read again to no avail.
    GiveUp,
}

#[derive(Debug)]
pub(super) struct TokenUse {
    generation: Generation,
    renewing: bool,
    /// A request with this token was answered with something other than 401, or it is the first.
    proven: bool,
}

impl TokenUse {
    pub(super) const fn new() -> Self {
        Self { generation: Generation(0), renewing: false, proven: true }
    }

    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) const fn is_renewing(&self) -> bool {
        self.renewing
    }

    /// A request that left with `generation` was answered, and not with 401.
    pub(super) fn proved(&mut self, generation: Generation) {
        self.proven |= generation == self.generation;
    }

    pub(super) fn refused(&mut self, generation: Generation) -> Unauthorized {
        if generation < self.generation {
            return Unauthorized::Stale;
        }
        if self.renewing {
            return Unauthorized::Renewing;
        }
        if !self.proven {
            return Unauthorized::GiveUp;
        }
        self.renewing = true;
        Unauthorized::Renew
    }

    /// The token was read again; `changed` tells whether it is another one now. One that was replaced
    /// before it was refused may be replaced again at its first refusal.
    pub(super) const fn renewed(&mut self, changed: bool) {
        if changed {
            self.generation = Generation(self.generation.0 + 1);
            self.proven = !self.renewing;
        }
        self.renewing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_again_once() {
        let mut token = TokenUse::new();
        let first = token.generation();
        assert_eq!(token.refused(first), Unauthorized::Renew);
        assert_eq!(token.refused(first), Unauthorized::Renewing);
        token.renewed(true);
        assert_eq!(token.refused(first), Unauthorized::Stale);
        assert_eq!(token.refused(token.generation()), Unauthorized::GiveUp);
    }

    #[test]
    fn a_token_replaced_before_its_end_is_read_again_when_refused() {
        let mut token = TokenUse::new();
        let first = token.generation();
        token.renewed(true);
        assert_eq!(token.refused(first), Unauthorized::Stale);
        assert_eq!(token.refused(token.generation()), Unauthorized::Renew);
        token.renewed(true);
        assert_eq!(token.refused(token.generation()), Unauthorized::GiveUp);
    }

    #[test]
    fn a_token_that_worked_may_be_replaced_again() {
        let mut token = TokenUse::new();
        token.refused(token.generation());
        token.renewed(true);
        token.proved(token.generation());
        assert_eq!(token.refused(token.generation()), Unauthorized::Renew);
    }
}
