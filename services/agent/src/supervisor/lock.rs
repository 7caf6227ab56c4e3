//! One supervisor for each data directory; who looks for it finds it by its lock file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::process::Identity;

/// Held for as long as the supervisor runs; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// What the lock file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The supervisor's process.
    pub process: Identity,
    /// Where its gRPC service is.
    pub address: String,
    /// The build that it is of.
    pub version: String,
}

/// Why the lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another supervisor runs on this directory.
    #[error("another agent runs on {}", .0.display())]
    Held(PathBuf),
    /// The file system said no.
    #[error("lock file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

// === impl Lock ===

impl Lock {
    /// Takes the lock of a data directory.
    ///
    /// # Errors
    /// Another holds it; the file system's.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("agent.lock");
        let failed = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Held(directory.to_owned())),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// Says who holds it and where it is found.
    ///
    /// # Errors
    /// The file system's.
    pub fn announce(&mut self, holder: &Holder) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        serde_json::to_writer(&mut self.file, holder)?;
        self.file.flush()
    }

    /// Who holds the lock of a data directory now; none: nobody does, or it does not serve yet.
    pub fn holder(directory: &Path) -> Option<Holder> {
        let mut file = File::open(directory.join("agent.lock")).ok()?;
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok().filter(|holder: &Holder| holder.process.is_alive())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_is_found() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Lock::holder(directory.path()), None);
        let mut lock = Lock::take(directory.path()).unwrap();
        assert_eq!(Lock::holder(directory.path()), None, "it does not serve yet");
        let process = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        let holder = Holder { process, address: "127.0.0.1:1".into(), version: "1".into() };
        lock.announce(&holder).unwrap();
        assert_eq!(Lock::holder(directory.path()), Some(holder));
        assert!(matches!(Lock::take(directory.path()), Err(LockError::Held(_))));
        drop(lock);
        assert_eq!(Lock::holder(directory.path()), None);
        assert!(Lock::take(directory.path()).is_ok());
    }
}
