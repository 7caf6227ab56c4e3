//! From counters as sources name them to samples as the judge takes them.
//!
//! A source has many series for one instance: by status, by path, by method. The ledger keeps the newest raw value of each and
//! adds them up, so that what leaves it is cumulative again: a repeated, late or reordered value changes nothing, and after a
//! restart of the monitor the next values bring the sums back to where they were. A counter that begins anew goes on from
//! where it was.

use std::collections::{BTreeMap, HashMap};

use bellwether_judge::{Histogram, Sample, Traffic};
use bellwether_policy::journeys::JourneyRules;

/// Instances that are kept; of more, those that are new are not.
const MOST_INSTANCES: usize = 1_024;
/// Series that are kept in all.
const MOST_SERIES: usize = 20_000;

/// All counters of one source.
#[derive(Debug, Default)]
pub struct Ledger {
    instances: BTreeMap<Place, Instance>,
    series: usize,
}

/// Whose a counter is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The fleet's id.
    pub fleet: String,
    /// The instance's id.
    pub instance: String,
    /// The route revision; 0: unknown.
    pub revision: i64,
}

/// What a counter counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// Requests.
    pub requests: bool,
    /// Failed requests.
    pub errors: bool,
    /// Answers with this status.
    pub status: Option<u16>,
    /// Of this path and method: for journeys.
    pub route: Option<(String, String)>,
}

/// A value of a counter.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// When the counter began, in milliseconds since 1970; 0: unknown.
    pub began: i64,
    /// When it had the value, in milliseconds since 1970.
    pub at: i64,
    /// It.
    pub reading: Reading,
}

/// The value of a counter.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A number.
    Count(f64),
    /// A distribution of latencies.
    Latency(Distribution),
}

/// Latencies on the judge's grid. A foreign bucket lies between two of its edges; where in it a request was is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// Each bucket counted where it ends: none was slower.
    pub slowest: Histogram,
    /// Each bucket counted where it begins: none was faster.
    pub fastest: Histogram,
}

/// What a value brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is the newest.
    New,
    /// It was known, or is older than what is known.
    Known,
    /// There are too many series or instances already.
    Full,
}

/// What an instance counted in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// With every bucket counted where it ends.
    pub sample: Sample,
    /// The latencies with every bucket counted where it begins.
    pub fastest: Histogram,
    /// The newest of its values, in milliseconds since 1970.
    pub newest: i64,
}

#[derive(Debug, Default)]
struct Instance {
    series: HashMap<u64, Series>,
    /// A value is newer than what was told last.
    fresh: bool,
    newest: i64,
    /// Between the last two moments with values, in milliseconds.
    spacing: i64,
}

#[derive(Debug)]
struct Series {
    meaning: Meaning,
    /// In milliseconds since 1970.
    at: i64,
    last: Reading,
    /// What `last` had when counting began, or began anew with other buckets.
    zero: Reading,
    /// Of counters that ended.
    before: Reading,
}

// === impl Ledger ===

impl Ledger {
    /// Notes a counter's value.
    pub fn note(&mut self, place: &Place, series: u64, meaning: &Meaning, value: Value) -> Noted {
        if !self.instances.contains_key(place) {
            if self.instances.len() >= MOST_INSTANCES {
                return Noted::Full;
            }
            self.instances.insert(place.clone(), Instance::default());
        }
        let Some(instance) = self.instances.get_mut(place) else { return Noted::Full };
        let at = value.at;
        match instance.series.get_mut(&series) {
            Some(known) if at <= known.at => return Noted::Known,
            Some(known) => known.advance(value),
            None if self.series >= MOST_SERIES => return Noted::Full,
            None => {
                self.series += 1;
                instance.series.insert(series, Series::new(meaning, value));
            }
        }
        instance.freshen(at);
        Noted::New
    }

    /// Adds what came since the value before: of sources that tell increments. One that is not newer is known.
    pub fn add(&mut self, place: &Place, series: u64, meaning: &Meaning, more: Value) -> Noted {
        let known = self.instances.get(place).and_then(|instance| instance.series.get(&series));
        let reading = match known {
            Some(known) if more.at <= known.at => return Noted::Known,
            Some(known) => known.last.plus(&more.reading),
            None => more.reading,
        };
        self.note(place, series, meaning, Value { began: 0, at: more.at, reading })
    }

    /// The sums of the instances that have new values.
    pub fn fresh(&mut self, journeys: &JourneyRules) -> Vec<Total> {
        self.take_fresh().iter().filter_map(|place| self.total(place, journeys)).collect()
    }

    /// The instances that have new values; they are not new any more.
    pub fn take_fresh(&mut self) -> Vec<Place> {
        let fresh = |(place, instance): (&Place, &mut Instance)| {
            std::mem::take(&mut instance.fresh).then(|| place.clone())
        };
        self.instances.iter_mut().filter_map(fresh).collect()
    }

    /// The sums of an instance.
    pub fn total(&self, place: &Place, journeys: &JourneyRules) -> Option<Total> {
        self.instances.get(place).map(|instance| instance.total(place, journeys))
    }

    /// The longest time between values of an instance that still has them, in milliseconds.
    pub fn spacing(&self) -> Option<i64> {
        self.instances.values().map(|instance| instance.spacing).max().filter(|spacing| *spacing > 0)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// Forgets instances whose newest value is older than this, in milliseconds since 1970.
    pub fn forget(&mut self, before: i64) {
        self.instances.retain(|_, instance| instance.newest >= before);
        self.series = self.instances.values().map(|instance| instance.series.len()).sum();
    }
}

// === impl Instance ===

impl Instance {
    fn freshen(&mut self, at: i64) {
        self.fresh = true;
        if self.newest > 0 && at > self.newest {
            self.spacing = at - self.newest;
        }
        self.newest = self.newest.max(at);
    }

