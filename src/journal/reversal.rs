//! What a run has changed, as it has to be read to be reversed.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{JournalError, Reader};
use crate::domain::{Item, Line, OperationKey, RunId};

/// An operation that is done and was not so before, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the journal's words")]
pub struct Reversal {
    pub line: u32,
    pub item: u16,
    pub email: Option<String>,
    pub person_id: Option<String>,
    pub org_id: Option<String>,
    pub kind: String,
    pub target: String,
    /// What the organization called the license.
    pub name: Option<String>,
    /// Whether the run took it away, so that it is to be given back.
    pub removed: bool,
    /// Calling properties that the journal has.
    pub place: CallingPlace,
    target_id: i64,
}

/// Number, extension and location of a Calling license.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CallingPlace {
    pub location: Option<String>,
    pub phone_number: Option<String>,
    pub extension: Option<String>,
}

impl CallingPlace {
    /// Whether a Calling license can be given with it.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.phone_number.is_some() || (self.extension.is_some() && self.location.is_some())
    }
}

const REVERSALS: &str = "
SELECT o.line, a.email, a.person_id, g.text, t.kind, t.text, n.name, o.removes, l.text, o.phone_number, o.extension,
  o.target_id, o.item
FROM assignment a
CROSS JOIN operation o ON o.run_id = a.run_id AND o.assignment = a.assignment
CROSS JOIN term t ON t.term_id = o.target_id
CROSS JOIN batch b ON b.run_id = o.run_id AND b.state = 'done' AND b.last >= o.assignment
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = o.run_id AND leaf.state <> 'split' AND leaf.first <= o.assignment
  )
LEFT JOIN term g ON g.term_id = a.org_id
LEFT JOIN term l ON l.term_id = o.location_id
LEFT JOIN target_name n ON n.run_id = o.run_id AND n.target_id = o.target_id
LEFT JOIN exception e ON e.run_id = o.run_id AND e.assignment = o.assignment AND e.line = o.line AND e.item = o.item
WHERE a.run_id = ?1 AND o.duplicate_of IS NULL AND NOT o.unchanged AND e.code IS NULL
  AND NOT EXISTS (SELECT 1 FROM in_effect_before s WHERE s.run_id = o.run_id AND s.line = o.line AND s.item = o.item)
ORDER BY a.assignment DESC, o.line DESC, o.item DESC";

/// Of what a run has done: what repeats another operation, and what was in effect before.
const NEED_NONE: &str = "
SELECT coalesce(sum(o.duplicate_of IS NOT NULL), 0), coalesce(sum(o.duplicate_of IS NULL), 0)
FROM assignment a
CROSS JOIN operation o ON o.run_id = a.run_id AND o.assignment = a.assignment
CROSS JOIN batch b ON b.run_id = o.run_id AND b.state = 'done' AND b.last >= o.assignment
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = o.run_id AND leaf.state <> 'split' AND leaf.first <= o.assignment
  )
LEFT JOIN exception e ON e.run_id = o.run_id AND e.assignment = o.assignment
  AND e.line = coalesce(o.duplicate_of, o.line) AND e.item = coalesce(o.duplicate_of_item, o.item)
WHERE a.run_id = ?1 AND NOT o.unchanged AND e.code IS NULL
  AND (o.duplicate_of IS NOT NULL
    OR EXISTS (SELECT 1 FROM in_effect_before s WHERE s.run_id = o.run_id AND s.line = o.line AND s.item = o.item))";

/// What the journal says of an earlier addition of the same license to the same user.
const EARLIER: &str = "
SELECT l.text, o.phone_number, o.extension
FROM assignment a
CROSS JOIN operation o ON o.run_id = a.run_id AND o.assignment = a.assignment
LEFT JOIN term l ON l.term_id = o.location_id
WHERE a.run_id < ?1 AND o.target_id = ?3 AND NOT o.removes AND (o.phone_number IS NOT NULL OR o.extension IS NOT NULL)
  AND ";

fn reversal(row: &Row<'_>) -> rusqlite::Result<Reversal> {
    Ok(Reversal {
        line: row.get(0)?,
        email: row.get(1)?,
        person_id: row.get(2)?,
        org_id: row.get(3)?,
        kind: row.get(4)?,
        target: row.get(5)?,
        name: row.get(6)?,
        removed: row.get(7)?,
        place: CallingPlace { location: row.get(8)?, phone_number: row.get(9)?, extension: row.get(10)? },
        target_id: row.get(11)?,
        item: row.get(12)?,
    })
}

impl Reversal {
    /// The name of what is reversed.
    #[must_use]
    pub const fn key(&self) -> OperationKey {
        OperationKey::new(Line::new(self.line), Item::new(self.item))
    }
}

/// Operations that are done and need no reversal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NeedNone {
    /// They repeat another one of the file.
    pub repeats: u64,
    /// They were in effect before.
    pub in_effect_before: u64,
}

impl Reader {
    /// What a run has done and need not be reversed, counted.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn need_no_reversal(&self, run: RunId) -> Result<NeedNone, JournalError> {
        let read = |row: &Row<'_>| Ok(NeedNone { repeats: row.get(0)?, in_effect_before: row.get(1)? });
        self.connection
            .query_row(NEED_NONE, [run.0], read)
            .map_err(|source| JournalError::of(&self.path, source))
    }

    /// Calls `each` for what a run has changed, who was sent last first: the order in which it is reversed, since
    /// whoever got a unit that somebody gave back returns it first.
    ///
    /// # Errors
    /// [`JournalError`], or what `each` returns.
    pub fn reversals<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(Reversal) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = |source| JournalError::of(&self.path, source);
        let mut statement = self.connection.prepare(REVERSALS).map_err(wrong)?;
        let rows = statement.query_map([run.0], reversal).map_err(wrong)?;
        for row in rows {
            each(row.map_err(wrong)?)?;
        }
        Ok(())
    }

    /// The number, extension and location with which an earlier run gave the same license to the same user.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn earlier_place(&self, run: RunId, of: &Reversal) -> Result<CallingPlace, JournalError> {
        let wrong = |source| JournalError::of(&self.path, source);
        let by = [("a.email = ?2", &of.email), ("a.person_id = ?2", &of.person_id)];
        for (condition, name) in by {
            let Some(name) = name else { continue };
            let sql = format!("{EARLIER}{condition} ORDER BY a.run_id DESC, o.line DESC LIMIT 1");
            let mut statement = self.connection.prepare_cached(&sql).map_err(wrong)?;
            let place = statement.query_row(params![run.0, name, of.target_id], |row| {
                Ok(CallingPlace { location: row.get(0)?, phone_number: row.get(1)?, extension: row.get(2)? })
            });
            if let Some(place) = place.optional().map_err(wrong)? {
                return Ok(place);
            }
        }
        Ok(CallingPlace::default())
    }
}
