//! Comparing two rates: is the candidate's more than a margin above the baseline's?
//!
//! Given the total K = kc + kb of one tick, the candidate's part is binomial with share ρ·ec/(ρ·ec + eb), where
//! ec and eb are the exposures (requests; or instances × seconds; or configured shares) and ρ the ratio of the
//! rates. The common rate, whatever it is at that moment, cancels; so do changes of the traffic split.
//! Exact for counts at any margin (time-inhomogeneous Poisson, Lindon & Malek 2022); for proportions
//! conservative.

use serde::{Deserialize, Serialize};

use crate::{Mixture, math::log_spaced};

/// One tick of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Events on the candidate.
    pub kc: f64,
    /// Exposure of the candidate.
    pub ec: f64,
    /// Events on the baseline.
    pub kb: f64,
    /// Exposure of the baseline.
    pub eb: f64,
}

/// Log factor of the ratio `rho` against ratio 1: kc·ln ρ − K·ln((ρ·ec + eb)/(ec + eb)).
pub fn log_factor(tick: Comparison, rho: f64) -> f64 {
    factor(tick, rho.ln())
}

fn factor(tick: Comparison, ln_rho: f64) -> f64 {
    let share = tick.ec / (tick.ec + tick.eb);
    tick.kc * ln_rho - (tick.kc + tick.kb) * (ln_rho.exp_m1() * share).ln_1p()
}

/// A test whose alternatives are `J` ratios, against the ratio of its null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioTest<const J: usize> {
    null: f64,
    lo: f64,
    hi: f64,
    mixture: Mixture<J>,
}

/// "The candidate's rate is more than `margin` times the baseline's": 24 ratios from 1.1 to 100 margins.
pub type ExcessTest = RatioTest<24>;

// === impl Comparison ===

impl Comparison {
    /// Adds another tick's counts and exposures.
    pub fn add(&mut self, other: Self) {
        self.kc += other.kc;
        self.ec += other.ec;
        self.kb += other.kb;
        self.eb += other.eb;
    }

    /// Whether the tick says anything about the ratio: both sides exposed, and something happened.
    pub fn is_informative(&self) -> bool {
        self.ec > 0.0 && self.eb > 0.0 && self.kc + self.kb > 0.0
    }
}

// === impl RatioTest ===

impl<const J: usize> RatioTest<J> {
    /// H0: ratio ≤ `margin`; alternatives from 1.1 to 100 times the margin.
    pub fn excess(margin: f64, mixture: Mixture<J>) -> Self {
        Self { null: margin, lo: 1.1 * margin, hi: 100.0 * margin, mixture }
    }

    /// H0: ratio ≥ `margin` (a drop); alternatives from 0.01 to 0.91 times the margin.
    pub fn drop(margin: f64, mixture: Mixture<J>) -> Self {
        Self { null: margin, lo: 0.01 * margin, hi: 0.91 * margin, mixture }
    }

    /// One tick; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, tick: Comparison, temper: f64, new_second: bool) {
        if !tick.is_informative() {
            return self.mixture.idle(new_second);
        }
        let null = factor(tick, self.null.ln());
        let factors = log_spaced::<J>(self.lo, self.hi).map(|ln_rho| temper * (factor(tick, ln_rho) - null));
        self.mixture.update(&factors, new_second);
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }
}
