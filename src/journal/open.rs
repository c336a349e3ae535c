//! Opening: who may write, whose file it is, which version.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::lock::{Handle, Taken};
use super::place::{self, APPLICATION_ID, Identity, Owner, identity};
use super::{JournalError, chain, definitions};

/// Each step brings the schema from its index to the next version. Steps are added, never edited.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];

/// Indexes that a large import drops and makes anew.
pub(super) const INDEXES: &str = include_str!("indexes.sql");

/// Triggers and views keep no data, so they are edited in place and made anew after the steps.
const DERIVED: &str = include_str!("derived.sql");

const VERSION: u32 = MIGRATIONS.len() as u32;

/// How long to wait for a checkpoint or a recovery of another process.
const BUSY: Duration = Duration::from_secs(10);

/// The journal, open for writing: there is one at a time.
#[derive(Debug)]
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    identity: Option<Identity>,
    beside: Option<Identity>,
    is_new: bool,
    /// Runs that were found to stand as they were written.
    pub(super) proved: Vec<crate::domain::RunId>,
    /// The last to be closed: it has the lock, and closing it before the connection would cost SQLite its own.
    _right: Right,
}

/// The right to write, given back when it is dropped.
#[derive(Debug)]
struct Right(Arc<Handle>);

impl Drop for Right {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The journal, open for reading: there may be any number, also while another process writes.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// See [`Journal`].
    handle: Arc<Handle>,
}

/// What is taken for a journal where one is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Openable {
    /// A journal.
    Journal,
    /// A journal, or an empty file that becomes one.
    AlsoEmpty,
    /// The empty file that this process has made.
    JustMade,
}

impl Journal {
    /// Opens the journal for writing, creating it where there is none.
    ///
    /// # Errors
    /// [`JournalError`], [`JournalError::Held`] where another process writes to it.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        place::refuse_share(path)?;
        let made =
            place::make(path).map_err(|source| JournalError::Open { path: path.to_owned(), source })?;
        Self::open_as(path, if made { Openable::JustMade } else { Openable::AlsoEmpty })
    }

    /// Opens an existing journal for writing.
    ///
    /// # Errors
    /// [`JournalError`], [`JournalError::Missing`] where there is none.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        place::refuse_share(path)?;
        Self::open_as(path, Openable::Journal)
    }

    fn open_as(path: &Path, openable: Openable) -> Result<Self, JournalError> {
        let wrong = |source| JournalError::Open { path: path.to_owned(), source };
        let handle = handle(path)?;
        let owner = place::owner(path, handle.file()).map_err(wrong)?;
        match owner {
            Owner::Ours => {}
            Owner::Nobody if openable != Openable::Journal || place::beside(path).exists() => {}
            Owner::Nobody => return Err(JournalError::missing(path)),
            Owner::Other => return Err(JournalError::Foreign { path: path.to_owned() }),
        }
        let right = match handle.take() {
            Taken::Yes => Right(handle),
            Taken::Held => return Err(JournalError::Held { path: path.to_owned() }),
            Taken::Impossible(source) => return Err(JournalError::NoLocks { path: path.to_owned(), source }),
        };
        place::refuse_second_name(path, right.0.file())?;
        // Nobody else is to read who holds which license.
        place::keep_private(right.0.file()).map_err(wrong)?;
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(|source| JournalError::of(path, source))?;
        let identity = identity(path);
        let is_new = openable == Openable::JustMade || owner == Owner::Nobody;
        let mut journal = Self {
            connection,
            path: path.to_owned(),
            identity,
            beside: None,
            is_new,
            proved: Vec::new(),
            _right: right,
        };
        journal.set_up()?;
        journal.beside = place::identity(&place::beside(path));
        Ok(journal)
    }

    fn set_up(&mut self) -> Result<(), JournalError> {
        let path = self.path.clone();
        let wrong = |source| JournalError::of(&path, source);
        let db = &self.connection;
        db.busy_timeout(BUSY).map_err(wrong)?;
        check_owner(db, &path)?;
        db.pragma_update(None, "journal_mode", "WAL").map_err(wrong)?;
        db.pragma_update(None, "synchronous", "FULL").map_err(wrong)?;
        db.pragma_update(None, "cache_size", -8192).map_err(wrong)?;
        db.pragma_update(None, "temp_store", "FILE").map_err(wrong)?;
        db.set_prepared_statement_cache_capacity(128);
        self.migrate()?;
        // Without one nothing is wrong, only slow. An import that was killed makes them when it is begun anew.
        if !definitions::is_importing(&self.connection).map_err(wrong)? {
            self.connection.execute_batch(INDEXES).map_err(wrong)?;
        }
        chain::install(&self.connection).map_err(wrong)
    }

    fn migrate(&mut self) -> Result<(), JournalError> {
        let path = self.path.clone();
        let wrong = |source| JournalError::of(&path, source);
        let found = version(&self.connection).map_err(wrong)?;
        if found == VERSION {
            return Ok(());
        }
        let step = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let step = step.map_err(wrong)?;
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(wrong)?;
        lay_out_from(&step, found).map_err(wrong)?;
        chain::begin(&step).map_err(wrong)?;
        step.pragma_update(None, "user_version", VERSION).map_err(wrong)?;
        crate::step!("migration.written");
        step.commit().map_err(wrong)?;
        crate::step!("migration.committed");
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there was none before.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether the files that are open are still those at the journal's path: what is written to one that was
    /// deleted or replaced is lost.
    pub(super) fn is_in_place(&self) -> bool {
        self.identity == identity(&self.path)
            && (self.beside.is_none() || self.beside == identity(&place::beside(&self.path)))
    }

    /// Another connection to read with.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn reader(&self) -> Result<Reader, JournalError> {
        Reader::open(&self.path)
    }

    pub(super) fn wrong(&self) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.path.clone();
        move |source| JournalError::of(&path, source)
    }
}

