//! One side only: is a proportion above a threshold, or surely below it?
//!
//! With k of n, H0: p ≤ p0 has the log factor k·ln(p_j/p0) + (n−k)·ln((1−p_j)/(1−p0)) for alternatives p_j > p0;
//! to PASS the null is p ≥ p0 and the alternatives lie below.

use serde::{Deserialize, Serialize};

use crate::Mixture;

/// Alternatives of the test against "at most p0", as multiples of p0.
const ABOVE: [f64; 8] = [1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];
/// Alternatives of the test against "at least p0", as multiples of p0.
const BELOW: [f64; 7] = [0.9, 0.8, 0.65, 0.5, 0.3, 0.1, 0.01];

/// H0: p ≤ p0. Alternatives that would reach 1 are left out (they repeat the largest that does not).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row<8>", into = "Row<8>")]
pub struct AboveTest {
    p0: f64,
    factors: Factors<8>,
    mixture: Mixture<8>,
}

/// H0: p ≥ p0, for PASS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row<7>", into = "Row<7>")]
pub struct BelowTest {
    p0: f64,
    factors: Factors<7>,
    mixture: Mixture<7>,
}

/// What a test becomes on disk: the rest follows from it.
#[derive(Serialize, Deserialize)]
struct Row<const J: usize> {
    p0: f64,
    mixture: Mixture<J>,
}

/// ln of p_j/p0 and of (1 − p_j)/(1 − p0).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factors<const J: usize> {
    hit: [f64; J],
    miss: [f64; J],
}

/// Log factor of the proportion `p` against `p0` for `k` of `n`.
pub fn log_factor(k: f64, n: f64, p: f64, p0: f64) -> f64 {
    let misses = n - k;
    let hits = if k > 0.0 { k * (p / p0).ln() } else { 0.0 };
    hits + if misses > 0.0 { misses * ((-p).ln_1p() - (-p0).ln_1p()) } else { 0.0 }
}

// === impl AboveTest ===

impl AboveTest {
    /// Threshold `p0` in (0, 1), clamped to [1e-9, 0.9].
    pub fn new(p0: f64, mixture: Mixture<8>) -> Self {
        let p0 = p0.clamp(1e-9, 0.9);
        let largest = ABOVE.iter().map(|m| m * p0).filter(|p| *p < 1.0).fold(p0, f64::max);
        let alternative = |m: f64| if m * p0 < 1.0 { m * p0 } else { largest };
        Self { p0, factors: Factors::of(ABOVE.map(alternative), p0), mixture }
    }

    /// The threshold.
    pub fn threshold(&self) -> f64 {
        self.p0
    }

    /// `k` of `n`; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, k: f64, n: f64, temper: f64, new_second: bool) {
        if n <= 0.0 {
            return self.mixture.idle(new_second);
        }
        self.mixture.update(&self.factors.at(k, n, temper), new_second);
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }

    /// Lowers ln E to `most` where it is above (valid: evidence is only thrown away).
    pub fn cap(&mut self, most: f64) {
        self.mixture.cap(most);
    }

    /// Starts again (only ever lowers what was collected).
    pub fn reset(&mut self) {
        self.mixture.reset();
    }
}

// === impl BelowTest ===

impl BelowTest {
    /// Threshold `p0` in (0, 1), clamped to [1e-9, 1 − 1e-9].
    pub fn new(p0: f64) -> Self {
        Self::with(p0, Mixture::plain())
    }

    fn with(p0: f64, mixture: Mixture<7>) -> Self {
        let p0 = p0.clamp(1e-9, 1.0 - 1e-9);
        Self { p0, factors: Factors::of(BELOW.map(|m| m * p0), p0), mixture }
    }

    /// The threshold.
    pub fn threshold(&self) -> f64 {
        self.p0
    }

    /// `k` of `n`; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, k: f64, n: f64, temper: f64) {
        self.mixture.update(&self.factors.at(k, n, temper), false);
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }
}

// === impl Factors ===

impl<const J: usize> Factors<J> {
    fn of(alternatives: [f64; J], p0: f64) -> Self {
        Self {
            hit: alternatives.map(|p| (p / p0).ln()),
            miss: alternatives.map(|p| (-p).ln_1p() - (-p0).ln_1p()),
        }
    }

    fn at(&self, k: f64, n: f64, temper: f64) -> [f64; J] {
        let (hits, misses) = (temper * k, temper * (n - k));
        let mut factors = self.hit;
        for (factor, miss) in factors.iter_mut().zip(&self.miss) {
            *factor = hits * *factor + misses * miss;
        }
        factors
    }
}

// === impl Row ===

impl From<Row<8>> for AboveTest {
    fn from(row: Row<8>) -> Self {
        Self::new(row.p0, row.mixture)
    }
}

impl From<AboveTest> for Row<8> {
    fn from(test: AboveTest) -> Self {
        Self { p0: test.p0, mixture: test.mixture }
    }
}

impl From<Row<7>> for BelowTest {
    fn from(row: Row<7>) -> Self {
        Self::with(row.p0, row.mixture)
    }
}

impl From<BelowTest> for Row<7> {
    fn from(test: BelowTest) -> Self {
        Self { p0: test.p0, mixture: test.mixture }
    }
}
