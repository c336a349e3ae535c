//! What is wrong with a file as a whole, as a problem among the others.

use super::check::CheckError;
use super::columns::ColumnsError;
use super::problem::{Problem, ProblemCode};
use crate::domain::Line;
use crate::input::InputError;

impl CheckError {
    /// The problem that it is, where the fault is in what the file says.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let (code, line, message, remedy) = match self {
            Self::Input(error) => {
                let text = error.to_string();
                let numbered = text.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
                let numbered = numbered.and_then(|(line, rest)| Some((Line::new(line.parse().ok()?), rest)));
                let (line, text) = numbered.unwrap_or((Line::new(1), text.as_str()));
                // The remedy stands behind what is wrong.
                let (message, remedy) = text.split_once("; ").unwrap_or((text, ""));
                (of_input(error)?, line, message.to_owned(), remedy.to_owned())
            }
            Self::Columns(error) => (of_columns(error), error.line(), error.wrong(), error.remedy()),
            Self::HoldingsUnknown { .. } | Self::Disk(_) => return None,
        };
        Some(Problem {
            code,
            line,
            column: "row".to_owned(),
            cell: None,
            value: String::new(),
            message,
            remedy: remedy.into(),
            fix: None,
            rows: None,
        })
    }
}

const fn of_input(error: &InputError) -> Option<ProblemCode> {
    Some(match error {
        InputError::Empty | InputError::EmptySheet { .. } | InputError::NoRows => ProblemCode::EmptyFile,
        InputError::HeaderNotText { .. }
        | InputError::OtherKind { .. }
        | InputError::Utf32
        | InputError::Workbook(_)
        | InputError::NoSheets => ProblemCode::NotATable,
        InputError::SeveralHeaders { .. } => ProblemCode::SeveralHeaders,
        InputError::SecondHeader { .. } => ProblemCode::SecondHeader,
        InputError::TooLong { .. } | InputError::UnclosedQuote { .. } => ProblemCode::UnclosedQuote,
        InputError::TooManyLines => ProblemCode::TooManyLines,
        InputError::NothingFailed
        | InputError::Open { .. }
        | InputError::NotAFile { .. }
        | InputError::StandardInput
        | InputError::NotKept { .. }
        | InputError::Read { .. }
        | InputError::Changed { .. } => return None,
    })
}

const fn of_columns(error: &ColumnsError) -> ProblemCode {
    match error {
        ColumnsError::Missing { .. } | ColumnsError::NoHeader { .. } => ProblemCode::MissingColumn,
        ColumnsError::Twice { .. } | ColumnsError::SeveralCalledSo { .. } => ProblemCode::TwoColumns,
        ColumnsError::RowAboveHeader { .. } | ColumnsError::RowInHeader { .. } => {
            ProblemCode::HeaderAmongRows
        }
        ColumnsError::NoSuchColumn { .. } => ProblemCode::NoSuchColumn,
        ColumnsError::IdleOperations { .. }
        | ColumnsError::OperationsOfServices { .. }
        | ColumnsError::TargetsBesideOptions { .. }
        | ColumnsError::AddsAgainstWords { .. }
        | ColumnsError::SetTwice { .. } => ProblemCode::ContradictingColumns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_the_fault_and_the_remedy_are_told_apart() {
        let second = InputError::SecondHeader { line: Line::new(4), first: Line::new(1) };
        let problem = CheckError::from(second).problem().unwrap();
        assert_eq!((problem.code.as_str(), problem.line), ("SECOND_HEADER", Line::new(4)));
        assert!(problem.message.starts_with("this is the header of another file"), "{}", problem.message);
        assert!(problem.remedy.ends_with("take them apart"), "{}", problem.remedy);
        let empty = CheckError::from(InputError::Empty).problem().unwrap();
        assert_eq!(
            (empty.code.as_str(), empty.line, empty.message.as_str()),
            ("EMPTY_FILE", Line::new(1), "the file is empty")
        );
        let nearest = Some("Seats; wanted".to_owned());
        let missing = ColumnsError::NoSuchColumn {
            line: 3,
            option: "--map license=Seat".to_owned(),
            nearest,
            found: "a".to_owned(),
        };
        let problem = CheckError::from(missing).problem().unwrap();
        assert_eq!((problem.line, problem.remedy.as_ref()), (Line::new(3), "found: a"));
        assert!(problem.message.ends_with("(the nearest is 'Seats; wanted')"), "{}", problem.message);
        assert_eq!(CheckError::from(std::io::Error::other("x")).problem(), None);
    }
}
