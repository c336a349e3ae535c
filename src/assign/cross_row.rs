//! What the rules between rows find: repetitions and contradictions of one user's rows.

use super::problem::{Problem, ProblemCode, Severity};
use crate::domain::Line;

/// What rules across rows have found of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CrossRow {
    DuplicateOf(Line),
    AddAndRemove {
        other: Line,
    },
    ConflictingProperties {
        other: Line,
    },
    TwoPersonIds,
    TwoOrganizations,
    /// The row's address was said to be of one organization, and turned out to be a person of another.
    AddressOfTwoOrganizations,
}

impl CrossRow {
    const fn code(self) -> ProblemCode {
        match self {
            Self::DuplicateOf(_) => ProblemCode::Duplicate,
            Self::AddAndRemove { .. } => ProblemCode::AddAndRemove,
            Self::ConflictingProperties { .. } => ProblemCode::ConflictingProperties,
            Self::TwoPersonIds => ProblemCode::TwoPersonIds,
            Self::TwoOrganizations | Self::AddressOfTwoOrganizations => ProblemCode::TwoOrganizations,
        }
    }

    pub(super) const fn is_invalid(self) -> bool {
        matches!(self.code().severity(), Severity::Error)
    }

    pub(super) fn problem(self, line: Line, column: &str, cell: Option<usize>, value: String) -> Problem {
        let (message, remedy) = match self {
            Self::DuplicateOf(first) => (
                format!("the same operation stands on line {first}"),
                "it is sent once, and both rows share the outcome",
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
            Self::TwoOrganizations | Self::AddressOfTwoOrganizations => (
                "the file names two organizations for this user".to_owned(),
                "give the user's one orgId on all of the user's rows",
            ),
        };
        Problem {
            code: self.code(),
            line,
            column: column.to_owned(),
            cell,
            value,
            message,
            remedy: remedy.into(),
            fix: None,
        }
    }
}
