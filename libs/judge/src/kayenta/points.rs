//! From what both sides counted within an interval to a point of each series.

use serde::{Deserialize, Serialize};

use crate::{
    readings::{Counted, Value},
    tick::{Counts, Side},
};

/// The newest points are kept: 500 of them are judged within milliseconds.
const MOST: usize = 500;

/// What a metric of the configuration is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Signal {
    /// Failed requests, percent.
    Errors,
    /// Attempts without a connection, percent.
    ConnectFailures,
    /// A quantile of the latency, in ms.
    Latency(f64),
    /// A metric of the readings: of a gauge the mean, of a counter the events per request.
    Metric(String),
}

/// What one side did within an interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gathered {
    pub counts: Counts,
    /// Of each metric.
    read: Vec<Read>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Read {
    sum: f64,
    values: u32,
    counter: bool,
}

/// The points of one metric, the newest last. None: missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Points {
    pub candidate: Vec<Option<f64>>,
    pub baseline: Vec<Option<f64>>,
}

// === impl Signal ===

impl Signal {
    /// By its name: one of those that requests give, or else a metric of the readings.
    pub fn named(name: &str) -> Self {
        match name {
            "error_percent" => Self::Errors,
            "connect_failure_percent" => Self::ConnectFailures,
            "latency_p50_ms" => Self::Latency(0.5),
            "latency_p90_ms" => Self::Latency(0.9),
            "latency_p95_ms" => Self::Latency(0.95),
            "latency_p99_ms" => Self::Latency(0.99),
            metric => Self::Metric(metric.to_owned()),
        }
    }
}

// === impl Gathered ===

impl Gathered {
    /// Adds a value of the metric at `index`; of a counter, what is new.
    pub fn read(&mut self, index: usize, value: Value, new: Option<Counted>) {
        if self.read.len() <= index {
            self.read.resize(index + 1, Read::default());
        }
        let Some(read) = self.read.get_mut(index) else { return };
        let (value, counter) = match (value, new) {
            (Value::Gauge(value), _) if value.is_finite() => (value, false),
            (Value::Counter(_), Some(counted)) => (counted.events, true),
            (Value::Gauge(_) | Value::Counter(_), _) => return,
        };
        *read = Read { sum: read.sum + value, values: read.values.saturating_add(1), counter };
    }

    /// Whether anything came.
    pub fn is_empty(&self) -> bool {
        self.counts.requests == 0
            && self.counts.latency.total() == 0
            && self.read.iter().all(|it| it.values == 0)
    }

    /// The point of a series.
    fn point(&self, index: usize, signal: &Signal) -> Option<f64> {
        let requests = self.counts.requests as f64;
        let share = |count: u64| (requests > 0.0).then(|| 100.0 * count as f64 / requests);
        match signal {
            Signal::Errors => share(self.counts.errors),
            Signal::ConnectFailures => share(self.counts.connect_failures),
            Signal::Latency(quantile) => self.counts.latency.quantile(*quantile),
            Signal::Metric(_) => {
                let read = self.read.get(index).filter(|read| read.values > 0)?;
                let of = if read.counter { requests } else { f64::from(read.values) };
                (of > 0.0).then(|| read.sum / of)
            }
        }
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.read.fill(Read::default());
    }
}

// === impl Points ===

impl Points {
    /// Adds the point of an interval that is over.
    pub fn push(&mut self, index: usize, signal: &Signal, candidate: &Gathered, baseline: &Gathered) {
        for (points, side) in [(&mut self.candidate, candidate), (&mut self.baseline, baseline)] {
            if points.len() >= MOST {
                points.remove(0);
            }
            points.push(side.point(index, signal));
        }
    }
}

/// What both sides did within an interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Interval {
    pub candidate: Gathered,
    pub baseline: Gathered,
}

// === impl Interval ===

impl Interval {
    pub fn side_mut(&mut self, side: Side) -> &mut Gathered {
        match side {
            Side::Candidate => &mut self.candidate,
            Side::Baseline => &mut self.baseline,
        }
    }

    pub fn clear(&mut self) {
        self.candidate.clear();
        self.baseline.clear();
    }
}
