//! What is counted, per upstream attempt: cumulative, per instance, route revision and kind of traffic.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::histogram::{Buckets, Histogram};

/// Statuses are 100–599.
const FIRST_STATUS: u16 = 100;
const STATUSES: usize = 500;

/// More journeys than this are refused.
pub const MAX_JOURNEYS: usize = 32;

/// Whose counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The target's name.
    pub target: String,
    /// The fleet's id.
    pub fleet: String,
    /// The instance's uuid.
    pub instance: String,
    /// The route revision under which the requests were routed.
    pub revision: u64,
    /// How the requests came to the instance.
    pub traffic: Traffic,
}

/// How requests come to an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// By the split.
    #[default]
    Live,
    /// As copies whose answers nobody sees.
    Mirrored,
    /// By the preview.
    Preview,
    /// By a rule.
    Matched,
}

/// The counters of one key. Each request is one update of a few counters of its own instance: no lock is taken.
#[derive(Debug)]
pub struct Cell {
    requests: AtomicU64,
    errors: AtomicU64,
    connect_failures: AtomicU64,
    client_aborts: AtomicU64,
    cut_by_drain: AtomicU64,
    statuses: Box<[AtomicU64; STATUSES]>,
    latency: Histogram,
    journeys: Box<[JourneyCell]>,
}

#[derive(Debug, Default)]
struct JourneyCell {
    name: String,
    requests: AtomicU64,
    errors: AtomicU64,
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No connection was made.
    ConnectFailed,
    /// As it should.
    Well,
    /// By an error of the instance.
    Error,
    /// The client left before the answer.
    ClientAborted,
    /// A drain's deadline cut it: no failure of the instance.
    CutByDrain,
}

/// The counters of one key, as they are told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Whose.
    pub key: Key,
    /// Attempts that ended, however they did.
    pub requests: u64,
    /// Those of them that count as errors.
    pub errors: u64,
    /// Those of the errors that never got a connection.
    pub connect_failures: u64,
    /// Attempts whose client left before the answer; no errors.
    pub client_aborts: u64,
    /// Attempts that a drain's deadline cut; no errors.
    pub cut_by_drain: u64,
    /// (status, answers with it).
    pub statuses: Vec<(u16, u64)>,
    /// Latency of the answered attempts, until the answer's head.
    pub latency: Buckets,
    /// By journey.
    pub journeys: Vec<JourneySample>,
}

/// The counters of one journey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JourneySample {
    /// Its name.
    pub name: String,
    /// Attempts that belong to it.
    pub requests: u64,
    /// Those of them that count as errors.
    pub errors: u64,
}

/// All counters of a gateway.
#[derive(Debug, Default)]
pub struct Accounting {
    cells: Mutex<HashMap<Key, Entry>>,
}

#[derive(Debug)]
struct Entry {
    cell: Arc<Cell>,
    /// Sweeps during which nothing but this entry held the cell.
    unused: u32,
}

// === impl Accounting ===

impl Accounting {
    /// The counters of `key`; the same ones for the same key.
    pub fn cell(&self, key: Key, journeys: &[String]) -> Arc<Cell> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let entry =
            cells.entry(key).or_insert_with(|| Entry { cell: Arc::new(Cell::new(journeys)), unused: 0 });
        entry.unused = 0;
        entry.cell.clone()
    }

    /// Everything counted so far, in the order of the keys.
    pub fn samples(&self) -> Vec<Sample> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let mut samples: Vec<_> = cells.iter().map(|(key, entry)| entry.cell.read(key.clone())).collect();
        samples.sort_by(|a, b| a.key.cmp(&b.key));
        samples
    }

    /// Forgets counters that no route and no request has held for `sweeps` calls in a row, by when everybody who
    /// reads them has had their last values many times over.
    pub fn sweep(&self, sweeps: u32) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.retain(|_, entry| {
            entry.unused = if Arc::strong_count(&entry.cell) > 1 { 0 } else { entry.unused + 1 };
            entry.unused <= sweeps
        });
    }
}

// === impl Outcome ===

impl Outcome {
    /// Whether it counts as an error.
    pub fn is_error(self) -> bool {
        matches!(self, Self::ConnectFailed | Self::Error)
    }
}

