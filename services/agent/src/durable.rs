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

/// Everything in the files of a directory that end in `.json`; those with the wrong content are told and left out.
///
/// # Errors
/// The directory cannot be read or made.
pub fn load_all<T: DeserializeOwned>(directory: &Path) -> Result<Vec<T>, FileError> {
    let failed = |source| FileError::Io { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(failed)?;
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match load(&path) {
            Ok(value) => all.extend(value),
            Err(error) => tracing::error!(%error, path = %path.display(), "left out"),
        }
    }
    Ok(all)
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
