//! Limits that act before statistics. They stand outside α, and a verdict that rests on one says so.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    by_name::ByName,
    tick::{Counts, Side},
};

/// Attempts in a row without a connection that make an instance unreachable.
const IN_A_ROW: u64 = 3;
/// The last requests that are looked at where there is no baseline at all.
const LAST_REQUESTS: u64 = 20;

/// An instance without an attempt for this long no longer vouches for the others: it may be gone.
const QUIET: Duration = Duration::from_secs(10);

/// A limit that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HardLimit {
    /// At least 3 connect failures in a row on every candidate instance, while stable has none.
    Unreachable,
    /// More than half of the last 20 requests failed, where there is no baseline.
    MostlyErrors,
}

/// What the limits look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HardLimits {
    /// Connect failures in a row, by candidate instance.
    candidate: ByName<Run>,
    /// Connect failures in a row, over all stable instances.
    baseline: u64,
    /// (requests, errors) of the newest ticks, just as many as hold the last 20 requests.
    last: VecDeque<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    failures: u64,
    at: Timestamp,
}

// === impl HardLimits ===

impl HardLimits {
    /// What is new of one instance.
    pub fn count(&mut self, side: Side, instance: &str, counts: &Counts, at: Timestamp) {
        if counts.requests == 0 {
            return;
        }
        let only_failures = counts.connect_failures >= counts.requests;
        let next = |run: u64| if only_failures { run.saturating_add(counts.connect_failures) } else { 0 };
        match side {
            Side::Baseline => self.baseline = next(self.baseline),
            Side::Candidate => {
                match self.candidate.get_mut(instance) {
                    Some(run) => *run = Run { failures: next(run.failures), at },
                    None => self.candidate.insert(instance, Run { failures: next(0), at }),
                }
                self.remember(counts);
            }
        }
    }

    fn remember(&mut self, counts: &Counts) {
        self.last.push_back((counts.requests, counts.errors));
        while let Some(first) = self.last.front().map(|(n, _)| *n)
            && self.requests().saturating_sub(first) >= LAST_REQUESTS
        {
            self.last.pop_front();
        }
    }

    fn requests(&self) -> u64 {
        self.last.iter().map(|(n, _)| n).sum()
    }

    /// The limit that is crossed at `now`. `no_baseline`: there is neither a live baseline nor a history.
    pub fn crossed(&self, no_baseline: bool, now: Timestamp) -> Option<HardLimit> {
        let mut tried = self
            .candidate
            .values()
            .filter(|run| now.duration_since(run.at).unsigned_abs() <= QUIET)
            .peekable();
        let unreachable = tried.peek().is_some() && tried.all(|run| run.failures >= IN_A_ROW);
        if unreachable && self.baseline == 0 {
            return Some(HardLimit::Unreachable);
        }
        let (requests, errors) = self.last.iter().fold((0, 0), |(n, k), tick| (n + tick.0, k + tick.1));
        let mostly_errors = requests >= LAST_REQUESTS && errors * 2 > requests;
        (no_baseline && mostly_errors).then_some(HardLimit::MostlyErrors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(requests: u64, errors: u64, connect_failures: u64) -> Counts {
        Counts { requests, errors, connect_failures, ..Counts::default() }
    }

    #[test]
    fn every_instance_must_be_unreachable() {
        let now = Timestamp::UNIX_EPOCH;
        let mut limits = HardLimits::default();
        limits.count(Side::Candidate, "a", &counts(2, 2, 2), now);
        limits.count(Side::Candidate, "b", &counts(1, 0, 0), now);
        limits.count(Side::Candidate, "a", &counts(1, 1, 1), now);
        assert_eq!(limits.crossed(false, now), None);
        limits.count(Side::Candidate, "b", &counts(3, 3, 3), now);
        assert_eq!(limits.crossed(false, now), Some(HardLimit::Unreachable));
        limits.count(Side::Baseline, "s", &counts(1, 1, 1), now);
        assert_eq!(limits.crossed(false, now), None, "stable is unreachable too");
    }

    #[test]
    fn an_instance_that_is_gone_vouches_for_nobody() {
        let (start, later) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + Duration::from_secs(20));
        let mut limits = HardLimits::default();
        limits.count(Side::Candidate, "gone", &counts(5, 0, 0), start);
        limits.count(Side::Candidate, "a", &counts(3, 3, 3), later);
        assert_eq!(limits.crossed(false, later), Some(HardLimit::Unreachable));
    }

    #[test]
    fn the_last_twenty_requests_decide_where_nothing_else_is_known() {
        let now = Timestamp::UNIX_EPOCH;
        let mut limits = HardLimits::default();
        limits.count(Side::Candidate, "a", &counts(100, 0, 0), now);
        assert_eq!(limits.crossed(true, now), None);
        for _ in 0..20 {
            limits.count(Side::Candidate, "a", &counts(1, 1, 0), now);
        }
        assert_eq!(limits.crossed(true, now), Some(HardLimit::MostlyErrors));
        assert_eq!(limits.crossed(false, now), None);
        assert!(limits.last.len() <= 20);
    }
}
