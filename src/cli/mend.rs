//! `check --fix`: a copy of the file in which everything is mended that has one certain remedy.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use super::context::Context;
use super::exit::Failure;
use super::outputs::destination;
use crate::assign::{Checked, Interpretation, Problem, ProblemCode, Severity};
use crate::domain::Line;
use crate::input::{InputError, InputFile, ReadingOptions, Row, RowFault};
use crate::report::ReportError;

/// What can be mended, and what cannot.
#[derive(Debug, Default)]
pub(super) struct Fixes {
    cells: HashMap<(Line, usize), Box<str>>,
    /// Cells that only a spreadsheet can tell from sound ones.
    spoiled: HashSet<(Line, usize)>,
    left: u64,
}

/// What a mended copy has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Mended {
    pub(super) rows: u64,
    /// Cells that were changed.
    pub(super) cells: u64,
    /// Errors that need a person.
    pub(super) left: u64,
    /// Rows that end before the last column, and are left so: whether something was cut off nobody can tell.
    pub(super) short_rows: u64,
    /// Lines with the header once more, which are taken out.
    pub(super) headers: u64,
}

impl Fixes {
    pub(super) fn take(&mut self, problem: &Problem) {
        if problem.is_of_storage() {
            self.spoiled.extend(problem.cell.map(|cell| (problem.line, cell)));
        }
        match (problem.cell, &problem.fix) {
            (None, _) if problem.code == ProblemCode::HeaderAgain => {}
            (Some(cell), Some(fix)) => {
                self.cells.insert((problem.line, cell), fix.as_str().into());
            }
            _ if problem.severity() == Severity::Error => self.left += 1,
            _ => {}
        }
    }

    /// Writes the copy.
    pub(super) fn write(
        &self,
        context: &Context,
        file: &InputFile,
        how: &Interpretation,
        checked: &Checked,
        path: &Path,
    ) -> Result<Mended, Failure> {
        let destination = destination(context, path, Some(file.path()))?;
        let whole = destination.write(false, |output| Ok(self.copy(file, how, checked, output)))?;
        if let (Some(kept), Some(path)) = (&whole.kept, &whole.path) {
            let (path, kept) = (path.display(), kept.display());
            context.output.insist(format_args!("{path} was there already; it is kept as {kept}"));
        }
        Ok(whole.content??)
    }

    fn copy(
        &self,
        file: &InputFile,
        how: &Interpretation,
        checked: &Checked,
        output: &mut dyn Write,
    ) -> Result<Result<Mended, InputError>, ReportError> {
        // Whose failures a file has, and what of them is done, it says in columns that must stay.
        let how =
            ReadingOptions { encoding: Some(checked.layout().encoding), carry_all: true, ..how.reading() };
        let mut rows = match file.rows(&how) {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let layout = rows.layout();
        let mut output = layout.writer(output)?;
        let mut mended = Mended { left: self.left, ..Mended::default() };
        let mut line = layout.header.clone().into_bytes();
        loop {
            if !line.is_empty() {
                line.extend_from_slice(layout.line_end().as_bytes());
                output.write_all(&line)?;
                line.clear();
            }
            match rows.next() {
                Ok(Some(row)) if row.fault() == Some(RowFault::HeaderAgain) => mended.headers += 1,
                Ok(Some(row)) => {
                    mended.rows += 1;
                    mended.cells += self.mend(&row, checked.positions(), &mut line);
                    if !layout.workbook && row.fault().is_none() && row.is_short() {
                        mended.short_rows += 1;
                        row.cut_as_it_was(&mut line);
                    }
                }
                Ok(None) => return Ok(Ok(mended)),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// The row with what is mended in it; how many cells that were.
    fn mend(&self, row: &Row<'_>, positions: &[usize], line: &mut Vec<u8>) -> u64 {
        let fix = |cell: usize| self.cells.get(&(row.line(), cell)).map(|fix| &**fix);
        let changed = |cell: &usize| fix(*cell).is_some() || (row.fault().is_none() && row.is_padded(*cell));
        let cells = positions.iter().filter(|cell| changed(cell)).count() as u64;
        let spoiled: Vec<(usize, String)> = row
            .kept_apart()
            .filter(|(cell, _)| self.spoiled.contains(&(row.line(), *cell)))
            .filter_map(|(cell, _)| Some((cell, row.marked(cell)?)))
            .collect();
        if cells == 0 && spoiled.is_empty() {
            line.extend_from_slice(&row.carried());
        } else {
            let marked = |cell| spoiled.iter().find(|(at, _)| *at == cell).map(|(_, marked)| marked.as_str());
            row.rewritten(line, |cell| {
                let trimmed = || positions.contains(&cell).then(|| row.at(cell));
                fix(cell).or_else(|| marked(cell)).or_else(trimmed)
            });
        }
        cells
    }
}
