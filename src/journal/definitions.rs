//! Whether the tables, indexes, triggers and views of a journal are those that this release makes.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::open::lay_out;

/// Indexes that a large import drops, and makes anew when all rows are there.
pub(super) const MADE_ANEW: [&str; 2] = ["assignment_email", "assignment_person"];

/// Tables that others keep in a journal by right: Litestream's, which copies it while it is written, and what SQLite
/// itself notes for its plans where somebody has it analyzed. We read none of them, and they change nothing of ours.
const OF_OTHERS: [&str; 4] = ["_litestream_seq", "_litestream_lock", "sqlite_stat1", "sqlite_stat4"];

/// By kind and name, what a database has a definition of: the table that it is about, and the text. A file that was
/// tampered with may have several of one name.
type Definitions = BTreeMap<(String, String), Vec<(String, Option<String>)>>;

/// What is not as this release makes it, in words.
pub(super) fn differences(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let fresh = Connection::open_in_memory()?;
    lay_out(&fresh)?;
    let (should, is) = (definitions(&fresh)?, definitions(db)?);
    let is_importing = is_importing(db)?;
    let mut found = Vec::new();
    for ((kind, name), texts) in &should {
        match is.get(&(kind.clone(), name.clone())) {
            Some(there) if there == texts => {}
            Some(_) => found.push(format!("the definition of the {kind} '{name}' was altered")),
            None if is_importing && kind == "index" && MADE_ANEW.contains(&name.as_str()) => {}
            None => found.push(format!("the {kind} '{name}' is gone")),
        }
    }
    for (kind, name) in is.keys().filter(|key| !should.contains_key(*key)) {
        if kind != "table" || !OF_OTHERS.contains(&name.as_str()) {
            let (kind, name) = (kind.escape_debug(), name.escape_debug());
            found.push(format!("the {kind} '{name}' was slipped in"));
        }
    }
    Ok(found)
}

/// Whether an import is under way, or was killed.
pub(super) fn is_importing(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM main.run WHERE state = 'importing')";
    db.query_row(sql, [], |row| row.get(0))
}

fn definitions(db: &Connection) -> rusqlite::Result<Definitions> {
    let mut statement =
        db.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut all = Definitions::new();
    while let Some(row) = rows.next()? {
        all.entry((row.get(0)?, row.get(1)?)).or_default().push((row.get(2)?, row.get(3)?));
    }
    Ok(all)
}
