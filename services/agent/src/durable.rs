//! Small JSON files that survive a crash: replaced by a rename, so that a reader finds the old content or the new
//! one, whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// Why a file was not read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file system said no.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The content is not what belongs there.
    #[error("{} has the wrong content", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The writer was lost.
    #[error("the writer of a file ended")]
    Writer,
}

/// A file that was left out.
#[derive(Debug)]
pub struct Bad {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: FileError,
}

/// What is at `path`; none when there is no file.
///
/// # Errors
/// An unreadable file, or one with the wrong content.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(FileError::Io { path: path.to_owned(), source }),
    };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|source| FileError::Content { path: path.to_owned(), source })
}

/// Everything in the files of a directory that end in `.json`, and those that cannot be read or have the wrong content.
///
/// # Errors
/// The directory cannot be read or made.
pub fn load_all<T: DeserializeOwned>(directory: &Path) -> Result<(Vec<T>, Vec<Bad>), FileError> {
    let failed = |source| FileError::Io { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(failed)?;
    let (mut all, mut bad) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match load(&path) {
            Ok(value) => all.extend(value),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "left out");
                bad.push(Bad { path, error });
            }
        }
    }
    Ok((all, bad))
}

/// Replaces what is at `path`; it is on the disk when this returns.
///
/// # Errors
/// The file system's.
pub async fn save<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), FileError> {
    write(path, value, Durability::PowerLoss).await
}

/// Replaces what is at `path`; it survives the end of every process, but perhaps not that of the host.
///
/// # Errors
/// The file system's.
pub async fn replace<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), FileError> {
    write(path, value, Durability::Processes).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Processes,
    PowerLoss,
}

async fn write<T: Serialize + ?Sized>(
    path: &Path,
    value: &T,
    durability: Durability,
) -> Result<(), FileError> {
    let path = path.to_owned();
    let bytes =
        serde_json::to_vec(value).map_err(|source| FileError::Content { path: path.clone(), source })?;
    let write = move || swap(&path, &bytes, durability).map_err(|source| FileError::Io { path, source });
    tokio::task::spawn_blocking(write).await.map_err(|_| FileError::Writer)?
}

/// Removes what is at `path`, if it is there.
///
/// # Errors
/// The file system's.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FileError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn swap(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = File::create(&next)?;
    file.write_all(bytes)?;
    if durability == Durability::Processes {
        return fs::rename(&next, path);
    }
    file.sync_all()?;
    fs::rename(&next, path)?;
    // the rename itself is only durable when the directory is
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::supervisor::File as Target;

    fn target() -> Target {
        Target { name: "targets/shop@test".to_owned(), converged: 7, ..Target::default() }
    }

    proptest! {
        #[test]
        fn a_file_that_breaks_off_or_was_changed_is_bad_or_another(
            at in any::<prop::sample::Index>(),
            put in proptest::option::of(any::<u8>()),
            other in vec(any::<u8>(), 0..100),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let mut bytes = serde_json::to_vec(&target()).unwrap();
            let at = at.index(bytes.len());
            match put {
                Some(byte) => bytes[at] = byte,
                None => bytes.truncate(at),
            }
            for (name, bytes) in [("a.json", &bytes), ("b.json", &other), ("c.next", &other)] {
                fs::write(directory.path().join(name), bytes).unwrap();
            }
            fs::write(directory.path().join("d.json"), serde_json::to_vec(&target()).unwrap()).unwrap();
            let (all, bad) = load_all::<Target>(directory.path()).unwrap();
            prop_assert_eq!(all.len() + bad.len(), 3);
            prop_assert!(all.contains(&target()));
            prop_assert!(put.is_some() || bad.iter().any(|bad| bad.path.ends_with("a.json")));
        }
    }

    #[tokio::test]
    async fn what_was_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        assert_eq!(load::<Target>(&path).unwrap(), None);
        for save_again in 1..=2 {
            let target = Target { converged: save_again, ..target() };
            save(&path, &target).await.unwrap();
            assert_eq!(load(&path).unwrap(), Some(target));
        }
        remove(&path).unwrap();
        remove(&path).unwrap();
    }
}
