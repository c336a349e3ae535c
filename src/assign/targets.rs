//! The licenses and sites of a file, each kept once and numbered.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};

use siphasher::sip::SipHasher13;

use super::cells::{self, CellFault};
use super::names::{LicenseNames, NameMatch};
use super::problem::{Problem, ProblemCode};
use super::remedy::Remedy;
use super::words;
use crate::domain::{IdKey, LicenseId, Line, Listing, OrgId, SiteUrl, Target};

/// What a cell says that means everything a user holds.
pub(super) const EVERYTHING: &str = "*";

/// The number of a target within one file, dense from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetNo(pub u32);

impl TargetNo {
    /// Everything that a user holds, before it is known what that is.
    pub(super) const EVERYTHING: Self = Self(u32::MAX);
}

/// Whether a target is a Calling license, which takes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    Calling,
    Other,
    /// An ID that says nothing.
    Unknown,
}

/// What is looked up for every row.
type ByCell<T> = HashMap<Box<str>, T, foldhash::fast::RandomState>;

/// Every target of a file, once.
#[derive(Debug, Default)]
pub struct Targets {
    all: Vec<Target>,
    about: Vec<About>,
    numbers: HashMap<TargetKey, TargetNo>,
    /// What a cell has led to before, so that a million equal cells are judged once.
    license_ids: ByCell<Result<TargetNo, CellFault>>,
    licenses: HashMap<Option<OrgId>, ByCell<NamedTarget>>,
    sites: ByCell<Result<TargetNo, CellFault>>,
    unresolved: Vec<Unresolved>,
    /// Their numbers, by a hash of the name and of what is wrong with it: a name may stand alone and in lists.
    unresolved_numbers: HashMap<u64, usize>,
    /// Entries of lists and options, each once.
    words: Vec<Box<str>>,
    word_numbers: HashMap<Box<str>, WordNo>,
}

/// The number of an entry or an option within one file, dense from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WordNo(u32);

/// What is known of a target beside the target.
#[derive(Debug)]
struct About {
    kind: TargetKind,
    /// The organization inside a license's ID.
    organization: Option<Box<str>>,
    name: Option<Box<str>>,
}

/// What the spellings of one target have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum TargetKey {
    License(IdKey),
    Site(String),
}

impl TargetKey {
    fn of(target: &Target) -> Self {
        match target {
            Target::License(id) => Self::License(id.key()),
            Target::Site(url) => Self::Site(url.key()),
        }
    }
}

/// What the cell of a `license` column leads to.
#[derive(Debug, Clone)]
pub(super) enum NamedTarget {
    Target(TargetNo),
    /// The cell lists several.
    Several(Box<[(WordNo, Self)]>),
    Everything,
    Fault(Box<CellFault>),
    /// A name that leads nowhere, by its number: it is told once.
    Unresolved(usize),
}

/// A name that leads nowhere, or to several.
#[derive(Debug)]
struct Unresolved {
    fault: CellFault,
    text: Box<str>,
    /// The first row that uses it, and the column.
    first: Option<(Line, Box<str>, Option<usize>)>,
    /// The last row that uses it.
    last: Option<Line>,
    rows: u64,
}

impl Targets {
    /// The target of this number.
    #[must_use]
    pub fn get(&self, number: TargetNo) -> Option<&Target> {
        self.all.get(number.0 as usize)
    }

    /// All targets in the order of their numbers.
    #[must_use]
    pub fn all(&self) -> &[Target] {
        &self.all
    }

    /// What people call this target, where that is known.
    #[must_use]
    pub fn name(&self, number: TargetNo) -> Option<&str> {
        self.about.get(number.0 as usize)?.name.as_deref()
    }

    pub(super) fn kind(&self, number: TargetNo) -> TargetKind {
        self.about.get(number.0 as usize).map_or(TargetKind::Other, |about| about.kind)
    }

    pub(super) fn organization(&self, number: TargetNo) -> Option<&str> {
        self.about.get(number.0 as usize)?.organization.as_deref()
    }

    /// The target of a `licenseId` cell.
    pub(super) fn license_id(&mut self, cell: &str) -> Result<TargetNo, CellFault> {
        if let Some(known) = self.license_ids.get(cell) {
            return known.clone();
        }
        let read = cells::license_id(cell).map(|id| self.license_of(id, None));
        self.license_ids.insert(cell.into(), read.clone());
        read
    }

