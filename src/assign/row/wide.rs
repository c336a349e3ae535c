//! The wide form: Control Hub's export as it is, one row per user and one column per service.

use super::super::cells::CellFault;
use super::super::columns::{Columns, quoted};
use super::super::interpretation::{Interpretation, ServiceMode};
use super::super::names::{LicenseNames, NameMatch};
use super::super::problem::{Problem, ProblemCode};
use super::super::remarks::PaddedCells;
use super::super::service_name::{Naming, Parts, configured, suspended};
use super::super::targets::{NamedTarget, TargetKind, Targets};
use super::super::words;
use super::numbers::NumberNeed;
use super::pattern::{Pattern, PatternNo, Patterns};
use super::{RowInHand, RowUser};
use crate::domain::{Action, LicenseId, Line, OrgId, Printable};
use crate::input::Header;

/// The columns of services.
#[derive(Debug)]
pub(crate) struct Wide {
    services: Vec<Service>,
    /// `FALSE` cells that ask for nothing.
    pub(crate) left_alone: u64,
    /// Cells of services with something around them that cannot be seen.
    pub(crate) padded: PaddedCells,
    patterns: Patterns,
}

/// A column that may be one of a service.
#[derive(Debug)]
struct Service {
    position: usize,
    header: Box<str>,
    naming: Naming,
    /// The site it is of, and whether it lets people attend there alone.
    site: Option<(Box<str>, bool)>,
    suspended: bool,
    /// The name that stands for it in `[services]`.
    configured: Option<String>,
    /// What it leads to, by organization; asked for when the first cell asks for it.
    leads_to: Vec<(Option<OrgId>, NamedTarget)>,
    booleans: u64,
    /// Cells that are neither, and the first of them.
    others: u64,
    other: Option<(Line, String)>,
    /// Whether all of those are ticks or crosses, as people make them.
    marks_alone: bool,
}

impl Wide {
    /// The columns of services, where the header is that of such a file.
    pub(crate) fn of(header: &Header, columns: &Columns, how: &Interpretation) -> Option<Self> {
        if columns.say_what_is_asked(how) || how.service_mode == ServiceMode::Ignore {
            return None;
        }
        let others = columns.not_understood(header, how);
        let services: Vec<Service> =
            others.map(|(position, name)| Service::of(position, name, how)).collect();
        let named = services.iter().any(|service| service.naming == Naming::Named);
        let patterns = Patterns::of(services.iter().map(|service| service.position));
        (!services.is_empty() && (columns.are_control_hubs() || named)).then_some(Self {
            services,
            left_alone: 0,
            padded: PaddedCells::default(),
            patterns,
        })
    }

    /// How many cells were not simply TRUE or FALSE.
    fn oddities(&self) -> u64 {
        self.padded.count() + self.services.iter().map(|service| service.others).sum::<u64>()
    }

    /// What rows of this pattern ask for.
    pub(crate) fn pattern(&self, number: PatternNo) -> Option<&Pattern> {
        self.patterns.get(number)
    }

    /// Columns that hold services.
    pub(crate) fn services(&self) -> usize {
        self.services.iter().filter(|service| service.booleans > 0).count()
    }

    /// Whether no column is of a service, neither by its name nor by its cells.
    pub(crate) fn is_none(&self) -> bool {
        let says = |service: &Service| service.booleans > 0 || (service.others > 0 && service.marks_alone);
        !self.services.iter().any(|service| service.naming != Naming::Unknown || says(service))
    }

    /// Whether this column is looked at as one that may be of a service.
    pub(crate) fn has(&self, position: usize) -> bool {
        self.services.iter().any(|service| service.position == position)
    }

    /// Whether this column is one of a service by its name.
    pub(crate) fn names(&self, position: usize) -> bool {
        let at = |service: &&Service| service.position == position;
        self.services.iter().find(at).is_some_and(|service| service.naming != Naming::Unknown)
    }

    /// Whether this column has turned out to be one of a service.
    pub(crate) fn holds(&self, position: usize) -> bool {
        self.services.iter().any(|service| service.position == position && service.booleans > 0)
    }

    /// Where the columns stand that have turned out to be of services.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.services.iter().filter(|service| service.booleans > 0).map(|service| service.position)
    }

    /// Columns that are services, and in which something else stands than TRUE and FALSE, and those that may be:
    /// each once.
    pub(crate) fn problems<'w>(&'w self, names: &'w LicenseNames) -> impl Iterator<Item = Problem> + 'w {
        self.services.iter().filter_map(|service| service.problem(names))
    }
}

impl Service {
    fn of(position: usize, header: &str, how: &Interpretation) -> Self {
        let parts = Parts::of(header);
        Self {
            position,
            header: header.into(),
            naming: Naming::of(header, how),
            site: parts.site.map(|site| (site.to_lowercase().into(), parts.attendee)),
            suspended: suspended(header).is_some(),
            configured: configured(header, how).cloned(),
            leads_to: Vec::new(),
            booleans: 0,
            others: 0,
            other: None,
            marks_alone: true,
        }
    }

