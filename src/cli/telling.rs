//! How the problems of a file are told: grouped for people, all of them for programs and as CSV.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Read as _, Stdout, Write};
use std::path::Path;

use super::context::Context;
use super::event::Event;
use super::exit::Failure;
use super::output::{Output, noted};
use super::outputs::{destination, place};
use super::problem_text::{Shown, shown};
use crate::assign::{CheckError, Checked, Interpretation, Known, Problem, ProblemCode, Severity, check};
use crate::domain::{Line, Order};
use crate::input::InputFile;
use crate::report::{Destination, ReportError};
use crate::run::KnownError;

/// So many problems of a kind are shown.
const SHOWN: usize = 3;
/// So many different values of a kind are counted apart.
const VALUES: usize = 5;
/// The columns of the file of all problems.
const COLUMNS: [&str; 8] = ["severity", "code", "line", "column", "value", "problem", "remedy", "fix"];

/// What came of checking a file: a write that failed, or what was found, or why it could not be.
pub(super) type Told = Result<Result<Checked, CheckError>, Failure>;

/// Where problems go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    pub(super) context: &'a Context,
    /// A file for all of them.
    pub(super) all: Option<&'a Path>,
    /// Whether they are what was asked for, rather than said aside.
    pub(super) asked: bool,
}

impl Telling<'_> {
    /// Checks a file, and tells what is wrong with it.
    pub(super) fn check(
        &self,
        file: &InputFile,
        how: &Interpretation,
        order: Order,
        known: Known,
        also: &mut dyn FnMut(&Problem),
    ) -> Told {
        let output = self.context.output;
        let mut gathered = Gathered::new(output);
        let Some(path) = self.all else {
            let checked = check(file, how, order, known, &mut |problem| {
                also(problem);
                gathered.take(problem);
            });
            whole_of(&checked).iter().for_each(|problem| gathered.take(problem));
            self.tell(&mut gathered, file, how);
            return Ok(checked);
        };
        let destination = destination(self.context, path, Some(file.path()))?;
        // A list of problems is made anew each time; anything else that stands there is kept.
        let replaces = is_a_list(&destination);
        let whole = destination.write(replaces, |output| {
            let mut csv = csv::Writer::from_writer(output);
            let mut wrong = csv.write_record(COLUMNS).err();
            let checked = check(file, how, order, known, &mut |problem| {
                also(problem);
                gathered.take(problem);
                if wrong.is_none() {
                    wrong = csv.write_record(record(problem).each_ref().map(String::as_str)).err();
                }
            });
            if let Some(problem) = whole_of(&checked) {
                gathered.take(&problem);
                wrong = wrong.or(csv.write_record(record(&problem).each_ref().map(String::as_str)).err());
            }
            match wrong {
                Some(error) => Err(ReportError::Output(error.into())),
                None => csv.flush().map(|()| checked).map_err(ReportError::Output),
            }
        })?;
        self.tell(&mut gathered, file, how);
        self.tell_written(whole.kept.as_deref().zip(whole.path.as_deref()), gathered.total, path);
        Ok(whole.content)
    }

    /// What came of looking for what must be known before the file is checked. A file that cannot even be read so far
    /// has a problem like any other.
    pub(super) fn first_look<T>(
        &self,
        file: &InputFile,
        looked: Result<T, KnownError>,
    ) -> Result<Result<T, KnownError>, Failure> {
        let found = match &looked {
            Err(KnownError::Check(error)) => error.problem(),
            _ => None,
        };
        let Some(problem) = found else { return Ok(looked) };
        let output = self.context.output;
        let (code, severity) = (problem.code, problem.severity());
        output.event(&Event::Problem { severity, problem: &problem });
        output.event(&Event::Problems { code, severity, count: 1 });
        if let Some(path) = self.all {
            let destination = destination(self.context, path, Some(file.path()))?;
            let whole = destination.write(is_a_list(&destination), |output| {
                let mut csv = csv::Writer::from_writer(output);
                csv.write_record(COLUMNS)?;
                csv.write_record(record(&problem).each_ref().map(String::as_str))?;
                Ok(csv.flush()?)
            })?;
            self.tell_written(whole.kept.as_deref().zip(whole.path.as_deref()), 1, path);
        }
        Ok(looked)
    }

    /// Says where all problems are, and what was there before.
    fn tell_written(&self, kept: Option<(&Path, &Path)>, problems: u64, path: &Path) {
        let output = self.context.output;
        if let Some((kept, path)) = kept {
            let (path, kept) = (path.display(), kept.display());
            output.insist(format_args!("{path} was there already; it is kept as {kept}"));
        }
        if problems > 0 {
            let problems = output.amount(problems, "problem");
            output.say(format_args!("{problems} written to {}", place(path)));
        }
    }

    fn tell(&self, gathered: &mut Gathered, file: &InputFile, how: &Interpretation) {
        let output = self.context.output;
        gathered.finish_events();
        // Why nothing of the file is taken is said at the end.
        gathered.groups.retain(|group| !group.code.is_of_the_file());
        if output.json && self.asked {
            return;
        }
        if output.quiet {
            // Only why it does not go well.
            gathered.groups.retain(|group| group.code.severity() == Severity::Error);
        }
        let text = gathered.text(self.context, file, how);
        match text.trim_end() {
            "" => {}
            text if self.asked && !output.quiet => {
                let _ = output.print(text);
            }
            text => output.insist(text),
        }
    }
}

