//! Latency in exponential buckets of scale 3 (OpenTelemetry's exponential histogram): bucket i holds
//! base^i < milliseconds ≤ base^(i+1), base = 2^(1/8).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// 2^3 buckets for each doubling.
const PER_DOUBLING: f64 = 8.0;
/// The lowest bucket: up to about 1 µs.
const LOWEST: i32 = -80;
/// The highest ends above one hour.
const COUNT: usize = 256;

/// Counts that any thread adds to.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64; COUNT]>,
    sum_nanos: AtomicU64,
}

/// What was counted: the buckets from the first to the last that is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// The index of the first of `counts`, at scale 3, for milliseconds.
    pub first: i32,
    /// Counts of consecutive buckets.
    pub counts: Vec<u64>,
    /// The sum of all values, in nanoseconds.
    pub sum_nanos: u64,
}

// === impl Histogram ===

impl Histogram {
    /// Empty.
    pub fn new() -> Self {
        Self { buckets: Box::new([const { AtomicU64::new(0) }; COUNT]), sum_nanos: AtomicU64::new(0) }
    }

    /// Adds one value.
    pub fn record(&self, latency: Duration) {
        let slot = usize::try_from(index(latency) - LOWEST).unwrap_or(0);
        if let Some(bucket) = self.buckets.get(slot) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_nanos.fetch_add(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Buckets {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let Some(first) = counts.iter().position(|count| *count > 0) else {
            return Buckets::default();
        };
        let end = counts.iter().rposition(|count| *count > 0).map_or(first, |last| last + 1);
        Buckets {
            first: LOWEST + i32::try_from(first).unwrap_or(0),
            counts: counts.get(first..end).unwrap_or_default().to_vec(),
            sum_nanos: self.sum_nanos.load(Ordering::Relaxed),
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a value, held within the range that is kept.
fn index(latency: Duration) -> i32 {
    let exact = ((latency.as_secs_f64() * 1000.0).log2() * PER_DOUBLING).ceil() - 1.0;
    // of zero the logarithm is −∞, which `as` turns into the lowest integer
    (exact as i32).clamp(LOWEST, LOWEST + COUNT as i32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_within_its_bucket() {
        for nanos in [1_100, 25_000, 1_000_000, 7_654_321, 250_000_000, 1_000_000_000, 59_000_000_000] {
            let latency = Duration::from_nanos(nanos);
            let lower = (f64::from(index(latency)) / 8.0).exp2();
            let millis = latency.as_secs_f64() * 1000.0;
            assert!(lower < millis * (1.0 + 1e-12), "{lower} < {millis}");
            assert!(millis <= lower * 8f64.recip().exp2() * (1.0 + 1e-12), "{millis} above its bucket");
        }
    }

    #[test]
    fn extremes_are_kept_at_the_ends() {
        assert_eq!(index(Duration::ZERO), LOWEST);
        assert_eq!(index(Duration::from_secs(86_400)), LOWEST + COUNT as i32 - 1);
    }

    #[test]
    fn one_millisecond_is_the_top_of_bucket_minus_one() {
        let histogram = Histogram::new();
        histogram.record(Duration::from_millis(1));
        histogram.record(Duration::from_micros(1001));
        assert_eq!(histogram.read(), Buckets { first: -1, counts: vec![1, 1], sum_nanos: 2_001_000 });
    }
}
