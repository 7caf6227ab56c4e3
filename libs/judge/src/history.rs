//! What is known of the baseline from before the rollout.

use serde::{Deserialize, Serialize};

use crate::{Histogram, LatencyEdges, interval};

/// The stable version's last hour, fixed at the start of the rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Requests.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Answers by HTTP status.
    pub statuses: Vec<(u16, u64)>,
    /// Latencies.
    pub latency: Histogram,
    /// Dispersion φ ≥ 1 measured with placebo canaries; None: not measured (UNCALIBRATED).
    pub dispersion: Option<f64>,
    /// Dispersion over time, at least 1, for the tests that look at one side only; None: that of the placebo canaries.
    #[serde(default)]
    pub dispersion_over_time: Option<f64>,
    /// Lag-1 autocorrelation of gauges, by metric.
    #[serde(default)]
    pub autocorrelations: Vec<(String, f64)>,
}

/// Confidence of the upper bounds that thresholds are made of.
const BOUND_ALPHA: f64 = 0.01;
/// Fewer requests than this are no history.
const LEAST_REQUESTS: u64 = 100;

// === impl History ===

impl History {
    /// Whether there is enough of it to be a baseline.
    pub fn is_known(&self) -> bool {
        self.requests >= LEAST_REQUESTS
    }

    /// φ, at least 1.
    pub fn phi(&self) -> f64 {
        self.dispersion.unwrap_or(1.0).max(1.0)
    }

    /// φ of the tests that look at one side only: at least that of the comparisons.
    pub fn phi_over_time(&self) -> f64 {
        self.dispersion_over_time.unwrap_or(1.0).max(self.phi())
    }

    /// The measured autocorrelation of a gauge.
    pub fn autocorrelation(&self, metric: &str) -> Option<f64> {
        self.autocorrelations.iter().find(|(known, _)| known == metric).map(|(_, rho)| *rho)
    }

    /// The one-sided threshold for errors: min(½, max(`floor`, 2 × the upper 99 % bound)). None without history.
    pub fn error_threshold(&self, floor: f64) -> Option<f64> {
        self.is_known().then(|| threshold(self.errors, self.requests, floor))
    }

    /// The same for one status.
    pub fn status_threshold(&self, status: u16, floor: f64) -> Option<f64> {
        let count = self.statuses.iter().find(|(s, _)| *s == status).map_or(0, |(_, count)| *count);
        self.is_known().then(|| threshold(count, self.requests, floor))
    }

    /// The edges that latency is compared at.
    pub fn edges(&self) -> Option<LatencyEdges> {
        LatencyEdges::of(&self.latency)
    }

    /// The p95 edge, and the one-sided threshold for the share of requests above it.
    pub fn latency_threshold(&self) -> Option<(usize, f64)> {
        let edge = self.edges()?.p95();
        Some((edge, threshold(self.latency.above(edge), self.latency.total(), 0.05)))
    }
}

fn threshold(count: u64, of: u64, floor: f64) -> f64 {
    let bound = interval::proportion(count as f64, of as f64, BOUND_ALPHA).upper;
    (2.0 * bound).max(floor).min(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_stay_between_floor_and_half() {
        let history = History { requests: 10_000, errors: 100, ..History::default() };
        let p0 = history.error_threshold(0.001).unwrap();
        assert!(p0 > 0.02 && p0 < 0.035, "{p0}");
        assert_eq!(History { errors: 9_000, ..history.clone() }.error_threshold(0.001), Some(0.5));
        assert_eq!(History { errors: 0, ..history }.error_threshold(0.01), Some(0.01));
        assert_eq!(History::default().error_threshold(0.01), None);
    }
}
