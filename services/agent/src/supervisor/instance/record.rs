//! What is written down of an instance, before it is used.

use std::path::{Path, PathBuf};

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    durable::{self, FileError},
    supervisor::{process::Identity, wish::Spec},
};

/// An instance, as it lies on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// The target.
    pub target: String,
    /// The fleet.
    pub fleet: String,
    /// What it runs.
    pub spec: Spec,
    /// Where it listens, on the loopback address.
    pub port: u16,
    /// Its process. Written right after the start; an instance whose supervisor died in between is found by its
    /// environment.
    pub process: Option<Identity>,
    /// When it was started last.
    pub started: Option<Timestamp>,
    /// How often it ended by itself and was started again.
    pub restarts: u32,
    /// How it last ended by itself.
    pub last_exit: Option<LastExit>,
}

/// How an instance ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its last lines.
    pub log_tail: Vec<String>,
    /// When.
    pub time: Option<Timestamp>,
}

// === impl Record ===

impl Record {
    /// Its file.
    pub fn path(directory: &Path, id: Uuid) -> PathBuf {
        directory.join(format!("{id}.json"))
    }

    /// Writes it down.
    ///
    /// # Errors
    /// The file system's.
    pub async fn save(&self, directory: &Path) -> Result<(), FileError> {
        durable::save(&Self::path(directory, self.id), self).await
    }
}
