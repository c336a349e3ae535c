//! The end of a run, told: what was done, what was not and why, and what to do about it.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::context::{Context, absolute};
use super::event::{RunSummary, Summary};
use super::exit::{Exit, Failure, spelled_out};
use super::output::{self, Output};
use super::outputs::put;
use super::shell::shell_word;
use super::words;
use crate::domain::{Printable, RunId, RunState, advice, may_pass};
use crate::engine::Ending;
use crate::journal::{Journal, Reader, Reason, RunRow, Tally};
use crate::report::{Destination, ReportError, write_failures};
use crate::run::RunSettings;

/// Most codes that are told one by one.
const MOST_CODES: usize = 8;

/// Writes the failures CSV and the summary of a run; the exit code is as the run stands.
pub(super) fn conclude(
    context: &Context,
    journal: &mut Journal,
    run: RunId,
    settings: &RunSettings,
    ending: Option<&Ending>,
) -> Result<Exit, Failure> {
    let reader = &journal.reader()?;
    let row = reader.run(Some(run))?.ok_or_else(|| Failure::usage(format!("run {run} is gone")))?;
    let written =
        Destination::at(&settings.failures, &[]).map_err(ReportError::from).and_then(|destination| {
            let content = |output: &mut dyn Write| write_failures(reader, &row, &settings.failures, output);
            put(context, reader, &destination, Some(run), |rows| *rows, content)
        });
    let written = written.map(|written| written.keep(journal));
    let Tally { failed, invalid, in_doubt, .. } = row.tally;
    let exit = match (&written, row.state) {
        (Err(_), _) => Exit::Broken,
        (Ok(_), RunState::Finished) if failed + invalid + in_doubt == 0 => Exit::Done,
        (Ok(_), RunState::Finished) => Exit::Problems,
        (Ok(_), _) => Exit::Paused,
    };
    let path = written.is_ok().then_some(settings.failures.as_path());
    let reasons = reader.reasons(run)?;
    let summary = summary(reader, &row, path)?;
    let teller = Teller { context, output: context.output, exit, settings };
    teller.result(&row, &summary);
    teller.reasons(&reasons);
    match &written {
        Ok(rows) => teller.rows(*rows),
        Err(error) => teller.not_written(run, error),
    }
    if row.state == RunState::Finished {
        teller.what_next(&row, &reasons, written.is_ok());
    } else {
        let reason = ending.map(ToString::to_string).or(row.reason).unwrap_or_default();
        teller.paused(run, &reason);
    }
    teller.head(&summary);
    context.output.conclude(Summary::Run(summary));
    Ok(exit)
}

/// Tells the end of a run to people; to those who want silence, only an end that is not a good one.
struct Teller<'a> {
    context: &'a Context,
    output: Output,
    exit: Exit,
    settings: &'a RunSettings,
}

