//! Who is in a file, and what is asked of each: gathered from its rows, in their order.
//!
//! To know the user of a row again costs about as much as to read it, so that a large file's users are gathered on a
//! thread of their own, which is handed what the rows say, block by block. Knows nothing of cells.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use super::cross_row::CrossRow;
use super::roster::{NameKeys, Names, Roster};
use super::row::{PatternNo, RowOperation, RowUser};
use super::sending_order::Organizations;
use super::sorter::{Mark, Sorter};
use super::targets::TargetNo;
use crate::domain::{Item, Line, OperationKey, OrgId};

/// So many rows are handed on at once.
const BLOCK: usize = 1 << 10;
/// So many blocks may wait.
const WAITING: usize = 4;

/// What one row says.
#[derive(Debug)]
struct RowSaid {
    line: Line,
    names: Names,
    org: Option<OrgId>,
    what: RowSays,
}

#[derive(Debug)]
enum RowSays {
    /// It asks for these operations of the block.
    Asks(Range<u32>),
    /// It asks for what many do.
    AsksAlike(PatternNo),
    /// It cannot be sent, and this may be its user.
    Refused,
}

/// What an operation asks.
#[derive(Debug)]
struct OperationSaid {
    target: TargetNo,
    signature: u32,
}

/// What rows say that follow each other.
#[derive(Debug, Default)]
struct SaidRows {
    rows: Vec<RowSaid>,
    operations: Vec<OperationSaid>,
}

/// What is known of users and operations once all rows have gone by.
#[derive(Debug)]
pub(super) struct Census {
    pub(super) roster: Roster,
    pub(super) sorter: Sorter,
    pub(super) orgs: Organizations,
    pub(super) findings: Vec<(OperationKey, CrossRow)>,
    /// Addresses whose rows contradict those of a person ID, and how, by slot.
    pub(super) ambiguous: HashMap<u32, CrossRow>,
    /// Person IDs that stand beside several addresses, by slot, with the line of the second.
    pub(super) shared: HashMap<u32, Line>,
    /// Users of whom a row cannot be sent, and its line.
    pub(super) refused: HashMap<u32, Line>,
    /// Rows that take away everything a user holds.
    pub(super) everything: u64,
}

impl Census {
    /// Of nobody yet.
    fn new(keys: NameKeys) -> Self {
        Self {
            roster: Roster::new(keys),
            sorter: Sorter::new(),
            orgs: Organizations::default(),
            findings: Vec::new(),
            ambiguous: HashMap::new(),
            shared: HashMap::new(),
            refused: HashMap::new(),
            everything: 0,
        }
    }

    fn take(&mut self, block: &SaidRows) -> io::Result<()> {
        for row in &block.rows {
            match &row.what {
                RowSays::Refused => {
                    let slot = self.roster.admit(row.names).user;
                    self.refused.entry(slot).or_insert(row.line);
                }
                RowSays::AsksAlike(pattern) => {
                    // Of a row that names an organization no pattern is made.
                    let (user, email, _) = self.admit(row);
                    self.sorter.push(Mark::of_pattern(*pattern, user, email, row.line))?;
                }
                RowSays::Asks(range) => {
                    let range = range.start as usize..range.end as usize;
                    self.ask(row, block.operations.get(range).unwrap_or_default())?;
                }
            }
        }
        Ok(())
    }

    /// Takes a row's user in: the slots of the user and of the address, and whether other rows have the user in another
    /// organization.
    fn admit(&mut self, row: &RowSaid) -> (u32, u32, bool) {
        let admitted = self.roster.admit(row.names);
        let contradiction = if admitted.second_person {
            Some(CrossRow::TwoPersonIds)
        } else if admitted.tied_late && !self.orgs.tie(admitted.email, admitted.user) {
            Some(CrossRow::AddressOfTwoOrganizations)
        } else {
            None
        };
        if let Some(contradiction) = contradiction {
            self.ambiguous.entry(admitted.email).or_insert(contradiction);
        }
        if admitted.second_email {
            self.shared.entry(admitted.user).or_insert(row.line);
        }
        let is_foreign = row.org.as_ref().is_some_and(|org| !self.orgs.admit(admitted.user, org));
        (admitted.user, admitted.email, is_foreign)
    }

