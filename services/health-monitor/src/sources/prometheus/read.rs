//! From a server's series to the ledger.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{
    Reader,
    answer::{Native, Series},
};
use crate::sources::ledger::{Distribution, Ledger, Meaning, Noted, Place, Reading, Value};

/// Which of the source's queries series belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// Requests.
    Requests,
    /// Failed requests.
    Errors,
    /// Latencies.
    Latency,
}

/// What an answer brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Series of the analysis' fleets.
    pub ours: usize,
    /// Series of other fleets, or of none.
    pub others: usize,
    /// Series for which there was no room.
    pub full: usize,
    /// Buckets whose edges say nothing.
    pub odd: usize,
    /// The shortest time between two samples, in milliseconds.
    pub spacing: Option<i64>,
}

// === impl Brought ===

impl Brought {
    /// Together with another answer.
    pub fn and(self, other: Self) -> Self {
        Self {
            ours: self.ours + other.ours,
            others: self.others + other.others,
            full: self.full + other.full,
            odd: self.odd + other.odd,
            spacing: [self.spacing, other.spacing].into_iter().flatten().max(),
        }
    }

    fn saw(&mut self, noted: Noted) {
        self.full += usize::from(noted == Noted::Full);
    }
}

/// Notes the samples of an answer.
pub fn note(ledger: &mut Ledger, reader: &Reader<'_>, query: Query, series: &[Series]) -> Brought {
    let mut brought = Brought::default();
    let mut classic: HashMap<u64, Classic<'_>> = HashMap::new();
    for one in series {
        let Some(place) = reader.place(&one.labels) else {
            brought.others += 1;
            continue;
        };
        brought.ours += 1;
        brought.spacing = [brought.spacing, spacing(one)].into_iter().flatten().min();
        let id = fingerprint(query, &one.labels);
        if query == Query::Latency && !one.values.is_empty() {
            match one.labels.get("le").and_then(|le| le.parse::<f64>().ok()).filter(|le| !le.is_nan()) {
                Some(le) => {
                    let group = classic.entry(id).or_insert_with(|| Classic { place, edges: Vec::new() });
                    group.edges.push((le, one));
                }
                None => brought.odd += 1,
            }
            continue;
        }
        let meaning = reader.meaning(query, &one.labels);
        for (at, value) in &one.values {
            brought.saw(ledger.note(&place, id, &meaning, value_at(*at, Reading::Count(*value))));
        }
        for (at, native) in &one.histograms {
            let latency = Reading::Latency(spread(native, reader.spec.unit_millis));
            brought.saw(ledger.note(&place, id, &meaning, value_at(*at, latency)));
        }
    }
    for (id, group) in classic {
        brought = brought.and(group.note(ledger, id, reader.spec.unit_millis));
    }
    brought
}

/// The series of one classic histogram.
struct Classic<'s> {
    place: Place,
    /// By upper edge.
    edges: Vec<(f64, &'s Series)>,
}

// === impl Classic ===

impl Classic<'_> {
    /// Scrape by scrape: the buckets of one moment belong together.
    fn note(mut self, ledger: &mut Ledger, id: u64, unit: f64) -> Brought {
        let mut brought = Brought::default();
        self.edges.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut scrapes: BTreeMap<i64, Vec<(f64, f64)>> = BTreeMap::new();
        for (edge, series) in &self.edges {
            for (at, count) in &series.values {
                scrapes.entry(*at).or_default().push((*edge, *count));
            }
        }
        for (at, cumulative) in scrapes {
            // without its open bucket a scrape is not whole
            if cumulative.last().is_none_or(|(edge, _)| edge.is_finite()) {
                brought.odd += 1;
                continue;
            }
            let (mut lower, mut below, mut latency) = (0.0, 0.0, Distribution::default());
            for (edge, count) in cumulative {
                latency.count(lower * unit, edge * unit, (count - below).max(0.0) as u64);
                (lower, below) = (edge.max(0.0), count.max(below));
            }
            let value = value_at(at, Reading::Latency(latency));
            brought.saw(ledger.note(&self.place, id, &Meaning::default(), value));
        }
        brought
    }
}

/// Buckets of a native histogram. Those of negative latencies are those of a wrong clock, and count as zero.
fn spread(native: &Native, unit: f64) -> Distribution {
    let mut latency = Distribution::default();
    for (lower, upper, count) in &native.buckets {
        latency.count(lower.max(0.0) * unit, upper.max(0.0) * unit, *count as u64);
    }
    latency
}

/// Prometheus does not say when a counter began.
fn value_at(at: i64, reading: Reading) -> Value {
    Value { began: 0, at, reading }
}

/// Names a series, all buckets of a histogram as one.
fn fingerprint(query: Query, labels: &BTreeMap<String, String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    for (name, value) in labels.iter().filter(|(name, _)| query != Query::Latency || name.as_str() != "le") {
        (name, value).hash(&mut hasher);
    }
    hasher.finish()
}

fn spacing(series: &Series) -> Option<i64> {
    let numbers = series.values.iter().map(|(at, _)| *at);
    let times: Vec<i64> = numbers.chain(series.histograms.iter().map(|(at, _)| *at)).collect();
    times.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?)).min()
}
