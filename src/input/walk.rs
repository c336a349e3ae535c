//! A walk through a sheet's markup, for what it says beside its cells' values.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};

use super::marks::{Area, Marks, Place};
use super::package::{LONGEST, NONE, TRUE, is, number, once_each, text};
use super::sheets::WorkbookError;

/// Kinds of cells that are understood.
const KINDS: [&str; 8] = ["n", "s", "str", "inlineStr", "b", "d", "e", "is"];
/// What formulas say that come to nothing, where it is understood.
const ERRORS: [&str; 7] = ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"];

/// Where one is in a sheet.
#[derive(Default)]
pub(super) struct Walk {
    row: u32,
    column: u32,
    cell: Option<OpenCell>,
}

/// A cell whose end has not come.
struct OpenCell {
    place: Place,
    from: u64,
    is_text: bool,
    is_error: bool,
    /// A formula stands in it, which fills this area.
    formula: Option<Area>,
    in_value: bool,
    has_value: bool,
}

impl Walk {
    /// Takes an event in. `untrusted`: what formulas are said to come to is not what they come to.
    pub(super) fn see(
        &mut self,
        event: &Event<'_>,
        at: u64,
        untrusted: bool,
        marks: &mut Marks,
    ) -> Result<(), WorkbookError> {
        match event {
            // calamine reckons with it wherever it stands, and not with one that is upside down.
            Event::Start(element) if element.local_name().as_ref() == "dimension" => {
                let area = text(element, "ref").and_then(|area| Area::parse(&area));
                area.ok_or(WorkbookError::Damaged)?;
            }
            Event::Start(element) if self.cell.is_some() => self.inside(element)?,
            Event::Start(element) => self.begun(element, at, marks)?,
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => self.said(event, at)?,
            Event::End(element) => match (element.local_name().as_ref(), &mut self.cell) {
                ("v" | "is", Some(cell)) => cell.in_value = false,
                ("c", Some(cell)) => {
                    if let Some(area) = cell.formula.filter(|_| untrusted || !cell.has_value) {
                        marks.leave_open(area)?;
                    }
                    self.cell = None;
                    self.column += 1;
                }
                ("row", _) => (self.row, self.column) = (self.row.saturating_add(1), 0),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn begun(&mut self, element: &BytesStart<'_>, at: u64, marks: &mut Marks) -> Result<(), WorkbookError> {
        match element.local_name().as_ref() {
            "row" => {
                let [number, hidden, height] = once_each(element, ["r", "hidden", "ht"])?;
                if let Some(number) = number {
                    let number: u32 = number.trim().parse().map_err(|_| WorkbookError::Damaged)?;
                    self.row = number.checked_sub(1).ok_or(WorkbookError::Damaged)?;
                }
                let is = |value: Option<Cow<'_, str>>, words: &[&str]| {
                    value.is_some_and(|value| words.contains(&value.as_ref()))
                };
                if is(hidden, TRUE) || is(height, NONE) {
                    marks.hide(self.row);
                }
            }
            "c" => {
                let [place, kind, _] = once_each(element, ["r", "t", "s"])?;
                let place = match place {
                    Some(place) => Place::parse(&place).ok_or(WorkbookError::Damaged)?,
                    None => Place { row: self.row, column: self.column },
                };
                self.column = place.column;
                let kind = kind.as_deref().unwrap_or("n");
                if !KINDS.contains(&kind) {
                    return Err(WorkbookError::UnknownCell { cell: place.to_string() });
                }
                // What a formula says may be a text without a letter.
                let (is_text, is_error) = (kind == "str", kind == "e");
                let (formula, in_value, has_value) = (None, false, false);
                self.cell =
                    Some(OpenCell { place, from: at, is_text, is_error, formula, in_value, has_value });
            }
            "col" if is(element, "hidden", TRUE) || is(element, "width", NONE) => {
                let [first, last] =
                    ["min", "max"].map(|name| text(element, name).map_or(0, |at| number(&at)));
                marks.hide_columns(first, last);
            }
            "mergeCell" => {
                if let Some(area) = text(element, "ref").and_then(|area| Area::parse(&area)) {
                    marks.merge(area)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn inside(&mut self, element: &BytesStart<'_>) -> Result<(), WorkbookError> {
        let Some(cell) = &mut self.cell else { return Ok(()) };
        match element.local_name().as_ref() {
            // The cell has no end, and what follows is not seen as it is read.
            "row" | "c" => return Err(WorkbookError::Damaged),
            "f" => {
                let area = text(element, "ref").filter(|_| !is(element, "t", &["shared"]));
                let area = area.and_then(|area| Area::parse(&area));
                cell.formula = Some(area.unwrap_or(Area::of(cell.place)));
            }
            "v" | "is" => (cell.in_value, cell.has_value) = (true, cell.is_text),
            _ => {}
        }
        Ok(())
    }

    fn said(&mut self, event: &Event<'_>, at: u64) -> Result<(), WorkbookError> {
        let Some(cell) = &mut self.cell else { return Ok(()) };
        cell.has_value |= cell.in_value;
        if at - cell.from > LONGEST {
            return Err(WorkbookError::TooLarge);
        }
        match event {
            Event::Text(said) if cell.is_error && cell.in_value && !ERRORS.contains(&said.as_ref()) => {
                Err(WorkbookError::UnknownCell { cell: cell.place.to_string() })
            }
            _ => Ok(()),
        }
    }
}
