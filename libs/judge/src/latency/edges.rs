//! Exceedance of one bucket edge, compared at ratio 1.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Mixture, math::log_spaced};

/// Odds ratios 1.1 to 50 of "slower than the edge" against equality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeTest(Mixture<12>);

/// ln w, and w − 1.
static ODDS: LazyLock<([f64; 12], [f64; 12])> = LazyLock::new(|| {
    let logs = log_spaced::<12>(1.1, 50.0);
    (logs, logs.map(f64::exp_m1))
});

/// Log factor of the odds ratio e^`ln_w` against 1 for kc of nc and kb of nb, with the hypergeometric normaliser
/// replaced by the smaller of two bounds that depend on the margins only (Hoeffding 1963: sampling without
/// replacement is dominated in convex order): kc·ln w − min{K·ln(1 + (w−1)·nc/N), nc·ln(1 + (w−1)·K/N)}.
pub fn hoeffding_log_factor(kc: f64, nc: f64, kb: f64, nb: f64, ln_w: f64) -> f64 {
    let (k, n) = (kc + kb, nc + nb);
    let excess = ln_w.exp_m1();
    let by_events = k * (excess * nc / n).ln_1p();
    let by_requests = nc * (excess * k / n).ln_1p();
    kc * ln_w - by_events.min(by_requests)
}

// === impl EdgeTest ===

impl EdgeTest {
    /// With E of `mixture`.
    pub fn new(mixture: Mixture<12>) -> Self {
        Self(mixture)
    }

    /// One tick: kc of nc on the candidate, kb of nb on the baseline lay above the edge.
    pub fn update(&mut self, kc: f64, nc: f64, kb: f64, nb: f64, temper: f64, new_second: bool) {
        let k = kc + kb;
        if nc <= 0.0 || nb <= 0.0 || k <= 0.0 || k >= nc + nb {
            return self.0.idle(new_second);
        }
        // x·ln(1 + e·y) is the smaller of both for the larger y, as ln(1 + e·y)/y falls with y
        let (draws, part) = if nc >= k { (k, nc / (nc + nb)) } else { (nc, k / (nc + nb)) };
        let mut factors = ODDS.0;
        for (factor, excess) in factors.iter_mut().zip(&ODDS.1) {
            // hoeffding_log_factor, with w − 1 at hand
            *factor = temper * (kc * *factor - draws * (1.0 + excess * part).ln());
        }
        self.0.update(&factors, new_second);
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.0.log_e()
    }

    /// Lowers ln E to `most` where it is above.
    pub fn cap(&mut self, most: f64) {
        self.0.cap(most);
    }
}
