//! One row, read on its own: what it asks for, or every reason why it cannot.

mod broken;
mod bundle;
mod due;
mod licenses;
mod numbers;
mod pattern;
mod sheet;
mod whose;
mod wide;

pub(super) use pattern::{Pattern, PatternNo};
pub(super) use wide::Wide;

use std::hash::{Hash as _, Hasher as _};

use siphasher::sip::SipHasher13;

use due::DueColumn;
use numbers::NumberNeed;

use super::cells::{self, CellFault};
use super::columns::{Columns, ColumnsError, Field, quoted};
use super::interpretation::{Interpretation, Request};
use super::names::Known;
use super::problem::{Problem, ProblemCode};
use super::spelling::is_called;
use super::targets::{TargetKind, TargetNo, Targets, WordNo};
use super::words;
use crate::domain::{Action, EmailAddress, IdError, OrgId, PersonId, Properties};
use crate::input::{Header, NOT_AGAIN, Row, Rows};

/// Whom a row is about.
#[derive(Debug, Clone, Default)]
pub(super) struct RowUser {
    pub(super) email: Option<EmailAddress>,
    pub(super) person: Option<PersonId>,
    pub(super) org: Option<OrgId>,
}

impl RowUser {
    pub(super) fn names(&self) -> (Option<&str>, Option<&str>) {
        (self.email.as_ref().map(EmailAddress::as_str), self.person.as_ref().map(PersonId::as_str))
    }
}

/// One thing that a row asks for.
#[derive(Debug, Clone)]
pub(super) struct RowOperation {
    pub(super) target: TargetNo,
    pub(super) action: Action,
    pub(super) properties: Properties,
    /// The cell that asks for it, where one does.
    pub(super) cell: Option<usize>,
    /// The entry of that cell, or the option.
    pub(super) word: Option<WordNo>,
}

/// What came of a row.
#[derive(Debug)]
pub(super) enum RowOutcome {
    /// It asks for the reader's operations, of this user.
    Asks(RowUser),
    /// It asks for nothing of this user.
    Idle(RowUser),
    /// Its day has not come.
    NotDue,
    /// It cannot be sent, for the reader's problems; the user, as far as the row names one.
    Refused(RowUser),
}

/// Reads rows. What has been learnt of targets at a first reading serves the second.
#[derive(Debug)]
pub(super) struct RowReader {
    pub(super) how: Interpretation,
    pub(super) columns: Columns,
    pub(super) known: Known,
    pub(super) targets: Targets,
    pub(super) wide: Option<Wide>,
    due: Option<DueColumn>,
    /// The organization of rows that name none, as IDs of licenses have it.
    tenant: Option<Box<str>>,
    /// What the last row asks for.
    pub(super) operations: Vec<RowOperation>,
    /// Why it cannot be sent.
    pub(super) problems: Vec<Problem>,
    /// Names of it that lead nowhere, which is told once for all rows.
    names: Vec<Problem>,
    /// What its user may want to know all the same.
    pub(super) warnings: Vec<Problem>,
    /// Whose it may be too, where it cannot be sent.
    pub(super) perhaps_of: Vec<RowUser>,
    /// Whether a pattern will do in the stead of its operations.
    pub(super) takes_patterns: bool,
    /// The pattern that stands for what the last row asks for, where one does.
    pub(super) pattern: Option<PatternNo>,
}

impl RowReader {
    /// Reads these rows, none of which has been read.
    pub(super) fn new(rows: &mut Rows, how: &Interpretation, known: Known) -> Result<Self, ColumnsError> {
        let columns = Columns::of(rows.header(), how)?;
        columns.require_user(rows, how)?;
        let header = rows.header();
        let wide = Wide::of(header, &columns, how);
        if wide.is_none() && how.requests.is_empty() {
            columns.refuse_operations_of_services(header, how)?;
            columns.require_target(header, how)?;
        }
        if !how.requests.is_empty() {
            columns.refuse_idle_operations(header)?;
            columns.refuse_targets_beside(&how.requests, header)?;
        }
        let due = how.due.as_ref().map(|due| DueColumn::of(header, due)).transpose()?;
        let tenant = how.org.as_ref().and_then(|org| cells::tenant(org.as_str()));
        Ok(Self {
            how: how.clone(),
            columns,
            known,
            targets: Targets::default(),
            wide,
            due,
            tenant,
            operations: Vec::new(),
            problems: Vec::new(),
            names: Vec::new(),
            warnings: Vec::new(),
            perhaps_of: Vec::new(),
            takes_patterns: false,
            pattern: None,
        })
    }

