//! What every fleet did in the last hour, for rollouts that begin later.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Batch, Canaries, Histogram, History, Readings, Side, Traffic, Value, Wander,
    counters::{Context, Counters, Delta},
    tick::Counts,
};
use serde::{Deserialize, Serialize};

use crate::evidence;

/// Length of one part of the hour.
const PART: i64 = 300;
/// Parts of an hour.
const PARTS: i64 = 12;
/// Fleets that are followed; of more, those that are new are not.
const MOST_FLEETS: usize = 4_096;
/// Gauges of a fleet that are followed: as many as one policy may name, and what is computed of them.
const MOST_GAUGES: usize = 64;
/// A fleet without samples for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(2 * 3600);
/// The statuses that are worth comparing on their own.
const STATUSES: [u16; 4] = [401, 403, 404, 429];

/// All fleets, by target and fleet.
#[derive(Debug, Default)]
pub struct Histories(Mutex<BTreeMap<String, Fleet>>);

/// One fleet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fleet {
    counters: Counters,
    parts: VecDeque<Part>,
    placebo: Canaries,
    /// How its gauges wander, by metric.
    #[serde(default)]
    gauges: BTreeMap<String, Wander>,
    seen: Timestamp,
    /// When its first sample came; `None`: before this was kept.
    #[serde(default)]
    first: Option<Timestamp>,
    #[serde(skip)]
    dirty: bool,
}

/// What all fleets of a target had in the last hour together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// How much of the hour was observed.
    pub observed: Duration,
    /// Requests in that time.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
}

/// Five minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    number: i64,
    counts: Counts,
}

// === impl Histories ===

impl Histories {
    /// The key of a fleet.
    pub fn key(target: &str, fleet: &str) -> String {
        format!("{target} {fleet}")
    }

    /// Takes what is new in a batch of one target.
    pub fn observe(&self, target: &str, batch: &Batch, now: Timestamp) {
        let fleets: BTreeSet<&str> = batch.samples.iter().map(|sample| sample.fleet.as_str()).collect();
        let mut known = self.lock();
        for fleet in fleets {
            let key = Self::key(target, fleet);
            if !known.contains_key(&key) && known.len() >= MOST_FLEETS {
                continue;
            }
            known.entry(key).or_insert_with(|| Fleet::new(now)).observe(fleet, batch, now);
        }
    }

    /// Takes what was read beside requests of one target.
    pub fn read(&self, target: &str, readings: &Readings, now: Timestamp) {
        let mut known = self.lock();
        for reading in &readings.readings {
            let Value::Gauge(value) = reading.value else { continue };
            let key = Self::key(target, &reading.fleet);
            if known.contains_key(&key) || known.len() < MOST_FLEETS {
                let fleet = known.entry(key).or_insert_with(|| Fleet::new(now));
                fleet.read(&reading.metric, value, readings.interval, now);
            }
        }
    }

    /// The last hour of a fleet; empty when nothing is known.
    pub fn of(&self, target: &str, fleet: &str, now: Timestamp) -> History {
        self.lock().get(&Self::key(target, fleet)).map(|fleet| fleet.history(now)).unwrap_or_default()
    }

