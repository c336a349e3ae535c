//! What the reader of rows remarks, as a problem among the others: each once, with its count.

use super::columns::{Columns, Field};
use super::problem::{Problem, ProblemCode};
use crate::domain::Line;
use crate::input::{Remark, RemarkKind, Row};

/// Cells that mean something and have around them what cannot be seen: it is left out, and counted.
#[derive(Debug)]
pub(super) struct Padding {
    /// Where the columns stand that mean something.
    positions: Vec<usize>,
    count: u64,
    first: Option<(Line, usize, String)>,
}

impl Padding {
    pub(super) fn of(columns: &Columns) -> Self {
        let positions = Field::ALL.iter().filter_map(|field| columns.position(*field)).collect();
        Self { positions, count: 0, first: None }
    }

    pub(super) fn look(&mut self, row: &Row<'_>) {
        for position in &self.positions {
            if row.is_padded(*position) {
                self.count += 1;
                self.first
                    .get_or_insert_with(|| (row.line(), *position, row.untrimmed(*position).to_owned()));
            }
        }
    }

    pub(super) fn positions(self) -> Vec<usize> {
        self.positions
    }

    pub(super) fn problem(&self, names: &[String]) -> Option<Problem> {
        let (line, cell, value) = self.first.clone()?;
        let message = match self.count {
            1 => "blanks or invisible characters around the cell were left out".to_owned(),
            count => format!(
                "blanks or invisible characters around {count} cells were left out; this is the first"
            ),
        };
        Some(Problem {
            code: ProblemCode::PaddedCells,
            line,
            column: names.get(cell).cloned().unwrap_or_default(),
            cell: Some(cell),
            value,
            message,
            remedy: "nothing needs to be done; check --fix takes them out of the file".into(),
            fix: None,
        })
    }
}

impl From<&Remark> for Problem {
    fn from(remark: &Remark) -> Self {
        let code = match &remark.kind {
            RemarkKind::ReadAs(_) => ProblemCode::ReadAs,
            RemarkKind::MarkAgainst { .. } | RemarkKind::Utf8Against(_) => ProblemCode::EncodingDoubtful,
            RemarkKind::BlankRows(_) => ProblemCode::BlankRows,
            RemarkKind::HiddenRows(_) => ProblemCode::HiddenRows,
            RemarkKind::ShortRows(_) => ProblemCode::ShortRows,
            RemarkKind::LongRows(_) => ProblemCode::LongRows,
            RemarkKind::Sheet { .. } => ProblemCode::OtherSheets,
            _ => ProblemCode::LinesSkipped,
        };
        Self {
            code,
            line: remark.line,
            column: "row".to_owned(),
            cell: None,
            value: String::new(),
            message: remark.kind.message(),
            remedy: remark.kind.remedy().into(),
            fix: None,
        }
    }
}
