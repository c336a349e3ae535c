-- Version 3: a batch and its last attempt are one row, where the batch begins.
--
-- Most batches have one attempt. Written into the batch's row it costs nothing more, and sorted by their
-- first assignment the rows are found without an index beside them: of each request less is written twice.

DROP VIEW runs;
DROP VIEW operations;
DROP VIEW attempts;
DROP VIEW failure;
DROP TRIGGER batch_counted;
ALTER TABLE batch RENAME TO batch_2;

CREATE TABLE batch (
  run_id INTEGER NOT NULL,
  first INTEGER NOT NULL,
  batch_id INTEGER NOT NULL,
  last INTEGER NOT NULL,
  -- Operations in it, and how many of them have an exception.
  rows INTEGER NOT NULL,
  failed INTEGER NOT NULL DEFAULT 0,
  -- Comparisons and not a list, here and below: for a list SQLite makes a table in memory each time a row is written.
  state TEXT NOT NULL
    CHECK (state = 'pending' OR state = 'sending' OR state = 'in_doubt' OR state = 'done' OR state = 'failed'
      OR state = 'split' OR state = 'retried'),
  -- Requests that carried its operations, those of the batches it was split from included.
  attempts INTEGER NOT NULL DEFAULT 0,
  code TEXT,
  message TEXT,
  -- The last attempt's, be it one of a batch that this one was split from.
  http_status INTEGER,
  tracking_id TEXT,
  updated_at INTEGER NOT NULL,
  -- The last attempt, or the one under way, which has no outcome.
  attempt_id INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  retry_after_s INTEGER,
  outcome TEXT,
  -- What the service or the connection said, where it was not plain success.
  said TEXT,
  -- Of batches that begin together, all but the one split off last are split.
  PRIMARY KEY (run_id, first, batch_id),
  CHECK (first <= last)
) STRICT, WITHOUT ROWID;

INSERT INTO batch
SELECT b.run_id, b.first, b.batch_id, b.last, b.rows, b.failed, b.state, b.attempts, b.code, b.message, b.http_status,
  b.tracking_id, b.updated_at, b.attempt_id, iif(b.state = 'sending', b.updated_at, a.started_at), a.ended_at,
  a.retry_after_s, a.outcome, a.message
FROM batch_2 b LEFT JOIN attempt a ON a.run_id = b.run_id AND a.attempt_id = b.attempt_id;

-- What is left are the attempts before the last one.
DELETE FROM attempt WHERE (run_id, attempt_id) IN (SELECT run_id, attempt_id FROM batch WHERE outcome IS NOT NULL);

-- Batches and attempts are numbered through, whatever becomes of them.
ALTER TABLE run ADD COLUMN last_batch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN last_attempt INTEGER NOT NULL DEFAULT 0;
UPDATE run SET
  last_batch = coalesce((SELECT max(batch_id) FROM batch_2 b WHERE b.run_id = run.run_id), 0),
  last_attempt = coalesce((SELECT max(attempt_id) FROM batch_2 b WHERE b.run_id = run.run_id), 0);

DROP TABLE batch_2;
CREATE INDEX batch_open ON batch (run_id, first) WHERE state = 'pending' OR state = 'sending' OR state = 'in_doubt';
