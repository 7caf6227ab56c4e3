//! What the planner counts.

use std::{collections::BTreeMap, fmt, time::Duration};

use bellwether_plan::ReleaseState;
use bellwether_server::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};

use crate::book::Book;

/// The planner's own metrics.
pub(crate) struct PlannerMetrics {
    releases: Family<ByState, Gauge>,
    holds: Gauge,
    settle: Histogram,
    asked: Family<ByCall, Counter>,
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

/// Every state with its label.
const STATES: [(ReleaseState, &str); 10] = [
    (ReleaseState::Waiting, "WAITING"),
    (ReleaseState::RollingOut, "ROLLING_OUT"),
    (ReleaseState::Soaking, "SOAKING"),
    (ReleaseState::Completed, "COMPLETED"),
    (ReleaseState::Failed, "FAILED"),
    (ReleaseState::RolledBack, "ROLLED_BACK"),
    (ReleaseState::Rejected, "REJECTED"),
    (ReleaseState::Cancelled, "CANCELLED"),
    (ReleaseState::Expired, "EXPIRED"),
    (ReleaseState::Superseded, "SUPERSEDED"),
];

// === impl PlannerMetrics ===

impl PlannerMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            releases: metrics.gauges("releases", "Releases by state"),
            holds: metrics.gauge("holds", "Holds in force"),
            settle: metrics.seconds("planner_settle_seconds", "Time to commit everything that follows"),
            asked: metrics.counters("planner_executor_calls", "Calls of the executor by outcome"),
        }
    }

    /// Everything is as `book` says, after `took`.
    pub(crate) fn settled(&self, book: &Book, took: Duration) {
        let mut counts: BTreeMap<ReleaseState, i64> = BTreeMap::new();
        for release in book.releases() {
            *counts.entry(release.state()).or_default() += 1;
        }
        for (state, label) in STATES {
            let count = counts.get(&state).copied().unwrap_or(0);
            self.releases.get_or_create(&ByState { state: label }).set(count);
        }
        self.holds.set(i64::try_from(book.holds.len()).unwrap_or(i64::MAX));
        self.settle.observe(took.as_secs_f64());
    }

    /// The executor was asked, and answered or not.
    pub(crate) fn asked(&self, call: &'static str, answered: bool) {
        let outcome = if answered { "answered" } else { "failed" };
        self.asked.get_or_create(&ByCall { call, outcome }).inc();
    }
}

impl fmt::Debug for PlannerMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannerMetrics").finish_non_exhaustive()
    }
}
