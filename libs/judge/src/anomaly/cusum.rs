//! Changes of level that go on: the cumulative sum (Page 1954).

use serde::{Deserialize, Serialize};

/// The weight of the newest residual in their variance.
const WEIGHT: f64 = 0.002;

/// Both one-sided sums, in standard deviations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    slack: f64,
    up: f64,
    down: f64,
    variance: f64,
}

// === impl Cusum ===

impl Cusum {
    /// That forgives `slack` at each value.
    pub fn new(slack: f64) -> Self {
        Self { slack, up: 0.0, down: 0.0, variance: 0.0 }
    }

    /// The larger sum after the next residual, which is measured by the variance before it.
    pub fn add(&mut self, residual: f64) -> f64 {
        let z = if self.variance > 0.0 { residual / self.variance.sqrt() } else { 0.0 };
        self.up = (self.up + z - self.slack).max(0.0);
        self.down = (self.down - z - self.slack).max(0.0);
        let square = residual * residual;
        let first = self.variance == 0.0;
        self.variance = if first { square } else { (1.0 - WEIGHT) * self.variance + WEIGHT * square };
        self.up.max(self.down)
    }
}
