-- The triggers and views, as of the newest version. They keep no data, so they are edited here, and made anew
-- whenever the tables change.

DROP TRIGGER IF EXISTS batch_attempted;
DROP TRIGGER IF EXISTS batch_counted;
DROP VIEW IF EXISTS runs;
DROP VIEW IF EXISTS operations;
DROP VIEW IF EXISTS attempts;
DROP VIEW IF EXISTS failure;

-- An attempt that has ended makes way for the next.
CREATE TRIGGER batch_attempted BEFORE UPDATE OF attempt_id ON batch WHEN OLD.outcome IS NOT NULL BEGIN
  INSERT INTO attempt (run_id, attempt_id, batch_id, started_at, ended_at, assignments, http_status, retry_after_s,
    tracking_id, outcome, message)
  VALUES (OLD.run_id, OLD.attempt_id, OLD.batch_id, OLD.started_at, OLD.ended_at, OLD.last - OLD.first + 1,
    OLD.http_status, OLD.retry_after_s, OLD.tracking_id, OLD.outcome, OLD.said);
END;

-- The writer counts what becomes of the batches it has sent, once a transaction rather than once a batch.
CREATE TRIGGER batch_counted AFTER UPDATE OF state, rows, failed ON batch
WHEN NOT (OLD.state = 'sending' AND (NEW.state = 'done' OR NEW.state = 'failed')) BEGIN
  UPDATE run SET
    done = done + (NEW.state = 'done') * (NEW.rows - NEW.failed) - (OLD.state = 'done') * (OLD.rows - OLD.failed),
    failed = failed + (NEW.state = 'done') * NEW.failed - (OLD.state = 'done') * OLD.failed
                    + (NEW.state = 'failed') * NEW.rows - (OLD.state = 'failed') * OLD.rows,
    in_doubt = in_doubt + (NEW.state = 'in_doubt') * NEW.rows - (OLD.state = 'in_doubt') * OLD.rows,
    accepted = accepted OR NEW.state = 'done'
  WHERE run_id = NEW.run_id;
END;

-- The public views. Joins are CROSS JOINs where their order matters: without statistics the planner
-- would rather begin with a million operations than with the three batches that failed. And of a
-- BETWEEN in a join it uses the lower bound alone, so ranges are spelled out.

CREATE VIEW runs AS
SELECT run_id, input_path, input_sha256, state,
  strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000, 'unixepoch') || printf('.%03dZ', created_at % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', finished_at / 1000, 'unixepoch') || printf('.%03dZ', finished_at % 1000) AS finished_at,
  total, done, failed, total - done - failed - in_doubt - invalid - unchanged AS pending, in_doubt, invalid, unchanged,
  os_user, host, version
FROM run;

-- Three parts: rows that call their user what the assignment does, rows that do not, and rows that cannot be sent.
-- Each has address and person ID as columns of a table, so that an index finds them.
CREATE VIEW operations AS
SELECT o.run_id, o.line, a.email, a.person_id, g.text AS org_id, t.kind, t.text AS target,
  CASE o.removes WHEN 0 THEN 'add' ELSE 'remove' END AS operation,
  CASE
    WHEN o.unchanged THEN 'unchanged'
    WHEN b.state IS NULL THEN 'pending'
    WHEN e.code IS NOT NULL THEN 'failed'
    ELSE b.state
  END AS state,
  CASE
    WHEN o.unchanged THEN NULL
    WHEN e.code IS NOT NULL THEN e.code
    WHEN b.state = 'failed' THEN b.code
    WHEN b.state = 'in_doubt' THEN 'IN_DOUBT'
  END AS error_code,
  CASE
    WHEN o.unchanged THEN NULL
    WHEN e.code IS NOT NULL THEN e.message
    WHEN b.state IN ('failed', 'in_doubt') THEN b.message
  END AS error_message,
  iif(o.unchanged, NULL, b.http_status) AS http_status, iif(o.unchanged, NULL, b.tracking_id) AS tracking_id,
  iif(o.unchanged, 0, coalesce(b.attempts, 0) + a.earlier_attempts) AS attempts,
  strftime('%Y-%m-%dT%H:%M:%S', coalesce(iif(o.unchanged, NULL, b.updated_at), r.created_at) / 1000, 'unixepoch')
    || printf('.%03dZ', coalesce(iif(o.unchanged, NULL, b.updated_at), r.created_at) % 1000) AS updated_at,
  o.item, n.name AS target_name
FROM assignment a JOIN operation o ON o.run_id = a.run_id AND o.assignment = a.assignment
CROSS JOIN run r ON r.run_id = o.run_id
CROSS JOIN term t ON t.term_id = o.target_id
LEFT JOIN term g ON g.term_id = a.org_id
LEFT JOIN target_name n ON n.run_id = o.run_id AND n.target_id = o.target_id
LEFT JOIN batch b ON b.run_id = o.run_id AND b.state <> 'split' AND b.last >= o.assignment
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = o.run_id AND leaf.state <> 'split' AND leaf.first <= o.assignment
  )
LEFT JOIN exception e ON e.run_id = o.run_id AND e.assignment = o.assignment
  AND e.line = coalesce(o.duplicate_of, o.line) AND e.item = coalesce(o.duplicate_of_item, o.item)