// === impl Cell ===

impl Cell {
    fn new(journeys: &[String]) -> Self {
        let journey = |name: &String| JourneyCell { name: name.clone(), ..Default::default() };
        Self {
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            connect_failures: AtomicU64::new(0),
            client_aborts: AtomicU64::new(0),
            cut_by_drain: AtomicU64::new(0),
            statuses: Box::new([const { AtomicU64::new(0) }; STATUSES]),
            latency: Histogram::new(),
            journeys: journeys.iter().map(journey).collect(),
        }
    }

    /// An answer's head came after `latency`.
    pub fn answered(&self, status: u16, latency: Duration) {
        self.latency.record(latency);
        if let Some(count) = self.statuses.get(usize::from(status.wrapping_sub(FIRST_STATUS))) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Counts one attempt; bit i of `journeys` says that it belongs to journey i.
    pub fn count(&self, outcome: Outcome, journeys: u32) {
        // the whole before its parts: a reader that sees an error sees its request too
        self.requests.fetch_add(1, Relaxed);
        self.mark(outcome);
        if journeys != 0 {
            self.count_journeys(journeys, outcome.is_error());
        }
    }

    /// Says how an attempt ended that was counted when its answer began.
    pub fn mark(&self, outcome: Outcome) {
        if outcome.is_error() {
            self.errors.fetch_add(1, Release);
        }
        match outcome {
            Outcome::ConnectFailed => self.connect_failures.fetch_add(1, Release),
            Outcome::ClientAborted => self.client_aborts.fetch_add(1, Release),
            Outcome::CutByDrain => self.cut_by_drain.fetch_add(1, Release),
            Outcome::Well | Outcome::Error => 0,
        };
    }

    fn count_journeys(&self, journeys: u32, error: bool) {
        let of_request = self.journeys.iter().enumerate().filter(|(i, _)| journeys >> i & 1 == 1);
        for (_, journey) in of_request {
            journey.requests.fetch_add(1, Relaxed);
            journey.errors.fetch_add(u64::from(error), Release);
        }
    }

    fn read(&self, key: Key) -> Sample {
        // parts before the whole, in the opposite order of `count`
        let connect_failures = self.connect_failures.load(Acquire);
        let errors = self.errors.load(Acquire);
        let client_aborts = self.client_aborts.load(Acquire);
        let cut_by_drain = self.cut_by_drain.load(Acquire);
        let statuses = self.statuses();
        let latency = self.latency.read();
        let journeys = self.journeys.iter().map(JourneyCell::read).collect();
        let requests = self.requests.load(Relaxed);
        Sample {
            key,
            requests,
            errors,
            connect_failures,
            client_aborts,
            cut_by_drain,
            statuses,
            latency,
            journeys,
        }
    }

    fn statuses(&self) -> Vec<(u16, u64)> {
        let all = (FIRST_STATUS..).zip(self.statuses.iter());
        all.map(|(status, count)| (status, count.load(Relaxed))).filter(|(_, count)| *count > 0).collect()
    }
}

// === impl JourneyCell ===

impl JourneyCell {
    fn read(&self) -> JourneySample {
        let errors = self.errors.load(Acquire);
        JourneySample { name: self.name.clone(), errors, requests: self.requests.load(Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_exceed_the_whole_while_it_is_counted() {
        let cell = Cell::new(&["checkout".to_owned()]);
        let outcomes = [
            Outcome::ConnectFailed,
            Outcome::Error,
            Outcome::ClientAborted,
            Outcome::CutByDrain,
            Outcome::Well,
        ];
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..20_000).for_each(|i| cell.count(outcomes[i % outcomes.len()], 1)));
            }
            loop {
                let sample = cell.read(Key::default());
                assert!(
                    sample.connect_failures <= sample.errors && sample.errors <= sample.requests,
                    "{sample:?}"
                );
                assert!(sample.client_aborts.max(sample.cut_by_drain) <= sample.requests, "{sample:?}");
                assert!(sample.journeys[0].errors <= sample.journeys[0].requests, "{sample:?}");
                if sample.requests == 40_000 {
                    break;
                }
            }
        });
        assert_eq!(cell.read(Key::default()).errors, 16_000);
    }
}