impl Reader {
    /// Opens an existing journal for reading, also where nothing may be written.
    ///
    /// # Errors
    /// [`JournalError`], [`JournalError::Missing`] where there is none.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let wrong = |source| JournalError::of(path, source);
        let handle = handle(path)?;
        let owner = place::owner(path, handle.file());
        match owner.map_err(|source| JournalError::Open { path: path.to_owned(), source })? {
            Owner::Ours => {}
            Owner::Nobody if place::beside(path).exists() => {}
            Owner::Nobody => return Err(JournalError::missing(path)),
            Owner::Other => return Err(JournalError::Foreign { path: path.to_owned() }),
        }
        place::refuse_second_name(path, handle.file())?;
        let connection = read_only(path)?;
        connection.busy_timeout(BUSY).map_err(wrong)?;
        check_owner(&connection, path)?;
        if version(&connection).map_err(wrong)? < VERSION {
            // A reader cannot migrate; the writer does.
            drop(connection);
            drop(Journal::open(path)?);
            return Self::open(path);
        }
        Ok(Self { connection, path: path.to_owned(), handle })
    }

    /// Whether a process has the journal open for writing right now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.handle.is_taken()
    }
}

/// Whether a process has the journal open for writing right now.
#[must_use]
pub fn is_held(path: &Path) -> bool {
    Handle::of(path).is_ok_and(|handle| handle.is_taken())
}

fn handle(path: &Path) -> Result<Arc<Handle>, JournalError> {
    Handle::of(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => JournalError::missing(path),
        _ => JournalError::Open { path: path.to_owned(), source },
    })
}

/// A connection that reads. On a read-only file or mount SQLite cannot keep the files beside a journal; one that was
/// closed properly has none, and is read as it lies there.
fn read_only(path: &Path) -> Result<Connection, JournalError> {
    let wrong = |source| JournalError::of(path, source);
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(wrong)?;
    let Err(error) = version(&connection) else { return Ok(connection) };
    let blocked = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    );
    if !blocked {
        return Err(wrong(error));
    }
    match std::fs::metadata(place::beside(path)) {
        Ok(beside) if beside.len() > 0 => Err(JournalError::Unclosed { path: path.to_owned() }),
        _ => place::immutable(path).map_err(wrong),
    }
}

/// Makes the tables, indexes, triggers and views of the newest version.
pub(super) fn lay_out(db: &Connection) -> rusqlite::Result<()> {
    lay_out_from(db, 0)
}

fn lay_out_from(db: &Connection, found: u32) -> rusqlite::Result<()> {
    MIGRATIONS.iter().skip(found as usize).try_for_each(|step| db.execute_batch(step))?;
    db.execute_batch(INDEXES)?;
    db.execute_batch(DERIVED)
}

