//! What an instance runs.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FleetId, Percent};

/// Everything that decides what an instance is: a release's artifact, configuration and migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FleetSpec {
    /// What is run.
    pub artifact: Artifact,
    /// The program: relative to the unpacked artifact, or absolute; empty: the artifact itself.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, beside what the platform adds.
    pub env: BTreeMap<String, String>,
    /// When an instance may get traffic; none: as soon as it runs.
    pub ready: Option<Check>,
    /// When an instance must be replaced; none: when its process ends.
    pub live: Option<Check>,
    /// What it may use.
    pub resources: Resources,
    /// From SIGTERM to SIGKILL; zero means 10 s.
    pub stop_grace: Duration,
    /// Digest of the configuration that does not appear above.
    pub configuration_digest: String,
    /// Digest of the migrations that belong to it.
    pub migrations_digest: String,
}

/// A built thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Its version, as people say it.
    pub version: String,
    /// `sha256:<hex>` of its bytes; what runs is what was approved.
    pub digest: String,
    /// Where the platform gets it.
    pub source: ArtifactSource,
}

/// Where an artifact comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ArtifactSource {
    /// Uploaded to the platform before, found by its digest.
    #[default]
    Uploaded,
    /// A file or directory on the platform's host.
    Path(String),
    /// An image reference.
    Image(String),
}

/// How to ask an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What is asked.
    pub probe: Probe,
    /// Time between two questions.
    #[serde(default = "Check::second")]
    pub interval: Duration,
    /// How long an answer may take.
    #[serde(default = "Check::second")]
    pub timeout: Duration,
    /// Failures in a row that turn it; at least 1.
    #[serde(default = "Check::three")]
    pub failures: u32,
    /// Successes in a row that turn it back; at least 1.
    #[serde(default = "Check::one")]
    pub successes: u32,
}

/// The question of a [`Check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Probe {
    /// GET `path` on the named port answers 2xx or 3xx.
    Http {
        /// The port's name; empty: the first.
        port: String,
        /// The path with query.
        path: String,
    },
    /// The named port accepts a connection.
    Tcp {
        /// The port's name; empty: the first.
        port: String,
    },
    /// `grpc.health.v1` on the named port says SERVING.
    Grpc {
        /// The port's name; empty: the first.
        port: String,
        /// The service asked for; empty: the server as a whole.
        service: String,
    },
}

/// Limits of one instance; 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// CPU in thousandths of a core.
    pub cpu_millis: u32,
    /// Open files.
    pub open_files: u64,
}

/// A fleet as the executor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// The rollout that created it.
    pub id: FleetId,
    /// What its instances run.
    pub spec: FleetSpec,
    /// How many instances are wanted.
    pub size: Size,
}

/// How many instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Size {
    /// That many, at most n.
    Count(u32),
    /// That part of n, rounded up; follows n when it changes.
    Percent(Percent),
    /// As many as the fleet's share of traffic needs.
    MatchWeight,
    /// What that part of n leaves; follows n when it changes.
    Rest(Percent),
}

// === impl FleetSpec ===

impl FleetSpec {
    /// sha256 over everything that makes this release what it is (where the bytes are fetched from does not):
    /// equal identities are the same release.
    pub fn identity(&self) -> String {
        let mut spec = self.clone();
        if !spec.artifact.digest.is_empty() {
            spec.artifact.source = ArtifactSource::Uploaded;
        }
        // serialising plain data with ordered maps into memory has no way to fail
        let bytes = serde_json::to_vec(&spec).unwrap_or_default();
        hex::encode(Sha256::digest(bytes))
    }

    /// The time from SIGTERM to SIGKILL.
    pub fn grace(&self) -> Duration {
        if self.stop_grace.is_zero() { Duration::from_secs(10) } else { self.stop_grace }
    }
}

// === impl Check ===

impl Check {
    const fn second() -> Duration {
        Duration::from_secs(1)
    }

    const fn three() -> u32 {
        3
    }

    const fn one() -> u32 {
        1
    }

    /// Asks `probe` every second.
    pub const fn new(probe: Probe) -> Self {
        Self {
            probe,
            interval: Self::second(),
            timeout: Self::second(),
            failures: Self::three(),
            successes: Self::one(),
        }
    }
}

// === impl Size ===

impl Size {
    /// All of n.
    pub const FULL: Self = Self::Percent(Percent::FULL);
    /// None.
    pub const NONE: Self = Self::Count(0);

    /// The number of instances at `n`, with `weight` as the fleet's share of traffic.
    pub fn count(self, n: u32, weight: Percent) -> u32 {
        match self {
            Self::Count(count) => count.min(n),
            Self::Percent(percent) => percent.of(n),
            Self::MatchWeight => weight.of(n),
            Self::Rest(percent) => n - percent.of(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_what_runs_not_where_it_came_from() {
        let mut spec = FleetSpec::default();
        spec.artifact.digest = "sha256:aa".into();
        let first = spec.identity();
        spec.artifact.source = ArtifactSource::Path("/srv/shop".into());
        assert_eq!(spec.identity(), first);
        spec.configuration_digest = "other".into();
        assert_ne!(spec.identity(), first);
    }
}
