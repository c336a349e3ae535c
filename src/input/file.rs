//! The input file, open for as many readings as are needed, also at once.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hashed::Hashed;
use super::package::may_head;
use super::rows::Rows;
use super::{InputError, ReadingOptions};

/// An open regular file. Renaming or replacing it does not change what is read.
#[derive(Debug)]
pub struct InputFile {
    path: PathBuf,
    file: Arc<File>,
}

impl InputFile {
    /// Opens `path`.
    ///
    /// # Errors
    /// [`InputError::Open`] or [`InputError::NotAFile`].
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let wrong = |source| InputError::Open { path: path.to_owned(), source };
        if path == Path::new("-") {
            return Err(InputError::StandardInput);
        }
        // Asked before opening: to open a pipe would wait for its writer.
        let kind = std::fs::metadata(path).map_err(wrong)?;
        if !kind.is_file() {
            let what = if kind.is_dir() { "a folder" } else { "not a regular file" };
            return Err(InputError::NotAFile { path: path.to_owned(), what });
        }
        let file = File::open(path).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file) })
    }

    /// Opens `path`, of which `-` is standard input. What is no regular file is put down in one first, which nobody
    /// else sees and which is gone with this process: a file is read more than once.
    ///
    /// # Errors
    /// [`InputError::Open`], [`InputError::NotAFile`] for a folder, [`InputError::NotKept`] where there is no room.
    pub fn take(path: &Path) -> Result<Self, InputError> {
        if path == Path::new("-") {
            return Self::kept(&mut io::stdin().lock(), Path::new("standard input"));
        }
        let wrong = |source| InputError::Open { path: path.to_owned(), source };
        let kind = std::fs::metadata(path).map_err(wrong)?;
        if kind.is_file() || kind.is_dir() {
            return Self::open(path);
        }
        Self::kept(&mut File::open(path).map_err(wrong)?, path)
    }

    fn kept(source: &mut dyn Read, path: &Path) -> Result<Self, InputError> {
        let keep = |source: &mut dyn Read| {
            let mut file = tempfile::tempfile()?;
            io::copy(source, &mut file)?;
            Ok(file)
        };
        let file = keep(source).map_err(|source| InputError::NotKept { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file) })
    }

    /// As the user named it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it from the start as rows.
    ///
    /// # Errors
    /// [`InputError`] for a file without a usable header.
    pub fn rows(&self, how: &ReadingOptions) -> Result<Rows, InputError> {
        Rows::new(self.reading(), how, &self.path)
    }

    /// Whether this byte may stand in what it says: never `false` where it does.
    ///
    /// # Errors
    /// [`InputError::Read`].
    pub fn may_hold(&self, byte: u8) -> Result<bool, InputError> {
        let wrong = InputError::unread(&self.path);
        let (mut source, mut block) = (self.reading(), vec![0; 1 << 16]);
        let mut is_first = true;
        loop {
            let read = source.read(&mut block).map_err(wrong)?;
            let bytes = block.get(..read).unwrap_or_default();
            // What is packed says nothing of its bytes.
            let is_packed = is_first && bytes.starts_with(b"PK");
            if is_packed || memchr::memchr(byte, bytes).is_some() {
                return Ok(true);
            }
            if read == 0 {
                return Ok(false);
            }
            is_first = false;
        }
    }

    /// Whether it may be a failures CSV, by a word that stands in its header; never `false` where it is one. To read the
    /// header itself takes a look at the whole file.
    ///
    /// # Errors
    /// [`InputError::Read`].
    pub fn may_be_given_back(&self) -> Result<bool, InputError> {
        let wrong = InputError::unread(&self.path);
        let mut head = Vec::new();
        self.reading().take(1 << 16).read_to_end(&mut head).map_err(wrong)?;
        if head.starts_with(b"PK") {
            let source = BufReader::with_capacity(1 << 16, self.reading());
            // What is wrong with it is told where it is read.
            return Ok(may_head(source, &TRACES).unwrap_or(true));
        }
        // In UTF-16 there are zeros between the letters.
        head.retain(|byte| *byte != 0);
        head.make_ascii_lowercase();
        Ok(TRACES.iter().any(|trace| memchr::memmem::find(&head, trace).is_some()))
    }

    fn reading(&self) -> FileReading {
        FileReading { file: Arc::clone(&self.file), at: 0 }
    }

    /// The SHA-256 of its bytes, in lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`InputError::Read`].
    pub fn sha256(&self) -> Result<String, InputError> {
        let (source, sum) = Hashed::new(self.reading());
        let mut source = BufReader::with_capacity(1 << 16, source);
        let wrong = InputError::unread(&self.path);
        io::copy(&mut source, &mut io::sink()).map_err(wrong)?;
        // Known at the end, and this is the end.
        Ok(sum.get().unwrap_or_default().to_owned())
    }
}

/// What stands in the header of a failures CSV, whichever of its columns somebody has taken out.
const TRACES: [&[u8]; 5] = [b"error", b"tracking", b"http_status", b"http status", b"httpstatus"];

/// One reading of the file from its start. Each has a place of its own.
#[derive(Debug, Clone)]
struct FileReading {
    file: Arc<File>,
    at: u64,
}

impl Read for FileReading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for FileReading {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.file.metadata()?.len(), by),
        };
        self.at = base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_hash_is_of_the_bytes_whatever_was_read_before() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"abc").unwrap();
        let input = InputFile::open(file.path()).unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(input.sha256().unwrap(), expected);
        assert_eq!(input.sha256().unwrap(), expected);
    }

    #[test]
    fn readings_do_not_disturb_each_other() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"email,licenseId\na@example.com,L1\n").unwrap();
        let input = InputFile::open(file.path()).unwrap();
        let (mut first, mut second) = (input.reading(), input.reading());
        let mut head = [0; 5];
        first.read_exact(&mut head).unwrap();
        assert_eq!(input.sha256().unwrap().len(), 64);
        let (mut rest, mut whole) = (String::new(), String::new());
        second.read_to_string(&mut whole).unwrap();
        first.read_to_string(&mut rest).unwrap();
        assert_eq!((&head, rest.as_str()), (b"email", &whole[5..]));
    }

    #[test]
    fn a_byte_is_found_in_any_block_and_perhaps_in_what_is_packed() {
        let holds = |bytes: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            InputFile::open(file.path()).unwrap().may_hold(b'*').unwrap()
        };
        let long = vec![b'x'; 100_000];
        assert!(!holds(&long) && !holds(b"") && holds(b"PK\x03\x04"));
        assert!(holds(&[&long[..], b"*"].concat()) && holds(b"*"));
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(InputFile::open(folder.path()), Err(InputError::NotAFile { .. })));
    }
}
