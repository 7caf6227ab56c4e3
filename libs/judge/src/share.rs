//! Does the candidate get the traffic that it should?

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{one_sided::BelowTest, tick::Side};

/// H0: the candidate gets at least half of its configured share; evidence that it does not.
///
/// Each request is a draw, hence the test of a proportion against a lower bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareTest {
    half: f64,
    test: BelowTest,
    starved: bool,
    since: (f64, f64),
}

/// Requests after which a starved candidate is looked at anew.
const LOOK: f64 = 20.0;

/// Requests of both sides over one second: what a source reports of one side and then of the other belongs
/// together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondOfShare {
    since: Timestamp,
    candidate: u64,
    baseline: u64,
}

// === impl SecondOfShare ===

impl SecondOfShare {
    /// Begins.
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, candidate: 0, baseline: 0 }
    }

    /// Adds requests.
    pub fn count(&mut self, side: Side, requests: u64) {
        match side {
            Side::Candidate => self.candidate = self.candidate.saturating_add(requests),
            Side::Baseline => self.baseline = self.baseline.saturating_add(requests),
        }
    }

    /// The second's requests on the candidate and on the baseline, once it is over.
    pub fn take(&mut self, now: Timestamp) -> Option<(f64, f64)> {
        if now.duration_since(self.since).unsigned_abs() < Duration::from_secs(1) {
            return None;
        }
        let second = std::mem::replace(self, Self::new(now));
        Some((second.candidate as f64, second.baseline as f64))
    }
}

// === impl ShareTest ===

impl ShareTest {
    /// For a configured share, a fraction in (0, 1).
    pub fn new(share: f64) -> Self {
        let half = (0.5 * share).clamp(1e-6, 0.5);
        Self { half, test: BelowTest::new(half), starved: false, since: (0.0, 0.0) }
    }

    /// Requests on both sides; `limit` is the ln E at which the candidate counts as starved. Once it does, it
    /// recovers when a stretch of 20 or more requests gives it its half again; the test then starts anew.
    pub fn update(&mut self, candidate: f64, baseline: f64, limit: f64) {
        let all = candidate + baseline;
        if all <= 0.0 {
            return;
        }
        if !self.starved {
            self.test.update(candidate, all, 1.0);
            self.starved = self.test.log_e() >= limit;
            self.since = (0.0, 0.0);
            return;
        }
        self.since = (self.since.0 + candidate, self.since.1 + all);
        let (got, of) = self.since;
        if of >= LOOK && of * self.half >= 1.0 {
            self.since = (0.0, 0.0);
            if got / of >= self.half {
                *self = Self::new(2.0 * self.half);
            }
        }
    }

    /// Whether the candidate gets too little.
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// ln E of "too little".
    pub fn log_e(&self) -> f64 {
        self.test.log_e()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starved_candidate_is_noticed_and_may_recover() {
        let mut share = ShareTest::new(0.1);
        for _ in 0..100 {
            share.update(1.0, 9.0, 4.6);
        }
        assert!(!share.is_starved());
        for _ in 0..400 {
            share.update(0.0, 10.0, 4.6);
        }
        assert!(share.is_starved());
        for _ in 0..20 {
            share.update(1.0, 9.0, 4.6);
        }
        assert!(!share.is_starved());
    }
}
