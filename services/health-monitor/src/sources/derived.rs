//! Values that are computed of each instance from what one source told at one moment.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::readings::{Reading, Readings, Value};
use bellwether_policy::derived::Derivation;

/// Sources, and counters of theirs, that are followed; of more, those that are new are not.
const MOST_SOURCES: usize = 64;
const MOST_COUNTERS: usize = 4_096;
/// Instances whose troubles are told apart.
const MOST_TROUBLES: usize = 1_024;
/// So many times in a row it was no accident.
const LASTING: u32 = 3;
/// What was not tried again for this long, or three intervals, is no trouble any more: the instance is gone.
const FORGET: Duration = Duration::from_secs(60);

/// The computed values of one analysis.
#[derive(Debug)]
pub struct Derivations {
    values: Vec<Derivation>,
    /// The metrics that they need.
    needed: BTreeSet<String>,
    fleets: [String; 2],
    newest: HashMap<(String, String), Timestamp>,
    counters: HashMap<(String, Place, String), (Timestamp, f64)>,
    troubles: BTreeMap<(String, Place), Trouble>,
}

/// Fleet, instance and route revision.
type Place = (String, String, i64);
/// Numbers by metric; None: a counter that only begins.
type Numbers = BTreeMap<String, Option<f64>>;

/// Why a value cannot be computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub problem: String,
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
    /// Of these, for the fleets that are compared.
    pub fn new(values: Vec<Derivation>, fleets: [String; 2]) -> Self {
        let needed = values.iter().flat_map(Derivation::metrics).map(str::to_owned).collect();
        let (newest, counters, troubles) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        Self { values, needed, fleets, newest, counters, troubles }
    }

    /// What is computed from these; None: nothing.
    pub fn derive(&mut self, readings: &Readings, now: Timestamp) -> Option<Readings> {
        if self.values.is_empty() || !self.is_new(readings) {
            return None;
        }
        let told = self.told(readings);
        let mut computed = Vec::new();
        for value in &self.values {
            for place in told.keys() {
                let Some(outcome) = compute(value, place, &told) else { continue };
                let key = (value.id.clone(), place.clone());
                match outcome {
                    Ok(number) => {
                        self.troubles.remove(&key);
                        computed.push(Reading {
                            metric: value.id.clone(),
                            fleet: place.0.clone(),
                            instance: place.1.clone(),
                            revision: place.2,
                            value: Value::Gauge(number),
                        });
                    }
                    Err(problem) => {
                        let until = now + FORGET.max(3 * readings.interval);
                        if let Some(known) = self.troubles.get_mut(&key) {
                            (known.times, known.until, known.problem) = (known.times + 1, until, problem);
                        } else if self.troubles.len() < MOST_TROUBLES {
                            self.troubles.insert(key, Trouble { since: now, problem, times: 1, until });
                        }
                    }
                }
            }
        }
        let source = format!("{} derived", readings.source);
        let incarnation = readings.incarnation.clone();
        (!computed.is_empty()).then_some(Readings { source, incarnation, readings: computed, ..*readings })
    }

    /// Forgets the troubles of instances that are gone.
    pub fn expire(&mut self, now: Timestamp) {
        self.troubles.retain(|_, trouble| trouble.until >= now);
    }

    /// The longest trouble with a value; None: it is computed, or nothing was told of it yet.
    pub fn trouble(&self, id: &str) -> Option<&Trouble> {
        let of = self.troubles.iter().filter(|((value, _), _)| value == id).map(|(_, trouble)| trouble);
        of.max_by_key(|trouble| trouble.times)
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

    /// The numbers of each instance; of a counter its events per second.
    fn told(&mut self, readings: &Readings) -> BTreeMap<Place, Numbers> {
        let mut told: BTreeMap<Place, Numbers> = BTreeMap::new();
        for reading in readings.readings.iter().filter(|reading| self.fleets.contains(&reading.fleet)) {
            if !self.needed.contains(&reading.metric) {
                continue;
            }
            let place = (reading.fleet.clone(), reading.instance.clone(), reading.revision);
            let number = match reading.value {
                Value::Gauge(value) => Some(value),
                Value::Counter(value) => {
                    let source = format!("{} {}", readings.source, readings.incarnation);
                    let key = (source, place.clone(), reading.metric.clone());
                    let known = self.counters.len() < MOST_COUNTERS || self.counters.contains_key(&key);
                    let last = known.then(|| self.counters.insert(key, (readings.time, value))).flatten();
                    last.and_then(|(at, last)| {
                        rate(value - last, readings.time.duration_since(at).as_secs_f64())
                    })
                }
            };
            told.entry(place).or_default().insert(reading.metric.clone(), number);
        }
        told
    }
}

/// Events per second; None where the counter began anew.
fn rate(events: f64, seconds: f64) -> Option<f64> {
    (events >= 0.0 && seconds > 0.0).then(|| events / seconds)
}

/// The value at a place; what is told of a fleet as a whole stands in for what is not told of its instances. None: it has nothing to
/// do with the place, or only begins.
fn compute(
    value: &Derivation,
    place: &Place,
    told: &BTreeMap<Place, Numbers>,
) -> Option<Result<f64, String>> {
    let own = told.get(place)?;
    let whole = told.get(&(place.0.clone(), String::new(), place.2));
    let number = |metric: &str| own.get(metric).or_else(|| whole?.get(metric)).copied();
    if !value.metrics().any(|metric| own.contains_key(metric)) {
        return None;
    }
    let stands_in = place.1.is_empty()
        && value.metrics().any(|metric| !own.contains_key(metric))
        && told.iter().any(|(other, numbers)| {
            other.0 == place.0
                && !other.1.is_empty()
                && value.metrics().any(|metric| numbers.contains_key(metric))
        });
    let begins = value.metrics().any(|metric| number(metric) == Some(None));
    if stands_in || begins {
        return None;
    }
    let problem = |error: bellwether_policy::expression::EvaluateError| {
        let numbers = value.metrics().map(|metric| match number(metric).flatten() {
            Some(number) => format!("{metric} = {number}"),
            None => format!("no {metric}"),
        });
        let numbers: Vec<String> = numbers.collect();
        format!("{}: {error} ({}; instance {} of {})", value.id, numbers.join(", "), place.1, place.0)
    };
    Some(value.evaluate(|metric| number(metric).flatten()).map_err(problem))
}
