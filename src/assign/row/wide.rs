//! The wide form: Control Hub's export as it is, one row per user and one column per service.

use super::super::cells::CellFault;
use super::super::columns::{Columns, Field, quoted};
use super::super::interpretation::{Interpretation, ServiceMode};
use super::super::names::NameMatch;
use super::super::problem::{Problem, ProblemCode};
use super::super::targets::{NamedTarget, TargetKind, Targets};
use super::super::words;
use super::{RowInHand, RowUser};
use crate::domain::{Action, LicenseId, Line, OrgId, Printable};
use crate::input::Header;

/// The columns of services.
#[derive(Debug)]
pub(crate) struct Wide {
    services: Vec<Service>,
    /// `FALSE` cells that ask for nothing.
    pub(crate) left_alone: u64,
}

#[derive(Debug)]
struct Service {
    position: usize,
    header: Box<str>,
    suspended: bool,
    /// The name that stands for it in `[services]`.
    configured: Option<String>,
    /// What it leads to, by organization; asked for when the first cell asks for it.
    leads_to: Vec<(Option<OrgId>, NamedTarget)>,
    booleans: u64,
    /// Cells that are neither, and the first of them.
    others: u64,
    other: Option<(Line, String)>,
}

impl Wide {
    /// The columns of services, where the header is that of such a file.
    pub(crate) fn of(header: &Header, columns: &Columns, how: &Interpretation) -> Option<Self> {
        let targets = Field::TARGET.iter().any(|field| columns.has(*field));
        if targets || columns.has(Field::Operation) || !how.requests.is_empty() {
            return None;
        }
        let ignored: Vec<String> = how.ignore.iter().map(|name| words::key(name)).collect();
        let due = how.due.as_ref().map(|due| words::key(&due.column));
        let own = header.names().get(..header.carried()).unwrap_or(header.names());
        let services: Vec<Service> = own
            .iter()
            .enumerate()
            .filter(|(position, name)| {
                let key = words::key(name);
                let other = words::is_innocent(&key) || ignored.contains(&key) || due.as_ref() == Some(&key);
                !key.is_empty() && !other && !columns.is_taken(*position)
            })
            .map(|(position, name)| Service::of(position, name, how))
            .collect();
        let is_control_hub =
            columns.position(Field::Email).is_some_and(|_| words::is_control_hub(columns.name(Field::Email)));
        let named =
            services.iter().any(|service| service.configured.is_some() || looks_like_one(&service.header));
        (!services.is_empty() && (is_control_hub || named)).then_some(Self { services, left_alone: 0 })
    }

    /// Columns that hold services.
    pub(crate) fn services(&self) -> usize {
        self.services.iter().filter(|service| service.booleans > 0).count()
    }

    /// Whether this column is looked at as one of a service.
    pub(crate) fn has(&self, position: usize) -> bool {
        self.services.iter().any(|service| service.position == position)
    }

    /// Columns of services in which something else stands too, each once.
    pub(crate) fn problems(&self) -> impl Iterator<Item = Problem> {
        let mixed = self.services.iter().filter(|service| service.booleans > 0 && service.others > 0);
        mixed.filter_map(|service| {
            let (line, value) = service.other.clone()?;
            let rows = service.others;
            let message = match rows {
                1 => "a cell of a column of services is neither TRUE nor FALSE nor empty".to_owned(),
                rows => format!("{rows} cells of a column of services are neither TRUE nor FALSE nor empty, from line {line}"),
            };
            let remedy = format!("write TRUE, FALSE or nothing, or leave the column out with --ignore {}", quoted(&service.header));
            Some(Problem {
                code: ProblemCode::BadServiceValue,
                line,
                column: service.header.to_string(),
                cell: Some(service.position),
                value,
                message,
                remedy: remedy.into(),
                fix: None,
            })
        })
    }
}

/// As in `Webex Calling VAR Professional [Sub121331]` or `example.webex.com - WebEx Enterprise Edition`.
fn looks_like_one(header: &str) -> bool {
    let tagged =
        header.find('[').is_some_and(|open| header.get(open..).is_some_and(|rest| rest.contains(']')));
    tagged || words::license_of_service(header).is_some() || words::is_license_name(header)
}

/// A header taken apart: the service's name, the site before it, and what stands in brackets.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'h> {
    name: &'h str,
    site: Option<&'h str>,
    tags: Vec<&'h str>,
    attendee: bool,
}

