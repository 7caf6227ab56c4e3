//! Files that only their owner reads.
//!
//! Several processes make them at the same time in one directory, in containers even under one process id: so what is
//! written first gets a name that the file system says nobody else has.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Replaces `path` at once with a file of mode 0600; a reader sees the old or the new one, whole.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = write_beside(path, content)?;
    fs::rename(&beside, path)
}

/// Creates `path` with mode 0600 unless it is there. Returns whether it was created. Of several processes that do
/// this at the same time exactly one creates it, and none sees it half written.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    let beside = write_beside(path, content)?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Proves that files can be made beside `path`.
pub(crate) fn probe(path: &Path) -> io::Result<()> {
    fs::remove_file(write_beside(path, b"")?)
}

/// Reads `path` unless others could have read or written it.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        let message = format!("its mode is {:04o}; it must be 0600", mode & 0o7777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    fs::read_to_string(path)
}

/// Writes a file of its own beside `path`, and returns its path.
fn write_beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let (beside, mut file) = create_beside(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    match written {
        Ok(()) => Ok(beside),
        Err(error) => {
            // a full disk must not be filled further
            let _ = fs::remove_file(&beside);
            Err(error)
        }
    }
}

fn create_beside(path: &Path) -> io::Result<(PathBuf, fs::File)> {
    for number in 0_u64.. {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.{number}.new", std::process::id()));
        let beside = path.with_file_name(name);
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside) {
            Ok(file) => return Ok((beside, file)),
            // somebody else's, who is at the same, or was and has died
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
