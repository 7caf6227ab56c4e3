//! What a driver implements.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use bellwether_rollout::{Desired, Drained, FleetId, Instance, Problem, Split};
use futures::stream::BoxStream;

use crate::{Capabilities, Fence, Result};

/// What a watch yields: the present first, then each change; an error when it could not be seen. Changes that
/// follow each other quickly may be joined, the last one never gets lost. Ends only with the driver.
pub type Watch<T> = BoxStream<'static, Result<T>>;

/// Runs instances.
///
/// # Guarantees that every driver gives
/// - `converge` is idempotent and returns when the wish is accepted and durable, not when instances are ready.
/// - Instances carry their fleet id and are never given to another fleet.
/// - Fleets of the target that are not wanted are stopped. Of a fleet with too many instances those that are not
///   ready are stopped first.
/// - Instances that die are replaced, with `restarts` counting on.
/// - With `fenced`: a lower fence is refused, durably, and the first journal obeyed owns the target.
#[async_trait]
pub trait Platform: Send + Sync + 'static {
    /// What it can do.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    async fn capabilities(&self) -> Result<Capabilities>;

    /// Makes the target's instances as `desired` says. The split is the router's.
    ///
    /// # Errors
    /// Any [`crate::Error`].
    async fn converge(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()>;

    /// What runs. A target that was never heard of has no instances and generation 0.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    async fn observe(&self, target: &str) -> Result<PlatformObserved>;

    /// What runs, now and with each change.
    fn watch(&self, target: &str) -> Watch<PlatformObserved>;

    /// A person takes the target over: until `hand_back`, `converge` (and, where the driver is a router too,
    /// `route`) is refused, durably. Works without an executor.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    async fn take_over(&self, target: &str, reason: &str) -> Result<()>;

    /// Ends it.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    async fn hand_back(&self, target: &str) -> Result<()>;
}

/// Moves traffic.
///
/// # Guarantees that every driver gives
/// - `route` is atomic (no request sees half of a split) and idempotent, and returns when the split is in force.
/// - Traffic within a fleet goes to ready instances only; a fleet without any is answered with 503.
/// - `observe` reads the split back from the router itself; it does not remember it.
/// - With `fenced`: a lower fence is refused.
#[async_trait]
pub trait Router: Send + Sync + 'static {
    /// What it can do.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    async fn capabilities(&self) -> Result<Capabilities>;

    /// Makes the split of `desired` the one in force, under its `route_revision`.
    ///
    /// # Errors
    /// Any [`crate::Error`].
    async fn route(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()>;

    /// The split as it is in force.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    async fn observe(&self, target: &str) -> Result<RouterObserved>;

    /// The split as it is in force, now and with each change.
    fn watch(&self, target: &str) -> Watch<RouterObserved>;

    /// Lets open connections to a fleet that gets no traffic end; closes them properly after `left` and counts
    /// them as cut. Idempotent; returns at once.
    ///
    /// # Errors
    /// Any [`crate::Error`].
    async fn drain(&self, target: &str, fleet: FleetId, left: Duration, fence: Fence) -> Result<()>;
}

/// What a platform sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformObserved {
    /// The generation that was last obeyed.
    pub generation: u64,
    /// Every instance of the target.
    pub instances: Vec<Instance>,
    /// The reason of a take-over.
    pub taken_over: Option<String>,
    /// What keeps it from what it was asked for: each until it is gone.
    pub problems: Vec<Problem>,
}

/// What a router sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouterObserved {
    /// The generation that was last obeyed; none: the router keeps no such number, and the driver remembers none.
    pub generation: Option<u64>,
    /// The split in force; none: it cannot be read.
    pub split: Option<Split>,
    /// Its revision, where the router keeps it.
    pub route_revision: Option<u64>,
    /// Fleets that are drained.
    pub drained: BTreeMap<FleetId, Drained>,
    /// What keeps it from what it was asked for: each until it is gone. A driver that is both tells each problem on one
    /// side only.
    pub problems: Vec<Problem>,
}