    /// Columns that choose rows, it seems: here they choose none, which their user must know.
    pub(super) fn selections(&self, header: &Header) -> impl Iterator<Item = Problem> {
        let line = header.line();
        header.names().iter().enumerate().filter_map(move |(position, name)| {
            let is_meant =
                self.columns.is_taken(position) || self.how.ignore.iter().any(|own| is_called(name, own));
            (words::is_selection(name) && !is_meant).then(|| {
                let remedy = format!(
                    "take out the rows that are not meant, or say --ignore {} to hear no more of it",
                    quoted(name)
                );
                let message = "this column is not looked at: every row is taken, whatever stands in it";
                let (code, at) = (ProblemCode::SelectionIgnored, (line, name.clone()));
                Problem::of_column((position, name), code, at, message.to_owned(), remedy)
            })
        })
    }

    /// Why the last row cannot be sent, in short.
    pub(super) fn first_problem(&self) -> Option<Problem> {
        self.problems.first().or_else(|| self.names.first()).cloned()
    }

    /// What an earlier failures CSV says need not be asked of a row again, where options ask for anything.
    pub(super) fn not_again(&mut self, row: &Row<'_>) -> Option<WordNo> {
        let has_options = self.how.requests.iter().any(|request| matches!(request, Request::License(..)));
        let all: Vec<String> =
            row.not_again().filter(|_| has_options).map(|option| format!("{NOT_AGAIN}{option}")).collect();
        (!all.is_empty()).then(|| self.targets.word(&all.join("; ")))
    }

    /// Reads a row by itself; rules across rows come later.
    pub(super) fn read(&mut self, row: &Row<'_>) -> RowOutcome {
        self.forget();
        if let Some(fault) = row.fault() {
            self.problems.push(broken::problem(row, fault));
            self.perhaps_of = whose::of_broken(row, fault, &self.columns);
            return self.refused(RowUser::default());
        }
        if let Some(due) = &self.due {
            match due.is_due(row) {
                Ok(true) => {}
                Ok(false) => {
                    self.warnings.extend(due.missing(row));
                    return RowOutcome::NotDue;
                }
                Err(problem) => self.problems.push(*problem),
            }
        }
        self.asked(row)
    }

    /// The same on the day that the row waits for; `None` where it waits for none.
    pub(super) fn read_when_due(&mut self, row: &Row<'_>) -> Option<RowOutcome> {
        let waits = self.due.as_ref().is_some_and(|due| matches!(due.is_due(row), Ok(false)));
        waits.then(|| {
            self.forget();
            self.asked(row)
        })
    }

    fn forget(&mut self) {
        self.operations.clear();
        self.pattern = None;
        self.problems.clear();
        self.names.clear();
        self.warnings.clear();
    }

    /// What a row asks, whether its day has come or not.
    fn asked(&mut self, row: &Row<'_>) -> RowOutcome {
        let wide = self.wide.take();
        let mut reading = RowInHand {
            row,
            how: &self.how,
            columns: &self.columns,
            known: &self.known,
            tenant: self.tenant.as_deref(),
            targets: &mut self.targets,
            operations: &mut self.operations,
            problems: &mut self.problems,
            names: &mut self.names,
            warnings: &mut self.warnings,
        };
        let user = reading.user();
        if reading.has_cells_without_values(wide.as_ref(), self.due.as_ref()) {
            self.wide = wide;
            self.perhaps_of = whose::of_unclear(row, &user, &self.columns, &self.problems);
            return self.refused(user);
        }
        self.wide = match wide {
            Some(mut wide) => {
                self.pattern = reading.wide(&mut wide, &user);
                Some(wide)
            }
            None => {
                reading.long(&user);
                None
            }
        };
        if !self.problems.is_empty() || !self.names.is_empty() {
            self.perhaps_of = whose::of_unclear(row, &user, &self.columns, &self.problems);
            return self.refused(user);
        }
        let pattern = self.pattern.and_then(|number| self.pattern(number));
        let is_idle = pattern.map_or(&self.operations, |pattern| &pattern.operations).is_empty();
        if let (Some(pattern), false) = (pattern, self.takes_patterns) {
            self.operations = pattern.operations.clone();
        }
        if is_idle { RowOutcome::Idle(user) } else { RowOutcome::Asks(user) }
    }

    /// What rows of this pattern ask for.
    pub(super) fn pattern(&self, number: PatternNo) -> Option<&Pattern> {
        self.wide.as_ref()?.pattern(number)
    }
}

