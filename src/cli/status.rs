//! `seatbatch status`

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use super::args;
use super::conclusion::{in_words, spoken, summary};
use super::context::Context;
use super::event::{self, Event, JournalsSummary, RunSummary, Summary};
use super::exit::{Exit, Failure};
use super::output;
use super::runs::run_event;
use super::words;
use crate::domain::{Printable, RunState};
use crate::journal::{Reader, Reason, RecentRequests, RunRow, Tally};
use crate::report::by_organization;
use crate::run::RunSettings;

/// Between two looks, where somebody watches and where nobody does.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// So many reasons why operations failed are shown.
const SHOWN: usize = 5;

pub(super) fn run(context: &Context, args: &args::Status) -> Result<Exit, Failure> {
    if args.watch {
        context.only_one_journal()?;
    }
    let several = context.journals.len() > 1;
    let mut all = JournalsSummary { journals: context.journals.len(), ..JournalsSummary::default() };
    for path in &context.journals {
        if several {
            context.output.print(path.display())?;
        }
        let seen = of_journal(context, args, path)?;
        if several {
            seen.add_to(&mut all);
            seen.tell_run(context, path);
        } else {
            context.output.conclude(Summary::Run(seen.summary));
        }
    }
    if several {
        context.output.print(format_args!("All together: {}", counted(context.output, &all.tally)))?;
        context.output.conclude(Summary::Runs(all));
    }
    Ok(Exit::Done)
}

fn of_journal(context: &Context, args: &args::Status, path: &Path) -> Result<StandingNow, Failure> {
    let reader = Reader::open(path)?;
    let row = context.run_or_newest(&reader, args.run)?;
    let mut seen = StandingNow::look(path, &reader, row)?;
    if args.watch {
        seen = watch(context, &reader, seen)?;
    }
    seen.tell(context)?;
    Ok(seen)
}

/// Shows how a run stands until it ends or pauses.
fn watch(context: &Context, reader: &Reader, mut seen: StandingNow) -> Result<StandingNow, Failure> {
    let output = context.output;
    let on_terminal = io::stdout().is_terminal() && !output.json;
    while seen.is_under_way() {
        if output.json {
            output.event(&seen.progress());
        } else if on_terminal {
            let text = seen.described(context);
            output.print(&text)?;
            std::thread::sleep(LOOKS.0);
            // Back to where it began, for the next look to take its place.
            write!(io::stdout(), "\x1b[{}A\x1b[J", text.lines().count())?;
            io::stdout().flush()?;
        } else {
            output.print(seen.line(context))?;
        }
        if !on_terminal {
            std::thread::sleep(LOOKS.1);
        }
        let row = context.run_or_newest(reader, Some(seen.row.run.0))?;
        seen = StandingNow::look(&seen.journal, reader, row)?;
    }
    Ok(seen)
}

/// How a run stands at a moment.
struct StandingNow {
    journal: PathBuf,
    row: RunRow,
    summary: RunSummary,
    reasons: Vec<Reason>,
    pace: RecentRequests,
    /// How long the service wants everyone to wait still.
    pause: Option<Duration>,
    /// Whether a process has the journal.
    held: bool,
    organizations: Vec<crate::journal::OrgTally>,
    rate: Option<String>,
}

impl StandingNow {
    fn look(journal: &Path, reader: &Reader, row: RunRow) -> Result<Self, Failure> {
        let settings = RunSettings::from_json(&row.settings).ok();
        // It is there from the first end or pause on.
        let failures =
            settings.as_ref().map(|settings| settings.failures.as_path()).filter(|path| path.exists());
        Ok(Self {
            journal: journal.to_owned(),
            summary: summary(reader, &row, failures)?,
            reasons: reader.reasons(row.run)?,
            pace: reader.pace(row.run)?,
            pause: reader.paused_until(row.run)?.and_then(remaining),
            held: reader.is_held(),
            organizations: reader.organizations(row.run)?,
            rate: settings.map(|settings| settings.rate.to_string()),
            row,
        })
    }

    fn is_under_way(&self) -> bool {
        self.held && matches!(self.row.state, RunState::Importing | RunState::Running)
    }

    fn tell(&self, context: &Context) -> Result<(), Failure> {
        let output = context.output;
        for organization in &self.organizations {
            output.event(&Event::Organization { organization });
        }
        output.print(self.described(context))?;
        if self.organizations.len() > 1 {
            output.print(format_args!("\n{}", by_organization(&self.organizations).trim_fmt()))?;
        }
        Ok(())
    }

    /// One of several journals' runs, for programs.
    fn tell_run(&self, context: &Context, journal: &Path) {
        context.output.event(&run_event(&self.row, Some(journal), self.held));
    }

    fn add_to(&self, all: &mut JournalsSummary) {
        all.tally += self.row.tally;
        all.requests += self.summary.requests;
        all.retries += self.summary.retries;
    }

    /// Requests per minute, lately.
    fn per_minute(&self) -> Option<f64> {
        self.pace.requests.checked_sub(1).filter(|gaps| *gaps > 0).and_then(|gaps| self.each_second(gaps))
    }

    fn each_second(&self, count: u64) -> Option<f64> {
        let (Some(from), Some(to)) = (&self.pace.from, &self.pace.to) else { return None };
        let seconds = words::between(from, to).as_secs_f64();
        (seconds > 0.0).then(|| whole(count) * 60.0 / seconds)
    }

