//! Anomalies in a signal that has no baseline to compare with: one value at a time, from its own past only.
//!
//! Three residuals are looked at: against the mean of the last [`Settings::window`] values, against the profile of
//! the hour of the week, and the cumulative sum of the first (Page 1954), which sees slow drifts. Each gets the
//! probability of its tail (SPOT, Siffer et al. 2017: a generalised Pareto distribution over a high threshold, here
//! fitted by moments in constant memory), on both sides. The smallest of them, as a number of decades, is how
//! surprising the value is. What follows a surprise is rarely news: a surprise that is no new record within the
//! last few per cent of what was seen is suppressed.
//!
//! # Limits
//! This is advice. Nothing controls its rate of false alarms: signals change for good reasons, and there is no
//! control group. It never fails a rollout. The settings were chosen on a public corpus (docs/benchmarks.md says
//! what they reach there), so figures on that corpus flatter it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod cusum;
mod moving;
mod records;
mod season;
mod tail;

use cusum::Cusum;
use moving::MovingMean;
use records::Records;
use season::Season;
use tail::{Tail, TwoTails};

/// How it looks. One setting for every signal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Values that the level is the mean of. At least 16.
    pub window: usize,
    /// Values that a tail is learned from before it says anything. At least 100.
    pub calibration: usize,
    /// The share of values below the threshold over which tails are fitted, in ½–1.
    pub quantile: f64,
    /// What the cumulative sum forgives at each value, in standard deviations. Above 0.
    pub slack: f64,
    /// A surprise must be the largest of this share of what was seen.
    pub record: f64,
    /// … and at least of this many values.
    pub least_record: usize,
}

/// How surprising a value is, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// −log10 of the probability of its tail; 0: not at all, or suppressed.
    pub surprise: f64,
    /// What is surprising.
    pub cause: Cause,
}

/// What is surprising.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The value, at this level.
    Level,
    /// The value, at this hour of the week.
    Season,
    /// A change of level that goes on.
    Drift,
}

/// From this many decades on, a value is worth telling people of: the best threshold on the public corpus.
pub const TELL: f64 = 3.5;
/// A drift must be this much more surprising than a value to say as much: its sum remembers.
const DRIFT_DISCOUNT: f64 = 0.5;

/// The detector of one signal. Constant time and memory per value (about 20 KiB).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    settings: Settings,
    level: MovingMean,
    season: Season,
    drift: Cusum,
    level_tails: TwoTails,
    season_tails: TwoTails,
    drift_tail: Tail,
    records: Records,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self { window: 600, calibration: 300, quantile: 0.99, slack: 1.0, record: 0.03, least_record: 60 }
    }
}

// === impl Finding ===

impl Finding {
    /// In [0, 1), rising with the surprise.
    pub fn score(&self) -> f64 {
        self.surprise / (1.0 + self.surprise)
    }

    fn or(self, surprise: f64, cause: Cause) -> Self {
        if surprise > self.surprise { Self { surprise, cause } } else { self }
    }
}

// === impl Detector ===

impl Detector {
    /// That has seen nothing.
    pub fn new(settings: Settings) -> Self {
        let tail = Tail::new(settings.calibration, settings.quantile);
        let tails = TwoTails::new(tail.clone());
        Self {
            settings,
            level: MovingMean::new(settings.window),
            season: Season::default(),
            drift: Cusum::new(settings.slack),
            level_tails: tails.clone(),
            season_tails: tails,
            drift_tail: tail,
            records: Records::default(),
        }
    }

    /// The next value, judged by those before it. One that is not finite is passed over.
    pub fn observe(&mut self, at: Timestamp, value: f64) -> Finding {
        let mut finding = Finding { surprise: 0.0, cause: Cause::Level };
        if !value.is_finite() {
            return finding;
        }
        if let Some(level) = self.level.mean() {
            let residual = value - level;
            finding = finding.or(self.level_tails.surprise(residual), Cause::Level);
            let sum = self.drift.add(residual);
            finding = finding.or(self.drift_tail.surprise(sum) - DRIFT_DISCOUNT, Cause::Drift);
        }
        if let Some(expected) = self.season.expected(at) {
            finding = finding.or(self.season_tails.surprise(value - expected), Cause::Season);
        }
        self.level.add(value);
        self.season.add(at, value);
        let Settings { record, least_record, .. } = self.settings;
        let is_record = self.records.add(finding.surprise, record, least_record);
        if is_record { finding } else { Finding { surprise: 0.0, ..finding } }
    }

    /// The level: the mean of the last values. None before there are enough.
    pub fn level(&self) -> Option<f64> {
        self.level.mean()
    }
}

#[cfg(test)]
mod tests;
