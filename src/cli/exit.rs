//! Exit codes, and errors on their way out: the one place that decides which is which.

use std::process::ExitCode;

use super::context::Context;
use super::event::Event;
use super::logins::LoginsError;
use super::output::{self, Output};
use super::words;
use crate::assign::{BystanderError, CheckError};
use crate::domain::Listing;
use crate::input::InputError;
use crate::journal::JournalError;
use crate::live::Unread;
use crate::report::ReportError;
use crate::run::{
    ChangesError, ImportError, KnownError, NotFit, NowError, OutlookError, SendError, VerifyError,
};
use crate::sandbox::{OrganizationError, SandboxError};
use crate::webex::{BaseUrlError, ClientError, OauthError, ReadError, TokenError};

/// The contract's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything asked for is done.
    Done = 0,
    /// Finished, and some operations failed; or problems were found.
    Problems = 1,
    /// Wrong usage or invalid input: nothing was sent.
    Usage = 2,
    /// Paused before the end, resumable.
    Paused = 3,
    /// The journal or the disk failed, or another process holds the journal.
    Broken = 4,
    /// The service could not be asked, and there is no run to resume: nothing was sent.
    NotAsked = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error and the exit code it leads to.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    /// A list that may show how to go on: how it is to be called, only the context knows.
    listing: Option<Listing>,
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!(message.into()))
    }

    /// What a command that looks for problems has found: the file itself is one.
    pub(super) fn found(error: impl Into<KnownError>) -> Self {
        match error.into() {
            KnownError::Check(error) if error.is_about_content() => Self::new(Exit::Problems, error),
            KnownError::Check(error) => error.into(),
            KnownError::Unread(unread) => unread.into(),
        }
    }

    /// This process cannot go on, whatever was asked of it.
    pub(super) fn broken(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Broken, error)
    }

    /// The service could not be asked, for this reason.
    pub(super) fn not_asked(why: impl Into<String>) -> Self {
        Self::new(Exit::NotAsked, anyhow::anyhow!(why.into()))
    }

    /// The same where there is a run: what could not be asked can be resumed.
    pub(super) fn of_a_run(self) -> Self {
        let exit = if self.exit == Exit::NotAsked { Exit::Paused } else { self.exit };
        Self { exit, ..self }
    }

    /// The same, and how to go on.
    pub(super) fn and_then(self, how: impl std::fmt::Display) -> Self {
        let text = spelled_out(self.error.as_ref());
        Self { error: anyhow::anyhow!("{text}; {how}"), ..self }
    }

    pub(super) fn usage_of(error: anyhow::Error) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// What could not be read to compare a run with. Where the service could be asked, and its list was not whole,
    /// the run is neither proved nor disproved.
    pub(super) fn unproved(unread: Unread) -> Self {
        let asked_in_vain = matches!(
            unread.error,
            ReadError::NoAnswer(_) | ReadError::Unauthorized | ReadError::Forbidden(_)
        );
        let exit =
            if asked_in_vain && !unread.address.contains("next=") { Exit::NotAsked } else { Exit::Paused };
        Self::new(exit, unread)
    }

    /// The same, with a list that may show how to go on.
    pub(super) fn with_list(self, listing: Listing) -> Self {
        Self { listing: Some(listing), ..self }
    }

    /// What is said where nothing was to be done, and so all of it is.
    pub(super) fn nothing_to_do(&self) -> Option<String> {
        let nothing = |cause: &(dyn std::error::Error + 'static)| {
            matches!(cause.downcast_ref::<InputError>(), Some(InputError::NothingFailed))
                || matches!(
                    cause.downcast_ref::<CheckError>(),
                    Some(CheckError::Input(InputError::NothingFailed))
                )
        };
        self.error.chain().any(nothing).then(|| spelled_out(self.error.as_ref()))
    }

    /// What is said of it.
    pub(super) const fn message(&self) -> &anyhow::Error {
        &self.error
    }

    fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        let mut journal = error.chain().filter_map(|cause| cause.downcast_ref::<JournalError>());
        let listing = journal.find_map(JournalError::listing);
        Self { exit, error, listing }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let exit = if error.is_about_usage() { Exit::Usage } else { Exit::Broken };
        Self::new(exit, error)
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        let exit = match &error {
            CheckError::Input(_) | CheckError::Columns(_) => Exit::Usage,
            CheckError::HoldingsUnknown { .. } => Exit::NotAsked,
            CheckError::Disk(_) => Exit::Broken,
        };
        Self::new(exit, error)
    }
}

impl From<KnownError> for Failure {
    fn from(error: KnownError) -> Self {
        match error {
            KnownError::Check(error) => error.into(),
            KnownError::Unread(unread) => unread.into(),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Check(error) => error.into(),
            ImportError::Journal(error) => error.into(),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self { exit: Exit::Broken, ..JournalError::from(error).into() }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Journal(error) => error.into(),
            ReportError::Destination(error) => Self::new(Exit::Usage, error),
            other => Self::new(Exit::Broken, other),
        }
    }
}

