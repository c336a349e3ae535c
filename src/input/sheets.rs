//! The sheets of a workbook, and why one cannot be read.

/// Cells right of this column are nobody's.
pub(super) const WIDEST: u32 = 1 << 10;

/// Why a workbook cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkbookError {
    /// It is encrypted.
    #[error("the workbook is protected by a password; save it without one, or as CSV in UTF-8")]
    Protected,
    /// No sheet at all.
    #[error("the workbook has no sheet with cells; save the right sheet as CSV in UTF-8")]
    NoSheet,
    /// Not the sheet that was asked for.
    #[error("the workbook has no sheet '{name}'; it has {}", has.join(", "))]
    NoSuchSheet {
        /// What was asked for.
        name: String,
        /// What there is, in quotes.
        has: Vec<String>,
    },
    /// What the file holds is no workbook that Excel would write.
    #[error("the workbook is damaged; open it in Excel and save it anew, or save it as CSV in UTF-8")]
    Damaged,
    /// It would fill memory.
    #[error(
        "the workbook unpacks to far more than a table of people is, as files do that are made to fill a computer's memory; if it is a table, open it in Excel and save its sheet alone anew, or as CSV in UTF-8"
    )]
    TooLarge,
    /// A cell of a kind that is not known.
    #[error(
        "cell {cell} of the workbook holds something that is not understood, as newer kinds of Excel's errors are (#SPILL!, #CALC!); mend its formula or put a value in its place, or save the sheet as CSV in UTF-8"
    )]
    UnknownCell {
        /// Where it stands.
        cell: String,
    },
    /// Nobody knows what a formula says.
    #[error(
        "the workbook's formulas have not been worked out, that in cell {cell} first: the program that wrote them left it to Excel; open the workbook in Excel and save it, or put values in their place (Paste Special, Values)"
    )]
    Unworked {
        /// Where the first of them stands.
        cell: String,
    },
}

/// The sheets of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheets {
    /// The one to read.
    pub(super) chosen: String,
    /// The others that can be seen.
    pub(super) others: Vec<String>,
}
