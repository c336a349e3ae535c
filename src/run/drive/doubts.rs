//! What is in doubt, and what the service says of it.

use std::collections::HashSet;

use super::{Driver, Message};
use crate::domain::{Assignment, BatchId, Change, Operation, OperationKey};
use crate::engine::{Effect, Event, Finding, Found};
use crate::journal::JournalError;
use crate::run::holders::already_so;
use crate::webex::ReadError;

/// A batch in doubt, and the assignments that the service is asked about.
pub(super) struct Doubt {
    batch: BatchId,
    assignments: Vec<Assignment>,
}

impl Doubt {
    /// How its operations stand, where these are in effect.
    fn found(&self, in_effect: &HashSet<OperationKey>) -> Vec<Found> {
        let operations = self.assignments.iter().flat_map(|assignment| {
            assignment.operations.iter().map(|operation| (assignment.number, operation))
        });
        let found = operations.map(|(assignment, operation)| Found {
            assignment,
            key: operation.key,
            rows: operation.rows,
            effect: effect_of(operation, in_effect),
        });
        found.collect()
    }
}

/// The service does not list who attends a site.
fn effect_of(operation: &Operation, in_effect: &HashSet<OperationKey>) -> Effect {
    match operation.change {
        Change::Site(_) => Effect::Unknown,
        Change::License(..) if in_effect.contains(&operation.key) => Effect::InEffect,
        Change::License(..) => Effect::NotInEffect,
    }
}

impl Driver<'_> {
    /// Asks the service about all that is in doubt, one question at a time: a license's users are
    /// read once for all batches.
    pub(super) fn verify(&mut self) -> Result<(), JournalError> {
        if self.is_verifying || self.to_verify.is_empty() {
            return Ok(());
        }
        self.is_verifying = true;
        let mut doubts = Vec::new();
        for (batch, span) in std::mem::take(&mut self.to_verify) {
            doubts.push(Doubt { batch, assignments: self.loader.load(span)? });
        }
        let (client, post, max_wait) = (self.client.clone(), self.post.clone(), self.max_wait);
        let count = doubts.len();
        let batches = if count == 1 { "batch" } else { "batches" };
        self.observer.notice(&format!("asking the service about {count} {batches} in doubt"));
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own, which nobody waits for: reading may take long, and a stop must not.
        std::thread::spawn(move || {
            let assignments = doubts.iter().flat_map(|doubt| &doubt.assignments);
            let answer = runtime.block_on(already_so(&client, assignments, max_wait));
            let _ = post.send(Message::Verified(doubts, answer));
        });
        Ok(())
    }

    pub(super) fn verified(&mut self, doubts: &[Doubt], answer: Result<HashSet<OperationKey>, ReadError>) {
        self.is_verifying = false;
        for doubt in doubts {
            let finding = match &answer {
                Ok(in_effect) => Finding::Known(doubt.found(in_effect)),
                Err(ReadError::Unauthorized) => Finding::Unauthorized,
                Err(error) => Finding::Unknown(error.to_string()),
            };
            self.tell(Event::Verified { batch: doubt.batch, finding });
        }
    }
}
