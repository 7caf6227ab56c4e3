//! How what sources tell reaches the analyses.

use std::sync::Arc;

use bellwether_clock::{Timestamp, spawn};
use bellwether_judge::{Batch, readings::Readings};
use bellwether_policy::{
    journeys::JourneyRules,
    sources::{PrometheusSpec, Signals, SourceSet},
};
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

use super::{
    otlp::{self, Origin, Versions},
    prometheus,
};
use crate::{monitor::Monitor, running::Running};

// === impl Monitor ===

impl Monitor {
    /// Hands a batch to one analysis: of a source that is its own.
    pub fn ingest_into(&self, running: &Arc<Running>, batch: &Batch) {
        let now = self.now();
        self.metrics.samples.inc_by(batch.samples.len() as u64);
        self.give(running.clone(), batch, now);
        self.remember(&running.target, batch, now);
    }

    /// For later rollouts and for the record, without what is pushed of the same requests.
    fn remember(&self, target: &str, batch: &Batch, now: Timestamp) {
        match Signals::ALL.without(self.pushed.lately(target, now)) {
            Signals::NONE => {}
            Signals::ALL => self.keep(target, batch, now),
            rest => self.keep(target, &rest.of(batch), now),
        }
    }

    fn keep(&self, target: &str, batch: &Batch, now: Timestamp) {
        self.histories.observe(target, batch, now);
        self.recorder.observe(target, batch, now);
    }

    /// Hands what was pushed beside samples to the analyses whose sources declare it.
    pub fn read(&self, target: &str, readings: &Readings) {
        if readings.readings.is_empty() {
            return;
        }
        let analyses = self.registry.of_target(target);
        for running in &analyses {
            if let Some(taken) = running.sources.of_readings(readings) {
                self.read_into(running, &taken);
            }
        }
        let between = || self.declared.of(target).sources.of_readings(readings);
        if let Some(taken) = analyses.is_empty().then(between).flatten() {
            self.observe(target, &taken, self.now());
        }
    }

    /// Hands what was read beside requests to an analysis.
    pub fn read_into(&self, running: &Arc<Running>, readings: &Readings) {
        let now = self.now();
        self.recorder.read(&running.target, readings, now);
        self.observe(&running.target, readings, now);
        let (changed, computed) = running.read(readings, now);
        for readings in &computed {
            self.recorder.read(&running.target, readings, now);
        }
        if changed {
            self.settle(running.clone());
        }
    }

    /// Hands on what was exported, where it is time to.
    pub fn hear(&self, now: Timestamp) {
        for (target, news) in self.otlp.due(now) {
            let all = self.otlp.batch(&target, &news, ("", Signals::ALL), &JourneyRules::default(), now);
            self.metrics.samples.inc_by(all.samples.len() as u64);
            for running in self.registry.of_target(&target) {
                if let Some(signals) = running.sources.of_otlp() {
                    let (seen, journeys) = ((running.candidate.as_str(), signals), &running.sources.journeys);
                    let batch = self.otlp.batch(&target, &news, seen, journeys, now);
                    self.give(running, &batch, now);
                }
            }
            self.remember(&target, &all, now);
        }
    }

    /// Hands on what was exported of the application's own metrics; between rollouts it is only remembered.
    pub fn measure(&self, origin: &Origin, given: &ResourceMetrics, now: Timestamp) {
        let target = &origin.target;
        let (analyses, declared) = (self.registry.of_target(target), self.declared.of(target));
        let wanted = || analyses.iter().map(|running| &running.sources).chain([&declared.sources]);
        if wanted().all(|sources| sources.exported.is_empty()) {
            return;
        }
        let is_wanted =
            |name: &str| wanted().any(|of| of.exported.iter().any(|exported| exported.name == name));
        let (measured, interval) = self.otlp.measured(origin, given, is_wanted, now);
        // an instance of its own: instances report at their own moments
        let told = |sources: &SourceSet| Readings {
            source: format!("otlp/{}", origin.place.instance),
            incarnation: origin.place.fleet.clone(),
            time: now,
            interval,
            readings: otlp::readings(&measured, &origin.place, &sources.exported),
        };
        for running in &analyses {
            let readings = told(&running.sources);
            if !readings.readings.is_empty() {
                self.read_into(running, &readings);
            }
        }
        if analyses.is_empty() {
            self.observe(target, &told(&declared.sources), now);
        }
    }

    /// The fleets of a target's analyses by their versions.
    pub fn versions_of(&self, target: &str) -> Versions {
        self.registry.of_target(target).iter().flat_map(|running| running.sources.versions.clone()).collect()
    }

    /// A source of an analysis answered.
    pub fn source_answered(&self, running: &Arc<Running>, source: &str, note: Option<String>) {
        if running.source_answered(source, note, self.now()) {
            self.settle(running.clone());
        }
    }

    /// A source of an analysis failed.
    pub fn source_failed(
        &self,
        running: &Arc<Running>,
        source: &str,
        problem: String,
        lasting: bool,
        now: Timestamp,
    ) {
        tracing::info!(analysis = %running.name, source, problem, "a source fails");
        if running.source_failed(source, problem, lasting, now) {
            self.settle(running.clone());
        }
    }

    /// The server that a source means.
    pub fn prometheus(&self, spec: &PrometheusSpec) -> Option<prometheus::Prometheus> {
        self.surroundings.prometheus(spec, self.records.env())
    }
}

/// Begins to ask what an analysis wants to have asked.
pub fn ask(monitor: &Monitor, running: &Arc<Running>) {
    for (source, _) in running.sources.prometheus() {
        spawn("prometheus", prometheus::run(monitor.clone(), running.clone(), source.id.clone()));
    }
}
