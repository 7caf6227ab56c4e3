//! The place of one stream.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use bellwether_journal::EventRecord;
use tokio::sync::Mutex;

use crate::{Aggregate, Entry};

/// One stream's states: the newest, and those since the one that watchers have been told of.
pub(crate) struct Slot<A: Aggregate> {
    /// Held while a decision is made and committed; the version of the last snapshot.
    pub(super) gate: Mutex<u64>,
    states: RwLock<States<A>>,
}

struct States<A: Aggregate> {
    current: Arc<Entry<A>>,
    published: Arc<Entry<A>>,
    /// From the one after `published` to `current`.
    ahead: VecDeque<Arc<Entry<A>>>,
}

// === impl Slot ===

impl<A: Aggregate> Slot<A> {
    pub(super) fn new(entry: Entry<A>, snapshot: u64) -> Self {
        let entry = Arc::new(entry);
        let states = States { current: entry.clone(), published: entry, ahead: VecDeque::new() };
        Self { gate: Mutex::new(snapshot), states: RwLock::new(states) }
    }

    pub(crate) fn current(&self) -> Arc<Entry<A>> {
        self.states.read().unwrap_or_else(PoisonError::into_inner).current.clone()
    }

    /// The state that watchers have been told of.
    pub(crate) fn published(&self) -> Arc<Entry<A>> {
        self.states.read().unwrap_or_else(PoisonError::into_inner).published.clone()
    }

    /// Takes in states that were committed; those that the feed brought already are there.
    pub(super) fn advance(&self, entries: impl IntoIterator<Item = Arc<Entry<A>>>) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if entry.version > states.current.version {
                states.current = entry.clone();
                states.ahead.push_back(entry);
            }
        }
    }

    /// Takes in an event that the feed brought and marks it as told; the state after it. None for one that had been
    /// told already.
    pub(crate) fn publish(
        &self,
        record: &EventRecord,
        event: &A::Event,
    ) -> Result<Option<Arc<Entry<A>>>, A::Illegal> {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        if record.version <= states.published.version {
            return Ok(None);
        }
        let entry = match states.ahead.pop_front() {
            Some(entry) => entry,
            None => {
                let entry = Arc::new(states.published.evolve(event, record.time, record.position)?);
                states.current = entry.clone();
                entry
            }
        };
        states.published = entry.clone();
        Ok(Some(entry))
    }
}
