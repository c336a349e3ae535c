//! How operations and runs stand.

use std::fmt;

/// Numbers a run within its journal, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u32);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The contract's word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads the contract's word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Where an operation stands.
    OperationState {
        /// Not sent yet, or to be sent again.
        Pending => "pending",
        /// Its batch has an intent on disk and no outcome.
        Sending => "sending",
        /// Sent, and the answer is unknown.
        InDoubt => "in_doubt",
        /// The user held it, or did not hold it, as the row asks: nothing was sent.
        Unchanged => "unchanged",
        /// The service took it.
        Done => "done",
        /// The service refused it.
        Failed => "failed",
        /// The row cannot be sent.
        Invalid => "invalid",
    }
}

words! {
    /// Where a run stands.
    RunState {
        /// The file is being read in; nothing has been sent.
        Importing => "importing",
        /// A process is sending, or died while it was.
        Running => "running",
        /// Stopped before its end; `resume` goes on.
        Paused => "paused",
        /// Every operation has its outcome.
        Finished => "finished",
    }
}

words! {
    /// How an attempt ended, as the `attempts` view has it.
    AttemptOutcome {
        /// Every operation is done.
        Accepted => "accepted",
        /// Some operations failed, the others are done.
        Partial => "partial",
        /// The batch was refused as a whole.
        Rejected => "rejected",
        /// A passing fault: sent again.
        SendAgain => "send_again",
        /// What became of it is unknown.
        InDoubt => "in_doubt",
        /// The token was not accepted.
        Unauthorized => "unauthorized",
        /// The token may not do this.
        Forbidden => "forbidden",
    }
}

/// The code of a failure: the service's own, or one of [`code`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(Box<str>);

impl ErrorCode {
    /// Longest code kept, in characters; a longer one is cut.
    const LONGEST: usize = 100;

    /// Takes a code as the service gave it; `None` where nothing is left after trimming.
    #[must_use]
    pub fn from_server(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.chars().take(Self::LONGEST).collect()))
    }

    /// One of our own codes.
    #[must_use]
    pub fn ours(code: &'static str) -> Self {
        Self(code.into())
    }

    /// `HTTP_<status>`: the answer had no code of its own.
    #[must_use]
    pub fn from_status(status: u16) -> Self {
        Self(format!("HTTP_{status}").into())
    }

    /// The code's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an operation was not done: code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The service's code or one of ours.
    pub code: ErrorCode,
    /// The service's words, or ours where it had none.
    pub message: String,
}

/// How what is kept of an answer begins that shows a license to be pending.
pub const PENDING: &str = "pending until the user accepts";

/// The codes that are ours and not the service's.
pub mod code {
    /// The answer shows that the operation did not take.
    pub const NOT_APPLIED: &str = "NOT_APPLIED";
    /// Every attempt met a passing fault, while others got through.
    pub const RETRIES_EXHAUSTED: &str = "RETRIES_EXHAUSTED";
    /// The service named the user as failed and gave no code.
    pub const NO_CODE: &str = "NO_CODE";
}
