//! Cells: what a text must be to be an address, an ID, a number or a site, and what it says instead.

mod address;
mod identity;
mod number;

pub(super) use address::{address_in, email, site};
pub(super) use identity::{id, license_id, looks_like_id, misplaced, organization_of, service_code, tenant};
pub(super) use number::{extension, phone_number};

use super::columns::Field;
use super::problem::ProblemCode;
use super::remedy::Remedy;
use super::words;
use crate::domain::Printable;

/// What is wrong with a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CellFault {
    pub(super) code: ProblemCode,
    pub(super) message: String,
    pub(super) remedy: Remedy,
    /// What to write instead, where that is certain.
    pub(super) fix: Option<String>,
}

impl CellFault {
    fn new(code: ProblemCode, message: impl Into<String>, remedy: impl Into<Remedy>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into(), fix: None }
    }

    /// An e-mail address where an ID is meant: no ID has that sign.
    pub(super) fn address_for_id(field: Field) -> Self {
        let remedy = match field {
            Field::PersonId => "call the column email, or give the person's ID",
            _ => "copy the ID that belongs in this column",
        };
        Self::new(ProblemCode::WrongIdKind, "that is an e-mail address, not an ID", remedy)
    }

    /// The same, unless what stands where an address is meant is what a column of addresses is called.
    pub(super) fn unless_a_header(self, cell: &str) -> Self {
        match words::field(cell) {
            Some(field) if Field::USER.contains(&field) => Self::new(
                ProblemCode::HeaderAgain,
                "this is the header of another file; two files seem to have been put together",
                "take the files apart; where both have the same columns, take this line out",
            ),
            _ => self,
        }
    }

    /// The remedy is to write this.
    fn write(code: ProblemCode, message: impl Into<String>, fix: String) -> Self {
        let remedy = format!("write {fix}").into();
        Self { code, message: message.into(), remedy, fix: Some(fix) }
    }

    /// The fault of what is only a part of its cell: what would mend the part must not be written over the whole.
    pub(super) fn of_a_part(self) -> Self {
        match self.code {
            ProblemCode::WordForNothing => Self { remedy: "leave it out".into(), fix: None, ..self },
            _ => Self { fix: None, ..self },
        }
    }

    /// The fault of the only cell that says whom or what a row is about: without it the row would say nothing,
    /// and what it ought to say is not known.
    pub(super) fn of_all_there_is(self) -> Self {
        Self { remedy: "write what is meant, or take the row out".into(), fix: None, ..self }
    }
}

/// Whether a cell is what stands in a file of text for one that a spreadsheet has spoiled.
fn is_mark(cell: &str) -> bool {
    cell.starts_with('#') && cell.contains('!') && !words::is_nothing(cell)
}

fn mark(cell: &str) -> CellFault {
    CellFault::new(
        ProblemCode::NotText,
        format!("'{}' is what a spreadsheet shows for a value that it has not kept", Printable(cell)),
        "write what is meant",
    )
}

/// A word that stands for nothing, where nothing is what an empty cell says.
pub(super) fn nothing(cell: &str) -> Option<CellFault> {
    if is_mark(cell) {
        return Some(mark(cell));
    }
    words::is_nothing(cell).then(|| CellFault {
        code: ProblemCode::WordForNothing,
        message: format!("'{cell}' means that there is nothing, but it would be sent as it stands"),
        remedy: "leave the cell empty".into(),
        fix: Some(String::new()),
    })
}
