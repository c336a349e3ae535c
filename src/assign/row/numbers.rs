//! What a Calling license takes along: number, extension, location. Cells that no operation uses are not
//! looked at closely.

use super::super::cells::{self, CellFault};
use super::super::columns::{Field, quoted};
use super::super::problem::ProblemCode;
use super::super::targets::{TargetKind, TargetNo};
use super::super::words;
use super::RowInHand;
use crate::domain::{LocationId, Properties};

/// What a Calling license takes along.
const NUMBERS: [Field; 4] = [Field::PhoneNumber, Field::Extension, Field::LocationId, Field::Location];

/// How much depends on a row's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberNeed {
    /// A Calling license goes with those there are: its user may have the others already.
    Lenient,
    /// A Calling license cannot be sent without all of them.
    Strict,
    /// It is not clear what the row asks for, so that its numbers are looked at all the same.
    Unclear,
}

impl RowInHand<'_> {
    /// Gives the operations that take a number theirs.
    pub(super) fn number_properties(&mut self, need: NumberNeed) {
        let [phone, extension, location_id, location] = NUMBERS.map(|field| self.cell(field));
        let used = need == NumberNeed::Unclear
            || self.operations.iter().any(|operation| self.takes_number(operation));
        // As in most rows of most files.
        if !used && self.has_no_numbers() {
            return;
        }
        if !used {
            self.unused(phone, extension);
            return self.keep_for_undo([phone, extension, location_id]);
        }
        let faults = self.problems.len();
        let properties = Properties {
            location: self.location(location_id, location),
            phone_number: (!phone.is_empty())
                .then(|| self.is_text(Field::PhoneNumber).and_then(|()| cells::phone_number(phone)))
                .and_then(|read| read.map_err(|fault| self.report(Field::PhoneNumber, fault)).ok()),
            extension: (!extension.is_empty())
                .then(|| self.is_text(Field::Extension).and_then(|()| cells::extension(extension)))
                .and_then(|read| {
                    read.map(Into::into).map_err(|fault| self.report(Field::Extension, fault)).ok()
                }),
        };
        if self.problems.len() > faults {
            return;
        }
        self.complete(&properties, need == NumberNeed::Strict);
        if properties == Properties::default() {
            return;
        }
        for index in 0..self.operations.len() {
            let takes = self.operations.get(index).is_some_and(|operation| self.takes_number(operation));
            if let Some(operation) = self.operations.get_mut(index).filter(|_| takes) {
                operation.properties = properties.clone();
            }
        }
    }

    /// Whether the row has nothing that a Calling license takes along.
    pub(super) fn has_no_numbers(&self) -> bool {
        NUMBERS.iter().all(|field| self.cell(*field).is_empty())
    }

    /// What is taken away needs no number; it is kept for whoever wants to give it back.
    fn keep_for_undo(&mut self, [phone, extension, location]: [&str; 3]) {
        let properties = Properties {
            location: cells::id(location, LocationId::parse).ok(),
            phone_number: cells::phone_number(phone).ok(),
            extension: cells::extension(extension).ok().map(Into::into),
        };
        if properties == Properties::default() {
            return;
        }
        for operation in self.operations.iter_mut() {
            let known = operation.target != TargetNo::EVERYTHING;
            if known && self.targets.kind(operation.target) != TargetKind::Other {
                operation.properties = properties.clone();
            }
        }
    }

    /// A number that is none is worth a word, though it is not sent.
    fn unused(&mut self, phone: &str, extension: &str) {
        let faults = [
            (Field::PhoneNumber, phone, cells::phone_number(phone).err()),
            (Field::Extension, extension, cells::extension(extension).err()),
        ];
        for (field, cell, fault) in faults {
            let Some(fault) = fault.filter(|_| !cell.is_empty() && !words::is_nothing(cell)) else {
                continue;
            };
            let message = format!("{}; it is not sent, since no Calling license is added", fault.message);
            let fault = CellFault { code: ProblemCode::UnusedNumber, message, ..fault };
            self.warnings.push(self.problem(field, fault));
        }
    }

    fn location(&mut self, id: &str, name: &str) -> Option<LocationId> {
        if !id.is_empty() {
            let id = self.id(Field::LocationId, LocationId::parse);
            if let (Some(id), Some(other)) = (&id, self.known_location(name))
                && LocationId::parse(other).is_ok_and(|other| other.key() != id.key())
            {
                let message = "the location of this name has another ID than the row's locationId";
                self.say(
                    Field::Location,
                    ProblemCode::UnknownLocation,
                    message,
                    "correct one of them, or leave one out",
                );
            }
            return id;
        }
        if name.is_empty() {
            return None;
        }
        if cells::looks_like_id(name) || words::is_nothing(name) {
            return self.id(Field::Location, LocationId::parse);
        }
        let Some(id) = self.known_location(name) else {
            self.unknown_location(name);
            return None;
        };
        cells::id(id, LocationId::parse).map_err(|fault| self.report(Field::Location, fault)).ok()
    }

    /// The ID that `[locations]` has for a name.
    fn known_location(&self, name: &str) -> Option<&'_ str> {
        let exact = self.how.locations.get(name).filter(|_| !name.is_empty());
        let alike = || {
            let mut known = self.how.locations.iter();
            known.find(|(known, _)| words::alike(known, name)).map(|(_, id)| id)
        };
        exact.or_else(alike).map(String::as_str)
    }

    fn unknown_location(&mut self, name: &str) {
        let known = self.how.locations.keys();
        let alike = known.map(|known| (strsim::jaro_winkler(&words::key(known), &words::key(name)), known));
        let nearest = alike.filter(|(likeness, _)| *likeness >= 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
        let nearest = nearest.map_or_else(String::new, |(_, known)| format!(" (the nearest is '{known}')"));
        let fault = CellFault {
            code: ProblemCode::UnknownLocation,
            message: format!("the location's ID is not known{nearest}"),
            remedy: format!("put it into seatbatch.toml under [locations]: {} = \"Y2lz…\"", quoted(name))
                .into(),
            fix: None,
        };
        self.report(Field::Location, fault);
    }

    /// Says what a Calling license lacks.
    fn complete(&mut self, properties: &Properties, all_needed: bool) {
        let calling = |operation| {
            self.takes_number(operation) && self.targets.kind(operation.target) == TargetKind::Calling
        };
        if !self.operations.iter().any(calling) {
            return;
        }
        let Properties { location, phone_number, extension } = properties;
        let lacks = if phone_number.is_none() && extension.is_none() {
            "a Calling license is added without a phone number or an extension"
        } else if location.is_none() && (all_needed || phone_number.is_none()) {
            "a Calling license is added without a location"
        } else {
            return;
        };
        let remedy =
            "give phoneNumber, or extension and location; a user who has Calling already needs neither";
        let needed = "give Phone Number or Extension, and Location";
        let field =
            if phone_number.is_none() && extension.is_none() { Field::Extension } else { Field::Location };
        // Of a file without such a column, the one that asks for the license.
        let other = if field == Field::Extension { Field::PhoneNumber } else { Field::LocationId };
        let asking = [field, other, Field::LicenseId, Field::License, Field::Bundle];
        let field = asking.into_iter().find(|field| self.columns.has(*field)).unwrap_or(field);
        if all_needed {
            self.say(field, ProblemCode::CallingNeedsMore, lacks, needed);
        } else {
            let code = ProblemCode::IncompleteCalling;
            let fault = CellFault { code, message: lacks.to_owned(), remedy: remedy.into(), fix: None };
            self.warnings.push(self.problem(field, fault));
        }
    }
}
