//! The state of one kind of resource: replayed at start, changed only by commits.

mod call;
mod decision;
mod error;
mod load;
mod slot;
mod snapshot;
mod transact;

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use bellwether_clock::Env;
use bellwether_journal::Journal;
use tokio::sync::{oneshot, watch};

use self::slot::Slot;
use crate::{
    Aggregate, Entry,
    watch::{Progress, Told},
};

pub use call::Call;
pub use decision::{Decision, Done};
pub use error::{LoadError, TransactError};
pub(crate) use load::{decode_event, illegal};

/// All streams of one kind. Cheap to clone.
///
/// # Guarantees
/// - Readers see committed states only, and whoever was answered by [`Store::transact`] reads what he wrote.
/// - On one stream decisions are made one after the other, each on the state that the one before left.
///
/// # Assumptions
/// Events of this kind are committed through this store alone, in one process: the owner of the journal.
pub struct Store<A: Aggregate>(pub(crate) Arc<Inner<A>>);

pub(crate) struct Inner<A: Aggregate> {
    pub(crate) journal: Arc<dyn Journal>,
    env: Env,
    slots: RwLock<BTreeMap<Arc<str>, Arc<Slot<A>>>>,
    pub(crate) told: RwLock<Told<A>>,
    pub(crate) progress: watch::Sender<Progress>,
    /// Ends the task that follows the feed.
    _dropped: oneshot::Sender<()>,
}

// === impl Store ===

impl<A: Aggregate> Store<A> {
    /// The journal it is kept in, for cursors and outboxes.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.0.journal
    }

    /// The surroundings it takes its time from.
    pub fn env(&self) -> &Env {
        &self.0.env
    }

    /// The stream's state; none when it has no events.
    pub fn get(&self, stream: &str) -> Option<Arc<Entry<A>>> {
        let entry = self.find(stream)?.current();
        entry.exists().then_some(entry)
    }

    /// The states of all streams, by name.
    pub fn all(&self) -> Vec<Arc<Entry<A>>> {
        self.after(None)
    }

    /// The states of all streams after that name, by name.
    pub fn after(&self, stream: Option<&str>) -> Vec<Arc<Entry<A>>> {
        let slots = self.0.slots.read().unwrap_or_else(PoisonError::into_inner);
        let start = stream.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = slots.range::<str, _>((start, Bound::Unbounded)).map(|(_, slot)| slot.current());
        entries.filter(|entry| entry.exists()).collect()
    }

    /// The states that watchers have been told of, as of one position of the feed.
    pub(crate) fn published(&self) -> (u64, Vec<Arc<Entry<A>>>) {
        let told = self.0.told.read().unwrap_or_else(PoisonError::into_inner);
        let slots = self.0.slots.read().unwrap_or_else(PoisonError::into_inner);
        let entries = slots.values().map(|slot| slot.published()).filter(|entry| entry.exists());
        (told.position, entries.collect())
    }

    pub(crate) fn find(&self, stream: &str) -> Option<Arc<Slot<A>>> {
        self.0.slots.read().unwrap_or_else(PoisonError::into_inner).get(stream).cloned()
    }

    /// The stream's place; made when there is none.
    pub(crate) fn slot(&self, stream: &Arc<str>) -> Arc<Slot<A>> {
        if let Some(slot) = self.find(stream) {
            return slot;
        }
        let mut slots = self.0.slots.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Slot::new(Entry::empty(stream.clone()), 0));
        slots.entry(stream.clone()).or_insert_with(made).clone()
    }

    /// Forgets a place that was made for a stream that then got no event.
    fn tidy(&self, slot: Arc<Slot<A>>) {
        let current = slot.current();
        if current.exists() {
            return;
        }
        let mut slots = self.0.slots.write().unwrap_or_else(PoisonError::into_inner);
        // the map's and ours: nobody else is about to use it, and nobody can begin to while the map is locked
        if Arc::strong_count(&slot) == 2 {
            slots.remove(&current.stream);
        }
    }
}

impl<A: Aggregate> Clone for Store<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Aggregate> fmt::Debug for Store<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("prefix", &A::PREFIX).finish_non_exhaustive()
    }
}
