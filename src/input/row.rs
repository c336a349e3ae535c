//! A row: the cells of a record under their names.

use std::borrow::Cow;

use super::given_back::carried;
use super::likeness::is_of_one_byte;
use super::marks::KeptAs;
use super::records::Record;
use super::survey::{How, Surveyed};
use super::workbook::write_cell;
use super::{Encoding, Header, NOT_AGAIN, RowFault};
use crate::domain::{Line, is_invisible};

/// A row of the file.
#[derive(Debug)]
pub struct Row<'a> {
    record: Record<'a>,
    header: &'a Header,
    delimiter: u8,
    /// All cells, where they are text.
    text: Option<&'a str>,
    fault: Option<RowFault>,
}

impl<'a> Row<'a> {
    /// A record of a file that is encoded so, with the `fault` of its shape, if it has one.
    // Part of the loop that reads on: a call for each row was measured.
    #[inline]
    pub(super) fn new(
        record: Record<'a>,
        header: &'a Header,
        delimiter: u8,
        fault: Option<RowFault>,
        encoded: Surveyed,
    ) -> Self {
        let row = Self { record, header, delimiter, text: text_of(record), fault };
        let fault = row.fault.or_else(|| row.unreadable(encoded));
        Self { fault, ..row }
    }

    /// The columns' names as the file spells them.
    #[must_use]
    pub fn names(&self) -> &'a [String] {
        self.header.names()
    }

    /// The line it starts on.
    #[must_use]
    pub const fn line(&self) -> Line {
        self.record.line
    }

    /// Why its cells cannot be trusted, if they cannot.
    #[must_use]
    pub const fn fault(&self) -> Option<RowFault> {
        self.fault
    }

    /// The text of a cell, counted from 0, without what cannot be seen around it; empty where there is none.
    #[must_use]
    pub fn at(&self, position: usize) -> &'a str {
        let text = self.untrimmed(position);
        if is_tight(text) { text } else { text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c)) }
    }

    /// Whether something that cannot be seen stands around the text of a cell, and is left out.
    #[must_use]
    pub fn is_padded(&self, position: usize) -> bool {
        let text = self.untrimmed(position);
        !is_tight(text) && text.len() != self.at(position).len()
    }

    /// The text of a cell with everything that stands in it; empty where there is none.
    #[must_use]
    pub fn untrimmed(&self, position: usize) -> &'a str {
        let Some(text) = self.text else { return "" };
        text.get(self.record.place(position)).unwrap_or_default()
    }

    /// The cells from one to another, both counted from 0, with the delimiters between them, of a row that has them
    /// all and no quotes: where two rows say the same there, their cells do.
    #[must_use]
    pub fn as_they_stand(&self, first: usize, last: usize) -> Option<&'a str> {
        let stands = self.record.gap > 0 && last < self.width();
        let (from, to) = (self.record.place(first).start, self.record.place(last).end);
        self.text.filter(|_| stands)?.get(from..to)
    }

    /// A cell of a row that is not all text, as far as it is.
    #[must_use]
    pub fn lossy(&self, position: usize) -> Cow<'a, str> {
        self.record.each().nth(position).map_or(Cow::Borrowed(""), String::from_utf8_lossy)
    }

    /// How many cells it has.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.record.ends.len()
    }

    /// How a spreadsheet keeps a cell, where not as text: what it shows may then not be what was typed.
    #[must_use]
    pub fn kept_as(&self, position: usize) -> Option<KeptAs> {
        self.kept_apart().find(|(at, _)| *at == position).map(|(_, stored)| stored)
    }

    /// All such cells, each with its position.
    pub fn kept_apart(&self) -> impl Iterator<Item = (usize, KeptAs)> + use<'a> {
        self.record.stored.iter().map(|(column, stored)| (*column as usize, *stored))
    }

    /// The row as it stands in the file; a sheet's row as a line of CSV.
    #[must_use]
    pub fn as_it_is(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.record.raw)
    }

    /// The row's own bytes for the failures CSV: as many cells as the header carries, so that the
    /// columns added behind them stand under their names.
    #[must_use]
    pub fn carried(&self) -> Cow<'a, [u8]> {
        carried(self.record, self.header, self.delimiter)
    }

    /// Whether it ends before the last column.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.record.ends.len() < self.header.width()
    }

    /// Takes from the line that was written of a short row what was added at its end.
    pub fn cut_as_it_was(&self, line: &mut Vec<u8>) {
        for _ in self.width()..self.header.carried() {
            line.pop_if(|last| *last == self.delimiter);
        }
    }

    /// The options whose part in this row is done, as an earlier failures CSV says.
    pub fn not_again(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let state = self.header.state().map_or("", |state| self.at(state));
        state.split(NOT_AGAIN).skip(1).map(|option| option.trim_end().trim_end_matches(';'))
    }

    /// The place of a cell among the row's own.
    #[must_use]
    pub fn own_place(&self, position: usize) -> usize {
        self.header.own_place(position)
    }

    /// What a cell that is not kept as text is to be written as, where what is kept is not what was meant.
    #[must_use]
    pub fn marked(&self, position: usize) -> Option<String> {
        self.kept_as(position).map(|stored| stored.marked(self.at(position)))
    }

    /// Writes the row anew, with other cells where `other` gives some.
    pub fn rewritten<'t>(&'t self, line: &mut Vec<u8>, other: impl Fn(usize) -> Option<&'t str>) {
        let own = (0..self.header.width()).filter(|place| self.header.is_carried(*place));
        for (number, cell) in own.enumerate() {
            if number > 0 {
                line.push(self.delimiter);
            }
            write_cell(line, other(cell).unwrap_or_else(|| self.untrimmed(cell)), self.delimiter);
        }
    }

    fn unreadable(&self, found: Surveyed) -> Option<RowFault> {
        if self.record.plain.is_some() {
            return None;
        }
        let encoding = found.encoding;
        let perhaps = if let How::Unfit { perhaps } = found.how { perhaps } else { None };
        let at = |wrong: &dyn Fn(&[u8]) -> bool| self.record.each().position(wrong);
        let no_text = |cell: usize, character: usize| {
            Some(RowFault::NotText { cell: cell + 1, character, encoding, perhaps })
        };
        let Some(text) = self.text else {
            let cell = at(&|cell| std::str::from_utf8(cell).is_err())?;
            let bytes = self.record.each().nth(cell).unwrap_or_default();
            let sound = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
            let before = bytes.get(..sound).map_or(0, |sound| String::from_utf8_lossy(sound).chars().count());
            return no_text(cell, before + 1);
        };
        if encoding.is_wide()
            && let Some(cell) = at(&|cell| std::str::from_utf8(cell).is_ok_and(is_of_one_byte))
        {
            return Some(RowFault::OneByte { cell: cell + 1, encoding });
        }
        if memchr::memchr(0, self.record.cells).is_some() {
            return Some(RowFault::Nul { cell: at(&|cell| memchr::memchr(0, cell).is_some())? + 1 });
        }
        // What its encoding has no character for was replaced when it was decoded.
        if encoding != Encoding::UTF_8 && text.contains('\u{fffd}') {
            let cell = (0..self.width()).find(|cell| self.untrimmed(*cell).contains('\u{fffd}'))?;
            let before =
                self.untrimmed(cell).chars().take_while(|character| *character != '\u{fffd}').count();
            return no_text(cell, before + 1);
        }
        None
    }
}

/// Whether a text begins and ends with a sign that can be seen, as nearly all do.
fn is_tight(text: &str) -> bool {
    let seen = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    seen(text.as_bytes().first()) && seen(text.as_bytes().last())
}

/// The cells as one text. Two halves of a character in two cells make no text either.
fn text_of(record: Record<'_>) -> Option<&str> {
    if record.plain.is_some() {
        return record.plain;
    }
    let text = std::str::from_utf8(record.cells).ok()?;
    (text.is_ascii() || record.ends.iter().all(|end| text.is_char_boundary(*end))).then_some(text)
}
