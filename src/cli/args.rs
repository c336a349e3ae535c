//! What the user can say, as clap reads it.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::{self, Ceiling, FailureLimit, Rate};
use crate::input;
use crate::sandbox::Fault;

/// The journal where none is named.
pub(super) const DEFAULT_JOURNAL: &str = "seatbatch.db";

/// Change the Webex licenses of many people from one CSV file, and lose nothing on the way.
///
/// The access token comes from WEBEX_ACCESS_TOKEN or --token-file, never from an argument.
/// Exit codes: 0 done, 1 finished with failures, 2 wrong usage or input, 3 paused and resumable,
/// 4 the journal or the disk failed.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Shared {
    /// The journal: the SQLite file that holds every run.
    #[arg(
        long,
        global = true,
        env = "SEATBATCH_JOURNAL",
        default_value = DEFAULT_JOURNAL,
        value_name = "PATH"
    )]
    pub(super) journal: PathBuf,
    /// Where the API is, over https or on this machine [default: the public service].
    #[arg(long, global = true, env = "SEATBATCH_BASE_URL", value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// The organization of rows that name none.
    #[arg(long, global = true, value_name = "ID")]
    pub(super) org_id: Option<String>,
    /// A file with the access token; read again when the token is no longer accepted.
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) token_file: Option<PathBuf>,
    /// One JSON object a line on standard output, and nothing else there.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Write what happens to this file, a line an event.
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) log_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Validate a file and report every problem; talks to nobody.
    Check(Check),
    /// Check a file, resolve its license names, compare it with the units that are left, and say
    /// what apply would do and how long it would take; changes nothing.
    Plan(Plan),
    /// Import a file as a new run, send it, write the failures CSV: the main job.
    Apply(Apply),
    /// Go on with an unfinished run after a crash, a stop or a new token.
    Resume(Resume),
    /// Put failed operations back to pending and send them again.
    Retry(Retry),
    /// Where a run stands; works while another process is applying.
    Status(Status),
    /// All runs of the journal.
    Runs,
    /// Write the failures CSV again from the journal.
    Failures(Failures),
    /// The audit report.
    Report(Report),
    /// Compare what a run has done with what users hold now.
    Verify(Verify),
    /// Write a CSV whose operations reverse what a run has done.
    Undo(Undo),
    /// The organization's licenses.
    Licenses(Licenses),
    /// Let this program in, in a browser, and keep the login for later runs.
    Login(Login),
    /// Forget the login.
    Logout,
    /// A local simulator of the Webex Licenses API.
    Sandbox(Sandbox),
    /// Apply a sample file to a sandbox inside the process; no account needed.
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(super) struct Reading {
    /// How the file is encoded; UTF-8 and UTF-16 are told apart by themselves.
    #[arg(long, value_enum, default_value_t)]
    pub(super) encoding: Encoding,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Encoding {
    #[default]
    Auto,
    #[value(name = "windows-1252")]
    Windows1252,
}

impl From<Encoding> for input::Encoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Auto => Self::Auto,
            Encoding::Windows1252 => Self::Windows1252,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The file.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The file.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) sending: Sending,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The run's number [default: the newest].
    pub(super) run: Option<u32>,
    /// Where the differences go, as CSV [default: standard output].
    #[arg(long, short)]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Undo {
    /// The run's number [default: the newest].
    pub(super) run: Option<u32>,
    /// Where the reversing CSV goes.
    #[arg(long, short)]
    pub(super) output: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The file.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
    /// What to do about rows that cannot be sent: send nothing, or send the others.
    #[arg(long, value_enum, default_value_t)]
    pub(super) on_invalid: OnInvalid,
    /// In which order users are sent.
    #[arg(long, value_enum, default_value_t)]
    pub(super) order: Order,
    /// Apply a file that a finished run of this journal has already applied.
    #[arg(long)]
    pub(super) again: bool,
    /// Send nothing: the same as plan.
    #[arg(long, short = 'n')]
    pub(super) dry_run: bool,
    /// Ask nothing. Where there is no terminal to ask on, nothing is sent without it.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) sending: Sending,
}

