//! An analysis with a clock and a source whose counters a test moves by hand.

use std::time::Duration;

use bellwether_judge::{
    Analysis, Assessment, Batch, Histogram, History, Sample, Segment, SegmentKind, Settings, Traffic,
    histogram::bucket_of,
};
use jiff::Timestamp;

/// What one instance has counted so far.
pub type Counted = Sample;

/// One analysis under test.
pub struct Rig {
    /// It.
    pub analysis: Analysis,
    /// The time.
    pub now: Timestamp,
    /// The candidate's counters.
    pub candidate: Counted,
    /// The baseline's counters.
    pub baseline: Counted,
}

/// Half of the traffic, route revision 1.
pub fn split(share: f64) -> Segment {
    Segment { kind: SegmentKind::Split, share, revision: 1, index: 1, ..Segment::NOWHERE }
}

/// Everything to the candidate.
pub fn full(index: i32, revision: i64) -> Segment {
    Segment { kind: SegmentKind::Full, share: 1.0, revision, index, ..Segment::NOWHERE }
}

/// An hour of a stable version: 1 % errors at 100 requests a second, latencies around 20 ms.
pub fn history() -> History {
    let mut latency = Histogram::default();
    for (millis, count) in LATENCIES {
        latency.add(bucket_of(millis), count * 3_600);
    }
    History {
        requests: 360_000,
        errors: 360,
        statuses: vec![(401, 720)],
        latency,
        dispersion: Some(1.0),
        ..History::default()
    }
}

/// Latencies of a hundred requests.
pub const LATENCIES: [(f64, u64); 5] = [(15.0, 50), (20.0, 30), (30.0, 15), (60.0, 4), (120.0, 1)];

/// Counters of an instance that has done nothing.
pub fn idle(fleet: &str, instance: &str, revision: i64) -> Counted {
    Sample {
        fleet: fleet.into(),
        instance: instance.into(),
        revision,
        traffic: Traffic::Live,
        requests: 0,
        errors: 0,
        connect_failures: 0,
        statuses: Vec::new(),
        journeys: Vec::new(),
        latency: Histogram::default(),
    }
}

/// Counts requests of which some failed, each with latencies as in [`LATENCIES`] times `slower`.
pub fn count(sample: &mut Counted, requests: u64, errors: u64, slower: f64) {
    sample.requests += requests;
    sample.errors += errors;
    for (millis, share) in LATENCIES {
        sample.latency.add(bucket_of(millis * slower), requests * share / 100);
    }
}

// === impl Rig ===

impl Rig {
    /// With these settings, no warm-up, and a first segment.
    pub fn new(settings: Settings, history: History, segment: Segment) -> Self {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let settings = Settings { warm_up: Duration::ZERO, ..settings };
        let analysis = Analysis::new(settings, "new".into(), "old".into(), history, segment, now);
        let (candidate, baseline) = (idle("new", "c", segment.revision), idle("old", "b", segment.revision));
        Self { analysis, now, candidate, baseline }
    }

    /// Lets time pass.
    pub fn wait(&mut self, by: Duration) {
        self.now += by;
    }

    /// What the source would send now.
    pub fn batch(&self) -> Batch {
        Batch {
            source: "gateway".into(),
            incarnation: "1".into(),
            time: self.now,
            interval: Duration::from_secs(1),
            samples: vec![self.candidate.clone(), self.baseline.clone()],
        }
    }

    /// Sends what was counted and asks for the decision.
    pub fn send(&mut self) -> Assessment {
        let batch = self.batch();
        self.analysis.ingest(&batch, self.now);
        self.analysis.assess(self.now)
    }

    /// Seconds of equal traffic: requests and errors per second on both sides.
    pub fn seconds(&mut self, seconds: u32, candidate: (u64, u64), baseline: (u64, u64)) -> Assessment {
        let mut last = self.analysis.assess(self.now);
        for _ in 0..seconds {
            self.wait(Duration::from_secs(1));
            count(&mut self.candidate, candidate.0, candidate.1, 1.0);
            count(&mut self.baseline, baseline.0, baseline.1, 1.0);
            last = self.send();
        }
        last
    }
}
