//! What a platform and a router are told, and what they answer.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FleetId, FleetSpec, InstanceId, Problem, Split, TargetSpec};

/// All that should be on a target. What carries the target's label and is not in it is drained and removed.
/// Safe to apply alone, and to repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The stream version at which this was first wanted; rises with each change.
    pub generation: u64,
    /// Ports, ingress, configuration.
    pub target: TargetSpec,
    /// Every fleet.
    pub fleets: Vec<DesiredFleet>,
    /// Who gets traffic.
    pub split: Split,
    /// Rises with each change of `split`; samples are counted under it.
    pub route_revision: u64,
    /// Fleets that get no new requests, and how long their open ones may still take.
    pub drains: Vec<DesiredDrain>,
    /// The fleet that is trusted: a person who takes the target over on the platform itself routes to it.
    #[serde(default)]
    pub stable: Option<FleetId>,
    /// Requests that the router counts on their own, while a rollout asks for them. The shell adds them: the core decides
    /// nothing by them.
    #[serde(default)]
    pub journeys: Vec<Journey>,
    /// Nothing may be converged: a person has taken the target over or contests it.
    pub hands_off: bool,
}

/// Requests that belong together for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// Its id in the health policy.
    pub id: String,
    /// The path starts with this.
    pub path_prefix: String,
    /// The HTTP method; empty: any.
    pub method: String,
}

/// A fleet that should exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredFleet {
    /// Its id.
    pub id: FleetId,
    /// sha256 of the spec.
    pub spec_digest: String,
    /// What its instances run.
    pub spec: FleetSpec,
    /// How many instances.
    pub count: u32,
}

/// A fleet that is being drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredDrain {
    /// Its id.
    pub fleet: FleetId,
    /// When open connections are closed properly.
    pub until: Timestamp,
    /// The same as a span from now; zero when over.
    pub left: Duration,
}

/// What is on a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// The generation of the last desired state that was applied, by platform and router both.
    pub generation: u64,
    /// Every instance that carries the target's label.
    pub instances: Vec<Instance>,
    /// The split as read back from the router; none: it could not be read.
    pub split: Option<Split>,
    /// The route revision as read back, where the router keeps it.
    pub route_revision: Option<u64>,
    /// Fleets whose last connection has ended.
    pub drained: BTreeMap<FleetId, Drained>,
    /// A person has taken the target over on the platform itself, with the reason given there.
    pub taken_over: Option<String>,
    /// What keeps the platform or the router from what they were asked for.
    pub problems: Vec<Problem>,
}

/// An instance as the platform sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its fleet.
    pub fleet: FleetId,
    /// Whether it may get traffic.
    pub ready: bool,
    /// Whether it has been told to stop.
    #[serde(default)]
    pub stopping: bool,
    /// How often it ended by itself and was started again.
    #[serde(default)]
    pub restarts: u32,
    /// How it last ended by itself.
    #[serde(default)]
    pub last_exit: Option<Exit>,
    /// Where its log is (for TailLogs); empty: nowhere.
    #[serde(default)]
    pub log: String,
    /// Where it listens, `host:port`; empty: not known, or nowhere.
    #[serde(default)]
    pub address: String,
    /// When it was started last, where the platform tells.
    #[serde(default)]
    pub start_time: Option<Timestamp>,
}

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; none: ended by a signal.
    #[serde(default)]
    pub code: Option<i32>,
    /// Signal number.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Up to 200 last log lines.
    #[serde(default)]
    pub log_tail: Vec<String>,
}

/// The end of a drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Connections that were closed because the time was over.
    #[serde(default)]
    pub cut_by_drain: u64,
}

// === impl Desired ===

impl Desired {
    /// The wanted count of a fleet; 0 when it should not exist.
    pub fn count(&self, fleet: FleetId) -> u32 {
        self.fleets.iter().find(|it| it.id == fleet).map_or(0, |it| it.count)
    }

    /// Whether this and `other` want the same; generation and remaining time apart.
    pub fn same_as(&self, other: &Self) -> bool {
        let bare = |desired: &Self| {
            let mut bare = desired.clone();
            bare.generation = 0;
            bare.drains.iter_mut().for_each(|drain| drain.left = Duration::ZERO);
            bare
        };
        bare(self) == bare(other)
    }
}

// === impl Observed ===

impl Observed {
    /// Instances of a fleet that may get traffic.
    pub fn ready(&self, fleet: FleetId) -> u32 {
        self.count(|it| it.fleet == fleet && it.ready && !it.stopping)
    }

    /// Instances of a fleet, stopping ones too.
    pub fn existing(&self, fleet: FleetId) -> u32 {
        self.count(|it| it.fleet == fleet)
    }

    fn count(&self, which: impl Fn(&Instance) -> bool) -> u32 {
        self.instances.iter().filter(|it| which(it)).count().try_into().unwrap_or(u32::MAX)
    }
}
