//! Columns of services beside something else that says what is asked: what they say must not be lost without a word.

use super::super::interpretation::{Interpretation, Request, ServiceMode};
use super::super::problem::{Problem, ProblemCode};
use super::super::service_name::Naming;
use super::super::words;
use super::{Columns, Field, quoted};
use crate::domain::{Line, Printable};
use crate::input::{Header, Row};

/// A column that may be one of a service.
#[derive(Debug)]
struct PossibleService {
    position: usize,
    name: Box<str>,
    /// Whether its name says so, so that ticks are looked for beside TRUE and FALSE.
    is_named: bool,
    /// The first cell that says who has it.
    said: Option<(Line, String)>,
}

/// Those columns, watched as rows go by until each has said something.
#[derive(Debug)]
pub(crate) struct ServicesBeside {
    suspects: Vec<PossibleService>,
    /// What says it instead.
    other: String,
    /// How to leave that out.
    without_other: String,
}

impl ServicesBeside {
    /// Watches columns of services where something else says what is asked.
    pub(crate) fn of(header: &Header, columns: &Columns, how: &Interpretation) -> Self {
        let mut beside = Self { suspects: Vec::new(), other: String::new(), without_other: String::new() };
        if !columns.say_what_is_asked(how) || how.service_mode == ServiceMode::Ignore {
            return beside;
        }
        let all = columns.are_control_hubs();
        let suspects = columns.not_understood(header, how).filter_map(|(position, name)| {
            let is_named = Naming::of(name, how) == Naming::Named;
            (is_named || all).then(|| PossibleService { position, name: name.into(), is_named, said: None })
        });
        beside.suspects = suspects.collect();
        let target = Field::TARGET.into_iter().find(|field| columns.position(*field).is_some());
        (beside.other, beside.without_other) = match target {
            _ if !how.requests.is_empty() => {
                let options = Request::options(&how.requests);
                (format!("{options} asks the same of every row's user"), format!("leave {options} out"))
            }
            Some(field) => {
                let name = columns.name(field);
                (
                    format!("the column '{}' says what each row asks for", Printable(name)),
                    format!("say --ignore {}", quoted(name)),
                )
            }
            None => ("--set says what each row asks for".to_owned(), "leave --set out".to_owned()),
        };
        beside
    }

    /// Looks at a row's cells in the columns that have said nothing yet.
    pub(crate) fn look(&mut self, row: &Row<'_>) {
        for suspect in self.suspects.iter_mut().filter(|suspect| suspect.said.is_none()) {
            let cell = row.at(suspect.position);
            if words::boolean(cell).is_some() || (suspect.is_named && words::is_mark(cell)) {
                suspect.said = Some((row.line(), cell.to_owned()));
            }
        }
    }

    /// One error for all of them.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let mut said = self.suspects.iter().filter_map(|suspect| Some((suspect, suspect.said.clone()?)));
        let (first, (line, value)) = said.next()?;
        let name = Printable(&first.name);
        let others = said.count();
        let columns = match others {
            0 => format!("the column '{name}' is one of a service"),
            1 => format!("the column '{name}' and another one are those of services"),
            others => format!("the column '{name}' and {others} others are those of services"),
        };
        let both = if others == 0 { "nothing looks at it" } else { "nothing looks at them" };
        let out = if others == 0 { "that column" } else { "those columns" };
        Some(Problem {
            code: ProblemCode::UnclearColumn,
            line,
            column: first.name.to_string(),
            cell: Some(first.position),
            value,
            message: format!("{columns}, and {both}, since {}", self.other),
            remedy: format!(
                "say --services ignore to leave {out} out, or, if the services are what is meant, {}",
                self.without_other
            )
            .into(),
            fix: None,
            rows: None,
        })
    }
}
