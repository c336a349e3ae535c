//! What the rules between rows find: repetitions and contradictions of one user's rows.

use super::columns::{Columns, Field};
use super::problem::{Problem, ProblemCode, Severity};
use super::row::RowOperation;
use super::targets::Targets;
use crate::domain::{Line, OperationKey, Printable};
use crate::input::Row;

/// What rules across rows have found of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CrossRow {
    DuplicateOf(OperationKey),
    AddAndRemove {
        other: Line,
    },
    ConflictingProperties {
        other: Line,
    },
    TwoPersonIds,
    /// Beside another address on that line.
    TwoEmails {
        other: Line,
    },
    TwoOrganizations,
    /// The row's address was said to be of one organization, and turned out to be a person of another.
    AddressOfTwoOrganizations,
    /// The user's licenses say themselves that they are of several.
    LicensesOfTwoOrganizations,
    /// Another row of the user cannot be sent, so that none is.
    UserLeftOut {
        other: Line,
    },
}

impl CrossRow {
    const fn code(self) -> ProblemCode {
        match self {
            Self::DuplicateOf(_) => ProblemCode::Duplicate,
            Self::AddAndRemove { .. } => ProblemCode::AddAndRemove,
            Self::ConflictingProperties { .. } => ProblemCode::ConflictingProperties,
            Self::TwoPersonIds => ProblemCode::TwoPersonIds,
            Self::TwoEmails { .. } => ProblemCode::TwoEmails,
            Self::TwoOrganizations | Self::AddressOfTwoOrganizations | Self::LicensesOfTwoOrganizations => {
                ProblemCode::TwoOrganizations
            }
            Self::UserLeftOut { .. } => ProblemCode::UserLeftOut,
        }
    }

    pub(super) const fn is_invalid(self) -> bool {
        matches!(self.code().severity(), Severity::Error)
    }

    /// Whether it is worth a word of its own: what follows from another row's problem is not.
    pub(super) const fn is_told(self) -> bool {
        !matches!(self, Self::UserLeftOut { .. })
    }

    /// The finding as a problem of its row, with the column and the value as the file has them.
    pub(super) fn problem(
        self,
        row: &Row<'_>,
        columns: &Columns,
        operation: Option<&RowOperation>,
        targets: &Targets,
    ) -> Problem {
        let field = match self {
            Self::AddAndRemove { .. } => Some(Field::Operation),
            Self::TwoPersonIds | Self::AddressOfTwoOrganizations => Some(Field::Email),
            Self::TwoEmails { .. } => Some(Field::PersonId),
            Self::TwoOrganizations => Some(Field::OrgId),
            Self::DuplicateOf(_)
            | Self::ConflictingProperties { .. }
            | Self::LicensesOfTwoOrganizations
            | Self::UserLeftOut { .. } => None,
        };
        let field_cell = field.and_then(|field| columns.position(field));
        let cell = field_cell.or_else(|| operation.and_then(|operation| operation.cell));
        let name = cell.and_then(|cell| row.names().get(cell));
        // Of several that a cell or a bundle asks for, the line and the column do not say which.
        let which = operation.and_then(|operation| operation.word).map_or("", |word| targets.word_of(word));
        let (message, remedy) = self.words(row.line(), which);
        Problem {
            code: self.code(),
            line: row.line(),
            column: name.map_or_else(|| "row".to_owned(), Clone::clone),
            cell,
            value: cell.map_or_else(String::new, |cell| row.at(cell).to_owned()),
            message,
            remedy: remedy.into(),
            fix: None,
            rows: None,
        }
    }

    fn words(self, line: Line, which: &str) -> (String, &'static str) {
        let of_which = if which.is_empty() { String::new() } else { format!(", '{}'", Printable(which)) };
        match self {
            Self::DuplicateOf(first) if first.line == line => (
                format!("the row asks for the same twice{of_which}"),
                "it is sent once, and both share the outcome",
            ),
            Self::DuplicateOf(first) => (
                format!("the same operation stands on line {}{of_which}", first.line),
                "it is sent once, and both rows share the outcome",
            ),
            Self::AddAndRemove { other } if other == line => (
                format!("the row asks to add and to remove the same{of_which}"),
                "keep one of them; for a change of properties, use two files",
            ),
            Self::AddAndRemove { other } => (
                format!("line {other} asks for the opposite for the same user and target"),
                "keep one of them; for a change of properties, use two files",
            ),
            Self::ConflictingProperties { other } => (
                format!(
                    "line {other} adds the same license to the same user with another phone number, extension or location"
                ),
                "keep one of them",
            ),
            Self::TwoPersonIds => (
                "the file ties this address to two person IDs".to_owned(),
                "find out which of them is the user, and correct the other rows",
            ),
            Self::TwoEmails { other } if other == line => (
                "the file gives this person ID to another address before".to_owned(),
                "give each user the person ID that is the user's own, or none",
            ),
            Self::TwoEmails { other } => (
                format!("the file gives this person ID to another address too, as on line {other}"),
                "give each user the person ID that is the user's own, or none",
            ),
            Self::TwoOrganizations | Self::AddressOfTwoOrganizations => (
                "the file names two organizations for this user".to_owned(),
                "give the user's one orgId on all of the user's rows",
            ),
            Self::LicensesOfTwoOrganizations => (
                "the file asks licenses of two organizations for this user, as their IDs say".to_owned(),
                "keep those of the user's own organization",
            ),
            Self::UserLeftOut { other } => (
                format!(
                    "line {other} cannot be sent, and it is this user's or may be, so nothing is sent for the user"
                ),
                "mend that line",
            ),
        }
    }
}
