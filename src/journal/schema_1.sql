-- Version 1 of the journal.
--
-- A run's assignments are numbered densely in sending order. A batch is a range of them, and its
-- state is the state of all its operations but for the rows in `exception`. The leaf batches (all
-- but the split ones) never overlap; assignments above them have not been sent.

-- Texts that repeat: license IDs, site URLs, location and organization IDs.
CREATE TABLE term (
  term_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('license', 'site', 'location', 'organization')),
  text TEXT NOT NULL,
  UNIQUE (kind, text)
) STRICT;

CREATE TABLE run (
  run_id INTEGER PRIMARY KEY,
  input_path TEXT NOT NULL,
  input_sha256 TEXT NOT NULL,
  layout TEXT NOT NULL,
  settings TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('importing', 'running', 'paused', 'finished')),
  -- Why it is paused, in words.
  reason TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  assignments INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  invalid INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  in_doubt INTEGER NOT NULL DEFAULT 0,
  -- Whether any request has been accepted, and the form that was found to be understood.
  accepted INTEGER NOT NULL DEFAULT 0,
  wire TEXT,
  -- No request may leave before this time: the service's own wish.
  paused_until INTEGER
) STRICT;

CREATE TABLE assignment (
  run_id INTEGER NOT NULL,
  assignment INTEGER NOT NULL,
  email TEXT,
  person_id TEXT,
  org_id INTEGER,
  -- Attempts made for these operations before a retry moved them here.
  earlier_attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, assignment)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
  run_id INTEGER NOT NULL,
  assignment INTEGER NOT NULL,
  line INTEGER NOT NULL,
  target_id INTEGER NOT NULL,
  removes INTEGER NOT NULL,
  location_id INTEGER,
  phone_number TEXT,
  extension TEXT,
  -- The line of the same operation that is sent instead.
  duplicate_of INTEGER,
  PRIMARY KEY (run_id, assignment, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
  run_id INTEGER NOT NULL,
  batch_id INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  -- Operations in it, and how many of them have an exception.
  rows INTEGER NOT NULL,
  failed INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL
    CHECK (state IN ('pending', 'sending', 'in_doubt', 'done', 'failed', 'split', 'retried')),
  -- Requests that carried its operations, those of the batches it was split from included.
  attempts INTEGER NOT NULL DEFAULT 0,
  -- The attempt under way, or the last one.
  attempt_id INTEGER,
  code TEXT,
  message TEXT,
  http_status INTEGER,
  tracking_id TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (run_id, batch_id),
  CHECK (first <= last)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX batch_leaf ON batch (run_id, first) WHERE state <> 'split';
CREATE INDEX batch_open ON batch (run_id, batch_id) WHERE state IN ('pending', 'sending', 'in_doubt');

CREATE TRIGGER batch_counted AFTER UPDATE OF state, rows, failed ON batch BEGIN
  UPDATE run SET
    done = done + (NEW.state = 'done') * (NEW.rows - NEW.failed) - (OLD.state = 'done') * (OLD.rows - OLD.failed),
    failed = failed + (NEW.state = 'done') * NEW.failed - (OLD.state = 'done') * OLD.failed
                    + (NEW.state = 'failed') * NEW.rows - (OLD.state = 'failed') * OLD.rows,
    in_doubt = in_doubt + (NEW.state = 'in_doubt') * NEW.rows - (OLD.state = 'in_doubt') * OLD.rows,
    accepted = accepted OR NEW.state = 'done'
  WHERE run_id = NEW.run_id;
END;

-- Operations that failed within a batch that is done.
CREATE TABLE exception (
  run_id INTEGER NOT NULL,
  assignment INTEGER NOT NULL,
  line INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, assignment, line)
) STRICT, WITHOUT ROWID;

-- Attempts that have ended. One under way is a batch in state `sending`.
CREATE TABLE attempt (
  run_id INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  batch_id INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  assignments INTEGER NOT NULL,
  http_status INTEGER,
  retry_after_s INTEGER,
  tracking_id TEXT,
  outcome TEXT NOT NULL,
  -- What the service or the connection said, where it was not plain success.
  message TEXT,
  PRIMARY KEY (run_id, attempt_id)
) STRICT, WITHOUT ROWID;

-- Rows that cannot be sent, with their cells as they stand.
CREATE TABLE invalid_row (
  run_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  email TEXT NOT NULL,
  person_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, line)
) STRICT, WITHOUT ROWID;

-- The rows' own bytes, many in one compressed block, for the failures CSV.
CREATE TABLE cell_block (
  run_id INTEGER NOT NULL,
  first_line INTEGER NOT NULL,
  cells BLOB NOT NULL,
  PRIMARY KEY (run_id, first_line)
) STRICT;

