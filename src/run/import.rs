//! A checked file into the journal.

use std::collections::HashMap;
use std::sync::mpsc::{self, SyncSender};

use super::{Outlook, RunSettings, unix_millis};
use crate::assign::{
    Asked, CheckError, Checked, InvalidRow, Placed, PlacedOperation, PlacedRow, SecondReading,
};
use crate::domain::{IdKey, OperationKey, RunId, Snapshot};
use crate::engine::Effect;
use crate::input::InputFile;
use crate::journal::{
    AskedWords, CellBlock, Importer, InvalidOperation, Journal, JournalError, NewRun, Origin, Packer,
    PlannedOperation, StoredTarget, Totals,
};

/// Why a file could not be taken in. Nothing of it will be sent.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What is kept of a run beside its file and settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Background<'a> {
    /// Who begins it.
    pub origin: Origin<'a>,
    /// What the organization is known to be like, where it was read who holds what.
    pub outlook: Option<&'a Outlook>,
    /// Whether operations that change nothing are not sent. Where they are, it is kept which they are.
    pub only_changes: bool,
    /// Licenses by ID, and what the organization calls them, as far as it was asked.
    pub names: &'a [(String, String)],
}

/// Reads a checked file a second time, into a new run. Where it is known who held what before, that is kept, and the
/// settings say so from then on: in one transaction, since a run that says so and has nothing kept would have all of it
/// undone.
///
/// # Errors
/// [`ImportError`], also where the file is no longer the one that was checked.
pub fn import(
    journal: &mut Journal,
    file: &InputFile,
    checked: Checked,
    settings: &mut RunSettings,
    background: &Background<'_>,
) -> Result<(RunId, Totals), ImportError> {
    let layout = serde_json::to_string(checked.layout()).unwrap_or_default();
    let run = NewRun {
        input_path: file.path(),
        input_sha256: checked.sha256(),
        layout: &layout,
        settings: &settings.to_json(),
        created_at: unix_millis(),
        origin: background.origin,
    };
    let mut importer = journal.import(&run, checked.counts().assignments)?;
    let stored = checked.targets().all().iter().map(|target| importer.target(target));
    let stored: Vec<StoredTarget> = stored.collect::<Result<_, _>>()?;
    let names: HashMap<IdKey, &str> =
        background.names.iter().map(|(id, name)| (IdKey::of(id), name.as_str())).collect();
    for (target, stored) in checked.targets().all().iter().zip(&stored) {
        match names.get(&IdKey::of(target.as_str())) {
            Some(name) => importer.name(*stored, name)?,
            None => importer.name_as_before(*stored)?,
        }
    }
    let mut unchanged = Unchanging { background, in_effect: Vec::new(), unknown: 0 };
    let second = SecondReading::new(checked, file)?;
    let (sender, parts) = mpsc::sync_channel(PARTS);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read(second, &sender));
        for part in parts {
            put(&mut importer, &stored, &mut unchanged, &part)?;
        }
        match reading.join() {
            Ok(read) => read.map_err(ImportError::from),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;
    let sealed = importer.seal()?;
    if background.outlook.is_some() {
        (settings.snapshot, settings.snapshot_taken) = (Snapshot::No, true);
        settings.snapshot_unknown = unchanged.unknown;
        journal.set_in_effect_before(sealed.0, &unchanged.in_effect, &settings.to_json())?;
    }
    Ok(sealed)
}

/// Operations that change nothing.
struct Unchanging<'a> {
    background: &'a Background<'a>,
    /// Those that are sent all the same.
    in_effect: Vec<OperationKey>,
    /// How many it is not known of, those on sites aside, which no list tells.
    unknown: u64,
}

impl Unchanging<'_> {
    /// Whether the operation is not sent, since it changes nothing.
    fn stays(&mut self, key: OperationKey, operation: &PlacedOperation) -> bool {
        let Some(outlook) = self.background.outlook else { return false };
        let effect = outlook.is_in_effect(key, operation);
        let nothing = effect == Some(Effect::InEffect);
        self.unknown += u64::from(effect == Some(Effect::Unknown) && outlook.has_list(operation));
        if nothing && !self.background.only_changes {
            self.in_effect.push(key);
        }
        nothing && self.background.only_changes
    }
}

/// Rows that go from the thread that reads to the one that writes, all at once.
const PART: usize = 256;
/// So many parts may wait.
const PARTS: usize = 16;

/// Rows, placed, and blocks of their own bytes.
#[derive(Default)]
struct ImportPiece {
    rows: Vec<Placed>,
    blocks: Vec<CellBlock>,
    asked: Vec<Asked>,
}

/// Reads the file to its end, on a thread of its own: what is read is written meanwhile.
fn read(mut second: SecondReading<'_>, parts: &SyncSender<ImportPiece>) -> Result<(), CheckError> {
    let (mut part, mut packer) = (ImportPiece::default(), Packer::default());
    while let Some(PlacedRow { line, carried, is_taken, .. }) = second.next(&mut part.rows)? {
        if is_taken {
            part.blocks.extend(packer.push(line, &carried));
        }
        if part.rows.len() >= PART {
            part.asked = second.asked();
            if parts.send(std::mem::take(&mut part)).is_err() {
                // Writing failed, and tells why.
                return Ok(());
            }
        }
    }
    part.blocks.extend(packer.close());
    part.asked = second.asked();
    let _ = parts.send(part);
    second.finish()?;
    Ok(())
}

fn put(
    importer: &mut Importer<'_>,
    stored: &[StoredTarget],
    unchanged: &mut Unchanging<'_>,
    part: &ImportPiece,
) -> Result<(), JournalError> {
    part.blocks.iter().try_for_each(|block| importer.cells(block))?;
    for Asked { number, cell, text, not_again } in &part.asked {
        let (text, not_again) = (text.as_deref(), not_again.as_deref());
        importer.asked(&AskedWords { number: *number, cell: *cell, text, not_again })?;
    }
    let mut operations = Vec::with_capacity(part.rows.len());
    for Placed { key, content } in &part.rows {
        match content {
            Ok(operation) => {
                // A file that names another target now is refused at its end.
                let target = stored.get(operation.target.0 as usize).copied();
                let unchanged = unchanged.stays(*key, operation);
                let planned = target.map(|target| planned(*key, operation, target));
                operations.extend(planned.map(|planned| PlannedOperation { unchanged, ..planned }));
            }
            Err(row) => refuse(importer, *key, row)?,
        }
    }
    importer.operations(&operations)
}

fn planned<'a>(
    key: OperationKey,
    operation: &'a PlacedOperation,
    target: StoredTarget,
) -> PlannedOperation<'a> {
    PlannedOperation {
        key,
        assignment: operation.assignment,
        email: operation.email.as_ref(),
        person: operation.person.as_ref(),
        org: operation.org.as_ref(),
        target,
        action: operation.action,
        properties: &operation.properties,
        duplicate_of: operation.duplicate_of,
        asked: operation.asked,
        unchanged: false,
    }
}

fn refuse(importer: &mut Importer<'_>, key: OperationKey, row: &InvalidRow) -> Result<(), JournalError> {
    importer.invalid(&InvalidOperation {
        key,
        email: &row.email,
        person: &row.person,
        org: &row.org,
        kind: row.kind,
        target: &row.target,
        operation: &row.operation,
        code: row.problem.code.as_str(),
        message: &row.problem.explanation(),
    })
}
