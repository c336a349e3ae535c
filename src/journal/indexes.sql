-- Who is found by address or person ID. An import that is large beside what the journal holds drops the first two and
-- makes them anew: sorted, they cost a fraction of what one entry after the other would.
CREATE INDEX IF NOT EXISTS assignment_email ON assignment (email) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS assignment_person ON assignment (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS row_name_email ON row_name (email) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS row_name_person ON row_name (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS invalid_row_email ON invalid_row (email) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS invalid_row_person ON invalid_row (person_id) WHERE person_id IS NOT NULL;
