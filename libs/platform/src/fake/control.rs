//! What a test does with the fake.

use std::time::Duration;

use bellwether_rollout::{FleetId, InstanceId, Problem, Split};

use super::{Behaviour, Fake, Stats};
use crate::Capabilities;

/// The hands of a test, or of the person who changes things on the platform.
#[derive(Clone)]
pub struct Control(Fake);

// === impl Control ===

impl Control {
    pub(super) const fn new(fake: Fake) -> Self {
        Self(fake)
    }

    /// What instances do that no version says otherwise for.
    pub fn default_behaviour(&self, behaviour: Behaviour) {
        self.0.lock().default = behaviour;
    }

    /// What new instances of a version do.
    pub fn behaviour(&self, version: &str, behaviour: Behaviour) {
        self.0.lock().by_version.insert(version.into(), behaviour);
    }

    /// What it says it can do.
    pub fn capabilities(&self, capabilities: Capabilities) {
        self.0.lock().capabilities = capabilities;
    }

    /// Every call fails with UNAVAILABLE, until `None`.
    pub fn unavailable(&self, why: Option<&str>) {
        self.0.lock().unavailable = why.map(Into::into);
        for entry in self.0.lock().targets.values() {
            entry.changed.send_modify(|version| *version += 1);
        }
    }

    /// The router refuses every other split, until `None`.
    pub fn refuse_routes(&self, target: &str, why: Option<&str>) {
        self.0.with(target, |it, _| it.refuses_routes = why.map(Into::into));
    }

    /// Instances do not stop.
    pub fn keep_instances(&self, target: &str, keep: bool) {
        self.0.with(target, |it, _| it.keeps_instances = keep);
    }

    /// Exactly these stand in the way, until other ones do.
    pub fn problems(&self, target: &str, problems: Vec<Problem>) {
        self.0.with(target, |it, _| it.problems = problems);
    }

    /// So many connections to a fleet do not end by themselves.
    pub fn cling(&self, target: &str, fleet: FleetId, connections: u64) {
        self.0.with(target, |it, _| it.clinging.insert(fleet, connections));
    }

    /// Exactly `count` instances of a fleet are ready.
    pub fn set_ready(&self, target: &str, fleet: FleetId, count: usize) {
        self.0.with(target, |it, _| {
            for (index, it) in it.instances.values_mut().filter(|it| it.fleet == fleet).enumerate() {
                it.ready = index < count;
            }
        });
    }

    /// One instance of a fleet ends by itself and is started again.
    pub fn crash(&self, target: &str, fleet: FleetId, code: i32) {
        let one = self.instances(target, fleet).first().copied();
        one.into_iter().for_each(|id| self.crash_instance(target, id, code));
    }

    /// This instance ends by itself and is started again.
    pub fn crash_instance(&self, target: &str, instance: InstanceId, code: i32) {
        self.0.with(target, |it, _| it.crash(instance, code));
        self.0.animate(target, instance);
    }

    /// A person removes an instance; nobody replaces it until the next converge.
    pub fn remove_by_hand(&self, target: &str, id: InstanceId) {
        self.0.with(target, |it, _| it.instances.remove(&id));
    }

    /// A person starts an instance of a fleet.
    pub fn start_by_hand(&self, target: &str, fleet: FleetId) -> InstanceId {
        self.0.with(target, |it, env| it.start(fleet, env))
    }

    /// A person changes the route.
    pub fn route_by_hand(&self, target: &str, split: Split) {
        self.0.with(target, |it, _| it.split = split);
    }

    /// The instances of a fleet.
    pub fn instances(&self, target: &str, fleet: FleetId) -> Vec<InstanceId> {
        self.0
            .see(target, |it| it.instances.values().filter(|it| it.fleet == fleet).map(|it| it.id).collect())
    }

    /// How many of them are ready.
    pub fn ready(&self, target: &str, fleet: FleetId) -> usize {
        self.0.see(target, |it| it.ready(fleet))
    }

    /// The split in force.
    pub fn split(&self, target: &str) -> Split {
        self.0.see(target, |it| it.split.clone())
    }

    /// What has happened so far.
    pub fn stats(&self, target: &str) -> Stats {
        self.0.see(target, |it| it.stats.clone())
    }

    /// Waits until something is true of a target; false when it is not within `limit`.
    pub async fn eventually(&self, target: &str, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let mut changes = self.0.lock().targets.entry(target.into()).or_default().changed.subscribe();
        let wait = async {
            while !holds(self) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }
}
