//! Where a journal lies: whose file it is, who may read it, and whether locks and power cuts can be trusted there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::JournalError;

/// `SEAT`: marks the file as ours.
pub(super) const APPLICATION_ID: i32 = 0x5345_4154;

/// Tells a file from any other that might take its place.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);
#[cfg(not(unix))]
pub(super) type Identity = ();

#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some(())
}

/// Makes an empty file that its owner alone can read. SQLite gives the files it makes beside it the same mode.
/// Whether there was none.
pub(super) fn make(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.create_new(true).write(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes away others' right to read a journal.
pub(super) fn keep_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    let _ = file;
    Ok(())
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// A journal.
    Ours,
    /// Nobody's yet: it is empty, or a process ended while it made a journal of it.
    Nobody,
    /// Something else's.
    Other,
}

/// Looks whose file it is without making anything beside it.
pub(super) fn owner(path: &Path, mut file: &File) -> io::Result<Owner> {
    use io::Seek as _;
    if !file.metadata()?.is_file() {
        return Ok(Owner::Other);
    }
    let mut head = Vec::new();
    file.rewind()?;
    file.take(100).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(Owner::Nobody);
    }
    let is_database = head.starts_with(b"SQLite format 3\0") && head.len() == 100;
    let Some(id) = head.get(68..72).and_then(|id| id.try_into().ok()).filter(|_| is_database) else {
        return Ok(Owner::Other);
    };
    if i32::from_be_bytes(id) == APPLICATION_ID {
        return Ok(Owner::Ours);
    }
    // A database that is being made has no tables before it has its mark.
    let tables = immutable(path)
        .and_then(|db| db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0)));
    let untouched = i32::from_be_bytes(id) == 0 && tables.is_ok_and(|tables| tables == 0);
    Ok(if untouched { Owner::Nobody } else { Owner::Other })
}

/// Opens a database as a file that nobody changes: nothing is made beside it, and nothing beside it is read.
pub(super) fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri(path), flags)
}

/// The path as SQLite reads it back from a URI, whatever its bytes.
fn uri(path: &Path) -> PathBuf {
    let mut text = String::from("file:");
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                text.push(char::from(*byte))
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text.push_str("?immutable=1");
    text.into()
}

/// What SQLite keeps beside a journal: what was written last.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// A journal with two names would have what was written last beside one of them, where the other does not look.
#[cfg(unix)]
pub(super) fn refuse_second_name(path: &Path, file: &File) -> Result<(), JournalError> {
    use std::os::unix::fs::MetadataExt as _;
    match file.metadata() {
        Ok(data) if data.nlink() > 1 => Err(JournalError::TwoNames { path: path.to_owned() }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn refuse_second_name(_: &Path, _: &File) -> Result<(), JournalError> {
    Ok(())
}

/// Refuses a folder on another machine: there neither locks nor what was called written can be trusted.
pub(super) fn refuse_share(path: &Path) -> Result<(), JournalError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let at = if path.exists() { path } else { folder };
    match share(at) {
        Some(kind) => Err(JournalError::Share { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn share(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let device = std::fs::metadata(path).ok()?.dev();
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    share_of(&String::from_utf8_lossy(&mounts), device).map(str::to_owned)
}

#[cfg(not(target_os = "linux"))]
fn share(_: &Path) -> Option<String> {
    None
}

/// The kind of file system that a device is, where it is one of another machine.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn share_of(mounts: &str, device: u64) -> Option<&str> {
    const SHARES: [&str; 13] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "davfs",
    ];
    const FUSE: [&str; 9] =
        ["sshfs", "s3fs", "rclone", "glusterfs", "davfs2", "gcsfuse", "goofys", "ceph-fuse", "blobfuse"];
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & !0xff);
    let number = format!("{major}:{minor}");
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&number))?;
    let kind = line.split_once(" - ")?.1.split(' ').next()?;
    let is_share =
        SHARES.contains(&kind) || kind.strip_prefix("fuse.").is_some_and(|kind| FUSE.contains(&kind));
    is_share.then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_other_machines_are_told_from_disks() {
        let mounts = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
             40 27 0:52 / /mnt/team rw - nfs4 server:/team rw,vers=4.2\n\
             41 27 0:53 / /mnt/c rw - 9p C: rw\n\
             42 27 0:54 / /home/me/there rw,nosuid - fuse.sshfs me@there: rw\n\
             43 27 0:55 / /vault rw - fuse.gocryptfs /vault rw\n";
        let kinds = [254 << 8, 52, 53, 54, 55, 99].map(|device| share_of(mounts, device));
        assert_eq!(kinds, [None, Some("nfs4"), Some("9p"), Some("fuse.sshfs"), None, None]);
    }
}
