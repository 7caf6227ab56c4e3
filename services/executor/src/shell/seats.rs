//! All targets of the running process, and where each rollout belongs.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use bellwether_clock::spawn;
use bellwether_proto::monitor::v1 as monitor;
use bellwether_rollout::RolloutId;

use super::{Executor, seat::Seat, tend};
use crate::targets::TargetEntry;

/// The seats by stream.
#[derive(Default)]
pub(crate) struct Seats {
    by_stream: RwLock<HashMap<Arc<str>, Arc<Seat>>>,
    by_rollout: RwLock<HashMap<RolloutId, Arc<str>>>,
}

// === impl Seats ===

impl Seats {
    /// Takes in a state; a target that is new gets its task.
    pub(super) fn publish(&self, executor: &Executor, entry: &Arc<TargetEntry>) {
        if !entry.exists() {
            return;
        }
        self.index(entry);
        match self.seat(&entry.stream) {
            Some(seat) => seat.publish(entry),
            None => self.add(executor, entry),
        }
    }

    fn add(&self, executor: &Executor, entry: &Arc<TargetEntry>) {
        let mut seats = self.by_stream.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = seats.get(&entry.stream) {
            return seat.publish(entry);
        }
        let (seat, ends) = Seat::new(entry.clone());
        seats.insert(entry.stream.clone(), Arc::new(seat));
        spawn("target", tend::tend(executor.clone(), ends));
    }

    fn index(&self, entry: &Arc<TargetEntry>) {
        let known = |index: &HashMap<RolloutId, Arc<str>>| {
            entry.state.core.rollouts.keys().all(|id| index.contains_key(id))
        };
        if known(&self.by_rollout.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut index = self.by_rollout.write().unwrap_or_else(PoisonError::into_inner);
        index.extend(entry.state.core.rollouts.keys().map(|id| (*id, entry.stream.clone())));
    }

    /// The stream that a rollout belongs to.
    pub(crate) fn stream_of(&self, rollout: RolloutId) -> Option<Arc<str>> {
        self.by_rollout.read().unwrap_or_else(PoisonError::into_inner).get(&rollout).cloned()
    }

    /// Hands a verdict to the target that it is about.
    pub(crate) fn judge(&self, rollout: RolloutId, verdict: Box<monitor::Verdict>) {
        let seat = self.stream_of(rollout).and_then(|stream| self.seat(&stream));
        if let Some(seat) = seat {
            seat.judge(verdict);
        }
    }

    fn seat(&self, stream: &str) -> Option<Arc<Seat>> {
        self.by_stream.read().unwrap_or_else(PoisonError::into_inner).get(stream).cloned()
    }
}
