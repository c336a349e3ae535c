//! Which form the service understands, and whether it understands us at all.

use super::batch::{Batch, Suspect};
use crate::domain::{Wire, WireForm};

/// While nothing has been accepted, so many lone refusals without a code are one mistake that
/// concerns every request.
const SUSPICIOUS: usize = 10;

#[derive(Debug)]
pub(super) struct Discovery {
    asked: Wire,
    form: Option<WireForm>,
    /// Something has been accepted.
    accepted: bool,
    /// A lone assignment was refused with a code: the service understands us. Or the user has said so.
    understood: bool,
    /// Lone assignments refused without a code while nothing had been accepted.
    suspects: Vec<Suspect>,
}

impl Discovery {
    /// `assured`: the user has been asked whether everything is right, and goes on.
    pub(super) fn new(asked: Wire, form: Option<WireForm>, accepted: bool, assured: bool) -> Self {
        // What was found to be done by asking says nothing of the form that did it.
        let accepted = accepted && (asked != Wire::Auto || form.is_some());
        Self { asked, form, accepted, understood: assured, suspects: Vec::new() }
    }

    pub(super) fn form(&self, batch: &Batch) -> WireForm {
        if batch.as_object { WireForm::Object } else { self.usual() }
    }

    /// The form of what is sent next.
    pub(super) fn usual(&self) -> WireForm {
        match self.asked {
            Wire::Array => WireForm::Array,
            Wire::Object => WireForm::Object,
            Wire::Auto => self.form.unwrap_or(WireForm::Array),
        }
    }

    pub(super) const fn has_accepted(&self) -> bool {
        self.accepted
    }

    /// Whether lone refusals are refusals.
    pub(super) const fn is_sure(&self) -> bool {
        self.accepted || self.understood
    }

    /// A request in this form was accepted; gives the form back where it is news.
    pub(super) fn accept(&mut self, form: WireForm) -> Option<WireForm> {
        let learned = (self.asked == Wire::Auto && self.form.is_none()).then_some(form);
        self.form = self.form.or(learned);
        self.accepted = true;
        learned
    }

    pub(super) const fn understand(&mut self) {
        self.understood = true;
    }

    /// Whether a lone assignment that was refused may have been refused for its form.
    pub(super) fn is_open(&self, batch: &Batch) -> bool {
        !self.accepted && self.asked == Wire::Auto && self.form.is_none() && !batch.as_object
    }

    /// Holds a refusal back; whether these are so many that all of it is probably wrong.
    pub(super) fn suspect(&mut self, suspect: Suspect) -> bool {
        self.suspects.push(suspect);
        self.suspects.len() >= SUSPICIOUS
    }

    pub(super) const fn has_suspects(&self) -> bool {
        !self.suspects.is_empty()
    }

    pub(super) fn take_suspects(&mut self) -> Vec<Suspect> {
        std::mem::take(&mut self.suspects)
    }
}