-- The public views. Joins are CROSS JOINs where their order matters: without statistics the planner
-- would rather begin with a million operations than with the three batches that failed. And of a
-- BETWEEN in a join it uses the lower bound alone, so ranges are spelled out.

CREATE VIEW runs AS
SELECT run_id, input_path, input_sha256, state,
  strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000, 'unixepoch') || printf('.%03dZ', created_at % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', finished_at / 1000, 'unixepoch') || printf('.%03dZ', finished_at % 1000) AS finished_at,
  total, done, failed, total - done - failed - in_doubt - invalid AS pending, in_doubt, invalid
FROM run;

CREATE VIEW operations AS
SELECT o.run_id, o.line, a.email, a.person_id, g.text AS org_id, t.kind, t.text AS target,
  CASE o.removes WHEN 0 THEN 'add' ELSE 'remove' END AS operation,
  CASE
    WHEN b.state IS NULL THEN 'pending'
    WHEN e.code IS NOT NULL THEN 'failed'
    ELSE b.state
  END AS state,
  CASE
    WHEN e.code IS NOT NULL THEN e.code
    WHEN b.state = 'failed' THEN b.code
    WHEN b.state = 'in_doubt' THEN 'IN_DOUBT'
  END AS error_code,
  CASE WHEN e.code IS NOT NULL THEN e.message WHEN b.state IN ('failed', 'in_doubt') THEN b.message END AS error_message,
  b.http_status, b.tracking_id,
  coalesce(b.attempts, 0) + a.earlier_attempts AS attempts,
  strftime('%Y-%m-%dT%H:%M:%S', coalesce(b.updated_at, r.created_at) / 1000, 'unixepoch')
    || printf('.%03dZ', coalesce(b.updated_at, r.created_at) % 1000) AS updated_at
FROM operation o
CROSS JOIN run r ON r.run_id = o.run_id
CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
CROSS JOIN term t ON t.term_id = o.target_id
LEFT JOIN term g ON g.term_id = a.org_id
LEFT JOIN batch b ON b.run_id = o.run_id AND b.state <> 'split' AND b.last >= o.assignment
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = o.run_id AND leaf.state <> 'split' AND leaf.first <= o.assignment
  )
LEFT JOIN exception e ON e.run_id = o.run_id AND e.assignment = o.assignment
  AND e.line = coalesce(o.duplicate_of, o.line)
UNION ALL
SELECT i.run_id, i.line, nullif(i.email, ''), nullif(i.person_id, ''), nullif(i.org_id, ''), i.kind, i.target,
  i.operation, 'invalid', i.code, i.message, NULL, NULL, 0,
  strftime('%Y-%m-%dT%H:%M:%S', r.created_at / 1000, 'unixepoch') || printf('.%03dZ', r.created_at % 1000)
FROM invalid_row i JOIN run r ON r.run_id = i.run_id;

CREATE VIEW attempts AS
SELECT run_id, attempt_id,
  strftime('%Y-%m-%dT%H:%M:%S', started_at / 1000, 'unixepoch') || printf('.%03dZ', started_at % 1000) AS started_at,
  strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000, 'unixepoch') || printf('.%03dZ', ended_at % 1000) AS ended_at,
  assignments, http_status, retry_after_s, tracking_id, outcome
FROM attempt
UNION ALL
SELECT run_id, attempt_id,
  strftime('%Y-%m-%dT%H:%M:%S', updated_at / 1000, 'unixepoch') || printf('.%03dZ', updated_at % 1000),
  NULL, last - first + 1, NULL, NULL, NULL, NULL
FROM batch WHERE state = 'sending';

-- For ourselves: operations that failed or are in doubt, found without looking at the others.
CREATE VIEW failure AS
SELECT o.run_id, o.assignment, o.line, 'failed' AS state, e.code, e.message, b.http_status, b.tracking_id,
  b.attempts + a.earlier_attempts AS attempts, b.batch_id
FROM exception e
CROSS JOIN operation o ON o.run_id = e.run_id AND o.assignment = e.assignment
  AND coalesce(o.duplicate_of, o.line) = e.line
CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
CROSS JOIN batch b ON b.run_id = e.run_id AND b.state <> 'split'
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = e.run_id AND leaf.state <> 'split' AND leaf.first <= e.assignment
  )
UNION ALL
SELECT o.run_id, o.assignment, o.line, b.state,
  CASE b.state WHEN 'failed' THEN b.code ELSE 'IN_DOUBT' END, b.message, b.http_status, b.tracking_id,
  b.attempts + a.earlier_attempts, b.batch_id
FROM batch b
CROSS JOIN operation o ON o.run_id = b.run_id AND o.assignment >= b.first AND o.assignment <= b.last
CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
WHERE b.state IN ('failed', 'in_doubt');
