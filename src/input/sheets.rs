//! The sheets of a workbook, and why one cannot be read.

use std::collections::HashMap;
use std::fmt;

use super::error::Explanation;
use crate::domain::spelling::lower;

/// Cells right of this column are nobody's.
pub(super) const WIDEST: u32 = 1 << 10;

/// Why a workbook cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkbookError {
    /// It is encrypted.
    Protected,
    /// No sheet at all.
    NoSheet,
    /// Nothing that a user would see.
    AllHidden {
        /// What there is, in quotes.
        has: Vec<String>,
    },
    /// Not the sheet that was asked for.
    NoSuchSheet {
        /// What was asked for.
        name: String,
        /// What there is, in quotes.
        has: Vec<String>,
    },
    /// What the file holds is no workbook that Excel would write.
    Damaged,
    /// It would fill memory.
    TooLarge,
    /// A cell far from any table of people.
    TooWide {
        /// Where it stands.
        cell: String,
    },
    /// A cell of a kind that is not known.
    UnknownCell {
        /// Where it stands.
        cell: String,
    },
    /// Nobody knows what a formula says.
    Unworked {
        /// Where the first of them stands.
        cell: String,
    },
}

impl WorkbookError {
    /// What is said of it.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        match self {
            Self::Protected => Explanation::of(
                "the workbook is protected by a password",
                "save it without one, or as CSV in UTF-8",
            ),
            Self::NoSheet => Explanation::of(
                "the workbook has no sheet with cells",
                "save the right sheet as CSV in UTF-8",
            ),
            Self::AllHidden { has } => Explanation::of(
                format!("every sheet of the workbook is hidden ({})", has.join(", ")),
                "name the right one with --sheet",
            ),
            Self::NoSuchSheet { name, has } => Explanation::of(
                format!("the workbook has no sheet '{name}'"),
                format!("it has {}", has.join(", ")),
            ),
            Self::Damaged => Explanation::of(
                "the workbook is damaged",
                "open it in Excel and save it again, or save it as CSV in UTF-8",
            ),
            Self::TooLarge => Explanation::of(
                "the workbook unpacks to far more than a table of people is, as files do that are made to \
                 fill a computer's memory",
                "if it is a table, open it in Excel and save its sheet alone again, or as CSV in UTF-8",
            ),
            Self::TooWide { cell } => Explanation::of(
                format!("cell {cell} of the workbook stands beyond the {WIDEST} columns that are read"),
                "clear it, or move it nearer to the others",
            ),
            Self::UnknownCell { cell } => Explanation::of(
                format!(
                    "cell {cell} of the workbook holds something that is not understood, as newer \
                     kinds of Excel's errors are (#SPILL!, #CALC!)"
                ),
                "mend its formula or put a value in its place, or save the sheet as CSV in UTF-8",
            ),
            Self::Unworked { cell } => Explanation::of(
                format!(
                    "the workbook's formulas have not been worked out, that in cell {cell} first: the \
                     program that wrote them left it to Excel"
                ),
                "open the workbook in Excel and save it, or put values in their place (Paste Special, Values)",
            ),
        }
    }
}

impl fmt::Display for WorkbookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explanation().fmt(f)
    }
}

impl std::error::Error for WorkbookError {}

/// The sheets of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheets {
    /// The one to read.
    pub(super) chosen: String,
    /// Whether that cannot be seen.
    pub(super) is_hidden: bool,
    /// The others that can be seen.
    pub(super) others: Vec<String>,
    /// The others that cannot.
    pub(super) hidden: Vec<String>,
    /// Whether days are counted from 1904, as old Macintoshes did.
    pub(super) is_from_1904: bool,
}

/// Whether a sheet can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SheetState {
    Seen,
    /// By a user's hand, or by a program so that no user can show it.
    Hidden,
}

impl SheetState {
    pub(super) fn of(state: Option<&str>) -> Self {
        if state.is_none_or(|state| state == "visible") { Self::Seen } else { Self::Hidden }
    }
}

/// What a part of a workbook refers to.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) kind: String,
    pub(super) target: String,
}

/// What the workbook's main part says.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Name, relation, and whether it can be seen.
    pub(super) sheets: Vec<(String, String, SheetState)>,
    /// A program has written formulas and left it to Excel to work them out.
    pub(super) is_to_be_worked_out: bool,
    /// Days are counted from 1904.
    pub(super) is_from_1904: bool,
}

impl Book {
    /// The sheet to read: the first that can be seen, unless one is named.
    pub(super) fn choose<'r>(
        &self,
        relations: &'r HashMap<String, Relation>,
        wanted: Option<&str>,
    ) -> Result<(Sheets, &'r Relation), WorkbookError> {
        let tables: Vec<(&String, &Relation, SheetState)> = self
            .sheets
            .iter()
            .filter_map(|(name, id, state)| {
                let relation = relations.get(id).filter(|relation| relation.kind.ends_with("/worksheet"))?;
                Some((name, relation, *state))
            })
            .collect();
        let of = |sought: SheetState| {
            tables.iter().filter(move |(_, _, state)| *state == sought).map(|(name, ..)| *name)
        };
        let in_quotes = |names: Vec<&String>| names.iter().map(|name| format!("'{name}'")).collect();
        let has = || in_quotes(tables.iter().map(|(name, ..)| *name).collect());
        let chosen = match wanted {
            None => tables.iter().find(|(_, _, state)| *state == SheetState::Seen).ok_or_else(|| {
                if tables.is_empty() {
                    WorkbookError::NoSheet
                } else {
                    WorkbookError::AllHidden { has: has() }
                }
            })?,
            Some(wanted) => {
                let sought = lower(wanted.trim());
                let found = tables.iter().find(|(name, ..)| lower(name.trim()) == sought);
                found.ok_or_else(|| WorkbookError::NoSuchSheet { name: wanted.to_owned(), has: has() })?
            }
        };
        let (name, relation, state) = *chosen;
        let others = |state| of(state).filter(|other| *other != name).cloned().collect();
        let sheets = Sheets {
            chosen: name.clone(),
            is_hidden: state == SheetState::Hidden,
            others: others(SheetState::Seen),
            hidden: others(SheetState::Hidden),
            is_from_1904: self.is_from_1904,
        };
        Ok((sheets, relation))
    }
}
