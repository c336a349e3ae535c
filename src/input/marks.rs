//! What a sheet says beside its cells' values: formulas without one, merged cells, hidden rows.

use std::collections::BTreeSet;
use std::fmt;

use super::sheets::{WIDEST, WorkbookError};
use crate::domain::Line;

/// Rows of the largest sheet.
pub(super) const ROWS: u32 = 1 << 20;
/// So many merged areas and formulas without a value are told one by one.
const MOST: usize = 1 << 20;

/// A cell's place, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(super) row: u32,
    pub(super) column: u32,
}

impl Place {
    /// The cell of a row, by its position counted from 0.
    #[must_use]
    pub fn of(line: Line, position: usize) -> Self {
        Self { row: line.get().saturating_sub(1), column: u32::try_from(position).unwrap_or(u32::MAX) }
    }

    /// Reads `B7`, or `$B$7`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('$').unwrap_or(text);
        let letters = text.find(|c: char| !c.is_ascii_alphabetic())?;
        let (letters, digits) = text.split_at_checked(letters)?;
        let digits = digits.strip_prefix('$').unwrap_or(digits);
        let mut column = 0_u32;
        for letter in letters.bytes() {
            let number = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
            column = column.checked_mul(26)?.checked_add(number)?;
        }
        let row: u32 = digits.parse().ok()?;
        Some(Self { row: row.checked_sub(1)?, column: column.checked_sub(1)? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = Vec::new();
        let mut rest = u64::from(self.column) + 1;
        while rest > 0 {
            let digit = u8::try_from((rest - 1) % 26).unwrap_or(0);
            letters.push(char::from(b'A' + digit));
            rest = (rest - 1) / 26;
        }
        let letters: String = letters.into_iter().rev().collect();
        write!(f, "{letters}{}", u64::from(self.row) + 1)
    }
}

/// Cells from one corner to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    pub(super) first: Place,
    pub(super) last: Place,
}

impl Area {
    pub(super) const fn of(place: Place) -> Self {
        Self { first: place, last: place }
    }

    /// Reads `B2:C7`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let (first, last) = (Place::parse(first)?, Place::parse(last)?);
        (first.row <= last.row && first.column <= last.column).then_some(Self { first, last })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}

/// How a spreadsheet keeps a cell, where not as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeptAs {
    /// A number: leading zeros and plus signs are gone, and digits beyond the fifteenth.
    Number,
    /// The same where days are counted from 1904: what is no date by its form would be another day elsewhere.
    NumberSince1904,
    /// A day or a time.
    Date,
    /// TRUE or FALSE.
    Boolean,
    /// What a formula says that cannot be worked out.
    Error,
    /// A formula that no program has worked out: what it would say is not in the file.
    Unworked,
    /// Merged into the first cell of an area, where the value stands.
    Merged(Area),
}

impl KeptAs {
    /// What a cell is written as where its file cannot say how it was kept: nothing that could be taken for what was
    /// meant.
    pub(super) fn marked(self, shown: &str) -> String {
        match self {
            Self::Unworked => "#FORMULA!".to_owned(),
            Self::Merged(_) => "#MERGED!".to_owned(),
            Self::Number | Self::NumberSince1904 => format!("#NUMBER! {shown}"),
            Self::Date => format!("#DATE! {shown}"),
            Self::Boolean => format!("#BOOLEAN! {shown}"),
            Self::Error => shown.to_owned(),
        }
    }
}

/// What is said of a sheet.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Formulas without a value, and what they fill.
    open: Vec<Area>,
    merged: Vec<Area>,
    hidden: Vec<u32>,
    hidden_columns: BTreeSet<u32>,
}

impl Marks {
    /// Columns from one to another, counted from 1.
    pub(super) fn hide_columns(&mut self, first: u64, last: u64) {
        let columns = first.max(1)..=last.min(u64::from(WIDEST));
        self.hidden_columns.extend(columns.filter_map(|column| u32::try_from(column - 1).ok()));
    }

    /// Columns that the sheet does not show, counted from 0.
    pub(super) const fn hidden_columns(&self) -> &BTreeSet<u32> {
        &self.hidden_columns
    }

    pub(super) fn hide(&mut self, row: u32) {
        if row < ROWS && self.hidden.last() != Some(&row) {
            self.hidden.push(row);
        }
    }

    pub(super) fn merge(&mut self, area: Area) -> Result<(), WorkbookError> {
        if area.first.column < WIDEST {
            self.merged.push(area);
        }
        if self.merged.len() > MOST { Err(WorkbookError::TooLarge) } else { Ok(()) }
    }

