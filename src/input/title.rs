//! What a file says of itself beside its table.

use crate::domain::Line;

/// A title, which may say what the rows are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// What it is.
    pub kind: TitleKind,
    /// Where it stands: the header's line for a sheet's name.
    pub line: Line,
    /// Its text, cell by cell.
    pub cells: Vec<String>,
}

impl Title {
    /// All of its text.
    #[must_use]
    pub fn text(&self) -> String {
        self.cells.join(" ").trim().to_owned()
    }
}

/// Where a title stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TitleKind {
    /// Above the header.
    Above,
    /// On the sheet's tab.
    Sheet,
}
