//! What `/metrics` says of the notifier.

use bellwether_server::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};

/// The notifier's own metrics.
#[derive(Clone, Debug)]
pub struct NotifierMetrics {
    facts: Family<FactLabels, Counter>,
    attempts: Family<ReceiverLabels, Histogram>,
    pending: Gauge,
}

/// What happened to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FactLabels {
    fact: &'static str,
}

/// Whom an attempt was made at, and whether it went well.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabels {
    receiver: String,
    outcome: &'static str,
}

// === impl NotifierMetrics ===

impl NotifierMetrics {
    /// Registered.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            facts: metrics.counters("notifier_delivery_facts", "What happened to deliveries"),
            attempts: metrics.seconds_by("notifier_attempt_seconds", "Attempts at receivers"),
            pending: metrics.gauge("notifier_pending_deliveries", "Deliveries that wait"),
        }
    }

    /// Something happened to a delivery.
    pub(crate) fn fact(&self, fact: &'static str) {
        self.facts.get_or_create(&FactLabels { fact }).inc();
    }

    /// So many wait.
    pub(crate) fn pending(&self, count: usize) {
        self.pending.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// An attempt was made.
    pub(crate) fn attempt(&self, receiver: &str, failed: bool, latency_ms: u64) {
        let outcome = if failed { "failed" } else { "delivered" };
        let labels = ReceiverLabels { receiver: receiver.to_owned(), outcome };
        // milliseconds of one attempt are few
        self.attempts.get_or_create(&labels).observe(latency_ms as f64 / 1000.0);
    }
}
