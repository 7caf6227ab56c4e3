//! The registry of `/metrics`: made in main, passed in, never global.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

/// Upper bounds in seconds for anything from a commit to a slow call: 0.5 ms to 32 s, doubling.
const SECONDS: [f64; 17] = [
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0, 16.0,
    32.0,
];

/// A registry with the prefix `bellwether_`. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

// === impl Metrics ===

impl Metrics {
    /// An empty registry.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Registry::with_prefix("bellwether"))))
    }

    /// Registers a metric and hands it back. Counters get the suffix `_total` by themselves.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.lock().register(name, help, metric.clone());
        metric
    }

    /// A counter.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// A gauge of whole numbers.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// A histogram of seconds, from 0.5 ms to 32 s.
    pub fn seconds(&self, name: &str, help: &str) -> Histogram {
        self.register(name, help, Histogram::new(SECONDS))
    }

    /// Counters by labels.
    pub fn counters<L: Labels>(&self, name: &str, help: &str) -> Family<L, Counter> {
        self.register(name, help, Family::default())
    }

    /// Gauges by labels.
    pub fn gauges<L: Labels>(&self, name: &str, help: &str) -> Family<L, Gauge> {
        self.register(name, help, Family::default())
    }

    /// Histograms of seconds by labels.
    pub fn seconds_by<L: Labels>(&self, name: &str, help: &str) -> Family<L, Histogram> {
        let family = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        self.register(name, help, family)
    }

    /// The text of OpenMetrics.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // writing to a string fails only where a metric's own encoding does
        if let Err(error) = text::encode(&mut out, &self.lock()) {
            tracing::error!(%error, "a metric cannot be encoded");
        }
        out
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// A set of labels: `#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]`.
pub trait Labels: Clone + std::hash::Hash + Eq + fmt::Debug + EncodeLabelSet + Send + Sync + 'static {}

impl<L: Clone + std::hash::Hash + Eq + fmt::Debug + EncodeLabelSet + Send + Sync + 'static> Labels for L {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct State {
        state: &'static str,
    }

    #[test]
    fn what_is_registered_is_encoded() {
        let metrics = Metrics::new();
        metrics.counter("commits", "Commits").inc_by(3);
        metrics.gauges::<State>("rollouts", "Rollouts").get_or_create(&State { state: "BAKING" }).set(2);
        metrics.seconds("commit_seconds", "Time of a commit").observe(0.003);
        let text = metrics.encode();
        for line in [
            "bellwether_commits_total 3",
            "bellwether_rollouts{state=\"BAKING\"} 2",
            "bellwether_commit_seconds_bucket{le=\"0.004\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
