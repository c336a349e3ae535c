//! `seatbatch completions`, `seatbatch man` and `seatbatch version`

use std::io::{self, Write as _};
use std::path::Path;

use clap::Command;

use super::args;
use super::context::Context;
use super::event::Summary;
use super::exit::{Exit, Failure};
use super::output::noted;

pub(super) fn completions(context: &Context, args: &args::Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "seatbatch", &mut script);
    document(context, script)
}

fn document(context: &Context, text: Vec<u8>) -> Result<Exit, Failure> {
    if context.output.json {
        let text = String::from_utf8_lossy(&text).into_owned();
        context.output.conclude(Summary::Document { text });
    } else {
        noted(io::stdout().write_all(&text))?;
    }
    Ok(Exit::Done)
}

/// One page on standard output, or every page into a folder.
pub(super) fn man(context: &Context, args: &args::Man) -> Result<Exit, Failure> {
    let mut whole = args::command();
    whole.build();
    let Some(folder) = args.output.as_deref().filter(|folder| *folder != Path::new("-")) else {
        return document(context, page(whole)?);
    };
    std::fs::create_dir_all(folder)?;
    pages(&whole, "", folder)?;
    Ok(Exit::Done)
}

fn pages(command: &Command, above: &str, folder: &Path) -> Result<(), Failure> {
    let name = if above.is_empty() {
        command.get_name().to_owned()
    } else {
        format!("{above}-{}", command.get_name())
    };
    let page = page(command.clone().name(name.clone()).disable_help_subcommand(true))?;
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set())
    {
        pages(below, &name, folder)?;
    }
    Ok(())
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

pub(super) fn version(context: &Context) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    context.output.print(format_args!("seatbatch {version}"))?;
    context.output.conclude(Summary::Version { version: version.to_owned() });
    Ok(Exit::Done)
}
