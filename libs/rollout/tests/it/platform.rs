//! A platform and router in memory, with hand-driven readiness.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bellwether_rollout::{
    Desired, Drained, Exit, FleetId, Instance, InstanceId, Observed, Problem, Split, after,
};
use jiff::Timestamp;
use uuid::Uuid;

/// One instance.
pub struct Running {
    pub seen: Instance,
    pub started: Timestamp,
}

pub struct Platform {
    /// Time until an instance is ready; none: by hand.
    pub ready_after: Option<Duration>,
    /// Fleets whose instances never become ready by themselves.
    pub broken: BTreeSet<FleetId>,
    /// The router refuses every split.
    pub refuses: bool,
    /// Instances do not stop.
    pub stuck: bool,
    /// Connections never end by themselves.
    pub clinging: bool,
    /// Nothing is applied any more.
    pub frozen: bool,
    pub instances: BTreeMap<InstanceId, Running>,
    pub split: Split,
    pub generation: u64,
    pub drained: BTreeMap<FleetId, Drained>,
    pub taken_over: Option<String>,
    pub problems: Vec<Problem>,
    /// Ever started, by fleet.
    pub started: BTreeMap<FleetId, u32>,
    pub peak: usize,
    /// Every split that was applied.
    pub splits: Vec<Split>,
    next_id: u128,
}

impl Platform {
    pub fn new() -> Self {
        Self {
            ready_after: Some(Duration::from_secs(1)),
            broken: BTreeSet::new(),
            refuses: false,
            stuck: false,
            clinging: false,
            frozen: false,
            instances: BTreeMap::new(),
            split: Split::default(),
            generation: 0,
            drained: BTreeMap::new(),
            taken_over: None,
            problems: vec![],
            started: BTreeMap::new(),
            peak: 0,
            splits: vec![],
            next_id: 1,
        }
    }

    /// Applies what is wanted; false: the router has refused.
    pub fn apply(&mut self, desired: &Desired, now: Timestamp) -> bool {
        if desired.hands_off || self.frozen || self.taken_over.is_some() {
            return true;
        }
        let fleets: BTreeSet<_> = self.instances.values().map(|it| it.seen.fleet).collect();
        for fleet in fleets.into_iter().filter(|it| desired.count(*it) == 0) {
            self.scale(fleet, 0, now);
        }
        for fleet in &desired.fleets {
            self.scale(fleet.id, fleet.count, now);
        }
        self.peak = self.peak.max(self.instances.len());
        self.drained.retain(|fleet, _| desired.drains.iter().any(|it| it.fleet == *fleet));
        for drain in &desired.drains {
            if !self.clinging || drain.left.is_zero() {
                let cut = u64::from(self.clinging);
                self.drained.entry(drain.fleet).or_insert(Drained { cut_by_drain: cut });
            }
        }
        if self.split != desired.split {
            if self.refuses {
                return false;
            }
            self.split = desired.split.clone();
            self.splits.push(desired.split.clone());
        }
        self.generation = desired.generation;
        true
    }

    fn scale(&mut self, fleet: FleetId, count: u32, now: Timestamp) {
        let mut ids: Vec<_> = self.of(fleet).map(|it| (it.seen.ready, it.seen.id)).collect();
        ids.sort_unstable();
        let surplus = ids.len().saturating_sub(count as usize);
        if !self.stuck {
            for (_, id) in ids.iter().take(surplus) {
                self.instances.remove(id);
            }
        }
        for _ in ids.len()..count as usize {
            self.start(fleet, now);
        }
    }

    pub fn start(&mut self, fleet: FleetId, now: Timestamp) {
        let id = InstanceId(Uuid::from_u128(self.next_id));
        self.next_id += 1;
        *self.started.entry(fleet).or_default() += 1;
        let seen = Instance {
            id,
            fleet,
            ready: false,
            stopping: false,
            restarts: 0,
            last_exit: None,
            log: String::new(),
            address: String::new(),
            start_time: None,
        };
        self.instances.insert(id, Running { seen, started: now });
        self.tick(now);
    }

    fn of(&self, fleet: FleetId) -> impl Iterator<Item = &Running> {
        self.instances.values().filter(move |it| it.seen.fleet == fleet)
    }

    pub fn count(&self, fleet: FleetId) -> usize {
        self.of(fleet).count()
    }

    pub fn ready(&self, fleet: FleetId) -> usize {
        self.of(fleet).filter(|it| it.seen.ready).count()
    }

    pub fn ids(&self, fleet: FleetId) -> Vec<InstanceId> {
        self.of(fleet).map(|it| it.seen.id).collect()
    }

    /// Time passes.
    pub fn tick(&mut self, now: Timestamp) {
        let Some(delay) = self.ready_after else { return };
        for it in self.instances.values_mut().filter(|it| !self.broken.contains(&it.seen.fleet)) {
            it.seen.ready |= after(it.started, delay) <= now;
        }
    }

    pub fn next_ready(&self, now: Timestamp) -> Option<Timestamp> {
        let delay = self.ready_after?;
        let waits = |it: &&Running| !it.seen.ready && !self.broken.contains(&it.seen.fleet);
        self.instances.values().filter(waits).map(|it| after(it.started, delay)).filter(|at| *at > now).min()
    }

    pub fn set_ready(&mut self, fleet: FleetId, count: usize) {
        let mut left = count;
        for it in self.instances.values_mut().filter(|it| it.seen.fleet == fleet) {
            it.seen.ready = left > 0;
            left = left.saturating_sub(1);
        }
    }

    /// Ends by itself and is started again.
    pub fn crash(&mut self, fleet: FleetId, now: Timestamp) {
        if let Some(it) = self.instances.values_mut().find(|it| it.seen.fleet == fleet) {
            it.seen.ready = false;
            it.seen.restarts += 1;
            it.started = now;
            let log_tail = vec!["panicked".into()];
            it.seen.last_exit = Some(Exit { code: Some(101), signal: None, log_tail });
        }
    }

    pub fn observe(&self) -> Observed {
        Observed {
            generation: self.generation,
            instances: self.instances.values().map(|it| it.seen.clone()).collect(),
            split: Some(self.split.clone()),
            route_revision: None,
            drained: self.drained.clone(),
            taken_over: self.taken_over.clone(),
            problems: self.problems.clone(),
        }
    }
}
