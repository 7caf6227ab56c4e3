//! How much one rate varies from minute to minute.

use serde::{Deserialize, Serialize};

use super::LEAST_BLOCKS;

/// φ over time: Pearson's statistic of the blocks' rates around their common one, Σ(k − n·p)²/(n·p·(1−p)), divided
/// by the number of blocks less one. In constant memory, as Σk²/n − 2p·Σk + p²·Σn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverTime {
    squares: f64,
    events: f64,
    requests: f64,
    blocks: u32,
    with_events: u32,
}

// === impl OverTime ===

impl OverTime {
    /// One block: events of requests.
    pub fn add(&mut self, k: f64, n: f64) {
        if n <= 0.0 {
            return;
        }
        self.squares += k * k / n;
        self.events += k;
        self.requests += n;
        self.blocks += 1;
        self.with_events += u32::from(k > 0.0);
    }

    /// φ, at least 1. None below 30 blocks with events.
    pub fn phi(&self) -> Option<f64> {
        let p = self.events / self.requests;
        if self.with_events < LEAST_BLOCKS || p >= 1.0 {
            return None;
        }
        let pearson = (self.squares - p * self.events) / (p * (1.0 - p));
        Some((pearson / f64::from(self.blocks - 1)).max(1.0))
    }
}
