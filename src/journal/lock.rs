//! The right to write: one process at a time, by whatever name the file is reached.
//!
//! The lock lies on the file itself, and not on one beside it: a symbolic link, a hard link or another mount leads to
//! the same file, and nothing lies about that somebody could delete. It is the lock of an open file (flock), which the
//! system gives back when the process ends, however it ends. SQLite's own locks are of the other kind (fcntl), and the
//! two do not see each other; but closing any handle of a file gives up all locks of that other kind which the process
//! has on it. So a process keeps one handle of each journal, shared by all its connections, until the last is closed.

#[cfg(not(unix))]
pub(super) use beside::Handle;
#[cfg(unix)]
pub(super) use on_the_file::Handle;

use std::fs::{File, TryLockError};
use std::io;
use std::thread;
use std::time::Duration;

/// Whoever only asks whether somebody writes has the lock for microseconds: it is tried for longer than that.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(10);

/// What came of asking for the right to write.
#[derive(Debug)]
pub(super) enum Taken {
    Yes,
    /// Somebody has it.
    Held,
    /// Nobody can have it where the file is.
    Impossible(io::Error),
}

fn take(file: &File) -> Taken {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Taken::Yes,
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
            Err(TryLockError::Error(error)) => return Taken::Impossible(error),
        }
    }
    Taken::Held
}

fn is_taken(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            false
        }
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => false,
    }
}

#[cfg(unix)]
mod on_the_file {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, PoisonError, Weak};

    use super::{Taken, is_taken, take};

    /// The one handle that this process has of a journal.
    #[derive(Debug)]
    pub(in crate::journal) struct Handle {
        file: File,
        identity: (u64, u64),
        /// Whether this process has the right to write.
        writes: AtomicBool,
    }

    static HANDLES: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());

    fn identity(file: &std::fs::Metadata) -> (u64, u64) {
        (file.dev(), file.ino())
    }

    impl Handle {
        /// The handle of the file that is there.
        pub(in crate::journal) fn of(path: &Path) -> io::Result<Arc<Self>> {
            let mut handles = HANDLES.lock().unwrap_or_else(PoisonError::into_inner);
            handles.retain(|handle| handle.strong_count() > 0);
            let known = |identity| {
                let mut all = handles.iter().filter_map(Weak::upgrade);
                all.find(|handle| handle.identity == identity)
            };
            if let Some(handle) = known(identity(&std::fs::metadata(path)?)) {
                return Ok(handle);
            }
            let file = File::open(path)?;
            let identity = identity(&file.metadata()?);
            if let Some(handle) = known(identity) {
                // It was put there in this instant. Closing the second handle would cost SQLite its locks.
                std::mem::forget(file);
                return Ok(handle);
            }
            let handle = Arc::new(Self { file, identity, writes: AtomicBool::new(false) });
            handles.push(Arc::downgrade(&handle));
            Ok(handle)
        }

        /// Takes the right to write.
        pub(in crate::journal) fn take(&self) -> Taken {
            if self.writes.swap(true, Ordering::SeqCst) {
                return Taken::Held;
            }
            let taken = take(&self.file);
            if !matches!(taken, Taken::Yes) {
                self.writes.store(false, Ordering::SeqCst);
            }
            taken
        }

        /// Gives it back.
        pub(in crate::journal) fn give_back(&self) {
            let _ = self.file.unlock();
            self.writes.store(false, Ordering::SeqCst);
        }

        /// Whether somebody has it. Nobody is turned away by the question.
        pub(in crate::journal) fn is_taken(&self) -> bool {
            self.writes.load(Ordering::SeqCst) || is_taken(&self.file)
        }

        /// The file, for looking at it.
        pub(in crate::journal) const fn file(&self) -> &File {
            &self.file
        }
    }
}

#[cfg(not(unix))]
mod beside {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{Taken, is_taken, take};

    /// Here a lock on the file itself would keep SQLite from reading it: it lies on a file beside it.
    #[derive(Debug)]
    pub(in crate::journal) struct Handle {
        file: File,
        lock: PathBuf,
        taken: std::sync::Mutex<Option<File>>,
    }

    impl Handle {
        pub(in crate::journal) fn of(path: &Path) -> io::Result<Arc<Self>> {
            let mut lock = path.canonicalize()?.into_os_string();
            lock.push(".lock");
            Ok(Arc::new(Self {
                file: File::open(path)?,
                lock: lock.into(),
                taken: std::sync::Mutex::default(),
            }))
        }

        pub(in crate::journal) fn take(&self) -> Taken {
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&self.lock);
            let file = match opened {
                Ok(file) => file,
                Err(error) => return Taken::Impossible(error),
            };
            let taken = take(&file);
            if matches!(taken, Taken::Yes)
                && let Ok(mut slot) = self.taken.lock()
            {
                *slot = Some(file);
            }
            taken
        }

        pub(in crate::journal) fn give_back(&self) {
            if let Ok(mut slot) = self.taken.lock() {
                *slot = None;
            }
        }

        pub(in crate::journal) fn is_taken(&self) -> bool {
            File::open(&self.lock).is_ok_and(|file| is_taken(&file))
        }

        pub(in crate::journal) const fn file(&self) -> &File {
            &self.file
        }
    }
}