    /// The last hour of all fleets of a target; nothing when none was seen.
    pub fn together(&self, target: &str, now: Timestamp) -> Together {
        let prefix = Self::key(target, "");
        let oldest = now.as_second().div_euclid(PART) - PARTS;
        let known = self.lock();
        let mut together = Together::default();
        for (_, fleet) in known.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix)) {
            for part in fleet.parts.iter().filter(|part| part.number > oldest) {
                together.requests += part.counts.requests;
                together.errors += part.counts.errors;
                let begun = Timestamp::from_second(part.number * PART).unwrap_or(now);
                let observed = now.duration_since(begun.max(fleet.first.unwrap_or(begun)));
                let observed = Duration::try_from(observed).unwrap_or_default();
                together.observed = together.observed.max(observed);
            }
        }
        together
    }

    /// What was kept of a fleet before a restart.
    pub fn restore(&self, key: String, fleet: Fleet) {
        self.lock().insert(key, fleet);
    }

    /// The keys of the fleets that changed since the last call, and of those that were forgotten.
    pub fn changed(&self, now: Timestamp) -> (Vec<String>, Vec<String>) {
        let mut known = self.lock();
        let old = |fleet: &Fleet| now.duration_since(fleet.seen).unsigned_abs() > FORGET_AFTER;
        let forgotten: Vec<String> =
            known.iter().filter(|(_, fleet)| old(fleet)).map(|(key, _)| key.clone()).collect();
        known.retain(|_, fleet| !old(fleet));
        let changed =
            known.iter_mut().filter_map(|(key, fleet)| std::mem::take(&mut fleet.dirty).then(|| key.clone()));
        (changed.collect(), forgotten)
    }

    /// A fleet as it is kept; None when it is known no more.
    pub fn row(&self, key: &str) -> Option<Vec<u8>> {
        evidence::pack(self.lock().get(key)?)
            .inspect_err(|error| tracing::error!(%error, key, "a history cannot be kept"))
            .ok()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Fleet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Fleet ===

impl Fleet {
    fn new(now: Timestamp) -> Self {
        Self {
            counters: Counters::default(),
            parts: VecDeque::new(),
            placebo: Canaries::default(),
            gauges: BTreeMap::new(),
            seen: now,
            first: Some(now),
            dirty: true,
        }
    }

    fn observe(&mut self, fleet: &str, batch: &Batch, now: Timestamp) {
        self.seen = now;
        self.dirty = true;
        self.placebo.turn(now);
        let number = now.as_second().div_euclid(PART);
        if self.parts.back().is_none_or(|part| part.number != number) {
            self.parts.push_back(Part { number, counts: Counts::sized(STATUSES.len(), 0) });
        }
        self.parts.retain(|part| part.number > number - PARTS);
        let Some(part) = self.parts.back_mut() else { return };
        let placebo = &mut self.placebo;
        let context = Context {
            now,
            started: now,
            first_revision: 0,
            warm_up: Duration::ZERO,
            statuses: &STATUSES,
            journeys: &[],
        };
        let of_fleet = |sample: &bellwether_judge::Sample| {
            (sample.fleet == fleet && sample.traffic == Traffic::Live).then_some(Side::Baseline)
        };
        self.counters.difference(batch, context, of_fleet, |delta: Delta<'_>| {
            part.counts.add_requests(delta.counts);
            part.counts.latency.merge(&delta.counts.latency);
            placebo.count(delta.instance, delta.counts, now);
        });
    }

    fn read(&mut self, metric: &str, value: f64, interval: Duration, now: Timestamp) {
        self.seen = now;
        self.dirty = true;
        if let Some(wander) = self.gauges.get_mut(metric) {
            wander.read(value, now, interval);
        } else if self.gauges.len() < MOST_GAUGES {
            self.gauges.entry(metric.to_owned()).or_default().read(value, now, interval);
        }
    }

    fn history(&self, now: Timestamp) -> History {
        let measured = |(metric, wander): (&String, &Wander)| Some((metric.clone(), wander.rho()?));
        let oldest = now.as_second().div_euclid(PART) - PARTS;
        let mut history = History {
            dispersion: self.placebo.phi(),
            dispersion_over_time: self.placebo.phi_over_time(),
            autocorrelations: self.gauges.iter().filter_map(measured).collect(),
            ..History::default()
        };
        let mut statuses = [0; STATUSES.len()];
        let mut latency = Histogram::default();
        for part in self.parts.iter().filter(|part| part.number > oldest) {
            history.requests += part.counts.requests;
            history.errors += part.counts.errors;
            for (sum, count) in statuses.iter_mut().zip(&part.counts.statuses) {
                *sum += count;
            }
            latency.merge(&part.counts.latency);
        }
        history.statuses = STATUSES.into_iter().zip(statuses).collect();
        history.latency = latency;
        history
    }
}
