-- Version 4: rows of several operations, what was so before it was sent, who sent it, and addresses that are found.
--
-- An operation is named by its row's line and by its item, which counts the row's operations. In journals of
-- earlier versions every row asked for one, item 1.

DROP VIEW IF EXISTS runs;
DROP VIEW IF EXISTS operations;
DROP VIEW IF EXISTS attempts;
DROP VIEW IF EXISTS failure;
DROP TRIGGER IF EXISTS batch_attempted;
DROP TRIGGER IF EXISTS batch_counted;

ALTER TABLE run ADD COLUMN unchanged INTEGER NOT NULL DEFAULT 0;
-- Who sent it from where with which release; unknown for runs of earlier versions.
ALTER TABLE run ADD COLUMN os_user TEXT;
ALTER TABLE run ADD COLUMN host TEXT;
ALTER TABLE run ADD COLUMN version TEXT;
-- The path's own bytes, where they are no UTF-8.
ALTER TABLE run ADD COLUMN input_path_bytes BLOB;
-- Users of the file. `assignments` is the number of the next assignment, which grows with every retry.
ALTER TABLE run ADD COLUMN users INTEGER NOT NULL DEFAULT 0;
UPDATE run SET users =
  (SELECT count(*) FROM assignment a WHERE a.run_id = run.run_id AND a.earlier_attempts = 0);

ALTER TABLE assignment RENAME TO assignment_3;
CREATE TABLE assignment (
  run_id INTEGER NOT NULL,
  assignment INTEGER NOT NULL,
  email TEXT COLLATE NOCASE,
  person_id TEXT,
  org_id INTEGER,
  -- Attempts made for these operations before a retry moved them here.
  earlier_attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, assignment)
) STRICT, WITHOUT ROWID;
INSERT INTO assignment SELECT run_id, assignment, email, person_id, org_id, earlier_attempts FROM assignment_3;
DROP TABLE assignment_3;
ALTER TABLE operation RENAME TO operation_3;
CREATE TABLE operation (
  run_id INTEGER NOT NULL,
  assignment INTEGER NOT NULL,
  line INTEGER NOT NULL,
  item INTEGER NOT NULL,
  target_id INTEGER NOT NULL,
  removes INTEGER NOT NULL,
  -- It was so already when the file was read, and is not sent.
  unchanged INTEGER NOT NULL DEFAULT 0,
  -- The row calls the user something else than the assignment does: see row_name.
  renamed INTEGER NOT NULL DEFAULT 0,
  location_id INTEGER,
  phone_number TEXT,
  extension TEXT,
  -- The same operation that is sent instead.
  duplicate_of INTEGER,
  duplicate_of_item INTEGER,
  -- Of a row that asks for several: by which words, see asked.
  asked INTEGER,
  PRIMARY KEY (run_id, assignment, line, item)
) STRICT, WITHOUT ROWID;
INSERT INTO operation
SELECT run_id, assignment, line, 1, target_id, removes, 0, 0, location_id, phone_number, extension, duplicate_of,
  iif(duplicate_of IS NULL, NULL, 1), NULL
FROM operation_3;
DROP TABLE operation_3;

-- By which words rows ask for one of their several operations, each once: what a row that comes back in the failures CSV
-- must say to ask for the rest alone.
CREATE TABLE asked (
  run_id INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  -- The place among the row's own cells; NULL where an option asks.
  cell INTEGER,
  -- The entry of that cell, or the option; NULL where the cell asks for one thing.
  text TEXT,
  -- Options that an earlier failures CSV says need not be asked of the row again.
  not_again TEXT,
  PRIMARY KEY (run_id, asked)
) STRICT, WITHOUT ROWID;

-- What a row calls its user, where that is not what the assignment is sent as.
CREATE TABLE row_name (
  run_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  item INTEGER NOT NULL,
  -- Where the operation is.
  assignment INTEGER NOT NULL,
  email TEXT COLLATE NOCASE,
  person_id TEXT,
  PRIMARY KEY (run_id, line, item)
) STRICT, WITHOUT ROWID;

-- What the organization called a license when the run was imported.
CREATE TABLE target_name (
  run_id INTEGER NOT NULL,
  target_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (run_id, target_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE exception RENAME TO exception_3;
CREATE TABLE exception (
  run_id INTEGER NOT NULL,
  assignment INTEGER NOT NULL,
  line INTEGER NOT NULL,
  item INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, assignment, line, item)
) STRICT, WITHOUT ROWID;
INSERT INTO exception SELECT run_id, assignment, line, 1, code, message FROM exception_3;
DROP TABLE exception_3;

ALTER TABLE so_before RENAME TO so_before_3;
CREATE TABLE in_effect_before (
  run_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  item INTEGER NOT NULL,
  PRIMARY KEY (run_id, line, item)
) STRICT, WITHOUT ROWID;
INSERT INTO in_effect_before SELECT run_id, line, 1 FROM so_before_3;
DROP TABLE so_before_3;

ALTER TABLE invalid_row RENAME TO invalid_row_3;
CREATE TABLE invalid_row (
  run_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  item INTEGER NOT NULL,
  email TEXT COLLATE NOCASE,
  person_id TEXT,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, line, item)
) STRICT, WITHOUT ROWID;
INSERT INTO invalid_row
SELECT run_id, line, 1, nullif(email, ''), nullif(person_id, ''), org_id, kind, target, operation, code, message FROM invalid_row_3;
DROP TABLE invalid_row_3;

-- Files that this program wrote and may write again: what stands there by now, if nobody has changed it.
CREATE TABLE output (
  path BLOB PRIMARY KEY,
  -- The run that its rows are of; NULL for a report of several.
  run_id INTEGER,
  rows INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  written_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The chain: one link a transaction, with what it changed. See chain.rs.
CREATE TABLE link (
  link_id INTEGER PRIMARY KEY,
  -- The run that it is about; 0 for none.
  run_id INTEGER NOT NULL,
  what TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- The rows that the transaction changed; NULL where they were forgotten, and then their sum.
  payload BLOB,
  payload_sum BLOB,
  hash BLOB NOT NULL
) STRICT;

-- What is written once and in bulk is in the chain by sums: 256 assignments with their operations a block.
CREATE TABLE block (
  run_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE digest (
  run_id INTEGER NOT NULL,
  what TEXT NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY (run_id, what)
) STRICT, WITHOUT ROWID;

-- When the persons of the run were forgotten.
ALTER TABLE run ADD COLUMN pruned_at INTEGER;
