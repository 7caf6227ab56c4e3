//! What a target's newest policy computes of its readings, whether there is a rollout or not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::{Readings, Value};
use bellwether_policy::derived::Derivation;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;

use super::derived::Derivations;

/// A value is news for this long.
const RECENT: Duration = Duration::from_secs(300);
/// Instances and values that are told of; of more, those that are new are not.
const MOST: usize = 4_096;

/// The computed values of a target.
#[derive(Debug, Default)]
pub struct Computed(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    derivations: Derivations,
    /// The newest of each value, fleet and instance.
    newest: BTreeMap<(String, String, String), (Timestamp, f64)>,
}

// === impl Computed ===

impl Computed {
    /// Of these.
    pub fn new(values: Vec<Derivation>) -> Self {
        let derivations = Derivations::new(values, None);
        Self(Mutex::new(Inner { derivations, newest: BTreeMap::new() }))
    }

    /// What is computed from these, and from what other sources told before.
    pub fn take(&self, readings: &Readings, now: Timestamp) -> Vec<Readings> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let computed = inner.derivations.derive(readings, now);
        for reading in computed.iter().flat_map(|readings| &readings.readings) {
            let key = (reading.metric.clone(), reading.fleet.clone(), reading.instance.clone());
            if inner.newest.len() >= MOST && !inner.newest.contains_key(&key) {
                inner.newest.retain(|_, (at, _)| is_recent(*at, now));
            }
            if let Value::Gauge(value) = reading.value
                && (inner.newest.len() < MOST || inner.newest.contains_key(&key))
            {
                inner.newest.insert(key, (now, value));
            }
        }
        computed
    }

    /// As it stands, for GetHealth: by value and fleet.
    pub fn shown(&self, now: Timestamp) -> Vec<pb::DerivedReading> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.derivations.expire(now);
        let mut shown: BTreeMap<(&str, &str), pb::DerivedReading> = BTreeMap::new();
        let of = |id: &str, fleet: &str| pb::DerivedReading {
            id: id.to_owned(),
            fleet: fleet.to_owned(),
            ..pb::DerivedReading::default()
        };
        for ((id, fleet, _), (at, value)) in inner.newest.iter().filter(|(_, (at, _))| is_recent(*at, now)) {
            let reading = shown.entry((id, fleet)).or_insert_with(|| of(id, fleet));
            // the mean, one instance after the other
            reading.instances += 1;
            let mean = reading.value.unwrap_or(0.0);
            reading.value = Some(mean + (value - mean) / f64::from(reading.instances));
            let at = time::to_timestamp(*at);
            let later = reading.time.is_none_or(|t| (t.seconds, t.nanos) < (at.seconds, at.nanos));
            if later {
                reading.time = Some(at);
            }
        }
        for (id, fleet, trouble) in inner.derivations.troubles() {
            let reading = shown.entry((id, fleet)).or_insert_with(|| of(id, fleet));
            reading.problem.clone_from(&trouble.problem);
            reading.missing.clone_from(&trouble.missing);
        }
        shown.into_values().collect()
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).unsigned_abs() <= RECENT
}
