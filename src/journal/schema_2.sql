-- Version 2: organizations, what was so before, counts.
--
-- No batch holds assignments of two organizations, so assignments are numbered organization by
-- organization. A run has at least one of these spans; together they cover its assignments.

CREATE TABLE org_span (
  run_id INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  -- The organization; NULL for that of the token or of --org-id, and in runs of version 1 for any.
  org_id INTEGER,
  -- Operations.
  rows INTEGER NOT NULL,
  -- No request for this organization may leave before this time: the service's own wish.
  paused_until INTEGER,
  PRIMARY KEY (run_id, first),
  CHECK (first <= last)
) STRICT, WITHOUT ROWID;

INSERT INTO org_span (run_id, first, last, rows)
SELECT run_id, 0, assignments - 1, total - invalid FROM run WHERE assignments > 0;

-- Operations that were so before anything was sent, where that was asked.
CREATE TABLE so_before (
  run_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (run_id, line)
) STRICT, WITHOUT ROWID;

-- The writer counts what becomes of the batches it has sent, once a transaction rather than once a batch.
DROP TRIGGER batch_counted;
CREATE TRIGGER batch_counted AFTER UPDATE OF state, rows, failed ON batch
WHEN NOT (OLD.state = 'sending' AND NEW.state IN ('done', 'failed')) BEGIN
  UPDATE run SET
    done = done + (NEW.state = 'done') * (NEW.rows - NEW.failed) - (OLD.state = 'done') * (OLD.rows - OLD.failed),
    failed = failed + (NEW.state = 'done') * NEW.failed - (OLD.state = 'done') * OLD.failed
                    + (NEW.state = 'failed') * NEW.rows - (OLD.state = 'failed') * OLD.rows,
    in_doubt = in_doubt + (NEW.state = 'in_doubt') * NEW.rows - (OLD.state = 'in_doubt') * OLD.rows,
    accepted = accepted OR NEW.state = 'done'
  WHERE run_id = NEW.run_id;
END;
