//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::error::ReportError;

/// Writes to a temporary file beside `path`, which takes its place once all of it is on disk.
///
/// # Errors
/// [`ReportError`]; the file that was there before is then still there.
pub fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, ReportError>,
) -> Result<T, ReportError> {
    let wrong = |source| ReportError::Write { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut output = BufWriter::with_capacity(1 << 16, new_file(folder).map_err(wrong)?);
    let written = write(&mut output).map_err(|error| match error {
        ReportError::Output(source) => wrong(source),
        other => other,
    })?;
    let file = output.into_inner().map_err(|error| wrong(error.into_error()))?;
    file.as_file().sync_all().map_err(wrong)?;
    crate::step!("failures.written");
    file.persist(path).map_err(|error| wrong(error.error))?;
    crate::step!("failures.renamed");
    // The new name is on disk once its folder is.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(written)
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

    #[test]
    fn a_file_that_fails_midway_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        write_whole(&path, |output| Ok(output.write_all(b"old")?)).unwrap();
        let failed = write_whole(&path, |output| {
            output.write_all(b"half")?;
            Err::<(), _>(io::Error::other("the disk is full").into())
        });
        assert!(matches!(failed, Err(ReportError::Write { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
