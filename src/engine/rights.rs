//! What a 403 says of the token, and what of a user.

use super::batch::Suspect;
use super::judge::Rejection;
use super::token::Generation;
use crate::domain::Span;

/// So many users in a row that are refused so, and it is the token.
const IN_A_ROW: u32 = 10;

/// What is known of a token's rights in one organization.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// Something was accepted with this token.
    proven: Option<Generation>,
    /// Somebody among these was refused with a token that is not proven.
    refused: Option<Span>,
    in_a_row: u32,
    /// How the last of those was refused who are held back.
    last: Option<Rejection>,
    /// Lone assignments that were refused before anything was accepted: another user will tell.
    held: Vec<Suspect>,
}

impl Rights {
    /// Something was accepted: whoever was refused before was refused for the user's sake.
    pub(super) fn prove(&mut self, token: Generation) -> Vec<Suspect> {
        self.proven = Some(token);
        (self.refused, self.in_a_row) = (None, 0);
        std::mem::take(&mut self.held)
    }

    pub(super) fn is_proven(&self, token: Generation) -> bool {
        self.proven.is_some_and(|proven| proven >= token)
    }

    /// While nothing has been accepted: whether another user was refused before.
    pub(super) fn is_refused_again(&mut self, span: Span) -> bool {
        let others = |before: Span| before.last().0 < span.first().0 || span.last().0 < before.first().0;
        let again = self.refused.is_some_and(others);
        if self.refused.is_none_or(|before| span.len() <= before.len()) && !again {
            self.refused = Some(span);
        }
        again
    }

    /// One user is refused, where others were accepted: whether these are too many.
    pub(super) const fn is_one_too_many(&mut self) -> bool {
        self.in_a_row += 1;
        self.in_a_row >= IN_A_ROW
    }

    /// A lone assignment is held back for this.
    pub(super) fn refused_with(&mut self, rejection: &Rejection) {
        self.last = Some(rejection.clone());
    }

    /// How those were refused who are held back, where anybody is.
    pub(super) fn last_refusal(&self) -> Option<Rejection> {
        self.last.clone().filter(|_| self.holds_any())
    }

    pub(super) fn hold(&mut self, suspect: Suspect) {
        self.held.push(suspect);
    }

    /// Whether so few are held back that they may be refused for their own sake.
    pub(super) fn holds_few(&self) -> bool {
        u32::try_from(self.held.len()).is_ok_and(|held| held + 1 < IN_A_ROW)
    }

    pub(super) const fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn take_held(&mut self) -> Vec<Suspect> {
        std::mem::take(&mut self.held)
    }
}