impl Teller<'_> {
    fn tell(&self, text: impl std::fmt::Display) {
        if self.exit == Exit::Done { self.output.say(text) } else { self.output.insist(text) }
    }

    /// How many of how many, in what time.
    fn result(&self, row: &RunRow, summary: &RunSummary) {
        let Tally { total, done, unchanged, failed, invalid, in_doubt, pending } = row.tally;
        let number = |count| self.output.number(count);
        let (done, total) = (number(done), self.output.amount(total, "operation"));
        let mut text = format!("Run {}: {done} of {total} done", row.run);
        let rest = [
            (unchanged, "unchanged"),
            (failed, "failed"),
            (invalid, "invalid"),
            (in_doubt, "in doubt"),
            (pending, "pending"),
        ];
        for (count, word) in rest.into_iter().filter(|(count, _)| *count > 0) {
            let told = format!("{} {word}", number(count));
            text = format!("{text}, {}", if word == "failed" { output::bad(told) } else { told });
        }
        let took = words::duration(Duration::from_secs_f64(summary.elapsed_s));
        text = format!("{text}, in {took} with {}", self.output.amount(summary.requests, "request"));
        if summary.retries > 0 {
            text = format!("{text}, {} of them again", number(summary.retries));
        }
        self.tell(text);
    }

    /// Why: code by code, with the words that came with it and what to do about it.
    fn reasons(&self, reasons: &[Reason]) {
        for reason in reasons.iter().take(MOST_CODES) {
            let count = self.output.number(reason.count);
            let code = spoken(&reason.code);
            let known = advice(&reason.code).filter(|_| !reason.is_invalid);
            let meaning = match known {
                _ if !reason.message.is_empty() => in_words(reason),
                Some(known) => format!(": {}", known.meaning),
                None => String::new(),
            };
            let remedy = known.map_or_else(String::new, |known| format!(" ({})", known.remedy));
            self.tell(format_args!("  {count} × {code}{meaning}{remedy}"));
        }
        if let Some(more) = reasons.len().checked_sub(MOST_CODES).filter(|more| *more > 0) {
            let more = self.output.amount(more as u64, "more code");
            self.tell(format_args!("  and {more}; the failures CSV has them all"));
        }
    }

    fn rows(&self, rows: u64) {
        let path = self.settings.failures.display();
        match rows {
            0 => {}
            1 => self.tell(format_args!("The row that was not done is in {path}")),
            _ => {
                let rows = self.output.number(rows);
                self.tell(format_args!("The {rows} rows that were not done are in {path}"));
            }
        }
    }

    /// A short text that proves the journal, wherever else it is kept.
    fn head(&self, summary: &RunSummary) {
        if let Some(head) = &summary.head {
            self.tell(format_args!("To keep elsewhere as proof: the journal's head is {head}"));
        }
    }

    fn not_written(&self, run: RunId, error: &ReportError) {
        let again = self.context.command(format_args!("failures {run} -o OTHER.csv"));
        self.output.error(&format!("{}; write the failures CSV elsewhere with: {again}", spelled_out(error)));
    }

    fn paused(&self, run: RunId, reason: &str) {
        self.tell(format_args!("{} {}", output::notable("Paused:"), Printable(reason)));
        if self.context.service_stays {
            self.tell(format_args!(
                "Go on with: {}",
                self.context.command_of(self.settings, format_args!("resume {run}"))
            ));
        }
    }

    /// What can help, and nothing that cannot.
    fn what_next(&self, row: &RunRow, reasons: &[Reason], is_written: bool) {
        let mut sent = reasons.iter().filter(|reason| !reason.is_invalid);
        if let (Some(only), None) = (sent.next(), sent.next())
            && row.tally.done + row.tally.unchanged == 0
            && only.count > 1
            && only.code.starts_with("HTTP_")
            // What the service says of the users in words of its own goes before our guess.
            && only.message.starts_with("HTTP ")
        {
            self.tell(format_args!(
                "Everything failed alike, with {}: probably the organization (--org-id), the token's rights or --wire \
                 is wrong rather than the rows",
                Printable(&only.code)
            ));
        }
        if !self.context.service_stays {
            let report = self.context.command(format_args!("failures {} -o -", row.run));
            return self
                .tell(format_args!("What to do next: look at the rows that were not done with: {report}"));
        }
        if reasons.iter().any(|reason| reason.is_invalid || !is_sound(&reason.code)) && is_written {
            let file = absolute(self.settings.failures.clone());
            let words = format!("apply {}", shell_word(&file.to_string_lossy()));
            let apply = self.context.command_like(self.settings, words);
            self.tell(format_args!("What to do next: mend the rows in the failures CSV and run: {apply}"));
        }
        if let Some(retry) = retry(row.run, reasons) {
            let retry = self.context.command_of(self.settings, retry);
            self.tell(format_args!(
                "What may succeed on a second try is sent again, as it is, with: {retry}"
            ));
        }
    }
}

/// The words that came with a code; where others came too, as an example.
pub(super) fn in_words(reason: &Reason) -> String {
    let example = if reason.varies { ", for example" } else { "" };
    if reason.message.is_empty() {
        return String::new();
    }
    format!("{example}: {}", Printable(&reason.message))
}

/// A code as people read it.
pub(super) fn spoken(code: &str) -> String {
    if code == "IN_DOUBT" { "in doubt".to_owned() } else { Printable(code).to_string() }
}

/// Whether there is nothing to mend in the row itself.
fn is_sound(code: &str) -> bool {
    advice(code).is_some_and(|known| known.may_pass)
}

/// The words that send again what may pass the second time; none where nothing may.
fn retry(run: RunId, reasons: &[Reason]) -> Option<String> {
    let sent = || reasons.iter().filter(|reason| !reason.is_invalid);
    let passing: Vec<&Reason> = sent().filter(|reason| may_pass(&reason.code)).collect();
    if passing.is_empty() {
        return None;
    }
    let mut words = format!("retry {run}");
    if passing.len() < sent().count() {
        for reason in passing {
            words = format!("{words} --code {}", shell_word(&reason.code));
        }
    }
    Some(words)
}

/// Counts of the whole run, whichever process did it.
pub(super) fn summary(
    reader: &Reader,
    row: &RunRow,
    failures_csv: Option<&Path>,
) -> Result<RunSummary, Failure> {
    let (requests, retries) = reader.request_counts(row.run)?;
    let elapsed = Duration::from_millis(reader.elapsed_ms(row.run)?);
    Ok(RunSummary {
        run: row.run.0,
        state: row.state.as_str().to_owned(),
        tally: row.tally,
        requests,
        retries,
        elapsed_s: elapsed.as_secs_f64(),
        failures_csv: failures_csv.map(|path| path.display().to_string()),
        head: reader.head()?.map(|head| head.as_str().to_owned()),
    })
}
