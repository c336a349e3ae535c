//! What was found in a file, counted.

use super::problem::{Problem, Severity};

/// What was found, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Rows of the file.
    pub rows: u64,
    /// Rows that cannot be sent.
    pub invalid: u64,
    /// Operations of users of whom another row cannot be sent.
    pub left_out: u64,
    /// Problems that keep rows from being sent.
    pub errors: u64,
    /// Problems that do not.
    pub warnings: u64,
    /// Operations that stand in the file already, and are sent once.
    pub repeated: u64,
    /// Users that something is asked for.
    pub assignments: u32,
    /// Operations that add.
    pub adds: u64,
    /// Operations that remove.
    pub removes: u64,
    /// Removals of Calling licenses: they destroy number, extension and settings.
    pub calling_removes: u64,
    /// Rows that take away everything a user holds, where nobody has looked what that is.
    pub everything: u64,
    /// Rows that ask for nothing.
    pub idle: u64,
    /// Rows whose day has not come.
    pub not_due: u64,
    /// Problems of columns: nothing of the file can be sent.
    pub unclear_columns: u64,
    /// Columns of services, in Control Hub's form.
    pub services: Option<u64>,
    /// `FALSE` cells that take nothing away.
    pub left_alone: u64,
    /// No column says what to do: every row adds.
    pub adds_by_default: bool,
}

/// What a file asks of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Users who are to get it.
    pub adds: u64,
    /// Users who are to give it back.
    pub removes: u64,
}

impl Counts {
    pub(super) fn tell(&mut self, problem: &Problem, on_problem: &mut dyn FnMut(&Problem)) {
        match problem.severity() {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => {}
        }
        on_problem(problem);
    }
}
