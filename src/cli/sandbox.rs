//! `seatbatch sandbox`

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::args;
use super::context::Context;
use super::copy;
use super::event::Event;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::outputs::destination;
use super::seeded;
use super::shell::shell_variable;
use super::signals::Signals;
use crate::report::Destination;
use crate::run::RunSettings;
use crate::sandbox::{Integration, Options, Organization, OrganizationState, Sandbox};

pub(super) fn run(context: &Context, args: args::Sandbox) -> Result<Exit, Failure> {
    let saved = args.save.as_deref().map(|path| destination(context, path, None)).transpose()?;
    let organization = match &args.org {
        _ if args.from_live => live(context, &args.asking)?,
        Some(path) => load(path)?,
        None => seeded::organization(&args, context.output)?,
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
    context.runtime()?.block_on(async {
        let mut sandbox = Sandbox::start(options).await?;
        // Before anybody can know that it is there.
        let mut signals = Signals::new();
        tell(context.output, &sandbox.url(), &args.token)?;
        tokio::select! {
            () = sandbox.serve() => {}
            () = signals.next() => {}
        }
        match &saved {
            Some(destination) => save(context, &sandbox.state(), destination),
            None => Ok(()),
        }
    })?;
    Ok(Exit::Done)
}

/// A copy of the live organization.
fn live(context: &Context, asking: &args::Asking) -> Result<Organization, Failure> {
    let mut settings = RunSettings::default();
    context.adjust(&mut settings, &asking.only());
    let readings = context.readings(context.client(&settings)?, &settings);
    let state = context.runtime()?.block_on(copy::whole(&readings))?;
    let output = context.output;
    output.say(format_args!(
        "Copied from {}: {} and {} who hold them. People who hold nothing are not in it, and its addresses are \
         those of real people",
        settings.base_url,
        output.amount(state.licenses.len() as u64, "license"),
        output.amount(state.users.len() as u64, "user"),
    ));
    Ok(Organization::from_state(state)?)
}

/// Says where it listens, and what a shell has to know to talk to it.
fn tell(output: Output, url: &str, token: &str) -> io::Result<()> {
    output.event(&Event::Listening { url });
    if !output.json {
        let of_url = shell_variable("SEATBATCH_BASE_URL", url);
        let of_token = shell_variable("WEBEX_ACCESS_TOKEN", token);
        writeln!(io::stdout(), "listening on {url}\n{of_url}\n{of_token}")?;
    }
    io::stdout().flush()
}

fn save(context: &Context, state: &OrganizationState, destination: &Destination) -> Result<(), Failure> {
    let whole = destination.write(false, |output| {
        serde_json::to_writer_pretty(&mut *output, state).map_err(io::Error::from)?;
        Ok(writeln!(output)?)
    })?;
    if let (Some(kept), Some(path)) = (&whole.kept, &whole.path) {
        let (kept, path) = (kept.display(), path.display());
        context.output.insist(format_args!("{path} was there already; it is kept as {kept}"));
    }
    Ok(())
}

fn load(path: &Path) -> Result<Organization, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot load the organization from {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| wrong(&super::words::cause(&error)))?;
    let state = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    Ok(Organization::from_state(state)?)
}