/// The problem of a file of which nothing is taken.
fn whole_of<T>(checked: &Result<T, CheckError>) -> Option<Problem> {
    checked.as_ref().err().and_then(CheckError::problem)
}

/// Whether an earlier list of problems stands there.
fn is_a_list(destination: &Destination) -> bool {
    // A pipe would wait for somebody to write into it.
    let Destination::File(path) = destination else { return false };
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(256).read_to_end(&mut head));
    read.is_ok() && head.starts_with(COLUMNS.join(",").as_bytes())
}

fn record(problem: &Problem) -> [String; COLUMNS.len()] {
    [
        problem.severity().as_str().to_owned(),
        problem.code.as_str().to_owned(),
        problem.line.to_string(),
        problem.column.clone(),
        crate::report::defused(&problem.value).into_owned(),
        problem.message.clone(),
        problem.remedy.to_string(),
        problem.fix.as_deref().map(|fix| crate::report::defused(fix).into_owned()).unwrap_or_default(),
    ]
}

/// The problems of one kind.
struct ProblemGroup {
    code: ProblemCode,
    count: u64,
    /// Of these, names that are told once, however many rows have them.
    names: u64,
    first: Vec<Problem>,
    /// Values and how often they came, unless they are too many.
    values: Option<Vec<(String, u64)>>,
}

/// All problems of a file, in memory that does not grow with their number.
struct Gathered {
    groups: Vec<ProblemGroup>,
    total: u64,
    events: Option<BufWriter<Stdout>>,
}

impl Gathered {
    fn new(output: Output) -> Self {
        let events = output.json.then(|| BufWriter::with_capacity(1 << 16, io::stdout()));
        Self { groups: Vec::new(), total: 0, events }
    }

    fn take(&mut self, problem: &Problem) {
        self.total += 1;
        if let Some(events) = &mut self.events {
            let event = Event::Problem { severity: problem.severity(), problem };
            // Whoever reads along may have seen enough.
            let _ = serde_json::to_writer(&mut *events, &event).map(|()| events.write_all(b"\n"));
        }
        let known = self.groups.iter().position(|group| group.code == problem.code);
        let number = known.unwrap_or_else(|| {
            self.groups.push(ProblemGroup {
                code: problem.code,
                count: 0,
                names: 0,
                first: Vec::new(),
                values: Some(Vec::new()),
            });
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(number) else { return };
        group.count += 1;
        group.names += u64::from(problem.rows.is_some());
        if group.first.len() < SHOWN {
            group.first.push(problem.clone());
        }
        group.count_value(&problem.value, problem.rows.unwrap_or(1));
    }

    /// Hands out the events, and how many there were of each kind.
    fn finish_events(&mut self) {
        let Some(mut events) = self.events.take() else { return };
        for ProblemGroup { code, count, .. } in &self.groups {
            let event = Event::Problems { code: *code, severity: code.severity(), count: *count };
            let _ = serde_json::to_writer(&mut events, &event).map(|()| events.write_all(b"\n"));
        }
        let _ = noted(events.flush());
    }

    fn text(&mut self, context: &Context, file: &InputFile, how: &Interpretation) -> String {
        self.groups.sort_by_key(|group| group.code.severity());
        let lines: BTreeSet<Line> = self
            .groups
            .iter()
            .filter(|group| !group.is_remark())
            .flat_map(|group| &group.first)
            .map(|problem| problem.line)
            .collect();
        let excerpts = file.excerpts(&how.reading(), &lines);
        let mut text = String::new();
        for group in &self.groups {
            let values = group
                .values
                .as_deref()
                .filter(|values| group.count > SHOWN as u64 && values.iter().any(|(_, count)| *count > 1))
                .filter(|values| values.iter().any(|(value, _)| !value.is_empty()));
            text.push_str(&shown(&Shown {
                context,
                count: group.count,
                are_names: group.names == group.count,
                first: &group.first,
                values: values.unwrap_or_default(),
                excerpts: &excerpts,
            }));
        }
        text
    }
}

impl ProblemGroup {
    /// Whether it is about how the file was read, rather than about a cell.
    fn is_remark(&self) -> bool {
        self.first.iter().all(Problem::is_remark)
    }

    fn count_value(&mut self, value: &str, times: u64) {
        let Some(values) = &mut self.values else { return };
        if let Some((_, count)) = values.iter_mut().find(|(known, _)| known == value) {
            *count += times;
        } else if values.len() < VALUES {
            values.push((value.to_owned(), times));
        } else {
            self.values = None;
        }
    }
}
