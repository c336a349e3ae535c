//! Whom a file lists and asks nothing of today. Who is listed is not absent, though nothing is done for them.

use super::check::{CheckError, Checked};
use super::row::{RowOutcome, RowUser};
use crate::domain::{Line, Target};
use crate::input::{InputFile, Row};

/// A user whom a row lists without asking anything today.
#[derive(Debug, Clone, Copy)]
pub struct Bystander<'a> {
    /// The address, where the row gives it.
    pub email: Option<&'a str>,
    /// The person ID, where the row gives it.
    pub person: Option<&'a str>,
    /// For which license or site; for all of them where it is not known or does not matter.
    pub target: Option<&'a Target>,
}

/// Why it is not known whom a file lists.
#[derive(Debug, thiserror::Error)]
pub enum BystanderError {
    /// The file.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A row that is not looked at today names nobody who could be known again.
    #[error(
        "line {line} asks nothing today, and whom it lists cannot be read, so that somebody who is listed would be \
         taken for absent; correct the user's cell first ('seatbatch check' without --due says what is wrong with it)"
    )]
    Unreadable {
        /// The line.
        line: Line,
    },
}

/// Tells whom a checked file lists without asking anything of them today: in rows whose day has not come, in rows that ask for
/// nothing, and in Control Hub's form, where an empty cell leaves alone, in every row.
///
/// # Errors
/// [`BystanderError`].
pub fn bystanders(
    checked: &mut Checked,
    file: &InputFile,
    each: &mut dyn FnMut(Bystander<'_>),
) -> Result<(), BystanderError> {
    let counts = checked.counts();
    let reader = &mut checked.reader;
    if counts.not_due == 0 && counts.idle == 0 && reader.wide.is_none() {
        return Ok(());
    }
    let mut rows = file.rows(&reader.how.reading()).map_err(CheckError::from)?;
    while let Some(row) = rows.next().map_err(CheckError::from)? {
        let waits = reader.read_when_due(&row);
        let is_due = waits.is_none();
        match waits.unwrap_or_else(|| reader.read(&row)) {
            RowOutcome::Asks(user) if reader.wide.is_some() => tell(&row, &user, None, each)?,
            RowOutcome::Asks(_) if is_due => {}
            RowOutcome::Asks(user) => {
                for operation in &reader.operations {
                    tell(&row, &user, reader.targets.get(operation.target), each)?;
                }
            }
            // What cannot be sent today stops the file elsewhere.
            RowOutcome::Refused(_) if is_due => {}
            RowOutcome::Idle(user) | RowOutcome::Refused(user) => tell(&row, &user, None, each)?,
            RowOutcome::NotDue => {}
        }
    }
    Ok(())
}

fn tell(
    row: &Row<'_>,
    user: &RowUser,
    target: Option<&Target>,
    each: &mut dyn FnMut(Bystander<'_>),
) -> Result<(), BystanderError> {
    let (email, person) = user.names();
    if email.is_none() && person.is_none() {
        return Err(BystanderError::Unreadable { line: row.line() });
    }
    each(Bystander { email, person, target });
    Ok(())
}
