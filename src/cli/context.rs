//! What every command shares, with the environment read once.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

use super::args::{self, Command, Reading, Sending, Shared};
use super::credentials::Credentials;
use super::exit::Failure;
use super::logging;
use super::network;
use super::output::Output;
use super::shell::{shell_word, shell_words};
use crate::domain::{Listing, OrgId, RunId};
use crate::journal::{Reader, RunRow};
use crate::live::{Pacing, Readings, patiently};
use crate::run::RunSettings;
use crate::webex::{BaseUrl, Client, Network, Token, TrackingIds};

#[derive(Debug)]
pub(super) struct Context {
    /// The journal; the first one where several are read.
    pub(super) journal: PathBuf,
    pub(super) journals: Vec<PathBuf>,
    pub(super) output: Output,
    base_url: Option<String>,
    org_id: Option<String>,
    credentials: Credentials,
    pub(super) network: Network,
    ca_file: Option<PathBuf>,
    config: Option<PathBuf>,
    profile: Option<String>,
    /// Whether the service is still there once the command has ended.
    pub(super) service_stays: bool,
    runtime: OnceCell<Runtime>,
}

impl Context {
    /// What the shared options say for a command.
    pub(super) fn new(shared: Shared, command: &Command) -> Result<Self, Failure> {
        anstream::ColorChoice::from(shared.color).write_global();
        let journals = journals(&shared.journal)?;
        let mut precious: Vec<_> = journals.iter().map(|path| (path.as_path(), "the journal")).collect();
        precious.extend(command.input().map(|input| (input, "the input file")));
        logging::begin(shared.log_file.as_deref(), shared.verbose, &precious)?;
        let aside = command.writes_to_stdout();
        let credentials = shared.token_file.map_or(Credentials::Found, Credentials::File);
        let output = Output { json: shared.json, quiet: shared.quiet, utc: shared.utc, aside };
        let network = network::read(shared.ca_file.as_deref())?;
        let Shared { base_url, org_id, ca_file, config, profile, .. } = shared;
        let journal =
            journals.first().cloned().ok_or_else(|| Failure::usage("name the journal with --journal"))?;
        Ok(Self {
            journal,
            journals,
            output,
            base_url,
            org_id,
            credentials,
            network,
            ca_file,
            config,
            profile,
            service_stays: true,
            runtime: OnceCell::new(),
        })
    }

    /// The same, for a sandbox inside the process; whether it `stays` when the run has ended.
    pub(super) fn inside(
        &self,
        journal: PathBuf,
        base_url: String,
        token: SecretString,
        stays: bool,
    ) -> Self {
        Self {
            journals: vec![journal.clone()],
            journal,
            output: self.output,
            base_url: Some(base_url),
            org_id: None,
            credentials: Credentials::Fixed(token),
            network: Network::default(),
            ca_file: None,
            config: None,
            profile: None,
            service_stays: stays,
            runtime: OnceCell::new(),
        }
    }

    /// Only what reads takes several journals for one.
    pub(super) fn only_one_journal(&self) -> Result<(), Failure> {
        if self.journals.len() > 1 {
            return Err(Failure::usage(
                "this command takes one journal; several are read by report, user, runs, status and journal check",
            ));
        }
        Ok(())
    }

