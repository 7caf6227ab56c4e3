//! The checks of gauges: against the live baseline, and of a share of a capacity against a threshold.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    betting::MeanAbove,
    gauge::{Blocks, block_length},
    history::History,
    interval::Interval,
    settings::{Gauge, Saturation, Worse},
    tick::Side,
    warning::WARN_CAP,
};

/// Values of one side wait this long for the other, or three intervals, then are dropped.
const WAIT: Duration = Duration::from_secs(10);

/// A gauge of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaugeCheck {
    spec: Gauge,
    scrape: Scrape,
    /// Differences beyond the margin, over the whole rollout.
    fail: Blocks,
    /// The same in the present segment.
    pass: Blocks,
    candidate: Average,
    baseline: Average,
}

/// A share of a capacity of the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaturationCheck {
    spec: Saturation,
    scrape: Scrape,
    fail: MeanAbove,
    warn: MeanAbove,
    candidate: Average,
    baseline: Average,
}

/// What the instances said within one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Scrape {
    candidate: Average,
    baseline: Average,
    since: Option<Timestamp>,
}

/// Sum, number and greatest of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Average {
    sum: f64,
    n: u64,
    most: f64,
}

// === impl GaugeCheck ===

impl GaugeCheck {
    /// With no evidence; the length of its blocks comes from before the rollout.
    pub fn new(spec: Gauge, history: &History) -> Self {
        let blocks = Blocks::of(block_length(history.autocorrelation(&spec.metric)));
        Self {
            spec,
            scrape: Scrape::default(),
            fail: blocks,
            pass: blocks,
            candidate: Average::default(),
            baseline: Average::default(),
        }
    }

    /// One instance's value. Closes the scrape before it when that is over.
    pub fn read(&mut self, side: Side, value: f64, now: Timestamp, interval: Duration, for_pass: bool) {
        if let Some(scrape) = self.scrape.over(now, interval)
            && let (Some(c), Some(b)) = (scrape.candidate.mean(), scrape.baseline.mean())
        {
            self.compare(c, b, for_pass);
        }
        self.scrape.add(side, value, now);
    }

    fn compare(&mut self, c: f64, b: f64, for_pass: bool) {
        let excess = match self.spec.worse {
            Worse::More => c - b - self.spec.margin * b.abs(),
            Worse::Fewer => b - self.spec.margin * b.abs() - c,
        };
        self.candidate.add(c);
        self.baseline.add(b);
        self.fail.add(excess);
        if for_pass {
            self.pass.add(excess);
        }
    }

    /// Drops the scrape under way.
    pub fn discard(&mut self) {
        self.scrape = Scrape::default();
    }

    /// A new segment: PASS is earned anew.
    pub fn enter_segment(&mut self) {
        self.pass.restart();
    }

    /// The settings.
    pub fn spec(&self) -> &Gauge {
        &self.spec
    }

    /// ln E of "worse by more than the margin".
    pub fn log_e(&self) -> f64 {
        self.fail.log_above(self.scale())
    }

    /// ln E of "not worse by more than the margin".
    pub fn log_pass(&self) -> f64 {
        self.pass.log_below(self.scale())
    }

    /// Means of both sides so far.
    pub fn means(&self) -> (Option<f64>, Option<f64>) {
        (self.candidate.mean(), self.baseline.mean())
    }

    /// Scrapes with values of both sides.
    pub fn scrapes(&self) -> u64 {
        self.candidate.n
    }

    /// Anytime-valid interval of the candidate's mean ÷ the baseline's.
    pub fn ratio_interval(&self, alpha: f64) -> Option<Interval> {
        let b = self.baseline.mean().filter(|b| *b != 0.0)?;
        let excess = self.fail.interval(alpha, self.scale())?;
        let margin = self.spec.margin;
        Some(match self.spec.worse {
            Worse::More => {
                Interval { lower: 1.0 + margin + excess.lower / b, upper: 1.0 + margin + excess.upper / b }
            }
            Worse::Fewer => {
                Interval { lower: 1.0 - margin - excess.upper / b, upper: 1.0 - margin - excess.lower / b }
            }
        })
    }

    fn scale(&self) -> f64 {
        self.baseline.mean().unwrap_or(0.0)
    }
}

// === impl SaturationCheck ===

impl SaturationCheck {
    /// With no evidence.
    pub fn new(spec: Saturation) -> Self {
        let test = MeanAbove::new(spec.above);
        Self {
            spec,
            scrape: Scrape::default(),
            fail: test.clone(),
            warn: test,
            candidate: Average::default(),
            baseline: Average::default(),
        }
    }

    /// One instance's value; of a scrape the fullest instance counts.
    pub fn read(&mut self, side: Side, value: f64, now: Timestamp, interval: Duration) {
        if let Some(scrape) = self.scrape.over(now, interval) {
            if scrape.candidate.n > 0 {
                self.candidate.add(scrape.candidate.most);
                self.fail.update(scrape.candidate.most);
                self.warn.update(scrape.candidate.most);
                self.warn.cap(WARN_CAP);
            }
            if scrape.baseline.n > 0 {
                self.baseline.add(scrape.baseline.most);
            }
        }
        self.scrape.add(side, value, now);
    }

    /// The settings.
    pub fn spec(&self) -> &Saturation {
        &self.spec
    }

    /// ln E of "above the threshold in the mean".
    pub fn log_e(&self) -> f64 {
        self.fail.log_e()
    }

    /// The same, made so that it can end.
    pub fn log_warn(&self) -> f64 {
        self.warn.log_e()
    }

    /// Means of the fullest instance of both sides.
    pub fn means(&self) -> (Option<f64>, Option<f64>) {
        (self.candidate.mean(), self.baseline.mean())
    }

    /// Scrapes of either side.
    pub fn scrapes(&self) -> (u64, u64) {
        (self.candidate.n, self.baseline.n)
    }
}

// === impl Scrape ===

impl Scrape {
    /// Takes the scrape when its interval is over: whole if both sides said something, else once it is old.
    fn over(&mut self, now: Timestamp, interval: Duration) -> Option<Self> {
        let age = now.duration_since(self.since?).unsigned_abs();
        let whole = self.candidate.n > 0 && self.baseline.n > 0;
        let old = age >= WAIT.max(interval * 3);
        // sources are not punctual
        ((whole && age * 4 >= interval * 3) || old).then(|| std::mem::take(self))
    }

    fn add(&mut self, side: Side, value: f64, now: Timestamp) {
        if !value.is_finite() {
            return;
        }
        self.since.get_or_insert(now);
        match side {
            Side::Candidate => self.candidate.add(value),
            Side::Baseline => self.baseline.add(value),
        }
    }
}

// === impl Average ===

impl Average {
    fn add(&mut self, value: f64) {
        self.most = if self.n == 0 { value } else { self.most.max(value) };
        self.sum += value;
        self.n += 1;
    }

    fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }
}
