//! The simulator.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Asking;
use super::number::{counted, whole};
use crate::domain::{self, Ceiling};
use crate::sandbox::Fault;

#[derive(Debug, Args)]
pub(in crate::cli) struct Sandbox {
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(in crate::cli) listen: SocketAddr,
    /// Listen to other machines too.
    #[arg(long)]
    pub(in crate::cli) public: bool,
    /// The access token it takes.
    #[arg(long, default_value = "sandbox")]
    pub(in crate::cli) token: String,
    /// The ID of the integration that its token endpoints know.
    #[arg(long, default_value = "sandbox-client", value_name = "ID")]
    pub(in crate::cli) client_id: String,
    /// The integration's secret.
    #[arg(long, default_value = "sandbox-secret", value_name = "SECRET")]
    pub(in crate::cli) client_secret: String,
    /// A refresh token that the integration has.
    #[arg(long, default_value = "sandbox-refresh", value_name = "TOKEN")]
    pub(in crate::cli) refresh_token: String,
    /// How many seconds access tokens live, the one of --token among them.
    #[arg(value_parser = counted::<NonZeroU32>, long, value_name = "SECONDS")]
    pub(in crate::cli) token_lifetime: Option<NonZeroU32>,
    /// How many users its organization has.
    #[arg(value_parser = whole::<u32>, long, default_value_t = 1000, value_name = "N")]
    pub(in crate::cli) users: u32,
    /// Its users are those whom this file lists, by their addresses: a file of your own.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["users", "org", "from_live"])]
    pub(in crate::cli) people: Option<PathBuf>,
    /// Every user holds this license already, by name or ID, so that removals and exchanges can be tried.
    ///
    /// May be repeated. The licenses are Messaging, Meetings Suite, Events, Webex Calling - Professional,
    /// Webex Calling - Standard and Attendant Console.
    #[arg(long, value_name = "LICENSE", conflicts_with_all = ["org", "from_live"])]
    pub(in crate::cli) holding: Vec<String>,
    /// Load the organization from a file instead; /sandbox/state shows its form.
    #[arg(long, value_name = "FILE.json", conflicts_with = "users")]
    pub(in crate::cli) org: Option<PathBuf>,
    /// Begin with a copy of the live organization: its licenses, their units, and who holds them. It is only
    /// read.
    #[arg(long, conflicts_with_all = ["users", "org"])]
    pub(in crate::cli) from_live: bool,
    /// With --from-live: how it is read.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
    /// Write the organization to this file when the sandbox ends, in the form that --org loads.
    #[arg(long, value_name = "FILE.json")]
    pub(in crate::cli) save: Option<PathBuf>,
    /// The form of the API it speaks.
    #[arg(long, value_enum, default_value = "array")]
    pub(in crate::cli) wire: SandboxWire,
    /// The most requests it takes; more are answered 429 with Retry-After.
    #[arg(long, default_value = "unlimited", value_name = "RATE")]
    pub(in crate::cli) rate_limit: Ceiling,
    /// How many requests it takes at once before the limit is felt.
    #[arg(value_parser = whole::<u32>, long, default_value_t = 10, value_name = "N")]
    pub(in crate::cli) burst: u32,
    /// Milliseconds that every answer takes.
    #[arg(value_parser = whole::<u64>, long, default_value_t = 0, value_name = "MS")]
    pub(in crate::cli) latency: u64,
    /// A fault, for example status=503,chance=0.05 or drop=after,user=user7@example.com,times=1.
    /// Effects: status=CODE (with retry-after=, code=), delay=MS, drop=before, drop=after, garbage,
    /// cut, refuse=CODE, ignore. Conditions: user=EMAIL, org=ID, from=N, times=N, chance=P. May be repeated.
    #[arg(long, value_name = "FAULT")]
    pub(in crate::cli) fault: Vec<Fault>,
    /// Seed of everything that is left to chance.
    #[arg(value_parser = whole::<u64>, long, default_value_t = 0)]
    pub(in crate::cli) seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum SandboxWire {
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
pub(in crate::cli) struct Demo {
    /// A file of your own, applied to users user1@example.com … of the sandbox.
    pub(in crate::cli) file: Option<PathBuf>,
}
