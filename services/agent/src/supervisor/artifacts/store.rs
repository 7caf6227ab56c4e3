//! Uploaded artifacts by digest: a directory each, with its bytes and what is known of them.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{digest, meta::Meta};
use crate::durable::{self, FileError};

/// As many are kept for each target, beside those in use.
const KEEP: usize = 3;

/// All uploaded artifacts.
#[derive(Clone, Debug)]
pub struct Artifacts {
    directory: PathBuf,
}

/// Why an artifact is not to be had, or was not stored.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It was never uploaded, or is no longer kept.
    #[error("no artifact {0} is stored")]
    Missing(String),
    /// Its bytes on disk are no longer what was uploaded.
    #[error("{} is not what was uploaded", .0.display())]
    Changed(PathBuf),
    /// The header makes no sense.
    #[error("{0}")]
    Header(String),
    /// The bytes are not what the header says.
    #[error("the bytes are {found}, the header says {wanted}")]
    Mismatch {
        /// What they are.
        found: String,
        /// What the header says.
        wanted: String,
    },
    /// The archive is one that must not be unpacked.
    #[error("the archive is refused: {0}")]
    Archive(String),
    /// The file system said no.
    #[error("artifacts cannot be stored")]
    Io(#[from] io::Error),
    /// A file about it cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

// === impl Artifacts ===

impl Artifacts {
    /// Below this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where an artifact's files are.
    pub(super) fn place(&self, digest: &str) -> PathBuf {
        self.directory.join(digest)
    }

    /// Where uploads lie until they are complete.
    pub(super) fn incoming(&self) -> PathBuf {
        self.directory.join("incoming")
    }

    /// What is known of an artifact.
    pub(super) fn meta(&self, digest: &str) -> Result<Meta, StoreError> {
        let missing = || StoreError::Missing(digest.to_owned());
        if !digest::is_digest(digest) {
            return Err(missing());
        }
        durable::load(&self.place(digest).join("meta.json"))?.ok_or_else(missing)
    }

    /// The path to run, after every file of the artifact was found to be as uploaded.
    ///
    /// # Errors
    /// It is missing, or was changed.
    pub fn check(&self, digest: &str) -> Result<PathBuf, StoreError> {
        let (meta, place) = (self.meta(digest)?, self.place(digest));
        for (file, wanted) in &meta.files {
            let path = place.join(file);
            if digest::of_file(&path)? != *wanted {
                return Err(StoreError::Changed(path));
            }
        }
        Ok(place.join(meta.entry_point))
    }

    /// Removes what is neither in use nor among the last of any target, and what uploads have left behind.
    ///
    /// # Errors
    /// The file system's.
    pub fn prune(&self, in_use: &BTreeSet<String>) -> Result<(), StoreError> {
        let metas = self.all()?;
        let targets: BTreeSet<&String> = metas.iter().flat_map(|meta| meta.targets.keys()).collect();
        let mut keep = in_use.clone();
        for target in targets {
            let mut of_target: Vec<_> =
                metas.iter().filter_map(|meta| Some((meta.targets.get(target)?, &meta.digest))).collect();
            of_target.sort_by(|a, b| b.cmp(a));
            keep.extend(of_target.into_iter().take(KEEP).map(|(_, digest)| digest.clone()));
        }
        for meta in metas.iter().filter(|meta| !keep.contains(&meta.digest)) {
            fs::remove_dir_all(self.place(&meta.digest))?;
        }
        Ok(())
    }

    fn all(&self) -> Result<Vec<Meta>, StoreError> {
        fs::create_dir_all(&self.directory)?;
        let mut metas = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let Some(digest) = name.to_str().filter(|name| digest::is_digest(name)) else {
                continue;
            };
            metas.push(self.meta(digest)?);
        }
        Ok(metas)
    }
}

/// Every file below a directory with its sha256, by its path relative to `root`.
pub(super) fn manifest(root: &Path, below: &Path, meta: &mut Meta) -> io::Result<()> {
    for entry in fs::read_dir(below)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            manifest(root, &path, meta)?;
        } else if kind.is_file() {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
            meta.files.insert(relative, digest::of_file(&path)?);
        }
    }
    Ok(())
}
