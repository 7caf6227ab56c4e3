//! What each target's newest policy declares, so that readings are understood between rollouts as well.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Readings, Settings, Value,
    settings::{CheckKind, Saturation},
};
use bellwether_policy::sources::SourceSet;

use super::computed::Computed;
use crate::monitor::Monitor;

/// Targets that are known; of more, those that are new are not.
const MOST: usize = 4_096;

/// The newest declaration of each target.
#[derive(Debug, Default)]
pub struct Declared(Mutex<BTreeMap<String, Arc<Declaration>>>);

/// What a policy declares.
#[derive(Debug, Default)]
pub struct Declaration {
    /// Where its numbers come from.
    pub sources: SourceSet,
    /// Its checks of capacities, by id.
    saturation: BTreeMap<String, Saturation>,
    /// What is computed from what they tell, rollout or not.
    pub computed: Computed,
}

// === impl Declared ===

impl Declared {
    /// A newer policy of a target.
    fn put(&self, target: &str, declaration: Arc<Declaration>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains_key(target) || known.len() < MOST {
            known.insert(target.to_owned(), declaration);
        }
    }

    /// That of a target.
    pub fn of(&self, target: &str) -> Arc<Declaration> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(target).cloned().unwrap_or_default()
    }
}

// === impl Monitor ===

impl Monitor {
    /// The newest policy of a target is known.
    pub fn declare(&self, target: &str, settings: &Settings, sources: &SourceSet) {
        let of = |check: &bellwether_judge::settings::CheckSpec| match &check.kind {
            CheckKind::Saturation(saturation) => Some((check.id.clone(), saturation.clone())),
            _ => None,
        };
        let saturation: BTreeMap<_, _> = settings.checks.iter().filter_map(of).collect();
        self.recorder.vitality().declare(target, &saturation);
        let computed = Computed::new(sources.derived.clone());
        self.declared.put(target, Arc::new(Declaration { sources: sources.clone(), saturation, computed }));
    }

    /// Remembers what was read of a target: how gauges wander, and how full it is.
    pub fn observe(&self, target: &str, readings: &Readings, now: Timestamp) {
        let declaration = self.declared.of(target);
        self.notice(target, &declaration, readings, now);
        for computed in declaration.computed.take(readings, now) {
            self.notice(target, &declaration, &computed, now);
        }
    }

    fn notice(&self, target: &str, declaration: &Declaration, readings: &Readings, now: Timestamp) {
        self.histories.read(target, readings, now);
        let full = declaration.saturation.iter().flat_map(|(check, saturation)| {
            readings.readings.iter().filter_map(move |reading| match reading.value {
                Value::Gauge(value) if reading.metric == saturation.metric => {
                    Some((check.as_str(), reading.instance.as_str(), value))
                }
                Value::Gauge(_) | Value::Counter(_) => None,
            })
        });
        self.recorder.vitality().filled(target, full, now);
    }
}
