//! Putting failed operations back to pending.
//!
//! They move to new assignments behind the last one, so that they form batches of their own and
//! what was attempted before stays as it was.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{Journal, JournalError, blocks, chain};
use crate::domain::RunId;

/// What was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// Operations.
    pub operations: u64,
    /// Users.
    pub assignments: u32,
    /// The first of the assignments that they have become.
    pub first: u32,
}

impl Journal {
    /// Puts the failed operations of a run back to pending, and the doubtful behind them to be sent or asked about
    /// again; with `codes`, only those that failed with one of them. The run becomes `paused`, for `resume`.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn retry(&mut self, run: RunId, codes: &[String], now: i64) -> Result<Selected, JournalError> {
        self.prove_once(run)?;
        let wrong = self.wrong();
        retry(&mut self.connection, run, codes, now).map_err(wrong)
    }
}

fn retry(db: &mut Connection, run: RunId, codes: &[String], now: i64) -> rusqlite::Result<Selected> {
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    select(&step, run, codes)?;
    let operations = step.query_row("SELECT count(*) FROM temp.again", [], |row| row.get(0))?;
    let assignments =
        step.query_row("SELECT count(DISTINCT assignment) FROM temp.again", [], |row| row.get(0))?;
    let first = step.query_row("SELECT coalesce(min(moved), 0) FROM temp.again", [], |row| row.get(0))?;
    if operations > 0 {
        relocate(&step, run)?;
        settle(&step, run)?;
        keep_doubts(&step, run, now)?;
    }
    if operations > 0 {
        sum_up(&step, run)?;
    }
    step.execute_batch("DROP TABLE temp.again")?;
    chain::link(&step, run.0, "retried")?;
    step.commit()?;
    Ok(Selected { operations, assignments, first })
}

/// The blocks that operations were taken from or moved to.
fn sum_up(db: &Connection, run: RunId) -> rusqlite::Result<()> {
    let touched: Vec<u32> = db
        .prepare("SELECT assignment >> ?1 FROM temp.again UNION SELECT moved >> ?1 FROM temp.again")?
        .query_map([blocks::BLOCK_BITS], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    touched.into_iter().try_for_each(|number| blocks::put(db, run.0, number))?;
    chain::sum_table(db, run.0, "block")
}

/// Which operations, and the assignment each of them moves to.
fn select(db: &Connection, run: RunId, codes: &[String]) -> rusqlite::Result<()> {
    db.execute_batch(
        "DROP TABLE IF EXISTS temp.again;
         CREATE TEMP TABLE again (assignment INTEGER, line INTEGER, item INTEGER, attempts INTEGER, batch_id INTEGER, moved INTEGER,
           org_id INTEGER, doubt TEXT);
         CREATE INDEX temp.again_assignment ON again (assignment, line, item)",
    )?;
    let codes = serde_json::to_string(codes).unwrap_or_default();
    db.execute(
        "INSERT INTO temp.again
         SELECT assignment, line, item, attempts, batch_id,
           -- Organization by organization, as at import; in each what is in doubt first, batch by batch as it was sent.
           (SELECT assignments FROM run WHERE run_id = ?1) - 1
             + dense_rank() OVER (ORDER BY coalesce(org_id, 0), doubt IS NULL, assignment),
           org_id, doubt
         FROM (
           SELECT f.assignment, f.line, f.item, f.attempts, f.batch_id, a.org_id,
             CASE f.state WHEN 'in_doubt' THEN coalesce(f.message, '') END AS doubt
           FROM failure f CROSS JOIN assignment a ON a.run_id = f.run_id AND a.assignment = f.assignment
           WHERE f.run_id = ?1 AND (?2 = '[]' OR f.code IN (SELECT value FROM json_each(?2)))
         )",
        params![run.0, codes],
    )?;
    Ok(())
}

fn relocate(db: &Connection, run: RunId) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO assignment (run_id, assignment, email, person_id, org_id, earlier_attempts)
         SELECT a.run_id, m.moved, a.email, a.person_id, a.org_id, m.attempts
         FROM (SELECT assignment, moved, max(attempts) AS attempts FROM temp.again GROUP BY assignment, moved) m
         CROSS JOIN assignment a ON a.run_id = ?1 AND a.assignment = m.assignment",
        [run.0],
    )?;
    db.execute(
        "DELETE FROM exception WHERE run_id = ?1
           AND (assignment, line, item) IN (SELECT assignment, line, item FROM temp.again)",
        [run.0],
    )?;
    // Taken up first and put down after, so that no row is met twice on its way.
    db.execute_batch("DROP TABLE IF EXISTS temp.moving")?;
    db.execute(
        "CREATE TEMP TABLE moving AS
         SELECT o.*, g.moved FROM temp.again g
         CROSS JOIN operation o ON o.run_id = ?1 AND o.assignment = g.assignment AND o.line = g.line AND o.item = g.item",
        [run.0],
    )?;
    db.execute(
        "DELETE FROM operation WHERE run_id = ?1
           AND (assignment, line, item) IN (SELECT assignment, line, item FROM temp.again)",
        [run.0],
    )?;
    db.execute_batch(
        "INSERT INTO operation
         SELECT run_id, moved, line, item, target_id, removes, unchanged, renamed, location_id, phone_number, extension,
           duplicate_of, duplicate_of_item, asked
         FROM temp.moving;
         UPDATE row_name SET assignment = m.moved FROM temp.moving m
         WHERE row_name.run_id = m.run_id AND row_name.line = m.line AND row_name.item = m.item;
         DROP TABLE temp.moving",
    )
}

