//! Cells that name bundles: sets of licenses and sites that the configuration describes.

use super::super::cells::{self, CellFault};
use super::super::columns::Field;
use super::super::problem::ProblemCode;
use super::super::words;
use super::licenses::AskedBy;
use super::{RowInHand, RowUser};
use crate::domain::Action;

/// How a part of a bundle is written, where a row comes back of which the rest was done.
const LICENSE: &str = "license: ";
const SITE: &str = "site: ";

impl CellFault {
    fn unknown_bundle(name: &str, nearest: Option<&String>) -> Self {
        let section = format!("describe it in seatbatch.toml under [bundles.{}]", toml_key(name));
        let (near, remedy) = match nearest {
            Some(near) => (
                format!(" (the nearest is '{near}')"),
                format!("write {near} if that is meant, or {section}"),
            ),
            None => (String::new(), section),
        };
        let message = format!("there is no bundle '{}'{near}", crate::domain::Printable(name));
        Self { code: ProblemCode::UnknownBundle, message, remedy: remedy.into(), fix: None }
    }
}

/// A key as TOML takes it: in quotes, where it has other signs than letters and digits of ASCII, `_` and `-`.
fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl RowInHand<'_> {
    pub(super) fn bundle(&mut self, cell: &str, user: &RowUser, action: Action) {
        let how = self.how;
        let one = |name: &str| {
            let exact = how.bundles.get(name);
            exact.or_else(|| {
                how.bundles.iter().find(|(known, _)| words::alike(known, name)).map(|(_, bundle)| bundle)
            })
        };
        let names: Vec<&str> = match one(cell) {
            Some(_) => vec![cell],
            None => cell.split([';', '|']).map(str::trim).filter(|name| !name.is_empty()).collect(),
        };
        for name in names {
            if let Some(bundle) = one(name) {
                bundle.licenses.iter().for_each(|license| self.license_of_bundle(license, user, action));
                bundle.sites.iter().for_each(|site| self.site_of_bundle(site, action));
            } else if let Some(license) = name.strip_prefix(LICENSE) {
                self.license_of_bundle(license, user, action);
            } else if let Some(site) = name.strip_prefix(SITE) {
                self.site_of_bundle(site, action);
            } else {
                self.unknown_bundle(name);
            }
        }
    }

    fn license_of_bundle(&mut self, license: &str, user: &RowUser, action: Action) {
        let word = Some(self.targets.word(&format!("{LICENSE}{license}")));
        let named = self.named(license, user);
        self.ask_named(&named, action, AskedBy { word, ..self.by(Field::Bundle) }, user);
    }

    fn site_of_bundle(&mut self, site: &str, action: Action) {
        let word = Some(self.targets.word(&format!("{SITE}{site}")));
        match self.targets.site(site) {
            Ok(target) => self.ask(target, action, self.columns.position(Field::Bundle), word),
            Err(fault) => self.report(Field::Bundle, fault.of_a_part()),
        }
    }

    fn unknown_bundle(&mut self, name: &str) {
        let org = None;
        // Kept among the names that lead nowhere, so that each is told once.
        let text = format!("bundle\u{0}{name}");
        let known = &self.how.bundles;
        let named = self.targets.known_or(&text, org, |targets| {
            let nearest = known
                .keys()
                .map(|known| (strsim::jaro_winkler(&words::key(known), &words::key(name)), known));
            let nearest =
                nearest.filter(|(likeness, _)| *likeness >= 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
            let nearest = nearest.map(|(_, known)| known);
            let fault = cells::nothing(name)
                .map(CellFault::of_all_there_is)
                .unwrap_or_else(|| CellFault::unknown_bundle(name, nearest));
            targets.unresolved(name, fault)
        });
        self.ask_named(&named, Action::Add, self.by(Field::Bundle), &RowUser::default());
    }
}
