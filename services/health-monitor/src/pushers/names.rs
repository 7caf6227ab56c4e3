//! Whom a client has told of: a name in an instance's id that is another each time must not fill the memory.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;

/// Instances that one client may tell of within the time that they are remembered for.
pub const MOST: usize = 100_000;
/// An instance that is not told of for this long to twice this long is forgotten.
const TURN: Duration = Duration::from_secs(600);

/// Hashes of the names of this turn, and of those of the one before that were not told of in this one.
#[derive(Clone, Debug)]
pub struct Names {
    turned: Timestamp,
    now: HashSet<u64>,
    before: HashSet<u64>,
}

// === impl Names ===

impl Names {
    /// None.
    pub fn new(now: Timestamp) -> Self {
        Self { turned: now, now: HashSet::new(), before: HashSet::new() }
    }

    /// Remembers all whom a batch tells of. False when they are too many; then none of them.
    pub fn learn(&mut self, batch: &pb::SampleBatch, now: Timestamp) -> bool {
        self.turn(now);
        let told: Vec<u64> = batch.samples.iter().map(|sample| name(&batch.source, sample)).collect();
        let is_unknown = |name: &&u64| !self.now.contains(name) && !self.before.contains(name);
        let unknown: HashSet<&u64> = told.iter().filter(is_unknown).collect();
        if !unknown.is_empty() && self.now.len() + self.before.len() + unknown.len() > MOST {
            return false;
        }
        for name in told {
            if self.now.insert(name) {
                self.before.remove(&name);
            }
        }
        true
    }

    /// Whether everybody has been forgotten by now.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.turned).unsigned_abs() >= 2 * TURN
    }

    fn turn(&mut self, now: Timestamp) {
        let age = now.duration_since(self.turned).unsigned_abs();
        if age < TURN {
            return;
        }
        let last = std::mem::take(&mut self.now);
        self.before = if age < 2 * TURN { last } else { HashSet::new() };
        self.turned = now;
    }
}

fn name(source: &str, sample: &pb::Sample) -> u64 {
    let mut hasher = DefaultHasher::new();
    (source, &sample.target, &sample.fleet, &sample.instance).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(instances: std::ops::Range<usize>) -> pb::SampleBatch {
        let sample = |at: usize| pb::Sample { instance: at.to_string(), ..Default::default() };
        pb::SampleBatch { samples: instances.map(sample).collect(), ..Default::default() }
    }

    #[test]
    fn those_that_are_known_may_be_told_of_when_there_is_no_room_for_others() {
        let now = Timestamp::UNIX_EPOCH;
        let mut names = Names::new(now);
        assert!(names.learn(&batch(0..MOST), now));
        assert!(!names.learn(&batch(MOST - 1..MOST + 1), now));
        assert!(names.learn(&batch(0..MOST), now));
    }

    #[test]
    fn those_that_are_not_told_of_any_more_make_room() {
        let now = Timestamp::UNIX_EPOCH;
        let mut names = Names::new(now);
        assert!(names.learn(&batch(0..MOST), now));
        assert!(!names.learn(&batch(MOST..MOST + 1), now + TURN));
        assert!(names.learn(&batch(0..1), now + TURN));
        assert!(names.learn(&batch(MOST..MOST + 1), now + 2 * TURN));
        assert!(names.learn(&batch(0..1), now + 2 * TURN));
    }
}
