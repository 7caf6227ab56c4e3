//! The sources of an analysis, as its policy names them.

mod exported;
mod prometheus;
mod read;
pub mod selector;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_judge::{Batch, Histogram, Readings, Sample, settings::Coming};

pub use self::{
    exported::Exported,
    prometheus::{Measure, PrometheusSpec, ServerRef},
    read::{Names, metrics, read},
};
use crate::{derived::Derivation, journeys::JourneyRules};

/// The sources of one analysis.
#[derive(Clone, Debug, Default)]
pub struct SourceSet {
    /// Each of them. Empty: whatever is pushed.
    pub specs: Vec<SourceSpec>,
    /// How requests are told apart by journey.
    pub journeys: JourneyRules,
    /// The fleets that are compared, by their versions.
    pub versions: BTreeMap<String, String>,
    /// Metrics of applications' own that are exported over OpenTelemetry.
    pub exported: Vec<Exported>,
    /// What is computed from what they tell.
    pub derived: Vec<Derivation>,
}

/// One source.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: SourceKind,
    /// What is taken from it.
    pub signals: Signals,
}

/// What a source is.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// Pushed batches.
    Push(PushSpec),
    /// OpenTelemetry metrics.
    Otlp,
    /// A Prometheus server.
    Prometheus(Box<PrometheusSpec>),
}

/// Which pushed batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushSpec {
    /// Those whose `source` begins with this.
    pub prefix: String,
    /// What they tell beside samples.
    pub metrics: BTreeSet<String>,
}

/// What is taken from a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Requests, errors, statuses, journeys.
    pub requests: bool,
    /// Latencies.
    pub latency: bool,
}

// === impl SourceSet ===

impl SourceSet {
    /// What is taken of a pushed batch, by the source with the longest prefix; None: nothing.
    pub fn of_push(&self, source: &str) -> Option<Signals> {
        if self.specs.is_empty() {
            return Some(Signals::ALL);
        }
        self.pushing(source).map(|(spec, _)| spec.signals)
    }

    /// The readings of a pushed batch that are taken.
    pub fn of_readings(&self, readings: &Readings) -> Option<Readings> {
        let (_, push) = self.pushing(&readings.source)?;
        let taken = readings.readings.iter().filter(|reading| push.metrics.contains(&reading.metric));
        let taken: Vec<_> = taken.cloned().collect();
        let (source, incarnation) = (readings.source.clone(), readings.incarnation.clone());
        (!taken.is_empty()).then_some(Readings { source, incarnation, readings: taken, ..*readings })
    }

    fn pushing(&self, source: &str) -> Option<(&SourceSpec, &PushSpec)> {
        let of = |spec: &'_ SourceSpec| matches!(&spec.kind, SourceKind::Push(push) if source.starts_with(&push.prefix));
        let found = self.specs.iter().filter(|spec| of(spec)).filter_map(|spec| match &spec.kind {
            SourceKind::Push(push) => Some((spec, push)),
            SourceKind::Otlp | SourceKind::Prometheus(_) => None,
        });
        found.max_by_key(|(_, push)| push.prefix.len())
    }

    /// How requests and latencies come.
    pub fn coming(&self) -> Coming {
        let by = |tells: fn(&Signals) -> bool| self.specs.iter().position(|spec| tells(&spec.signals));
        match (by(|signals| signals.requests), by(|signals| signals.latency)) {
            (Some(requests), Some(latency)) if requests != latency => Coming::Apart,
            (None, Some(_)) => Coming::LatencyOnly,
            (Some(_), _) | (None, None) => Coming::Together,
        }
    }

    /// What is taken of OpenTelemetry metrics; None: nothing.
    pub fn of_otlp(&self) -> Option<Signals> {
        let otlp = self.specs.iter().find(|spec| matches!(spec.kind, SourceKind::Otlp));
        otlp.map(|spec| spec.signals)
    }

    /// The servers to ask.
    pub fn prometheus(&self) -> impl Iterator<Item = (&SourceSpec, &PrometheusSpec)> {
        self.specs.iter().filter_map(|spec| match &spec.kind {
            SourceKind::Prometheus(server) => Some((spec, &**server)),
            SourceKind::Push(_) | SourceKind::Otlp => None,
        })
    }
}

// === impl Signals ===

impl Signals {
    /// All of them.
    pub const ALL: Self = Self { requests: true, latency: true };
    /// None of them.
    pub const NONE: Self = Self { requests: false, latency: false };

    /// Those of these that are not of the others.
    pub fn without(self, others: Self) -> Self {
        Self { requests: self.requests && !others.requests, latency: self.latency && !others.latency }
    }

    /// What a batch tells.
    pub fn told_by(batch: &Batch) -> Self {
        Self {
            requests: batch.samples.iter().any(|sample| sample.requests > 0),
            latency: batch.samples.iter().any(|sample| sample.latency.total() > 0),
        }
    }

    /// The batch without what is not taken.
    pub fn of(self, batch: &Batch) -> Batch {
        let samples = batch.samples.iter().map(|sample| self.of_sample(sample.clone())).collect();
        Batch { samples, source: batch.source.clone(), incarnation: batch.incarnation.clone(), ..*batch }
    }

    /// The sample without what is not taken.
    pub fn of_sample(self, sample: Sample) -> Sample {
        let mut kept = sample;
        if !self.requests {
            (kept.requests, kept.errors, kept.connect_failures) = (0, 0, 0);
            kept.statuses.clear();
            kept.journeys.clear();
        }
        if !self.latency {
            kept.latency = Histogram::default();
        }
        kept
    }
}

// === impl SourceKind ===

impl SourceKind {
    /// What it can tell.
    fn can_tell(&self) -> Signals {
        match self {
            Self::Push(_) | Self::Otlp => Signals::ALL,
            Self::Prometheus(server) => server.signals(),
        }
    }
}
