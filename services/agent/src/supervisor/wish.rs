//! What the executor wishes a target to be, as it lies on disk.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gateway::{Affinity, ErrorRules, Ingress, Journey, Mirror, PreviewBy, Protocol, Rule, Share};

/// Everything that a target should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Every fleet that should exist.
    pub fleets: Vec<FleetWish>,
    /// Where users reach it.
    pub ingress: Vec<Ingress>,
    /// By what the previewed fleet is reached; none: not at all.
    pub preview: Option<PreviewBy>,
    /// The traffic.
    pub route: RouteWish,
    /// Fleets that get no new request, and when what is open on them is cut.
    pub drains: BTreeMap<String, Timestamp>,
    /// Requests that are counted on their own.
    pub journeys: Vec<Journey>,
    /// What counts as an error beside those that always do.
    #[serde(default)]
    pub errors: ErrorRules,
    /// The fleet that is trusted, where the executor has said so.
    pub stable: Option<String>,
}

/// A fleet that should exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetWish {
    /// Its id.
    pub id: String,
    /// What it runs.
    pub spec: Spec,
    /// How many instances.
    pub count: usize,
}

/// The traffic that should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteWish {
    /// Its revision.
    pub revision: u64,
    /// Shares by fleet; empty: none gets any.
    pub split: Vec<Share>,
    /// Asked before the split.
    pub rules: Vec<Rule>,
    /// Copies to one fleet.
    pub mirror: Option<Mirror>,
    /// Keeps a client on the fleet that it got.
    pub affinity: Option<Affinity>,
    /// The fleet behind the preview.
    pub preview: Option<String>,
}

/// What the instances of a fleet run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The version that people know.
    pub version: String,
    /// What is run; none: the command names a program of the host.
    pub artifact: Option<Artifact>,
    /// The command line; `{artifact}` and `{port}` are replaced. Empty: the artifact itself.
    pub command: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// When an instance may get traffic.
    pub ready: Check,
    /// When an instance must be replaced; none: when its process ends.
    pub live: Option<Check>,
    /// From SIGTERM to SIGKILL.
    pub stop_grace: Duration,
    /// What an instance may use.
    pub limits: Limits,
    /// What the instances speak.
    #[serde(default)]
    pub protocol: Protocol,
}

/// A thing that can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// sha256 in hex; empty: nobody has pinned it.
    pub digest: String,
    /// A file of the host; none: it was uploaded.
    pub path: Option<PathBuf>,
}

/// A question that an instance answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What is asked.
    pub probe: Probe,
    /// Time between questions.
    pub interval: Duration,
    /// An answer later than this is no.
    pub timeout: Duration,
    /// This many in a row make yes.
    pub successes: u32,
    /// This many in a row make no.
    pub failures: u32,
}

/// What a check asks, on the instance's port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Whether it accepts a connection.
    #[default]
    Tcp,
    /// Whether GET of this path answers 200–399.
    Http(String),
}

/// What an instance may use; 0: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Cores.
    pub cpu_cores: f64,
    /// Open files.
    pub open_files: u64,
}

// === impl Wish ===

impl Wish {
    /// The fleet with this id.
    pub fn fleet(&self, id: &str) -> Option<&FleetWish> {
        self.fleets.iter().find(|fleet| fleet.id == id)
    }
}

// === impl Check ===

impl Default for Check {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { probe: Probe::Tcp, interval: second, timeout: second, successes: 1, failures: 3 }
    }
}