    /// The target of a license that is known by ID.
    pub(super) fn license_of(&mut self, id: LicenseId, name: Option<&str>) -> TargetNo {
        self.intern(Target::License(id), name)
    }

    /// What a `license` cell leads to: IDs or names, one or several, in the organization of its row. What a
    /// cell leads to is asked once, so that a second reading of the file says the same as the first.
    pub(super) fn license(&mut self, cell: &str, org: Option<&OrgId>, names: &LicenseNames) -> &NamedTarget {
        // Looked up twice, for the borrow: once a row of a cell that is known.
        let org = org.cloned();
        if self.licenses.get(&org).is_none_or(|known| !known.contains_key(cell)) {
            let named = self.read(cell, org.as_ref(), names);
            self.licenses.entry(org.clone()).or_default().insert(cell.into(), named);
        }
        self.licenses.get(&org).and_then(|known| known.get(cell)).unwrap_or(&NamedTarget::Everything)
    }

    fn read(&mut self, cell: &str, org: Option<&OrgId>, names: &LicenseNames) -> NamedTarget {
        if cell == EVERYTHING {
            return NamedTarget::Everything;
        }
        let is_list = cell.contains([';', '|']);
        match names.find(org, cell) {
            NameMatch::One(id, name) => NamedTarget::Target(self.license_of(id, Some(&name))),
            _ if is_list => {
                let parts = cell.split([';', '|']).map(str::trim).filter(|part| !part.is_empty());
                let parts: Vec<(WordNo, NamedTarget)> =
                    parts.map(|part| (self.word(part), self.one(part, org, names))).collect();
                match parts.len() {
                    0 => self.one(cell, org, names),
                    _ => NamedTarget::Several(parts.into()),
                }
            }
            _ => self.one(cell, org, names),
        }
    }

    /// The license that a text of one names.
    fn one(&mut self, text: &str, org: Option<&OrgId>, names: &LicenseNames) -> NamedTarget {
        if let Some(fault) = cells::nothing(text) {
            return NamedTarget::Fault(Box::new(fault));
        }
        if let Some(fault) = cells::misplaced(text) {
            return NamedTarget::Fault(Box::new(fault));
        }
        let is_id = text.starts_with("Y2lzY29zcGFyazov") || LicenseId::recognized(text).is_some();
        if is_id {
            return match cells::license_id(text) {
                Ok(id) => NamedTarget::Target(self.license_of(id, None)),
                Err(fault) => NamedTarget::Fault(Box::new(fault)),
            };
        }
        if let Some(fault) = listed_otherwise(text) {
            return NamedTarget::Fault(Box::new(fault));
        }
        if names.are_taken() {
            return LicenseId::parse(text).map_or_else(
                |_| NamedTarget::Fault(Box::new(CellFault::empty_name())),
                |id| NamedTarget::Target(self.license_of(id, Some(text))),
            );
        }
        match names.find(org, text) {
            NameMatch::One(id, name) => NamedTarget::Target(self.license_of(id, Some(&name))),
            NameMatch::None(nearest) => self.unresolved(text, CellFault::unknown_license(text, &nearest)),
            NameMatch::Several(which) => self.unresolved(text, CellFault::ambiguous_license(text, &which)),
        }
    }

    /// Keeps an entry of a list, or an option.
    pub(super) fn word(&mut self, text: &str) -> WordNo {
        if let Some(known) = self.word_numbers.get(text) {
            return *known;
        }
        let number = WordNo(u32::try_from(self.words.len()).unwrap_or(u32::MAX));
        self.words.push(text.into());
        self.word_numbers.insert(text.into(), number);
        number
    }

    pub(super) fn word_of(&self, number: WordNo) -> &str {
        self.words.get(number.0 as usize).map_or("", |word| word)
    }

    /// What a text has led to before, or what `find` says.
    pub(super) fn known_or(
        &mut self,
        text: &str,
        org: Option<&OrgId>,
        find: impl FnOnce(&mut Self) -> NamedTarget,
    ) -> NamedTarget {
        let org = org.cloned();
        if let Some(named) = self.licenses.get(&org).and_then(|known| known.get(text)) {
            return named.clone();
        }
        let named = find(self);
        self.licenses.entry(org).or_default().insert(text.into(), named.clone());
        named
    }

