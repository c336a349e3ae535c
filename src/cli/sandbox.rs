//! `seatbatch sandbox`

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::args;
use super::context::{Context, runtime};
use super::exit::{Exit, Failure};
use crate::sandbox::{Integration, Options, Organization, Sandbox};

pub(super) fn run(_context: &Context, args: args::Sandbox) -> Result<Exit, Failure> {
    let organization = match &args.org {
        Some(path) => load(path)?,
        None => Organization::generated(args.users),
    };
    let integration = Integration {
        client_id: args.client_id,
        client_secret: args.client_secret,
        refresh_token: args.refresh_token,
        lifetime: args.token_lifetime.map(|seconds| Duration::from_secs(seconds.get().into())),
    };
    let options = Options {
        integration,
        listen: args.listen,
        public: args.public,
        rate_limit: args.rate_limit,
        burst: args.burst,
        latency: Duration::from_millis(args.latency),
        faults: args.fault,
        seed: args.seed,
        ..Options::new(&args.token, args.wire.into(), organization)
    };
    runtime()?.block_on(async {
        let sandbox = Sandbox::start(options).await?;
        writeln!(io::stdout(), "listening on {}", sandbox.url())?;
        io::stdout().flush()?;
        tokio::select! {
            () = sandbox.serve() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(Exit::Done)
    })
}

fn load(path: &Path) -> Result<Organization, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot load the organization from {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| wrong(&error))?;
    let state = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    Ok(Organization::from_state(state)?)
}
