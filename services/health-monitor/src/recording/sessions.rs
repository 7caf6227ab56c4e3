//! The sessions of users that rollouts reached, and those that had failed requests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bellwether_proto::monitor::v1 as pb;
use bellwether_sketch::{RELATIVE_STANDARD_ERROR, Sketch};
use prost::Message as _;

use super::chunk::{deflated, inflated};

/// Of the active analyses, what was told since this process began; those before are in the file.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<Arc<str>, Entry>>);

#[derive(Debug, Default)]
struct Entry {
    counted: Counted,
    /// Whether the file lacks anything of it.
    new: bool,
}

/// The sessions of one rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    seen: Sketch,
    failed: Sketch,
}

// === impl Sessions ===

impl Sessions {
    /// Counts what was told for an analysis; what is known already changes nothing.
    pub fn count<'a>(&self, analysis: &Arc<str>, told: impl Iterator<Item = &'a pb::SessionSketch>) {
        let mut told = told.peekable();
        if told.peek().is_none() {
            return;
        }
        let mut all = self.lock();
        let entry = all.entry(analysis.clone()).or_default();
        told.for_each(|sketch| entry.new |= entry.counted.add(sketch));
    }

    /// What is known here of an analysis.
    pub fn of(&self, analysis: &str) -> Option<Counted> {
        self.lock().get(analysis).map(|entry| entry.counted.clone())
    }

    /// Everything that the file lacks.
    pub fn unkept(&self) -> Vec<(Arc<str>, Counted)> {
        let all = self.lock();
        let new = all.iter().filter(|(_, entry)| entry.new);
        new.map(|(analysis, entry)| (analysis.clone(), entry.counted.clone())).collect()
    }

    /// So much of it is kept.
    pub fn kept(&self, analysis: &str, counted: &Counted) {
        if let Some(entry) = self.lock().get_mut(analysis) {
            entry.new = entry.counted != *counted;
        }
    }

    /// Leaves those that are not active to the file.
    pub fn forget(&self, active: impl Fn(&str) -> bool) {
        self.lock().retain(|analysis, entry| entry.new || active(analysis));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Counted ===

impl Counted {
    /// Those of both.
    pub fn joined(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(mut one), Some(other)) = (one.clone(), other.clone()) else { return one.or(other) };
        one.seen.merge(&other.seen);
        one.failed.merge(&other.failed);
        Some(one)
    }

    /// How many had a failed request.
    pub fn failed(&self) -> pb::SessionCount {
        count(&self.failed)
    }

    /// How many had any.
    pub fn seen(&self) -> pb::SessionCount {
        count(&self.seen)
    }

    /// As they are kept.
    ///
    /// # Errors
    /// They cannot be deflated.
    pub fn pack(&self) -> std::io::Result<Vec<u8>> {
        let (seen, failed) = (self.seen.entries().collect(), self.failed.entries().collect());
        deflated(&pb::SessionSketch { seen, failed, ..Default::default() }.encode_to_vec())
    }

    /// As they were kept; none where they cannot be read.
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let sketch = inflated::<pb::SessionSketch>(packed)
            .inspect_err(|error| tracing::warn!(%error, "sessions that were kept cannot be read"))
            .ok()?;
        let mut counted = Self::default();
        counted.add(&sketch);
        Some(counted)
    }

    /// Whether that changed anything. Registers that are none were refused when they came.
    fn add(&mut self, told: &pb::SessionSketch) -> bool {
        let mut changed = false;
        let mut raise = |sketch: &mut Sketch, entry: &u32| changed |= sketch.raise_entry(*entry) == Ok(true);
        told.failed.iter().for_each(|entry| raise(&mut self.failed, entry));
        // a session that had a failed request had a request
        told.seen.iter().chain(&told.failed).for_each(|entry| raise(&mut self.seen, entry));
        changed
    }
}

fn count(sketch: &Sketch) -> pb::SessionCount {
    pb::SessionCount {
        // a few at least, 2^64 at most
        estimate: sketch.estimate().round() as u64,
        relative_standard_error: RELATIVE_STANDARD_ERROR,
    }
}
