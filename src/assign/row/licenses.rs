//! What names licenses: a cell, an entry of a list, an option.

use super::super::cells::CellFault;
use super::super::columns::Field;
use super::super::interpretation::Request;
use super::super::problem::ProblemCode;
use super::super::targets::{EVERYTHING, NamedTarget, TargetNo, WordNo};
use super::{RowInHand, RowUser};
use crate::domain::Action;

/// What asks for a license: the column that is told where it cannot be, the cell, and the entry of it or the option.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedBy {
    pub(super) field: Field,
    pub(super) cell: Option<usize>,
    pub(super) word: Option<WordNo>,
}

impl CellFault {
    fn holds_nothing() -> Self {
        Self {
            code: ProblemCode::HoldsNothing,
            message: "the user holds no license of the organization, or is not in it".to_owned(),
            remedy: "check the address: there is nothing to take away here".into(),
            fix: None,
        }
    }
}

impl RowInHand<'_> {
    pub(super) fn license_id(&mut self, id: &str, license: &str, user: &RowUser, action: Action) {
        if id == EVERYTHING {
            return match license {
                "" | EVERYTHING => self.license(Field::LicenseId, id, user, action),
                _ => self.licenses_disagree(),
            };
        }
        let read = self.is_text(Field::LicenseId).and_then(|()| self.targets.license_id(id));
        let target = match read {
            Ok(target) => target,
            Err(fault) => return self.report(Field::LicenseId, fault),
        };
        if !license.is_empty() {
            let org = self.organization(user).cloned();
            let named = self.targets.license(license, org.as_ref(), &self.known.names).clone();
            let disagree = match named {
                // Names are taken as they are where nobody can say what they lead to.
                NamedTarget::Target(other) => {
                    other != target
                        && (!self.known.names.are_taken() || license.starts_with("Y2lzY29zcGFyazov"))
                }
                NamedTarget::Several(_) | NamedTarget::Everything => true,
                NamedTarget::Fault(fault) => return self.report(Field::License, *fault),
                NamedTarget::Unresolved(_) => return self.license(Field::License, license, user, action),
            };
            if disagree {
                return self.licenses_disagree();
            }
        }
        self.ask(target, action, self.columns.position(Field::LicenseId), None);
    }

    fn licenses_disagree(&mut self) {
        let message = "license and licenseId name two licenses";
        self.say(Field::License, ProblemCode::LicensesDisagree, message, "keep the one that is meant");
    }

    /// What a cell of this column asks by.
    pub(super) fn by(&self, field: Field) -> AskedBy {
        AskedBy { field, cell: self.columns.position(field), word: None }
    }

    /// Asks for what a text in a column leads to.
    pub(super) fn license(&mut self, field: Field, text: &str, user: &RowUser, action: Action) {
        let named = self.named(text, user);
        self.ask_named(&named, action, self.by(field), user);
    }

    /// Where a text leads.
    pub(super) fn named(&mut self, text: &str, user: &RowUser) -> NamedTarget {
        let org = self.organization(user).cloned();
        self.targets.license(text, org.as_ref(), &self.known.names).clone()
    }

    pub(super) fn ask_named(&mut self, named: &NamedTarget, action: Action, by: AskedBy, user: &RowUser) {
        let AskedBy { field, cell, word } = by;
        match named {
            NamedTarget::Target(target) => self.ask(*target, action, cell, word),
            NamedTarget::Several(several) => {
                for (entry, named) in several {
                    match named {
                        NamedTarget::Fault(fault) => self.report(field, fault.clone().of_a_part()),
                        named => {
                            let by = AskedBy { word: word.or(Some(*entry)), ..by };
                            self.ask_named(named, action, by, user);
                        }
                    }
                }
            }
            NamedTarget::Everything if action == Action::Remove => self.everything(user, cell),
            NamedTarget::Everything => {
                let message = "'*' is everything that a user holds, which can be taken away and not given";
                self.say(field, ProblemCode::UnknownLicense, message, "name the license");
            }
            // Of a bundle it is the configuration that would have to be mended.
            NamedTarget::Fault(fault) if field == Field::Bundle => {
                self.report(field, fault.clone().of_a_part())
            }
            NamedTarget::Fault(fault) => self.report(field, (**fault).clone()),
            NamedTarget::Unresolved(number) => {
                let (line, position) = (self.row.line(), self.columns.position(field));
                let problem = self.targets.blame(*number, line, self.columns.name(field), position);
                self.names.extend(problem);
            }
        }
    }

    /// Asks to take away what the user holds, or all that there is where nobody has looked.
    pub(super) fn everything(&mut self, user: &RowUser, cell: Option<usize>) {
        let Some(holdings) = &self.known.holdings else {
            return self.ask(TargetNo::EVERYTHING, Action::Remove, cell, None);
        };
        let (email, person) = user.names();
        let before = self.operations.len();
        for license in holdings.of(self.organization(user), email, person) {
            let target = self.targets.license_of(license.clone(), None);
            self.ask(target, Action::Remove, cell, None);
        }
        if self.operations.len() == before && (email, person) != (None, None) {
            let field = if email.is_some() { Field::Email } else { Field::PersonId };
            self.warnings.push(self.problem(field, CellFault::holds_nothing()));
        }
    }

    /// What is asked of every row's user, but for what a failures CSV says was done of it.
    pub(super) fn requests(&mut self, user: &RowUser) {
        let how = self.how;
        if how.requests.is_empty() {
            return;
        }
        let done: Vec<&str> = self.row.not_again().collect();
        for request in &how.requests {
            let Request::License(action, text) = request else {
                self.everything(user, None);
                continue;
            };
            let parts = match self.named(text, user) {
                NamedTarget::Several(parts) => parts
                    .iter()
                    .map(|(entry, named)| (self.targets.word_of(*entry).into(), named.clone()))
                    .collect(),
                named => vec![(text.clone(), named)],
            };
            for (text, named) in parts {
                let option = format!("{} {text}", action.as_str());
                if !done.contains(&option.as_str()) {
                    let word = Some(self.targets.word(&option));
                    self.ask_named(
                        &named,
                        *action,
                        AskedBy { field: Field::License, cell: None, word },
                        user,
                    );
                }
            }
        }
    }
}
