//! The executor's named invariants, checked in every state that was ever committed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bellwether_journal::{Commit, Part};
use bellwether_rollout::{Event, TargetState, evolve, invariants};

use crate::journal::Fact;

/// Every target as it was last committed, and what was wrong. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Rules(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    targets: BTreeMap<String, TargetState>,
    broken: Vec<String>,
    checked: usize,
}

// === impl Rules ===

impl Rules {
    /// Looks at a commit of the executor.
    pub(crate) fn committed(&self, commit: &Commit) {
        let mut inner = self.lock();
        for part in &commit.parts {
            inner.append(part, commit);
        }
    }

    /// The targets by the names of their streams.
    pub(crate) fn targets(&self) -> BTreeMap<String, TargetState> {
        self.lock().targets.clone()
    }

    /// How many states were checked.
    pub(crate) fn checked(&self) -> usize {
        self.lock().checked
    }

    /// What was broken.
    pub(crate) fn broken(&self) -> Vec<String> {
        self.lock().broken.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    fn append(&mut self, part: &Part, commit: &Commit) {
        let stream = part.stream.to_string();
        let mut state = self.targets.remove(&stream).unwrap_or_default();
        for event in &part.events {
            match serde_json::from_slice::<Fact>(&event.payload) {
                Ok(fact) => state = self.next(&stream, state, &fact.event, commit),
                Err(error) => self.broken.push(format!("{stream}: {} is no fact: {error}", event.kind)),
            }
        }
        for it in invariants::state(&state) {
            self.broken.push(format!("{stream} after version {}: {} {}", state.version, it.name, it.text));
        }
        self.checked += 1;
        self.targets.insert(stream, state);
    }

    fn next(&mut self, stream: &str, before: TargetState, event: &Event, commit: &Commit) -> TargetState {
        match evolve(before.clone(), event, commit.time) {
            Ok(after) => {
                for it in invariants::event(&before, event, &after, commit.time) {
                    self.broken.push(format!("{stream} {}: {} {}", after.version, it.name, it.text));
                }
                after
            }
            Err(illegal) => {
                self.broken.push(format!("{stream} after version {}: {illegal:?}", before.version));
                before
            }
        }
    }
}
