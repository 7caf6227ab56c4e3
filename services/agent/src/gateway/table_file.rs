//! The routing table on disk: replaced by a rename, so that a reader finds the old one or the new one, whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::table::Table;

/// Why the table on disk was not read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file system said no.
    #[error("routing table {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// It is no table.
    #[error("{} is no routing table", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The writer was lost.
    #[error("the routing table's writer ended")]
    Writer,
}

/// The table at `path`; none when there is no file.
///
/// # Errors
/// An unreadable file, or one that is no table.
pub fn load(path: &Path) -> Result<Option<Table>, FileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(FileError::Io { path: path.to_owned(), source }),
    };
    let table = serde_json::from_slice(&bytes);
    table.map(Some).map_err(|source| FileError::Content { path: path.to_owned(), source })
}

/// Replaces the table at `path`; it is on the disk when this returns.
///
/// # Errors
/// The file system's.
pub async fn save(path: &Path, table: &Table) -> Result<(), FileError> {
    let path = path.to_owned();
    let bytes =
        serde_json::to_vec(table).map_err(|source| FileError::Content { path: path.clone(), source })?;
    let write = move || replace(&path, &bytes).map_err(|source| FileError::Io { path, source });
    tokio::task::spawn_blocking(write).await.map_err(|_| FileError::Writer)?
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = File::create(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    // the rename itself is only durable when the directory is
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
