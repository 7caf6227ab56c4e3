//! What is known of an uploaded artifact.

use std::{collections::BTreeMap, path::PathBuf};

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};

/// What an artifact's bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One file that can be run.
    #[default]
    Executable,
    /// A gzipped tar archive.
    TarGz,
}

/// An uploaded artifact, as it lies on disk beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// sha256 in hex of what was uploaded.
    pub digest: String,
    /// What it is.
    pub format: Format,
    /// What is run of it, relative to its directory.
    pub entry_point: PathBuf,
    /// Every file of it with its sha256, relative to its directory.
    pub files: BTreeMap<PathBuf, String>,
    /// The targets that it was uploaded for, and when last.
    pub targets: BTreeMap<String, Timestamp>,
}
