//! What is in doubt, and what the service says of it.

use super::{Driver, Message};
use crate::domain::{Assignment, BatchId};
use crate::engine::{Event, Finding, OperationEffect};
use crate::journal::JournalError;
use crate::live::Unread;
use crate::run::holders::{Effects, effects};
use crate::webex::ReadError;

/// A batch in doubt, and the assignments that the service is asked about.
pub(super) struct DoubtfulBatch {
    batch: BatchId,
    assignments: Vec<Assignment>,
}

impl DoubtfulBatch {
    /// How its operations stand, as the lists show it.
    fn found(&self, effects: &Effects) -> Vec<OperationEffect> {
        let operations = self.assignments.iter().flat_map(|assignment| {
            assignment.operations.iter().map(|operation| (assignment.number, operation))
        });
        let found = operations.map(|(assignment, operation)| OperationEffect {
            assignment,
            key: operation.key,
            rows: operation.rows,
            effect: effects.of(operation),
        });
        found.collect()
    }
}

/// So many assignments are asked about at a time, which are held in memory meanwhile.
const AT_A_TIME: u32 = 100_000;

impl Driver<'_> {
    /// Asks the service about all that is in doubt, one question at a time: a license's users are
    /// read once for all batches. The lists are those of after the question, which comes after every request.
    pub(super) fn verify(&mut self) -> Result<(), JournalError> {
        if self.is_verifying || self.to_verify.is_empty() {
            return Ok(());
        }
        self.is_verifying = true;
        let mut doubts = Vec::new();
        let mut room = AT_A_TIME;
        while let Some((batch, span)) = self.to_verify.pop_front() {
            doubts.push(DoubtfulBatch { batch, assignments: self.loader.load(span)? });
            room = room.saturating_sub(span.len());
            if room == 0 {
                break;
            }
        }
        let readings = self.readings.clone();
        let count = doubts.len();
        let batches = if count == 1 { "batch" } else { "batches" };
        self.observer.notice(&format!("asking the service about {count} {batches} in doubt"));
        self.aside(async move || {
            let assignments = doubts.iter().flat_map(|doubt| &doubt.assignments);
            let answer = effects(&readings, assignments).await;
            Message::Verified(doubts, answer)
        });
        Ok(())
    }

    pub(super) fn verified(&mut self, doubts: &[DoubtfulBatch], answer: Result<Effects, Unread>) {
        self.is_verifying = false;
        for doubt in doubts {
            let finding = match &answer {
                Ok(effects) => Finding::Known(doubt.found(effects)),
                Err(Unread { error: ReadError::Unauthorized, .. }) => Finding::Unauthorized,
                Err(unread) => Finding::Unknown(unread.to_string()),
            };
            self.tell(Event::Verified { batch: doubt.batch, finding });
        }
    }
}
