//! States and outcomes as people read them; numbers and times as everywhere.

use crate::domain::OperationState;
pub(super) use crate::report::words::{amount, number, time};

/// What a state is called by people.
pub(super) const fn state(state: OperationState) -> &'static str {
    match state {
        OperationState::Done => "done",
        OperationState::Unchanged => "unchanged",
        OperationState::Failed => "failed",
        OperationState::Invalid => "invalid",
        OperationState::InDoubt => "in doubt",
        OperationState::Sending => "being sent",
        OperationState::Pending => "pending",
    }
}

/// What an attempt's outcome is called by people.
pub(super) fn outcome(word: &str) -> &str {
    match word {
        "send_again" => "to be sent again",
        "in_doubt" => "in doubt",
        "unauthorized" => "token not accepted",
        "forbidden" => "not allowed",
        other => other,
    }
}
