//! `seatbatch sandbox`

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::args;
use super::context::{Context, runtime, shell_word};
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::report::write_whole;
use crate::sandbox::{Integration, Options, Organization, Sandbox, State};

pub(super) fn run(context: &Context, args: args::Sandbox) -> Result<Exit, Failure> {
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
        let mut sandbox = Sandbox::start(options).await?;
        tell(context.output, &sandbox.url(), &args.token)?;
        let stopped = stopped();
        tokio::select! {
            () = sandbox.serve() => {}
            () = stopped => {}
        }
        match &args.save {
            Some(path) => save(&sandbox.state(), path),
            None => Ok(()),
        }
    })?;
    Ok(Exit::Done)
}

/// Says where it listens, and what a shell has to know to talk to it.
fn tell(output: Output, url: &str, token: &str) -> io::Result<()> {
    output.event(&json!({"event": "listening", "url": url}));
    if !output.json {
        let token = shell_word(token);
        writeln!(
            io::stdout(),
            "listening on {url}\nexport SEATBATCH_BASE_URL={url}\nexport WEBEX_ACCESS_TOKEN={token}"
        )?;
    }
    io::stdout().flush()
}

/// Ends when somebody asks the process to.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn save(state: &State, path: &Path) -> Result<(), Failure> {
    let whole = write_whole(path, |output| {
        let text = serde_json::to_vec_pretty(state).map_err(io::Error::from)?;
        Ok(output.write_all(&text)?)
    })?;
    if let Some(kept) = whole.kept {
        Output::plain().say(format_args!(
            "{} was there already; it is kept as {}",
            path.display(),
            kept.display()
        ));
    }
    Ok(())
}

fn load(path: &Path) -> Result<Organization, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot load the organization from {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| wrong(&error))?;
    let state = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    Ok(Organization::from_state(state)?)
}
