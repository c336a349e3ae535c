//! Opening a run to send it: fresh, paused or left behind by a crash, it is all the same.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::word::strange;
use super::{Journal, JournalError, chain};
use crate::domain::{
    BatchId, LaneResumePoint, OpenBatch, OperationKey, OrgId, Part, ResumePoint, RunId, RunState, Span,
    WireForm, leaves_open,
};

impl Journal {
    /// Makes a run `running`. Batches with an intent and no outcome become in doubt: that set is
    /// the whole of recovery. Gives back where the run stands.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn recover(&mut self, run: RunId, now: i64) -> Result<ResumePoint, JournalError> {
        self.prove_run(run)?;
        self.proved.push(run);
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
        self.commit(run, state.as_str(), |step| {
            step.execute(
                "UPDATE run SET state = ?2, reason = ?3, finished_at = ?4 WHERE run_id = ?1",
                params![run.0, state.as_str(), reason, finished_at],
            )
        })
        .map(drop)
    }

    /// Keeps which operations are in effect before anything is sent, and with it how the run is to be sent
    /// from here on, as JSON.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_in_effect_before(
        &mut self,
        run: RunId,
        operations: &[OperationKey],
        settings: &str,
    ) -> Result<(), JournalError> {
        self.commit(run, "in effect before", |step| {
            let sql = "INSERT OR IGNORE INTO in_effect_before (run_id, line, item) VALUES (?1, ?2, ?3)";
            let mut insert = step.prepare(sql)?;
            operations.iter().try_for_each(|key| {
                insert.execute(params![run.0, key.line.get(), key.item.get()]).map(drop)
            })?;
            chain::sum_table(step, run.0, "in_effect_before")?;
            step.execute("UPDATE run SET settings = ?2 WHERE run_id = ?1", params![run.0, settings]).map(drop)
        })
    }

    /// Keeps how a run is to be sent from here on, as JSON.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_settings(&mut self, run: RunId, settings: &str) -> Result<(), JournalError> {
        self.commit(run, "settings", |step| {
            step.execute("UPDATE run SET settings = ?2 WHERE run_id = ?1", params![run.0, settings])
        })
        .map(drop)
    }

    /// Keeps until when the service wants everyone to wait.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_paused_until(&mut self, run: RunId, until: i64) -> Result<(), JournalError> {
        self.commit(run, "paused", |step| {
            let sql = "UPDATE run SET paused_until = max(coalesce(paused_until, 0), ?2) WHERE run_id = ?1";
            step.execute(sql, params![run.0, until])
        })
        .map(drop)
    }

    /// A transaction with its link.
    pub(super) fn commit<T>(
        &mut self,
        run: RunId,
        what: &str,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        self.prove_once(run)?;
        let wrong = self.wrong();
        let commit = || {
            let step = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let written = write(&step)?;
            chain::link(&step, run.0, what)?;
            step.commit()?;
            Ok(written)
        };
        commit().map_err(wrong)
    }
}

fn recover(db: &mut Connection, run: RunId, now: i64) -> rusqlite::Result<ResumePoint> {
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    step.execute(
        "UPDATE batch INDEXED BY batch_open SET state = 'in_doubt', attempts = attempts + 1, updated_at = ?2,
           message = 'the process ended before the answer was on disk',
           http_status = NULL, outcome = 'in_doubt', said = 'interrupted'
         WHERE run_id = ?1 AND state = 'sending'",
        params![run.0, now],
    )?;
    step.execute(
        "UPDATE run SET state = 'running', reason = NULL, finished_at = NULL WHERE run_id = ?1",
        [run.0],
    )?;
    let point = read(&step, run, now)?;
    chain::link(&step, run.0, "opened")?;
    step.commit()?;
    Ok(point)
}

fn read(db: &Connection, run: RunId, now: i64) -> rusqlite::Result<ResumePoint> {
    let mut point = ResumePoint { lanes: lanes(db, run, now)?, ..ResumePoint::default() };
    share_out(&mut point.lanes, open_batches(db, run)?);
    let sql = "SELECT accepted, wire, paused_until, failed, last_batch + 1, last_attempt + 1 FROM run WHERE run_id = ?1";
    db.query_row(sql, [run.0], |row| {
        point.accepted = row.get(0)?;
        point.wire = match row.get::<_, Option<String>>(1)? {
            Some(form) if form == "array" => Some(WireForm::Array),
            Some(form) if form == "object" => Some(WireForm::Object),
            Some(other) => return Err(strange(1, "wire form", other)),
            None => None,
        };
        point.pause = left_of(row.get(2)?, now);
        point.failed = row.get(3)?;
        point.next_batch = row.get(4)?;
        point.next_attempt = row.get(5)?;
        Ok(())
    })?;
    Ok(point)
}

