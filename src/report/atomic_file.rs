//! Files that are there whole or not at all, and that take the place of nothing which somebody may miss.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::{DestinationError, ReportError};

/// The SHA-256 of a file's content.
pub type FileHash = [u8; 32];

/// Where an output goes, tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A device or a pipe, which is written to and never replaced.
    Through(PathBuf),
    /// A file; behind a symbolic link the one that it points to.
    File(PathBuf),
}

/// A file that no output may take the place of, and what it is.
pub type Precious<'a> = (&'a Path, &'static str);

impl Destination {
    /// Tries where an output is to go: `-` is standard output.
    ///
    /// # Errors
    /// [`DestinationError`].
    pub fn at(path: &Path, precious: &[Precious<'_>]) -> Result<Self, DestinationError> {
        if Self::names_stdout(path) {
            return Ok(Self::Stdout);
        }
        let unwritable = |source| DestinationError::Unwritable { path: path.to_owned(), source };
        let target = target(path).map_err(unwritable)?;
        match std::fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(DestinationError::Folder { path: path.to_owned() }),
            Ok(found) if !found.is_file() => {
                return Ok(Self::Through(path.to_owned()));
            }
            Ok(_) => {
                let taken = precious.iter().find(|(other, _)| is_same(&target, other)).map(|(_, what)| *what);
                let taken = taken.or_else(|| is_database(&target).then_some("a database"));
                if let Some(what) = taken {
                    return Err(DestinationError::Taken { path: path.to_owned(), what });
                }
            }
            Err(_) => {
                // What is not there yet may be about to be made: a new journal, say.
                if let Some((_, what)) = precious.iter().find(|(other, _)| is_same_place(&target, other)) {
                    return Err(DestinationError::Taken { path: path.to_owned(), what });
                }
            }
        }
        let folder = folder(&target);
        if !folder.is_dir() {
            return Err(DestinationError::NoFolder { path: path.to_owned(), folder: folder.to_owned() });
        }
        new_file(folder).map(drop).map_err(unwritable)?;
        Ok(Self::File(target))
    }

    /// Whether this is how somebody names standard output.
    #[must_use]
    pub fn names_stdout(path: &Path) -> bool {
        ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
    }

    /// Whether it is standard output.
    #[must_use]
    pub const fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// The SHA-256 of what is there now; `None` where there is no file.
    #[must_use]
    pub fn sum(&self) -> Option<FileHash> {
        let Self::File(path) = self else { return None };
        sum(path).ok()
    }

    /// Writes. A file that is there already is kept beside, under a name of its own, unless `replaces` says that it
    /// may go, or it says the same.
    ///
    /// # Errors
    /// [`ReportError`]; a file that was there before is then still there.
    pub fn write<T>(
        &self,
        replaces: bool,
        write: impl FnOnce(&mut dyn Write) -> Result<T, ReportError>,
    ) -> Result<Written<T>, ReportError> {
        let path = match self {
            Self::Stdout => return write_through(io::stdout().lock(), Path::new("standard output"), write),
            Self::Through(path) => {
                let wrong = |source| ReportError::Write { path: path.clone(), source };
                let device = File::options().write(true).open(path).map_err(wrong)?;
                return write_through(device, path, write);
            }
            Self::File(path) => path,
        };
        let wrong = |source| ReportError::Write { path: path.clone(), source };
        let folder = folder(path);
        let new = new_file(folder).map_err(wrong)?;
        let mut output = BufWriter::with_capacity(1 << 16, Summed { output: new, sum: Sha256::new() });
        let content = write(&mut output).map_err(|error| match error {
            ReportError::Output(source) => wrong(source),
            other => other,
        })?;
        let Summed { output: file, sum } = output.into_inner().map_err(|error| wrong(error.into_error()))?;
        file.as_file().sync_all().map_err(wrong)?;
        crate::step!("failures.written");
        let sum: FileHash = sum.finalize().into();
        let there = self.sum();
        let is_missed = there.is_some_and(|there| !replaces && there != sum);
        let kept = if is_missed { Some(keep(path).map_err(wrong)?) } else { None };
        file.persist(path).map_err(|error| wrong(error.error))?;
        crate::step!("failures.renamed");
        // The new name is on disk once its folder is.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(Written { content, kept, sum: Some(sum), path: Some(path.clone()) })
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// What whoever wrote it gave back.
    pub content: T,
    /// Where the file is now that was there before, if it is kept.
    pub kept: Option<PathBuf>,
    /// Its SHA-256, where it is a file.
    pub sum: Option<FileHash>,
    /// The file, where it is one.
    pub path: Option<PathBuf>,
}

/// Writes an output of which nothing is known: see [`Destination`].
///
/// # Errors
/// [`ReportError`].
pub fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, ReportError>,
) -> Result<Written<T>, ReportError> {
    Destination::at(path, &[])?.write(false, write)
}

