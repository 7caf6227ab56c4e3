//! Space kept in reserve, so that a full disk does not stop a rollback.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate, statvfs},
    io::Errno,
};

/// Beyond the ballast itself a disk must have this much free before it counts as recovered.
const HEADROOM: u64 = 4 * 1024 * 1024;

/// A file of no content beside the journal, removed when its space is needed.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    bytes: u64,
}

// === impl Ballast ===

impl Ballast {
    /// The ballast of the journal at `path`; not on disk until [`Ballast::take`].
    pub(super) fn of(path: &Path, bytes: u64) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".ballast");
        Self { path: path.with_file_name(name), bytes }
    }

    /// Gives its space back to the disk.
    pub(super) fn give_up(&self) {
        match std::fs::remove_file(&self.path) {
            Ok(()) => tracing::warn!(path = %self.path.display(), "the disk is full: ballast given up"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, path = %self.path.display(), "could not give up ballast"),
        }
    }

    /// Takes its space, unless that would fill the disk. False: there is no room for it.
    pub(super) fn take(&self) -> io::Result<bool> {
        if self.is_whole() {
            return Ok(true);
        }
        if self.room()? < self.bytes.saturating_add(HEADROOM) {
            return Ok(false);
        }
        if self.bytes == 0 {
            return Ok(true);
        }
        match self.fill() {
            Ok(()) => Ok(true),
            Err(error) => {
                self.give_up();
                if error.kind() == io::ErrorKind::StorageFull { Ok(false) } else { Err(error) }
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.bytes > 0 && std::fs::metadata(&self.path).is_ok_and(|found| found.len() >= self.bytes)
    }

    fn room(&self) -> io::Result<u64> {
        let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty());
        let found = statvfs(directory.unwrap_or(Path::new(".")))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn fill(&self) -> io::Result<()> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&self.path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, self.bytes) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, self.bytes),
            Err(error) => Err(error.into()),
        }
    }
}

/// For file systems that cannot allocate without writing.
fn write_zeros(mut file: File, bytes: u64) -> io::Result<()> {
    let zeros = [0u8; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let length = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(length).unwrap_or(zeros.len())])?;
        left -= length;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_gives_up_its_space() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::of(&directory.path().join("j.db"), 1 << 20);
        assert!(ballast.take().unwrap());
        let file = directory.path().join("j.db.ballast");
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 1 << 20);
        assert!(ballast.take().unwrap(), "taking it again changes nothing");
        ballast.give_up();
        assert!(!file.exists());
        ballast.give_up();
    }

    #[test]
    fn does_not_fill_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::of(&directory.path().join("j.db"), u64::MAX / 2);
        assert!(!ballast.take().unwrap());
    }
}