/// A connection without a lock of its own, since one thread at a time has it, and with one plan a
/// statement: otherwise SQLite prepares a statement anew for each range that it is asked for, in the
/// hope of a better one.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses a database that is not ours, before anything is written to it.
fn check_owner(db: &Connection, path: &Path) -> Result<(), JournalError> {
    let wrong = |source| JournalError::of(path, source);
    let owner: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(wrong)?;
    let found = version(db).map_err(wrong)?;
    let tables: u32 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(wrong)?;
    let empty = owner == 0 && found == 0 && tables == 0;
    if owner != APPLICATION_ID && !empty {
        return Err(JournalError::Foreign { path: path.to_owned() });
    }
    if found > VERSION {
        return Err(JournalError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        (folder, path)
    }

    #[test]
    fn a_new_journal_is_ours_private_and_durable() {
        let (_keep, path) = folder();
        let journal = Journal::create(&path).unwrap();
        let pragma =
            |name| -> i64 { journal.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
        assert_eq!(pragma("application_id"), i64::from(APPLICATION_ID));
        assert_eq!(pragma("user_version"), i64::from(VERSION));
        assert_eq!(pragma("synchronous"), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn there_is_one_writer_and_any_number_of_readers() {
        let (_keep, path) = folder();
        let journal = Journal::create(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Held { .. })));
        assert!(is_held(&path));
        assert!(Reader::open(&path).is_ok() && Reader::open(&path).is_ok());
        drop(journal);
        assert!(!is_held(&path));
        assert!(Journal::open(&path).is_ok());
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let (_keep, path) = folder();
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .unwrap();
        let untouched = || {
            let before = (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().permissions());
            assert!(matches!(Journal::create(&path), Err(JournalError::Foreign { .. })));
            assert!(matches!(Journal::open(&path), Err(JournalError::Foreign { .. })));
            assert!(matches!(Reader::open(&path), Err(JournalError::Foreign { .. })));
            let after = (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(before, after);
            assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        };
        untouched();
        std::fs::write(&path, "email,licenseId\n".repeat(500)).unwrap();
        untouched();
        // An empty file is nobody's: `apply` may make a journal of it, and nothing else does.
        std::fs::write(&path, "").unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Missing { .. })));
        assert!(matches!(Reader::open(&path), Err(JournalError::Missing { .. })));
        assert!(Journal::create(&path).unwrap().is_new());
        assert!(!Journal::create(&path).unwrap().is_new());
    }

    #[cfg(unix)]
    #[test]
    fn the_lock_is_the_files_by_whatever_name() {
        let (keep, path) = folder();
        let journal = Journal::create(&path).unwrap();
        let link = keep.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Journal::create(&link), Err(JournalError::Held { .. })));
        let hard = keep.path().join("hard.db");
        std::fs::hard_link(&path, &hard).unwrap();
        assert!(matches!(Journal::create(&hard), Err(JournalError::Held { .. })));
        drop(journal);
        // What a process that died has written last would be looked for beside the other name.
        assert!(matches!(Journal::open(&hard), Err(JournalError::TwoNames { .. })));
        assert!(matches!(Reader::open(&path), Err(JournalError::TwoNames { .. })));
        std::fs::remove_file(&hard).unwrap();
        assert!(Journal::open(&link).is_ok());
    }

    #[test]
    fn asking_who_writes_turns_nobody_away() {
        let (_keep, path) = folder();
        drop(Journal::create(&path).unwrap());
        let stop = std::sync::atomic::AtomicBool::new(false);
        // A handle of its own, as another process has one.
        let file = std::fs::File::open(&path).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    if file.try_lock_shared().is_ok() {
                        file.unlock().unwrap();
                    }
                }
            });
            let opened = (0..20).all(|_| Journal::open(&path).is_ok());
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(opened);
        });
    }

    #[test]
    fn a_journal_that_was_closed_is_read_where_nothing_may_be_written() {
        let (_keep, path) = folder();
        drop(Journal::create(&path).unwrap());
        let db = place::immutable(&path).unwrap();
        assert_eq!(version(&db).unwrap(), VERSION);
    }

    #[test]
    fn a_newer_format_is_named() {
        let (_keep, path) = folder();
        drop(Journal::create(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Newer { .. })));
    }

    /// Every row of a view, as text.
    fn rows(db: &Connection, sql: &str) -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            (0..columns).map(|column| Ok(format!("{:?} ", row.get_ref(column)?))).collect()
        };
        statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn an_older_journal_says_what_it_said() {
        let (_keep, path) = folder();
        let old = Connection::open(&path).unwrap();
        MIGRATIONS.iter().take(2).for_each(|step| old.execute_batch(step).unwrap());
        old.execute_batch(
            "PRAGMA application_id = 1397047636; PRAGMA user_version = 2;
             INSERT INTO term VALUES (1, 'license', 'L');
             INSERT INTO run (run_id, input_path, input_sha256, layout, settings, state, created_at, total)
               VALUES (1, 'a.csv', 'x', '{}', '{}', 'running', 1000, 6);
             INSERT INTO assignment (run_id, assignment, email)
               SELECT 1, value, 'user' || value || '@example.com' FROM json_each('[0, 1, 2, 3, 4, 5]');
             INSERT INTO operation (run_id, assignment, line, target_id, removes)
               SELECT 1, assignment, assignment + 2, 1, 0 FROM assignment;
             -- Split after an attempt; one part done at its second, one sending again; one given back; one failed.
             INSERT INTO batch (run_id, batch_id, first, last, rows, failed, state, attempts, attempt_id, code, message,
               http_status, tracking_id, updated_at) VALUES
               (1, 1, 0, 1, 2, 0, 'split', 1, 1, NULL, NULL, 400, 'T1', 2000),
               (1, 2, 0, 0, 1, 0, 'done', 3, 3, NULL, NULL, 200, 'T3', 3000),
               (1, 3, 1, 1, 1, 0, 'sending', 2, 6, NULL, NULL, 503, 'T4', 4000),
               (1, 4, 2, 2, 1, 0, 'pending', 0, 7, NULL, NULL, NULL, NULL, 5000),
               (1, 5, 3, 4, 2, 0, 'failed', 1, 5, 'X', 'no', 404, 'T5', 6000);
             INSERT INTO attempt VALUES
               (1, 1, 1, 1990, 2000, 2, 400, NULL, 'T1', 'rejected', 'no'),
               (1, 2, 2, 2990, 2995, 1, 429, 7, 'T2', 'send_again', 'wait'),
               (1, 3, 2, 2996, 3000, 1, 200, NULL, 'T3', 'accepted', NULL),
               (1, 4, 3, 3900, 3950, 1, 503, NULL, 'T4', 'send_again', 'ill'),
               (1, 5, 5, 5990, 6000, 2, 404, NULL, 'T5', 'rejected', 'no');",
        )
        .unwrap();
        let views = [
            "SELECT * FROM runs",
            "SELECT * FROM operations ORDER BY line",
            "SELECT * FROM attempts ORDER BY attempt_id",
            "SELECT run_id, assignment, line, state, code, message, attempts, batch_id FROM failure ORDER BY line",
        ];
        let said = |db: &Connection| views.map(|view| rows(db, view));
        let mut before = said(&old);
        assert_eq!(before.each_ref().map(Vec::len), [1, 6, 6, 2]);
        drop(old);
        let mut journal = Journal::open(&path).unwrap();
        // What came since stands behind: unchanged, os_user, host, version; item, target_name.
        before[0].iter_mut().for_each(|run| run.push_str("Integer(0) Null Null Null "));
        before[1].iter_mut().for_each(|operation| operation.push_str("Integer(1) Null "));
        assert_eq!(said(&journal.connection), before);
        assert_eq!(rows(&journal.connection, "SELECT users FROM run"), ["Integer(6) "]);
        let standing = journal.recover(crate::domain::RunId(1), 7000).unwrap();
        assert_eq!((standing.next_batch, standing.next_attempt), (6, 8));
    }

    #[test]
    fn opening_makes_no_journal_where_there_is_none() {
        let (_keep, path) = folder();
        assert!(matches!(Journal::open(&path), Err(JournalError::Missing { .. })));
        assert!(matches!(Reader::open(&path), Err(JournalError::Missing { .. })));
        assert!(!path.exists());
    }
}
