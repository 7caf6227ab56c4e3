//! What one event and one request without it say, by alternative: computed once for each threshold, and shared.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// ln of p_j/p0 and of (1 − p_j)/(1 − p0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factors<const J: usize> {
    hit: [f64; J],
    miss: [f64; J],
}

/// Those of the thresholds in use. There are few thresholds and many tests, and the factors are most of a test.
pub(super) struct Known<const J: usize>(Mutex<Table<J>>);

struct Table<const J: usize> {
    by_threshold: Option<HashMap<u64, Weak<Factors<J>>>>,
    /// At this size those that nobody uses any more are forgotten.
    full: usize,
}

/// The table is not searched for what can be forgotten below this size.
const LEAST_FULL: usize = 64;

// === impl Factors ===

impl<const J: usize> Factors<J> {
    fn of(alternatives: [f64; J], p0: f64) -> Self {
        Self {
            hit: alternatives.map(|p| (p / p0).ln()),
            miss: alternatives.map(|p| (-p).ln_1p() - (-p0).ln_1p()),
        }
    }

    /// Log factors of `k` of `n`, each raised to `temper`.
    pub(super) fn at(&self, k: f64, n: f64, temper: f64) -> [f64; J] {
        let (hits, misses) = (temper * k, temper * (n - k));
        let mut factors = self.hit;
        for (factor, miss) in factors.iter_mut().zip(&self.miss) {
            *factor = hits * *factor + misses * miss;
        }
        factors
    }
}

// === impl Known ===

impl<const J: usize> Known<J> {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Table { by_threshold: None, full: LEAST_FULL }))
    }

    /// Those of the threshold `p0`, from which the alternatives follow.
    pub(super) fn of(&self, p0: f64, alternatives: impl FnOnce() -> [f64; J]) -> Arc<Factors<J>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Table { by_threshold, full } = &mut *table;
        let known = by_threshold.get_or_insert_default();
        if let Some(factors) = known.get(&p0.to_bits()).and_then(Weak::upgrade) {
            return factors;
        }
        if known.len() >= *full {
            known.retain(|_, factors| factors.strong_count() > 0);
            *full = (2 * known.len()).max(LEAST_FULL);
        }
        let factors = Arc::new(Factors::of(alternatives(), p0));
        known.insert(p0.to_bits(), Arc::downgrade(&factors));
        factors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_one_threshold_share_and_what_nobody_uses_is_forgotten() {
        let known = Known::<1>::new();
        let of = |p0: f64| known.of(p0, || [2.0 * p0]);
        let kept = of(0.01);
        for i in 0..10_000 {
            of(0.1 + 1e-6 * f64::from(i));
        }
        assert!(Arc::ptr_eq(&kept, &of(0.01)));
        assert_eq!(*of(0.02), Factors::of([0.04], 0.02));
        assert!(known.0.lock().unwrap().by_threshold.as_ref().unwrap().len() <= LEAST_FULL);
    }
}