    /// What is given changes the settings; what is not stays.
    pub(super) fn adjust(&self, settings: &mut RunSettings, sending: &Sending) {
        fn set<T>(slot: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *slot = given;
            }
        }
        set(&mut settings.base_url, self.base_url.clone());
        set(&mut settings.batch_size, sending.batch_size);
        set(&mut settings.rate_per, sending.rate_per.map(Into::into));
        if let Some(rate) = sending.asking.rate {
            settings.keep_to(rate);
        }
        set(&mut settings.concurrency, sending.concurrency);
        set(&mut settings.wire, sending.wire.map(Into::into));
        set(&mut settings.max_attempts, sending.max_attempts);
        set(&mut settings.in_doubt, sending.in_doubt.map(Into::into));
        set(&mut settings.timeout_s, sending.asking.timeout);
        set(&mut settings.max_wait_s, sending.asking.max_wait);
        set(&mut settings.snapshot, sending.snapshot.map(Into::into));
        let standard_output = Path::new("-");
        let from_the_root = |path: &PathBuf| match path == standard_output {
            true => path.clone(),
            false => absolute(path.clone()),
        };
        set(&mut settings.failures, sending.failures.as_ref().map(from_the_root));
        settings.org_id = self.org_id.clone().or(settings.org_id.take());
        settings.canary = sending.canary.or(settings.canary);
        settings.give_up_after_s = sending.give_up_after.or(settings.give_up_after_s);
        settings.max_failures = sending.max_failures.or(settings.max_failures);
    }

    /// How a run is sent that begins with these `settings` and what is given: a part of a file keeps to its share of the
    /// pace, whoever chose that.
    pub(super) fn of_a_new_run(&self, mut settings: RunSettings, sending: &Sending) -> RunSettings {
        self.adjust(&mut settings, sending);
        if sending.asking.rate.is_none() {
            settings.keep_to(settings.rate);
        }
        settings
    }

    /// The organization that is named on the command line.
    pub(super) fn organization(&self) -> Result<Option<&str>, Failure> {
        let parsed = self.org_id.as_deref().map(OrgId::parse).transpose();
        parsed.map_err(|error| Failure::usage(format!("--org-id: {error}")))?;
        Ok(self.org_id.as_deref())
    }

    /// The runtime of what goes on beside a command: signals, single requests, the sandbox. Made once, where needed.
    pub(super) fn runtime(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let made = built(Builder::new_multi_thread().worker_threads(2))?;
        Ok(self.runtime.get_or_init(|| made))
    }

    /// A client for these settings.
    pub(super) fn client(&self, settings: &RunSettings) -> Result<Client, Failure> {
        let base: BaseUrl = settings.base_url.parse()?;
        let org = settings.org_id.as_deref().map(OrgId::parse).transpose();
        let org = org.map_err(|error| Failure::usage(format!("--org-id: {error}")))?;
        let source = self.credentials.source(&base, &self.network, &self.command("login"))?;
        let token = Token::new(source);
        self.runtime()?.block_on(patiently(settings.max_wait(), async || token.renew().await))?;
        let tracking = TrackingIds::new(fastrand::u128(..));
        let idle = usize::try_from(settings.concurrency.get()).unwrap_or(usize::MAX);
        Ok(Client::new(base, token, org, settings.timeout(), tracking, &self.network, idle)?)
    }

    /// Reads with a client for these settings, at their pace.
    pub(super) fn readings(&self, client: Client, settings: &RunSettings) -> Readings {
        Readings::new(client, Pacing::new(settings.rate), settings.max_wait())
    }

    /// Where the API is, for commands that have no run.
    pub(super) fn base(&self) -> Result<BaseUrl, Failure> {
        let usual = RunSettings::default().base_url;
        Ok(self.base_url.as_deref().unwrap_or(&usual).parse()?)
    }

    /// A command to go on with, as it can be pasted from wherever the user stands: with every option that
    /// means something to it and is not the default.
    pub(super) fn command(&self, words: impl std::fmt::Display) -> String {
        self.command_with(&self.journal, &[], words)
    }

    /// The same about a run that may have been begun by another process: with what that one was called with, too.
    pub(super) fn command_of(&self, settings: &RunSettings, words: impl std::fmt::Display) -> String {
        self.command_with(&self.journal, &of_the_run(settings), words)
    }

    /// The same about a run of one of several journals.
    pub(super) fn command_at(&self, journal: &Path, row: &RunRow, words: impl std::fmt::Display) -> String {
        let settings = RunSettings::from_json(&row.settings).unwrap_or_default();
        self.command_with(journal, &of_the_run(&settings), words)
    }

    /// The same, for a file that is to be sent as a run was sent that is in the journal.
    pub(super) fn command_like(&self, settings: &RunSettings, words: impl std::fmt::Display) -> String {
        let words = format!("{words} {}", shell_words(&settings.taken_with));
        self.command_of(settings, words.trim_end())
    }

    /// What applies the file of a run anew.
    pub(super) fn apply_again(&self, journal: &Path, row: &RunRow) -> String {
        let settings = RunSettings::from_json(&row.settings).unwrap_or_default();
        let file = absolute(row.input_path.clone());
        let words =
            [&["apply".to_owned(), file.to_string_lossy().into_owned()], settings.taken_with.as_slice()];
        self.command_with(journal, &of_the_run(&settings), shell_words(&words.concat()))
    }

    /// The shared options that say how this process is let in and what it was configured with, as words.
    pub(super) fn called_with(&self) -> Vec<String> {
        let said = self.ways_in().into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?]));
        said.flatten().collect()
    }

    fn ways_in(&self) -> [(&'static str, Option<String>); 4] {
        let path = |path: &Path| absolute(path.to_owned()).to_string_lossy().into_owned();
        let token_file = match &self.credentials {
            Credentials::File(file) => Some(path(file)),
            Credentials::Fixed(_) | Credentials::Found => None,
        };
        [
            ("--token-file", token_file),
            ("--ca-file", self.ca_file.as_deref().map(path)),
            ("--config", self.config.as_deref().map(path)),
            ("--profile", self.profile.clone()),
        ]
    }

    /// What has to be said again for a file to be taken as these options say, wherever that is said.
    pub(super) fn taken_with(&self, reading: &Reading) -> Vec<String> {
        let mut words = reading.words();
        // What a configuration calls by name means nothing without it.
        if let Some(path) = reading.configured.path.as_ref().filter(|_| reading.configured.has_names()) {
            words.extend(["--config".to_owned(), absolute(path.clone()).to_string_lossy().into_owned()]);
        }
        words
    }

    /// A list to look at, with the command that shows it.
    pub(super) fn listed(&self, listing: Listing) -> String {
        let listed = match listing {
            Listing::Licenses => "the organization's licenses are listed by",
            Listing::Runs => "its runs are listed by",
            Listing::Alterations => "everything that is wrong with it is listed by",
        };
        format!("{listed}: {}", self.command(listing.command()))
    }

    fn command_with(
        &self,
        journal: &Path,
        more: &[(&str, Option<String>)],
        words: impl std::fmt::Display,
    ) -> String {
        let words = words.to_string();
        let name = words.split_whitespace().next().unwrap_or_default().to_owned();
        let usual = RunSettings::default();
        let base_url = self.base_url.clone().filter(|url| url.trim_end_matches('/') != usual.base_url);
        let journal = absolute(journal.to_owned()).to_string_lossy().into_owned();
        let own = [("--journal", Some(journal)), ("--base-url", base_url), ("--org-id", self.org_id.clone())]
            .into_iter();
        let own = own.chain(self.ways_in());
        let mut text = format!("seatbatch {words}");
        for (option, own) in own {
            let also = more.iter().find(|(name, _)| *name == option).and_then(|(_, value)| value.clone());
            let is_said = format!(" {words} ").contains(&format!(" {option} "));
            if let Some(value) =
                own.or(also).filter(|_| !is_said).filter(|_| args::means_something(&name, option))
            {
                text = format!("{text} {option} {}", shell_word(&value));
            }
        }
        text
    }

    /// The run asked for, or the newest.
    pub(super) fn run_or_newest(&self, reader: &Reader, run: Option<u32>) -> Result<RunRow, Failure> {
        reader
            .run(run.map(RunId))?
            .ok_or_else(|| Failure::usage(format!("the journal {} has no runs yet", self.journal.display())))
    }

    /// The same, of which it is known what was asked for whom.
    pub(super) fn kept_run(&self, reader: &Reader, run: Option<u32>) -> Result<RunRow, Failure> {
        let row = self.run_or_newest(reader, run)?;
        if row.is_pruned {
            let run = row.run;
            return Err(Failure::usage(format!(
                "the people of run {run} have been forgotten ('journal prune'), and with them what it asked; its counts are \
                 shown by: {}",
                self.command(format_args!("report {run}"))
            )));
        }
        Ok(row)
    }
}