impl<'h> Parts<'h> {
    fn of(header: &'h str) -> Self {
        let header = suspended(header).unwrap_or(header);
        let (before, tags) = header.split_once('[').unwrap_or((header, ""));
        let tags = tags.split(['[', ']']).map(str::trim).filter(|tag| !tag.is_empty()).collect();
        let before = before.trim();
        let is_dash = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        // A host first, and a dash that is no part of it.
        let end =
            before.find(|c: char| c.is_whitespace() || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}'));
        let end = end.or_else(|| before.rfind('-'));
        let (host, rest) = end.and_then(|end| before.split_at_checked(end)).unwrap_or((before, ""));
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || is_dash(c));
        let host = host.trim_end_matches('-');
        let is_host =
            host.contains('.') && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        if is_host && !rest.is_empty() {
            let attendee = words::key(rest).starts_with("attendee");
            return Self { name: rest, site: Some(host), tags, attendee };
        }
        Self { name: before, site: None, tags, attendee: false }
    }
}

/// The header without the mark of a suspended service, where it has one.
fn suspended(header: &str) -> Option<&str> {
    let open = header.rfind('(')?;
    let inside = header.get(open + 1..)?.split(')').next()?.trim();
    inside.eq_ignore_ascii_case("suspended").then(|| header.get(..open).unwrap_or_default().trim())
}

impl Service {
    fn of(position: usize, header: &str, how: &Interpretation) -> Self {
        let key = words::key(header);
        let exact = how.services.get(header);
        let configured = exact.or_else(|| {
            how.services.iter().find(|(name, _)| words::key(name) == key).map(|(_, license)| license)
        });
        Self {
            position,
            header: header.into(),
            suspended: suspended(header).is_some(),
            configured: configured.cloned(),
            leads_to: Vec::new(),
            booleans: 0,
            others: 0,
            other: None,
        }
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
        let known_as = [parts.name, words::license_of_service(parts.name).unwrap_or(parts.name)];
        let tags: Vec<&str> = parts.site.into_iter().chain(parts.tags.iter().copied()).collect();
        match names.find_service(org, &known_as, &tags) {
            NameMatch::One(id, name) => NamedTarget::Target(reading.targets.license_of(id, Some(&name))),
            NameMatch::None(candidates) => self.unmatched(reading.targets, "no license is", &candidates),
            NameMatch::Several(candidates) => {
                self.unmatched(reading.targets, "several licenses may be", &candidates)
            }
        }
    }

    fn unmatched(&self, targets: &mut Targets, what: &str, candidates: &[String]) -> NamedTarget {
        let candidates = if candidates.is_empty() {
            String::new()
        } else {
            format!(" (candidates: {})", candidates.join("; "))
        };
        let fault = CellFault {
            code: ProblemCode::UnmatchedService,
            message: format!("{what} surely the service '{}'{candidates}", Printable(&self.header)),
            remedy: format!(
                "put into seatbatch.toml under [services]: \"{}\" = \"NAME OR ID\", or leave the column out with --ignore {}",
                self.header.replace('"', "\\\""),
                quoted(&self.header)
            )
            .into(),
            fix: None,
        };
        targets.unresolved(&self.header, fault)
    }
}

impl RowInHand<'_> {
    /// Asks for what the cells of services say.
    pub(super) fn wide(&mut self, wide: &mut Wide, user: &RowUser) {
        let org = self.organization(user).cloned();
        for service in &mut wide.services {
            let cell = self.row.at(service.position);
            if cell.is_empty() {
                continue;
            }
            let Some(assigned) = words::boolean(cell) else {
                service.others += 1;
                service.other.get_or_insert_with(|| (self.row.line(), cell.to_owned()));
                continue;
            };
            service.booleans += 1;
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
        self.number_properties(false, true);
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
        });
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
                remedy: "leave TRUE in one of them".into(),
                fix: None,
            };
            self.report_service(service, fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_apart() {
        let parts =
            |name, site, tags: &[&'static str], attendee| Parts { name, site, tags: tags.to_vec(), attendee };
        for (header, expected) in [
            ("Webex Teams [Sub121331]", parts("Webex Teams", None, &["Sub121331"], false)),
            (
                "Webex Calling VAR Basic [sub-site name]",
                parts("Webex Calling VAR Basic", None, &["sub-site name"], false),
            ),
            (
                "Customer Experience Essentials[sub-site name]",
                parts("Customer Experience Essentials", None, &["sub-site name"], false),
            ),
            ("Call Service Aware", parts("Call Service Aware", None, &[], false)),
            (
                "meet.webex.com - WebEx Enterprise Edition [Sub1]",
                parts("WebEx Enterprise Edition", Some("meet.webex.com"), &["Sub1"], false),
            ),
            ("my-site.webex.com\u{2013}Attendee", parts("Attendee", Some("my-site.webex.com"), &[], true)),
            ("my-site.webex.com - Attendee", parts("Attendee", Some("my-site.webex.com"), &[], true)),
            ("my-site.webex.com-Attendee", parts("Attendee", Some("my-site.webex.com"), &[], true)),
            ("Messaging (Suspended)", parts("Messaging", None, &[], false)),
        ] {
            assert_eq!(Parts::of(header), expected, "{header}");
        }
        assert!(suspended("Messaging [S] (Suspended)").is_some() && suspended("Messaging (1:1)").is_none());
    }
}
