//! What sources deliver beside requests: gauges, and counters of anything.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one source read at `time`.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// Who read.
    pub source: String,
    /// Changes whenever the counters begin anew.
    pub incarnation: String,
    /// When the values were read. A batch that is not newer than the last of its source is a repetition.
    pub time: Timestamp,
    /// How often the source reads.
    pub interval: Duration,
    /// One entry per instance and metric.
    pub readings: Vec<Reading>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The metric, as the check names it.
    pub metric: String,
    /// The fleet's id.
    pub fleet: String,
    /// The instance's id; empty: the fleet as a whole.
    pub instance: String,
    /// The route revision under which a counter counted; 0: unknown.
    pub revision: i64,
    /// What was read.
    pub value: Value,
}

/// A value and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A state: processor, memory, a queue's length.
    Gauge(f64),
    /// Events since the incarnation began.
    Counter(f64),
}

/// The last values of counters, and the newest time of each source.
///
/// A counter's first reading only begins the counting; a value below the last is a reset whose gap nobody knows and
/// is left out. Bounded: of more than 1,024 counters or 64 sources, those that are new are not followed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastReadings {
    counters: Vec<LastCounter>,
    sources: Vec<(u64, Timestamp)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct LastCounter {
    key: u64,
    value: f64,
    at: Timestamp,
    /// The route changed since: what is counted next spans the change.
    spans_route: bool,
}

/// What is new of a counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    pub events: f64,
    /// Since the last reading.
    pub seconds: f64,
}

const COUNTERS: usize = 1_024;
const SOURCES: usize = 64;

/// A name's 64-bit hash (FNV-1a), stable over restarts and versions.
pub(crate) fn hash(parts: &[&str]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, step);
    // neighbouring names must not have neighbouring hashes (SplitMix64's last step)
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

// === impl LastReadings ===

impl LastReadings {
    /// Whether the batch is newer than all of its source before.
    pub fn is_new(&mut self, readings: &Readings) -> bool {
        let key = hash(&[&readings.source, &readings.incarnation]);
        if let Some((_, newest)) = self.sources.iter_mut().find(|(known, _)| *known == key) {
            let new = readings.time > *newest;
            *newest = readings.time.max(*newest);
            return new;
        }
        let room = self.sources.len() < SOURCES;
        if room {
            self.sources.push((key, readings.time));
        }
        room
    }

    /// What is new of one counter; None for its first reading, a reset, or one that spans a change of the route.
    pub fn advance(&mut self, readings: &Readings, reading: &Reading, value: f64) -> Option<Counted> {
        if !value.is_finite() || value < 0.0 {
            return None;
        }
        let Reading { metric, fleet, instance, .. } = reading;
        let revision = if reading.revision > 0 { reading.revision } else { 0 };
        let key = hash(&[&readings.source, &readings.incarnation, metric, fleet, instance])
            ^ revision.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let fresh = LastCounter { key, value, at: readings.time, spans_route: false };
        let at = match self.counters.binary_search_by_key(&key, |counter| counter.key) {
            Ok(at) => at,
            Err(at) => {
                if self.counters.len() < COUNTERS {
                    self.counters.insert(at, fresh);
                }
                return None;
            }
        };
        let counter = self.counters.get_mut(at)?;
        let last = std::mem::replace(counter, fresh);
        let spans_route = last.spans_route && revision == 0;
        (value >= last.value && !spans_route).then(|| Counted {
            events: value - last.value,
            seconds: readings.time.duration_since(last.at).as_secs_f64().max(0.0),
        })
    }

    /// The route has changed.
    pub fn route_changed(&mut self) {
        self.counters.iter_mut().for_each(|counter| counter.spans_route = true);
    }
}