fn write_through<T>(
    output: impl Write,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, ReportError>,
) -> Result<Written<T>, ReportError> {
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let wrong = |source: io::Error| match source.kind() {
        // Whoever read along has seen enough.
        io::ErrorKind::BrokenPipe => ReportError::Output(source),
        _ => ReportError::Write { path: path.to_owned(), source },
    };
    let content = write(&mut output).map_err(|error| match error {
        ReportError::Output(source) => wrong(source),
        other => other,
    })?;
    output.flush().map_err(wrong)?;
    Ok(Written { content, kept: None, sum: None, path: None })
}

/// Where the path leads: through symbolic links, also to a file that is not there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match std::fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether two names lead to the same place in the same folder, be there a file or not.
fn is_same_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| Some((folder(path).canonicalize().ok()?, path.file_name()?.to_owned()));
    place(one).is_some_and(|one| Some(one) == place(other))
}

fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let identity = |path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        identity(one).is_some_and(|one| Some(one) == identity(other))
    }
    #[cfg(not(unix))]
    {
        let whole = |path: &Path| path.canonicalize().ok();
        whole(one).is_some_and(|one| Some(one) == whole(other))
    }
}

/// A journal is never an output, whichever it is.
fn is_database(path: &Path) -> bool {
    let mut head = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"SQLite format 3\0"
}

fn sum(path: &Path) -> io::Result<FileHash> {
    let mut sum = Summed { output: io::sink(), sum: Sha256::new() };
    io::copy(&mut File::open(path)?, &mut sum)?;
    Ok(sum.sum.finalize().into())
}

/// Gives a file another name, and takes no other file's: `.bak`, `.bak2` and so on. The file has both until something
/// takes the place of the first, where the file system can do that.
fn keep(path: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 { ".bak".to_owned() } else { format!(".bak{number}") });
        let kept = PathBuf::from(name);
        match std::fs::hard_link(path, &kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) if kept.exists() => {}
            Err(_) => return std::fs::rename(path, &kept).map(|()| kept),
        }
    }
    Err(io::Error::other("there are too many copies of it"))
}

/// Sums up what goes through.
struct Summed<W> {
    output: W,
    sum: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn new_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".seatbatch-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // An ordinary file under the user's umask: it is made to be passed on.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, text: &str) -> Written<()> {
        write_whole(path, |output| Ok(output.write_all(text.as_bytes())?)).unwrap()
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_file_that_fails_midway_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        put(&path, "old");
        let failed = write_whole(&path, |output| {
            output.write_all(b"half")?;
            Err::<(), _>(io::Error::other("the disk is full").into())
        });
        assert!(matches!(failed, Err(ReportError::Write { .. })));
        assert_eq!(read(&path), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_may_miss_is_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        assert_eq!(put(&path, "one").kept, None);
        assert_eq!(put(&path, "one").kept, None, "it says the same");
        for (text, name) in [("two", "f.csv.bak"), ("three", "f.csv.bak2"), ("four", "f.csv.bak3")] {
            let before = read(&path);
            let kept = put(&path, text).kept.unwrap();
            assert_eq!(kept, folder.path().join(name));
            assert_eq!((read(&kept), read(&path)), (before, text.to_owned()));
        }
        let replaced = Destination::at(&path, &[]).unwrap().write(true, |out| Ok(out.write_all(b"five")?));
        assert_eq!((replaced.unwrap().kept, read(&path).as_str()), (None, "five"));
    }

    #[test]
    fn where_nothing_can_go_is_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Destination::at(&folder.path().join(name), &[]);
        assert!(matches!(at("nowhere/f.csv"), Err(DestinationError::NoFolder { .. })));
        assert!(matches!(at("."), Err(DestinationError::Folder { .. })));
        let input = folder.path().join("people.csv");
        std::fs::write(&input, "email").unwrap();
        let precious = [(input.as_path(), "the input file")];
        let taken = Destination::at(&folder.path().join("./people.csv"), &precious);
        assert!(matches!(taken, Err(DestinationError::Taken { .. })));
        std::fs::write(folder.path().join("j.db"), b"SQLite format 3\0 and so on").unwrap();
        assert!(matches!(at("j.db"), Err(DestinationError::Taken { what: "a database", .. })));
        assert_eq!(at("-").unwrap(), Destination::File(folder.path().join("-")));
        assert_eq!(Destination::at(Path::new("-"), &[]).unwrap(), Destination::Stdout);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_devices_are_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.csv"), folder.path().join("link.csv"));
        std::os::unix::fs::symlink("real.csv", &link).unwrap();
        put(&link, "one");
        assert!(link.is_symlink() && !real.is_symlink());
        assert_eq!(read(&real), "one");
        let null = Path::new("/dev/null");
        assert_eq!(Destination::at(null, &[]).unwrap(), Destination::Through(null.to_owned()));
        assert_eq!(put(null, "nothing").path, None);
        assert!(!null.is_file());
    }
}
