//! Extensions of another length than their neighbours: what a spreadsheet leaves of `0415` is `415`.

use std::collections::HashMap;

use super::problem::{Problem, ProblemCode};
use crate::domain::{Line, LocationId};

/// How many of one length there are, and the first of them.
#[derive(Debug, Clone, Default)]
struct Length {
    count: u64,
    first: Option<(Line, Box<str>)>,
}

/// The lengths of extensions, location by location.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    by_location: HashMap<Option<LocationId>, [Length; LONGEST + 1]>,
}

const LONGEST: usize = 10;

impl Extensions {
    /// Takes in the extension of a row.
    pub(super) fn admit(&mut self, place: Option<&LocationId>, extension: &str, line: Line) {
        let place = place.cloned();
        let lengths = self.by_location.entry(place).or_default();
        let Some(length) = lengths.get_mut(extension.len()) else { return };
        length.count += 1;
        length.first.get_or_insert_with(|| (line, extension.into()));
    }

    /// Lengths that are not the usual one of their location, each once.
    pub(super) fn odd(&self, column: &str, cell: Option<usize>) -> impl Iterator<Item = Problem> {
        let mut odd: Vec<Problem> =
            self.by_location.values().flat_map(|lengths| odd(lengths, column, cell)).collect();
        odd.sort_by_key(|problem| problem.line);
        odd.into_iter()
    }
}

fn odd(lengths: &[Length], column: &str, cell: Option<usize>) -> Vec<Problem> {
    let most = lengths.iter().map(|length| length.count).max().unwrap_or(0);
    let mut usual = lengths.iter().enumerate().filter(|(_, length)| length.count == most);
    let (Some((digits, _)), None) = (usual.next(), usual.next()) else { return Vec::new() };
    let others = lengths.iter().filter(|length| length.count > 0 && length.count < most);
    let told = others.filter_map(|length| {
        let (line, value) = length.first.clone()?;
        let rows = match length.count {
            1 => String::new(),
            count => format!(" ({count} rows, from line {line})"),
        };
        Some(Problem {
            code: ProblemCode::OddExtension,
            line,
            column: column.to_owned(),
            cell,
            value: value.into(),
            message: format!(
                "an extension of {} digits, where others at its location have {digits}{rows}",
                value_len(length)
            ),
            remedy: "if zeros are missing, format the column as text and put the extensions in again".into(),
            fix: None,
            rows: None,
        })
    });
    told.collect()
}

fn value_len(length: &Length) -> usize {
    length.first.as_ref().map_or(0, |(_, value)| value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_zeros_stand_out_at_their_location() {
        let mut extensions = Extensions::default();
        for (line, extension) in (2..).zip(["412", "0413", "0414", "415", "0416"]) {
            extensions.admit(None, extension, Line::new(line));
        }
        let place = LocationId::parse("elsewhere").unwrap();
        extensions.admit(Some(&place), "20001", Line::new(9));
        let odd: Vec<_> = extensions.odd("Ext", None).collect();
        assert_eq!(odd.len(), 1);
        assert_eq!((odd[0].line.get(), odd[0].value.as_str()), (2, "412"));
        assert!(odd[0].message.contains("2 rows") && odd[0].message.contains("have 4"), "{}", odd[0].message);
    }
}
