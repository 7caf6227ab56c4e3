//! The mean of values that are bounded: bets on it.
//!
//! H0: whatever came before, the next value x ∈ [0, 1] has a mean of at most m. A bet of the part λ of the capital
//! returns 1 + λ·(x − m)/m, which never gets below 1 − λ and is expected to be at most 1: an e-process whatever the
//! values' distribution and however they depend on each other (Waudby-Smith & Ramdas 2024). A mixture of the bets
//! λ ∈ {.05, .1, .2, .3, .5, .7, .9} needs no tuning.
//!
//! Range: m in (0, 1). Fails to see a mean that is only a little above m for a long time; a value of 95 % against
//! 80 % takes about 30 values.

use serde::{Deserialize, Serialize};

use crate::mixture::Plain;

const BETS: [f64; 7] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

/// "The mean is above m."
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanAbove {
    m: f64,
    mixture: Plain<7>,
}

// === impl MeanAbove ===

impl MeanAbove {
    /// Against a mean of at most `m`, clamped to [0.001, 0.999].
    pub fn new(m: f64) -> Self {
        Self { m: m.clamp(0.001, 0.999), mixture: Plain::default() }
    }

    /// One value, clamped to [0, 1].
    pub fn update(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let gain = (value.clamp(0.0, 1.0) - self.m) / self.m;
        self.mixture.update(&BETS.map(|bet| (bet * gain).ln_1p()));
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }

    /// Lowers ln E to `most` where it is above.
    pub fn cap(&mut self, most: f64) {
        self.mixture.cap(most);
    }

    /// The threshold m.
    pub fn threshold(&self) -> f64 {
        self.m
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Random;

    #[test]
    fn a_full_disk_is_seen_and_a_busy_one_is_not() {
        let mut full = MeanAbove::new(0.8);
        let needed = (1..200).find(|_| {
            full.update(0.95);
            full.log_e() >= 3.0
        });
        assert!(needed.is_some_and(|n| n <= 40), "{needed:?}");
        let alarms = (0..1_000).filter(|seed| {
            let (mut test, mut random) = (MeanAbove::new(0.8), Random::new(*seed));
            (0..500).any(|_| {
                // mean 0.8, as spread as it can be
                test.update(f64::from(u8::from(random.uniform() < 0.8)));
                test.log_e() >= 20f64.ln()
            })
        });
        assert!(alarms.count() <= 50 + 20);
    }
}
