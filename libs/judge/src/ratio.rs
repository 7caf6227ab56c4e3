//! Comparing two rates: is the candidate's more than a margin above the baseline's?
//!
//! Given the total K = kc + kb of one tick, the candidate's part is binomial with share ρ·ec/(ρ·ec + eb), where
//! ec and eb are the exposures (requests; or instances × seconds; or configured shares) and ρ the ratio of the
//! rates. The common rate, whatever it is at that moment, cancels; so do changes of the traffic split.
//! Exact for counts at any margin (time-inhomogeneous Poisson, Lindon & Malek 2022); for proportions
//! conservative.

use std::sync::LazyLock;

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

/// Alternatives of a [`RatioTest`].
pub const ALTERNATIVES: usize = 24;

/// A test whose alternatives are 24 ratios, against the ratio of its null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioTest {
    null: f64,
    /// The alternatives lie below the null.
    #[serde(default)]
    drop: bool,
    /// The counts are of so many requests.
    #[serde(default)]
    of_requests: bool,
    mixture: Mixture<ALTERNATIVES>,
}

/// "The candidate's rate is more than `margin` times the baseline's": 24 ratios from 1.1 to 100 margins.
pub type ExcessTest = RatioTest;

/// Multiples of the null that are tested: their logarithms, and by how much they exceed 1.
struct Multiples {
    logs: [f64; ALTERNATIVES],
    excess: [f64; ALTERNATIVES],
}

static ABOVE: LazyLock<Multiples> = LazyLock::new(|| Multiples::between(1.1, 100.0));
static BELOW: LazyLock<Multiples> = LazyLock::new(|| Multiples::between(0.01, 0.91));

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

    /// The ratio of the rates as measured; None before both sides had exposure and the baseline events.
    pub fn ratio(&self) -> Option<f64> {
        (self.ec > 0.0 && self.eb > 0.0 && self.kb > 0.0).then(|| (self.kc / self.ec) / (self.kb / self.eb))
    }
}

// === impl RatioTest ===

impl RatioTest {
    /// H0: ratio ≤ `margin`; alternatives from 1.1 to 100 times the margin.
    pub fn excess(margin: f64, mixture: Mixture<ALTERNATIVES>) -> Self {
        Self { null: margin, drop: false, of_requests: false, mixture }
    }

    /// The same for counts of requests, the exposures. At margin 1 Hoeffding's second bound holds for them as well
    /// ([`crate::latency::hoeffding_log_factor`]), which is the smaller one where a tick has few requests.
    pub fn excess_of_requests(margin: f64, mixture: Mixture<ALTERNATIVES>) -> Self {
        Self { of_requests: true, ..Self::excess(margin, mixture) }
    }

    /// H0: ratio ≥ `margin` (a drop); alternatives from 0.01 to 0.91 times the margin.
    pub fn drop(margin: f64, mixture: Mixture<ALTERNATIVES>) -> Self {
        Self { null: margin, drop: true, of_requests: false, mixture }
    }

    /// One tick; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, tick: Comparison, temper: f64, new_second: bool) {
        if !tick.is_informative() {
            return self.mixture.idle(new_second);
        }
        // l(m·ρ0) − l(ρ0) = kc·ln m − K·ln(1 + (m−1)·ρ0·share / (1 + (ρ0−1)·share))
        let share = tick.ec / (tick.ec + tick.eb);
        let part = self.null * share / (1.0 + (self.null - 1.0) * share);
        let (kc, mut all, mut part) = (temper * tick.kc, temper * (tick.kc + tick.kb), part);
        if self.of_requests && self.null == 1.0 && tick.ec < tick.kc + tick.kb {
            (all, part) = (temper * tick.ec, (tick.kc + tick.kb) / (tick.ec + tick.eb));
        }
        let multiples: &Multiples = if self.drop { &BELOW } else { &ABOVE };
        let mut factors = multiples.logs;
        for (factor, excess) in factors.iter_mut().zip(&multiples.excess) {
            // not ln_1p, which takes three times as long: what it would gain is below 1e-16 for each event
            *factor = kc * *factor - all * (1.0 + excess * part).ln();
        }
        self.mixture.update(&factors, new_second);
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }

    /// Lowers ln E to `most` where it is above (valid: evidence is only thrown away).
    pub fn cap(&mut self, most: f64) {
        self.mixture.cap(most);
    }
}

// === impl Multiples ===

impl Multiples {
    fn between(lo: f64, hi: f64) -> Self {
        let logs = log_spaced(lo, hi);
        Self { logs, excess: logs.map(f64::exp_m1) }
    }
}
