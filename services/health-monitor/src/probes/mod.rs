//! Probes: what the monitor tries itself.
//!
//! A probe is a resource of the journal. Each has a task of its own that tries it, again and again; what comes of it is kept in
//! memory, for GetHealth, and goes to the analyses of its target where it is known which version answered.

mod attempt;
mod declared;
mod health;
mod outcome;
mod record;
mod runner;
mod spec;
mod standing;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bellwether_clock::{Timestamp, spawn};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinHandle,
};

use crate::{monitor::Monitor, running::Running};

pub use self::{
    attempt::{Attempt, Tools},
    declared::with_check,
    health::category,
    outcome::{Outcome, run},
    record::{Event, Probed, Record, Records},
    spec::{Spec, given_id, read},
    standing::{Reached, Standings, Worst},
};

/// Runs at the same time, of all probes together: each holds at most an answer's 256 KiB.
const AT_ONCE: usize = 256;
/// Probes of one target.
pub const MOST_OF_TARGET: usize = 32;
/// Probes of the monitor.
pub const MOST: usize = 1_000;

/// All probes, and those that are at work.
pub struct Probes {
    /// As the journal has them.
    pub records: Records,
    /// Held while one is added, so that there are never more than may be.
    pub adding: tokio::sync::Mutex<()>,
    tools: Tools,
    permits: Semaphore,
    at_work: Mutex<BTreeMap<String, AtWork>>,
}

/// A probe that is at work.
struct AtWork {
    spec: Arc<Spec>,
    outcome: Outcome,
    wake: Arc<Notify>,
    task: JoinHandle<()>,
    /// Of the record that it does.
    version: u64,
}

// === impl Probes ===

impl Probes {
    /// With what the journal has; nothing runs yet.
    pub fn new(records: Records, tools: Tools) -> Self {
        Self {
            records,
            adding: tokio::sync::Mutex::default(),
            tools,
            permits: Semaphore::new(AT_ONCE),
            at_work: Mutex::default(),
        }
    }

    /// Those of a target with how they do, by id.
    pub fn of_target<T>(&self, target: &str, read: impl Fn(&Spec, &Outcome) -> T) -> Vec<T> {
        let at_work = self.lock();
        let of_target = at_work.values().filter(|it| it.spec.target == target);
        of_target.map(|it| read(&it.spec, &it.outcome)).collect()
    }

    /// How one does; None: it is not at work.
    pub fn status(&self, name: &str) -> Option<pb::ProbeStatus> {
        self.lock().get(name).map(|it| it.outcome.shown(it.spec.failures))
    }

    /// Tries those of a target at once: an analysis has begun, or is in another segment.
    pub fn wake(&self, target: &str) {
        for it in self.lock().values().filter(|it| it.spec.target == target) {
            it.wake.notify_one();
        }
    }

    /// Ends all that is at work.
    pub fn stop(&self) {
        for it in std::mem::take(&mut *self.lock()).into_values() {
            it.task.abort();
        }
    }

    /// Notes a run at the probe's own address, unless the probe is another one by now; whether it stands otherwise now.
    fn note(&self, spec: &Arc<Spec>, attempt: attempt::Attempt) -> bool {
        let mut at_work = self.lock();
        let found = at_work.values_mut().find(|it| Arc::ptr_eq(&it.spec, spec));
        found.is_some_and(|it| it.outcome.note(attempt, spec.failures))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, AtWork>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Monitor ===

impl Monitor {
    /// Puts every probe of the journal to work.
    pub fn start_probes(&self) {
        for record in self.probes.records.all() {
            self.probe(&record.stream);
        }
    }

    /// Does as the journal says of a probe: at work as it is, or not at all.
    pub fn probe(&self, name: &str) {
        let record = self.probes.records.get(name);
        let mut at_work = self.probes.lock();
        let version = record.as_ref().map_or(0, |record| record.version);
        if at_work.get(name).is_some_and(|it| it.version >= version && version > 0) {
            return;
        }
        if let Some(former) = at_work.remove(name) {
            former.task.abort();
            self.forget(&former.spec);
        }
        let probe = record.as_ref().and_then(|record| record.state.probe.as_deref());
        let Some(probe) = probe else { return };
        let Some(spec) = read(&mut Violations::new(), probe) else {
            tracing::warn!(
                probe = name,
                "the journal has a probe that this build cannot read; it is not tried"
            );
            return;
        };
        let (spec, wake) = (Arc::new(spec), Arc::new(Notify::new()));
        for running in self.registry.of_target(&spec.target) {
            if running.declare_probe(&spec, self.now()) {
                self.settle(running);
            }
        }
        let task = spawn("probe", runner::run(self.clone(), spec.clone(), wake.clone()));
        let outcome = Outcome::default();
        at_work.insert(name.to_owned(), AtWork { spec, outcome, wake, task, version });
    }

    /// Puts an analysis among those at work, unless one of its name is there already; the one that is there. It knows the probes of
    /// its target before anything can be decided, and they are tried at once.
    pub fn enlist(&self, running: Arc<Running>) -> Arc<Running> {
        let at_work = self.probes.lock();
        for it in at_work.values().filter(|it| *it.spec.target == *running.target) {
            running.declare_probe(&it.spec, self.now());
            it.wake.notify_one();
        }
        self.registry.add(running)
    }

    /// The analyses of its target do not wait for it any more.
    fn forget(&self, spec: &Spec) {
        for running in self.registry.of_target(&spec.target) {
            if running.forget_probe(&spec.id, self.now()) {
                self.settle(running);
            }
        }
        self.recorder.vitality().turned();
    }
}

/// How a target's probes do, for GetHealth. None: there are none.
pub fn journeys(probes: &Probes, target: &str, now: Timestamp) -> Option<pb::HealthCategory> {
    let all = probes.of_target(target, |spec, outcome| health::Seen::new(spec, outcome, now));
    (!all.is_empty()).then(|| category(&all))
}
