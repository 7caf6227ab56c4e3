//! What a test looks at afterwards.

use std::collections::BTreeMap;

use bellwether_rollout::{FleetId, InstanceId, Percent, Split};

/// What has happened on a target so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The most instances at a time.
    pub peak_instances: usize,
    /// The fewest ready instances at a time since the first became ready.
    pub least_ready: Option<usize>,
    /// Fleets that got traffic without a ready instance.
    pub served_unready: Vec<Unready>,
    /// Every split that was in force, oldest first.
    pub splits: Vec<Split>,
    /// Instances ever started, by fleet.
    pub started: BTreeMap<FleetId, Vec<InstanceId>>,
    /// Calls of `converge` and `route` that were obeyed.
    pub obeyed: u64,
    /// Calls that a fence refused.
    pub fenced: u64,
}

/// A fleet that got traffic without a ready instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unready {
    /// The fleet.
    pub fleet: FleetId,
    /// Its share then.
    pub share: Percent,
}