impl From<Apply> for Plan {
    fn from(Apply { file, reading, sending, .. }: Apply) -> Self {
        Self { file, reading, sending }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OnInvalid {
    #[default]
    Stop,
    Skip,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Order {
    /// As users first appear in the file.
    #[default]
    File,
    /// Users that give licenses back before users that get some.
    RemovesFirst,
}

impl From<Order> for domain::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::File => Self::File,
            Order::RemovesFirst => Self::RemovesFirst,
        }
    }
}

/// The sending options; what is not given stays as the run had it, or has its default.
#[derive(Debug, Args, Default)]
pub(super) struct Sending {
    /// Users a request, in the array form [default: 100].
    #[arg(long, value_name = "N")]
    pub(super) batch_size: Option<NonZeroU32>,
    /// The most requests: N/s, N/min, N/h or unlimited; auto finds the service's limit by itself
    /// [default: 300/min].
    #[arg(long)]
    pub(super) rate: Option<Rate>,
    /// Requests in flight [default: 8].
    #[arg(long, value_name = "N")]
    pub(super) concurrency: Option<NonZeroU32>,
    /// The form of the request: auto finds out which the service takes [default: auto].
    #[arg(long, value_enum)]
    pub(super) wire: Option<Wire>,
    /// Where the failures CSV goes [default: <input stem>.failures.csv beside the input].
    #[arg(long, value_name = "PATH")]
    pub(super) failures: Option<PathBuf>,
    /// Ask who holds the licenses before the first request, so that undo reverses what the run has
    /// changed and no more.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) snapshot: Option<bool>,
    /// Send so many users first, and pause for a look unless all of them succeed.
    #[arg(long, value_name = "N")]
    pub(super) canary: Option<NonZeroU32>,
    /// Pause once more operations have failed than this, a number or a share such as 2%.
    #[arg(long, value_name = "N|P%")]
    pub(super) max_failures: Option<FailureLimit>,
    /// Attempts a batch before it is given up [default: 8].
    #[arg(long, value_name = "N")]
    pub(super) max_attempts: Option<NonZeroU32>,
    /// What to do with what was sent and never answered [default: resend].
    #[arg(long, value_enum)]
    pub(super) in_doubt: Option<InDoubt>,
    /// Seconds one request may take [default: 60].
    #[arg(long, value_name = "SECONDS")]
    pub(super) timeout: Option<NonZeroU32>,
    /// The longest Retry-After that is waited for, in seconds or as 90s, 30m, 2h; a longer one
    /// pauses the run [default: 1h].
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(super) max_wait: Option<u32>,
    /// Pause once nothing has got through for so long, in seconds or as 90s, 30m, 2h
    /// [default: 10m; at once after --max-attempts, where fewer than usual are asked for].
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(super) give_up_after: Option<u32>,
}

