//! `seatbatch journal`

use std::io::{self, Write as _};
use std::path::Path;

use super::args::{JournalCommand, Journals, Prune};
use super::confirm::{Deed, confirm};
use super::context::Context;
use super::event::{Event, Proved, Summary};
use super::exit::{Exit, Failure};
use super::output::noted;
use super::outputs::refuse_json_beside;
use crate::domain::Printable;
use crate::journal::{Journal, JournalError, Proof, Reader, Retention};
use crate::run::unix_millis;

pub(super) fn run(context: &Context, args: &Journals) -> Result<Exit, Failure> {
    match &args.command {
        JournalCommand::Check { head } => check(context, head.as_deref()),
        JournalCommand::Backup { path } => backup(context, path),
        JournalCommand::Prune(args) => prune(context, args),
    }
}

fn check(context: &Context, head: Option<&str>) -> Result<Exit, Failure> {
    if head.is_some() && context.journals.len() > 1 {
        return Err(Failure::usage("a head is one journal's; name that one alone with --journal"));
    }
    let (mut exit, mut alterations) = (Exit::Done, 0);
    for path in &context.journals {
        let proof = match Reader::open(path).and_then(|reader| reader.prove(head)) {
            Ok(proof) => proof,
            // What cannot even be read is not as it was written.
            Err(error @ (JournalError::Damaged { .. } | JournalError::Unreadable { .. })) => {
                let what = &error.to_string();
                context.output.event(&Event::Alteration {
                    journal: path.to_string_lossy(),
                    link: None,
                    what,
                });
                alterations += 1;
                context.output.insist(format_args!("{}: {error}", path.display()));
                exit = Exit::Problems;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if !proof.alterations.is_empty() {
            exit = Exit::Problems;
        }
        alterations += proof.alterations.len();
        tell(context, path, &proof)?;
    }
    if let journals @ 2.. = context.journals.len() {
        context.output.conclude(Summary::Proofs { journals, alterations });
    }
    Ok(exit)
}

fn tell(context: &Context, path: &Path, proof: &Proof) -> Result<(), Failure> {
    let output = context.output;
    for found in &proof.alterations {
        let (link, what) = (found.link, found.what.as_str());
        output.event(&Event::Alteration { journal: path.to_string_lossy(), link, what });
        output.insist(format_args!("{}: {}", path.display(), Printable(&found.what)));
    }
    let head = proof.head.as_ref().map(|head| head.as_str());
    let migrated: Vec<u32> = proof.migrated.iter().map(|(run, _)| run.0).collect();
    let pruned: Vec<u32> = proof.pruned.iter().map(|run| run.0).collect();
    let proved = Proved {
        journal: path.display().to_string(),
        links: proof.links,
        alterations: proof.alterations.len(),
        head: head.map(str::to_owned),
        migrated_runs: migrated,
        pruned_runs: pruned.clone(),
    };
    output.event(&Event::Journal(proved.clone()));
    output.conclude(Summary::Proof(proved));
    if let (Some((first, at)), Some((last, _))) = (proof.migrated.first(), proof.migrated.last()) {
        let runs =
            if first == last { format!("Run {first} was") } else { format!("Runs {first} to {last} were") };
        let time = jiff::Timestamp::from_millisecond(*at).map(|time| output.time(&time.to_string()));
        output.say(format_args!(
            "{runs} made by an earlier release, which kept no chain: what is proved of them begins at {}",
            time.unwrap_or_default()
        ));
    }
    if !pruned.is_empty() {
        output.say(format_args!(
            "The people of {} have been forgotten",
            output.amount(pruned.len() as u64, "run")
        ));
    }
    let links = output.amount(proof.links, "link");
    if proof.alterations.is_empty() {
        output.say(format_args!("{}: nothing was altered, in {links}", path.display()));
    }
    if let Some(head) = head {
        output.print(format_args!("head {head}"))?;
    }
    Ok(())
}

fn backup(context: &Context, to: &Path) -> Result<Exit, Failure> {
    context.only_one_journal()?;
    if to == Path::new("-") {
        return backup_onto_output(context);
    }
    if to.exists() {
        return Err(Failure::usage(format!(
            "{} already exists; name a file that does not exist yet",
            to.display()
        )));
    }
    let reader = Reader::open(&context.journal)?;
    reader.backup(to)?;
    let head = Reader::open(to)?.head()?;
    let head = head.as_ref().map(|head| head.as_str());
    context.output.say(format_args!("{} is copied to {}", context.journal.display(), to.display()));
    context
        .output
        .conclude(Summary::Backup { backup: to.display().to_string(), head: head.map(str::to_owned) });
    Ok(Exit::Done)
}

/// The copy on standard output: made in a file first, since it is not written in one go.
fn backup_onto_output(context: &Context) -> Result<Exit, Failure> {
    refuse_json_beside(context.output)?;
    let folder = tempfile::Builder::new().prefix("seatbatch-backup-").tempdir()?;
    let copy = folder.path().join("seatbatch.db");
    Reader::open(&context.journal)?.backup(&copy)?;
    let mut copy = std::fs::File::open(&copy)?;
    noted(io::copy(&mut copy, &mut io::stdout()).and_then(|_| io::stdout().flush()))?;
    context.output.say(format_args!("{} is copied to standard output", context.journal.display()));
    Ok(Exit::Done)
}

fn prune(context: &Context, args: &Prune) -> Result<Exit, Failure> {
    context.only_one_journal()?;
    let output = context.output;
    let now = unix_millis();
    let before = args.old.older_than.map(|days| now - i64::from(days) * 86_400_000);
    let retention = Retention { before, keep: args.old.keep };
    let chosen = retention.choose(&Reader::open(&context.journal)?.prunable()?);
    for run in &chosen {
        let (users, operations) =
            (output.amount(run.users.into(), "user"), output.amount(run.operations, "operation"));
        let name = Printable(&run.input_path);
        let done = if args.dry_run { "would be forgotten" } else { "to be forgotten" };
        output.say(format_args!("Run {} of {name}: {users}, {operations} {done}", run.run));
        output.event(&Event::Prune { run: run.run.0, users: run.users, operations: run.operations });
    }
    let summary = |pruned: usize| {
        output.conclude(Summary::Prune { runs: chosen.len(), pruned });
    };
    if chosen.is_empty() {
        output.say("There is no run to forget");
        summary(0);
        return Ok(Exit::Done);
    }
    if args.dry_run {
        summary(0);
        return Ok(Exit::Done);
    }
    if !args.yes {
        confirm(output, Deed::Forgetting, "Forget these people for good?")?;
    }
    let mut journal = Journal::open(&context.journal)?;
    let runs: Vec<_> = chosen.iter().map(|run| run.run).collect();
    journal.prune(&runs, now)?;
    output.say(format_args!("The people of {} have been forgotten", output.amount(runs.len() as u64, "run")));
    summary(runs.len());
    Ok(Exit::Done)
}
