//! How applications are, rollout or not: what all fleets of a target did for users, a minute at a time.
//!
//! Fed with the minutes that are recorded, so that it costs nothing where samples come in. What it knows of a target
//! is a row of the recordings' file, overwritten every ten minutes: a crash loses at most that.

mod fullness;
mod vitals;
mod week;

pub use fullness::Fullest;
pub use vitals::{Anomaly, Minute, Signal, Vitals};
pub use week::Hour;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::settings::Saturation;
use tokio::sync::watch;

/// Targets that are followed; of more, those that are new are not.
const MOST_TARGETS: usize = 4_096;
/// A target without minutes for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// The vitals of every target.
#[derive(Debug)]
pub struct Vitality {
    targets: Mutex<BTreeMap<String, Vitals>>,
    /// Grows whenever minutes were added.
    turn: watch::Sender<u64>,
}

// === impl Vitality ===

impl Vitality {
    /// With what was kept.
    pub fn new(kept: BTreeMap<String, Vitals>) -> Self {
        Self { targets: Mutex::new(kept), turn: watch::Sender::new(0) }
    }

    /// Adds minutes, by target.
    pub fn add(&self, minutes: impl IntoIterator<Item = (String, Minute)>) {
        let mut targets = self.lock();
        for (target, minute) in minutes {
            if let Some(vitals) = targets.get_mut(&target) {
                vitals.add(&minute);
            } else if targets.len() < MOST_TARGETS {
                targets.entry(target).or_default().add(&minute);
            }
        }
        drop(targets);
        self.turned();
    }

    /// What the error budget of a target is of; a fraction.
    pub fn objective(&self, target: &str, slo: f64) {
        let mut targets = self.lock();
        if targets.contains_key(target) || targets.len() < MOST_TARGETS {
            targets.entry(target.to_owned()).or_default().objective(slo);
        }
    }

    /// Which capacities the newest policy of a target watches.
    pub fn declare(&self, target: &str, checks: &BTreeMap<String, Saturation>) {
        let mut targets = self.lock();
        if let Some(vitals) = targets.get_mut(target) {
            vitals.fullness_mut().declare(checks);
        } else if !checks.is_empty() && targets.len() < MOST_TARGETS {
            targets.entry(target.to_owned()).or_default().fullness_mut().declare(checks);
        }
    }

    /// How full they are: check, instance, used share.
    pub fn filled<'a>(
        &self,
        target: &str,
        full: impl Iterator<Item = (&'a str, &'a str, f64)>,
        now: Timestamp,
    ) {
        let mut targets = self.lock();
        let Some(vitals) = targets.get_mut(target) else { return };
        full.for_each(|(check, instance, value)| vitals.fullness_mut().note(check, instance, value, now));
    }

    /// Something of one target. None: nothing is known of it.
    pub fn of<T>(&self, target: &str, read: impl FnOnce(&Vitals) -> T) -> Option<T> {
        self.lock().get(target).map(read)
    }

    /// Something else is known of a target.
    pub fn turned(&self) {
        self.turn.send_modify(|turn| *turn += 1);
    }

    /// Tells when minutes were added.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.turn.subscribe()
    }

    /// Everything as it is kept; what was not seen for long is forgotten.
    pub fn rows(&self, now: Timestamp) -> Vec<(String, Vec<u8>)> {
        let mut targets = self.lock();
        let old = |vitals: &Vitals| {
            vitals.through().is_some_and(|at| now.duration_since(at).unsigned_abs() > FORGET_AFTER)
        };
        targets.retain(|_, vitals| !old(vitals));
        let row = |(target, vitals): (&String, &Vitals)| {
            let json = serde_json::to_vec(vitals)
                .inspect_err(|error| tracing::error!(%error, target, "vitals have no JSON form"));
            Some((target.clone(), json.ok()?))
        };
        targets.iter().filter_map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vitals>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
