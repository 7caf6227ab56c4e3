//! What both sides did in the last seconds, to tell a bad candidate from a bad day.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Half of the window.
const HALF: Duration = Duration::from_secs(5);
/// Fewer requests than this say nothing.
const LEAST: f64 = 10.0;

/// Counts of the last 5 to 10 seconds, in two buckets that are turned over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    turned: Timestamp,
    now: Window,
    before: Window,
}

/// Events of requests, on one side and measure each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Window {
    candidate: (f64, f64),
    baseline: (f64, f64),
}

// === impl Recent ===

impl Recent {
    /// Empty.
    pub fn new(now: Timestamp) -> Self {
        Self { turned: now, now: Window::default(), before: Window::default() }
    }

    /// Lets time pass.
    pub fn turn(&mut self, now: Timestamp) {
        let age = now.duration_since(self.turned);
        if age.is_negative() || age.unsigned_abs() < HALF {
            return;
        }
        self.before = if age.unsigned_abs() < HALF * 2 { self.now } else { Window::default() };
        self.now = Window::default();
        self.turned = now;
    }

    /// Adds events of requests on the candidate.
    pub fn candidate(&mut self, events: f64, requests: f64) {
        add(&mut self.now.candidate, events, requests);
    }

    /// Adds events of requests on the baseline.
    pub fn baseline(&mut self, events: f64, requests: f64) {
        add(&mut self.now.baseline, events, requests);
    }

    /// The share of events on the candidate; None below 10 requests.
    pub fn candidate_share(&self) -> Option<f64> {
        let requests = self.now.candidate.1 + self.before.candidate.1;
        (requests >= LEAST).then(|| (self.now.candidate.0 + self.before.candidate.0) / requests)
    }

    /// Whether the baseline is at least half as bad as the candidate, or as the threshold `p0` where that is
    /// more: what is seen then hits both.
    pub fn is_common(&self, p0: f64) -> bool {
        let sum = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
        let (kb, nb) = sum(self.now.baseline, self.before.baseline);
        let (kc, nc) = sum(self.now.candidate, self.before.candidate);
        let candidate = if nc > 0.0 { kc / nc } else { 0.0 };
        nb >= LEAST && kb / nb >= 0.5 * candidate.max(p0)
    }
}

fn add(window: &mut (f64, f64), events: f64, requests: f64) {
    window.0 += events;
    window.1 += requests;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_outage_is_common_and_a_bad_candidate_is_not() {
        let start = Timestamp::UNIX_EPOCH;
        let mut recent = Recent::new(start);
        recent.candidate(30.0, 100.0);
        recent.baseline(1.0, 900.0);
        assert!(!recent.is_common(0.01));
        recent.baseline(400.0, 900.0);
        assert!(recent.is_common(0.01));
        recent.turn(start + Duration::from_secs(6));
        assert!(recent.is_common(0.01), "the last window still counts");
        recent.turn(start + Duration::from_secs(17));
        assert!(!recent.is_common(0.01), "nothing is known any more");
    }
}