WHERE o.renamed = 0
UNION ALL
SELECT o.run_id, o.line, m.email, m.person_id, g.text AS org_id, t.kind, t.text AS target,
  CASE o.removes WHEN 0 THEN 'add' ELSE 'remove' END AS operation,
  CASE
    WHEN o.unchanged THEN 'unchanged'
    WHEN b.state IS NULL THEN 'pending'
    WHEN e.code IS NOT NULL THEN 'failed'
    ELSE b.state
  END AS state,
  CASE
    WHEN o.unchanged THEN NULL
    WHEN e.code IS NOT NULL THEN e.code
    WHEN b.state = 'failed' THEN b.code
    WHEN b.state = 'in_doubt' THEN 'IN_DOUBT'
  END AS error_code,
  CASE
    WHEN o.unchanged THEN NULL
    WHEN e.code IS NOT NULL THEN e.message
    WHEN b.state IN ('failed', 'in_doubt') THEN b.message
  END AS error_message,
  iif(o.unchanged, NULL, b.http_status) AS http_status, iif(o.unchanged, NULL, b.tracking_id) AS tracking_id,
  iif(o.unchanged, 0, coalesce(b.attempts, 0) + a.earlier_attempts) AS attempts,
  strftime('%Y-%m-%dT%H:%M:%S', coalesce(iif(o.unchanged, NULL, b.updated_at), r.created_at) / 1000, 'unixepoch')
    || printf('.%03dZ', coalesce(iif(o.unchanged, NULL, b.updated_at), r.created_at) % 1000) AS updated_at,
  o.item, n.name AS target_name
FROM row_name m
CROSS JOIN operation o ON o.run_id = m.run_id AND o.assignment = m.assignment AND o.line = m.line AND o.item = m.item
CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
CROSS JOIN run r ON r.run_id = o.run_id
CROSS JOIN term t ON t.term_id = o.target_id
LEFT JOIN term g ON g.term_id = a.org_id
LEFT JOIN target_name n ON n.run_id = o.run_id AND n.target_id = o.target_id
LEFT JOIN batch b ON b.run_id = o.run_id AND b.state <> 'split' AND b.last >= o.assignment
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = o.run_id AND leaf.state <> 'split' AND leaf.first <= o.assignment
  )
LEFT JOIN exception e ON e.run_id = o.run_id AND e.assignment = o.assignment
  AND e.line = coalesce(o.duplicate_of, o.line) AND e.item = coalesce(o.duplicate_of_item, o.item)
UNION ALL
SELECT i.run_id, i.line, i.email, i.person_id, nullif(i.org_id, ''), i.kind, i.target,
  i.operation, 'invalid', i.code, i.message, NULL, NULL, 0,
  strftime('%Y-%m-%dT%H:%M:%S', r.created_at / 1000, 'unixepoch') || printf('.%03dZ', r.created_at % 1000),
  i.item, NULL
FROM invalid_row i JOIN run r ON r.run_id = i.run_id;

-- An attempt is in its batch's row while it is the last one, and in a row of its own after that.
CREATE VIEW attempts AS
SELECT run_id, attempt_id,
  strftime('%Y-%m-%dT%H:%M:%S', started_at / 1000, 'unixepoch') || printf('.%03dZ', started_at % 1000) AS started_at,
  strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000, 'unixepoch') || printf('.%03dZ', ended_at % 1000) AS ended_at,
  assignments, http_status, retry_after_s, tracking_id, outcome
FROM attempt
UNION ALL
SELECT run_id, attempt_id,
  strftime('%Y-%m-%dT%H:%M:%S', started_at / 1000, 'unixepoch') || printf('.%03dZ', started_at % 1000),
  strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000, 'unixepoch') || printf('.%03dZ', ended_at % 1000),
  -- A request under way has the name that we gave it; journals of older releases have its predecessor's there.
  last - first + 1, iif(outcome IS NULL, NULL, http_status), retry_after_s,
  iif(outcome IS NULL AND tracking_id NOT LIKE 'seatbatch-%', NULL, tracking_id), outcome
FROM batch WHERE outcome IS NOT NULL OR state = 'sending';

-- For ourselves: operations that failed or are in doubt, found without looking at the others.
CREATE VIEW failure AS
SELECT o.run_id, o.assignment, o.line, o.item, 'failed' AS state, e.code, e.message, b.http_status, b.tracking_id,
  b.attempts + a.earlier_attempts AS attempts, b.batch_id, o.asked
FROM exception e
CROSS JOIN operation o ON o.run_id = e.run_id AND o.assignment = e.assignment
  AND coalesce(o.duplicate_of, o.line) = e.line AND coalesce(o.duplicate_of_item, o.item) = e.item
CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
CROSS JOIN batch b ON b.run_id = e.run_id AND b.state <> 'split'
  AND b.first = (
    SELECT max(leaf.first) FROM batch leaf
    WHERE leaf.run_id = e.run_id AND leaf.state <> 'split' AND leaf.first <= e.assignment
  )
UNION ALL
SELECT o.run_id, o.assignment, o.line, o.item, b.state,
  CASE b.state WHEN 'failed' THEN b.code ELSE 'IN_DOUBT' END, b.message, b.http_status, b.tracking_id,
  b.attempts + a.earlier_attempts, b.batch_id, o.asked
FROM batch b
CROSS JOIN operation o ON o.run_id = b.run_id AND o.assignment >= b.first AND o.assignment <= b.last
CROSS JOIN assignment a ON a.run_id = o.run_id AND a.assignment = o.assignment
WHERE b.state IN ('failed', 'in_doubt') AND NOT o.unchanged;