impl From<OutlookError> for Failure {
    fn from(error: OutlookError) -> Self {
        match error {
            OutlookError::Check(error) => error.into(),
            OutlookError::Unread(unread) => unread.into(),
            error @ OutlookError::Scope { .. } => Self::new(Exit::Usage, error),
        }
    }
}

impl From<NotFit> for Failure {
    fn from(error: NotFit) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<ChangesError> for Failure {
    fn from(error: ChangesError) -> Self {
        match error {
            ChangesError::Outlook(error) => error.into(),
            ChangesError::Disk(error) => error.into(),
            ChangesError::Bystander(BystanderError::Check(error)) => error.into(),
            error @ (ChangesError::TooMany { .. }
            | ChangesError::Silent { .. }
            | ChangesError::Bystander(BystanderError::Unreadable { .. })) => Self::new(Exit::Usage, error),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Broken, error)
    }
}

impl From<NowError> for Failure {
    fn from(error: NowError) -> Self {
        match error {
            NowError::Unread(unread) => unread.into(),
            NowError::Journal(error) => error.into(),
        }
    }
}

impl From<VerifyError<ReportError>> for Failure {
    fn from(error: VerifyError<ReportError>) -> Self {
        match error {
            VerifyError::Unread(unread) => Self::unproved(unread),
            VerifyError::Journal(error) => error.into(),
            VerifyError::Telling(error) => error.into(),
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        Self::new(Exit::NotAsked, unread)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let exit = match &error {
            ReadError::NotFound => Exit::Usage,
            _ => Exit::NotAsked,
        };
        Self::new(exit, error)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let exit = match &error {
            TokenError::Oauth(_) => Exit::NotAsked,
            _ => Exit::Usage,
        };
        Self::new(exit, error)
    }
}

impl From<OauthError> for Failure {
    fn from(error: OauthError) -> Self {
        Self::new(Exit::NotAsked, error)
    }
}

impl From<LoginsError> for Failure {
    fn from(error: LoginsError) -> Self {
        Self::new(Exit::Broken, error)
    }
}

macro_rules! usage {
    ($($error:ty),+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(Exit::Usage, error)
            }
        }
    )+};
}

usage!(BaseUrlError, ClientError, SandboxError, OrganizationError);

/// The exit code of a command that ended well, unless nobody could read what it had to say.
pub(super) fn unless_unwritten(exit: Exit, output: Output) -> Exit {
    match output::unwritten() {
        Some(why) if matches!(exit, Exit::Done | Exit::Problems) => {
            output.error(&why);
            Exit::Broken
        }
        _ => exit,
    }
}

/// Tells an error with its causes and a list that may help, where its `context` is known, and gives its exit code.
pub(super) fn report(failure: &Failure, context: Option<&Context>, output: Output) -> ExitCode {
    if is_broken_pipe(&failure.error) {
        // Whoever read along has seen enough.
        return Exit::Done.into();
    }
    let is_bare = failure.error.downcast_ref::<std::io::Error>().is_some();
    let unwritten = output::unwritten().filter(|_| is_bare);
    let mut text = unwritten.unwrap_or_else(|| spelled_out(failure.error.as_ref()));
    if let Some((listing, context)) = failure.listing.zip(context) {
        text = format!("{text}; {}", context.listed(listing));
    }
    let code = failure.exit as u8;
    tracing::error!(exit = code, "{text}");
    output.error(&text);
    output.event(&Event::Error { message: &text, exit: code });
    output.close(code);
    failure.exit.into()
}

/// An error with its causes, all of it in our words. What a library says of it goes into the log alone.
pub(super) fn spelled_out(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = cause_in_words(error);
    let mut last = text.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        tracing::debug!("because {cause}");
        let words = cause_in_words(cause);
        // Transparent errors say the same as their cause.
        if words != last {
            text = format!("{text}: {words}");
            last = words;
        }
        next = cause.source();
    }
    text
}

fn cause_in_words(cause: &(dyn std::error::Error + 'static)) -> String {
    match cause.downcast_ref::<std::io::Error>() {
        Some(error) => words::cause(error),
        None => crate::journal::cause_in_words(cause).map_or_else(|| cause.to_string(), str::to_owned),
    }
}

/// Arguments that were not understood.
pub(super) fn tell_usage(message: &str, output: Output) {
    output.error(message);
    // How the command is called is for people.
    let message = message.split("\n\n").next().unwrap_or_default();
    output.event(&Event::Error { message, exit: Exit::Usage as u8 });
    output.close(Exit::Usage as u8);
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