/// What is in doubt stays so until it is answered: who asks first has to know what to ask about. A batch is counted as
/// it becomes doubtful, not where it begins so.
fn keep_doubts(db: &Connection, run: RunId, now: i64) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO batch (run_id, first, batch_id, last, rows, state, attempts, updated_at)
         SELECT ?1, min(g.moved), (SELECT last_batch FROM run WHERE run_id = ?1) + row_number() OVER (ORDER BY min(g.moved)),
           max(g.moved), count(*), 'pending', 0, ?2
         FROM temp.again g WHERE g.doubt IS NOT NULL GROUP BY g.batch_id, g.org_id",
        params![run.0, now],
    )?;
    db.execute(
        "UPDATE batch SET state = 'in_doubt', message = nullif(g.doubt, '')
         FROM (SELECT moved, doubt FROM temp.again WHERE doubt IS NOT NULL) AS g
         WHERE run_id = ?1 AND first = g.moved AND state = 'pending'",
        [run.0],
    )?;
    db.execute(
        "UPDATE run SET last_batch = max(last_batch, (SELECT coalesce(max(batch_id), 0) FROM batch WHERE run_id = ?1))
         WHERE run_id = ?1",
        [run.0],
    )?;
    Ok(())
}

/// The spans, the batches that lost operations, and the run. What else a batch did was done when it was done.
fn settle(db: &Connection, run: RunId) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE batch SET
           rows = rows - taken.operations,
           failed = CASE state WHEN 'done' THEN failed - taken.operations ELSE 0 END,
           state = CASE state WHEN 'done' THEN 'done' ELSE 'retried' END
         FROM (SELECT batch_id AS id, count(*) AS operations FROM temp.again GROUP BY batch_id) AS taken
         WHERE run_id = ?1 AND batch_id = taken.id",
        [run.0],
    )?;
    db.execute(
        "UPDATE org_span SET rows = rows - (
           SELECT count(*) FROM temp.again g
           WHERE g.assignment >= org_span.first AND g.assignment <= org_span.last)
         WHERE run_id = ?1",
        [run.0],
    )?;
    db.execute(
        "INSERT INTO org_span (run_id, first, last, org_id, rows, paused_until)
         SELECT ?1, min(moved), max(moved), org_id, count(*),
           (SELECT max(paused_until) FROM org_span s WHERE s.run_id = ?1 AND s.org_id IS g.org_id)
         FROM temp.again g GROUP BY org_id",
        [run.0],
    )?;
    db.execute(
        "UPDATE run SET assignments = (SELECT max(moved) + 1 FROM temp.again), state = 'paused',
           reason = 'failed operations were put back to pending', finished_at = NULL
         WHERE run_id = ?1",
        [run.0],
    )?;
    Ok(())
}