    /// How long it will take still, at the pace of the last requests.
    fn forecast(&self) -> Option<Duration> {
        let users = self.each_second(self.pace.users)? / 60.0;
        let per_user = whole(self.row.tally.total) / whole(u64::from(self.row.users).max(1));
        let left = whole(self.row.tally.pending) / (users * per_user).max(f64::MIN_POSITIVE);
        Duration::try_from_secs_f64(left).ok().map(|left| left + self.pause.unwrap_or_default())
    }

    fn progress(&self) -> Event<'_> {
        let Tally { total, done, unchanged, failed, .. } = self.row.tally;
        Event::Progress(event::ProgressEvent {
            total,
            done,
            unchanged,
            failed,
            requests: self.summary.requests,
            per_second: None,
            per_minute: self.per_minute().map(f64::round),
            eta_s: self.forecast().map(|left| left.as_secs()),
            throttled_s: self.pause.map(|left| left.as_secs()),
            trying_again: None,
        })
    }

    /// All of it in one line.
    fn line(&self, context: &Context) -> String {
        let tally = self.row.tally;
        let number = |count| context.output.number(count);
        let left = self
            .forecast()
            .map_or_else(String::new, |left| format!(", about {} left", words::duration(left)));
        format!(
            "{} of {} done, {} failed{left}",
            number(tally.done),
            number(tally.total),
            number(tally.failed)
        )
    }

    fn described(&self, context: &Context) -> String {
        let (row, output) = (&self.row, context.output);
        let mut lines = vec![format!("Run {}: {}", row.run, Printable(&row.input_name()))];
        lines.push(self.standing(context));
        lines.push(counted(output, &row.tally));
        lines.push(self.effort(context));
        for reason in self.reasons.iter().take(SHOWN) {
            let (count, words) = (output.number(reason.count), in_words(reason));
            lines.push(format!("  {count} × {}{words}", spoken(&reason.code)));
        }
        let more = self.reasons.get(SHOWN..).unwrap_or_default();
        if !more.is_empty() {
            let count = more.iter().map(|reason| reason.count).sum();
            let report = context.command_at(&self.journal, row, format_args!("report {}", row.run));
            lines.push(format!(
                "  and {} more for {}; all of them are shown by: {report}",
                output.number(count),
                output.amount(more.len() as u64, "other reason")
            ));
        }
        lines.join("\n")
    }

    fn standing(&self, context: &Context) -> String {
        let row = &self.row;
        let resume = context.command_at(&self.journal, row, format_args!("resume {}", row.run));
        match (row.state, self.held) {
            (RunState::Importing, false) => {
                let apply = context.apply_again(&self.journal, row);
                format!(
                    "was interrupted while importing; nothing was sent. Start over with: {}",
                    Printable(&apply)
                )
            }
            (RunState::Running, false) => {
                format!(
                    "{}: its process ended before the run did. Go on with: {resume}",
                    output::notable("was interrupted")
                )
            }
            (RunState::Paused, _) => {
                let reason = row.reason.as_deref().unwrap_or("no reason is known");
                format!("{}: {}. Go on with: {resume}", output::notable("paused"), Printable(reason))
            }
            (RunState::Finished, _) => {
                let at = context.output.time(row.finished_at.as_deref().unwrap_or_default());
                format!("{} at {at}", output::good("finished"))
            }
            (state, true) => state.to_string(),
        }
    }

    /// Requests, time, pace and forecast.
    fn effort(&self, context: &Context) -> String {
        let output = context.output;
        let took = words::duration(Duration::from_secs_f64(self.summary.elapsed_s));
        let mut text = format!("{} in {took}", output.amount(self.summary.requests, "request"));
        if self.summary.retries > 0 {
            text = format!("{text}, {} of them again", output.number(self.summary.retries));
        }
        if !self.is_under_way() {
            return text;
        }
        if let Some(pace) = self.per_minute() {
            let rate = self.rate.as_deref().unwrap_or("as it was");
            text = format!("{text}; lately {pace:.0}/min (--rate {rate})");
        }
        if let Some(pause) = self.pause {
            text = format!("{text}; the service asks to wait {} more", words::duration(pause));
        }
        if let Some(left) = self.forecast() {
            let end = Timestamp::now().checked_add(left).map(|end| words::moment(end, output.utc));
            let end = end.map_or_else(|_| String::new(), |end| format!(", at {end}"));
            text = format!("{text}; about {} left{end}", words::duration(left));
        }
        text
    }
}

/// How long it is until then.
fn remaining(until: i64) -> Option<Duration> {
    let until = UNIX_EPOCH + Duration::from_millis(u64::try_from(until).ok()?);
    until.duration_since(SystemTime::now()).ok().filter(|left| !left.is_zero())
}

#[expect(clippy::cast_precision_loss, reason = "counts of operations stay far below 2^52")]
const fn whole(count: u64) -> f64 {
    count as f64
}

/// How operations stand, in a line.
fn counted(output: output::Output, tally: &Tally) -> String {
    let counts = [
        (tally.total, "total"),
        (tally.done, "done"),
        (tally.unchanged, "unchanged"),
        (tally.failed, "failed"),
        (tally.invalid, "invalid"),
        (tally.in_doubt, "in doubt"),
        (tally.pending, "pending"),
    ];
    counts.map(|(count, word)| format!("{word} {}", output.number(count))).join("  ")
}