    fn see_other(&mut self, line: Line, cell: &str) {
        self.others += 1;
        self.other.get_or_insert_with(|| (line, cell.to_owned()));
        self.marks_alone = self.marks_alone && words::is_mark(cell);
    }

    fn problem(&self, names: &LicenseNames) -> Option<Problem> {
        let example = self.other.clone()?;
        let is_named = || self.naming != Naming::Unknown || names.are_any(&Parts::of(&self.header).names());
        let (code, message) = if self.booleans > 0 || is_named() {
            let message = match self.others {
                1 => "a cell of a column of services is neither TRUE nor FALSE nor empty".to_owned(),
                rows => format!(
                    "{rows} cells of a column of services are neither TRUE nor FALSE nor empty, from line {}",
                    example.0
                ),
            };
            (ProblemCode::BadServiceValue, message)
        } else if self.marks_alone {
            let message = format!(
                "the column '{}' is not understood, and its cells are marked as those of a service might be",
                Printable(&self.header)
            );
            (ProblemCode::UnclearColumn, message)
        } else {
            return None;
        };
        let remedy = format!(
            "write TRUE, FALSE or nothing, or leave the column out with --ignore {}",
            quoted(&self.header)
        );
        Some(Problem::of_column((self.position, &self.header), code, example, message, remedy))
    }

    fn leads_to(&mut self, org: Option<&OrgId>, reading: &mut RowInHand<'_>) -> NamedTarget {
        if let Some((_, named)) = self.leads_to.iter().find(|(known, _)| known.as_ref() == org) {
            return named.clone();
        }
        let named = self.find(org, reading);
        self.leads_to.push((org.cloned(), named.clone()));
        named
    }

    fn find(&self, org: Option<&OrgId>, reading: &mut RowInHand<'_>) -> NamedTarget {
        let names = &reading.known.names;
        if let Some(license) = &self.configured {
            return reading.targets.license(license, org, names).clone();
        }
        let parts = Parts::of(&self.header);
        if let (Some(site), true) = (parts.site, parts.attendee) {
            return match reading.targets.site(site) {
                Ok(target) => NamedTarget::Target(target),
                Err(fault) => NamedTarget::Fault(Box::new(fault)),
            };
        }
        if names.are_taken() {
            // Each column is a license of its own, as long as nobody can say which.
            return LicenseId::parse(&self.header).map_or(NamedTarget::Everything, |id| {
                NamedTarget::Target(reading.targets.license_of(id, Some(&self.header)))
            });
        }
        let known_as = parts.names();
        let tags: Vec<&str> = parts.site.into_iter().chain(parts.tags.iter().copied()).collect();
        match names.find_service(org, &known_as, &tags) {
            NameMatch::One(id, name) => NamedTarget::Target(reading.targets.license_of(id, Some(&name))),
            NameMatch::None(candidates) => {
                // One that is the only one and goes by its name alone can be written down at once.
                let called = |name: &&str| matches!(names.find(org, name), NameMatch::One(..));
                let named = match candidates.as_slice() {
                    [one] => [Some(one.as_str()), one.rsplit_once(" (").map(|(name, _)| name)],
                    _ => [None, None],
                };
                let written = named.into_iter().flatten().find(called);
                self.unmatched(reading.targets, "no license is", &candidates, written)
            }
            NameMatch::Several(candidates) => {
                self.unmatched(reading.targets, "several licenses may be", &candidates, None)
            }
        }
    }

    fn unmatched(
        &self,
        targets: &mut Targets,
        what: &str,
        candidates: &[String],
        written: Option<&str>,
    ) -> NamedTarget {
        let quoted_in_toml = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let candidates = if candidates.is_empty() {
            String::new()
        } else {
            format!(" (candidates: {})", candidates.join("; "))
        };
        let fault = CellFault {
            code: ProblemCode::UnmatchedService,
            message: format!("{what} surely the service '{}'{candidates}", Printable(&self.header)),
            remedy: format!(
                "put into seatbatch.toml under [services]: \"{}\" = \"{}\", or leave the column out with --ignore {}",
                quoted_in_toml(&self.header),
                written.map_or_else(|| "NAME OR ID".to_owned(), quoted_in_toml),
                quoted(&self.header)
            )
            .into(),
            fix: None,
        };
        targets.unresolved(&self.header, fault)
    }
}

