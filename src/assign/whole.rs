//! What is wrong with a file as a whole, as a problem among the others.

use super::check::CheckError;
use super::columns::ColumnsError;
use super::problem::{Problem, ProblemCode};
use crate::domain::Line;
use crate::input::{ContentError, Explanation, InputError};

impl CheckError {
    /// The problem that it is, where the fault is in what the file says.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let (code, explanation) = match self {
            Self::Input(InputError::Content(error)) => (of_content(error), error.explanation()),
            Self::Columns(error) => (of_columns(error), error.explanation()),
            Self::Input(_) | Self::HoldingsUnknown { .. } | Self::Disk(_) => return None,
        };
        let Explanation { line, wrong, remedy, .. } = explanation;
        Some(Problem {
            code,
            line: line.unwrap_or(Line::new(1)),
            column: "row".to_owned(),
            cell: None,
            value: String::new(),
            message: wrong.into_owned(),
            remedy: remedy.into(),
            fix: None,
            rows: None,
        })
    }
}

const fn of_content(error: &ContentError) -> ProblemCode {
    match error {
        ContentError::Empty | ContentError::EmptySheet { .. } | ContentError::NoRows => {
            ProblemCode::EmptyFile
        }
        ContentError::HeaderNotText { .. }
        | ContentError::OtherKind { .. }
        | ContentError::Utf32
        | ContentError::Workbook(_)
        | ContentError::NoSheets => ProblemCode::NotATable,
        ContentError::SeveralHeaders { .. } => ProblemCode::SeveralHeaders,
        ContentError::SecondHeader { .. } => ProblemCode::SecondHeader,
        ContentError::TooLong { .. } | ContentError::UnclosedQuote { .. } => ProblemCode::UnclosedQuote,
        ContentError::TooManyLines => ProblemCode::TooManyLines,
    }
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

    fn of_input(error: ContentError) -> CheckError {
        CheckError::Input(error.into())
    }

    #[test]
    fn the_line_the_fault_and_the_remedy_are_told_apart() {
        let second = ContentError::SecondHeader { line: Line::new(4), first: Line::new(1) };
        let problem = of_input(second).problem().unwrap();
        assert_eq!((problem.code.as_str(), problem.line), ("SECOND_HEADER", Line::new(4)));
        assert!(problem.message.starts_with("this is the header of another file"), "{}", problem.message);
        assert!(problem.remedy.text.ends_with("take them apart"), "{}", problem.remedy);
        let empty = of_input(ContentError::Empty).problem().unwrap();
        assert_eq!(
            (empty.code.as_str(), empty.line, empty.message.as_str()),
            ("EMPTY_FILE", Line::new(1), "the file is empty")
        );
        let wanted = ContentError::EmptySheet { sheet: "Seats; wanted".to_owned(), others: Vec::new() };
        let problem = of_input(wanted).problem().unwrap();
        assert_eq!(problem.message, "the sheet 'Seats; wanted' is empty");
        assert!(problem.remedy.text.starts_with("its first line must name"), "{}", problem.remedy);
        let nearest = Some("Seats; wanted".to_owned());
        let missing = ColumnsError::NoSuchColumn {
            line: 3,
            option: "--map license=Seat".to_owned(),
            nearest,
            found: "a".to_owned(),
        };
        let problem = CheckError::from(missing).problem().unwrap();
        assert_eq!((problem.line, problem.remedy.text.as_ref()), (Line::new(3), "found: a"));
        assert!(problem.message.ends_with("(the nearest is 'Seats; wanted')"), "{}", problem.message);
        assert_eq!(CheckError::from(std::io::Error::other("x")).problem(), None);
    }
}