/// One lane for each organization, with what of its spans no batch covers.
fn lanes(db: &Connection, run: RunId, now: i64) -> rusqlite::Result<Vec<LaneResumePoint>> {
    let spans = db
        .prepare(
            "SELECT s.first, s.last, t.text, s.paused_until FROM org_span s LEFT JOIN term t ON t.term_id = s.org_id
             WHERE s.run_id = ?1 ORDER BY s.first",
        )?
        .query_map([run.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?, row.get(3)?))
        })?
        .collect::<rusqlite::Result<Vec<(u32, u32, Option<String>, Option<i64>)>>>()?;
    // Leaves do not overlap, so the highest first has the highest last.
    let mut highest = db.prepare(
        "SELECT last + 1 FROM batch WHERE run_id = ?1 AND state <> 'split' AND first >= ?2 AND first <= ?3
         ORDER BY first DESC LIMIT 1",
    )?;
    let mut lanes: Vec<LaneResumePoint> = Vec::new();
    for (first, last, org, paused_until) in spans {
        let parsed = org.as_deref().map(OrgId::parse).transpose();
        let org = parsed.map_err(|_| strange(2, "organization", org.unwrap_or_default()))?;
        let cursor = highest.query_row([run.0, first, last], |row| row.get(0)).optional()?;
        let number = lanes.iter().position(|lane| lane.org == org).unwrap_or_else(|| {
            lanes.push(LaneResumePoint { org, ..LaneResumePoint::default() });
            lanes.len() - 1
        });
        let Some(lane) = lanes.get_mut(number) else { continue };
        lane.covers.extend(Span::new(first, last));
        lane.unsent.extend(Span::new(cursor.unwrap_or(first), last));
        lane.pause = lane.pause.max(left_of(paused_until, now));
    }
    Ok(lanes)
}

fn open_batches(db: &Connection, run: RunId) -> rusqlite::Result<Vec<OpenBatch>> {
    let left_open = left_open(db, run)?;
    db.prepare(
        "SELECT batch_id, first, last, state = 'in_doubt', attempts > 0, http_status FROM batch INDEXED BY batch_open
         WHERE run_id = ?1 AND (state = 'pending' OR state = 'sending' OR state = 'in_doubt') ORDER BY first",
    )?
    .query_map([run.0], |row| {
        let (batch, span) = (BatchId(row.get(0)?), Span::new(row.get(1)?, row.get(2)?));
        let (in_doubt, tried, last_status): (_, _, Option<u16>) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let may_have_passed = last_status.is_some_and(leaves_open) || left_open.contains(&batch);
        Ok(span.map(|span| OpenBatch { part: Part { batch, span }, in_doubt, may_have_passed, tried }))
    })?
    .filter_map(Result::transpose)
    .collect()
}

/// Batches of which an earlier answer than the last has left open whether they were done.
fn left_open(db: &Connection, run: RunId) -> rusqlite::Result<HashSet<BatchId>> {
    let mut answered = db.prepare(
        "SELECT DISTINCT batch_id, http_status FROM attempt WHERE run_id = ?1 AND http_status >= 500",
    )?;
    let answered = answered.query_map([run.0], |row| {
        let (batch, status) = (BatchId(row.get(0)?), row.get(1)?);
        Ok(leaves_open(status).then_some(batch))
    })?;
    answered.filter_map(Result::transpose).collect()
}

/// Gives each open batch to the lane that it belongs to.
fn share_out(lanes: &mut [LaneResumePoint], open: Vec<OpenBatch>) {
    let mut spans: Vec<(Span, usize)> = Vec::new();
    for (number, lane) in lanes.iter().enumerate() {
        spans.extend(lane.covers.iter().map(|span| (*span, number)));
    }
    spans.sort_unstable();
    for batch in open {
        let above = spans.partition_point(|(span, _)| span.first() <= batch.part.span.first());
        let lane = above.checked_sub(1).and_then(|index| spans.get(index)).map(|(_, number)| *number);
        if let Some(lane) = lane.and_then(|number| lanes.get_mut(number)) {
            lane.open.push(batch);
        }
    }
}

/// How much of a wait until this time is left.
fn left_of(paused_until: Option<i64>, now: i64) -> Duration {
    let left = paused_until.map_or(0, |until| until.saturating_sub(now));
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}
