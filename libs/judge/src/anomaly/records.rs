//! Which surprises are news.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Less surprising values are none anyhow.
const LEAST_SURPRISE: f64 = 0.5;

/// The surprises that later ones must exceed: falling, so that the first is the largest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    seen: u64,
    standing: VecDeque<(u64, f64)>,
}

// === impl Records ===

impl Records {
    /// Whether a surprise exceeds all those among the last `share` of what was seen, at least `least` values.
    pub fn add(&mut self, surprise: f64, share: f64, least: usize) -> bool {
        let reach = ((share * self.seen as f64) as u64).max(least as u64);
        while self.standing.front().is_some_and(|(at, _)| self.seen - at > reach) {
            self.standing.pop_front();
        }
        let is_record = self.standing.front().is_none_or(|(_, largest)| surprise > *largest);
        if surprise > LEAST_SURPRISE {
            while self.standing.back().is_some_and(|(_, smaller)| *smaller <= surprise) {
                self.standing.pop_back();
            }
            self.standing.push_back((self.seen, surprise));
        }
        self.seen += 1;
        is_record
    }
}
