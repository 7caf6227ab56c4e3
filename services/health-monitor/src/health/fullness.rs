//! How full the capacities are that a policy watches.

use std::{collections::BTreeMap, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::settings::Saturation;

/// A value is news for this long.
const RECENT: Duration = Duration::from_secs(300);
/// Instances that are told apart; of more, those that are new are not looked at.
const MOST_INSTANCES: usize = 1_024;

/// By check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fullness(BTreeMap<String, Capacity>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Capacity {
    above: f64,
    /// When it was read, and the used share, by instance.
    instances: BTreeMap<String, (Timestamp, f64)>,
}

/// The fullest instance of one capacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fullest<'a> {
    /// The check.
    pub check: &'a str,
    /// WARN above this, a fraction.
    pub above: f64,
    /// The instance and its used share; None: nothing was read lately.
    pub instance: Option<(&'a str, f64)>,
}

// === impl Fullness ===

impl Fullness {
    /// These are watched, and no others.
    pub fn declare(&mut self, checks: &BTreeMap<String, Saturation>) {
        self.0.retain(|check, _| checks.contains_key(check));
        for (check, saturation) in checks {
            self.0.entry(check.clone()).or_default().above = saturation.above;
        }
    }

    /// What an instance tells.
    pub fn note(&mut self, check: &str, instance: &str, value: f64, now: Timestamp) {
        let Some(capacity) = self.0.get_mut(check).filter(|_| value.is_finite()) else { return };
        if let Some(known) = capacity.instances.get_mut(instance) {
            *known = (now, value);
            return;
        }
        capacity.instances.retain(|_, (at, _)| is_recent(*at, now));
        if capacity.instances.len() < MOST_INSTANCES {
            capacity.instances.insert(instance.to_owned(), (now, value));
        }
    }

    /// The fullest instance of each.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = Fullest<'_>> {
        self.0.iter().map(move |(check, capacity)| {
            let recent = capacity.instances.iter().filter(|(_, (at, _))| is_recent(*at, now));
            let fullest = recent.max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b));
            let instance = fullest.map(|(instance, (_, used))| (instance.as_str(), *used));
            Fullest { check, above: capacity.above, instance }
        })
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).unsigned_abs() <= RECENT
}