/// What a run was called with, and what is asked where nothing else is said now.
fn of_the_run(settings: &RunSettings) -> Vec<(&str, Option<String>)> {
    let usual = RunSettings::default();
    let url = Some(&settings.base_url).filter(|url| **url != usual.base_url);
    let pairs = settings.called_with.chunks_exact(2);
    let called = pairs.filter_map(|pair| Some((pair.first()?.as_str(), pair.get(1).cloned())));
    let asked = [("--base-url", url.cloned()), ("--org-id", settings.org_id.clone())];
    asked.into_iter().chain(called).collect()
}

/// The journals that are named, patterns taken for what they match.
fn journals(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all: Vec<PathBuf> = Vec::new();
    for name in named {
        let pattern = name.to_str().filter(|text| text.contains(['*', '?', '[']) && !name.exists());
        let Some(pattern) = pattern else {
            all.push(name.clone());
            continue;
        };
        let wrong = || Failure::usage(format!("no journal is called {pattern}"));
        let found: Vec<PathBuf> = glob::glob(pattern).map_err(|_| wrong())?.filter_map(Result::ok).collect();
        if found.is_empty() {
            return Err(wrong());
        }
        all.extend(found);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|path| seen.insert(path.clone()));
    Ok(all)
}

/// The path from the root, so that it stays the same file wherever `resume` is called.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The runtime that a run is sent on: one thread. It can send far more than any service takes, and several
/// would spend more on waking each other than they save.
pub(super) fn sending_runtime() -> Result<Runtime, Failure> {
    built(&mut Builder::new_current_thread())
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(Failure::broken)
}
