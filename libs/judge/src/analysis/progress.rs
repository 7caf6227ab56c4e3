//! Time, and what was seen in it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::share::SecondOfShare;

/// Intervals without a report after which there is no data.
const SILENT_INTERVALS: u32 = 3;
const LEAST_PATIENCE: Duration = Duration::from_secs(3);

/// Time and what was seen in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Observed time over the whole rollout.
    baked: Duration,
    /// Whether a second of it began since the last tick.
    pub second: bool,
    /// The same for latencies that come apart.
    #[serde(default)]
    pub second_of_latency: bool,
    /// When the segment was entered.
    pub entered: Timestamp,
    /// Observed time in the segment.
    pub observed: Duration,
    /// Requests of the candidate in the segment; where no source tells them, latencies.
    pub requests: u64,
    /// Of these, failed.
    #[serde(default)]
    pub errors: u64,
    /// PASS was given in the segment; final for it.
    pub passed: bool,
    /// The last moment at which a source reported on the candidate.
    pub reported: Timestamp,
    /// How often sources report.
    interval: Duration,
    /// The source of latencies, where it is another than that of requests and has reported.
    #[serde(default)]
    latency: Option<Pulse>,
    /// The newest time of a batch.
    pub through: Option<Timestamp>,
    /// Requests in the present second.
    pub share: SecondOfShare,
}

/// When a source last reported, and how often it does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Pulse {
    at: Timestamp,
    interval: Duration,
}

// === impl Progress ===

impl Progress {
    pub fn new(now: Timestamp) -> Self {
        Self {
            baked: Duration::ZERO,
            second: true,
            second_of_latency: true,
            entered: now,
            observed: Duration::ZERO,
            requests: 0,
            errors: 0,
            passed: false,
            reported: now,
            interval: Duration::from_secs(1),
            latency: None,
            through: None,
            share: SecondOfShare::new(now),
        }
    }

    pub fn enter(&mut self, now: Timestamp) {
        self.entered = now;
        self.observed = Duration::ZERO;
        self.requests = 0;
        self.errors = 0;
        self.passed = false;
        self.share = SecondOfShare::new(now);
    }

    /// Goes on after a time without a judge, which is nobody's silence.
    pub fn resume(&mut self, now: Timestamp) {
        self.reported = now;
        if let Some(pulse) = &mut self.latency {
            pulse.at = now;
        }
    }

    /// How long a source may say nothing, or a new route may take to show: three intervals, and at least 3 s, so
    /// that a busy machine is no silence.
    pub fn patience(&self) -> Duration {
        patience(self.interval)
    }

    /// A source has reported on the candidate: the time since the last report was observed, unless it was a gap, or
    /// the latencies were missing, which another source should tell.
    pub fn report(&mut self, now: Timestamp, interval: Duration) {
        let passed = match self.is_without_latency(now) {
            true => Duration::ZERO,
            false => since(self.reported, now).min(patience(interval)),
        };
        self.interval = interval;
        let before = self.baked.as_secs();
        self.baked += passed;
        let began = self.baked.as_secs() > before;
        self.second |= began;
        self.second_of_latency |= began;
        self.observed += passed.min(since(self.entered, now));
        self.reported = now;
    }

    /// The source of latencies, which is another than that of requests, has reported on the candidate.
    pub fn report_latency(&mut self, now: Timestamp, interval: Duration) {
        self.latency = Some(Pulse { at: now, interval });
    }

    /// Whether a source that should report does not.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        since(self.reported.max(self.entered), now) > self.patience() || self.is_without_latency(now)
    }

    fn is_without_latency(&self, now: Timestamp) -> bool {
        self.latency.is_some_and(|pulse| since(pulse.at.max(self.entered), now) > patience(pulse.interval))
    }
}

fn patience(interval: Duration) -> Duration {
    (interval * SILENT_INTERVALS).max(LEAST_PATIENCE)
}

fn since(earlier: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(earlier).max(SignedDuration::ZERO).unsigned_abs()
}
