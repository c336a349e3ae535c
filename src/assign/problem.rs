//! What is wrong with a row, for the person who has to mend it.

use std::fmt;

use serde::Serialize;

use super::remedy::Remedy;
use crate::domain::{Line, Printable};

/// Whether a row can be sent all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The row cannot be sent.
    Error,
    /// The row is sent; the user may want to look into it.
    Warning,
    /// How the file was read; the user may want to know.
    Note,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// The kinds of problems, as they stand in `error_code`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ProblemCode { $($(#[$doc])* $variant,)+ }

        impl ProblemCode {
            /// As it stands in `error_code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

codes! {
    /// Nothing, or nothing but a header.
    EmptyFile => "EMPTY_FILE",
    /// No table that could be read.
    NotATable => "NOT_A_TABLE",
    /// More than one line at the top that can be the header.
    SeveralHeaders => "SEVERAL_HEADERS",
    /// Another file, with other columns, inside the file.
    SecondHeader => "SECOND_HEADER",
    /// A row above the header, or on its line.
    HeaderAmongRows => "HEADER_AMONG_ROWS",
    /// A quote that is never closed.
    UnclosedQuote => "UNCLOSED_QUOTE",
    /// More lines than can be numbered.
    TooManyLines => "TOO_MANY_LINES",
    /// A column that is needed is not there.
    MissingColumn => "MISSING_COLUMN",
    /// Two columns that mean the same.
    TwoColumns => "TWO_COLUMNS",
    /// An option that names a column that is not there.
    NoSuchColumn => "NO_SUCH_COLUMN",
    /// Columns and options that do not go together.
    ContradictingColumns => "CONTRADICTING_COLUMNS",
    /// A column that is not understood and may ask for something.
    UnclearColumn => "UNCLEAR_COLUMN",
    /// More cells than the header.
    RaggedRow => "RAGGED_ROW",
    /// Separated by something else than the rest of the file.
    OtherDelimiter => "OTHER_DELIMITER",
    /// A quote that has swallowed rows.
    StrayQuote => "STRAY_QUOTE",
    /// The header once more.
    HeaderAgain => "HEADER_AGAIN",
    /// A zero byte.
    NulByte => "NUL_BYTE",
    /// Bytes that are no UTF-8.
    InvalidUtf8 => "INVALID_UTF8",
    /// A formula that nobody has worked out.
    FormulaWithoutValue => "FORMULA_WITHOUT_VALUE",
    /// A cell whose value stands in another one that it is merged into.
    MergedCells => "MERGED_CELLS",
    /// An ID or a name that a spreadsheet keeps as something else than text.
    NotText => "NOT_TEXT",
    /// Neither address nor person ID.
    NoUser => "NO_USER",
    /// Not an e-mail address.
    BadEmail => "BAD_EMAIL",
    /// The ID of another kind of thing.
    WrongIdKind => "WRONG_ID_KIND",
    /// Neither license nor site.
    NoTarget => "NO_TARGET",
    /// License and site in one row.
    TwoTargets => "TWO_TARGETS",
    /// No license of that name.
    UnknownLicense => "UNKNOWN_LICENSE",
    /// Several licenses of that name.
    AmbiguousLicense => "AMBIGUOUS_LICENSE",
    /// Neither `add` nor `remove`.
    UnknownOperation => "UNKNOWN_OPERATION",
    /// Not `attendee`.
    BadAccountType => "BAD_ACCOUNT_TYPE",
    /// Several addresses in a cell.
    TwoAddresses => "TWO_ADDRESSES",
    /// A word that stands for nothing.
    WordForNothing => "WORD_FOR_NOTHING",
    /// Several IDs in a cell.
    TwoIds => "TWO_IDS",
    /// An ID with something in it that nobody sees.
    UnseenCharacters => "UNSEEN_CHARACTERS",
    /// An operation or an address where a license is named.
    ShiftedCell => "SHIFTED_CELL",
    /// The name of a license where its ID is meant.
    NameForId => "NAME_FOR_ID",
    /// A license of another organization than the row's.
    OtherOrganization => "OTHER_ORGANIZATION",
    /// `license` and `licenseId` that are two.
    LicensesDisagree => "LICENSES_DISAGREE",
    /// Not the bare host of a site.
    BadSite => "BAD_SITE",
    /// Not an extension.
    BadExtension => "BAD_EXTENSION",
    /// A location's name that is not configured.
    UnknownLocation => "UNKNOWN_LOCATION",
    /// A bundle that is not configured.
    UnknownBundle => "UNKNOWN_BUNDLE",
    /// Not a date that can be read.
    BadDate => "BAD_DATE",
    /// A column of services that leads to no license, or to several.
    UnmatchedService => "UNMATCHED_SERVICE",
    /// A cell of a column of services that is neither TRUE nor FALSE.
    BadServiceValue => "BAD_SERVICE_VALUE",
    /// A suspended service that is TRUE.
    SuspendedService => "SUSPENDED_SERVICE",
    /// Two Calling licenses for one user.
    TwoCallingLicenses => "TWO_CALLING_LICENSES",
    /// Host and attendee of one site for one user.
    TwoAccountTypes => "TWO_ACCOUNT_TYPES",
    /// A Calling service without number or location.
    CallingNeedsMore => "CALLING_NEEDS_MORE",
    /// Not E.164.
    BadPhoneNumber => "BAD_PHONE_NUMBER",
    /// The same user and target both added and removed.
    AddAndRemove => "ADD_AND_REMOVE",
    /// The same user and license with other properties.
    ConflictingProperties => "CONFLICTING_PROPERTIES",
    /// The same address with two person IDs.
    TwoPersonIds => "TWO_PERSON_IDS",
    /// The same person ID with two addresses.
    TwoEmails => "TWO_EMAILS",
    /// Another row of the same user cannot be sent.
    UserLeftOut => "USER_LEFT_OUT",
    /// The same user in two organizations.
    TwoOrganizations => "TWO_ORGANIZATIONS",
    /// The same operation again; sent once.
    Duplicate => "DUPLICATE",
    /// Rows without anything in them.
    BlankRows => "BLANK_ROWS",
    /// Rows that the sheet does not show.
    HiddenRows => "HIDDEN_ROWS",
    /// Columns that the sheet does not show.
    HiddenColumns => "HIDDEN_COLUMNS",
    /// Rows that end before the last column.
    ShortRows => "SHORT_ROWS",
    /// Rows with empty cells behind the last column.
    LongRows => "LONG_ROWS",
    /// Cells with something invisible around them.
    PaddedCells => "PADDED_CELLS",
    /// The encoding was found out by what fits.
    ReadAs => "READ_AS",
    /// The encoding that was asked for may not be the file's.
    EncodingDoubtful => "ENCODING_DOUBTFUL",
    /// Lines at the top that are no rows.
    LinesSkipped => "LINES_SKIPPED",
    /// A workbook's other sheets.
    OtherSheets => "OTHER_SHEETS",
    /// A column that chooses rows, it seems, and is not looked at.
    SelectionIgnored => "SELECTION_IGNORED",
    /// A Calling license without number, extension or location.
    IncompleteCalling => "INCOMPLETE_CALLING",
    /// An extension of another length than its neighbours.
    OddExtension => "ODD_EXTENSION",
    /// A number that is not one, where none is sent.
    UnusedNumber => "UNUSED_NUMBER",
    /// Everything is to be taken away of somebody of whom nothing was found.
    HoldsNothing => "HOLDS_NOTHING",
    /// No word for what to do, in a file that also removes.
    EmptyOperation => "EMPTY_OPERATION",
    /// No day, where rows are taken from a day on.
    NoDate => "NO_DATE",
    /// A column of last days, and no option that keeps to it.
    LastDayUnused => "LAST_DAY_UNUSED",
    /// A column of first days that are still to come, and no option that keeps to it.
    FirstDayUnused => "FIRST_DAY_UNUSED",
}

impl ProblemCode {
    /// Whether rows with this problem are sent all the same.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Duplicate
            | Self::BlankRows
            | Self::HiddenRows
            | Self::HiddenColumns
            | Self::ShortRows
            | Self::LongRows
            | Self::PaddedCells
            | Self::ReadAs
            | Self::EncodingDoubtful
            | Self::SelectionIgnored
            | Self::IncompleteCalling
            | Self::OddExtension
            | Self::UnusedNumber
            | Self::HoldsNothing
            | Self::EmptyOperation
            | Self::NoDate
            | Self::LastDayUnused
            | Self::FirstDayUnused => Severity::Warning,
            Self::LinesSkipped | Self::OtherSheets => Severity::Note,
            _ => Severity::Error,
        }
    }
}

