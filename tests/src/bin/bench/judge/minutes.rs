//! The rules that look at points of one minute.

use bellwether_judge::{
    kayenta::{Class, Series, classify, config::Metric},
    tick::Tick,
};

use super::latencies::{measured_p99, p99_millis};

/// Minutes over the threshold that a rule allows, and one more.
const STRIKES: u32 = 3;
/// Kayenta looks from so many points on.
const FIRST_LOOK: usize = 5;

/// What the points are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Errors in percent.
    Errors,
    /// The p99 in ms.
    Latency,
}

/// What the rules said, in seconds from the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// Kayenta's, looked at each minute.
    pub peek: Option<u32>,
    /// Once, after 30 min.
    pub at_30: Option<u32>,
    /// Once, after 60 min.
    pub at_60: Option<u32>,
    /// Three minutes over a threshold.
    pub threshold: Option<u32>,
}

/// Points of both sides.
#[derive(Clone, Debug)]
pub struct Minutes {
    signal: Signal,
    metric: Metric,
    series: Series,
    threshold: f64,
    strikes: u32,
    /// What was said so far.
    pub said: Said,
}

// === impl Minutes ===

impl Minutes {
    /// `errors` is the baseline's error rate; the threshold lies a percentage point above it, or a quarter above the
    /// baseline's p99.
    pub fn new(signal: Signal, errors: f64) -> Self {
        let mut metric = Metric::default();
        metric.analysis_configurations.canary.direction = "increase".to_owned();
        let threshold = match signal {
            Signal::Errors => 100.0 * errors + 1.0,
            Signal::Latency => 1.25 * p99_millis(),
        };
        Self { signal, metric, series: Series::default(), threshold, strikes: 0, said: Said::default() }
    }

    /// What the points are of.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// A minute is over.
    pub fn add(&mut self, minute: &Tick) {
        let point = |counts: &bellwether_judge::Counts| match self.signal {
            Signal::Errors if counts.requests > 0 => 100.0 * counts.errors as f64 / counts.requests as f64,
            Signal::Errors => f64::NAN,
            Signal::Latency => measured_p99(&counts.latency),
        };
        let (candidate, baseline) = (point(&minute.candidate), point(&minute.baseline));
        self.series.candidate.push(candidate);
        self.series.baseline.push(baseline);
        let points = self.series.candidate.len();
        let now = 60 * u32::try_from(points).unwrap_or(u32::MAX);
        self.strikes += u32::from(candidate > self.threshold);
        if self.strikes >= STRIKES {
            self.said.threshold.get_or_insert(now);
        }
        let due = points == 30 || points == 60;
        let peeks = points >= FIRST_LOOK && self.said.peek.is_none();
        if (due || peeks) && classify::metric(&self.metric, &self.series).class == Class::High {
            self.said.peek.get_or_insert(now);
            match points {
                30 => self.said.at_30 = Some(now),
                60 => self.said.at_60 = Some(now),
                _ => {}
            }
        }
    }

    /// Whether nothing can change any more.
    pub fn is_over(&self) -> bool {
        self.series.candidate.len() >= 60
    }
}
