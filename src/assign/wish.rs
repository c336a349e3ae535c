//! One row, read on its own: what it asks for, or every reason why it cannot.

use super::columns::{Columns, Field};
use super::problem::{Problem, ProblemCode};
use super::targets::{LicenseNames, Named, NamesError, TargetNo, Targets};
use super::words;
use crate::domain::{Action, EmailAddress, IdError, LocationId, OrgId, PersonId, PhoneNumber, Properties};
use crate::input::{Row, RowFault};

/// What a row asks for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) email: Option<EmailAddress>,
    pub(super) person: Option<PersonId>,
    pub(super) org: Option<OrgId>,
    pub(super) target: TargetNo,
    pub(super) action: Action,
    pub(super) properties: Properties,
}

/// A row with at least one problem of its own.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Vec<Problem>);

/// Reads a row by itself; rules across rows come later.
pub(super) fn read(
    row: &Row<'_>,
    columns: &Columns,
    targets: &mut Targets,
    names: &mut dyn LicenseNames,
) -> Result<Result<Wish, Refused>, NamesError> {
    let mut reading = Reading { row, columns, problems: Vec::new() };
    if let Some(fault) = row.fault() {
        reading.broken(fault);
        return Ok(Err(Refused(reading.problems)));
    }
    let (email, person) = reading.user();
    let org = reading.id(Field::OrgId, OrgId::parse);
    let target = reading.target(targets, names)?;
    let action = reading.action();
    let properties = reading.properties();
    let wish = match (target, action) {
        (Some(target), Some(action)) if reading.problems.is_empty() => {
            // What is taken away needs no number; it is kept for whoever wants to give it back.
            Ok(Wish { email, person, org, target, action, properties })
        }
        _ => Err(Refused(reading.problems)),
    };
    Ok(wish)
}

struct Reading<'a> {
    row: &'a Row<'a>,
    columns: &'a Columns,
    problems: Vec<Problem>,
}

