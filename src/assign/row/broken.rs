//! Rows whose cells cannot be trusted.

use super::super::problem::{Problem, ProblemCode};
use crate::input::{Row, RowFault};

pub(super) fn problem(row: &Row<'_>, fault: RowFault) -> Problem {
    let code = match fault {
        RowFault::OtherDelimiter { .. } => ProblemCode::OtherDelimiter,
        RowFault::SwallowedRows { .. } => ProblemCode::StrayQuote,
        RowFault::HeaderAgain => ProblemCode::HeaderAgain,
        RowFault::Nul { .. } => ProblemCode::NulByte,
        RowFault::NotText { .. } | RowFault::OneByte { .. } => ProblemCode::InvalidUtf8,
        _ => ProblemCode::RaggedRow,
    };
    let cell = fault.cell();
    Problem {
        code,
        line: row.line(),
        column: cell.map_or_else(|| "row".to_owned(), |cell| format!("number {}", cell + 1)),
        cell,
        value: row.as_it_is().chars().take(80).collect(),
        message: fault.to_string(),
        remedy: fault.remedy().into(),
        fix: None,
        rows: None,
    }
}
