//! Placebo canaries: how much a group of instances differs from the rest when nothing was released.

use std::{collections::BTreeMap, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{dispersion::Dispersion, ratio::Comparison, tick::Counts};
use serde::{Deserialize, Serialize};

/// Fewer instances than this make no groups.
const LEAST_INSTANCES: usize = 4;
/// Length of one block.
const BLOCK: Duration = Duration::from_secs(60);

/// The dispersion of a fleet's errors over its instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placebo {
    dispersion: Dispersion,
    began: Option<Timestamp>,
    /// Errors and requests of the present block, by instance.
    block: BTreeMap<String, (u64, u64)>,
    /// Which instance is the placebo next.
    turn: usize,
}

// === impl Placebo ===

impl Placebo {
    /// Adds what is new of one instance.
    pub fn count(&mut self, instance: &str, counts: &Counts) {
        if let Some(sum) = self.block.get_mut(instance) {
            *sum = (sum.0 + counts.errors, sum.1 + counts.requests);
        } else {
            self.block.insert(instance.to_owned(), (counts.errors, counts.requests));
        }
    }

    /// Ends the block when its minute is over: one instance against the rest, each in turn, so that over time the
    /// choice is as good as random.
    pub fn turn(&mut self, now: Timestamp) {
        let began = *self.began.get_or_insert(now);
        if now.duration_since(began).unsigned_abs() < BLOCK {
            return;
        }
        self.began = Some(now);
        let block = std::mem::take(&mut self.block);
        if block.len() < LEAST_INSTANCES {
            return;
        }
        self.turn = self.turn.wrapping_add(1);
        let chosen = self.turn % block.len();
        let mut groups = Comparison::default();
        for (index, (errors, requests)) in block.into_values().enumerate() {
            let (errors, requests) = (errors as f64, requests as f64);
            groups.add(if index == chosen {
                Comparison { kc: errors, ec: requests, ..Comparison::default() }
            } else {
                Comparison { kb: errors, eb: requests, ..Comparison::default() }
            });
        }
        self.dispersion.add(groups);
    }

    /// φ, at least 1; None before 30 blocks with errors.
    pub fn phi(&self) -> Option<f64> {
        self.dispersion.phi()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(errors: impl Fn(usize, usize) -> u64) -> Option<f64> {
        let mut placebo = Placebo::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for minute in 0..80 {
            placebo.turn(now);
            for instance in 0..5 {
                let counts = Counts { requests: 600, errors: errors(minute, instance), ..Counts::default() };
                placebo.count(&format!("i{instance}"), &counts);
            }
            now += BLOCK;
        }
        placebo.phi()
    }

    #[test]
    fn equal_instances_disperse_no_more_than_chance() {
        assert_eq!(measured(|_, _| 6), Some(1.0));
        assert_eq!(measured(|_, _| 0), None);
    }

    #[test]
    fn moody_instances_disperse_more() {
        let phi = measured(|minute, instance| if (minute + instance) % 3 == 0 { 40 } else { 2 }).unwrap();
        assert!(phi > 5.0, "{phi}");
    }
}
