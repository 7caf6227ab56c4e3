//! What `/metrics` says of the monitor.

use bellwether_proto::monitor::v1 as pb;
use bellwether_server::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// The monitor's own metrics.
#[derive(Clone, Debug)]
pub struct MonitorMetrics {
    /// Samples that were taken.
    pub samples: Counter,
    /// Batches that were refused.
    pub refused: Counter,
    /// Active analyses.
    pub active: Gauge,
    decisions: Family<Decided, Counter>,
    probes: Family<Probed, Counter>,
}

/// How a run of a probe ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Probed {
    outcome: &'static str,
}

/// A decision's kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    decision: &'static str,
}

// === impl MonitorMetrics ===

impl MonitorMetrics {
    /// Registered.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            samples: metrics.counter("monitor_samples", "Samples taken"),
            refused: metrics.counter("monitor_refused_batches", "Batches of samples refused"),
            active: metrics.gauge("monitor_analyses", "Active analyses"),
            decisions: metrics.counters("monitor_verdicts", "Changes of decisions"),
            probes: metrics.counters("monitor_probe_runs", "Runs of probes"),
        }
    }

    /// A run of a probe has ended.
    pub fn probed(&self, passed: bool) {
        let outcome = if passed { "passed" } else { "failed" };
        self.probes.get_or_create(&Probed { outcome }).inc();
    }

    /// A decision changed.
    pub fn decided(&self, verdict: &pb::Verdict) {
        let decision = verdict.decision().as_str_name().trim_start_matches("DECISION_");
        self.decisions.get_or_create(&Decided { decision }).inc();
    }
}
