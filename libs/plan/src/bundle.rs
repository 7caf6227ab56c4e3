//! The immutable bundle that a release hands in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Pinned,
    digest::{canonical, sha256},
};

/// How the change came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeType {
    /// Agreed on beforehand, done often.
    Standard,
    /// The usual kind.
    #[default]
    Normal,
    /// Something is broken and this mends it.
    Emergency,
}

/// What is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// For people; may be empty.
    pub name: String,
    /// sha256 of the content; empty when unknown.
    pub digest: String,
    /// Where it is; `None`: the application's command names a program on the machine.
    pub source: Option<ArtifactSource>,
}

/// Where an artifact is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ArtifactSource {
    /// A file on the platform's machine.
    Path(String),
    /// Uploaded under its digest.
    Uploaded,
    /// An image.
    Image(String),
}

/// A change of the application's data that goes with the release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// Its name.
    pub id: String,
    /// Whether it can be undone without loss.
    pub reversible: bool,
    /// What it does, and how it is undone or what is done instead; may be empty.
    pub description: String,
}

/// A commit that is in the release and was not in the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The revision.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// When; starts the lead time.
    pub time: Option<Timestamp>,
}

/// Everything that is released together and taken back together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// The version as people call it, e.g. `1.4.2`.
    pub version: String,
    /// What is to run.
    pub artifact: Artifact,
    /// Configuration as environment variables, on top of the application's own.
    pub configuration: BTreeMap<String, String>,
    /// Changes of data.
    pub migrations: Vec<Migration>,
    /// For people.
    pub notes: String,
    /// For the lead time and the size of the change.
    pub commits: Vec<Commit>,
    /// How it came about.
    pub change_type: ChangeType,
    /// The artifact's package URL; empty when unknown.
    #[serde(default)]
    pub purl: String,
    /// A strategy for this release alone, in its contract's JSON form; null: none.
    #[serde(default)]
    pub strategy: Pinned,
    /// Start although what serves is unhealthy.
    #[serde(default)]
    pub allow_unhealthy_stable: bool,
}

// === impl Bundle ===

impl Bundle {
    /// The bundle's identity: `sha256:<hex>` over artifact, configuration and migrations. The version's name, notes and
    /// commits are not part of it: equal identities run the same thing.
    pub fn identity(&self) -> String {
        let Artifact { digest, source, .. } = &self.artifact;
        // content decides where it is known, wherever it lies
        let artifact = (digest, source.as_ref().filter(|_| digest.is_empty()));
        sha256(&canonical(&(artifact, &self.configuration, &self.migrations)))
    }

    /// Migrations that cannot be undone.
    pub fn irreversible(&self) -> impl Iterator<Item = &Migration> {
        self.migrations.iter().filter(|migration| !migration.reversible)
    }
}
