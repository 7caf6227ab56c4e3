//! Foreign buckets on the judge's grid.

use bellwether_judge::histogram::{BUCKETS, bucket_of};

use super::ledger::Distribution;

// === impl Distribution ===

impl Distribution {
    /// Counts requests that took more than `lower` and at most `upper` ms.
    ///
    /// A foreign edge lies inside of a bucket of the grid. Where the foreign bucket ends it counts in that bucket; where it
    /// begins, in the next one: so what lies above an edge on the foreign grid does so on ours, and two neighbours never
    /// count as one.
    pub fn count(&mut self, lower: f64, upper: f64, count: u64) {
        let begins = if lower > 0.0 { bucket_of(lower) + 1 } else { 0 };
        let ends = if upper.is_finite() { bucket_of(upper) } else { begins };
        self.slowest.add(ends.min(BUCKETS - 1), count);
        self.fastest.add(begins.min(ends), count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lower: f64, upper: f64) -> (usize, usize) {
        let mut distribution = Distribution::default();
        distribution.count(lower, upper, 1);
        let bucket = |histogram: &bellwether_judge::Histogram| histogram.quantile_bucket(1.0).unwrap();
        (bucket(&distribution.fastest), bucket(&distribution.slowest))
    }

    #[test]
    fn fine_buckets_are_one_of_ours() {
        for index in -40..120 {
            let edge = |index: i32| 1_000.0 * (f64::from(index) / 8.0).exp2();
            let (begins, ends) = of(edge(index - 80), edge(index - 79));
            assert_eq!(begins, ends, "{index}");
        }
    }

    #[test]
    fn neighbours_on_a_coarse_grid_differ_by_less_than_the_smallest_warning() {
        let edges = [5.0, 10.0, 25.0, 50.0, 100.0, 250.0];
        for three in edges.windows(3) {
            let (_, stable) = of(three[0], three[1]);
            let (candidate, _) = of(three[1], three[2]);
            assert_eq!(candidate, stable + 1);
        }
    }

    #[test]
    fn the_open_bucket_counts_where_it_begins() {
        let (begins, ends) = of(10_000.0, f64::INFINITY);
        assert_eq!((begins, ends), (bucket_of(10_000.0) + 1, bucket_of(10_000.0) + 1));
        assert_eq!(of(0.0, 0.0), (0, 0));
        assert_eq!(of(0.0, 5.0).0, 0);
    }
}