impl RowInHand<'_> {
    /// Asks for what the cells of services say. Where rows before said the same and nothing else of this one matters,
    /// that is their pattern, and no operation is put down.
    pub(super) fn wide(&mut self, wide: &mut Wide, user: &RowUser) -> Option<PatternNo> {
        let is_bare = user.org.is_none() && self.has_no_numbers();
        let cells = if is_bare { wide.patterns.cells(self.row) } else { None };
        if let Some(number) = cells.and_then(|cells| wide.patterns.find(cells)) {
            wide.left_alone += wide.pattern(number).map_or(0, |pattern| pattern.left_alone);
            return Some(number);
        }
        let (left_alone, oddities) = (wide.left_alone, wide.oddities());
        let faults = self.problems.len() + self.names.len();
        self.services(wide, user);
        if let Some(cells) = cells
            && self.problems.len() + self.names.len() == faults
            && wide.oddities() == oddities
            && !self.operations.iter().any(|operation| self.takes_number(operation))
        {
            let left_alone = wide.left_alone - left_alone;
            wide.patterns.keep(cells, left_alone, self.operations, self.targets);
        }
        None
    }

    /// The same cell by cell.
    fn services(&mut self, wide: &mut Wide, user: &RowUser) {
        let org = self.organization(user).cloned();
        for service in &mut wide.services {
            let cell = self.row.at(service.position);
            if cell.is_empty() {
                continue;
            }
            let Some(assigned) = words::boolean(cell) else {
                service.see_other(self.row.line(), cell);
                continue;
            };
            service.booleans += 1;
            wide.padded.look(self.row, service.position);
            if !assigned && self.how.service_mode == ServiceMode::AddOnly {
                wide.left_alone += 1;
                continue;
            }
            let action = if assigned { Action::Add } else { Action::Remove };
            if service.suspended && assigned {
                let fault = CellFault {
                    code: ProblemCode::SuspendedService,
                    message: "a suspended service cannot be assigned".to_owned(),
                    remedy: "empty the cell".into(),
                    fix: Some(String::new()),
                };
                self.report_service(service, fault);
                continue;
            }
            let named = service.leads_to(org.as_ref(), self);
            self.ask_service(service, &named, action);
        }
        self.one_calling_license(wide);
        self.one_account_a_site(wide);
        self.number_properties(NumberNeed::Strict);
        self.check_organizations(user);
    }

    fn ask_service(&mut self, service: &Service, named: &NamedTarget, action: Action) {
        match named {
            NamedTarget::Target(target) => self.ask(*target, action, Some(service.position), None),
            NamedTarget::Several(several) => {
                several.iter().for_each(|(_, named)| self.ask_service(service, named, action));
            }
            NamedTarget::Fault(fault) => self.report_service(service, (**fault).clone()),
            NamedTarget::Unresolved(number) => {
                let line = self.row.line();
                let problem = self.targets.blame(*number, line, &service.header, Some(service.position));
                self.names.extend(problem);
            }
            NamedTarget::Everything => {}
        }
    }

    fn report_service(&mut self, service: &Service, fault: CellFault) {
        self.problems.push(Problem {
            code: fault.code,
            line: self.row.line(),
            column: service.header.to_string(),
            cell: Some(service.position),
            value: self.row.at(service.position).to_owned(),
            message: fault.message,
            remedy: fault.remedy,
            fix: fault.fix,
            rows: None,
        });
    }

    /// Nobody is host and attendee of one site.
    fn one_account_a_site(&mut self, wide: &Wide) {
        let is_true = |service: &Service| words::boolean(self.row.at(service.position)) == Some(true);
        let attendees = wide.services.iter().filter(|service| matches!(service.site, Some((_, true))));
        let both = attendees.filter(|attendee| {
            let is_host = |other: &Service| match (&other.site, &attendee.site) {
                (Some((host, false)), Some((site, _))) => host == site && is_true(other),
                _ => false,
            };
            is_true(attendee) && wide.services.iter().any(is_host)
        });
        let both: Vec<&Service> = both.collect();
        for service in both {
            let fault = CellFault {
                code: ProblemCode::TwoAccountTypes,
                message: "the row makes a host and an attendee of one site, and a user can be one of them"
                    .to_owned(),
                remedy: "leave TRUE in only one of them".into(),
                fix: None,
            };
            self.report_service(service, fault);
        }
    }

    /// Nobody can have two Calling licenses.
    fn one_calling_license(&mut self, wide: &Wide) {
        let targets = &*self.targets;
        let mut calling = self.operations.iter().filter(|operation| {
            operation.action == Action::Add && targets.kind(operation.target) == TargetKind::Calling
        });
        let Some(second) = calling.nth(1) else { return };
        let service = wide.services.iter().find(|service| Some(service.position) == second.cell);
        if let Some(service) = service {
            let fault = CellFault {
                code: ProblemCode::TwoCallingLicenses,
                message: "the row assigns two Calling licenses, and a user can have one".to_owned(),
                remedy: "leave TRUE in only one of them".into(),
                fix: None,
            };
            self.report_service(service, fault);
        }
    }
}
