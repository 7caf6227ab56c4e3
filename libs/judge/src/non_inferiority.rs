//! PASS as a finding: the candidate's rate is surely less than a multiple of the baseline's.

use serde::{Deserialize, Serialize};

use crate::{mixture::Plain, ratio::Comparison};

/// Ratios that a healthy candidate may have, below the margin.
const ALTERNATIVES: [f64; 7] = [0.25, 0.5, 0.7, 0.85, 1.0, 1.1, 1.25];

/// H0: ratio ≥ margin, by the same conditional counts as the comparison. Never with late onset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonInferiority {
    margin: f64,
    mixture: Plain<7>,
}

// === impl NonInferiority ===

impl NonInferiority {
    /// With this margin (w_m), which lies above 1.25.
    pub fn new(margin: f64) -> Self {
        Self { margin: margin.max(1.3), mixture: Plain::default() }
    }

    /// One tick; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, tick: Comparison, temper: f64) {
        if tick.is_informative() {
            let share = tick.ec / (tick.ec + tick.eb);
            let all = tick.kc + tick.kb;
            // l(ρ) − l(w_m) in one logarithm each: the common factor cancels
            let null = 1.0 + (self.margin - 1.0) * share;
            let factor = |rho: f64| {
                tick.kc * (rho / self.margin).ln() - all * ((rho - self.margin) * share / null).ln_1p()
            };
            self.mixture.update(&ALTERNATIVES.map(|rho| temper * factor(rho)));
        }
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }
}
