//! Placebo canaries before a rollout: how much a group of instances differs from the rest when nothing was released.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Dispersion, OverTime};
use crate::{ratio::Comparison, readings::hash, tick::Counts};

/// Fewer instances than this make no groups.
const LEAST_INSTANCES: usize = 4;
/// Instances that are told apart in one block; of more, those that are new are not counted.
const MOST_INSTANCES: usize = 1_024;
/// Length of one block.
const BLOCK: Duration = Duration::from_secs(60);
/// φ from halves is at least this: what instances differ by among each other cannot be seen there.
const LEAST_OF_HALVES: f64 = 2.0;

/// Measures φ of one fleet from what its instances count.
///
/// With 4 and more instances: in each minute a random group of them against the rest. With fewer: the requests in
/// halves by a hash of the instance and the moment at which they were reported (counters do not tell requests apart),
/// at least 2. Beside both, how much the fleet as a whole varies from minute to minute.
///
/// Constant in time; grows with the instances, at most 1,024.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Canaries {
    groups: Dispersion,
    halves: Dispersion,
    time: OverTime,
    began: Option<Timestamp>,
    /// Errors and requests of the present block, by instance.
    block: BTreeMap<String, (u64, u64)>,
    /// Errors and requests of the present block, by half.
    half: Comparison,
    blocks: u64,
}

// === impl Canaries ===

impl Canaries {
    /// Adds what is new of one instance.
    pub fn count(&mut self, instance: &str, counts: &Counts, now: Timestamp) {
        self.turn(now);
        let (errors, requests) = (counts.errors as f64, counts.requests as f64);
        let moment = now.as_nanosecond().to_le_bytes();
        let half =
            moment.iter().fold(hash(&[instance]), |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        self.half.add(if (half >> 32) & 1 == 0 {
            Comparison { kc: errors, ec: requests, ..Comparison::default() }
        } else {
            Comparison { kb: errors, eb: requests, ..Comparison::default() }
        });
        if let Some(sum) = self.block.get_mut(instance) {
            *sum = (sum.0 + counts.errors, sum.1 + counts.requests);
        } else if self.block.len() < MOST_INSTANCES {
            self.block.insert(instance.to_owned(), (counts.errors, counts.requests));
        }
    }

    /// Ends the block when its minute is over.
    pub fn turn(&mut self, now: Timestamp) {
        let began = *self.began.get_or_insert(now);
        if now.duration_since(began).unsigned_abs() < BLOCK {
            return;
        }
        self.began = Some(now);
        self.blocks += 1;
        let all = self.block.values().fold((0, 0), |(k, n), of| (k + of.0, n + of.1));
        self.time.add(all.0 as f64, all.1 as f64);
        self.halves.add(std::mem::take(&mut self.half));
        if self.block.len() >= LEAST_INSTANCES {
            self.groups.add(self.group());
        }
        self.block.clear();
    }

    /// A random group of a tenth of the instances, at least one, against the rest.
    fn group(&self) -> Comparison {
        let size = (self.block.len() / 10).max(1);
        let salt = self.blocks.to_string();
        let mut ranked: Vec<_> = self.block.iter().map(|(id, counts)| (hash(&[&salt, id]), counts)).collect();
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        let mut groups = Comparison::default();
        for (index, (_, (errors, requests))) in ranked.into_iter().enumerate() {
            let (errors, requests) = (*errors as f64, *requests as f64);
            groups.add(if index < size {
                Comparison { kc: errors, ec: requests, ..Comparison::default() }
            } else {
                Comparison { kb: errors, eb: requests, ..Comparison::default() }
            });
        }
        groups
    }

    /// φ for comparisons, at least 1; None before 30 blocks with errors.
    pub fn phi(&self) -> Option<f64> {
        self.groups.phi().or_else(|| self.halves.phi().map(|phi| phi.max(LEAST_OF_HALVES)))
    }

    /// φ for tests of one side, at least 1; None before 30 blocks with errors.
    pub fn phi_over_time(&self) -> Option<f64> {
        self.time.phi()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Random;

    /// Minutes of instances that report each second; `errors` by minute, instance and random numbers.
    fn measured(instances: usize, errors: impl Fn(usize, usize, &mut Random) -> u64) -> Canaries {
        let (mut canaries, mut random) = (Canaries::default(), Random::new(1));
        let mut now = Timestamp::UNIX_EPOCH;
        for second in 0..80 * 60 {
            for instance in 0..instances {
                let errors = errors(second / 60, instance, &mut random);
                let counts = Counts { requests: 10.max(errors), errors, ..Counts::default() };
                canaries.count(&format!("i{instance}"), &counts, now);
            }
            now += Duration::from_secs(1);
        }
        canaries
    }

    #[test]
    fn equal_instances_disperse_no_more_than_chance() {
        let phi = measured(5, |_, _, random| random.binomial(10, 0.02)).phi().unwrap();
        assert!(phi < 1.4, "{phi}");
        assert_eq!(measured(5, |_, _, _| 0).phi(), None);
    }

    #[test]
    fn moody_instances_disperse_more() {
        let moody = |minute: usize, instance: usize, random: &mut Random| {
            random.binomial(10, if (minute + instance).is_multiple_of(3) { 0.2 } else { 0.01 })
        };
        let phi = measured(5, moody).phi().unwrap();
        assert!(phi > 5.0, "{phi}");
    }

    #[test]
    fn what_hits_all_alike_is_seen_over_time_only() {
        let shared = |minute: usize, _: usize, random: &mut Random| {
            random.binomial(10, if minute.is_multiple_of(4) { 0.2 } else { 0.01 })
        };
        let canaries = measured(5, shared);
        assert!(canaries.phi().unwrap() < 1.6, "{:?}", canaries.phi());
        assert!(canaries.phi_over_time().unwrap() > 10.0, "{:?}", canaries.phi_over_time());
    }

    #[test]
    fn fewer_than_four_instances_are_halved_and_never_trusted_fully() {
        let even = measured(2, |_, _, random| random.binomial(10, 0.02));
        assert_eq!(even.phi(), Some(2.0));
        // retries in clumps: one report has them all
        let clumps = measured(2, |_, _, random| if random.uniform() < 0.02 { 8 } else { 0 });
        assert!(clumps.phi().unwrap() > 4.0, "{:?}", clumps.phi());
    }
}
