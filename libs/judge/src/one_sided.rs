//! One side only: is a proportion above a threshold, or surely below it?
//!
//! With k of n, H0: p ≤ p0 has the log factor k·ln(p_j/p0) + (n−k)·ln((1−p_j)/(1−p0)) for alternatives p_j > p0;
//! to PASS the null is p ≥ p0 and the alternatives lie below.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Mixture, mixture::Plain};

mod factors;

use factors::{Factors, Known};

/// Alternatives of the test against "at most p0", as multiples of p0.
const ABOVE: [f64; 8] = [1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];
/// Alternatives of the test against "at least p0", as multiples of p0.
const BELOW: [f64; 7] = [0.9, 0.8, 0.65, 0.5, 0.3, 0.1, 0.01];

/// H0: p ≤ p0. Alternatives that would reach 1 are left out (they repeat the largest that does not).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row<Mixture<8>>", into = "Row<Mixture<8>>")]
pub struct AboveTest {
    p0: f64,
    factors: Arc<Factors<8>>,
    mixture: Mixture<8>,
}

/// H0: p ≥ p0, for PASS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row<Plain<7>>", into = "Row<Plain<7>>")]
pub struct BelowTest {
    p0: f64,
    factors: Arc<Factors<7>>,
    mixture: Plain<7>,
}

/// What a test becomes on disk: the rest follows from it.
#[derive(Serialize, Deserialize)]
struct Row<M> {
    p0: f64,
    mixture: M,
}

static FACTORS_ABOVE: Known<8> = Known::new();
static FACTORS_BELOW: Known<7> = Known::new();

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
        let largest = || ABOVE.iter().map(|m| m * p0).filter(|p| *p < 1.0).fold(p0, f64::max);
        let alternative = |m: f64| if m * p0 < 1.0 { m * p0 } else { largest() };
        Self { p0, factors: FACTORS_ABOVE.of(p0, || ABOVE.map(alternative)), mixture }
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
        Self::with(p0, Plain::default())
    }

    fn with(p0: f64, mixture: Plain<7>) -> Self {
        let p0 = p0.clamp(1e-9, 1.0 - 1e-9);
        Self { p0, factors: FACTORS_BELOW.of(p0, || BELOW.map(|m| m * p0)), mixture }
    }

    /// The threshold.
    pub fn threshold(&self) -> f64 {
        self.p0
    }

    /// `k` of `n`; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, k: f64, n: f64, temper: f64) {
        self.mixture.update(&self.factors.at(k, n, temper));
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }
}

// === impl Row ===

impl From<Row<Mixture<8>>> for AboveTest {
    fn from(row: Row<Mixture<8>>) -> Self {
        Self::new(row.p0, row.mixture)
    }
}

impl From<AboveTest> for Row<Mixture<8>> {
    fn from(test: AboveTest) -> Self {
        Self { p0: test.p0, mixture: test.mixture }
    }
}

impl From<Row<Plain<7>>> for BelowTest {
    fn from(row: Row<Plain<7>>) -> Self {
        Self::with(row.p0, row.mixture)
    }
}

impl From<BelowTest> for Row<Plain<7>> {
    fn from(test: BelowTest) -> Self {
        Self { p0: test.p0, mixture: test.mixture }
    }
}