    fn total(&self, place: &Place, journeys: &JourneyRules) -> Total {
        let mut sums = Sums::default();
        for series in self.series.values() {
            let route = series.meaning.route.as_ref();
            let journey = route.and_then(|(path, method)| journeys.find(path, method));
            sums.add(&series.meaning, journey, &series.counted());
        }
        sums.total(place, self.newest)
    }
}

// === impl Series ===

impl Series {
    fn new(meaning: &Meaning, value: Value) -> Self {
        let (zero, before) = (value.reading.zero(), value.reading.zero());
        Self { meaning: meaning.clone(), at: value.at, last: value.reading, zero, before }
    }

    fn advance(&mut self, value: Value) {
        let Value { began, at, reading } = value;
        let anew = began > self.at || reading.total() < self.last.total();
        if anew || !reading.grown_from(&self.last) {
            self.before = self.counted();
            // one that began anew did so from nothing; in other buckets, how they grew nobody knows
            self.zero = if anew { reading.zero() } else { reading.clone() };
        }
        (self.at, self.last) = (at, reading);
    }

    fn counted(&self) -> Reading {
        self.before.plus(&self.last.minus(&self.zero))
    }
}

// === impl Reading ===

impl Reading {
    fn zero(&self) -> Self {
        match self {
            Self::Count(_) => Self::Count(0.0),
            Self::Latency(_) => Self::Latency(Distribution::default()),
        }
    }

    fn total(&self) -> f64 {
        match self {
            Self::Count(count) => *count,
            Self::Latency(latency) => latency.slowest.total() as f64,
        }
    }

    fn minus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => Self::Count((a - b).max(0.0)),
            (Self::Latency(a), Self::Latency(b)) => Self::Latency(Distribution {
                slowest: difference(&a.slowest, &b.slowest),
                fastest: difference(&a.fastest, &b.fastest),
            }),
            (it @ (Self::Count(_) | Self::Latency(_)), _) => it.clone(),
        }
    }

    fn plus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => Self::Count(a + b),
            (Self::Latency(a), Self::Latency(b)) => {
                let mut sum = a.clone();
                sum.slowest.merge(&b.slowest);
                sum.fastest.merge(&b.fastest);
                Self::Latency(sum)
            }
            // a series that changes its kind has begun anew
            (Self::Count(_) | Self::Latency(_), other) => other.clone(),
        }
    }

    fn grown_from(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Count(now), Self::Count(then)) => now >= then,
            (Self::Latency(now), Self::Latency(then)) => {
                now.slowest.covers(&then.slowest) && now.fastest.covers(&then.fastest)
            }
            (Self::Count(_), Self::Latency(_)) | (Self::Latency(_), Self::Count(_)) => false,
        }
    }
}

fn difference(now: &Histogram, then: &Histogram) -> Histogram {
    let mut difference = Histogram::default();
    for (bucket, count) in now.iter() {
        difference.add(bucket, count.saturating_sub(then.count(bucket)));
    }
    difference
}

/// The series of an instance, added up. Kept as fractions: some counters are.
#[derive(Default)]
struct Sums {
    requests: f64,
    errors: f64,
    statuses: BTreeMap<u16, f64>,
    journeys: BTreeMap<String, (f64, f64)>,
    latency: Distribution,
}

// === impl Sums ===

impl Sums {
    fn add(&mut self, meaning: &Meaning, journey: Option<&str>, reading: &Reading) {
        let count = match reading {
            Reading::Count(count) => *count,
            Reading::Latency(latency) => {
                self.latency.slowest.merge(&latency.slowest);
                self.latency.fastest.merge(&latency.fastest);
                latency.slowest.total() as f64
            }
        };
        let (requests, errors) =
            (if meaning.requests { count } else { 0.0 }, if meaning.errors { count } else { 0.0 });
        self.requests += requests;
        self.errors += errors;
        if let Some(status) = meaning.status {
            *self.statuses.entry(status).or_default() += count;
        }
        if let Some(journey) = journey {
            let of = self.journeys.entry(journey.to_owned()).or_default();
            *of = (of.0 + requests, of.1 + errors);
        }
    }

    /// Errors that were read a moment after their requests are not more than these.
    fn total(self, place: &Place, newest: i64) -> Total {
        let whole = |count: f64| count as u64;
        let journeys = self.journeys.into_iter();
        let sample = Sample {
            fleet: place.fleet.clone(),
            instance: place.instance.clone(),
            revision: place.revision,
            traffic: Traffic::Live,
            requests: whole(self.requests),
            errors: whole(self.errors.min(self.requests)),
            connect_failures: 0,
            statuses: self.statuses.into_iter().map(|(status, count)| (status, whole(count))).collect(),
            journeys: journeys.map(|(id, (all, bad))| (id, whole(all), whole(bad.min(all)))).collect(),
            latency: self.latency.slowest,
        };
        Total { sample, fastest: self.latency.fastest, newest }
    }
}

// === impl Total ===

impl Total {
    /// As the judge is to see it. On coarse buckets the candidate counts as fast as it may have been and the baseline as slow:
    /// what is called slower then is slower, wherever in its bucket each request was.
    pub fn seen_as(self, candidate: bool) -> Sample {
        if candidate { Sample { latency: self.fastest, ..self.sample } } else { self.sample }
    }
}

#[cfg(test)]
mod tests;