/// Reads a time as whole seconds: a bare number, or one with a unit.
fn seconds(text: &str) -> Result<u32, String> {
    let wrong = |_| format!("'{text}' is no time: write seconds, or 90s, 30m, 2h");
    let parsed = text.parse().or_else(|_| {
        let duration: jiff::SignedDuration = text.parse().map_err(|_| ())?;
        u32::try_from(duration.as_secs()).map_err(|_| ())
    });
    parsed.map_err(wrong)
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Wire {
    Auto,
    Array,
    Object,
}

impl From<Wire> for domain::Wire {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Auto => Self::Auto,
            Wire::Array => Self::Array,
            Wire::Object => Self::Object,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum InDoubt {
    /// Send the same again, which changes nothing where it was done.
    Resend,
    /// Ask the service who holds the licenses, and send only what is still to be done.
    Verify,
}

impl From<InDoubt> for domain::InDoubt {
    fn from(in_doubt: InDoubt) -> Self {
        match in_doubt {
            InDoubt::Resend => Self::Resend,
            InDoubt::Verify => Self::Verify,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The run's number [default: the newest unfinished one].
    pub(super) run: Option<u32>,
    /// Ask nothing.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) sending: Sending,
}

#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The run's number [default: the newest].
    pub(super) run: Option<u32>,
    /// Only operations that failed with this code; may be repeated.
    #[arg(long)]
    pub(super) code: Vec<String>,
    /// Ask nothing.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) sending: Sending,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// The run's number [default: the newest].
    pub(super) run: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct Failures {
    /// The run's number [default: the newest].
    pub(super) run: Option<u32>,
    /// Where the failures CSV goes [default: where the run puts it].
    #[arg(long, short)]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// The runs' numbers [default: the newest].
    pub(super) runs: Vec<u32>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ReportFormat,
    /// Where it goes [default: standard output].
    #[arg(long, short)]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum ReportFormat {
    #[default]
    Text,
    /// A line an operation.
    Csv,
    /// One document.
    Json,
    /// One page.
    Html,
}

#[derive(Debug, Args)]
pub(super) struct Licenses {
    #[command(subcommand)]
    pub(super) what: LicensesCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum LicensesCommand {
    /// All licenses with their units.
    List {
        /// The form of the list.
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
    },
    /// One license.
    Show {
        /// The license's ID.
        id: String,
        /// List the users that hold it.
        #[arg(long)]
        users: bool,
        /// The form of the list.
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    #[default]
    Table,
    Csv,
    /// One JSON object a line.
    Json,
}

/// The integration's ID and secret come from WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// Where the login is kept: auto takes the keyring where there is one.
    #[arg(long, value_enum, default_value_t)]
    pub(super) store: Store,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Store {
    #[default]
    Auto,
    /// The system's keyring.
    Keyring,
    /// A file that its owner alone can read.
    File,
}

#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(super) listen: SocketAddr,
    /// Listen to other machines too.
    #[arg(long)]
    pub(super) public: bool,
    /// The access token it takes.
    #[arg(long, default_value = "sandbox")]
    pub(super) token: String,
    /// The ID of the integration that its token endpoints know.
    #[arg(long, default_value = "sandbox-client", value_name = "ID")]
    pub(super) client_id: String,
    /// The integration's secret.
    #[arg(long, default_value = "sandbox-secret", value_name = "SECRET")]
    pub(super) client_secret: String,
    /// A refresh token that the integration has.
    #[arg(long, default_value = "sandbox-refresh", value_name = "TOKEN")]
    pub(super) refresh_token: String,
    /// Seconds that access tokens live, the one of --token included.
    #[arg(long, value_name = "SECONDS")]
    pub(super) token_lifetime: Option<NonZeroU32>,
    /// How many users its organization has.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(super) users: u32,
    /// Load the organization from a file instead; /sandbox/state shows its form.
    #[arg(long, value_name = "FILE.json", conflicts_with = "users")]
    pub(super) org: Option<PathBuf>,
    /// The form of the API it speaks.
    #[arg(long, value_enum, default_value = "array")]
    pub(super) wire: SandboxWire,
    /// The most requests it takes; more are answered 429 with Retry-After.
    #[arg(long, default_value = "unlimited", value_name = "RATE")]
    pub(super) rate_limit: Ceiling,
    /// How many requests it takes at once before the limit is felt.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(super) burst: u32,
    /// Milliseconds that every answer takes.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(super) latency: u64,
    /// A fault, for example status=503,chance=0.05 or drop=after,user=user7@example.com,times=1.
    /// Effects: status=CODE (with retry-after=, code=), delay=MS, drop=before, drop=after, garbage,
    /// cut, refuse=CODE, ignore. Conditions: user=EMAIL, org=ID, from=N, times=N, chance=P. May be repeated.
    #[arg(long, value_name = "FAULT")]
    pub(super) fault: Vec<Fault>,
    /// Seed of everything that is left to chance.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SandboxWire {
    Array,
    Object,
}

impl From<SandboxWire> for domain::WireForm {
    fn from(wire: SandboxWire) -> Self {
        match wire {
            SandboxWire::Array => Self::Array,
            SandboxWire::Object => Self::Object,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// A file of your own, applied to users user1@example.com … of the sandbox.
    pub(super) file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_time_is_seconds_or_says_its_unit() {
        let read: Vec<_> = ["0", "90", "90s", "30m", "2h", "1h 30m"]
            .into_iter()
            .map(|text| seconds(text).unwrap())
            .collect();
        assert_eq!(read, [0, 90, 90, 1800, 7200, 5400]);
        for text in ["", "-5", "-5s", "soon", "9999999999"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
