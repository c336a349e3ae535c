//! What the reader of rows remarks, as a problem among the others: each once, with its count.

use super::problem::{Problem, ProblemCode};
use crate::input::{Remark, RemarkKind};

impl From<&Remark> for Problem {
    fn from(remark: &Remark) -> Self {
        let code = match &remark.kind {
            RemarkKind::ReadAs(_) => ProblemCode::ReadAs,
            RemarkKind::MarkAgainst { .. } | RemarkKind::Utf8Against(_) => ProblemCode::EncodingDoubtful,
            RemarkKind::BlankRows(_) => ProblemCode::BlankRows,
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
        }
    }
}