    /// Keeps a name that leads nowhere, to be told once.
    pub(super) fn unresolved(&mut self, text: &str, fault: CellFault) -> NamedTarget {
        let mut hasher = SipHasher13::new();
        (text, &fault.message).hash(&mut hasher);
        let hash = hasher.finish();
        let known = self.unresolved_numbers.get(&hash).copied();
        let is_same = |known: &Unresolved| *known.text == *text && known.fault == fault;
        if let Some(number) = known.filter(|number| self.unresolved.get(*number).is_some_and(is_same)) {
            return NamedTarget::Unresolved(number);
        }
        let number = self.unresolved.len();
        self.unresolved.push(Unresolved { fault, text: text.into(), first: None, last: None, rows: 0 });
        self.unresolved_numbers.insert(hash, number);
        NamedTarget::Unresolved(number)
    }

    /// Counts a row that uses such a name, and gives the row's own problem.
    pub(super) fn blame(
        &mut self,
        number: usize,
        line: Line,
        column: &str,
        cell: Option<usize>,
    ) -> Option<Problem> {
        let unresolved = self.unresolved.get_mut(number)?;
        // A row that names it twice is one row.
        unresolved.rows += u64::from(unresolved.last.replace(line) != Some(line));
        unresolved.first.get_or_insert_with(|| (line, column.into(), cell));
        Some(unresolved.problem(line, column, cell))
    }

    /// Each name that leads nowhere once, with the number of its rows.
    pub(super) fn told_once(&self) -> impl Iterator<Item = Problem> {
        self.unresolved.iter().filter_map(|unresolved| {
            let (line, column, cell) = unresolved.first.as_ref()?;
            let mut problem = unresolved.problem(*line, column, *cell);
            if unresolved.rows > 1 {
                problem.message = format!("{} ({} rows, from line {line})", problem.message, unresolved.rows);
            }
            problem.rows = Some(unresolved.rows);
            Some(problem)
        })
    }

    /// The target of a `siteUrl` cell.
    pub(super) fn site(&mut self, cell: &str) -> Result<TargetNo, CellFault> {
        if let Some(known) = self.sites.get(cell) {
            return known.clone();
        }
        // Spellings of one site are one site, under its first spelling.
        let read = cells::site(cell).map(|url: SiteUrl| self.intern(Target::Site(url), None));
        self.sites.insert(cell.into(), read.clone());
        read
    }

    fn intern(&mut self, target: Target, name: Option<&str>) -> TargetNo {
        let key = TargetKey::of(&target);
        if let Some(number) = self.numbers.get(&key) {
            if let (Some(about), Some(name)) = (self.about.get_mut(number.0 as usize), name) {
                about.name.get_or_insert_with(|| name.into());
                about.kind = if about.kind == TargetKind::Unknown {
                    kind_of(name, TargetKind::Other)
                } else {
                    about.kind
                };
            }
            return *number;
        }
        // Numbers lines at most, and lines fit in 32 bits.
        let number = TargetNo(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.about.push(About::of(&target, name));
        self.all.push(target);
        self.numbers.insert(key, number);
        number
    }
}

impl About {
    fn of(target: &Target, name: Option<&str>) -> Self {
        let Target::License(id) = target else {
            return Self { kind: TargetKind::Other, organization: None, name: None };
        };
        let coded = cells::service_code(id.as_str());
        let kind = match (&coded, name) {
            // The codes of Calling licenses begin so.
            (Some(code), _) if code.starts_with("BC") => TargetKind::Calling,
            (Some(_), name) => kind_of(name.unwrap_or_default(), TargetKind::Other),
            (None, Some(name)) => kind_of(name, TargetKind::Other),
            (None, None) => TargetKind::Unknown,
        };
        Self { kind, organization: cells::organization_of(id.as_str()), name: name.map(Into::into) }
    }
}

fn kind_of(name: &str, otherwise: TargetKind) -> TargetKind {
    if words::is_calling(name) { TargetKind::Calling } else { otherwise }
}

impl Unresolved {
    fn problem(&self, line: Line, column: &str, cell: Option<usize>) -> Problem {
        Problem {
            code: self.fault.code,
            line,
            column: column.to_owned(),
            cell,
            value: self.text.to_string(),
            message: self.fault.message.clone(),
            remedy: self.fault.remedy.clone(),
            fix: self.fault.fix.clone(),
            rows: None,
        }
    }
}

/// Names of several licenses with commas or plus signs between them, which may be part of a name.
fn listed_otherwise(text: &str) -> Option<CellFault> {
    let parts: Vec<&str> = text.split([',', '+', '\n']).map(str::trim).collect();
    (parts.len() > 1 && parts.iter().all(|part| words::is_license_name(part))).then(|| {
        // In a file with semicolons between its columns another one would begin a cell.
        let fix = parts.join(" | ");
        CellFault {
            code: ProblemCode::UnknownLicense,
            message: "the cell names several licenses".to_owned(),
            remedy: format!("separate them with bars: {fix}").into(),
            fix: Some(fix),
        }
    })
}

impl CellFault {
    fn empty_name() -> Self {
        Self {
            code: ProblemCode::NoTarget,
            message: "the cell names no license".to_owned(),
            remedy: "give a license".into(),
            fix: None,
        }
    }