    fn ask(&mut self, row: &RowSaid, operations: &[OperationSaid]) -> io::Result<()> {
        let (user, email, is_foreign) = self.admit(row);
        for (item, operation) in (1..).zip(operations) {
            if is_foreign {
                let key = OperationKey::new(row.line, Item::new(item));
                self.findings.push((key, CrossRow::TwoOrganizations));
                self.refused.entry(user).or_insert(row.line);
                continue;
            }
            if operation.target == TargetNo::EVERYTHING {
                self.everything += 1;
            }
            self.sorter.push(Mark {
                user,
                target: operation.target.0,
                line: row.line.get(),
                item: u32::from(item),
                email,
                signature: operation.signature,
            })?;
        }
        Ok(())
    }
}

/// Takes in what rows say.
#[derive(Debug)]
pub(super) struct Gathering {
    keys: NameKeys,
    open: SaidRows,
    gatherer: Gatherer,
}

#[derive(Debug)]
enum Gatherer {
    /// Nothing has been handed on.
    Idle,
    /// Where no thread can be had.
    Here(Box<Census>),
    Apart {
        sender: SyncSender<SaidRows>,
        thread: JoinHandle<io::Result<Census>>,
    },
    /// The disk has failed.
    Gone,
}

impl Gathering {
    /// `keys` makes of names what they are known by.
    pub(super) fn new(keys: NameKeys) -> Self {
        Self { keys, open: SaidRows::default(), gatherer: Gatherer::Idle }
    }

    /// A row asks for these operations of this user.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn asks(&mut self, line: Line, user: &RowUser, operations: &[RowOperation]) -> io::Result<()> {
        // A block's operations are a few thousand rows' of some thousand columns.
        let length = |block: &SaidRows| u32::try_from(block.operations.len()).unwrap_or(u32::MAX);
        let from = length(&self.open);
        self.open.operations.extend(
            operations.iter().map(|operation| OperationSaid {
                target: operation.target,
                signature: operation.signature(),
            }),
        );
        let what = RowSays::Asks(from..length(&self.open));
        self.say(line, user, what)
    }

    /// A row asks of this user for what many do.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn asks_alike(&mut self, line: Line, user: &RowUser, pattern: PatternNo) -> io::Result<()> {
        self.say(line, user, RowSays::AsksAlike(pattern))
    }

    /// A row that may be this user's cannot be sent.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn refused(&mut self, line: Line, user: &RowUser) -> io::Result<()> {
        self.say(line, user, RowSays::Refused)
    }

    fn say(&mut self, line: Line, user: &RowUser, what: RowSays) -> io::Result<()> {
        let (email, person) = user.names();
        let names = self.keys.names(email, person);
        self.open.rows.push(RowSaid { line, names, org: user.org.clone(), what });
        if self.open.rows.len() < BLOCK { Ok(()) } else { self.hand_on() }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let room = SaidRows {
            rows: Vec::with_capacity(BLOCK),
            operations: Vec::with_capacity(self.open.operations.len()),
        };
        let block = std::mem::replace(&mut self.open, room);
        if matches!(self.gatherer, Gatherer::Idle) {
            self.gatherer = Gatherer::begin(self.keys);
        }
        match &mut self.gatherer {
            Gatherer::Here(census) => census.take(&block),
            // Where nobody takes it the disk has failed, which is told by who took the last one.
            Gatherer::Apart { sender, .. } if sender.send(block).is_ok() => Ok(()),
            Gatherer::Idle | Gatherer::Apart { .. } | Gatherer::Gone => self.end().map(|_| ()),
        }
    }

    /// What is known at the end of the file.
    ///
    /// # Errors
    /// Where the disk fails.
    pub(super) fn finish(mut self) -> io::Result<Census> {
        let last = std::mem::take(&mut self.open);
        let mut census = self.end()?;
        census.take(&last)?;
        Ok(census)
    }

    fn end(&mut self) -> io::Result<Census> {
        match std::mem::replace(&mut self.gatherer, Gatherer::Gone) {
            Gatherer::Idle => Ok(Census::new(self.keys)),
            Gatherer::Here(census) => Ok(*census),
            Gatherer::Apart { sender, thread } => {
                drop(sender);
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            Gatherer::Gone => Err(io::Error::other("what was to be sorted is lost")),
        }
    }
}

impl Gatherer {
    fn begin(keys: NameKeys) -> Self {
        let (sender, coming) = mpsc::sync_channel(WAITING);
        match thread::Builder::new().name("users".to_owned()).spawn(move || gather(keys, &coming)) {
            Ok(thread) => Self::Apart { sender, thread },
            Err(_) => Self::Here(Box::new(Census::new(keys))),
        }
    }
}

fn gather(keys: NameKeys, coming: &Receiver<SaidRows>) -> io::Result<Census> {
    let mut census = Census::new(keys);
    for block in coming {
        census.take(&block)?;
    }
    Ok(census)
}
