//! What the executor counts.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bellwether_proto::monitor::v1::Decision;
use bellwether_rollout::{Rollout, RolloutId, State, StepKind, since};
use bellwether_server::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};

use crate::targets::TargetEntry;

/// The executor's own metrics.
pub(crate) struct ExecutorMetrics {
    commits: Histogram,
    verdicts: Family<ByDecision, Counter>,
    rollouts: Family<ByState, Gauge>,
    platform_calls: Family<ByCall, Counter>,
    traffic_back: Histogram,
    /// How each open rollout was last counted.
    counted: Mutex<HashMap<RolloutId, Counted>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    state: State,
    /// Whether its traffic had come back.
    back: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByDecision {
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCall {
    call: &'static str,
    outcome: &'static str,
}

// === impl ExecutorMetrics ===

impl ExecutorMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            commits: metrics.seconds("commit_seconds", "Time from an input to its durable decision"),
            verdicts: metrics.counters("verdicts", "Verdicts that came, refreshes too, by decision"),
            rollouts: metrics.gauges("rollouts", "Rollouts that have not ended, by state"),
            platform_calls: metrics.counters("platform_calls", "Calls of platforms and routers, by outcome"),
            traffic_back: metrics
                .seconds("traffic_back_seconds", "Time from deciding on a rollback to the confirmed route"),
            counted: Mutex::default(),
        }
    }

    /// An input was decided on and committed in this time.
    pub(crate) fn committed(&self, took: Duration) {
        self.commits.observe(took.as_secs_f64());
    }

    /// A verdict came.
    pub(crate) fn verdict(&self, decision: Decision) {
        self.verdicts.get_or_create(&ByDecision { decision: decision.as_str_name() }).inc();
    }

    /// A platform or a router was called.
    pub(crate) fn called(&self, call: &'static str, outcome: &'static str) {
        self.platform_calls.get_or_create(&ByCall { call, outcome }).inc();
    }

    /// Counts the target's rollouts in the states that they are in now.
    pub(crate) fn seen(&self, entry: &TargetEntry) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for rollout in entry.state.core.rollouts.values() {
            let before = counted.get(&rollout.id()).copied();
            let back = before.is_some_and(|it| it.back);
            let took = traffic_back(rollout).filter(|_| before.is_some() && !back);
            if let Some(took) = took {
                self.traffic_back.observe(took.as_secs_f64());
            }
            let now = Counted { state: rollout.state, back: back || took.is_some() };
            self.count(before.map(|it| it.state), Some(rollout.state));
            if rollout.ended() {
                counted.remove(&rollout.id());
            } else {
                counted.insert(rollout.id(), now);
            }
        }
    }

    /// Only states that are not final are counted.
    fn count(&self, before: Option<State>, now: Option<State>) {
        let now = now.filter(|state| !state.terminal());
        if before != now {
            if let Some(state) = before {
                self.in_state(state).dec();
            }
            if let Some(state) = now {
                self.in_state(state).inc();
            }
        }
    }

    fn in_state(&self, state: State) -> Gauge {
        self.rollouts.get_or_create(&ByState { state: state.name() }).clone()
    }
}

/// How long the traffic of a rollout took to come back.
fn traffic_back(rollout: &Rollout) -> Option<Duration> {
    let verified = rollout.history.iter().find(|step| step.undo && step.kind == StepKind::VerifyRoute)?;
    Some(since(rollout.undo_at?, verified.ended_at))
}
