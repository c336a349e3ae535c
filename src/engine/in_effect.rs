//! What was found to be in effect already, by asking: it is not sent again, and it is done.

use std::collections::HashSet;
use std::sync::Arc;

use super::batch::Cargo;
use crate::domain::{Assignment, AssignmentNo, OperationFailure, OperationKey, Refusal};

/// How one operation that is in doubt was found to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationEffect {
    /// Its assignment.
    pub assignment: AssignmentNo,
    /// Its own name.
    pub key: OperationKey,
    /// How many rows share its outcome.
    pub rows: u32,
    /// Whether what it asks for is in effect.
    pub effect: Effect,
}

/// Whether what an operation asks for is in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is: an addition that is held, a removal that is not.
    InEffect,
    /// It surely is not.
    NotInEffect,
    /// Nothing that can be read tells.
    Unknown,
}

/// Operations that are in effect already.
#[derive(Debug, Default)]
pub(super) struct InEffect(HashSet<OperationKey>);

impl InEffect {
    pub(super) fn learn(&mut self, found: &[OperationEffect]) {
        let held = found.iter().filter(|found| found.effect == Effect::InEffect);
        self.0.extend(held.map(|found| found.key));
    }

    /// Leaves out what need not be sent.
    pub(super) fn leave_out(&self, mut assignments: Vec<Assignment>) -> (Arc<[Assignment]>, Cargo) {
        let rows = assignments.iter().map(Assignment::rows).sum();
        if self.0.is_empty() {
            return (assignments.into(), Cargo { rows, ..Cargo::default() });
        }
        let mut left_out = false;
        for assignment in &mut assignments {
            let before = assignment.operations.len();
            assignment.operations.retain(|operation| !self.0.contains(&operation.key));
            left_out |= assignment.operations.len() < before;
        }
        assignments.retain(|assignment| !assignment.operations.is_empty());
        let rest: Arc<[Assignment]> = assignments.into();
        (Arc::clone(&rest), Cargo { rows, rest: left_out.then_some(rest), moves: None })
    }
}

/// What was sent of a batch fails, each of its operations alike.
pub(super) fn fail_all(sent: &[Assignment], refusal: &Refusal) -> Vec<OperationFailure> {
    let operations =
        sent.iter().flat_map(|assignment| assignment.operations.iter().map(move |each| (assignment, each)));
    let failures = operations.map(|(assignment, operation)| OperationFailure {
        assignment: assignment.number,
        key: operation.key,
        rows: operation.rows,
        refusal: refusal.clone(),
    });
    failures.collect()
}