impl RowOperation {
    /// 31 bits of what is asked, and the action.
    pub(super) fn signature(&self) -> u32 {
        // A removal sends none of them.
        let sent = (self.action == Action::Add && self.properties != Properties::default())
            .then_some(&self.properties);
        let [a, b, c, d, ..] = sent.map_or([0; 8], |properties| {
            let mut hasher = SipHasher13::new();
            properties.hash(&mut hasher);
            hasher.finish().to_le_bytes()
        });
        let action = match self.action {
            Action::Add => 0,
            Action::Remove => 1,
        };
        (u32::from_le_bytes([a, b, c, d]) & !1) | action
    }
}

struct RowInHand<'a> {
    row: &'a Row<'a>,
    how: &'a Interpretation,
    columns: &'a Columns,
    known: &'a Known,
    tenant: Option<&'a str>,
    targets: &'a mut Targets,
    operations: &'a mut Vec<RowOperation>,
    problems: &'a mut Vec<Problem>,
    names: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl<'a> RowInHand<'a> {
    fn cell(&self, field: Field) -> &'a str {
        self.columns.cell(self.row, field)
    }

    fn problem(&self, field: Field, fault: CellFault) -> Problem {
        Problem {
            code: fault.code,
            line: self.row.line(),
            column: self.columns.name(field).to_owned(),
            cell: self.columns.position(field),
            value: self.cell(field).to_owned(),
            message: fault.message,
            remedy: fault.remedy,
            fix: fault.fix,
            rows: None,
        }
    }

    fn report(&mut self, field: Field, mut fault: CellFault) {
        if fault.fix.as_ref().is_some_and(String::is_empty) && self.is_all_there_is(field) {
            fault = fault.of_all_there_is();
        }
        self.problems.push(self.problem(field, fault));
    }

    /// Whether the row would ask for nothing, or for nobody, without what stands in this field.
    fn is_all_there_is(&self, field: Field) -> bool {
        let alike: &[Field] = match field {
            field if Field::USER.contains(&field) => &Field::USER,
            field if Field::TARGET.contains(&field) && self.how.requests.is_empty() => &Field::TARGET,
            _ => return false,
        };
        let says = |other: &&Field| !matches!(self.cell(**other), "" | "0");
        let mut others = alike.iter().filter(|other| **other != field).filter(says);
        others.all(|other| words::is_nothing(self.cell(*other)))
    }

    fn say(&mut self, field: Field, code: ProblemCode, message: &str, remedy: &'static str) {
        self.report(field, CellFault { code, message: message.to_owned(), remedy: remedy.into(), fix: None });
    }

    fn user(&mut self) -> RowUser {
        let person = self.id(Field::PersonId, PersonId::parse);
        let cell = self.cell(Field::Email);
        let email = if cell.is_empty() {
            if person.is_none() && self.cell(Field::PersonId).is_empty() {
                let field = if self.columns.has(Field::Email) { Field::Email } else { Field::PersonId };
                self.say(
                    field,
                    ProblemCode::NoUser,
                    "the row names no user",
                    "give an e-mail address, a personId or both in every row",
                );
            }
            None
        } else {
            cells::email(cell).map_err(|fault| self.report(Field::Email, fault.unless_a_header(cell))).ok()
        };
        let org = self.id(Field::OrgId, OrgId::parse);
        if let (Some(org), Some(said)) = (&org, &self.how.org)
            && org != said
            && org.key() != said.key()
        {
            let message = "the row names another organization than --org-id";
            self.say(
                Field::OrgId,
                ProblemCode::OtherOrganization,
                message,
                "correct the row, or leave --org-id out",
            );
        }
        RowUser { email, person, org }
    }

    fn id<T>(&mut self, field: Field, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
        let cell = self.cell(field);
        if cell.is_empty() {
            return None;
        }
        let read = self.is_text(field).and_then(|()| match cell.contains('@') {
            true => Err(CellFault::address_for_id(field)),
            false => cells::id(cell, parse),
        });
        read.map_err(|fault| self.report(field, fault)).ok()
    }

    /// The organization in which the row's names are looked up.
    fn organization<'u>(&self, user: &'u RowUser) -> Option<&'u OrgId> {
        let org = user.org.as_ref()?;
        let said = self.how.org.as_ref().is_some_and(|said| said == org || said.key() == org.key());
        (!said).then_some(org)
    }

    /// A row that says itself what it asks for, and what is asked of every row.
    fn long(&mut self, user: &RowUser) {
        let action = self.action();
        let faults = self.problems.len();
        self.own_targets(user, action.unwrap_or(Action::Add));
        self.requests(user);
        let unclear = action.is_none() || self.problems.len() > faults || self.operations.is_empty();
        let may_take = unclear && action != Some(Action::Remove);
        self.number_properties(if may_take { NumberNeed::Unclear } else { NumberNeed::Lenient });
        self.check_organizations(user);
    }

    fn action(&mut self) -> Option<Action> {
        let action = words::action(self.cell(Field::Operation));
        if action.is_none() {
            // What an empty cell does is not what a word for nothing surely means.
            let remedy = "write add or remove, or leave it empty for add";
            self.say(Field::Operation, ProblemCode::UnknownOperation, "not an operation", remedy);
        }
        action
    }

    fn own_targets(&mut self, user: &RowUser, action: Action) {
        let [id, license, site, bundle] =
            [Field::LicenseId, Field::License, Field::SiteUrl, Field::Bundle].map(|field| self.cell(field));
        let names_license = !id.is_empty() || !license.is_empty();
        if names_license && !site.is_empty() {
            let message = "the row names a license and a site";
            return self.say(Field::SiteUrl, ProblemCode::TwoTargets, message, "split it into two rows");
        }
        if !names_license && site.is_empty() && bundle.is_empty() {
            if self.how.requests.is_empty() {
                self.nothing_asked();
            }
            return;
        }
        if names_license && self.cell(Field::AccountType).eq_ignore_ascii_case("attendee") {
            // A license of meetings makes hosts: who is to attend alone would get more than was meant.
            let message = "the row names a license, and attendees of a site have none";
            let remedy = "name the site in siteUrl instead of the license, or empty the account type";
            self.say(Field::AccountType, ProblemCode::BadAccountType, message, remedy);
        }
        if !site.is_empty() {
            self.account_type();
            match self.targets.site(site) {
                Ok(target) => self.ask(target, action, self.columns.position(Field::SiteUrl), None),
                Err(fault) => self.report(Field::SiteUrl, fault),
            }
        }
        if !id.is_empty() {
            self.license_id(id, license, user, action);
        } else if !license.is_empty() {
            match self.is_text(Field::License) {
                Ok(()) => self.license(Field::License, license, user, action),
                Err(fault) => self.report(Field::License, fault),
            }
        }
        if !bundle.is_empty() {
            self.bundle(bundle, user, action);
        }
    }

    fn nothing_asked(&mut self) {
        let field = [Field::LicenseId, Field::License, Field::SiteUrl, Field::Bundle];
        let field = field.into_iter().find(|field| self.columns.has(*field)).unwrap_or(Field::LicenseId);
        if field == Field::Bundle {
            let remedy = "name a bundle of seatbatch.toml, or take the row out";
            return self.say(field, ProblemCode::NoTarget, "the row names no bundle", remedy);
        }
        let message = "the row names neither a license nor a site";
        self.say(field, ProblemCode::NoTarget, message, "give a licenseId, a license or a siteUrl");
    }

    fn account_type(&mut self) {
        let cell = self.cell(Field::AccountType);
        if !cell.is_empty() && !cell.eq_ignore_ascii_case("attendee") {
            self.say(
                Field::AccountType,
                ProblemCode::BadAccountType,
                "a site URL can be assigned as attendee only",
                "write attendee or leave it empty; host accounts are licenses",
            );
        }
    }

    fn ask(&mut self, target: TargetNo, action: Action, cell: Option<usize>, word: Option<WordNo>) {
        self.operations.push(RowOperation { target, action, properties: Properties::default(), cell, word });
    }

    /// The organization inside a license's ID must be the row's.
    fn check_organizations(&mut self, user: &RowUser) {
        if user.org.is_none() && self.tenant.is_none() {
            return;
        }
        let own = user.org.as_ref().map(|org| cells::tenant(org.as_str()));
        let expected = match &own {
            Some(own) => own.as_deref(),
            None => self.tenant,
        };
        let Some(expected) = expected else { return };
        let other = self.operations.iter().find(|operation| {
            self.targets.organization(operation.target).is_some_and(|organization| organization != expected)
        });
        if let Some(other) = other {
            let fields = [Field::LicenseId, Field::License, Field::Bundle];
            let field = fields.into_iter().find(|field| self.columns.position(*field) == other.cell);
            let message = "the license is of another organization than the row";
            let remedy = "give the license of the row's organization, or correct the orgId";
            self.say(field.unwrap_or(Field::LicenseId), ProblemCode::OtherOrganization, message, remedy);
        }
    }

    /// Whether an operation would carry a number.
    fn takes_number(&self, operation: &RowOperation) -> bool {
        operation.action == Action::Add
            && operation.target != TargetNo::EVERYTHING
            && self.targets.kind(operation.target) != TargetKind::Other
    }
}
