//! `seatbatch demo`

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::apply;
use super::args::{self, Command};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::shell::shell_variable;
use crate::domain::WireForm;
use crate::sandbox::{Fault, Options, Organization, Sandbox};

/// The file that is applied where none is named.
const SAMPLE: &str = include_str!("../../samples/onboarding.csv");

/// What the demo's service does to show what a run survives.
const FAULTS: [&str; 3] =
    ["status=429,retry-after=2,from=6,times=1", "drop=after,from=9,times=1", "status=503,from=12,times=1"];

pub(super) fn run(context: &Context, args: &args::Demo) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new().prefix("seatbatch-demo-").tempdir()?.keep();
    let file = match &args.file {
        Some(file) => file.clone(),
        None => {
            let file = folder.join("onboarding.csv");
            std::fs::write(&file, SAMPLE)?;
            file
        }
    };
    let token = format!("{:016x}", fastrand::u64(..));
    let server = context.runtime()?;
    let sandbox = server.block_on(Sandbox::start(options(&token)?))?;
    let output = context.output;
    output.say(format_args!("A sandbox with 1000 users is listening on {}", sandbox.url()));
    output.say(format_args!("Its journal and the failures CSV are in {}", folder.display()));
    let stays = !output.json && io::stdin().is_terminal() && io::stderr().is_terminal();
    let inside = context.inside(folder.join("seatbatch.db"), sandbox.url(), token.clone().into(), stays);
    let exit = apply::run(&inside, arguments(&file, &folder)?)?;
    output.say(format_args!("Look at the run with: {}", inside.command("report 1")));
    if stays {
        output.say(
            "The sandbox stays until you press Enter. Commands that talk to it need, in another terminal:",
        );
        output.say(format_args!("  {}", shell_variable("WEBEX_ACCESS_TOKEN", &token)));
        let _ = io::stdin().read_line(&mut String::new());
    }
    output.say("The sandbox ends here; its journal stays");
    Ok(exit)
}

fn options(token: &str) -> Result<Options, Failure> {
    let faults = FAULTS.iter().map(|fault| fault.parse::<Fault>()).collect::<Result<_, _>>();
    Ok(Options {
        latency: Duration::from_millis(120),
        faults: faults.map_err(|error| Failure::usage(error.to_string()))?,
        ..Options::new(token, WireForm::Array, Organization::generated(1000))
    })
}

/// The demo is an `apply` like any other, with small batches so that there is something to see.
fn arguments(file: &Path, folder: &Path) -> Result<args::Apply, Failure> {
    let failures: PathBuf = folder.join("failures.csv");
    let words = ["seatbatch", "apply", "--yes", "--batch-size", "5", "--rate", "5/s", "--failures"];
    let words = words.iter().map(OsString::from).chain([failures.into(), file.into()]);
    match args::parse(words).map(|arguments| arguments.command) {
        Ok(Command::Apply(apply)) => Ok(apply),
        Ok(_) => Err(Failure::usage("the demo's arguments are no apply")),
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}
