//! The numbers that values are computed from.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::readings::{Readings, Value};
use bellwether_policy::derived::Derivation;

/// Counters that are followed; of more, those that are new are not.
const MOST_COUNTERS: usize = 4_096;

/// Fleet, instance and route revision.
pub type Place = (String, String, i64);
/// Numbers by metric; None: a counter that only begins.
pub type Numbers = BTreeMap<String, Option<f64>>;
/// All that was told at one moment.
pub type Told = BTreeMap<Place, Numbers>;

/// Counters, to tell their events per second.
#[derive(Debug, Default)]
pub struct Counters(HashMap<(String, Place, String), (Timestamp, f64)>);

/// Why there is no number.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// In a sentence.
    pub text: String,
    /// The metrics that were not told; empty: the expression gives none.
    pub missing: Vec<String>,
}

// === impl Counters ===

impl Counters {
    /// The numbers of each instance among the readings that are wanted; of a counter its events per second.
    pub fn told(&mut self, readings: &Readings, wanted: impl Fn(&str, &str) -> bool) -> Told {
        let mut told = Told::new();
        for reading in readings.readings.iter().filter(|reading| wanted(&reading.fleet, &reading.metric)) {
            let place = (reading.fleet.clone(), reading.instance.clone(), reading.revision);
            let number = match reading.value {
                Value::Gauge(value) => Some(value),
                Value::Counter(value) => {
                    let source = format!("{} {}", readings.source, readings.incarnation);
                    self.rate((source, place.clone(), reading.metric.clone()), readings.time, value)
                }
            };
            told.entry(place).or_default().insert(reading.metric.clone(), number);
        }
        told
    }

    /// Events per second since it was last told; None where it only begins, or began anew.
    fn rate(&mut self, key: (String, Place, String), time: Timestamp, value: f64) -> Option<f64> {
        let known = self.0.len() < MOST_COUNTERS || self.0.contains_key(&key);
        let (at, last) = known.then(|| self.0.insert(key, (time, value))).flatten()?;
        let (events, seconds) = (value - last, time.duration_since(at).as_secs_f64());
        (events >= 0.0 && seconds > 0.0).then(|| events / seconds)
    }
}

/// The value of metrics that one source told together; what is told of a fleet as a whole stands in for what is not told of its
/// instances. None: it has nothing to do with the place, or only begins.
pub fn compute(value: &Derivation, place: &Place, told: &Told) -> Option<Result<f64, Problem>> {
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
    if stands_in { None } else { evaluate(value, place, number) }
}

/// The value of these numbers; None: one of them only begins.
pub fn evaluate(
    value: &Derivation,
    place: &Place,
    number: impl Fn(&str) -> Option<Option<f64>>,
) -> Option<Result<f64, Problem>> {
    let missing: Vec<String> =
        value.metrics().filter(|metric| number(metric).is_none()).map(str::to_owned).collect();
    if !missing.is_empty() {
        return Some(Err(Problem::missing(value, place, missing)));
    }
    if value.metrics().any(|metric| number(metric) == Some(None)) {
        return None;
    }
    let problem = |error: bellwether_policy::expression::EvaluateError| {
        let known = |metric| format!("{metric} = {}", number(metric).flatten().unwrap_or(f64::NAN));
        let numbers: Vec<String> = value.metrics().map(known).collect();
        let (fleet, instance, _) = place;
        let text = format!("{}: {error} ({}; instance {instance} of {fleet})", value.id, numbers.join(", "));
        Problem { text, missing: Vec::new() }
    };
    Some(value.evaluate(|metric| number(metric).flatten()).map_err(problem))
}

/// How long after a metric another one may come and still be of the same scrape: one and a half of the longest interval, so that
/// sources need not be punctual.
pub fn window(longest: Duration) -> Duration {
    longest + longest / 2
}

// === impl Problem ===

impl Problem {
    /// These were not told.
    pub fn missing(value: &Derivation, (fleet, instance, _): &Place, missing: Vec<String>) -> Self {
        let text = format!("{}: no {} (instance {instance} of {fleet})", value.id, missing.join(" and no "));
        Self { text, missing }
    }
}
