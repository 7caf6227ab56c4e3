//! Latency counts on the exponential grid that all tests use.
//!
//! Scale 3 (OpenTelemetry): 8 buckets per doubling, each 9 % wide. Bucket b of ours is OpenTelemetry's index
//! b − 80 over milliseconds: it holds values in (2^{(b−80)/8}, 2^{(b−79)/8}] ms. The 256 buckets reach from 1 µs
//! to 70 minutes; what is shorter or longer is counted in the first or last.

use serde::{Deserialize, Serialize};

/// Number of buckets.
pub const BUCKETS: usize = 256;
/// The bucket whose lower edge is 1 ms.
const ORIGIN: i64 = 80;
/// Buckets per doubling.
const PER_DOUBLING: f64 = 8.0;
/// The scale of the grid.
const SCALE: i32 = 3;

/// The bucket that holds a latency of `millis` ms.
pub fn bucket_of(millis: f64) -> usize {
    if millis <= 0.0 {
        return 0;
    }
    clamped(((millis.log2() * PER_DOUBLING).ceil() - 1.0) as i64)
}

/// The upper edge of a bucket in ms.
pub fn upper_edge(bucket: usize) -> f64 {
    let index = i64::try_from(bucket.min(BUCKETS - 1)).unwrap_or(0) - ORIGIN;
    ((index + 1) as f64 / PER_DOUBLING).exp2()
}

/// Our bucket for OpenTelemetry's `index` at `scale` (3 to 20) over milliseconds: finer scales are folded
/// losslessly. None when the scale is coarser than ours.
pub fn bucket_of_index(scale: i32, index: i64) -> Option<usize> {
    let finer = u32::try_from(scale - SCALE).ok()?;
    Some(clamped(index >> finer.min(63)))
}

fn clamped(index: i64) -> usize {
    usize::try_from(index.saturating_add(ORIGIN).max(0)).unwrap_or(0).min(BUCKETS - 1)
}

/// Counts by bucket, storing only the range in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    offset: usize,
    counts: Vec<u64>,
}

// === impl Histogram ===

impl Histogram {
    /// From counts that begin at bucket `offset`; what lies beyond the grid goes to its last bucket.
    pub fn from_counts(offset: usize, counts: &[u64]) -> Self {
        let mut histogram = Self::default();
        for (i, &count) in counts.iter().enumerate() {
            histogram.add(offset.saturating_add(i), count);
        }
        histogram
    }

    /// Adds `count` to a bucket. Allocates only when the range grows.
    pub fn add(&mut self, bucket: usize, count: u64) {
        if count == 0 {
            return;
        }
        let bucket = bucket.min(BUCKETS - 1);
        if self.counts.is_empty() {
            self.offset = bucket;
        } else if bucket < self.offset {
            let missing = self.offset - bucket;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.offset = bucket;
        }
        let at = bucket - self.offset;
        if at >= self.counts.len() {
            // thousands are kept, and their range hardly grows
            self.counts.reserve_exact(at + 1 - self.counts.len());
            self.counts.resize(at + 1, 0);
        }
        if let Some(slot) = self.counts.get_mut(at) {
            *slot = slot.saturating_add(count);
        }
    }

    /// The count of one bucket.
    pub fn count(&self, bucket: usize) -> u64 {
        bucket.checked_sub(self.offset).and_then(|at| self.counts.get(at)).copied().unwrap_or(0)
    }

    /// All counts together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Bucket and count of the range in use.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> + Clone + '_ {
        self.counts.iter().enumerate().map(|(i, &count)| (self.offset + i, count))
    }

    /// How many lie above the upper edge of `bucket`.
    pub fn above(&self, bucket: usize) -> u64 {
        self.iter().filter(|(b, _)| *b > bucket).map(|(_, count)| count).sum()
    }

    /// The bucket whose upper edge is nearest to the quantile `q`: the first below which a share of at least
    /// `q` lies. None without counts.
    pub fn quantile_bucket(&self, q: f64) -> Option<usize> {
        let wanted = (q.clamp(0.0, 1.0) * self.total() as f64).max(1.0);
        let mut seen = 0.0;
        self.iter().find_map(|(bucket, count)| {
            seen += count as f64;
            (seen >= wanted && count > 0).then_some(bucket)
        })
    }

    /// The quantile `q` in ms (a bucket's upper edge). None without counts.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.quantile_bucket(q).map(upper_edge)
    }

    /// Adds all counts of another.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in other.iter() {
            self.add(bucket, count);
        }
    }

    /// Whether every count is at least that of `earlier` (a cumulative histogram only grows).
    pub fn covers(&self, earlier: &Histogram) -> bool {
        earlier.iter().all(|(bucket, count)| self.count(bucket) >= count)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    /// Forgets all counts, keeping the memory.
    pub fn clear(&mut self) {
        self.counts.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_lower_bucket() {
        for bucket in 0..BUCKETS - 1 {
            let edge = upper_edge(bucket);
            assert_eq!(bucket_of(edge * 0.999_999), bucket);
            assert_eq!(bucket_of(edge * 1.000_001), bucket + 1);
        }
        assert_eq!(bucket_of(0.0), 0);
        assert_eq!(bucket_of(f64::MAX), BUCKETS - 1);
        assert_eq!(bucket_of(1.01), 80);
    }

    #[test]
    fn finer_scales_fold_into_ours() {
        assert_eq!(bucket_of_index(3, 0), Some(80));
        assert_eq!(bucket_of_index(3, -300), Some(0));
        for millis in [0.3, 1.7, 40.0, 900.0] {
            let at_scale_5 = (f64::log2(millis) * 32.0).ceil() as i64 - 1;
            assert_eq!(bucket_of_index(5, at_scale_5), Some(bucket_of(millis)), "{millis}");
        }
        assert_eq!(bucket_of_index(2, 4), None);
    }

    #[test]
    fn counts_keep_their_buckets_while_the_range_grows() {
        let mut histogram = Histogram::default();
        for (bucket, count) in [(100, 5), (90, 1), (110, 2), (100, 1)] {
            histogram.add(bucket, count);
        }
        assert_eq!((histogram.count(100), histogram.count(90), histogram.count(110)), (6, 1, 2));
        assert_eq!(histogram.total(), 9);
        assert_eq!(histogram.above(99), 8);
        assert_eq!(histogram.quantile_bucket(0.5), Some(100));
        assert_eq!(histogram.quantile_bucket(0.99), Some(110));
    }
}
