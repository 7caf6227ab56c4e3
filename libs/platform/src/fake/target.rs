//! One target in memory.

use std::collections::BTreeMap;

use bellwether_clock::Env;
use bellwether_rollout::{Desired, Drained, Exit, FleetId, Instance, InstanceId, Problem, Split};

use super::{Stats, Unready};
use crate::{Error, Fence, PlatformObserved, Result, RouterObserved};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Target {
    pub(super) fence: Option<Fence>,
    pub(super) taken_over: Option<String>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    /// The version that a fleet runs.
    pub(super) versions: BTreeMap<FleetId, String>,
    pub(super) split: Split,
    pub(super) route_revision: u64,
    pub(super) converged: u64,
    pub(super) routed: u64,
    pub(super) drained: BTreeMap<FleetId, Drained>,
    /// Fleets whose connections do not end by themselves.
    pub(super) clinging: BTreeMap<FleetId, u64>,
    pub(super) refuses_routes: Option<String>,
    pub(super) keeps_instances: bool,
    pub(super) problems: Vec<Problem>,
    pub(super) stats: Stats,
}

// === impl Target ===

impl Target {
    /// Obeys a fence, or refuses.
    pub(super) fn admit(&mut self, fence: Fence) -> Result<()> {
        match fence.over(self.fence) {
            Ok(fence) => self.fence = Some(fence),
            Err(error) => {
                self.stats.fenced += 1;
                return Err(error);
            }
        }
        if let Some(reason) = &self.taken_over {
            return Err(Error::TakenOver { reason: reason.clone() });
        }
        self.stats.obeyed += 1;
        Ok(())
    }

    /// Makes the instances as wanted; the new ones.
    pub(super) fn converge(&mut self, desired: &Desired, env: &Env) -> Vec<InstanceId> {
        let unwanted: Vec<_> = self.versions.keys().copied().filter(|it| desired.count(*it) == 0).collect();
        for fleet in unwanted {
            self.scale(fleet, 0, env);
        }
        let mut new = Vec::new();
        for fleet in &desired.fleets {
            self.versions.insert(fleet.id, fleet.spec.artifact.version.clone());
            new.extend(self.scale(fleet.id, fleet.count as usize, env));
        }
        self.versions.retain(|id, _| desired.fleets.iter().any(|it| it.id == *id));
        self.drained.retain(|id, _| desired.drains.iter().any(|it| it.fleet == *id));
        self.converged = desired.generation;
        new
    }

    /// Those that are not ready go first.
    fn scale(&mut self, fleet: FleetId, count: usize, env: &Env) -> Vec<InstanceId> {
        let mut ids: Vec<_> =
            self.instances.values().filter(|it| it.fleet == fleet).map(|it| (it.ready, it.id)).collect();
        ids.sort_unstable();
        if !self.keeps_instances {
            for (_, id) in ids.iter().take(ids.len().saturating_sub(count)) {
                self.instances.remove(id);
            }
        }
        (ids.len()..count).map(|_| self.start(fleet, env)).collect()
    }

    pub(super) fn start(&mut self, fleet: FleetId, env: &Env) -> InstanceId {
        let id = InstanceId(env.uuid());
        let instance = Instance {
            id,
            fleet,
            ready: false,
            stopping: false,
            restarts: 0,
            last_exit: None,
            log: id.to_string(),
            address: String::new(),
            start_time: Some(env.now()),
        };
        self.instances.insert(id, instance);
        self.stats.started.entry(fleet).or_default().push(id);
        id
    }

    pub(super) fn route(&mut self, desired: &Desired) -> Result<()> {
        if self.split != desired.split {
            if let Some(why) = &self.refuses_routes {
                return Err(Error::Rejected { driver: "fake".into(), why: why.clone() });
            }
            self.split = desired.split.clone();
            self.stats.splits.push(desired.split.clone());
        }
        self.route_revision = desired.route_revision;
        self.routed = desired.generation;
        Ok(())
    }

    pub(super) fn drain(&mut self, fleet: FleetId, over: bool) {
        let open = self.clinging.get(&fleet).copied().unwrap_or(0);
        if open == 0 || over {
            self.clinging.remove(&fleet);
            self.drained.entry(fleet).or_insert(Drained { cut_by_drain: open });
        }
    }

    /// Ends by itself and is started again.
    pub(super) fn crash(&mut self, id: InstanceId, code: i32) {
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.ready = false;
            instance.restarts += 1;
            let log_tail = vec![format!("instance {id} ended with {code}")];
            instance.last_exit = Some(Exit { code: Some(code), signal: None, log_tail });
        }
    }

    pub(super) fn ready(&self, fleet: FleetId) -> usize {
        self.instances.values().filter(|it| it.fleet == fleet && it.ready).count()
    }

    /// Keeps the statistics.
    pub(super) fn note(&mut self) {
        let ready = self.instances.values().filter(|it| it.ready).count();
        self.stats.peak_instances = self.stats.peak_instances.max(self.instances.len());
        if ready > 0 || self.stats.least_ready.is_some() {
            self.stats.least_ready = Some(self.stats.least_ready.map_or(ready, |least| least.min(ready)));
        }
        let unready: Vec<_> = self
            .split
            .shares
            .iter()
            .filter(|(fleet, _)| self.ready(**fleet) == 0)
            .map(|(fleet, share)| Unready { fleet: *fleet, share: *share })
            .filter(|it| !self.stats.served_unready.contains(it))
            .collect();
        self.stats.served_unready.extend(unready);
    }

    pub(super) fn platform(&self) -> PlatformObserved {
        PlatformObserved {
            generation: self.converged,
            instances: self.instances.values().cloned().collect(),
            taken_over: self.taken_over.clone(),
            problems: self.problems.clone(),
        }
    }

    pub(super) fn router(&self) -> RouterObserved {
        RouterObserved {
            generation: Some(self.routed),
            split: Some(self.split.clone()),
            route_revision: Some(self.route_revision),
            drained: self.drained.clone(),
            problems: Vec::new(),
        }
    }
}