impl<'a> Reading<'a> {
    fn cell(&self, field: Field) -> &'a str {
        self.columns.cell(self.row, field)
    }

    fn report(&mut self, code: ProblemCode, column: Field, message: String, remedy: &'static str) {
        self.problems.push(Problem {
            code,
            line: self.row.line(),
            column: self.columns.name(column).to_owned(),
            cell: self.columns.position(column),
            value: self.cell(column).to_owned(),
            message,
            remedy: remedy.into(),
            fix: None,
        });
    }

    fn broken(&mut self, fault: RowFault) {
        let code = match fault {
            RowFault::OtherDelimiter { .. } => ProblemCode::OtherDelimiter,
            RowFault::SwallowedRows { .. } => ProblemCode::StrayQuote,
            RowFault::HeaderAgain => ProblemCode::HeaderAgain,
            RowFault::Nul { .. } => ProblemCode::NulByte,
            RowFault::NotText { .. } => ProblemCode::InvalidUtf8,
            _ => ProblemCode::RaggedRow,
        };
        let cell = fault.cell();
        self.problems.push(Problem {
            code,
            line: self.row.line(),
            column: cell.map_or_else(|| "row".to_owned(), |cell| format!("number {}", cell + 1)),
            cell,
            value: self.row.as_it_is().chars().take(80).collect(),
            message: fault.to_string(),
            remedy: fault.remedy().into(),
            fix: None,
        });
    }

    fn user(&mut self) -> (Option<EmailAddress>, Option<PersonId>) {
        let person = self.id(Field::PersonId, PersonId::parse);
        let cell = self.cell(Field::Email);
        if cell.is_empty() {
            if person.is_none() && self.cell(Field::PersonId).is_empty() {
                self.report(
                    ProblemCode::NoUser,
                    Field::Email,
                    "the row names no user".to_owned(),
                    "give an e-mail address, a personId or both",
                );
            }
            return (None, person);
        }
        match EmailAddress::parse(cell) {
            Ok(email) => (Some(email), person),
            Err(error) => {
                self.report(
                    ProblemCode::BadEmail,
                    Field::Email,
                    error.to_string(),
                    "write the bare address, as in user@example.com",
                );
                (None, person)
            }
        }
    }

    fn id<T>(&mut self, column: Field, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return None;
        }
        parse(cell).map_err(|error| self.wrong_kind(column, &error)).ok()
    }

    fn wrong_kind(&mut self, column: Field, error: &IdError) {
        self.report(
            ProblemCode::WrongIdKind,
            column,
            error.to_string(),
            "copy the ID that belongs in this column",
        );
    }

    fn target(
        &mut self,
        targets: &mut Targets,
        names: &mut dyn LicenseNames,
    ) -> Result<Option<TargetNo>, NamesError> {
        let id = self.cell(Field::LicenseId);
        let license = self.cell(Field::License);
        let site = self.cell(Field::SiteUrl);
        let names_license = !id.is_empty() || !license.is_empty();
        if names_license && !site.is_empty() {
            self.report(
                ProblemCode::TwoTargets,
                Field::SiteUrl,
                "the row names a license and a site".to_owned(),
                "make two rows of it",
            );
            return Ok(None);
        }
        if !site.is_empty() {
            self.account_type();
            return Ok(targets.site(site));
        }
        if !names_license {
            self.report(
                ProblemCode::NoTarget,
                Field::LicenseId,
                "the row names neither a license nor a site".to_owned(),
                "give a licenseId, a license or a siteUrl",
            );
            return Ok(None);
        }
        if !id.is_empty() {
            return Ok(targets
                .license_id(id)
                .map_err(|error| self.wrong_kind(Field::LicenseId, &error))
                .ok());
        }
        let named = targets.license(license, names)?;
        Ok(self.named(named))
    }

    fn named(&mut self, named: Named) -> Option<TargetNo> {
        let list = "'seatbatch licenses list' shows what there is";
        match named {
            Named::Target(number) => return Some(number),
            Named::WrongKind(error) => self.wrong_kind(Field::License, &error),
            Named::Unknown(nearest) => {
                let nearest = nearest.map_or_else(String::new, |name| format!(" (the nearest is '{name}')"));
                let message = format!("the organization has no license of this name or ID{nearest}");
                self.report(ProblemCode::UnknownLicense, Field::License, message, list);
            }
            Named::Ambiguous(which) => {
                let message = format!("several licenses have this name: {}", which.join(", "));
                self.report(ProblemCode::AmbiguousLicense, Field::License, message, "give the ID instead");
            }
        }
        None
    }

    fn account_type(&mut self) {
        let cell = self.cell(Field::AccountType);
        if !cell.is_empty() && !cell.eq_ignore_ascii_case("attendee") {
            self.report(
                ProblemCode::BadAccountType,
                Field::AccountType,
                "a site URL can be assigned as attendee only".to_owned(),
                "write attendee or leave it empty; host accounts are licenses",
            );
        }
    }

    fn action(&mut self) -> Option<Action> {
        let action = words::action(self.cell(Field::Operation));
        if action.is_none() {
            self.report(
                ProblemCode::UnknownOperation,
                Field::Operation,
                "not an operation".to_owned(),
                "write add or remove, or leave it empty for add",
            );
        }
        action
    }

    fn properties(&mut self) -> Properties {
        let phone = self.cell(Field::PhoneNumber);
        let phone_number = (!phone.is_empty()).then(|| PhoneNumber::parse(phone)).and_then(|parsed| {
            parsed
                .map_err(|error| {
                    self.report(
                        ProblemCode::BadPhoneNumber,
                        Field::PhoneNumber,
                        error.to_string(),
                        "write it as +14085550100; spreadsheets drop the plus sign unless the cell is text",
                    );
                })
                .ok()
        });
        let extension = self.cell(Field::Extension);
        Properties {
            location: self.id(Field::LocationId, LocationId::parse),
            phone_number,
            extension: (!extension.is_empty()).then(|| extension.into()),
        }
    }
}
