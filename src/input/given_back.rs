//! A row's own bytes, given back with other columns or with other text in some of its cells.

use std::borrow::Cow;

use super::Header;
use super::records::{Record, is_white};
use super::workbook::write_cell;

/// The record's bytes; re-written where it has other columns than are carried, padded where cells are missing.
pub(super) fn carried<'a>(record: Record<'a>, header: &Header, delimiter: u8) -> Cow<'a, [u8]> {
    let (found, wanted) = (record.ends.len(), header.carried());
    if found == wanted {
        return Cow::Borrowed(record.raw);
    }
    let is_wider = header.width() > wanted;
    if found > wanted
        && found.min(header.width()) >= wanted
        && (is_wider || record.each().skip(wanted).all(is_white))
        && let Some(cells) = record.texts()
    {
        let raw = raw_cells(record.raw, delimiter);
        let is_told_apart = raw.len() == cells.len();
        let mut line = Vec::with_capacity(record.raw.len());
        let own =
            (0..found).filter(|place| !is_wider || (*place < header.width() && header.is_carried(*place)));
        for (number, place) in own.take(wanted).enumerate() {
            if number > 0 {
                line.push(delimiter);
            }
            match raw.get(place).filter(|_| is_told_apart) {
                Some(cell) => line.extend_from_slice(cell),
                None => write_cell(&mut line, cells.get(place).unwrap_or(&""), delimiter),
            }
        }
        return Cow::Owned(line);
    }
    let mut line = record.raw.to_vec();
    line.resize(line.len() + wanted.saturating_sub(found), delimiter);
    Cow::Owned(line)
}

/// A row's bytes with other text in some of its cells, which are named by their places.
#[must_use]
pub fn with_other_cells(raw: &[u8], delimiter: char, others: &[(usize, String)]) -> Vec<u8> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut line = Vec::with_capacity(raw.len());
    for (place, cell) in raw_cells(raw, delimiter).into_iter().enumerate() {
        if place > 0 {
            line.push(delimiter);
        }
        match others.iter().find(|(other, _)| *other == place) {
            Some((_, text)) => write_cell(&mut line, text, delimiter),
            None => line.extend_from_slice(cell),
        }
    }
    line
}

/// A record's cells as they stand, their quotes with them.
fn raw_cells(raw: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let mut cells = Vec::new();
    let (mut from, mut at) = (0, 0);
    loop {
        if raw.get(at) == Some(&b'"') {
            // To the quote that closes the cell: two are one that is meant.
            at += 1;
            loop {
                match (raw.get(at), raw.get(at + 1)) {
                    (Some(b'"'), Some(b'"')) => at += 2,
                    (Some(b'"') | None, _) => break,
                    _ => at += 1,
                }
            }
        }
        let rest = raw.get(at..).unwrap_or_default();
        let Some(length) = memchr::memchr(delimiter, rest) else {
            cells.push(raw.get(from..).unwrap_or_default());
            return cells;
        };
        cells.push(raw.get(from..at + length).unwrap_or_default());
        at += length + 1;
        from = at;
    }
}
