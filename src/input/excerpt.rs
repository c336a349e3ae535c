//! Rows as they stand in the file, to be shown where something is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{InputError, InputFile, ReadingOptions};
use crate::domain::Line;

/// A row as it stands in the file; a sheet's row as a line of CSV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Its text, also where it runs over several lines.
    pub text: String,
    delimiter: u8,
}

impl Excerpt {
    /// Where a cell, counted from 0, stands in the text, its quotes included.
    #[must_use]
    pub fn cell(&self, position: usize) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let mut from = 0;
        for number in 0.. {
            let end = cell_end(bytes, from, self.delimiter);
            if number == position {
                return Some(from..end);
            }
            if end == bytes.len() {
                break;
            }
            from = end + 1;
        }
        None
    }
}

/// Where the cell that begins at `from` ends: at a delimiter outside of quotes, or with the text.
fn cell_end(bytes: &[u8], from: usize, delimiter: u8) -> usize {
    let (mut at, mut quoted) = (from, false);
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'"' if quoted || at == from => quoted = !quoted,
            b'"' if bytes.get(at.wrapping_sub(1)) == Some(&b'"') && bytes.get(from) == Some(&b'"') => {
                quoted = true
            }
            byte if byte == delimiter && !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Rows as they stand in the file, by their lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpts {
    names: Vec<String>,
    rows: BTreeMap<Line, Excerpt>,
}

impl Excerpts {
    /// The row that begins on a line.
    #[must_use]
    pub fn row(&self, line: Line) -> Option<&Excerpt> {
        self.rows.get(&line)
    }

    /// Where the column of this name stands, counted from 0.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

impl InputFile {
    /// Rows by their lines; those that cannot be read are left out. Reads no further than the last of them.
    #[must_use]
    pub fn excerpts(&self, how: &ReadingOptions, lines: &BTreeSet<Line>) -> Excerpts {
        let mut found = Excerpts::default();
        // What is wrong with the file is told by whoever checks it.
        let _ = self.collect(how, lines, &mut found);
        found
    }

    fn collect(
        &self,
        how: &ReadingOptions,
        lines: &BTreeSet<Line>,
        found: &mut Excerpts,
    ) -> Result<(), InputError> {
        let Some(last) = lines.last() else { return Ok(()) };
        let mut rows = self.rows(how)?;
        // The delimiter came out of a byte.
        let delimiter = rows.layout().delimiter as u8;
        found.names = rows.names().to_vec();
        if lines.contains(&rows.header().line()) {
            let text = rows.layout().header.lines().last().unwrap_or_default().to_owned();
            found.rows.insert(rows.header().line(), Excerpt { text, delimiter });
        }
        while let Some(row) = rows.next()? {
            let line = row.line();
            if line > *last {
                break;
            }
            if lines.contains(&line) {
                found.rows.insert(line, Excerpt { text: row.as_it_is().into_owned(), delimiter });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_found_in_its_row() {
        let excerpt = Excerpt { text: "a,\"b, \"\"c\"\"\",,d\" e".to_owned(), delimiter: b',' };
        let cells: Vec<&str> = (0..5).filter_map(|cell| excerpt.text.get(excerpt.cell(cell)?)).collect();
        assert_eq!(cells, ["a", "\"b, \"\"c\"\"\"", "", "d\" e"]);
        let empty = Excerpt { text: String::new(), delimiter: b',' };
        assert_eq!((empty.cell(0), empty.cell(1)), (Some(0..0), None));
    }

    #[test]
    fn rows_are_shown_as_they_stand() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"x,y\n\"a\",1\nb,2\n,,\n\"c\nc\",3\n").unwrap();
        let input = InputFile::open(file.path()).unwrap();
        let lines: BTreeSet<Line> = [1, 2, 5, 9].into_iter().map(Line::new).collect();
        let shown = input.excerpts(&ReadingOptions::default(), &lines);
        let texts: Vec<_> =
            shown.rows.iter().map(|(line, excerpt)| (line.get(), excerpt.text.as_str())).collect();
        assert_eq!(texts, [(1, "x,y"), (2, "\"a\",1"), (5, "\"c\nc\",3")]);
    }
}
