//! The mean of the last values.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Fewer values than this have no mean.
const LEAST: usize = 16;

/// The mean of at most `window` values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovingMean {
    window: usize,
    values: VecDeque<f64>,
    sum: f64,
}

// === impl MovingMean ===

impl MovingMean {
    /// Of nothing.
    pub fn new(window: usize) -> Self {
        Self { window, values: VecDeque::new(), sum: 0.0 }
    }

    /// None before there are enough.
    pub fn mean(&self) -> Option<f64> {
        (self.values.len() >= LEAST).then(|| self.sum / self.values.len() as f64)
    }

    /// The next value.
    pub fn add(&mut self, value: f64) {
        self.values.push_back(value);
        self.sum += value;
        if self.values.len() > self.window
            && let Some(oldest) = self.values.pop_front()
        {
            self.sum -= oldest;
        }
    }
}
