//! How much more two groups of equal instances differ than chance would let them.
//!
//! Real requests are not independent: clients retry in clumps, instances have moods. φ is measured *before* a
//! rollout with placebo canaries: a random group of baseline instances of the candidate's size against the
//! rest, in blocks of one minute. φ = Σ(kc − K·π)² / Σ Var, where Var is the hypergeometric variance; every log
//! factor of a test is then divided by it. What hits all instances alike cancels and costs nothing.
//!
//! Tests that look at one side only have nothing that cancels: they are divided by the dispersion over time.
//!
//! This is an empirical mend, not a theorem: it holds while the rollout is as moody as the hour before it was, and for
//! moods that last about as long as a block.

use serde::{Deserialize, Serialize};

use crate::ratio::Comparison;

mod canaries;
mod over_time;

pub use canaries::Canaries;
pub use over_time::OverTime;

/// Accumulates blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dispersion {
    squares: f64,
    variance: f64,
    blocks: u32,
}

/// Fewer blocks than this say nothing.
const LEAST_BLOCKS: u32 = 30;

// === impl Dispersion ===

impl Dispersion {
    /// One block: events and requests of the placebo group and of the rest.
    pub fn add(&mut self, block: Comparison) {
        let (k, n) = (block.kc + block.kb, block.ec + block.eb);
        if !block.is_informative() || n <= 1.0 || k >= n {
            return;
        }
        let share = block.ec / n;
        self.squares += (block.kc - k * share).powi(2);
        self.variance += k * share * (1.0 - share) * (n - k) / (n - 1.0);
        self.blocks += 1;
    }

    /// φ, at least 1. None below 30 blocks.
    pub fn phi(&self) -> Option<f64> {
        (self.blocks >= LEAST_BLOCKS && self.variance > 0.0).then(|| (self.squares / self.variance).max(1.0))
    }
}