impl ProblemCode {
    /// Whether it is about the file as a whole, of which nothing is taken.
    #[must_use]
    pub const fn is_of_the_file(self) -> bool {
        matches!(
            self,
            Self::EmptyFile
                | Self::NotATable
                | Self::SeveralHeaders
                | Self::SecondHeader
                | Self::HeaderAmongRows
                | Self::UnclosedQuote
                | Self::TooManyLines
                | Self::MissingColumn
                | Self::TwoColumns
                | Self::NoSuchColumn
                | Self::ContradictingColumns
        )
    }

    /// Whether it is about how the file was read, rather than about a row.
    #[must_use]
    pub const fn is_remark(self) -> bool {
        matches!(
            self,
            Self::BlankRows
                | Self::HiddenRows
                | Self::HiddenColumns
                | Self::ShortRows
                | Self::LongRows
                | Self::PaddedCells
                | Self::ReadAs
                | Self::EncodingDoubtful
                | Self::LinesSkipped
                | Self::OtherSheets
        )
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One problem: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// What kind.
    #[cfg_attr(test, schemars(with = "String"))]
    pub code: ProblemCode,
    /// The row's line.
    #[cfg_attr(test, schemars(with = "u32"))]
    pub line: Line,
    /// The column's name, or `row` where all of it is meant.
    pub column: String,
    /// Where the cell stands in its row, counted from 0, so that it can be marked; none where all of the
    /// row is meant.
    #[serde(skip)]
    pub cell: Option<usize>,
    /// The cell's text.
    pub value: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    #[cfg_attr(test, schemars(with = "String"))]
    pub remedy: Remedy,
    /// What the cell must hold instead, where that is certain: what `check --fix` writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// How many rows have it, where a name is told once for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl Problem {
    /// What is to be said of a column, by its position and name, at the cell that shows it best.
    pub(super) fn of_column(
        (position, name): (usize, &str),
        code: ProblemCode,
        (line, value): (Line, String),
        message: String,
        remedy: impl Into<Remedy>,
    ) -> Self {
        let (column, remedy) = (name.to_owned(), remedy.into());
        Self { code, line, column, cell: Some(position), value, message, remedy, fix: None, rows: None }
    }

    /// Whether the row can be sent all the same.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether it is about how the file was read, rather than about a row.
    #[must_use]
    pub const fn is_remark(&self) -> bool {
        self.code.is_remark()
    }

    /// Whether a spreadsheet is at fault that keeps the cell as something else than text: in a file of text it would
    /// look sound.
    #[must_use]
    pub const fn is_of_storage(&self) -> bool {
        matches!(
            self.code,
            ProblemCode::FormulaWithoutValue
                | ProblemCode::MergedCells
                | ProblemCode::NotText
                | ProblemCode::BadExtension
                | ProblemCode::BadPhoneNumber
        ) && self.fix.is_none()
    }

    /// What is wrong and what to do, without the place.
    #[must_use]
    pub fn explanation(&self) -> String {
        format!("{}; {}", self.message, self.remedy)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.severity().as_str();
        write!(
            f,
            "{word}: line {}, column {}, value '{}': {}; {} [{}]",
            self.line,
            Printable(&self.column),
            Printable(&self.value),
            Printable(&self.message),
            self.remedy,
            self.code.as_str()
        )
    }
}

impl Serialize for Line {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.get())
    }
}
