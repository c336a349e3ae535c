//! A CSV whose operations reverse what a run has done.

use std::collections::BTreeMap;
use std::io::Write;

use super::error::ReportError;
use crate::input::LONG_FORM;
use crate::journal::{NeedNone, Reader, Reversal, RunRow};

/// What becomes of an operation that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is reversed.
    Reversed,
    /// Somebody has changed it since, or nobody can say: it is left alone.
    LeftAlone,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Rows that take away.
    pub removes: u64,
    /// Rows that give.
    pub adds: u64,
    /// Of these, Calling licenses of which the journal has neither number nor extension and location: the lines
    /// of the CSV that a person must complete.
    pub to_complete: Vec<u64>,
    /// Rows of which it is not known whether the run changed anything; a note in them says so.
    pub not_known: u64,
    /// Of these, rows of sites.
    pub sites_not_known: u64,
    /// Operations left alone.
    pub left_alone: u64,
    /// Operations that are done and are not among the rows, since there is nothing to reverse.
    pub need_none: NeedNone,
    /// Whether something is given that other rows give back: these must not overlap.
    pub exchanges: bool,
}

impl Undone {
    /// All rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.removes + self.adds
    }
}

/// Writes the reversing CSV: adds become removes and removes adds, who was sent last first, and last those that a
/// person must complete. `is_calling` says whether a license needs a number, `org` is that of rows that name none;
/// `has_snapshot`, whether it was kept who held which license before. No list tells who attended a site.
///
/// # Errors
/// [`ReportError`].
pub fn write_undo(
    reader: &Reader,
    run: &RunRow,
    (org, has_snapshot): (Option<&str>, bool),
    is_calling: &dyn Fn(&Reversal) -> bool,
    fate: &mut dyn FnMut(&Reversal) -> Fate,
    output: &mut dyn Write,
) -> Result<Undone, ReportError> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(LONG_FORM.into_iter().chain(["note"]))?;
    let mut undone = Undone { need_none: reader.need_no_reversal(run.run)?, ..Undone::default() };
    let (mut incomplete, mut moved) = (Vec::new(), BTreeMap::new());
    reader.reversals(run.run, |mut row| -> Result<(), ReportError> {
        if fate(&row) == Fate::LeftAlone {
            undone.left_alone += 1;
            return Ok(());
        }
        if row.removed && is_calling(&row) {
            if !row.place.is_whole() {
                row.place = reader.earlier_place(run.run, &row)?;
            }
            if !row.place.is_whole() {
                incomplete.push(row);
                return Ok(());
            }
        }
        let count = if row.removed { &mut undone.adds } else { &mut undone.removes };
        *count += 1;
        note_moved(&mut moved, &row);
        let is_site = row.kind == "site";
        let is_known = has_snapshot && !is_site;
        undone.not_known += u64::from(!is_known);
        undone.sites_not_known += u64::from(is_site);
        Ok(writer.write_record(reversed(&row, org, &note(&row, is_known, true)))?)
    })?;
    for row in incomplete {
        undone.adds += 1;
        undone.not_known += u64::from(!has_snapshot);
        note_moved(&mut moved, &row);
        // The header is line 1.
        undone.to_complete.push(undone.rows() + 1);
        writer.write_record(reversed(&row, org, &note(&row, has_snapshot, false)))?;
    }
    writer.flush()?;
    drop(writer);
    undone.exchanges = moved.values().any(|(given, taken)| *given && *taken);
    Ok(undone)
}

/// In rows that a person must complete.
const TO_COMPLETE: &str = "complete it: a phone number, or an extension and a location";
/// In rows of which it is not known whether the run changed anything: those that take away, and those that give back.
const HAD_IT: &str = "nobody knows whether the user had this before the run; if so, take this line out";
const HAD_IT_NOT: &str = "nobody knows whether the user had this before the run; if not, take this line out";

/// What a person should know of a row.
fn note(row: &Reversal, is_known: bool, is_whole: bool) -> String {
    let doubt = match (is_known, row.removed) {
        (true, _) => None,
        (false, true) => Some(HAD_IT_NOT),
        (false, false) => Some(HAD_IT),
    };
    let notes: Vec<&str> = (!is_whole).then_some(TO_COMPLETE).into_iter().chain(doubt).collect();
    notes.join("; ")
}

/// Whether a license is given and whether it is taken, by the license.
type Moved = BTreeMap<String, (bool, bool)>;

fn note_moved(moved: &mut Moved, row: &Reversal) {
    if row.kind != "license" {
        return;
    }
    let (given, taken) = match moved.get_mut(&row.target) {
        Some(known) => known,
        None => moved.entry(row.target.clone()).or_default(),
    };
    *(if row.removed { given } else { taken }) = true;
}

fn reversed<'a>(row: &'a Reversal, org: Option<&'a str>, note: &'a str) -> [&'a str; LONG_FORM.len() + 1] {
    fn text(text: &Option<String>) -> &str {
        text.as_deref().unwrap_or_default()
    }
    let (license, site, account) = match row.kind.as_str() {
        "site" => ("", row.target.as_str(), "attendee"),
        _ => (row.target.as_str(), "", ""),
    };
    let org = row.org_id.as_deref().or(org).unwrap_or_default();
    let (operation, number, extension, location) = if row.removed {
        let place = &row.place;
        ("add", text(&place.phone_number), text(&place.extension), text(&place.location))
    } else {
        ("remove", "", "", "")
    };
    let (email, person) = (text(&row.email), text(&row.person_id));
    [email, person, org, license, site, account, operation, number, extension, location, note]
}
