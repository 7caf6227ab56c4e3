//! Kayenta's judge at work on a rollout: in each segment a point of each series per interval, and at the end of each
//! interval a judgement on all points of the segment.
//!
//! A score below *marginal* fails, for ever; one from *pass* on passes, for the segment; between them nobody knows. This
//! is how Spinnaker runs it. It looks repeatedly with a test that is made for one look, so its rate of false alarms is
//! no α: docs/concepts/judge-proof.md has figures.
//!
//! State: at most 500 points of at most 32 series, and the last counters of each instance.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Config, Judgement, Outcome, Series, Thresholds,
    points::{Interval, Points, Signal},
};
use crate::{
    counters::{Context, Counters, Delta},
    readings::{LastReadings, Reading, Readings, Value},
    sample::{Batch, Sample, Traffic},
    segment::Segment,
    tick::Side,
};

/// What is watched, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The configuration.
    pub config: Config,
    /// What scores mean.
    pub thresholds: Thresholds,
    /// What each metric of the configuration is, in its order.
    pub signals: Vec<Signal>,
    /// A point is made of so much time.
    pub interval: Duration,
    /// No judgement on fewer points.
    pub min_points: usize,
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// More points are needed.
    Collecting,
    /// The score is good enough, for this segment.
    Pass,
    /// Neither.
    Marginal,
    /// The score is not good enough. Final.
    Fail,
}

/// The watch over one rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    spec: Spec,
    candidate: String,
    baseline: String,
    warm_up: Duration,
    started: Timestamp,
    first_revision: i64,
    segment: Segment,
    /// When the present interval began.
    since: Timestamp,
    counters: Counters,
    readings: LastReadings,
    interval: Interval,
    points: Vec<Points>,
    /// Intervals of the segment in which the candidate had anything.
    intervals: usize,
    said: Said,
    /// Made anew at the end of the next interval.
    #[serde(skip)]
    found: Option<Judgement>,
}

// === impl Watch ===

impl Watch {
    /// Begins with its first segment. Fleets by id.
    pub fn new(
        spec: Spec,
        (candidate, baseline): (String, String),
        warm_up: Duration,
        segment: Segment,
        now: Timestamp,
    ) -> Self {
        Self {
            points: vec![Points::default(); spec.signals.len()],
            spec,
            candidate,
            baseline,
            warm_up,
            started: now,
            first_revision: segment.revision,
            segment,
            since: now,
            counters: Counters::default(),
            readings: LastReadings::default(),
            interval: Interval::default(),
            intervals: 0,
            said: Said::Collecting,
            found: None,
        }
    }

    /// Takes what is new in a batch.
    pub fn ingest(&mut self, batch: &Batch, now: Timestamp) {
        self.turn(now);
        let Self { counters, interval, segment, .. } = self;
        let context = Context {
            now,
            started: self.started,
            first_revision: self.first_revision,
            warm_up: self.warm_up,
            statuses: &[],
            journeys: &[],
        };
        let (candidate, baseline) = (&self.candidate, &self.baseline);
        let side = |sample: &Sample| side_of(&sample.fleet, candidate, baseline);
        counters.difference(batch, context, side, |delta: Delta<'_>| {
            let present = delta.revision == 0 || delta.revision >= segment.revision;
            let counts = match delta.side {
                Side::Candidate => segment.counts(delta.traffic),
                Side::Baseline => delta.traffic == Traffic::Live,
            };
            if present && counts {
                interval.side_mut(delta.side).counts.add(delta.counts, delta.traffic);
            }
        });
    }

    /// Takes what was read beside requests.
    pub fn read(&mut self, readings: &Readings, now: Timestamp) {
        self.turn(now);
        if !self.readings.is_new(readings) {
            return;
        }
        for reading in &readings.readings {
            if reading.revision == 0 || reading.revision >= self.segment.revision {
                self.take(readings, reading);
            }
        }
    }

    fn take(&mut self, readings: &Readings, reading: &Reading) {
        let Some(side) = side_of(&reading.fleet, &self.candidate, &self.baseline) else { return };
        let is_it = |signal: &Signal| matches!(signal, Signal::Metric(metric) if *metric == reading.metric);
        if !self.spec.signals.iter().any(is_it) {
            return;
        }
        let new = match reading.value {
            Value::Counter(value) => self.readings.advance(readings, reading, value),
            Value::Gauge(_) => None,
        };
        for (index, _) in self.spec.signals.iter().enumerate().filter(|(_, signal)| is_it(signal)) {
            self.interval.side_mut(side).read(index, reading.value, new);
        }
    }

    /// Enters a segment; one with the index of the present one corrects it. Another split of the traffic makes other
    /// points.
    pub fn enter(&mut self, segment: Segment, now: Timestamp) {
        let present = self.segment;
        let moved = (present.revision, present.share, present.kind)
            != (segment.revision, segment.share, segment.kind);
        if moved {
            self.counters.route_changed();
            self.readings.route_changed();
        }
        if moved || segment.index != present.index {
            self.interval.clear();
            self.since = now;
        }
        self.segment = segment;
        if segment.index != present.index {
            self.points.fill(Points::default());
            self.intervals = 0;
            if self.said != Said::Fail {
                (self.said, self.found) = (Said::Collecting, None);
            }
        }
    }

    /// PASS was given in the present segment before a restart.
    pub fn passed(&mut self) {
        if self.said != Said::Fail {
            self.said = Said::Pass;
        }
    }

    /// Ends the interval when it is over, and judges.
    pub fn turn(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.since).max(jiff::SignedDuration::ZERO).unsigned_abs();
        if passed < self.spec.interval {
            return;
        }
        // where nobody looked for a while, one interval was long
        self.since = now;
        if self.interval.candidate.is_empty() {
            return self.interval.clear();
        }
        let Interval { candidate, baseline } = &self.interval;
        for (index, (points, signal)) in self.points.iter_mut().zip(&self.spec.signals).enumerate() {
            points.push(index, signal, candidate, baseline);
        }
        self.interval.clear();
        self.intervals += 1;
        if self.intervals >= self.spec.min_points && self.said != Said::Fail {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let value = |point: &Option<f64>| point.unwrap_or(f64::NAN);
        let metrics = self.spec.config.metrics.iter().zip(&self.points);
        let series: Vec<Series> = metrics
            .map(|(metric, points)| Series {
                metric: metric.name.clone(),
                candidate: points.candidate.iter().map(value).collect(),
                baseline: points.baseline.iter().map(value).collect(),
            })
            .collect();
        let found = super::judge(&self.spec.config, self.spec.thresholds, &series);
        self.said = match found.outcome {
            Outcome::Fail => Said::Fail,
            // what was earned in the segment stays
            Outcome::Marginal if self.said == Said::Pass => Said::Pass,
            Outcome::Marginal => Said::Marginal,
            Outcome::Pass => Said::Pass,
        };
        self.found = Some(found);
    }

    /// What it says.
    pub fn said(&self) -> Said {
        self.said
    }

    /// The newest judgement of the segment.
    pub fn found(&self) -> Option<&Judgement> {
        self.found.as_ref()
    }

    /// What is watched, and how.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Points of the segment so far.
    pub fn points(&self) -> usize {
        self.intervals
    }

    /// The time that these are of.
    pub fn observed(&self) -> Duration {
        self.spec.interval.saturating_mul(u32::try_from(self.intervals).unwrap_or(u32::MAX))
    }
}

fn side_of(fleet: &str, candidate: &str, baseline: &str) -> Option<Side> {
    if fleet == candidate { Some(Side::Candidate) } else { (fleet == baseline).then_some(Side::Baseline) }
}
