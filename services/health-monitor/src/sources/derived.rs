//! Values that are computed of each instance from what sources told.
//!
//! Metrics of one source are told together, and the value is computed at once; those of several are put together by
//! [scrape](mixed).

mod mixed;
mod numbers;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::readings::{Reading, Readings, Value};
use bellwether_policy::derived::Derivation;

use mixed::Mixed;
use numbers::{Counters, Place, Problem, compute};

/// Sources that are followed; of more, those that are new are not.
const MOST_SOURCES: usize = 64;
/// Instances whose troubles are told apart.
const MOST_TROUBLES: usize = 1_024;
/// So many times in a row it was no accident.
const LASTING: u32 = 3;
/// What was not tried again for this long, or three intervals, is no trouble any more: the instance is gone.
const FORGET: Duration = Duration::from_secs(60);
/// Who tells what is computed from metrics of several sources.
const DERIVED: &str = "derived";

/// The computed values of one policy.
#[derive(Debug, Default)]
pub struct Derivations {
    values: Vec<Derivation>,
    /// The metrics that they need.
    needed: BTreeSet<String>,
    /// Those that are compared; None: any.
    fleets: Option<[String; 2]>,
    newest: HashMap<(String, String), Timestamp>,
    counters: Counters,
    mixed: Mixed,
    /// When anything of several sources was last computed.
    mixed_at: Option<Timestamp>,
    troubles: BTreeMap<(String, Place), Trouble>,
}

/// Why a value cannot be computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub problem: String,
    /// The metrics that are not told; empty: the expression gives no number.
    pub missing: Vec<String>,
    times: u32,
    until: Timestamp,
}

// === impl Trouble ===

impl Trouble {
    /// Whether it was no accident.
    pub fn is_lasting(&self) -> bool {
        self.times >= LASTING
    }
}

// === impl Derivations ===

impl Derivations {
    /// Of these, for the fleets that are compared; None: for any.
    pub fn new(values: Vec<Derivation>, fleets: Option<[String; 2]>) -> Self {
        let needed = values.iter().flat_map(Derivation::metrics).map(str::to_owned).collect();
        Self { values, needed, fleets, ..Self::default() }
    }

    /// Whether a metric is one of the computed ones.
    pub fn computes(&self, metric: &str) -> bool {
        self.values.iter().any(|value| value.id == metric)
    }

    /// What is computed from these, and from what other sources told before.
    pub fn derive(&mut self, readings: &Readings, now: Timestamp) -> Vec<Readings> {
        if self.values.is_empty() || !self.is_new(readings) {
            return Vec::new();
        }
        let (fleets, needed) = (&self.fleets, &self.needed);
        let wanted = |fleet: &str, metric: &str| {
            needed.contains(metric)
                && fleets.as_ref().is_none_or(|fleets| fleets.iter().any(|known| known == fleet))
        };
        let told = self.counters.told(readings, wanted);
        let (mut together, mut mixed, mut slowest) = (Vec::new(), Vec::new(), Duration::ZERO);
        let values = std::mem::take(&mut self.values);
        for value in &values {
            if value.is_mixed() {
                let (found, interval) = self.mixed.take(value, &told, readings.interval, now);
                for (place, outcome) in found {
                    slowest = slowest.max(interval);
                    mixed.extend(self.settle(value, &place, outcome, interval, now));
                }
            } else {
                for (place, outcome) in told.keys().filter_map(|it| Some((it, compute(value, it, &told)?))) {
                    together.extend(self.settle(value, place, outcome, readings.interval, now));
                }
            }
        }
        self.values = values;
        let source = format!("{} {DERIVED}", readings.source);
        let incarnation = readings.incarnation.clone();
        let together = Readings { source, incarnation, readings: together, ..*readings };
        let mixed = Readings {
            source: DERIVED.to_owned(),
            incarnation: String::new(),
            time: self.next(now, &mixed),
            interval: slowest,
            readings: mixed,
        };
        [together, mixed].into_iter().filter(|readings| !readings.readings.is_empty()).collect()
    }

    /// Forgets the troubles of instances that are gone.
    pub fn expire(&mut self, now: Timestamp) {
        self.mixed.expire(now);
        self.troubles.retain(|_, trouble| trouble.until >= now);
    }

    /// The longest trouble with a value; None: it is computed, or nothing was told of it yet.
    pub fn trouble(&self, id: &str) -> Option<&Trouble> {
        let of = self.troubles.iter().filter(|((value, _), _)| value == id).map(|(_, trouble)| trouble);
        of.max_by_key(|trouble| trouble.times)
    }

    /// All that have one, by value and fleet.
    pub fn troubles(&self) -> impl Iterator<Item = (&str, &str, &Trouble)> {
        self.troubles.iter().map(|((value, place), trouble)| (value.as_str(), place.0.as_str(), trouble))
    }

    /// As the judge takes them: what is not newer is a repetition.
    fn is_new(&mut self, readings: &Readings) -> bool {
        let key = (readings.source.clone(), readings.incarnation.clone());
        let room = self.newest.len() < MOST_SOURCES;
        match self.newest.get_mut(&key) {
            Some(newest) if readings.time <= *newest => return false,
            Some(newest) => *newest = readings.time,
            None if room => _ = self.newest.insert(key, readings.time),
            None => return false,
        }
        true
    }

    /// The time of what was computed of several sources: always later than the last.
    fn next(&mut self, now: Timestamp, computed: &[Reading]) -> Timestamp {
        let after = self.mixed_at.map_or(now, |last| now.max(last + Duration::from_nanos(1)));
        if !computed.is_empty() {
            self.mixed_at = Some(after);
        }
        after
    }

    /// A value that was computed, or its trouble.
    fn settle(
        &mut self,
        value: &Derivation,
        place: &Place,
        outcome: Result<f64, Problem>,
        interval: Duration,
        now: Timestamp,
    ) -> Option<Reading> {
        // a route that changes does not end it
        let key = (value.id.clone(), (place.0.clone(), place.1.clone(), 0));
        let problem = match outcome {
            Ok(number) => {
                self.troubles.remove(&key);
                let (fleet, instance, revision) = place.clone();
                let value = Value::Gauge(number);
                return Some(Reading { metric: key.0, fleet, instance, revision, value });
            }
            Err(problem) => problem,
        };
        let Problem { text: problem, missing } = problem;
        let until = now + FORGET.max(3 * interval);
        if let Some(known) = self.troubles.get_mut(&key) {
            let times = known.times + 1;
            *known = Trouble { since: known.since, problem, missing, times, until };
        } else if self.troubles.len() < MOST_TROUBLES {
            self.troubles.insert(key, Trouble { since: now, problem, missing, times: 1, until });
        }
        None
    }
}