    pub(super) fn leave_open(&mut self, area: Area) -> Result<(), WorkbookError> {
        if area.first.column < WIDEST {
            self.open.push(area);
        }
        match self.open.first() {
            Some(first) if self.open.len() > MOST => {
                Err(WorkbookError::Unworked { cell: first.first.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Puts all in the order of the rows.
    pub(super) fn settle(&mut self) {
        self.open.sort_unstable();
        self.merged.sort_unstable();
        self.hidden.sort_unstable();
    }

    pub(super) fn sweep(self) -> Sweep {
        Sweep { open: Moving::new(self.open), merged: Moving::new(self.merged), hidden: self.hidden, past: 0 }
    }
}

/// Goes down a sheet, row by row.
#[derive(Debug)]
pub(super) struct Sweep {
    open: Moving,
    merged: Moving,
    hidden: Vec<u32>,
    past: usize,
}

impl Sweep {
    /// Goes on to a row, which must be below the last one. Whether it is hidden.
    pub(super) fn go_to(&mut self, row: u32) -> Result<bool, WorkbookError> {
        self.open.go_to(row)?;
        self.merged.go_to(row)?;
        while self.hidden.get(self.past).is_some_and(|hidden| *hidden < row) {
            self.past += 1;
        }
        Ok(self.hidden.get(self.past) == Some(&row))
    }

    /// What is said of the row's cells, each with its column.
    pub(super) fn put(&self, row: u32, stored: &mut Vec<(u32, KeptAs)>) -> Result<(), WorkbookError> {
        for area in &self.open.here {
            stored.extend(columns(area).map(|column| (column, KeptAs::Unworked)));
            is_sound(stored)?;
        }
        for area in &self.merged.here {
            let covered = columns(area).filter(|column| Place { row, column: *column } != area.first);
            stored.extend(covered.map(|column| (column, KeptAs::Merged(*area))));
            is_sound(stored)?;
        }
        Ok(())
    }
}

fn columns(area: &Area) -> impl Iterator<Item = u32> + use<> {
    area.first.column..=area.last.column.min(WIDEST - 1)
}

/// In a sound workbook neither formulas nor merged cells lie over one another.
const fn is_sound(stored: &[(u32, KeptAs)]) -> Result<(), WorkbookError> {
    if stored.len() > 4 * WIDEST as usize { Err(WorkbookError::Damaged) } else { Ok(()) }
}

/// Areas in the order of their rows, and those that the row at hand is in.
#[derive(Debug)]
struct Moving {
    all: Vec<Area>,
    next: usize,
    here: Vec<Area>,
}

impl Moving {
    const fn new(all: Vec<Area>) -> Self {
        Self { all, next: 0, here: Vec::new() }
    }

    fn go_to(&mut self, row: u32) -> Result<(), WorkbookError> {
        self.here.retain(|area| area.last.row >= row);
        while let Some(area) = self.all.get(self.next).filter(|area| area.first.row <= row) {
            if area.last.row >= row {
                self.here.push(*area);
            }
            self.next += 1;
        }
        if self.here.len() > WIDEST as usize { Err(WorkbookError::Damaged) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written_as_a_sheet_calls_them() {
        for (text, row, column) in
            [("A1", 0, 0), ("Z9", 8, 25), ("AA10", 9, 26), ("AMJ1048576", ROWS - 1, 1023)]
        {
            let place = Place { row, column };
            assert_eq!((Place::parse(text), place.to_string()), (Some(place), text.to_owned()));
        }
        assert_eq!(Place::parse("$b$2"), Some(Place { row: 1, column: 1 }));
        for text in ["", "A", "1", "A0", "A-1", "ZZZZZZZZZ1", "B2:C3"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
        assert_eq!(Area::parse("B2:C7").unwrap().to_string(), "B2:C7");
        assert_eq!(Area::parse("C7:B2"), None);
    }

    #[test]
    fn a_sweep_tells_what_is_said_of_each_row() {
        let mut marks = Marks::default();
        let area = |text| Area::parse(text).unwrap();
        marks.merge(area("B3:C4")).unwrap();
        marks.leave_open(area("A4:A5")).unwrap();
        marks.hide(3);
        marks.settle();
        let mut sweep = marks.sweep();
        let mut told = |row| {
            let mut stored = Vec::new();
            let hidden = sweep.go_to(row).unwrap();
            sweep.put(row, &mut stored).unwrap();
            (hidden, stored)
        };
        let merged = |column| (column, KeptAs::Merged(area("B3:C4")));
        assert_eq!(told(0), (false, vec![]));
        assert_eq!(told(2), (false, vec![merged(2)]));
        assert_eq!(told(3), (true, vec![(0, KeptAs::Unworked), merged(1), merged(2)]));
        assert_eq!(told(5), (false, vec![]));
    }
}
