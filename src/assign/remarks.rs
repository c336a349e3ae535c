//! What the reader of rows remarks, as a problem among the others: each once, with its count.

use super::columns::{Columns, Field};
use super::problem::{Problem, ProblemCode};
use super::words;
use crate::domain::{Action, Line};
use crate::input::{Remark, RemarkKind, Row};

/// Cells that mean something and have around them what cannot be seen: it is left out, and counted.
#[derive(Debug)]
pub(super) struct Padding {
    /// Where the columns stand that mean something.
    positions: Vec<usize>,
    cells: PaddedCells,
    silent: EmptyOperations,
}

/// How many such cells there are, and the first of them.
#[derive(Debug, Default)]
pub(super) struct PaddedCells {
    count: u64,
    first: Option<(Line, usize, String)>,
}

impl PaddedCells {
    pub(super) fn look(&mut self, row: &Row<'_>, position: usize) {
        if row.is_padded(position) {
            self.count += 1;
            self.first.get_or_insert_with(|| (row.line(), position, row.untrimmed(position).to_owned()));
        }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.first = std::mem::take(&mut self.first).into_iter().chain(other.first).min();
    }
}

impl Padding {
    pub(super) fn of(columns: &Columns) -> Self {
        let positions = Field::ALL.iter().filter_map(|field| columns.position(*field)).collect();
        Self { positions, cells: PaddedCells::default(), silent: EmptyOperations::of(columns) }
    }

    pub(super) fn look(&mut self, row: &Row<'_>) {
        self.silent.look(row);
        self.positions.iter().for_each(|position| self.cells.look(row, *position));
    }

    /// Takes in the columns that turned out to mean something while rows went by.
    pub(super) fn join(&mut self, positions: impl Iterator<Item = usize>, cells: PaddedCells) {
        self.positions.extend(positions);
        self.cells.join(cells);
    }

    pub(super) fn positions(self) -> Vec<usize> {
        self.positions
    }

    /// What is worth saying of all cells that mean something.
    pub(super) fn problems(&self, names: &[String]) -> impl Iterator<Item = Problem> {
        self.problem(names).into_iter().chain(self.silent.problem(names))
    }

    fn problem(&self, names: &[String]) -> Option<Problem> {
        let (line, cell, value) = self.cells.first.clone()?;
        let column = names.get(cell).cloned().unwrap_or_default();
        let message = match self.cells.count {
            1 => format!(
                "blanks or invisible characters around the cell of the column '{column}' were left out"
            ),
            count => format!(
                "blanks or invisible characters around {count} cells were left out; the first is of the column '{column}'"
            ),
        };
        Some(Problem {
            code: ProblemCode::PaddedCells,
            line,
            column,
            cell: Some(cell),
            value,
            message,
            remedy: "nothing needs to be done; check --fix takes them out of the file".into(),
            fix: None,
            rows: None,
        })
    }
}

/// Cells that say nothing of what to do, which is to add: worth a word in a file that also removes.
#[derive(Debug)]
struct EmptyOperations {
    position: Option<usize>,
    /// Where the columns stand that name what is asked for.
    targets: Vec<usize>,
    removes: bool,
    count: u64,
    first: Vec<Line>,
}

impl EmptyOperations {
    fn of(columns: &Columns) -> Self {
        let targets = Field::TARGET.iter().filter_map(|field| columns.position(*field)).collect();
        let position = columns.position(Field::Operation);
        Self { position, targets, removes: false, count: 0, first: Vec::new() }
    }

    fn look(&mut self, row: &Row<'_>) {
        let Some(position) = self.position else { return };
        let cell = row.at(position);
        if !cell.is_empty() {
            self.removes = self.removes || words::action(cell) == Some(Action::Remove);
        } else if row.fault().is_none() && self.targets.iter().any(|target| !row.at(*target).is_empty()) {
            self.count += 1;
            if self.first.len() < 3 {
                self.first.push(row.line());
            }
        }
    }

    fn problem(&self, names: &[String]) -> Option<Problem> {
        let line = *self.first.first().filter(|_| self.removes)?;
        let lines: Vec<String> = self.first.iter().map(ToString::to_string).collect();
        let message = match self.count {
            1 => "the cell is empty, so it is read as add, in a file that also removes".to_owned(),
            count => {
                let more = if count > lines.len() as u64 { " and more" } else { "" };
                let lines = lines.join(", ");
                format!(
                    "{count} cells are empty (lines {lines}{more}), so they are read as add, in a file that also removes"
                )
            }
        };
        Some(Problem {
            code: ProblemCode::EmptyOperation,
            line,
            column: self.position.and_then(|position| names.get(position).cloned()).unwrap_or_default(),
            cell: self.position,
            value: String::new(),
            message,
            remedy: "write remove where that is meant, and add where it is not".into(),
            fix: None,
            rows: None,
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
            RemarkKind::HiddenColumns(_) => ProblemCode::HiddenColumns,
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
            rows: None,
        }
    }
}
