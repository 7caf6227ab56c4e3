//! Latency counts on the exponential grid that all tests use.
//!
//! Scale 3 (OpenTelemetry): 8 buckets per doubling, each 9 % wide. Bucket b of ours is OpenTelemetry's index
//! b − 80 over milliseconds: it holds values in (2^{(b−80)/8}, 2^{(b−79)/8}] ms. The 256 buckets reach from 1 µs
//! to 70 minutes; what is shorter or longer is counted in the first or last.

use serde::{Deserialize, Serialize};

mod counts;

use counts::Counts;

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

/// Counts by bucket, storing only the range in use, in 32 bits each while they fit: most of what is kept of an analysis is these.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Histogram {
    offset: u16,
    counts: Counts,
}

/// What it becomes on disk.
#[derive(Serialize, Deserialize)]
struct Row {
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

    /// Adds `count` to a bucket. Allocates only when the range grows, or counts need more bits.
    pub fn add(&mut self, bucket: usize, count: u64) {
        if count == 0 {
            return;
        }
        let bucket = bucket.min(BUCKETS - 1);
        if self.counts.is_empty() {
            self.offset = bucket as u16;
        } else if bucket < self.offset() {
            self.counts.prepend(self.offset() - bucket);
            self.offset = bucket as u16;
        }
        self.counts.add(bucket - self.offset(), count);
    }

    fn offset(&self) -> usize {
        self.offset.into()
    }

    /// The count of one bucket.
    pub fn count(&self, bucket: usize) -> u64 {
        bucket.checked_sub(self.offset()).map_or(0, |at| self.counts.get(at))
    }

    /// All counts together.
    pub fn total(&self) -> u64 {
        self.counts.sum_from(0)
    }

    /// Bucket and count of the range in use.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> + Clone + '_ {
        self.counts.iter().enumerate().map(|(i, count)| (self.offset() + i, count))
    }

    /// How many lie above the upper edge of `bucket`.
    pub fn above(&self, bucket: usize) -> u64 {
        self.counts.sum_from((bucket + 1).saturating_sub(self.offset()))
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
        self.iter().all(|(_, count)| count == 0)
    }

    /// Forgets all counts, keeping the memory.
    pub fn clear(&mut self) {
        self.counts.clear();
    }
}

impl Clone for Histogram {
    fn clone(&self) -> Self {
        Self { offset: self.offset, counts: self.counts.clone() }
    }

    /// Keeps the memory where the range is the same.
    fn clone_from(&mut self, other: &Self) {
        self.offset = other.offset;
        self.counts.clone_from(&other.counts);
    }
}

impl From<Row> for Histogram {
    fn from(row: Row) -> Self {
        // as it is, empty buckets included: two that were equal stay so
        match row.counts.len() <= BUCKETS.saturating_sub(row.offset) {
            true => Self { offset: row.offset as u16, counts: Counts::of(row.counts) },
            false => Self::from_counts(row.offset, &row.counts),
        }
    }
}

impl From<Histogram> for Row {
    fn from(histogram: Histogram) -> Self {
        Self { offset: histogram.offset(), counts: histogram.counts.iter().collect() }
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

    #[test]
    fn counts_beyond_32_bits_are_kept_whole() {
        let mut histogram = Histogram::from_counts(100, &[5, 6]);
        let narrow = histogram.clone();
        histogram.add(101, u64::from(u32::MAX));
        histogram.add(99, 1);
        assert_eq!(histogram.iter().collect::<Vec<_>>(), [(99, 1), (100, 5), (101, 6 + u64::from(u32::MAX))]);
        assert_eq!(histogram.above(100), 6 + u64::from(u32::MAX));
        assert!(histogram.covers(&narrow) && !narrow.covers(&histogram));
        histogram.add(101, u64::MAX);
        assert_eq!(histogram.count(101), u64::MAX);
        let mut again = narrow.clone();
        again.clone_from(&histogram);
        assert_eq!(again, histogram);
    }

    #[test]
    fn the_form_on_disk_is_offset_and_counts() {
        let text = r#"{"offset":100,"counts":[5,0,5000000000]}"#;
        let histogram: Histogram = serde_json::from_str(text).unwrap();
        assert_eq!(histogram.iter().collect::<Vec<_>>(), [(100, 5), (101, 0), (102, 5_000_000_000)]);
        assert_eq!(serde_json::to_string(&histogram).unwrap(), text);
        let beyond: Histogram = serde_json::from_str(r#"{"offset":255,"counts":[1,2]}"#).unwrap();
        assert_eq!(beyond.count(BUCKETS - 1), 3);
    }
}