    fn unknown_license(text: &str, nearest: &[String]) -> Self {
        let near = match nearest {
            [] => String::new(),
            [one] => format!(" (the nearest is '{one}')"),
            several => format!(" (the nearest are '{}')", several.join("', '")),
        };
        let message = format!(
            "the organization has no license of the name or ID '{}'{near}",
            crate::domain::Printable(text)
        );
        let remedy = "Words of your own can be bundles of seatbatch.toml: say --map bundle=COLUMN";
        let remedy = Remedy::from(remedy).after_a_look_at(Listing::Licenses);
        Self { code: ProblemCode::UnknownLicense, message, remedy, fix: None }
    }

    fn ambiguous_license(text: &str, which: &[String]) -> Self {
        let message =
            format!("several licenses are called '{}': {}", crate::domain::Printable(text), which.join("; "));
        Self { code: ProblemCode::AmbiguousLicense, message, remedy: "give the ID instead".into(), fix: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(named: &NamedTarget) -> TargetNo {
        match named {
            NamedTarget::Target(number) => *number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn spellings_of_one_license_are_one_target_under_the_first() {
        let mut targets = Targets::default();
        let id = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvYTE6TVNfMQ";
        let first = targets.license_id(id).unwrap();
        assert_eq!(targets.license_id(&format!("{id}==")), Ok(first));
        assert_eq!(target(targets.license(id, None, &LicenseNames::taken())), first);
        assert_eq!(targets.get(first).unwrap().as_str(), id);
        assert_eq!((targets.kind(first), targets.organization(first)), (TargetKind::Other, Some("a1")));
    }

    #[test]
    fn a_cell_can_list_several_unless_it_is_a_license_itself() {
        let mut targets = Targets::default();
        let names = LicenseNames::taken();
        let NamedTarget::Several(two) = targets.license("Messaging; Meetings Suite|", None, &names).clone()
        else {
            panic!()
        };
        let first = target(targets.license("Messaging", None, &names));
        assert_eq!((two.len(), target(&two[0].1)), (2, first));
        assert!(matches!(targets.license("*", None, &names), NamedTarget::Everything));
        let NamedTarget::Fault(fault) = targets.license("Messaging, Meetings Suite", None, &names) else {
            panic!()
        };
        assert_eq!(fault.fix.as_deref(), Some("Messaging | Meetings Suite"));
        assert!(matches!(
            targets.license("Call on Webex (1:1 call, non-PSTN)", None, &names),
            NamedTarget::Target(_)
        ));
    }

    #[test]
    fn calling_is_known_by_code_or_by_name() {
        let mut targets = Targets::default();
        let calling = target(targets.license("Webex Calling - Professional", None, &LicenseNames::taken()));
        let opaque = targets.license_id("L1").unwrap();
        let other = target(targets.license("Messaging", None, &LicenseNames::taken()));
        let kinds = [calling, opaque, other].map(|number| targets.kind(number));
        assert_eq!(kinds, [TargetKind::Calling, TargetKind::Unknown, TargetKind::Other]);
    }

    #[test]
    fn sites_have_no_case() {
        let mut targets = Targets::default();
        let first = targets.site("Meet.example.com").unwrap();
        assert_eq!(targets.site("meet.EXAMPLE.com"), Ok(first));
        assert_eq!(targets.get(first).unwrap().as_str(), "Meet.example.com");
    }
}
