//! PASS as a finding: the candidate's rate is surely less than a multiple of the baseline's.

use serde::{Deserialize, Serialize};

use crate::{
    Mixture,
    ratio::{Comparison, log_factor},
};

/// Ratios that a healthy candidate may have, below the margin.
const ALTERNATIVES: [f64; 7] = [0.25, 0.5, 0.7, 0.85, 1.0, 1.1, 1.25];

/// H0: ratio ≥ margin, by the same conditional counts as the comparison. Never with late onset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonInferiority {
    margin: f64,
    mixture: Mixture<7>,
}

// === impl NonInferiority ===

impl NonInferiority {
    /// With this margin (w_m), which lies above 1.25.
    pub fn new(margin: f64) -> Self {
        Self { margin: margin.max(1.3), mixture: Mixture::plain() }
    }

    /// One tick; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, tick: Comparison, temper: f64) {
        if tick.is_informative() {
            let null = log_factor(tick, self.margin);
            self.mixture.update(&ALTERNATIVES.map(|rho| temper * (log_factor(tick, rho) - null)), false);
        }
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.mixture.log_e()
    }
}
