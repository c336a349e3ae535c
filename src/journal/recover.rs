//! Opening a run to send it: fresh, paused or left behind by a crash, it is all the same.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{Journal, JournalError};
use crate::domain::{BatchId, Part, RunId, RunState, Span, Standing, WireForm};

impl Journal {
    /// Makes a run `running`. Batches with an intent and no outcome become in doubt: that set is
    /// the whole of recovery. Gives back where the run stands, and the time before which no request may
    /// leave, in milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn recover(&mut self, run: RunId, now: i64) -> Result<(Standing, Option<i64>), JournalError> {
        let wrong = self.wrong();
        recover(&mut self.connection, run, now).map_err(wrong)
    }

    /// Says how a run stands now, and why.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_state(
        &mut self,
        run: RunId,
        state: RunState,
        reason: Option<&str>,
        now: i64,
    ) -> Result<(), JournalError> {
        let finished_at = (state == RunState::Finished).then_some(now);
        self.connection
            .execute(
                "UPDATE run SET state = ?2, reason = ?3, finished_at = ?4 WHERE run_id = ?1",
                params![run.0, state.as_str(), reason, finished_at],
            )
            .map(drop)
            .map_err(self.wrong())
    }

    /// Keeps how a run is to be sent from here on, as JSON.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_settings(&mut self, run: RunId, settings: &str) -> Result<(), JournalError> {
        self.connection
            .execute("UPDATE run SET settings = ?2 WHERE run_id = ?1", params![run.0, settings])
            .map(drop)
            .map_err(self.wrong())
    }
}

fn recover(db: &mut Connection, run: RunId, now: i64) -> rusqlite::Result<(Standing, Option<i64>)> {
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    step.execute(
        "INSERT OR IGNORE INTO attempt (run_id, attempt_id, batch_id, started_at, assignments, outcome, message)
         SELECT run_id, attempt_id, batch_id, updated_at, last - first + 1, 'in_doubt', 'interrupted'
         FROM batch WHERE run_id = ?1 AND state = 'sending'",
        [run.0],
    )?;
    step.execute(
        "UPDATE batch SET state = 'in_doubt', attempts = attempts + 1, updated_at = ?2,
           message = 'the process ended before the answer was on disk'
         WHERE run_id = ?1 AND state = 'sending'",
        params![run.0, now],
    )?;
    step.execute(
        "UPDATE run SET state = 'running', reason = NULL, finished_at = NULL WHERE run_id = ?1",
        [run.0],
    )?;
    let standing = read(&step, run)?;
    step.commit()?;
    Ok(standing)
}

fn read(db: &Connection, run: RunId) -> rusqlite::Result<(Standing, Option<i64>)> {
    let one = |sql: &str| db.query_row(sql, [run.0], |row| row.get::<_, u32>(0)).optional();
    let open = db
        .prepare(
            "SELECT batch_id, first, last FROM batch
             WHERE run_id = ?1 AND state IN ('pending', 'sending', 'in_doubt') ORDER BY first",
        )?
        .query_map([run.0], |row| Ok((BatchId(row.get(0)?), row.get(1)?, row.get(2)?)))?
        .filter_map(|row| {
            row.map(|(batch, first, last)| Span::new(first, last).map(|span| Part { batch, span }))
                .transpose()
        })
        .collect::<rusqlite::Result<_>>()?;
    let (assignments, accepted, wire, paused_until) = db.query_row(
        "SELECT assignments, accepted, wire, paused_until FROM run WHERE run_id = ?1",
        [run.0],
        |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?, row.get(3)?)),
    )?;
    let standing = Standing {
        open,
        // Leaves do not overlap, so the highest first has the highest last.
        cursor: one(
            "SELECT last + 1 FROM batch WHERE run_id = ?1 AND state <> 'split' ORDER BY first DESC LIMIT 1",
        )?
        .unwrap_or(0),
        assignments,
        next_batch: one("SELECT coalesce(max(batch_id), 0) + 1 FROM batch WHERE run_id = ?1")?.unwrap_or(1),
        next_attempt: one("SELECT coalesce(max(attempt_id), 0) + 1 FROM attempt WHERE run_id = ?1")?
            .unwrap_or(1),
        accepted,
        wire: match wire.as_deref() {
            Some("array") => Some(WireForm::Array),
            Some("object") => Some(WireForm::Object),
            _ => None,
        },
    };
    Ok((standing, paused_until))
}
